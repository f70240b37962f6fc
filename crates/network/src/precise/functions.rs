//! Exponentials, logarithms and what is made of them, by their series at the middle; the radius by the slope.

use std::sync::OnceLock;

use super::{Precise, product};

/// Terms of a series are summed until they are below two to this.
const PLACES: i32 = -270;

impl Precise {
    /// All numbers of at most this size.
    fn at_most(size: f64) -> Self {
        Self::ZERO.within(size)
    }

    /// A function of the middle, where no two values are farther apart than their arguments times this.
    fn by_slope(self, slope: f64, function: impl Fn(Self) -> Self) -> Self {
        if self.is_finite() { function(self.centre()).within(product(self.radius, slope)) } else { Self::ALL }
    }

    /// The exponential.
    #[must_use]
    pub fn exp(self) -> Self {
        let bounds = self.enclosure();
        if bounds.high < -800.0 {
            return Self::at_most(f64::MIN_POSITIVE);
        }
        if bounds.high > 700.0 || self.radius > 0.5 {
            return if bounds.high < 0.0 { Self::at_most(1.0) } else { Self::ALL };
        }
        let middle = self.centre().exp_of_middle();
        // e^r − 1 ≤ 2r for r up to 1/2.
        middle.within(product(2.0 * self.radius, middle.most()))
    }

    /// `(e^(x/2ᵏ))^(2ᵏ)` with `|x/2ᵏ|` at most 1/64.
    fn exp_of_middle(self) -> Self {
        let halvings = (self.middle.exponent() + 6).max(0);
        let y = self.moved(-halvings);
        let (mut sum, mut term) = (Self::ONE, Self::ONE);
        for n in 1.. {
            term = term.times(y).over_small(n);
            sum = sum.plus(term);
            if term.middle.is_zero() || term.middle.exponent() < PLACES {
                break;
            }
        }
        // What is left is less than the last term.
        sum = sum.within(term.most());
        (0..halvings).fold(sum, |power, _| power.times(power))
    }

    /// `1 / (1 + e^(-x))`.
    #[must_use]
    pub fn sigmoid(self) -> Self {
        if !self.is_finite() || self.radius > 1.0 {
            return Self::point(0.5).within(0.5);
        }
        self.by_slope(0.25, |x| {
            let power = x.magnitude().negated().exp();
            let inverse = Self::ONE.plus(power).reciprocal();
            if x.middle.is_negative() { power.times(inverse) } else { inverse }
        })
    }

    /// The hyperbolic tangent, `2·sigmoid(2x) − 1`.
    #[must_use]
    pub fn tanh(self) -> Self {
        self.moved(1).sigmoid().moved(1).minus(Self::ONE)
    }

    /// The natural logarithm of what is certainly positive.
    #[must_use]
    pub fn ln(self) -> Self {
        if self.least() <= 0.0 || self.middle.is_negative() || !self.is_finite() {
            return Self::ALL;
        }
        let middle = self.centre();
        // ln x = y + ln(1 + t) with t = x/e^y − 1, from the library's value y.
        let y = Self::point(middle.enclosure().middle().ln());
        let t = middle.times(y.negated().exp()).minus(Self::ONE);
        if t.most() > 1e-8 {
            return Self::ALL;
        }
        let (mut sum, mut power) = (Self::ZERO, Self::ONE);
        for n in 1..=12u32 {
            power = power.times(t);
            let term = power.over_small(n);
            sum = if n % 2 == 1 { sum.plus(term) } else { sum.minus(term) };
        }
        // What is left is less than the last power.
        y.plus(sum.within(power.most())).within(super::quotient(self.radius, self.least()))
    }

    /// The error function: `2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!`, whose terms have one sign; 1 beyond 14, but for
    /// less than `e^(−x²)`.
    #[must_use]
    pub fn erf(self) -> Self {
        if !self.is_finite() || self.radius > 1.0 {
            return Self::at_most(1.0);
        }
        // The slope is at most 2/√π.
        self.by_slope(1.13, |x| {
            let square = x.times(x);
            let small = square.negated().exp();
            let size = x.magnitude();
            let value = if size.least() > 14.0 {
                Self::ONE.within(small.most())
            } else {
                let twice = square.moved(1);
                let (mut sum, mut term) = (size, size);
                for n in 1u32.. {
                    term = term.times(twice).over_small(2 * n + 1);
                    sum = sum.plus(term);
                    // From here on each term is less than half of the one before.
                    let falls = f64::from(2 * n + 3) > 2.0 * twice.most();
                    if falls && (term.middle.is_zero() || term.middle.exponent() < PLACES) {
                        break;
                    }
                }
                sum.within(term.most()).times(small).times(root_of_pi()).moved(1)
            };
            if x.middle.is_negative() { value.negated() } else { value }
        })
    }

