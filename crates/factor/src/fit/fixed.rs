//! Kernels of integers over one common denominator: the exact arithmetic of this module.
//! Knows convolution, differences and norms; nothing of problems.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use convproof_exact::{Grid, Rational};

/// A kernel with entries `cells / denominator`, the denominator positive. Not necessarily in lowest terms.
#[derive(Clone, Debug)]
pub struct Fixed {
    pub cells: Grid<BigInt>,
    pub denominator: BigInt,
}

/// A kernel as short integers times a unit.
pub struct Shortened {
    pub cells: Grid<BigInt>,
    pub unit: Rational,
    /// A bound on the norm of what rounding changed, in units.
    pub error: Rational,
}

impl Fixed {
    pub fn new(kernel: &Grid<Rational>) -> Self {
        let denominator = kernel
            .cells()
            .iter()
            .fold(BigInt::one(), |lcm, x| if x.is_integer() { lcm } else { lcm.lcm(&x.denominator()) });
        let cells = kernel.map(|x| x.numerator() * (&denominator / x.denominator()));
        Self { cells, denominator }
    }

    pub fn zero(height: usize, width: usize) -> Self {
        Self { cells: Grid::from_fn(height, width, |_, _| BigInt::zero()), denominator: BigInt::one() }
    }

    pub fn unit() -> Self {
        Self { cells: Grid::from_fn(1, 1, |_, _| BigInt::one()), denominator: BigInt::one() }
    }

    pub fn height(&self) -> usize {
        self.cells.height()
    }

    pub fn width(&self) -> usize {
        self.cells.width()
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        self.cells.cells().len() == 1
    }

    pub fn to_rationals(&self) -> Grid<Rational> {
        self.cells.map(|cell| ratio(cell.clone(), self.denominator.clone()))
    }

    /// The full convolution.
    pub fn convolve(&self, other: &Self) -> Self {
        let (height, width) = (self.height() + other.height() - 1, self.width() + other.width() - 1);
        let mut cells = Grid::from_fn(height, width, |_, _| BigInt::zero());
        for (i, row) in self.cells.rows().enumerate() {
            for (j, x) in row.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
                for (k, other_row) in other.cells.rows().enumerate() {
                    for (l, y) in other_row.iter().enumerate() {
                        *cells.at_mut(i + k, j + l) += x * y;
                    }
                }
            }
        }
        Self { cells, denominator: &self.denominator * &other.denominator }
    }

    /// The difference of two kernels of one shape.
    pub fn minus(&self, other: &Self) -> Self {
        let denominator = self.denominator.lcm(&other.denominator);
        let (up, other_up) = (&denominator / &self.denominator, &denominator / &other.denominator);
        let cells = Grid::from_fn(self.height(), self.width(), |i, j| {
            self.cells.at(i, j) * &up - other.cells.at(i, j) * &other_up
        });
        Self { cells, denominator }
    }

    pub fn is_zero(&self) -> bool {
        self.cells.cells().iter().all(Zero::is_zero)
    }

    /// `‖·‖_F²`.
    pub fn norm_squared(&self) -> Rational {
        let sum: BigInt = self.cells.cells().iter().map(|x| x * x).sum();
        ratio(sum, &self.denominator * &self.denominator)
    }

    /// The first entry of largest magnitude, with its row and column.
    pub fn largest(&self) -> (Rational, (usize, usize)) {
        let mut best = 0;
        let cells = self.cells.cells();
        for (k, x) in cells.iter().enumerate() {
            if x.magnitude() > cells[best].magnitude() {
                best = k;
            }
        }
        (ratio(cells[best].abs(), self.denominator.clone()), (best / self.width(), best % self.width()))
    }

    /// `‖·‖_F²` of integers.
    pub fn squared(cells: &Grid<BigInt>) -> Rational {
        Rational::from(cells.cells().iter().map(|x| x * x).sum::<BigInt>())
    }

    /// The kernel rounded to integers of at most `bits` bits without a common divisor; `None` for the zero kernel.
    pub fn shortened(&self, bits: u64) -> Option<Shortened> {
        let content = self.cells.cells().iter().fold(BigInt::zero(), |g, x| g.gcd(x));
        if content.is_zero() {
            return None;
        }
        let cells = self.cells.map(|x| x / &content);
        let drop = cells.cells().iter().map(BigInt::bits).max()?.saturating_sub(bits);
        let half = (BigInt::one() << drop) >> 1_u32;
        // Each entry moves by at most 1/2.
        let error = if drop == 0 {
            Rational::ZERO
        } else {
            ratio(BigInt::from(cells.cells().len()).sqrt() + 1_u32, BigInt::from(2))
        };
        Some(Shortened {
            cells: cells.map(|x| (x + &half) >> drop),
            unit: ratio(content << drop, self.denominator.clone()),
            error,
        })
    }

    /// Length of the longest cell.
    pub fn bits(&self) -> u64 {
        self.cells.cells().iter().map(BigInt::bits).max().unwrap_or(0)
    }

    /// The least e with every entry below 2^e in magnitude, up to one; `None` for the zero kernel.
    pub fn exponent(&self) -> Option<i64> {
        let bits = Some(self.bits()).filter(|&bits| bits > 0)?;
        let length = |bits: u64| i64::try_from(bits).unwrap_or(i64::MAX / 4);
        Some(length(bits) - length(self.denominator.bits()) + 1)
    }

    /// The entries divided by 2^exponent, in floating point.
    pub fn to_floats(&self, exponent: i64) -> Grid<f64> {
        let up = BigInt::one() << exponent.min(0).unsigned_abs();
        let denominator = &self.denominator << exponent.max(0).unsigned_abs();
        self.cells.map(|cell| ratio(cell * &up, denominator.clone()).to_f64())
    }
}

/// `numerator / denominator` for a denominator that is not 0.
pub fn ratio(numerator: BigInt, denominator: BigInt) -> Rational {
    Rational::new(numerator, denominator).expect("the denominator is not 0")
}

#[cfg(test)]
mod tests;
