//! A second opinion on proofs that two kernels are equal: the naive evaluator at weights that are made up.

use super::examined::{MAX_WEIGHTS, values};
use crate::evaluate::{EvaluateError, kernel_within};
use crate::ir::{KernelTerm, Symbols};
use crate::kernel::Kernel;
use crate::prove::values::point::Dependence;
use crate::prove::verdict::counterexample::differ;
use crate::prove::verdict::{Doubt, KernelVerdict};
use convproof_exact::Limited;

/// Most steps of the evaluator for both kernels, in its own units.
const STEPS: u64 = 1 << 15;

/// The verdict, unless it is that kernels are equal which the evaluator tells apart.
pub fn examined(
    verdict: KernelVerdict,
    left: &KernelTerm,
    right: &KernelTerm,
    symbols: &Symbols,
) -> KernelVerdict {
    // Where roots of some weights would not be real, positive weights are tried.
    let differ = || [false, true].into_iter().find_map(|positive| told_apart(left, right, symbols, positive));
    match verdict {
        KernelVerdict::Equal if differ() == Some(true) => KernelVerdict::Unknown(Doubt::Contradiction),
        verdict => verdict,
    }
}

/// Whether both differ in an entry; `None` where the evaluator has no result, or not in so many steps.
fn told_apart(left: &KernelTerm, right: &KernelTerm, symbols: &Symbols, positive: bool) -> Option<bool> {
    let kernels = [left, right].map(KernelTerm::kernel);
    if kernels.iter().any(|kernel| kernel.is_later()) {
        return None;
    }
    let used = symbols.foundations(kernels.map(Kernel::symbols).concat());
    if used.len().exceeds(MAX_WEIGHTS) {
        return None;
    }
    let dependence = Dependence::of(symbols, &used);
    let weights = values(&used, &dependence, symbols, positive);
    let mut steps = STEPS;
    let mut value = |term: &KernelTerm| kernel_within(term.expr(), &weights, &mut steps);
    let (a, b) = match (value(left), value(right)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(EvaluateError::TooLarge), _) | (_, Err(EvaluateError::TooLarge)) => return Some(false),
        _ => return None,
    };
    let entries = left.shape().entries().unwrap_or(0);
    Some((0..entries).any(|entry| differ(a.at(entry), b.at(entry), &weights)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{ConcreteKernel, Shape};

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
}