    /// π: `16·atan(1/5) − 4·atan(1/239)`.
    #[must_use]
    pub fn pi() -> Self {
        static PI: OnceLock<Precise> = OnceLock::new();
        *PI.get_or_init(|| inverse_tangent(5).moved(4).minus(inverse_tangent(239).moved(2)))
    }
}

/// 1/√π.
fn root_of_pi() -> Precise {
    static ROOT: OnceLock<Precise> = OnceLock::new();
    *ROOT.get_or_init(|| Precise::pi().root().reciprocal())
}

/// The angle whose tangent is one over a number, by its series.
fn inverse_tangent(number: u32) -> Precise {
    let mut power = Precise::ONE.over_small(number);
    let mut sum = power;
    for n in 1..=128u32 {
        power = power.over_small(number).over_small(number).negated();
        sum = sum.plus(power.over_small(2 * n + 1));
    }
    // Alternating and falling.
    sum.within(power.most())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixty digits of a value, in three parts.
    fn near(found: Precise, digits: &str) {
        let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |digits| (true, digits));
        let (whole, part) = digits.split_once('.').unwrap();
        let mut wanted = Precise::whole(whole.parse().unwrap());
        let mut unit = Precise::whole(1);
        for digit in part.bytes() {
            unit = unit.over_small(10);
            wanted = wanted.plus(unit.times(Precise::whole((digit - b'0').into())));
        }
        let wanted = if negative { wanted.negated() } else { wanted };
        let off = found.minus(wanted).most();
        assert!(off < 1e-59, "{off:e} from {digits}");
        // The last digit is rounded: nothing is claimed that is not so.
        assert!(found.apart(wanted) < 1e-60, "{digits}");
    }

    #[test]
    fn functions_have_the_digits_of_tables() {
        near(Precise::pi(), "3.141592653589793238462643383279502884197169399375105820974945");
        near(Precise::whole(1).exp(), "2.718281828459045235360287471352662497757247093699959574966968");
        near(Precise::whole(2).ln(), "0.693147180559945309417232121458176568075500134360255254120680");
        near(Precise::whole(2).root(), "1.414213562373095048801688724209698078569671875376948073176680");
        near(Precise::whole(1).erf(), "0.842700792949714869341220635082609259296066997966302908459938");
        near(Precise::whole(-1).tanh(), "-0.761594155955764888119458282604793590412768597257936551596811");
        near(Precise::whole(1).sigmoid(), "0.731058578630004879251159241821836274365144640165056519276366");
        near(Precise::whole(-3).sigmoid(), "0.047425873177566780878848151771752201386179432420609100717888");
    }

    #[test]
    fn functions_of_doubles_enclose_known_values() {
        let known = [
            (Precise::point(1.0).exp(), std::f64::consts::E),
            (Precise::point(-3.5).exp(), 0.030_197_383_422_318_5),
            (Precise::point(10.0).ln(), std::f64::consts::LN_10),
            (Precise::point(0.5).erf(), 0.520_499_877_813_046_5),
            (Precise::point(-2.0).erf(), -0.995_322_265_018_952_7),
            (Precise::point(0.3).tanh(), 0.291_312_612_451_590_9),
        ];
        for (found, wanted) in known {
            let off = found.minus(Precise::point(wanted)).most();
            assert!(off <= 1e-12 * (1.0 + wanted.abs()), "{found:?} {wanted}");
        }
    }

    #[test]
    fn functions_of_wide_numbers_hold_all_values() {
        for (low, high) in [(-0.3, 0.2), (1.0, 1.25), (-4.0, -3.5), (-20.0, 20.0), (13.9, 14.2)] {
            let x = Precise::around(crate::enclosure::Enclosure { low, high });
            for n in 0..=8 {
                let at = Precise::point(low + (high - low) * f64::from(n) / 8.0);
                let functions = [Precise::exp, Precise::sigmoid, Precise::tanh, Precise::erf, Precise::ln];
                for function in functions {
                    assert_eq!(function(x).apart(function(at)), 0.0, "{low} {high} {n}");
                }
            }
        }
        assert!(Precise::point(-1e6).exp().most() < 1e-300 && !Precise::point(1e6).exp().is_finite());
        assert_eq!(Precise::point(30.0).erf().apart(Precise::whole(1)), 0.0);
        assert!(Precise::point(-30.0).erf().minus(Precise::whole(-1)).most() < 1e-300);
        assert!(Precise::ALL.sigmoid().most() <= 1.0 + 1e-9 && Precise::ALL.erf().most() <= 1.0 + 1e-9);
    }
}
