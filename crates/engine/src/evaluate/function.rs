//! Functions of each entry that are not piecewise linear.

use super::evaluator::Evaluator;
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
    /// A polynomial with the same value at 0 stands for each function, one that never falls where the function does not:
    /// no proof uses more.
    Surrogate,
}

impl Evaluator<'_> {
    /// A function of each entry of an image.
    pub(super) fn function(&mut self, function: Function, x: &Image) -> Result<Image, EvaluateError> {
        let mode = self.weights.functions();
        Image::build(&mut self.work, x.size(), |work, [c, i, j]| {
            let value = x.at(c, i, j);
            if mode == Functions::Surrogate {
                let slope = work.multiply(value, &Rational::from(2 + i64::from(function as u8)))?;
                let mut sum = work.multiply(value, value)?;
                if matches!(function, Function::Sigmoid | Function::Tanh | Function::Softplus) {
                    // These never fall.
                    sum = work.multiply(&sum, value)?;
                }
                work.add(&mut sum, &slope)?;
                work.add(&mut sum, &function.at_zero().unwrap_or(Rational::ONE))?;
                return Ok(sum);
            }
            if let Some(exact) = exact_value(function, value) {
                return Ok(exact);
            }
            let near = if mode == Functions::Near { near(function, value) } else { None };
            near.ok_or(EvaluateError::Transcendental)
        })
    }
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
