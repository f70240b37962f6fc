//! Kernel expressions at given weights, each operation from its definition.

use num_bigint::BigInt;

use super::evaluator::Evaluator;
use super::work::Work;
use super::{Array4, EvaluateError, Image};
use crate::ir::KernelExpr;
use crate::kernel::Shape;
use convproof_exact::{Rational, Symbol};

/// Bits to which irrational square roots are known where they are replaced by rationals.
const ROOT_BITS: u32 = 320;

type Result<T> = std::result::Result<T, EvaluateError>;

impl<'a> Evaluator<'a> {
    pub(super) fn compute_kernel(&mut self, expr: &'a KernelExpr) -> Result<Array4> {
        match expr {
            KernelExpr::Constant(kernel) => {
                let shape = kernel.shape();
                let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
                Array4::build(&mut self.work, shape, |_, [o, c, i, j]| Ok(kernel.entry(o, c, i, j)))
            }
            KernelExpr::Free { first, shape } => {
                let count = shape.entries().and_then(|n| u32::try_from(n).ok());
                let end =
                    count.and_then(|count| first.0.checked_add(count)).ok_or(EvaluateError::Malformed)?;
                let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
                let set = self.weights.between(*first, Symbol(end));
                Array4::sparse(&mut self.work, shape, set.map(|(s, v)| ((s.0 - first.0) as usize, v)))
            }
            KernelExpr::Array { shape, entries } => {
                let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
                let values = entries.iter().map(|entry| self.scalar(entry)).collect::<Result<Vec<_>>>()?;
                let values = self.copies(&values)?;
                Array4::new(shape, values).ok_or(EvaluateError::Malformed)
            }
            KernelExpr::Add(left, right) => self.entrywise(left, right, |work, a, b| {
                let mut sum = a.clone();
                work.add(&mut sum, b)?;
                Ok(sum)
            }),
            KernelExpr::Sub(left, right) => self.entrywise(left, right, |work, a, b| {
                let mut difference = -b;
                work.add(&mut difference, a)?;
                Ok(difference)
            }),
            KernelExpr::Negate(operand) => self.each(operand, |_, value| Ok(-value)),
            KernelExpr::Convolve(left, right) => {
                let (left, right) = (self.kernel(left)?, self.kernel(right)?);
                convolve(&mut self.work, &left, &right)
            }
            KernelExpr::Hadamard(left, right) => self.entrywise(left, right, Work::multiply),
            KernelExpr::Divide(dividend, divisor) => {
                let by = self.kernel(divisor)?;
                match by.as_scalar() {
                    Some(by) => self.each(dividend, |work, value| work.divide(value, by)),
                    None => self.entrywise(dividend, divisor, Work::divide),
                }
            }
            KernelExpr::Power(base, exponent) => {
                let base = self.kernel(base)?;
                let channels = base.shape()[1];
                let one = Array4::build(&mut self.work, [channels, channels, 1, 1], |_, [o, c, _, _]| {
                    Ok(if o == c { Rational::ONE } else { Rational::ZERO })
                })?;
                (0..*exponent).try_fold(one, |power, _| convolve(&mut self.work, &power, &base))
            }
            KernelExpr::Entry(operand, position) => {
                let operand = self.kernel(operand)?;
                operand.get(*position).cloned().map(Array4::scalar).ok_or(EvaluateError::Malformed)
            }
            KernelExpr::Sum(operand) => {
                let operand = self.kernel(operand)?;
                let mut total = Rational::ZERO;
                for value in operand.values() {
                    self.work.add(&mut total, value)?;
                }
                Ok(Array4::scalar(total))
            }
            KernelExpr::Sqrt(operand) => {
                let approximate = self.weights.is_approximating();
                self.each(operand, |work, value| match square_root(work, value) {
                    Err(EvaluateError::Irrational) if approximate && !value.is_negative() => {
                        Ok(close_root(value))
                    }
                    root => root,
                })
            }
            KernelExpr::Dilate(operand, [n, m]) => {
                let (n, m) = (nonzero(*n)?, nonzero(*m)?);
                let longer = |length: usize, n| (length - 1).checked_mul(n)?.checked_add(1);
                let stretch = |[h, w]: [usize; 2]| Some([longer(h, n)?, longer(w, m)?]);
                self.rearrange(operand, stretch, |[i, j], _| {
                    (i % n == 0 && j % m == 0).then_some([i / n, j / m])
                })
            }
            KernelExpr::Repeat(operand, [n, m]) => {
                let (n, m) = (nonzero(*n)?, nonzero(*m)?);
                let stretch = |[h, w]: [usize; 2]| Some([h.checked_mul(n)?, w.checked_mul(m)?]);
                self.rearrange(operand, stretch, |[i, j], _| Some([i / n, j / m]))
            }
            KernelExpr::Flip(operand) => {
                self.rearrange(operand, Some, |[i, j], [h, w]| Some([h - 1 - i, w - 1 - j]))
            }
            KernelExpr::Transpose(operand) => {
                self.rearrange(operand, |[h, w]| Some([w, h]), |[i, j], _| Some([j, i]))
            }
            KernelExpr::Pad(operand, [top, left, bottom, right]) => {
                let longer = |length: usize, before, after| length.checked_add(before)?.checked_add(after);
                let stretch =
                    |[h, w]: [usize; 2]| Some([longer(h, *top, *bottom)?, longer(w, *left, *right)?]);
                self.rearrange(operand, stretch, |[i, j], [h, w]| {
                    let source = [i.checked_sub(*top)?, j.checked_sub(*left)?];
                    (source[0] < h && source[1] < w).then_some(source)
                })
            }
            KernelExpr::Trim(operand, sides) => self.trim(operand, *sides),
            KernelExpr::Outer(column, row) => {
                let (u, v) = (self.kernel(column)?, self.kernel(row)?);
                let shape = [1, 1, u.values().len(), v.values().len()];
                Array4::build(&mut self.work, shape, |work, [_, _, i, j]| {
                    work.multiply(&u.values()[i], &v.values()[j])
                })
            }
            KernelExpr::ScaleOutputs(operand, factors) => self.scale(operand, factors, 0),
            KernelExpr::ScaleInputs(operand, factors) => self.scale(operand, factors, 1),
            KernelExpr::Reshape(operand, shape) => {
                let operand = self.kernel(operand)?;
                let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
                let mismatch = EvaluateError::ShapeMismatch { left: shape, right: operand.shape() };
                let values = self.copies(operand.values())?;
                Array4::new(shape, values).ok_or(mismatch)
            }
            KernelExpr::Rearranged(operand, how) => {
                let operand = self.kernel(operand)?;
                let [outputs, inputs, height, width] = operand.shape();
                let shape = how.shape(Shape { outputs, inputs, height, width });
                let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
                Array4::build(&mut self.work, shape, |_, at| match how.source([outputs, inputs], at) {
                    Some(from) => operand.get(from).cloned().ok_or(EvaluateError::Malformed),
                    None => Ok(Rational::ZERO),
                })
            }
            KernelExpr::ChannelSums { of, outputs } => {
                let operand = self.kernel(of)?;
                let [o, c, h, w] = operand.shape();
                let count = if *outputs { o } else { c };
                Array4::build(&mut self.work, [1, 1, 1, count], |work, [_, _, _, n]| {
                    let mut total = Rational::ZERO;
                    for other in 0..if *outputs { c } else { o } {
                        let [o, c] = if *outputs { [n, other] } else { [other, n] };
                        for i in 0..h {
                            for j in 0..w {
                                work.add(&mut total, operand.at([o, c, i, j]))?;
                            }
                        }
                    }
                    Ok(total)
                })
            }
            KernelExpr::OfStack(stack) => self.kernel_of_stack(stack),
            KernelExpr::Apply(stack, image) => {
                let image = self.kernel(image)?;
                let [channels, inputs, height, width] = image.shape();
                if inputs != 1 {
                    return Err(EvaluateError::ChannelMismatch { expected: 1, found: inputs });
                }
                let values = self.copies(image.values())?;
                let image = Image::new(channels, height, width, values).ok_or(EvaluateError::TooLarge)?;
                let output = self.stack(stack, &image)?;
                self.discard(image);
                let [channels, height, width] = output.size();
                let values = self.copies(output.values())?;
                self.discard(output);
                Array4::new([channels, 1, height, width], values).ok_or(EvaluateError::TooLarge)
            }
        }
    }

