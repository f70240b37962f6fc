//! Functions of each entry that are not piecewise linear.

use super::evaluator::Evaluator;
use super::image::BallImage as Image;
use super::work::Work;
use super::{Ball, EvaluateError};
use crate::ir::Function;
use convproof_exact::{Rational, elementary};

/// What becomes of functions whose values are not rational.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Functions {
    /// They are refused.
    #[default]
    Refused,
    /// They are enclosed.
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
            if mode == Functions::Surrogate || function == Function::HardSwish {
                return surrogate(work, function, value);
            }
            if let Some(exact) = value.exact().and_then(|x| exact_value(function, x)) {
                return Ok(exact.into());
            }
            match mode {
                Functions::Near => near(work, function, value),
                _ => Err(EvaluateError::Transcendental),
            }
        })
    }
}

/// A function with the same value at 0 and the same reflection, in the same range, which never falls for sigmoid, tanh and
/// softplus.
fn surrogate(work: &mut Work, function: Function, x: &Ball) -> Result<Ball, EvaluateError> {
    let number = Ball::from(2 + i64::from(function as u8));
    let two = Ball::from(2);
    let half = Ball::from(Rational::ratio(1, 2).unwrap_or_default());
    let mut sum = Ball::from(function.at_zero().unwrap_or(Rational::ONE));
    match function {
        Function::Sigmoid => {
            let mut over = work.multiply(&x.abs(), &two)?;
            work.add(&mut over, &Ball::ONE)?;
            let share = work.divide(x, &over)?;
            work.add(&mut sum, &share)?;
        }
        // As their theorems say what they are, these are made from what stands for the sigmoid, or are what they are.
        Function::Tanh => {
            let double = work.multiply(x, &two)?;
            let sigmoid = surrogate(work, Function::Sigmoid, &double)?;
            sum = work.multiply(&sigmoid, &two)?;
            work.add(&mut sum, &Ball::from(-1))?;
        }
        Function::Silu => {
            let sigmoid = surrogate(work, Function::Sigmoid, x)?;
            sum = work.multiply(x, &sigmoid)?;
        }
        Function::HardSwish => {
            let mut gate = work.divide(x, &Ball::from(6))?;
            work.add(&mut gate, &half)?;
            sum = work.multiply(x, &gate.max(&Ball::ZERO).min(&Ball::ONE))?;
        }
        // With |x| = m + r and m up to 1: m²/4 + r/2, a parabola that goes on as straight lines; and x/2.
        Function::Softplus => {
            let near = x.abs().min(&Ball::ONE);
            let mut rest = x.abs();
            work.add(&mut rest, &-&near)?;
            work.add(&mut rest, x)?;
            let halved = work.multiply(&near, &half)?;
            let even = work.multiply(&halved, &halved)?;
            work.add(&mut sum, &even)?;
            let line = work.multiply(&rest, &half)?;
            work.add(&mut sum, &line)?;
        }
        Function::Gelu | Function::GeluTanh => {
            // x/2 and a little less than |x|/2: negative where the function is.
            let mut over = x.abs();
            let little = work.divide(&Ball::ONE, &number)?;
            work.add(&mut over, &little)?;
            let square = work.multiply(x, x)?;
            let even = work.divide(&square, &over)?;
            work.add(&mut sum, x)?;
            work.add(&mut sum, &even)?;
            sum = work.multiply(&sum, &half)?;
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

/// The value of a function, enclosed.
fn near(work: &mut Work, function: Function, x: &Ball) -> Result<Ball, EvaluateError> {
    match function {
        Function::Sigmoid => rising(x, elementary::sigmoid),
        Function::Tanh => rising(x, elementary::tanh),
        Function::Softplus => rising(x, elementary::softplus),
        Function::Silu => work.multiply(x, &rising(x, elementary::sigmoid)?),
        Function::Gelu => work.multiply(x, &rising(x, elementary::normal)?),
        Function::GeluTanh => {
            let argument = rising(x, elementary::gelu_argument)?;
            let double = work.multiply(&argument, &Ball::from(2))?;
            work.multiply(x, &rising(&double, elementary::sigmoid)?)
        }
        Function::HardSwish => surrogate(work, function, x),
    }
}

/// The value of a function that never falls, which is enclosed at rational numbers.
fn rising(x: &Ball, at: impl Fn(&Rational) -> Option<[Rational; 2]>) -> Result<Ball, EvaluateError> {
    let ends = match x.exact() {
        Some(x) => at(x),
        None => x.ends().and_then(|[least, most]| {
            let ([low, _], [_, high]) = (at(&least)?, at(&most)?);
            Some([low, high])
        }),
    };
    ends.as_ref().map(Ball::between).ok_or(EvaluateError::Transcendental)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands for a function.
    fn stands_for(function: Function, x: &Rational) -> Rational {
        let value = surrogate(&mut Work::new(1 << 20), function, &x.clone().into()).unwrap();
        value.exact().unwrap().clone()
    }

    /// A number near the value of a function.
    fn value_near(function: Function, x: &Rational) -> Rational {
        let near = || near(&mut Work::new(1 << 20), function, &x.clone().into()).unwrap().middle().clone();
        exact_value(function, x).unwrap_or_else(near)
    }

    /// What stands for a function has its reflection, as the engine uses it, and so has what is near to its values.
    #[test]
    fn functions_are_reflected() {
        for function in Function::ALL {
            let [own, constant, linear] = function.reflection().map(Rational::from);
            for x in [0, 1, 2, 3, 7].map(|n| Rational::ratio(n, 2).unwrap()) {
                let minus = -&x;
                let line = &constant + &(&linear * &x);
                let [at, there] = [&x, &minus].map(|x| stands_for(function, x));
                assert_eq!(there, &(&own * &at) + &line, "{function:?} {x}");
                let [at, there] = [&x, &minus].map(|x| value_near(function, x));
                let off = (there - (&(&own * &at) + &line)).abs();
                assert!(off < Rational::ratio(1, 1_000_000).unwrap(), "{function:?} {x} {off}");
            }
        }
    }

    /// What stands for functions that are made from others is made from what stands for those.
    #[test]
    fn functions_are_made_from_others() {
        for x in [-7, -2, -1, 0, 1, 3, 9].map(|n| Rational::ratio(n, 2).unwrap()) {
            let at = stands_for;
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
        for function in Function::ALL {
            for x in (-40..=40).map(|n| Rational::ratio(n, 8).unwrap()) {
                let stands = stands_for(function, &x);
                let near = value_near(function, &x);
                assert_eq!(stands.signum(), near.signum(), "{function:?} {x} {stands}");
            }
        }
    }

    /// What stands for a function keeps its range, and so does what is near to its values.
    #[test]
    fn functions_keep_their_ranges() {
        for function in Function::ALL {
            let [low, high] = function.range();
            for x in (-40..=40).map(|n| Rational::ratio(n, 8).unwrap()) {
                let stands = stands_for(function, &x);
                let near = value_near(function, &x);
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

    /// What a function is of numbers that are not known exactly holds what it is of each of them.
    #[test]
    fn values_of_enclosed_numbers_are_enclosed() {
        let places = [-7, -2, -1, 0, 1, 3, 9].map(|n| Rational::ratio(n, 4).unwrap());
        for function in Function::ALL {
            for x in &places {
                for off in [-3, -1, 1, 2].map(|n| Rational::ratio(n, 64).unwrap()) {
                    let there = x + &off;
                    let ball = Ball::between(&[x.clone().min(there.clone()), x.clone().max(there.clone())]);
                    let mut work = Work::new(1 << 20);
                    let holds = |value: Ball, number: Rational| {
                        let [low, high] = value.ends().unwrap();
                        assert!(low <= number && number <= high, "{function:?} {x} {off}");
                    };
                    for at in [x, &there] {
                        holds(near(&mut work, function, &ball).unwrap(), value_near(function, at));
                        holds(surrogate(&mut work, function, &ball).unwrap(), stands_for(function, at));
                    }
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
