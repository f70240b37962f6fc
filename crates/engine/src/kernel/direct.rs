//! Composition by loops over taps, for any integer type. The caller proves that sums fit.

use std::iter::repeat_n;

use num_bigint::BigInt;
use num_traits::Zero;

use super::Shape;
use super::compose::Geometry;

/// Sums of products of `T`.
pub(crate) trait Accumulator<T>: Clone + Default {
    /// `sums[k] += tap · values[k]`.
    fn add_multiples(sums: &mut [Self], tap: &T, values: &[T]);
}

macro_rules! single_words {
    ($($word:ty)*) => {$(
        impl Accumulator<$word> for $word {
            /// Exact, because a result within the caller's bound is determined by its residue.
            #[inline]
            fn add_multiples(sums: &mut [$word], &tap: &$word, values: &[$word]) {
                if tap == 1 {
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum = sum.wrapping_add(value);
                    }
                } else {
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum = sum.wrapping_add(tap.wrapping_mul(value));
                    }
                }
            }
        }
    )*};
}

single_words!(i32 i64);

impl Accumulator<i64> for i128 {
    /// Exact, because a result within the caller's bound is determined by its residue.
    #[inline]
    fn add_multiples(sums: &mut [i128], &tap: &i64, values: &[i64]) {
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum = sum.wrapping_add(i128::from(tap).wrapping_mul(i128::from(value)));
        }
    }
}

impl Accumulator<BigInt> for BigInt {
    fn add_multiples(sums: &mut [BigInt], tap: &BigInt, values: &[BigInt]) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += tap * value;
        }
    }
}

/// The composition of kernels given by their entries in the order `[out][in][row][column]`.
pub(crate) fn convolve<T: Clone + Zero + PartialEq, A: Accumulator<T>>(
    first: &[T],
    next: &[T],
    geometry: Geometry,
) -> Vec<A> {
    let Geometry { first: a, next: b, dilation: [vertical, horizontal], result } = match geometry.next.area()
    {
        1 => geometry.flat(),
        _ => geometry,
    };
    // Input channels innermost, so that the inner loop runs over all entries of a row at once.
    let channels = a.inputs;
    let reordered = (channels > 1).then(|| channels_last(first, a));
    let first = reordered.as_deref().unwrap_or(first);
    let (row, result_row) = (a.width * channels, result.width * channels);
    let mut sums = vec![A::default(); result.outputs * result.height * result_row];
    for (output, sums) in sums.chunks_exact_mut(result.height * result_row).enumerate() {
        for (middle, source) in first.chunks_exact(a.height * row).enumerate() {
            let plane = &next[(output * b.inputs + middle) * b.area()..][..b.area()];
            for (index, tap) in plane.iter().enumerate().filter(|(_, tap)| !tap.is_zero()) {
                let (p, q) = (index / b.width * vertical, index % b.width * horizontal);
                let targets = sums[p * result_row..].chunks_exact_mut(result_row);
                for (target, values) in targets.zip(source.chunks_exact(row)) {
                    A::add_multiples(&mut target[q * channels..][..row], tap, values);
                }
            }
        }
    }
    if channels == 1 { sums } else { channels_second(sums, result) }
}

/// `[out][in][row][column]` to `[out][row][column][in]`.
fn channels_last<T: Clone>(entries: &[T], shape: Shape) -> Vec<T> {
    let area = shape.area();
    let mut result = Vec::with_capacity(entries.len());
    for block in entries.chunks_exact(shape.inputs * area) {
        for position in 0..area {
            result.extend(block[position..].iter().step_by(area).cloned());
        }
    }
    result
}

/// `[out][row][column][in]` to `[out][in][row][column]`.
fn channels_second<T: Clone + Default>(mut entries: Vec<T>, shape: Shape) -> Vec<T> {
    let (channels, area) = (shape.inputs, shape.area());
    let mut result: Vec<T> = repeat_n(T::default(), entries.len()).collect();
    let blocks = entries.chunks_exact_mut(channels * area).zip(result.chunks_exact_mut(channels * area));
    for (source, target) in blocks {
        for (index, entry) in source.iter_mut().enumerate() {
            std::mem::swap(&mut target[index % channels * area + index / channels], entry);
        }
    }
    result
}
