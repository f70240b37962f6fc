//! A second opinion on proofs that two kernels are equal, and that kernels solve an equation: the naive evaluator at weights that are
//! made up.

use std::sync::Arc;

use super::examined::{MAX_WEIGHTS, MadeUp, values};
use crate::evaluate::{EvaluateError, Evaluator};
use crate::ir::{Equation, Factor, KernelExpr, KernelTerm, Symbols};
use crate::kernel::{ConcreteKernel, Kernel, Shape};
use crate::prove::values::point::Dependence;
use crate::prove::verdict::{Doubt, KernelVerdict};
use convproof_exact::{Limited, Symbol};

/// Most steps of the evaluator for both kernels, in its own units.
const STEPS: u64 = 1 << 15;

/// The verdict, unless it is that kernels are equal which the evaluator tells apart.
pub fn examined(
    verdict: KernelVerdict,
    left: &KernelTerm,
    right: &KernelTerm,
    symbols: &Symbols,
) -> KernelVerdict {
    let kernels = [left, right].map(KernelTerm::kernel);
    if kernels.iter().any(|kernel| kernel.is_later()) {
        return verdict;
    }
    match verdict {
        KernelVerdict::Equal if differ([left.expr(), right.expr()], kernels, symbols) => {
            KernelVerdict::Unknown(Doubt::Contradiction)
        }
        verdict => verdict,
    }
}

/// Most entries of the other side of an equation whose solution is looked at.
const MAX_ENTRIES: usize = 1 << 10;

/// Whether the evaluator finds that kernels do not solve an equation.
pub fn miss(equation: &Equation, kernels: &[Kernel], symbols: &Symbols) -> bool {
    if equation.target.shape().area().exceeds(MAX_ENTRIES) {
        return false;
    }
    let terms: Option<Vec<KernelTerm>> =
        kernels.iter().map(|kernel| KernelTerm::of_kernel(kernel, symbols)).collect();
    let Some(terms) = terms else { return false };
    let all = equation.given().map(KernelTerm::kernel).chain(kernels);
    let target = equation.target.expr();
    left_side(equation, &terms).is_some_and(|left| differ([&left, target], all, symbols))
}

/// Σ coefficient · product, with kernels in place of the unknowns.
fn left_side(equation: &Equation, kernels: &[KernelTerm]) -> Option<KernelExpr> {
    let values: Vec<Arc<KernelExpr>> = kernels.iter().map(|term| Arc::new(term.expr().clone())).collect();
    let product = |(coefficient, factors): &(_, Vec<Factor>)| {
        let one =
            ConcreteKernel::from_rationals(Shape::plane(1, 1), std::slice::from_ref(coefficient)).ok()?;
        factors.iter().try_fold(KernelExpr::Constant(Arc::new(one)), |product, factor| {
            let next = match factor {
                Factor::Known(term) => Arc::new(term.expr().clone()),
                Factor::Unknown(n) => values.get(*n)?.clone(),
                Factor::Dilated(n, by) => Arc::new(KernelExpr::Dilate(values.get(*n)?.clone(), *by)),
            };
            Some(KernelExpr::Convolve(Arc::new(product), next))
        })
    };
    let mut all = equation.terms.iter().map(product);
    let first = all.next()??;
    all.try_fold(first, |sum, term| Some(KernelExpr::Add(Arc::new(sum), Arc::new(term?))))
}

/// Whether two expressions of kernels differ at weights that are made up, as far as the evaluator can tell. Where roots of some weights
/// would not be real, positive weights are tried.
fn differ<'a>(
    sides: [&KernelExpr; 2],
    kernels: impl IntoIterator<Item = &'a Kernel>,
    symbols: &Symbols,
) -> bool {
    let used = symbols.foundations(kernels.into_iter().flat_map(Kernel::symbols).collect());
    let told = |signs| told_apart(sides, &used, symbols, signs);
    !used.len().exceeds(MAX_WEIGHTS)
        && [MadeUp::Mixed, MadeUp::Positive].into_iter().find_map(told) == Some(true)
}

