//! Equations of `exists`, `solve` and `fit`: sums of products of unknown and known kernels.

use super::build::Amount;
use super::build::arrays::{number_array, side};
use super::build::error::{Exceeded, ResolveErrorKind, Side};
use super::build::value::{Array, Role};
use super::layer_equations::{as_proposition, is_dilation, is_of_layers};
use super::scope::Entry;
use super::{ClaimBody, Resolver, builtins};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, ClaimScope, Declared, Expr, ExprKind, Problem};
use convproof_engine::ir::{Equation, Factor, FitProblem, MAX_CERTIFIED, Unknown};
use convproof_engine::kernel::Shape;
use convproof_exact::Rational;

/// Most products that an equation may have once it is multiplied out, and factors in each.
pub const MAX_TERMS: usize = 256;

/// One product: coefficient, factors, and the shape of what they make.
#[derive(Clone, Debug)]
struct Product {
    coefficient: Rational,
    factors: Vec<Factor>,
    shape: Shape,
}

/// What stands after `with`.
#[derive(Default)]
struct FitOptions {
    seed: Option<u64>,
    starts: Option<usize>,
    certify: Option<usize>,
}

impl Resolver<'_> {
    pub(super) fn solve(&mut self, problem: &Problem) -> Option<ClaimBody> {
        let fresh = self.fresh_unknowns(&problem.unknowns);
        let Problem { unknowns, left, right, scope, span, .. } = problem;
        let body = if is_of_layers(unknowns, left, right) {
            self.layer_equation(unknowns, as_proposition(left, right, scope, *span))
                .map(Box::new)
                .map(ClaimBody::Layers)
        } else if *scope != ClaimScope::default() {
            let why =
                "`on` and `where` are about the input of stacks, and this is an equation between kernels";
            self.fail(*span, ResolveErrorKind::Equation(why))
        } else {
            self.equation(unknowns, left, right, *span).map(ClaimBody::Solve)
        };
        self.unbound(unknowns);
        body.filter(|_| fresh)
    }

    pub(super) fn fit(&mut self, problem: &Problem) -> Option<FitProblem> {
        let options = self.options(problem);
        let (equation, rank) = match &problem.rank {
            None => {
                let fresh = self.fresh_unknowns(&problem.unknowns);
                let equation = self.equation(&problem.unknowns, &problem.left, &problem.right, problem.span);
                self.unbound(&problem.unknowns);
                (equation.filter(|_| fresh), None)
            }
            Some(rank) => {
                let rank = self.count(rank, Amount { what: "the rank", range: [1, 1024] });
                (self.low_rank(problem), Some(rank?))
            }
        };
        let equation = equation?;
        if equation.terms.iter().flat_map(|(_, factors)| factors).any(|f| matches!(f, Factor::Dilated(..))) {
            let why = "`fit` does not dilate unknown kernels; `solve` and `exists` do";
            return self.fail(problem.span, ResolveErrorKind::Equation(why));
        }
        if equation.given().any(|term| term.kernel().as_concrete().is_none()) {
            let what = "every given kernel of `fit`";
            return self.fail(problem.span, ResolveErrorKind::NotConstant { what });
        }
        let within = match &problem.within {
            None => None,
            Some(bound) => Some(self.share(bound)?),
        };
        let FitOptions { seed, starts, certify } = options?;
        Some(FitProblem { equation, rank, seed, starts, within, quick: problem.quick, certify })
    }

    /// `fit rank r: L ~ D`: the left side is the new kernel itself.
    fn low_rank(&mut self, problem: &Problem) -> Option<Equation> {
        let ExprKind::Name(name) = &problem.left.kind else {
            let why = "`rank` fits one new kernel, so its left side is a new name, as in `fit rank 2: L ~ D`";
            return self.fail(problem.left.span, ResolveErrorKind::Equation(why));
        };
        let name = crate::syntax::ast::Name { text: name.clone(), span: problem.left.span };
        let unknown = Declared { name, shape: None };
        let fresh = self.may_declare(&unknown.name);
        let target = self.array(&problem.right, "a kernel");
        self.unbound(std::slice::from_ref(&unknown));
        let target = target.filter(|_| fresh)?;
        self.plane(&target, problem.right.span)?;
        let unknown = Unknown { name: unknown.name.text, shape: target.shape() };
        let terms = vec![(Rational::from(1), vec![Factor::Unknown(0)])];
        Some(Equation { unknowns: vec![unknown], terms, target: target.term })
    }

    /// Unknowns of `solve` and `fit` are declared for the statements that follow, so their names must be new.
    fn fresh_unknowns(&mut self, unknowns: &[Declared]) -> bool {
        let mut fresh = true;
        for unknown in unknowns {
            fresh &= self.may_declare(&unknown.name);
        }
        fresh
    }

    /// Until the driver binds them, the unknowns' values are not known.
    fn unbound(&mut self, unknowns: &[Declared]) {
        for Declared { name, .. } in unknowns {
            self.poison(&name.text, name.span);
        }
    }

    /// The number after `within`, which is not negative.
    fn share(&mut self, bound: &Expr) -> Option<Rational> {
        let value = self.number(bound, "the bound")?;
        if value.is_negative() {
            let why = "what comes after `within` is a share of the least residual, at least 0, as in `within 1/100`";
            return self.fail(bound.span, ResolveErrorKind::Equation(why));
        }
        Some(value)
    }

    /// `with seed=7, starts=50, certify=256`.
    fn options(&mut self, problem: &Problem) -> Option<FitOptions> {
        let mut options = FitOptions::default();
        let mut fine = true;
        let signature = "with seed=0, starts=64, certify=144";
        let mut seen: Vec<(&str, Span)> = Vec::new();
        for option in &problem.options {
            let Some(name) = &option.name else { continue };
            if let Some((_, first)) = seen.iter().find(|(own, _)| *own == name.text) {
                let kind = ResolveErrorKind::RepeatedArgument { argument: name.text.clone(), first: *first };
                self.report(name.span, kind);
                fine = false;
                continue;
            }
            seen.push((&name.text, name.span));
            match name.text.as_str() {
                "seed" => {
                    let value =
                        self.integer(&option.value, Amount { what: "the seed", range: [0, i64::MAX] });
                    fine &= value.is_some();
                    options.seed = value.and_then(|value| u64::try_from(value).ok());
                }
                "starts" => {
                    let value = self
                        .count(&option.value, Amount { what: "the number of starts", range: [1, 10_000] });
                    fine &= value.is_some();
                    options.starts = value;
                }
                "certify" => {
                    let most = i64::try_from(MAX_CERTIFIED).unwrap_or(i64::MAX);
                    let amount = Amount { what: "the number of products of entries", range: [1, most] };
                    let value = self.count(&option.value, amount);
                    fine &= value.is_some();
                    options.certify = value;
                }
                other => {
                    let kind = ResolveErrorKind::UnknownArgument {
                        function: "fit",
                        argument: other.to_owned(),
                        suggestion: super::scope::nearest(other, ["seed", "starts", "certify"].into_iter()),
                        signature,
                    };
                    self.report(name.span, kind);
                    fine = false;
                }
            }
        }
        fine.then_some(options)
    }

    /// `left == right` with unknowns on one side.
    pub(super) fn equation(
        &mut self,
        declared: &[Declared],
        left: &Expr,
        right: &Expr,
        span: Span,
    ) -> Option<Equation> {
        let unknowns = self.unknowns(declared)?;
        let (here, there) = (mentions(left, &unknowns), mentions(right, &unknowns));
        let (left, right) = match (here, there) {
            (true, false) => (left, right),
            (false, true) => (right, left),
            (false, false) => {
                let why = "the equation does not mention the unknown kernels";
                return self.fail(span, ResolveErrorKind::Equation(why));
            }
            (true, true) => {
                let why = "the unknown kernels stand on both sides; bring them to one";
                return self.fail(span, ResolveErrorKind::Equation(why));
            }
        };
        // Inside the equation an unknown hides what its name stood for, so nothing else may use it.
        let hiding = self.scope.hiding();
        for unknown in declared {
            self.scope.hide(&unknown.name.text, Entry { value: None, span: unknown.name.span });
        }
        let products = self.products(left, &unknowns);
        self.scope.reveal(hiding);
        let target = self.array(right, "a kernel");
        let (mut products, target) = (products?, target?);
        self.plane(&target, right.span)?;
        products.retain(|product| !product.coefficient.is_zero());
        for (n, unknown) in declared.iter().enumerate() {
            let is = |factor: &Factor| factor.unknown().is_some_and(|(m, _)| m == n);
            let used = products.iter().any(|product| product.factors.iter().any(is));
            if !used {
                let why = "this unknown kernel does not occur in the equation";
                return self.fail(unknown.name.span, ResolveErrorKind::Equation(why));
            }
        }
        for product in &products {
            if product.shape != target.shape() {
                let left = Side { span: left.span, declared: None, what: product.shape.to_string() };
                let right = side(right.span, &target);
                let context = "an equation";
                let hint = Some("the product of an [a,b] and a [c,d] kernel is [a+c-1,b+d-1]".to_owned());
                return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint });
            }
        }
        let terms = products.into_iter().map(|product| (product.coefficient, product.factors)).collect();
        Some(Equation { unknowns, terms, target: target.term })
    }

    fn unknowns(&mut self, declared: &[Declared]) -> Option<Vec<Unknown>> {
        let mut unknowns: Vec<Option<Unknown>> = Vec::new();
        for (n, Declared { name, shape }) in declared.iter().enumerate() {
            let twice = declared[..n].iter().find(|other| other.name.text == name.text);
            unknowns.push(if let Some(first) = twice {
                let first = first.name.span;
                self.fail(name.span, ResolveErrorKind::DefinedTwice { name: name.text.clone(), first })
            } else {
                self.unknown(name, shape.as_deref())
            });
        }
        unknowns.into_iter().collect()
    }

    fn unknown(&mut self, name: &crate::syntax::ast::Name, shape: Option<&[Expr]>) -> Option<Unknown> {
        if !self.may_shadow(name) {
            return None;
        }
        let Some(indices) = shape else {
            return self.fail(name.span, ResolveErrorKind::UnknownShape(name.text.clone()));
        };
        let shape = self.extents(indices, false, name.span)?;
        if !shape.is_plane() {
            let why = "unknown kernels have one channel in and out, as in `P[3,3]`";
            return self.fail(name.span, ResolveErrorKind::Equation(why));
        }
        Some(Unknown { name: name.text.clone(), shape })
    }

    fn plane(&mut self, array: &Array, span: Span) -> Option<()> {
        if array.shape().is_plane() {
            return Some(());
        }
        let why = "an equation is between kernels with one channel in and out";
        self.fail(span, ResolveErrorKind::Equation(why))
    }

    /// An expression multiplied out.
    #[expect(clippy::too_many_lines, reason = "one arm for each form of expression")]
    fn products(&mut self, expr: &Expr, unknowns: &[Unknown]) -> Option<Vec<Product>> {
        if !mentions(expr, unknowns) {
            let array = self.array(expr, "a kernel")?;
            self.plane(&array, expr.span)?;
            return Some(vec![known(&array)]);
        }
        match &expr.kind {
            ExprKind::Name(name) => {
                let n = unknowns.iter().position(|unknown| unknown.name == *name)?;
                let factors = vec![Factor::Unknown(n)];
                Some(vec![Product { coefficient: Rational::from(1), factors, shape: unknowns[n].shape }])
            }
            ExprKind::Negate(inner) => {
                let products = self.products(inner, unknowns)?;
                Some(scaled(products, &Rational::from(-1)))
            }
            ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), left, right) => {
                let (a, b) = (self.products(left, unknowns), self.products(right, unknowns));
                let (mut a, b) = (a?, b?);
                let b = if *op == BinaryOp::Sub { scaled(b, &Rational::from(-1)) } else { b };
                if let (Some(x), Some(y)) = (a.first(), b.first())
                    && x.shape != y.shape
                {
                    let of = |span, shape: Shape| Side { span, declared: None, what: shape.to_string() };
                    let (left, right) = (of(left.span, x.shape), of(right.span, y.shape));
                    let context = if *op == BinaryOp::Sub { "a difference" } else { "a sum" };
                    let kind = ResolveErrorKind::ShapeMismatch { context, left, right, hint: None };
                    return self.fail(expr.span, kind);
                }
                a.extend(b);
                self.bounded(a, expr.span)
            }
            ExprKind::Binary(BinaryOp::Mul, left, right) => {
                let (a, b) = (self.products(left, unknowns), self.products(right, unknowns));
                self.multiplied(&a?, &b?, expr.span)
            }
            ExprKind::Binary(BinaryOp::Div, left, right) if !mentions(right, unknowns) => {
                let (a, divisor) = (self.products(left, unknowns), self.scalar(right));
                let (a, divisor) = (a?, divisor?);
                let one = number_array(Rational::from(1));
                let inverse = self.build.divide((&one, right.span), (&divisor, right.span), right.span)?;
                self.multiplied(&a, &[known(&inverse)], expr.span)
            }
            ExprKind::Binary(BinaryOp::Pow, base, exponent) if !mentions(exponent, unknowns) => {
                let base = self.products(base, unknowns);
                let n = self.count(exponent, Amount { what: "the exponent", range: [1, 64] });
                let (base, n) = (base?, n?);
                let mut power = base.clone();
                for _ in 1..n {
                    power = self.multiplied(&power, &base, expr.span)?;
                }
                Some(power)
            }
            ExprKind::Call(callee, arguments) if is_dilation(callee) => {
                let signature = builtins::signature(&builtins::FUNCTIONS, "dilate", arguments.len())?;
                let bound = self.arguments(signature, arguments, expr.span)?;
                let products = self.products(bound.at(0), unknowns);
                let by = self.pair(bound.at(1), Amount::FACTOR);
                self.dilated(&products?, by?, unknowns, expr.span)
            }
            _ => {
                let why = "unknown kernels may only be added, subtracted, multiplied, dilated and divided by numbers";
                self.fail(expr.span, ResolveErrorKind::Equation(why))
            }
        }
    }

    /// Each factor dilated, as products are dilated factor by factor.
    fn dilated(
        &mut self,
        products: &[Product],
        by: [usize; 2],
        unknowns: &[Unknown],
        span: Span,
    ) -> Option<Vec<Product>> {
        let extent = |extent: usize, by: usize| (extent - 1) * by + 1;
        let mut all = Vec::with_capacity(products.len());
        for product in products {
            let Shape { height, width, .. } = product.shape;
            let shape = Shape { height: extent(height, by[0]), width: extent(width, by[1]), ..product.shape };
            if let Err(error) = shape.validate() {
                return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error)));
            }
            let mut factors = Vec::with_capacity(product.factors.len());
            for factor in &product.factors {
                factors.push(match (factor.unknown(), factor) {
                    // Its dilated extents are at most those of the product, so these numbers do not overflow.
                    (Some((n, own)), _) => {
                        Factor::dilated(n, unknowns[n].shape, [own[0] * by[0], own[1] * by[1]])
                    }
                    (None, Factor::Known(term)) => {
                        let degree = term.kernel().degree();
                        let array = Array {
                            term: term.clone(),
                            role: Role::Kernel,
                            declared: None,
                            depth: 0,
                            degree,
                        };
                        Factor::Known(self.build.dilate(&array, by, span)?.term)
                    }
                    (None, other) => other.clone(),
                });
            }
            all.push(Product { factors, shape, ..product.clone() });
        }
        Some(all)
    }

    fn multiplied(&mut self, left: &[Product], right: &[Product], span: Span) -> Option<Vec<Product>> {
        if left.len().saturating_mul(right.len()) > MAX_TERMS {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Terms(MAX_TERMS)));
        }
        let mut all = Vec::with_capacity(left.len() * right.len());
        for a in left {
            for b in right {
                let shape = Shape {
                    height: a.shape.height + b.shape.height - 1,
                    width: a.shape.width + b.shape.width - 1,
                    ..a.shape
                };
                if let Err(error) = shape.validate() {
                    return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error)));
                }
                let factors = [a.factors.as_slice(), b.factors.as_slice()].concat();
                all.push(Product { coefficient: &a.coefficient * &b.coefficient, factors, shape });
            }
        }
        self.bounded(all, span)
    }

    fn bounded(&mut self, products: Vec<Product>, span: Span) -> Option<Vec<Product>> {
        let longest = products.iter().map(|product| product.factors.len()).max().unwrap_or(0);
        if products.len() > MAX_TERMS || longest > MAX_TERMS {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Terms(MAX_TERMS)));
        }
        Some(products)
    }
}