    /// The value of an expression with a single entry.
    pub(super) fn scalar(&mut self, expr: &'a KernelExpr) -> Result<Rational> {
        let array = self.kernel(expr)?;
        let mismatch = EvaluateError::ShapeMismatch { left: [1; 4], right: array.shape() };
        array.as_scalar().cloned().ok_or(mismatch)
    }

    fn copies(&mut self, values: &[Rational]) -> Result<Vec<Rational>> {
        self.work.keep(values)?;
        Ok(values.to_vec())
    }

    fn each(
        &mut self,
        operand: &'a KernelExpr,
        operation: impl Fn(&mut Work, &Rational) -> Result<Rational>,
    ) -> Result<Array4> {
        let operand = self.kernel(operand)?;
        Array4::build(&mut self.work, operand.shape(), |work, at| operation(work, operand.at(at)))
    }

    fn entrywise(
        &mut self,
        left: &'a KernelExpr,
        right: &'a KernelExpr,
        operation: impl Fn(&mut Work, &Rational, &Rational) -> Result<Rational>,
    ) -> Result<Array4> {
        let (left, right) = (self.kernel(left)?, self.kernel(right)?);
        if left.shape() != right.shape() {
            return Err(EvaluateError::ShapeMismatch { left: left.shape(), right: right.shape() });
        }
        Array4::build(&mut self.work, left.shape(), |work, at| operation(work, left.at(at), right.at(at)))
    }

