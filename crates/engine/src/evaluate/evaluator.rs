//! The state of evaluations at the same weights: limits, and kernels already computed.

use super::function::Functions;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::work::{MAX_WORK, Work};
use super::{Array4, Ball, EvaluateError, Image};
use crate::ir::{KernelExpr, Stack};
use convproof_exact::{Rational, Symbol};

/// How deep expressions and stacks may be nested.
pub const MAX_DEPTH: u32 = 400;

/// Bits to which irrational square roots are enclosed.
const ROOT_BITS: u32 = 320;
/// The same where much is computed with them.
const ROUGH_ROOT_BITS: u32 = 128;

/// Values of free symbols; 0 where none is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    values: BTreeMap<Symbol, Rational>,
    functions: Functions,
}

impl Weights {
    /// All symbols 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same weights; functions whose values are not rational are treated in this way.
    #[must_use]
    pub fn with_functions(self, functions: Functions) -> Self {
        Self { functions, ..self }
    }

    /// How functions whose values are not rational are treated.
    pub fn functions(&self) -> Functions {
        self.functions
    }

    /// Sets one symbol.
    pub fn set(&mut self, symbol: Symbol, value: Rational) {
        self.values.insert(symbol, value);
    }

    /// The value of a symbol.
    pub fn get(&self, symbol: Symbol) -> Rational {
        self.values.get(&symbol).cloned().unwrap_or_default()
    }

    /// The symbols from one up to another that were set, in order, with their values.
    pub fn between(&self, first: Symbol, end: Symbol) -> impl Iterator<Item = (Symbol, &Rational)> {
        self.values.range(first..end).map(|(&symbol, value)| (symbol, value))
    }

    /// The symbols that were set, in order, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, &Rational)> {
        self.values.iter().map(|(&symbol, value)| (symbol, value))
    }
}

impl FromIterator<(Symbol, Rational)> for Weights {
    fn from_iter<I: IntoIterator<Item = (Symbol, Rational)>>(values: I) -> Self {
        Self { values: values.into_iter().collect(), ..Self::default() }
    }
}

/// What a stack makes of an image, in exact numbers.
///
/// # Errors
/// [`EvaluateError`]; see [`EvaluateError::is_no_output`] for those that mean that the stack is undefined on
/// images of this size. [`EvaluateError::Irrational`] where an output is not known exactly.
pub fn run(stack: &Stack, image: &Image, weights: &Weights) -> Result<Image, EvaluateError> {
    let output = Evaluator::new(weights, None).run(stack, image, &mut MAX_WORK.clone())?;
    output.exact().ok_or(EvaluateError::Irrational)
}

/// What a stack makes of an image; irrational square roots are enclosed.
///
/// # Errors
/// As for [`run`].
pub fn enclosed(stack: &Stack, image: &Image, weights: &Weights) -> Result<Image<Ball>, EvaluateError> {
    Evaluator::new(weights, Some(ROOT_BITS)).run(stack, image, &mut MAX_WORK.clone())
}

/// The value of a kernel expression, in exact numbers.
///
/// # Errors
/// [`EvaluateError`].
pub fn kernel(expr: &KernelExpr, weights: &Weights) -> Result<Array4, EvaluateError> {
    let array = Evaluator::new(weights, None).array(expr, &mut MAX_WORK.clone())?;
    array.exact().ok_or(EvaluateError::Irrational)
}

/// The value of a kernel expression; irrational square roots are enclosed.
///
/// # Errors
/// [`EvaluateError`].
pub fn kernel_enclosed(expr: &KernelExpr, weights: &Weights) -> Result<Array4<Ball>, EvaluateError> {
    Evaluator::new(weights, Some(ROOT_BITS)).array(expr, &mut MAX_WORK.clone())
}

/// Evaluations at the same weights, which compute a kernel once.
pub struct Evaluator<'a> {
    pub(super) weights: &'a Weights,
    /// To how many bits irrational square roots are enclosed; `None` where they are refused.
    pub(super) root_bits: Option<u32>,
    pub(super) work: Work,
    depth: u32,
    /// Values of expressions by their addresses, which stay theirs for `'a`.
    kernels: HashMap<*const KernelExpr, Rc<Array4<Ball>>>,
}

impl<'a> Evaluator<'a> {
    /// At these weights.
    fn new(weights: &'a Weights, root_bits: Option<u32>) -> Self {
        Self { weights, root_bits, work: Work::new(MAX_WORK), depth: 0, kernels: HashMap::new() }
    }

    /// At these weights; irrational square roots are enclosed, as closely as it takes to notice mistakes.
    pub fn rough(weights: &'a Weights) -> Self {
        Self::new(weights, Some(ROUGH_ROOT_BITS))
    }

    /// The value of a kernel expression, in so many units of work, of which it leaves the rest.
    ///
    /// # Errors
    /// [`EvaluateError`].
    pub fn array(&mut self, expr: &'a KernelExpr, units: &mut u64) -> Result<Array4<Ball>, EvaluateError> {
        let array = self.within(units, |evaluator| evaluator.kernel(expr));
        array.map(|array| (*array).clone())
    }

    /// What a stack makes of an image, with a limit on the work, in the units of [`MAX_WORK`], which is lowered by what
    /// was done.
    ///
    /// # Errors
    /// As for [`run`].
    pub fn run(
        &mut self,
        stack: &'a Stack,
        image: &Image,
        units: &mut u64,
    ) -> Result<Image<Ball>, EvaluateError> {
        let output = self.within(units, |this| this.stack(stack, &Rc::new(image.balls())));
        match &output {
            // It is the caller's from now on.
            Ok(output) => self.work.release(output.values()),
            // What was kept of images has no owner any more.
            Err(_) => {
                self.kernels.clear();
                self.work.release_all();
            }
        }
        output
    }

    /// Something with a limit on the work, which is lowered by what was done.
    fn within<T>(
        &mut self,
        units: &mut u64,
        visit: impl FnOnce(&mut Self) -> Result<T, EvaluateError>,
    ) -> Result<T, EvaluateError> {
        self.work.allow(*units);
        let result = visit(self);
        *units = self.work.left();
        result
    }

    /// The value of an expression, computed once however often it occurs.
    pub(super) fn kernel(&mut self, expr: &'a KernelExpr) -> Result<Rc<Array4<Ball>>, EvaluateError> {
        let address = std::ptr::from_ref(expr);
        if let Some(known) = self.kernels.get(&address) {
            return Ok(known.clone());
        }
        let array = Rc::new(self.deeper(|this| this.compute_kernel(expr))?);
        self.kernels.insert(address, array.clone());
        Ok(array)
    }

    /// Drops an image that was built in this evaluation.
    #[allow(clippy::needless_pass_by_value, reason = "the image is gone afterwards")]
    pub(super) fn discard(&mut self, image: Image<Ball>) {
        self.work.release(image.values());
    }

    /// One level deeper into an expression or a stack.
    pub(super) fn deeper<T>(
        &mut self,
        visit: impl FnOnce(&mut Self) -> Result<T, EvaluateError>,
    ) -> Result<T, EvaluateError> {
        if self.depth == MAX_DEPTH {
            return Err(EvaluateError::TooDeep);
        }
        self.depth += 1;
        let result = visit(self);
        self.depth -= 1;
        result
    }
}