/// A known kernel as a product: numbers become the coefficient.
fn known(array: &Array) -> Product {
    match array.constant() {
        Some(coefficient) => Product { coefficient, factors: Vec::new(), shape: array.shape() },
        None => {
            let factors = vec![Factor::Known(array.term.clone())];
            Product { coefficient: Rational::from(1), factors, shape: array.shape() }
        }
    }
}

fn scaled(mut products: Vec<Product>, factor: &Rational) -> Vec<Product> {
    for product in &mut products {
        product.coefficient = &product.coefficient * factor;
    }
    products
}

/// Whether an unknown occurs in an expression.
fn mentions(expr: &Expr, unknowns: &[Unknown]) -> bool {
    match &expr.kind {
        ExprKind::Name(name) => unknowns.iter().any(|unknown| unknown.name == *name),
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => false,
        ExprKind::Array(entries, _) => entries.iter().any(|entry| mentions(entry, unknowns)),
        ExprKind::Negate(inner) => mentions(inner, unknowns),
        ExprKind::Binary(_, left, right) => mentions(left, unknowns) || mentions(right, unknowns),
        ExprKind::Call(callee, arguments) => {
            mentions(callee, unknowns) || arguments.iter().any(|argument| mentions(&argument.value, unknowns))
        }
        ExprKind::Index(base, indices) => {
            mentions(base, unknowns) || indices.iter().any(|index| mentions(index, unknowns))
        }
        ExprKind::Slice(parts) => parts.iter().flatten().any(|part| mentions(part, unknowns)),
    }
}
