//! Two kinds of numbers to evaluate with: residues, at which any difference of affine maps shows, and fractions.

/// A ring, ordered as far as layers with an order ask for it.
pub(crate) trait Number: Clone + PartialEq + std::fmt::Debug {
    fn fraction(numerator: i64, denominator: i64) -> Self;
    fn plus(&self, other: &Self) -> Self;
    fn times(&self, other: &Self) -> Self;
    fn larger(&self, other: &Self) -> Self;

    fn integer(value: i64) -> Self {
        Self::fraction(value, 1)
    }
}

/// A residue modulo the prime 2⁶¹ − 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Residue(u64);

const PRIME: u64 = (1 << 61) - 1;

impl Residue {
    fn power(self, exponent: u64) -> Self {
        let half = if exponent < 2 { Self(1) } else { self.times(&self).power(exponent / 2) };
        if exponent % 2 == 1 { half.times(&self) } else { half }
    }
}

impl Number for Residue {
    fn fraction(numerator: i64, denominator: i64) -> Self {
        let residue = |value: i64| Self(value.rem_euclid(PRIME as i64) as u64);
        match denominator {
            1 => residue(numerator),
            _ => residue(numerator).times(&residue(denominator).power(PRIME - 2)),
        }
    }

    fn plus(&self, other: &Self) -> Self {
        Self((self.0 + other.0) % PRIME)
    }

    fn times(&self, other: &Self) -> Self {
        Self((u128::from(self.0) * u128::from(other.0) % u128::from(PRIME)) as u64)
    }

    /// Residues have no order; this one serves where only sizes are asked for.
    fn larger(&self, other: &Self) -> Self {
        Self(self.0.max(other.0))
    }
}

/// A reduced fraction with a positive denominator; one that outgrew its bits has the denominator 0 and spoils what
/// it touches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    const SPOILT: Self = Self { numerator: 0, denominator: 0 };

    fn new(numerator: Option<i128>, denominator: Option<i128>) -> Self {
        let (Some(n), Some(d)) = (numerator, denominator) else { return Self::SPOILT };
        if d == 0 {
            return Self::SPOILT;
        }
        if d == 1 {
            return Self { numerator: n, denominator: 1 };
        }
        let (mut a, mut b) = (n.abs(), d.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self { numerator: n / a * d.signum(), denominator: (d / a).abs() }
    }

    pub(crate) fn is_spoilt(self) -> bool {
        self.denominator == 0
    }

    pub(crate) fn is_zero(self) -> bool {
        self.numerator == 0 && self.denominator != 0
    }

    pub(crate) fn abs(self) -> Self {
        Self { numerator: self.numerator.abs(), ..self }
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.plus(&other.times(&Self::integer(-1)))
    }

    pub(crate) fn exceeds(&self, other: &Self) -> bool {
        self.minus(other).numerator > 0
    }

    /// A whole number, a fraction `a/b`, or a decimal that is one of these.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (n, d) = text.split_once('/').unwrap_or((text, "1"));
        Some(Self::new(Some(n.parse().ok()?), Some(d.parse().ok()?)))
    }
}

impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            d => write!(f, "{}/{d}", self.numerator),
        }
    }
}

impl Number for Fraction {
    fn fraction(numerator: i64, denominator: i64) -> Self {
        Self::new(Some(numerator.into()), Some(denominator.into()))
    }

    fn plus(&self, other: &Self) -> Self {
        // Most terms are 0, and most numbers whole.
        if other.is_zero() {
            return *self;
        }
        let left = self.numerator.checked_mul(other.denominator);
        let right = other.numerator.checked_mul(self.denominator);
        let sum = left.zip(right).and_then(|(a, b)| a.checked_add(b));
        Self::new(sum, self.denominator.checked_mul(other.denominator))
    }

    fn times(&self, other: &Self) -> Self {
        if self.is_zero() && !other.is_spoilt() || *other == Self::integer(1) {
            return *self;
        }
        let product = self.numerator.checked_mul(other.numerator);
        Self::new(product, self.denominator.checked_mul(other.denominator))
    }

    fn larger(&self, other: &Self) -> Self {
        if self.is_spoilt() || other.exceeds(self) { *other } else { *self }
    }
}
