//! Layers with a definition of their own, from those definitions.

use super::evaluator::Evaluator;
use super::kernel::per_channel;
use super::{EvaluateError, Image};
use crate::ir::{Composite, PadMode, Pointwise};
use convproof_exact::Rational;

type Result<T> = std::result::Result<T, EvaluateError>;

impl<'a> Evaluator<'a> {
    /// What a layer makes of an image.
    pub(super) fn composite(&mut self, layer: &'a Composite, x: &Image) -> Result<Image> {
        match layer {
            Composite::Pointwise(function) => self.pointwise(function, x),
            Composite::Pad { sides, mode } => self.padded(*sides, mode, x),
        }
    }

    fn pointwise(&mut self, function: &'a Pointwise, x: &Image) -> Result<Image> {
        let slopes = match function {
            Pointwise::LeakyRelu(slopes) => Some(self.kernel(&slopes.expr)?),
            _ => None,
        };
        let slope = slopes.as_ref().map(|slopes| per_channel(slopes, x.channels())).transpose()?;
        Image::build(&mut self.work, x.size(), |work, [c, i, j]| {
            let value = x.at(c, i, j);
            Ok(match function {
                Pointwise::LeakyRelu(_) if !value.is_negative() => value.clone(),
                Pointwise::LeakyRelu(_) => match &slope {
                    Some(slope) => work.multiply(slope(c), value)?,
                    None => return Err(EvaluateError::Malformed),
                },
                Pointwise::Clip { low, high } => value.clone().max(low.clone()).min(high.clone()),
                Pointwise::Abs => value.abs(),
                Pointwise::HardSigmoid { slope, offset } => {
                    let mut sum = work.multiply(slope, value)?;
                    work.add(&mut sum, offset)?;
                    sum.max(Rational::ZERO).min(Rational::ONE)
                }
            })
        })
    }

    fn padded(
        &mut self,
        [top, left, bottom, right]: [i64; 4],
        mode: &'a PadMode,
        x: &Image,
    ) -> Result<Image> {
        let value = match mode {
            PadMode::Constant(value) => Some(self.kernel(&value.expr)?),
            _ => None,
        };
        let value = value.as_ref().map(|value| per_channel(value, x.channels())).transpose()?;
        let rows = Side::new(mode, x.height(), top, bottom)?;
        let columns = Side::new(mode, x.width(), left, right)?;
        Image::build(&mut self.work, [x.channels(), rows.outputs, columns.outputs], |_, [c, i, j]| {
            match (rows.read(mode, i), columns.read(mode, j), &value) {
                (Some(row), Some(column), _) => Ok(x.at(c, row, column).clone()),
                (_, _, Some(value)) => Ok(value(c).clone()),
                _ => Err(EvaluateError::Malformed),
            }
        })
    }
}

/// One axis of an image with entries added at both ends.
struct Side {
    length: i64,
    before: i64,
    outputs: usize,
}

impl Side {
    fn new(mode: &PadMode, length: usize, before: i64, after: i64) -> Result<Self> {
        let length = i64::try_from(length).map_err(|_| EvaluateError::TooLarge)?;
        let most = match mode {
            PadMode::Constant(_) | PadMode::Replicate => i64::MAX,
            PadMode::Reflect => length - 1,
            PadMode::Symmetric | PadMode::Circular => length,
        };
        if before < 0 || after < 0 {
            return Err(EvaluateError::Malformed);
        }
        if before.max(after) > most {
            return Err(EvaluateError::NoOutput);
        }
        let outputs = length.checked_add(before).and_then(|n| n.checked_add(after));
        let outputs = outputs.and_then(|n| usize::try_from(n).ok()).ok_or(EvaluateError::TooLarge)?;
        Ok(Self { length, before, outputs })
    }

    /// The entry that stands at an output; `None` if it is none of the image.
    fn read(&self, mode: &PadMode, output: usize) -> Option<usize> {
        let (n, at) = (self.length, i64::try_from(output).ok()? - self.before);
        let read = if (0..n).contains(&at) {
            at
        } else {
            match mode {
                PadMode::Constant(_) => return None,
                PadMode::Replicate => at.clamp(0, n - 1),
                PadMode::Reflect if at < 0 => -at,
                PadMode::Reflect => 2 * (n - 1) - at,
                PadMode::Symmetric if at < 0 => -1 - at,
                PadMode::Symmetric => 2 * n - 1 - at,
                PadMode::Circular => at.rem_euclid(n),
            }
        };
        usize::try_from(read).ok()
    }
}
