//! The state of evaluations at the same weights: limits, and kernels already computed.

use super::function::Functions;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::work::{MAX_WORK, Work};
use super::{Array4, EvaluateError, Image};
use crate::ir::{KernelExpr, Stack};
use convproof_exact::{Rational, Symbol};

/// How deep expressions and stacks may be nested.
pub const MAX_DEPTH: u32 = 400;

/// Bits to which irrational square roots are known where they are replaced by rationals.
const ROOT_BITS: u32 = 320;
/// The same where more is computed with them.
const ROUGH_ROOT_BITS: u32 = 192;
/// Bits of these that may be lost to cancellation.
const CANCELLED_BITS: u32 = 120;

/// Values of free symbols; 0 where none is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    values: BTreeMap<Symbol, Rational>,
    /// To how many bits irrational square roots are known; `None` where they are refused.
    root_bits: Option<u32>,
    functions: Functions,
}

impl Weights {
    /// All symbols 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same weights; square roots that are irrational are replaced by close rationals, not refused.
    #[must_use]
    pub fn approximating(self) -> Self {
        Self { root_bits: Some(ROOT_BITS), ..self }
    }

    /// The same with fewer bits, where much is computed and nothing refuted.
    #[must_use]
    pub fn approximating_roughly(self) -> Self {
        Self { root_bits: Some(ROUGH_ROOT_BITS), ..self }
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

    /// Whether irrational square roots are replaced by close rationals.
    pub fn is_approximating(&self) -> bool {
        self.root_bits.is_some()
    }

    /// To how many bits irrational square roots are known, if they are replaced.
    pub(super) fn root_bits(&self) -> Option<u32> {
        self.root_bits
    }

    /// The share of their magnitudes by which outputs may differ for square roots that were cut off.
    pub fn margin(&self) -> Rational {
        self.root_bits.map_or(Rational::ZERO, |bits| Rational::dyadic(1.into(), bits - CANCELLED_BITS))
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

/// What a stack makes of an image.
///
/// # Errors
/// [`EvaluateError`]; see [`EvaluateError::is_no_output`] for those that mean that the stack is undefined on
/// images of this size.
pub fn run(stack: &Stack, image: &Image, weights: &Weights) -> Result<Image, EvaluateError> {
    Evaluator::new(weights).run(stack, image, &mut MAX_WORK.clone())
}

/// The value of a kernel expression.
///
/// # Errors
/// [`EvaluateError`].
pub fn kernel(expr: &KernelExpr, weights: &Weights) -> Result<Array4, EvaluateError> {
    kernel_within(expr, weights, &mut MAX_WORK.clone())
}

/// The value of a kernel expression, in so many units of work, of which it leaves the rest.
///
/// # Errors
/// [`EvaluateError`].
pub fn kernel_within(expr: &KernelExpr, weights: &Weights, units: &mut u64) -> Result<Array4, EvaluateError> {
    let mut evaluator = Evaluator::new(weights);
    let array = evaluator.within(units, |evaluator| evaluator.kernel(expr));
    array.map(|array| (*array).clone())
}

/// Evaluations at the same weights, which compute a kernel once.
pub struct Evaluator<'a> {
    pub(super) weights: &'a Weights,
    pub(super) work: Work,
    depth: u32,
    /// Values of expressions by their addresses, which stay theirs for `'a`.
    kernels: HashMap<*const KernelExpr, Rc<Array4>>,
}

impl<'a> Evaluator<'a> {
    /// At these weights.
    pub fn new(weights: &'a Weights) -> Self {
        Self { weights, work: Work::new(MAX_WORK), depth: 0, kernels: HashMap::new() }
    }

    /// What a stack makes of an image, with a limit on the work, in the units of [`MAX_WORK`], which is lowered by what
    /// was done.
    ///
    /// # Errors
    /// As for [`run`].
    pub fn run(&mut self, stack: &'a Stack, image: &Image, units: &mut u64) -> Result<Image, EvaluateError> {
        let output = self.within(units, |this| this.stack(stack, image));
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
    pub(super) fn kernel(&mut self, expr: &'a KernelExpr) -> Result<Rc<Array4>, EvaluateError> {
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
    pub(super) fn discard(&mut self, image: Image) {
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