    /// Moves the entries of each pair of channels: `source` tells where the entry at a place of the new size
    /// comes from in the old size, or that it is 0.
    fn rearrange(
        &mut self,
        operand: &'a KernelExpr,
        size: impl Fn([usize; 2]) -> Option<[usize; 2]>,
        source: impl Fn([usize; 2], [usize; 2]) -> Option<[usize; 2]>,
    ) -> Result<Array4> {
        let operand = self.kernel(operand)?;
        let [outputs, inputs, height, width] = operand.shape();
        let [new_height, new_width] = size([height, width]).ok_or(EvaluateError::TooLarge)?;
        Array4::build(&mut self.work, [outputs, inputs, new_height, new_width], |_, [o, c, i, j]| {
            let from = source([i, j], [height, width]);
            Ok(from.map_or(Rational::ZERO, |[i, j]| operand.at([o, c, i, j]).clone()))
        })
    }

    fn trim(&mut self, operand: &'a KernelExpr, sides: [usize; 4]) -> Result<Array4> {
        let operand = self.kernel(operand)?;
        let [outputs, inputs, height, width] = operand.shape();
        let [top, left, bottom, right] = sides;
        let rest = |length: usize, before, after| {
            length.checked_sub(before)?.checked_sub(after).filter(|&rest| rest > 0)
        };
        let new_height = rest(height, top, bottom).ok_or(EvaluateError::Malformed)?;
        let new_width = rest(width, left, right).ok_or(EvaluateError::Malformed)?;
        let kept = |at: [usize; 4]| {
            (top..top + new_height).contains(&at[2]) && (left..left + new_width).contains(&at[3])
        };
        // Reading every entry again makes sure that nothing but zeros is dropped.
        Array4::build(&mut self.work, operand.shape(), |_, at| {
            if kept(at) || operand.at(at).is_zero() {
                Ok(Rational::ZERO)
            } else {
                Err(EvaluateError::Malformed)
            }
        })?;
        Array4::build(&mut self.work, [outputs, inputs, new_height, new_width], |_, [o, c, i, j]| {
            Ok(operand.at([o, c, i + top, j + left]).clone())
        })
    }

