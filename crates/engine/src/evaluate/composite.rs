//! Layers with a definition of their own, from those definitions.

use super::evaluator::Evaluator;
use super::image::BallImage as Image;
use super::kernel::per_channel;
use super::total::Total;
use super::{Ball, EvaluateError};
use crate::ir::{Axes, Composite, Coordinates, Ends, Interpolation, PadMode, Pointwise, Resize};
use convproof_exact::Rational;

type Result<T> = std::result::Result<T, EvaluateError>;

impl<'a> Evaluator<'a> {
    /// What a layer makes of an image.
    pub(super) fn composite(&mut self, layer: &'a Composite, x: &Image) -> Result<Image> {
        match layer {
            Composite::Pointwise(function) => self.pointwise(function, x),
            Composite::Pad { ends, mode } => self.padded(*ends, mode, x),
            Composite::Resize(resize) => self.resized(resize, x),
            Composite::AdaptivePool { size, maximum } => self.adaptive(*size, *maximum, x),
            Composite::Permute(order) => {
                Image::build(&mut self.work, x.size(), |_, [c, i, j]| Ok(x.at(order[c], i, j).clone()))
            }
            Composite::ChannelShuffle(groups) => {
                let per_group = x.channels() / groups;
                Image::build(&mut self.work, x.size(), |_, [c, i, j]| {
                    let (group, place) = (c % groups, c / groups);
                    Ok(x.at(group * per_group + place, i, j).clone())
                })
            }
            Composite::ChannelMean => {
                let count = Ball::from(length(x.channels())?);
                Image::build(&mut self.work, [1, x.height(), x.width()], |work, [_, i, j]| {
                    let mut total = Ball::ZERO;
                    for c in 0..x.channels() {
                        work.add(&mut total, x.at(c, i, j))?;
                    }
                    work.divide(&total, &count)
                })
            }
        }
    }

    fn pointwise(&mut self, function: &'a Pointwise, x: &Image) -> Result<Image> {
        let slopes = match function {
            Pointwise::LeakyRelu(slopes) => Some(self.kernel(slopes.expr())?),
            _ => None,
        };
        let slope = slopes.as_ref().map(|slopes| per_channel(slopes, x.channels())).transpose()?;
        let number = |number: &Rational| Ball::from(number.clone());
        Image::build(&mut self.work, x.size(), |work, [c, i, j]| {
            let value = x.at(c, i, j);
            Ok(match function {
                Pointwise::LeakyRelu(_) => {
                    let slope = slope.as_ref().ok_or(EvaluateError::Malformed)?(c);
                    let mut sum = work.multiply(slope, &value.min(&Ball::ZERO))?;
                    work.add(&mut sum, &value.max(&Ball::ZERO))?;
                    sum
                }
                Pointwise::Clip { low, high } => value.max(&number(low)).min(&number(high)),
                Pointwise::Abs => value.abs(),
                Pointwise::HardSigmoid { slope, offset } => {
                    let mut sum = work.multiply(&number(slope), value)?;
                    work.add(&mut sum, &number(offset))?;
                    sum.max(&Ball::ZERO).min(&Ball::ONE)
                }
            })
        })
    }

    fn resized(&mut self, resize: &Resize, x: &Image) -> Result<Image> {
        let rows = places(resize, resize.factor[0], x.height())?;
        let columns = places(resize, resize.factor[1], x.width())?;
        Image::build(&mut self.work, [x.channels(), rows.len(), columns.len()], |work, [c, i, j]| {
            let mut total = Total::new(&Ball::ZERO);
            for (row, weight) in &rows[i] {
                for (column, factor) in &columns[j] {
                    let weight = work.multiply(weight, factor)?;
                    total.add_product(work, &weight, x.at(c, *row, *column))?;
                }
            }
            total.value(work)
        })
    }

    fn adaptive(&mut self, [height, width]: [usize; 2], maximum: bool, x: &Image) -> Result<Image> {
        let (n, m) = (x.height(), x.width());
        let size = [x.channels(), height, width];
        Image::room(size)?;
        Image::build(&mut self.work, size, |work, [c, i, j]| {
            let rows = i * n / height..((i + 1) * n).div_ceil(height);
            let columns = j * m / width..((j + 1) * m).div_ceil(width);
            work.charge(rows.len() as u64 * columns.len() as u64)?;
            let cells =
                || rows.clone().flat_map(|row| columns.clone().map(move |column| x.at(c, row, column)));
            if maximum {
                return Ball::largest(cells()).ok_or(EvaluateError::EmptyWindow);
            }
            let mut total = Ball::ZERO;
            for cell in cells() {
                work.add(&mut total, cell)?;
            }
            work.divide(&total, &Ball::from(length(rows.len() * columns.len())?))
        })
    }