/// Whether both differ in an entry; `None` where the evaluator has no result. Not looked at where it takes too many steps.
fn told_apart(sides: [&KernelExpr; 2], used: &[Symbol], symbols: &Symbols, signs: MadeUp) -> Option<bool> {
    let dependence = Dependence::of(symbols, used);
    let weights = values(used, &dependence, symbols, signs);
    let mut steps = STEPS;
    let mut value = |expr: &KernelExpr| Evaluator::rough(&weights).array(expr, &mut steps);
    let (a, b) = match (value(sides[0]), value(sides[1])) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(EvaluateError::TooLarge), _) | (_, Err(EvaluateError::TooLarge)) => return Some(false),
        _ => return None,
    };
    let entries = sides[0].shape().entries().unwrap_or(0);
    Some((0..entries).any(|entry| a.at(entry).differs(b.at(entry))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::Rational;

    #[test]
    fn kernels_that_differ_are_told_apart_and_others_are_not() {
        let mut symbols = Symbols::default();
        let shape = Shape::plane(1, 2);
        let [a, b, wide] = [("A", shape), ("B", shape), ("W", Shape::plane(40, 40))]
            .map(|(name, shape)| KernelTerm::free(&symbols.declare(name, shape, 2).unwrap()).unwrap());
        let number = |values: [i64; 2]| {
            KernelTerm::constant(ConcreteKernel::from_integers(shape, values.to_vec()).unwrap())
        };
        let root = a.sqrt(&mut symbols).unwrap();
        let two = number([2, 2]).sqrt(&mut symbols).unwrap();
        let equal = |left: &KernelTerm, right: &KernelTerm| match examined(
            KernelVerdict::Equal,
            left,
            right,
            &symbols,
        ) {
            KernelVerdict::Equal => true,
            KernelVerdict::Unknown(Doubt::Contradiction) => false,
            other => panic!("{other:?}"),
        };
        for term in [&a, &root, &two, &number([1, 2])] {
            assert!(equal(term, term));
        }
        assert!(!equal(&a, &b) && !equal(&a, &root) && !equal(&two, &number([1, 1])) && !equal(&root, &two));
        assert!(!equal(&number([1, 2]), &number([1, 3])) && !equal(&a, &number([1, 2])));
        // Not looked at: more weights than are made up.
        assert!(equal(&wide, &wide));
        let other = examined(KernelVerdict::Shapes, &a, &b, &symbols);
        assert!(matches!(other, KernelVerdict::Shapes));
    }

    #[test]
    fn kernels_that_do_not_solve_an_equation_are_told() {
        let mut symbols = Symbols::default();
        let row = |values: &[i64]| {
            ConcreteKernel::from_integers(Shape::plane(1, values.len()), values.to_vec()).unwrap()
        };
        let free = KernelTerm::free(&symbols.declare("A", Shape::plane(1, 2), 2).unwrap()).unwrap();
        let [first, second]: [Kernel; 2] = [row(&[1, 3]).into(), row(&[2, -1]).into()];
        let product = free.kernel().convolve(&first).unwrap().scale_rational(&Rational::from(2)).unwrap();
        let target = product.sub(&second.dilate([1, 2]).unwrap()).unwrap();
        // 2·A·U − V(x²)
        let equation = Equation {
            unknowns: Vec::new(),
            terms: vec![
                (Rational::from(2), vec![Factor::Known(free), Factor::Unknown(0)]),
                (Rational::from(-1), vec![Factor::Dilated(1, [1, 2])]),
            ],
            target: KernelTerm::of_kernel(&target, &symbols).unwrap(),
        };
        assert!(!miss(&equation, &[first.clone(), second.clone()], &symbols));
        assert!(miss(&equation, &[first.clone(), first], &symbols));
        assert!(miss(&equation, &[second.clone(), second], &symbols));
    }
}