    /// Each slice along an axis times its entry of a vector.
    fn scale(&mut self, operand: &'a KernelExpr, factors: &'a KernelExpr, axis: usize) -> Result<Array4> {
        let (operand, factors) = (self.kernel(operand)?, self.kernel(factors)?);
        let factors = per_channel(&factors, operand.shape()[axis])?;
        Array4::build(&mut self.work, operand.shape(), |work, at| {
            work.multiply(operand.at(at), factors(at[axis]))
        })
    }
}

/// Entry `c` of a vector for channel `c`, or its only entry for all.
pub(super) fn per_channel<'v>(vector: &'v Array4, channels: usize) -> Result<impl Fn(usize) -> &'v Rational> {
    let values = vector.values();
    if values.len() != 1 && values.len() != channels {
        return Err(EvaluateError::ChannelMismatch { expected: channels, found: values.len() });
    }
    Ok(move |channel| if let [only] = values { only } else { &values[channel] })
}

/// Full convolution, first `left`, then `right`: in channels the matrix product `right · left`. A single
/// number scales.
fn convolve(work: &mut Work, left: &Array4, right: &Array4) -> Result<Array4> {
    for (factor, kernel) in [(left, right), (right, left)] {
        if let Some(factor) = factor.as_scalar() {
            return Array4::build(work, kernel.shape(), |work, at| work.multiply(factor, kernel.at(at)));
        }
    }
    let ([middle, inputs, h, w], [outputs, read, k, l]) = (left.shape(), right.shape());
    if middle != read {
        return Err(EvaluateError::ShapeMismatch { left: left.shape(), right: right.shape() });
    }
    Array4::build(work, [outputs, inputs, h + k - 1, w + l - 1], |work, [o, c, y, x]| {
        work.charge(middle as u64 * k as u64 * l as u64)?;
        let mut total = Rational::ZERO;
        for m in 0..middle {
            for u in 0..k {
                for v in 0..l {
                    if (u..u + h).contains(&y) && (v..v + w).contains(&x) {
                        let (first, next) = (left.at([m, c, y - u, x - v]), right.at([o, m, u, v]));
                        work.add_product(&mut total, first, next)?;
                    }
                }
            }
        }
        Ok(total)
    })
}

/// The positive square root, if it is rational: a fraction in lowest terms is a square when both its parts are.
fn square_root(work: &mut Work, value: &Rational) -> Result<Rational> {
    work.multiply(value, value)?;
    if value.is_negative() {
        return Err(EvaluateError::Irrational);
    }
    let root = |square: BigInt| {
        let root = square.sqrt();
        if &root * &root == square { Ok(root) } else { Err(EvaluateError::Irrational) }
    };
    let (numerator, denominator) = (root(value.numerator())?, root(value.denominator())?);
    Rational::new(numerator, denominator).ok_or(EvaluateError::DivisionByZero)
}

/// A rational number below the square root of a positive one, by less than `2^-ROOT_BITS` of it.
fn close_root(value: &Rational) -> Rational {
    let (numerator, denominator) = (value.numerator(), value.denominator());
    // √(n/d) = √(n·d) / d, with enough bits for the quotient even where n·d is small.
    let root = ((numerator * &denominator) << (2 * ROOT_BITS)).sqrt();
    &Rational::dyadic(root, ROOT_BITS) * &Rational::from(denominator).recip().unwrap_or_default()
}

fn nonzero(factor: usize) -> Result<usize> {
    if factor == 0 { Err(EvaluateError::Malformed) } else { Ok(factor) }
}