    fn padded(&mut self, [vertical, horizontal]: Axes<Ends>, mode: &'a PadMode, x: &Image) -> Result<Image> {
        let value = match mode {
            PadMode::Constant(value) => Some(self.kernel(value.expr())?),
            _ => None,
        };
        let value = value.as_ref().map(|value| per_channel(value, x.channels())).transpose()?;
        let rows = Side::new(mode, x.height(), vertical)?;
        let columns = Side::new(mode, x.width(), horizontal)?;
        Image::build(&mut self.work, [x.channels(), rows.outputs, columns.outputs], |_, [c, i, j]| {
            match (rows.read(mode, i), columns.read(mode, j), &value) {
                (Some(row), Some(column), _) => Ok(x.at(c, row, column).clone()),
                (_, _, Some(value)) => Ok(value(c).clone()),
                _ => Err(EvaluateError::Malformed),
            }
        })
    }
}

fn length(n: usize) -> Result<i64> {
    i64::try_from(n).map_err(|_| EvaluateError::TooLarge)
}

/// For each output along an axis of length `n` the entries that it is made of, with their weights.
fn places(resize: &Resize, [up, down]: [i64; 2], n: usize) -> Result<Vec<Vec<(usize, Ball)>>> {
    let ratio = |a: i64, b: i64| Rational::ratio(a, b).ok_or(EvaluateError::Malformed);
    let n = length(n)?;
    let outputs = n.checked_mul(up).ok_or(EvaluateError::TooLarge)?.div_euclid(down.max(1));
    if outputs < 1 {
        return Err(EvaluateError::NoOutput);
    }
    Image::room([1, 1, usize::try_from(outputs).map_err(|_| EvaluateError::TooLarge)?])?;
    let half = ratio(1, 2)?;
    let mut all = Vec::new();
    for i in 0..outputs {
        let i = Rational::from(i);
        let at = match resize.coordinates {
            Coordinates::HalfPixel => &(&(&i + &half) * &ratio(down, up)?) - &half,
            Coordinates::Asymmetric => &i * &ratio(down, up)?,
            Coordinates::AlignCorners if outputs == 1 => Rational::ZERO,
            Coordinates::AlignCorners => &i * &ratio(n - 1, outputs - 1)?,
        };
        let (numerator, denominator) = at.as_small_parts().ok_or(EvaluateError::TooLarge)?;
        let below = numerator.div_euclid(denominator);
        let mut taps = Vec::new();
        for near in below - 1..=below + 2 {
            let distance = (&at - &Rational::from(near)).abs();
            let weight = match &resize.method {
                Interpolation::Nearest => {
                    let taken = match resize.coordinates {
                        Coordinates::Asymmetric => near == below,
                        // The earlier one of two equally near.
                        _ => distance < half || distance == half && near == below,
                    };
                    Rational::from(i64::from(taken))
                }
                Interpolation::Linear => (&Rational::ONE - &distance).max(Rational::ZERO),
                Interpolation::Cubic(a) => keys(a, &distance),
            };
            if !weight.is_zero() {
                let at = usize::try_from(near.clamp(0, n - 1)).map_err(|_| EvaluateError::TooLarge)?;
                taps.push((at, Ball::from(weight)));
            }
        }
        all.push(taps);
    }
    Ok(all)
}

/// Keys' cubic at a distance.
fn keys(a: &Rational, d: &Rational) -> Rational {
    let [two, three, four, five, eight] = [2, 3, 4, 5, 8].map(Rational::from);
    let square = d * d;
    let cube = &square * d;
    if *d <= Rational::ONE {
        &(&(&(a + &two) * &cube) - &(&(a + &three) * &square)) + &Rational::ONE
    } else if *d < two {
        a * &(&(&(&cube - &(&five * &square)) + &(&eight * d)) - &four)
    } else {
        Rational::ZERO
    }
}

/// One axis of an image with entries added at both ends.
pub(super) struct Side {
    length: i64,
    before: i64,
    outputs: usize,
}

impl Side {
    pub(super) fn new(mode: &PadMode, length: usize, Ends { before, after }: Ends) -> Result<Self> {
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
