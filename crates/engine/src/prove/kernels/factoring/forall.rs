//! Whether for every target there are kernels with it as their product.

use super::{EquationVerdict, equation, occurrences, term_shape};
use crate::ir::{Equation, Factor, Field, Symbols};
use crate::kernel::{ConcreteKernel, Shape};
use crate::limits::WITNESSES;
use crate::prove::verdict::Doubt;
use convproof_exact::budget;
use convproof_exact::{Limited, SplitMix64};

/// Targets at which a proof for all of them is looked at, and their largest area.
const SPOTS: usize = 6;
const MAX_SPOT: usize = 32;

/// What is known of "for all values of the target there are kernels".
#[derive(Clone, Debug)]
pub enum ForallVerdict {
    /// It is true.
    Always(Reason),
    /// A target without solution.
    Fails {
        /// The target, small integers.
        target: Box<ConcreteKernel>,
        /// Why it has none.
        answer: Box<EquationVerdict>,
        /// Entries of the target, and free parameters of the unknowns (scalar factors between them left out).
        parameters: (usize, usize),
    },
    /// It could not be decided.
    Unknown(Doubt),
}

/// Why an equation is solvable for every target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One unknown has the shape of the target, the others are scalars.
    Trivial,
    /// Polynomials in one variable split into linear factors over ℂ.
    Linear,
    /// Polynomials in one variable split into linear and quadratic factors over ℝ, and at most one unknown has odd degree.
    Quadratic,
}

/// Decides "for all targets": the target's kernel is free and used whole.
pub fn forall(equation_: &Equation, field: Field, symbols: &Symbols) -> ForallVerdict {
    let target = equation_.target.shape();
    let [(coefficient, factors)] = equation_.terms.as_slice() else {
        return ForallVerdict::Unknown(Doubt::Sums);
    };
    let shapes: Vec<Shape> = factors
        .iter()
        .filter_map(|factor| factor.unknown().map(|(n, _)| equation_.unknowns[n].shape))
        .collect();
    let once = (0..equation_.unknowns.len()).all(|n| occurrences(factors, n) == 1);
    let plain = factors.iter().all(|factor| matches!(factor, Factor::Unknown(_)));
    let splits = term_shape(equation_, factors) == target && once && plain && !coefficient.is_zero();
    let always = splits.then(|| always(target, &shapes, field)).flatten();
    let parameters = {
        let free: usize = equation_.unknowns.iter().map(|unknown| unknown.shape.area()).sum();
        (target.area(), free.saturating_sub(equation_.unknowns.len().saturating_sub(1)))
    };
    let mut generator = SplitMix64::new(0x000F_0A11);
    let _doing = budget::doing("looking for a kernel without factors");
    // What is always so is looked at for a few targets, too, if these are small.
    let attempts = match always {
        None => WITNESSES,
        Some(_) if target.area().within(MAX_SPOT) => SPOTS,
        Some(_) => 0,
    };
    for attempt in 0..attempts {
        budget::spend_on(target.area(), 20);
        let Some(kernel) = candidate(target, attempt, &mut generator) else { break };
        let concrete =
            Equation { target: crate::ir::KernelTerm::constant(kernel.clone()), ..equation_.clone() };
        let answer = equation(&concrete, symbols);
        if answer.solvable(field) == Some(false) {
            return match always {
                None => {
                    ForallVerdict::Fails { target: Box::new(kernel), answer: Box::new(answer), parameters }
                }
                Some(_) => ForallVerdict::Unknown(Doubt::Contradiction),
            };
        }
    }
    let doubt = Doubt::EveryTarget { tries: attempts };
    always.map_or(ForallVerdict::Unknown(doubt), ForallVerdict::Always)
}

/// Why a product of kernels of these shapes, each used once, is every kernel of the target's shape, which is theirs together.
fn always(target: Shape, shapes: &[Shape], field: Field) -> Option<Reason> {
    let wide: Vec<usize> = shapes.iter().map(Shape::area).filter(|&area| area > 1).collect();
    if wide.len() <= 1 {
        return Some(Reason::Trivial);
    }
    let even = wide.iter().filter(|&&area| area % 2 == 0).count();
    match field {
        _ if target.height > 1 && target.width > 1 => None,
        Field::Complex => Some(Reason::Linear),
        Field::Reals if even <= 1 => Some(Reason::Quadratic),
        _ => None,
    }
}

/// Simple kernels first: ones at a few places, then random entries of growing size.
fn candidate(shape: Shape, attempt: usize, generator: &mut SplitMix64) -> Option<ConcreteKernel> {
    let (height, width) = (shape.height, shape.width);
    let last = height * width - 1;
    let mut cells = vec![0_i64; height * width];
    let mut put = |places: &[(usize, i64)]| places.iter().for_each(|&(at, value)| cells[at] = value);
    match attempt {
        // 1 + x^m·y^n, then x^m + y^n + 1, then one-variable classics without rational or real roots.
        0 => put(&[(0, 1), (last, 1)]),
        1 => put(&[(0, 1), ((height - 1) * width, 1), (width - 1, 1)]),
        2 => put(&[(0, -2), (last, 1)]),
        3 => put(&[(0, 1), (last / 2, 1), (last, 1)]),
        _ => {
            let spread = 1 + u64::try_from(attempt / 40).unwrap_or(9);
            for cell in &mut cells {
                let value = i64::try_from(generator.below(2 * spread + 1)).ok()?;
                *cell = value - i64::try_from(spread).ok()?;
            }
        }
    }
    ConcreteKernel::from_integers(shape, cells).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::Rational;

    #[test]
    fn candidates_are_simple_first_and_then_random_in_a_range_that_grows() {
        let mut generator = SplitMix64::new(1);
        let mut made =
            |shape, attempt| candidate(shape, attempt, &mut generator).unwrap().entries().collect::<Vec<_>>();
        let rationals = |numbers: &[i64]| numbers.iter().copied().map(Rational::from).collect::<Vec<_>>();
        let shape = Shape::plane(2, 3);
        assert_eq!(made(shape, 0), rationals(&[1, 0, 0, 0, 0, 1]));
        assert_eq!(made(shape, 1), rationals(&[1, 0, 1, 1, 0, 0]));
        assert_eq!(made(shape, 2), rationals(&[-2, 0, 0, 0, 0, 1]));
        assert_eq!(made(shape, 3), rationals(&[1, 0, 1, 0, 0, 1]));
        for (attempts, most) in [(4..40, 1), (40..80, 2), (80..120, 3), (360..400, 10)] {
            let values: Vec<Rational> = attempts.flat_map(|attempt| made(shape, attempt)).collect();
            let range = [values.iter().min(), values.iter().max()].map(Option::unwrap);
            assert_eq!(range, [-most, most].map(Rational::from).each_ref());
        }
    }
}
