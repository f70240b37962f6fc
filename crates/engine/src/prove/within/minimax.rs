//! By how much one relu of an affine function can exceed another, exactly, and the image that shows it.
//!
//! sup (max(f, 0) − max(g, 0)) over |x| ≤ r is, where positive, the least value for 0 ≤ λ ≤ 1 of r·‖f − λg‖₁ + f₀ − λ·g₀
//! (`docs/semantics.md`, Theorem 11d): a convex function of λ whose slope changes where a coefficient of f − λg is 0.

use std::collections::BTreeMap;

use crate::prove::values::hull::Pixel;
use convproof_exact::Rational;
use convproof_exact::budget::spend_on;

/// Two affine functions of the same pixels.
#[derive(Clone, Debug, Default)]
pub struct AffinePair {
    /// Coefficients of both.
    pub pixels: BTreeMap<Pixel, [Rational; 2]>,
    /// Constants of both.
    pub constants: [Rational; 2],
}

impl AffinePair {
    /// The largest excess of the first one's relu over the second's, at least 0, and an image that attains it.
    pub fn excess(&self, range: &Rational) -> (Rational, Vec<(Pixel, Rational)>) {
        let factor = self.factor(range);
        let image = self.image(&factor, range);
        let (f, g) = self.values(&image);
        let excess = f.max(Rational::ZERO) - g.max(Rational::ZERO);
        (excess.max(Rational::ZERO), image)
    }

    /// The λ with the least value.
    fn factor(&self, range: &Rational) -> Rational {
        let mut slope = -&self.constants[1];
        let mut kinks = Vec::new();
        for [f, g] in self.pixels.values() {
            // Where g is 0 the coefficient does not depend on λ.
            let Some(kink) = f.checked_div(g) else { continue };
            // |f − λg| falls before its kink and rises after it.
            let magnitude = &g.abs() * range;
            slope -= &magnitude;
            kinks.push((kink, magnitude.clone() + magnitude));
        }
        spend_on(kinks.len() + 1, 1000);
        kinks.sort();
        if !slope.is_negative() {
            return Rational::ZERO;
        }
        let rises = kinks.into_iter().find_map(|(kink, step)| {
            slope += &step;
            (!slope.is_negative()).then_some(kink)
        });
        rises.map_or(Rational::ONE, |kink| kink.clamp(Rational::ZERO, Rational::ONE))
    }

    /// An image at which f − λg is largest; pixels that it does not depend on make g as near 0 as they can, on the side
    /// that λ asks for.
    fn image(&self, factor: &Rational, range: &Rational) -> Vec<(Pixel, Rational)> {
        let mut free = Vec::new();
        let mut image: BTreeMap<Pixel, Rational> = BTreeMap::new();
        let mut second = self.constants[1].clone();
        for (&pixel, [f, g]) in &self.pixels {
            let sign = (f - &(factor * g)).signum();
            let sign = if sign == 0 { -g.signum() } else { sign };
            let value = &Rational::from(i64::from(sign)) * range;
            second += &(g * &value);
            if f == &(factor * g) && !g.is_zero() {
                free.push((pixel, g));
            }
            image.insert(pixel, value);
        }
        // All free pixels make g small; where λ > 0, g may not stay below 0.
        for (pixel, g) in free.into_iter().filter(|_| !factor.is_zero()) {
            if !second.is_negative() {
                break;
            }
            let most = &g.abs() * range;
            let needed = (-&second).min(most.clone() + most);
            second += &needed;
            if let (Some(value), Some(step)) = (image.get_mut(&pixel), needed.checked_div(g)) {
                *value += &step;
            }
        }
        image.into_iter().collect()
    }

    fn values(&self, image: &[(Pixel, Rational)]) -> (Rational, Rational) {
        let [mut f, mut g] = self.constants.clone();
        for (pixel, value) in image {
            if let Some([a, b]) = self.pixels.get(pixel) {
                f += &(a * value);
                g += &(b * value);
            }
        }
        (f, g)
    }
}

#[cfg(test)]
#[allow(clippy::float_arithmetic, reason = "a coarse check of the exact value")]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    /// The least of max over the corners of the box, λ on a fine grid: above the excess, and near it.
    fn least(pair: &AffinePair, range: f64) -> f64 {
        let value = |factor: f64| {
            let sum: f64 = pair.pixels.values().map(|[f, g]| (f.to_f64() - factor * g.to_f64()).abs()).sum();
            range * sum + pair.constants[0].to_f64() - factor * pair.constants[1].to_f64()
        };
        (0..=2000).map(|step| value(f64::from(step) / 2000.0)).fold(f64::INFINITY, f64::min).max(0.0)
    }

    #[test]
    fn the_excess_is_attained_and_no_less_than_the_dual() {
        let mut generator = SplitMix64::new(7);
        let mut number = move || Rational::from(i64::try_from(generator.below(9)).unwrap() - 4);
        for round in 0..2000 {
            let range = Rational::ratio(1 + round % 5, 2).unwrap();
            let mut pair = AffinePair { constants: [number(), number()], ..AffinePair::default() };
            // One time in three f and g are multiples of each other but for their constants.
            let ratio = [number(), number()];
            for at in 0..4 {
                let multiple = number();
                let coefficients = match round % 3 {
                    0 => ratio.each_ref().map(|one| one * &multiple),
                    _ => [multiple, number()],
                };
                pair.pixels.insert((0, [at, 0]), coefficients);
            }
            let (excess, image) = pair.excess(&range);
            assert!(image.iter().all(|(_, value)| value.abs() <= range));
            let dual = least(&pair, range.to_f64());
            assert!((excess.to_f64() - dual).abs() < 0.1, "{pair:?}: {excess:?}, {dual}");
        }
    }
}
