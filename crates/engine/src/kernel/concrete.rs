//! Kernels of known rationals: representation, construction, access. Their operations are in the sibling files.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{Integers, KernelError, Shape};
use convproof_exact::budget::{self, Held};
use convproof_exact::{Fractions, Grid, Limited, Rational};

/// An exact kernel: integers over one positive common denominator, in lowest terms.
///
/// No factor but 1 divides the denominator and every integer, and the integers stand in machine words exactly
/// if all fit, so `==` and `Hash` are mathematical equality (shape included).
///
/// ```
/// use convproof_engine::kernel::{ConcreteKernel, Shape};
/// let smooth = ConcreteKernel::from_bigints(Shape::plane(1, 2), &[2.into(), 2.into()], 4.into()).unwrap();
/// let twice = smooth.convolve(&smooth).unwrap();
/// assert_eq!(twice.shape().to_string(), "[1,3]");
/// assert_eq!(twice.entry(0, 0, 0, 1).to_string(), "1/2");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConcreteKernel {
    shape: Shape,
    integers: Integers,
    denominator: BigInt,
    held: Held,
}

impl ConcreteKernel {
    /// Integers in the order `[out][in][row][column]`.
    ///
    /// # Errors
    /// If the shape is not valid or has another number of entries.
    pub fn from_integers(shape: Shape, values: Vec<i64>) -> Result<Self, KernelError> {
        check_count(shape, values.len())?;
        let held = budget::hold(values.len(), size_of::<i64>());
        Ok(Self { shape, integers: Integers::Words(values), denominator: BigInt::one(), held })
    }

    /// Integers in the order `[out][in][row][column]`, each divided by `denominator`.
    ///
    /// # Errors
    /// If the shape is not valid or has another number of entries, or the denominator is 0 or too long.
    pub fn from_bigints(shape: Shape, values: &[BigInt], denominator: BigInt) -> Result<Self, KernelError> {
        check_count(shape, values.len())?;
        if denominator.is_zero() {
            return Err(KernelError::ZeroDenominator);
        }
        check_denominator(denominator.bits())?;
        check_memory(values.len(), values.iter().map(BigInt::bits).max().unwrap_or(0))?;
        let integers = Integers::from_bigs(values);
        if denominator.is_negative() {
            return Ok(Self::canonical(shape, integers, -denominator).neg());
        }
        Ok(Self::canonical(shape, integers, denominator))
    }

    /// Rationals in the order `[out][in][row][column]`.
    ///
    /// # Errors
    /// If the shape is not valid or has another number of entries, or if the common denominator is too long.
    pub fn from_rationals(shape: Shape, values: &[Rational]) -> Result<Self, KernelError> {
        check_count(shape, values.len())?;
        // Weights that were floats of ordinary size take this way.
        if let Some((common, doubles)) = over_word(values) {
            return Ok(Self::canonical(shape, Integers::from_doubles(&doubles), common.into()));
        }
        let mut common = BigInt::one();
        for value in values {
            let denominator = value.denominator();
            if !(&common % &denominator).is_zero() {
                common = common.lcm(&denominator);
                check_denominator(common.bits())?;
            }
        }
        let over = |value: &Rational| value.numerator() * (&common / value.denominator());
        let bits = values.iter().map(Rational::bits).max().unwrap_or(0);
        check_memory(values.len(), bits.saturating_add(common.bits()))?;
        let integers: Vec<BigInt> = values.iter().map(over).collect();
        Ok(Self::canonical(shape, Integers::from_bigs(&integers), common))
    }

    /// Rationals as they are read from a file, in the order `[out][in][row][column]`.
    ///
    /// # Errors
    /// As for [`ConcreteKernel::from_rationals`].
    pub fn from_fractions(shape: Shape, values: Fractions) -> Result<Self, KernelError> {
        match values {
            Fractions::Dyadic { integers, places } => {
                check_count(shape, integers.len())?;
                Ok(Self::canonical(shape, Integers::Words(integers), BigInt::one() << places))
            }
            Fractions::Rationals(values) => Self::from_rationals(shape, &values),
        }
    }

    /// The kernel with these values; their number, the sign of the denominator, and that integers are in words
    /// if all fit, are the caller's promise.
    pub(crate) fn canonical(shape: Shape, integers: Integers, mut denominator: BigInt) -> Self {
        debug_assert!(shape.validate() == Ok(integers.len()) && denominator.is_positive());
        let words = match &integers {
            Integers::Words(words) => words.len(),
            Integers::Wide(_) => integers.len().saturating_mul(words_of(integers.max_bits())),
        };
        budget::spend_on(words, 4);
        let held = budget::hold(words, size_of::<i64>());
        let integers = integers.reduce(&mut denominator);
        Self { shape, integers, denominator, held }
    }

