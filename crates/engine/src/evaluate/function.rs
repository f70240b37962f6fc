//! Functions of each entry that are not piecewise linear.

use super::evaluator::Evaluator;
use super::work::Work;
use super::{EvaluateError, Image};
use crate::ir::Function;
use convproof_exact::{Rational, elementary};

/// What becomes of functions whose values are not rational.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Functions {
    /// They are refused.
    #[default]
    Refused,
    /// A rational number very near to the value stands for it.
    Near,
    /// Another function stands for each, with the same value at 0, the same reflection and in the same range, one that never
    /// falls where the function does not, and with the same relations between sigmoid, tanh and `SiLU`; hard swish is
    /// itself: no proof uses more.
    Surrogate,
}

impl Evaluator<'_> {
    /// A function of each entry of an image.
    pub(super) fn function(&mut self, function: Function, x: &Image) -> Result<Image, EvaluateError> {
        let mode = self.weights.functions();
        Image::build(&mut self.work, x.size(), |work, [c, i, j]| {
            let value = x.at(c, i, j);
            if mode == Functions::Surrogate {
                return surrogate(work, function, value);
            }
            if let Some(exact) = exact_value(function, value) {
                return Ok(exact);
            }
            let near = if mode == Functions::Near { near(function, value) } else { None };
            near.ok_or(EvaluateError::Transcendental)
        })
    }
}

/// A function with the same value at 0 and the same reflection, in the same range, which never falls for sigmoid, tanh and
/// softplus.
fn surrogate(work: &mut Work, function: Function, x: &Rational) -> Result<Rational, EvaluateError> {
    let number = Rational::from(2 + i64::from(function as u8));
    let two = Rational::from(2);
    let mut sum = function.at_zero().unwrap_or(Rational::ONE);
    match function {
        Function::Sigmoid => {
            let share = x.checked_div(&(x.abs() * &two + Rational::ONE)).unwrap_or_default();
            work.add(&mut sum, &share)?;
        }
        // As their theorems say what they are, these are made from what stands for the sigmoid, or are what they are.
        Function::Tanh => {
            let sigmoid = surrogate(work, Function::Sigmoid, &(x * &two))?;
            sum = &(&sigmoid * &two) - &Rational::ONE;
        }
        Function::Silu => {
            let sigmoid = surrogate(work, Function::Sigmoid, x)?;
            sum = work.multiply(x, &sigmoid)?;
        }
        Function::HardSwish => sum = exact_value(function, x).unwrap_or_default(),
        // A parabola that goes on as straight lines.
        Function::Softplus => {
            let ratio = |denominator| Rational::ratio(1, denominator).unwrap_or_default();
            let square = work.multiply(x, x)?;
            let even =
                if square <= Rational::ONE { &square * &ratio(4) } else { x.abs() * ratio(2) - ratio(4) };
            work.add(&mut sum, &even)?;
            work.add_product(&mut sum, x, &ratio(2))?;
        }
        Function::Gelu | Function::GeluTanh => {
            // x/2 and a little less than |x|/2: negative where the function is.
            let square = work.multiply(x, x)?;
            let even = work.divide(&square, &(x.abs() + number.recip().unwrap_or_default()))?;
            work.add(&mut sum, x)?;
            work.add(&mut sum, &even)?;
            sum = &sum * &Rational::ratio(1, 2).unwrap_or_default();
        }
    }
    Ok(sum)
}

/// The value of a function, where it is a rational number that is known.
pub fn exact_value(function: Function, x: &Rational) -> Option<Rational> {
    if function == Function::HardSwish {
        let gate = &(x * &Rational::ratio(1, 6)?) + &Rational::ratio(1, 2)?;
        return Some(x * &gate.max(Rational::ZERO).min(Rational::ONE));
    }
    if x.is_zero() { function.at_zero() } else { None }
}

