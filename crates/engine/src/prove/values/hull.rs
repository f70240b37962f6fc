//! Affine functions of an image whose coefficients are only known to lie between two numbers each.
//!
//! Knows nothing of layers or terms.

use std::collections::BTreeMap;

use convproof_exact::Rational;
use convproof_exact::budget::spend_on;

/// Block of channels, and place counted from the first pixel that is read.
pub type Pixel = (u32, [i64; 2]);

/// Two numbers, the lower one first.
type Range = [Rational; 2];

/// All affine functions with coefficients and a constant in given ranges; pixels that are left out have coefficient 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hull {
    pixels: BTreeMap<Pixel, Range>,
    constant: Range,
}

impl Hull {
    /// Adds a number times a pixel, or times 1.
    pub fn add(&mut self, pixel: Option<Pixel>, coefficient: &Rational) {
        let range = match pixel {
            Some(pixel) => self.pixels.entry(pixel).or_default(),
            None => &mut self.constant,
        };
        range.iter_mut().for_each(|end| *end += coefficient);
    }

    /// Adds any sum of one of these and one of `other`, moved and multiplied by a number.
    pub fn add_times(&mut self, other: &Self, factor: &Rational, moved: [i64; 2]) {
        spend_on(other.pixels.len() + 1, 200);
        let times = |range: &Range| {
            let [a, b] = range.each_ref().map(|end| end * factor);
            if factor.is_negative() { [b, a] } else { [a, b] }
        };
        let add = |to: &mut Range, range: Range| to.iter_mut().zip(range).for_each(|(to, end)| *to += &end);
        for ((block, place), range) in &other.pixels {
            let pixel = (*block, [place[0] + moved[0], place[1] + moved[1]]);
            add(self.pixels.entry(pixel).or_default(), times(range));
        }
        add(&mut self.constant, times(&other.constant));
    }

    /// Whatever lies between one of these and one of `other`.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        spend_on(self.pixels.len() + other.pixels.len() + 1, 200);
        let zero = Range::default();
        let join = |to: &mut Range, range: &Range| {
            if range[0] < to[0] {
                to[0] = range[0].clone();
            }
            if range[1] > to[1] {
                to[1] = range[1].clone();
            }
        };
        for (pixel, range) in &mut self.pixels {
            join(range, other.pixels.get(pixel).unwrap_or(&zero));
        }
        for (pixel, range) in &other.pixels {
            if !self.pixels.contains_key(pixel) {
                let mut wide = zero.clone();
                join(&mut wide, range);
                self.pixels.insert(*pixel, wide);
            }
        }
        join(&mut self.constant, &other.constant);
        self
    }

    /// All products of one of these and a number between two.
    #[must_use]
    pub fn stretched(mut self, [low, high]: &[Rational; 2]) -> Self {
        let stretch = |range: &mut Range| {
            let ends = [&range[0] * low, &range[0] * high, &range[1] * low, &range[1] * high];
            let least = ends.iter().min().cloned().unwrap_or_default();
            let most = ends.into_iter().max().unwrap_or_default();
            *range = [least, most];
        };
        self.pixels.values_mut().for_each(stretch);
        stretch(&mut self.constant);
        self
    }

    /// Takes the coefficient of a pixel away, if it is one number.
    pub fn take(&mut self, pixel: &Pixel) -> Option<Rational> {
        let [low, high] = self.pixels.get(pixel)?;
        if low != high {
            return None;
        }
        self.pixels.remove(pixel).map(|[low, _]| low)
    }

    /// Adds any number between two.
    pub fn add_between(&mut self, [low, high]: &[Rational; 2]) {
        self.constant[0] += low;
        self.constant[1] += high;
    }

    /// No member is larger in magnitude for pixels up to `range`.
    pub fn bound(&self, range: &Rational) -> Rational {
        self.linear(range) + largest(&self.constant).abs()
    }

    /// No member is larger for pixels up to `range`.
    pub fn most(&self, range: &Rational) -> Rational {
        self.linear(range) + &self.constant[1]
    }

    fn linear(&self, range: &Rational) -> Rational {
        let sum = self.pixels.values().fold(Rational::ZERO, |sum, ends| sum + largest(ends).abs());
        &sum * range
    }

    /// The image of pixels `±range` at which the member with the largest coefficients is largest.
    pub fn image(&self, range: &Rational) -> Vec<(Pixel, Rational)> {
        let sign = |value: &Rational| Rational::from(i64::from(value.signum()));
        let value = |ends: &Range| &sign(largest(ends)) * range;
        self.pixels.iter().map(|(pixel, ends)| (*pixel, value(ends))).collect()
    }
}

/// The end that is larger in magnitude.
fn largest([low, high]: &Range) -> &Rational {
    if low.abs() > high.abs() { low } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affine(coefficients: [i64; 2], constant: i64) -> Hull {
        let mut hull = Hull::default();
        for (at, coefficient) in (0..).zip(coefficients).filter(|(_, coefficient)| *coefficient != 0) {
            hull.add(Some((0, [at, 0])), &Rational::from(coefficient));
        }
        hull.add(None, &Rational::from(constant));
        hull
    }

    #[test]
    fn bounds_of_one_function_are_attained() {
        let hull = affine([3, -4], -2);
        assert_eq!(hull.bound(&Rational::from(2)), Rational::from(16));
        let image = hull.image(&Rational::from(2));
        assert_eq!(image, [((0, [0, 0]), Rational::from(2)), ((0, [1, 0]), Rational::from(-2))]);
        assert_eq!(hull.most(&Rational::from(2)), Rational::from(12));
    }

    #[test]
    fn joined_functions_reach_from_zero_where_one_does_not_read() {
        let joined = affine([3, 0], 1).join(&affine([0, -5], 4));
        assert_eq!(joined.bound(&Rational::ONE), Rational::from(3 + 5 + 4));
        let mut sum = joined.clone();
        sum.add_times(&joined, &Rational::from(-1), [0, 0]);
        // Each occurrence may be another member.
        assert_eq!(sum.bound(&Rational::ONE), Rational::from(3 + 5 + 3));
        sum.add_times(&affine([1, 0], 0), &Rational::from(7), [2, 0]);
        assert_eq!(sum.bound(&Rational::ONE), Rational::from(18));
        let mut stretched = affine([3, -4], 2).stretched(&[Rational::from(-1), Rational::from(2)]);
        stretched.add_between(&[Rational::from(-5), Rational::ONE]);
        // 3 to [-3, 6], -4 to [-8, 4], 2 to [-2, 4] and then [-7, 5].
        assert_eq!(stretched.bound(&Rational::ONE), Rational::from(6 + 8 + 7));
        assert_eq!(stretched.most(&Rational::ONE), Rational::from(6 + 8 + 5));
    }
}