    /// All entries equal to `value`.
    ///
    /// # Errors
    /// If the shape is not valid.
    pub fn constant(shape: Shape, value: i64) -> Result<Self, KernelError> {
        let count = shape.validate()?;
        Self::from_integers(shape, vec![value; count])
    }

    /// All entries 0.
    ///
    /// # Errors
    /// If the shape is not valid.
    pub fn zeros(shape: Shape) -> Result<Self, KernelError> {
        Self::constant(shape, 0)
    }

    /// All entries 1.
    ///
    /// # Errors
    /// If the shape is not valid.
    pub fn ones(shape: Shape) -> Result<Self, KernelError> {
        Self::constant(shape, 1)
    }

    /// A single-channel kernel with one 1, at `(row, column)`, else 0; without the 1 if it lies outside.
    ///
    /// # Errors
    /// If the shape is not valid.
    pub fn delta(height: usize, width: usize, row: usize, column: usize) -> Result<Self, KernelError> {
        let shape = Shape::plane(height, width);
        let mut values = vec![0; shape.validate()?];
        if row < height && column < width {
            values[row * width + column] = 1;
        }
        Self::from_integers(shape, values)
    }

    /// The 1×1 kernel that copies each of `channels` channels.
    ///
    /// # Errors
    /// If the shape is not valid.
    pub fn identity(channels: usize) -> Result<Self, KernelError> {
        let shape = Shape::new(channels, channels, 1, 1);
        let mut values = vec![0; shape.validate()?];
        values.iter_mut().step_by(channels + 1).for_each(|value| *value = 1);
        Self::from_integers(shape, values)
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The integers over [`ConcreteKernel::denominator`], in the order `[out][in][row][column]`.
    pub fn integers(&self) -> &Integers {
        &self.integers
    }

    /// The positive common denominator, in lowest terms; 1 for a zero kernel.
    pub fn denominator(&self) -> &BigInt {
        &self.denominator
    }

    /// The factor, if this tap from `width` input channels to as many output channels, counted from `starts`, is a multiple of
    /// the identity.
    pub fn identity_factor(
        &self,
        [row, column]: [usize; 2],
        [outputs, inputs]: [usize; 2],
        width: usize,
    ) -> Option<Rational> {
        let Shape { inputs: all, height, width: columns, .. } = self.shape;
        let place =
            |o: usize, c: usize| (((outputs + o) * all + inputs + c) * height + row) * columns + column;
        let factor = self.integers.get(place(0, 0));
        let zero = |o: usize, [from, to]: [usize; 2]| match &self.integers {
            // One word after the other: looked at together.
            Integers::Words(words) if height * columns == 1 => {
                words[place(o, from)..place(o, to)].iter().fold(0, |all, word| all | word) == 0
            }
            _ => (from..to).all(|c| self.integers.is_zero_at(place(o, c))),
        };
        let alike = (0..width)
            .all(|o| self.integers.get(place(o, o)) == factor && zero(o, [0, o]) && zero(o, [o + 1, width]));
        alike.then(|| Rational::new(factor, self.denominator.clone())).flatten()
    }

    /// The entry for output channel `output`, input channel `input`, at `(row, column)`.
    ///
    /// # Panics
    /// If the position lies outside the shape.
    pub fn entry(&self, output: usize, input: usize, row: usize, column: usize) -> Rational {
        let Shape { outputs, inputs, height, width } = self.shape;
        assert!(
            output < outputs && input < inputs && row < height && column < width,
            "entry [{output},{input},{row},{column}] of a kernel {}",
            self.shape
        );
        let index = ((output * inputs + input) * height + row) * width + column;
        self.rational(index, self.denominator.to_i64())
    }

    /// Bytes that were counted for it when it was made within a budget.
    pub fn memory(&self) -> u64 {
        self.held.bytes()
    }

    /// All entries, in the order `[out][in][row][column]`.
    pub fn entries(&self) -> impl Iterator<Item = Rational> + '_ {
        let denominator = self.denominator.to_i64();
        (0..self.integers.len()).map(move |index| self.rational(index, denominator))
    }