/// A number near the value of a function.
fn near(function: Function, x: &Rational) -> Option<Rational> {
    let low = |ends: [Rational; 2]| {
        let [low, _] = ends;
        low
    };
    Some(match function {
        Function::Sigmoid => low(elementary::sigmoid(x)?),
        Function::Tanh => low(elementary::tanh(x)?),
        Function::Softplus => low(elementary::softplus(x)?),
        Function::Silu => x * &low(elementary::sigmoid(x)?),
        Function::Gelu => x * &low(elementary::normal(x)?),
        Function::GeluTanh => {
            let half = low(elementary::gelu_argument(x)?);
            x * &low(elementary::sigmoid(&(&half + &half))?)
        }
        Function::HardSwish => exact_value(function, x)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands for a function has its reflection, as the engine uses it, and so has what is near to its values.
    #[test]
    fn functions_are_reflected() {
        let mut work = Work::new(1 << 20);
        for function in Function::ALL {
            let [own, constant, linear] = function.reflection().map(Rational::from);
            for x in [0, 1, 2, 3, 7].map(|n| Rational::ratio(n, 2).unwrap()) {
                let minus = -&x;
                let line = &constant + &(&linear * &x);
                let [at, there] = [&x, &minus].map(|x| surrogate(&mut work, function, x).unwrap());
                assert_eq!(there, &(&own * &at) + &line, "{function:?} {x}");
                let [at, there] =
                    [&x, &minus].map(|x| exact_value(function, x).or_else(|| near(function, x)).unwrap());
                let off = (there - (&(&own * &at) + &line)).abs();
                assert!(off < Rational::ratio(1, 1_000_000).unwrap(), "{function:?} {x} {off}");
            }
        }
    }

    /// What stands for functions that are made from others is made from what stands for those.
    #[test]
    fn functions_are_made_from_others() {
        let mut work = Work::new(1 << 20);
        for x in [-7, -2, -1, 0, 1, 3, 9].map(|n| Rational::ratio(n, 2).unwrap()) {
            let mut at = |function, x: &Rational| surrogate(&mut work, function, x).unwrap();
            let double = &x + &x;
            let sigmoid = at(Function::Sigmoid, &double);
            assert_eq!(at(Function::Tanh, &x), &(&sigmoid + &sigmoid) - &Rational::ONE);
            assert_eq!(at(Function::Silu, &x), &x * &at(Function::Sigmoid, &x));
            assert_eq!(Some(at(Function::HardSwish, &x)), exact_value(Function::HardSwish, &x));
        }
    }

    /// What stands for a function has its sign, so that it is not taken for one that is never negative.
    #[test]
    fn functions_keep_their_signs() {
        let mut work = Work::new(1 << 20);
        for function in Function::ALL {
            for x in (-40..=40).map(|n| Rational::ratio(n, 8).unwrap()) {
                let stands = surrogate(&mut work, function, &x).unwrap();
                let near = exact_value(function, &x).or_else(|| near(function, &x)).unwrap();
                assert_eq!(stands.signum(), near.signum(), "{function:?} {x} {stands}");
            }
        }
    }

    /// What stands for a function keeps its range, and so does what is near to its values.
    #[test]
    fn functions_keep_their_ranges() {
        let mut work = Work::new(1 << 20);
        for function in Function::ALL {
            let [low, high] = function.range();
            for x in (-40..=40).map(|n| Rational::ratio(n, 8).unwrap()) {
                let stands = surrogate(&mut work, function, &x).unwrap();
                let near = exact_value(function, &x).or_else(|| near(function, &x)).unwrap();
                for value in [stands, near] {
                    assert!(low.as_ref().is_none_or(|low| *low <= value), "{function:?} {x} {value}");
                    assert!(high.as_ref().is_none_or(|high| value <= *high), "{function:?} {x} {value}");
                    let least = function.at_zero().or(low.clone());
                    assert!(
                        x.is_negative() || least.is_none_or(|low| low <= value),
                        "{function:?} {x} {value}"
                    );
                }
            }
        }
    }

    /// What has the form x·sigmoid(v) is nowhere steeper than stated, interval by interval (section 9 of the semantics).
    #[test]
    fn functions_are_as_steep_as_stated() {
        let ratio = |n, d| Rational::ratio(n, d).unwrap();
        let cubic = ratio(44_715, 1_000_000);
        let double = |x: Rational| &x + &x;
        // √(8/π), from above.
        let [_, high] = elementary::gelu_argument(&Rational::ONE).unwrap();
        let scale = double(high).checked_div(&(&Rational::ONE + &cubic)).unwrap();
        for function in [Function::Silu, Function::GeluTanh] {
            let is_silu = function == Function::Silu;
            let [_, steepest] = function.slopes();
            let gate = |x: &Rational, end: usize| {
                let argument = || double(elementary::gelu_argument(x).unwrap()[end].clone());
                let argument = if is_silu { x.clone() } else { argument() };
                elementary::sigmoid(&argument).unwrap()[end].clone()
            };
            let bound = |p: &Rational, q: &Rational| {
                let steep = &scale * &(&Rational::ONE + &(&(&ratio(3, 1) * &cubic) * &(q * q)));
                let steep = if is_silu { Rational::ONE } else { steep };
                let low = gate(p, 0);
                &gate(q, 1) + &(&(q * &steep) * &(&low * &(&Rational::ONE - &low)))
            };
            let mut open = vec![[Rational::ZERO, ratio(5, 1)]];
            let mut parts = 0;
            while let Some([p, q]) = open.pop() {
                parts += 1;
                assert!(parts < 10_000, "{function:?} is as steep between {p} and {q}");
                if bound(&p, &q) >= steepest {
                    let middle = &(&p + &q) * &ratio(1, 2);
                    open.extend([[p, middle.clone()], [middle, q]]);
                }
            }
            assert!(parts > 100, "the bound is nearly reached, so that few intervals are no proof");
        }
    }

    /// Values of two functions are no further apart than stated, interval by interval up to where the tails are small (section 9 of
    /// the semantics). All are x times what rises, and x/2 and something that is the same at x and −x.
    #[test]
    fn functions_are_no_further_apart_than_stated() {
        let ratio = |n, d| Rational::ratio(n, d).unwrap();
        let gate = |function, x: &Rational| match function {
            Function::Silu => elementary::sigmoid(x).unwrap(),
            Function::Gelu => elementary::normal(x).unwrap(),
            Function::GeluTanh => {
                let ends =
                    elementary::gelu_argument(x).unwrap().map(|v| elementary::sigmoid(&(&v + &v)).unwrap());
                let [[low, _], [_, high]] = ends;
                [low, high]
            }
            Function::HardSwish => {
                let gate = (x * &ratio(1, 6) + ratio(1, 2)).max(Rational::ZERO).min(Rational::ONE);
                [gate.clone(), gate]
            }
            other => panic!("{other:?}"),
        };
        for (f, g, end) in [(Function::Gelu, Function::GeluTanh, 4), (Function::Silu, Function::HardSwish, 3)]
        {
            assert_eq!([f, g].map(Function::reflection), [[1, 0, -1]; 2]);
            let apart = f.apart(g).unwrap();
            assert_eq!(g.apart(f).as_ref(), Some(&apart));
            let mut open = vec![[Rational::ZERO, Rational::from(end)]];
            let mut parts = 0;
            while let Some([p, q]) = open.pop() {
                parts += 1;
                assert!(parts < 20_000, "{f:?} is near {g:?} between {p} and {q}");
                let [[[low, _], [other_low, _]], [[_, high], [_, other_high]]] =
                    [&p, &q].map(|x| [f, g].map(|function| gate(function, x)));
                if &q * &(high - other_low).max(other_high - low) > apart {
                    let middle = &(&p + &q) * &ratio(1, 2);
                    open.extend([[p, middle.clone()], [middle, q]]);
                }
            }
            assert!(
                parts > 30,
                "what is stated is nearly reached, so that few intervals are no proof: {parts}"
            );
        }
        assert_eq!(Function::Gelu.apart(Function::Silu), None);
        assert_eq!(Function::Tanh.apart(Function::Tanh), Some(Rational::ZERO));
    }
}