    /// The plane from input channel `input` to output channel `output`.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn block(&self, output: usize, input: usize) -> Grid<Rational> {
        Grid::from_fn(self.shape.height, self.shape.width, |row, column| {
            self.entry(output, input, row, column)
        })
    }

    /// The entry at this index; `denominator` is the denominator if that is a machine word.
    fn rational(&self, index: usize, denominator: Option<i64>) -> Rational {
        if let (Integers::Words(words), Some(denominator)) = (&self.integers, denominator)
            && let Some(ratio) = Rational::ratio(words[index], denominator)
        {
            return ratio;
        }
        self.over_denominator(self.integers.get(index))
    }

    /// `value` divided by the common denominator.
    pub(crate) fn over_denominator(&self, value: BigInt) -> Rational {
        Rational::new(value, self.denominator.clone()).expect("denominators are positive")
    }
}

/// The least common denominator and the integers over it, where all parts and that denominator are machine words.
fn over_word(values: &[Rational]) -> Option<(i64, Vec<i128>)> {
    // Powers of two, the denominators of floats, are compared and divided without divisions.
    let is_power = |n: i64| n & (n - 1) == 0;
    let mut common = 1_i64;
    for value in values {
        let (_, denominator) = value.as_small_parts()?;
        let divides =
            if is_power(denominator) { common & (denominator - 1) == 0 } else { common % denominator == 0 };
        if !divides {
            common = common.checked_mul(denominator / common.gcd(&denominator))?;
        }
    }
    let over = |value: &Rational| {
        let (numerator, denominator) = value.as_small_parts()?;
        let factor =
            if is_power(common) { common >> denominator.trailing_zeros() } else { common / denominator };
        Some(i128::from(numerator) * i128::from(factor))
    };
    Some((common, values.iter().map(over).collect::<Option<_>>()?))
}

/// Machine words that so many bits take.
fn words_of(bits: u64) -> usize {
    usize::try_from(budget::words(bits)).unwrap_or(usize::MAX)
}

fn check_count(shape: Shape, found: usize) -> Result<(), KernelError> {
    let expected = shape.validate()?;
    if expected == found { Ok(()) } else { Err(KernelError::EntryCount { expected, found }) }
}

/// No denominator is longer than this many bits: the time of a gcd grows with the square.
const MAX_DENOMINATOR_BITS: u64 = 1 << 16;

/// Whether a denominator of `bits` bits may be made.
pub(crate) fn check_denominator(bits: u64) -> Result<(), KernelError> {
    if bits.within(MAX_DENOMINATOR_BITS) { Ok(()) } else { Err(KernelError::TooLarge) }
}

/// No kernel takes more than this many bits of memory.
const MAX_BITS: u64 = 1 << 31;

/// Whether `count` integers of up to `bits` bits may be made.
pub(crate) fn check_memory(count: usize, bits: u64) -> Result<(), KernelError> {
    let each = bits.saturating_add(64);
    if each.saturating_mul(count as u64).within(MAX_BITS) { Ok(()) } else { Err(KernelError::TooLarge) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_outside_is_none() {
        let zero = ConcreteKernel::delta(2, 3, 0, 3).unwrap();
        assert_eq!(ConcreteKernel::delta(2, 3, 2, 0).unwrap(), zero);
        assert!(zero.is_zero());
        assert!(!ConcreteKernel::delta(2, 3, 1, 2).unwrap().is_zero());
    }

    #[test]
    fn any_other_entry_of_the_block_makes_it_no_multiple_of_the_identity() {
        let wide = BigInt::from(7) << 200_u32;
        for (factor, [height, width]) in
            [(BigInt::from(3), [1, 1]), (BigInt::from(3), [2, 3]), (wide.clone(), [1, 1]), (wide, [2, 3])]
        {
            let shape = Shape::new(4, 5, height, width);
            let at = [height - 1, width / 2];
            let place = |o: usize, c: usize| ((o * 5 + c) * height + at[0]) * width + at[1];
            // Three channels, from output 1 and input 2 on; something is beside them.
            let mut entries = vec![Rational::ZERO; shape.entries().unwrap()];
            (0..3).for_each(|k| entries[place(1 + k, 2 + k)] = factor.clone().into());
            entries[place(0, 0)] = Rational::from(5);
            let found = |entries: &[Rational]| {
                let kernel = ConcreteKernel::from_rationals(shape, entries).unwrap();
                kernel.identity_factor(at, [1, 2], 3)
            };
            assert_eq!(found(&entries), Some(factor.clone().into()));
            for (o, c) in (0..4).flat_map(|o| (0..5).map(move |c| (o, c))) {
                let mut other = entries.clone();
                other[place(o, c)] = &other[place(o, c)] + &Rational::from(1);
                let inside = (1..4).contains(&o) && (2..5).contains(&c);
                assert_eq!(found(&other).is_none(), inside, "{o} {c}");
            }
        }
    }
}
