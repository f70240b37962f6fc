//! Floating-point numbers with a mantissa of 256 bits. Results are cut off, and say by how much at most.

#![allow(clippy::float_arithmetic, reason = "powers of two, and bounds that are rounded outward")]

/// Words of a mantissa, least significant first.
const WORDS: usize = 4;
/// Bits of a mantissa.
pub(super) const BITS: i32 = 256;
/// Numbers below two to this are 0 with an error.
const LEAST: i32 = -(1 << 28);
/// Larger ones are not known.
const MOST: i32 = 1 << 28;

/// `± mantissa/2²⁵⁶ · 2^exponent`; the highest bit of the mantissa is set, except for 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Float {
    negative: bool,
    exponent: i32,
    mantissa: [u64; WORDS],
}

/// A power of two from above.
pub(super) fn power_of_two(exponent: i32) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        ..-1022 => f64::MIN_POSITIVE,
        _ => f64::from_bits(u64::from((exponent + 1023).cast_unsigned()) << 52),
    }
}

impl Float {
    pub(super) const ONE: Self = Self { negative: false, exponent: 1, mantissa: [0, 0, 0, 1 << 63] };
    pub(super) const ZERO: Self = Self { negative: false, exponent: 0, mantissa: [0; WORDS] };

    /// A number of one word times a power of two, exactly.
    fn of_word(negative: bool, word: u64, exponent: i32) -> Self {
        if word == 0 {
            return Self::ZERO;
        }
        let zeros = word.leading_zeros();
        let mut mantissa = [0; WORDS];
        mantissa[WORDS - 1] = word << zeros;
        Self { negative, exponent: exponent + 64 - zeros.cast_signed(), mantissa }
    }

    pub(super) fn of_integer(value: i64) -> Self {
        Self::of_word(value < 0, value.unsigned_abs(), 0)
    }

    /// Words, least significant first, times a power of two, and how far the number is from that at most.
    pub(super) fn of_words(words: &[u64], exponent: i32) -> (Self, f64) {
        let Some(top) = words.iter().rposition(|&word| word != 0) else { return (Self::ZERO, 0.0) };
        let zeros = words[top].leading_zeros();
        let mut mantissa = [0; WORDS];
        for (n, word) in mantissa.iter_mut().enumerate() {
            let own = |n: Option<usize>| n.and_then(|n| words.get(n)).copied().unwrap_or(0);
            let (high, below) = (own((top + n + 1).checked_sub(WORDS)), own((top + n).checked_sub(WORDS)));
            *word = if zeros == 0 { high } else { high << zeros | below >> (64 - zeros) };
        }
        let exponent = exponent + 64 * i32::try_from(top + 1).unwrap_or(i32::MAX / 64) - zeros.cast_signed();
        (
            Self { negative: false, exponent, mantissa },
            if top < WORDS { 0.0 } else { power_of_two(exponent - BITS) },
        )
    }

    /// The absolute value of a number of one word as an odd number, or 0, times two to a power.
    pub(super) fn as_word(&self) -> (u64, i32) {
        let word = self.mantissa[WORDS - 1];
        let zeros = if word == 0 { 0 } else { word.trailing_zeros() };
        (word >> zeros, self.exponent - 64 + zeros.cast_signed())
    }

    /// The absolute value as a multiple of `2^(exponent − 256)`, cut off, and whether it is negative.
    pub(super) fn cut_at(&self, exponent: i32) -> ([u64; WORDS], bool) {
        let down = exponent.saturating_sub(self.exponent).clamp(0, BITS);
        let words =
            if self.is_zero() { [0; WORDS] } else { shifted_down(self.mantissa, down.cast_unsigned()).0 };
        (words, self.negative)
    }

    /// A double that is finite, exactly.
    pub(super) fn of_double(value: f64) -> Self {
        let bits = value.to_bits();
        let (fraction, field) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32);
        let (word, field) = if field == 0 { (fraction, 1) } else { (fraction | 1 << 52, field) };
        Self::of_word(value.is_sign_negative(), word, field - 1075)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa[WORDS - 1] == 0
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// The power of two above its absolute value.
    pub(super) fn exponent(&self) -> i32 {
        self.exponent
    }

    pub(super) fn negated(self) -> Self {
        Self { negative: !self.negative && !self.is_zero(), ..self }
    }

    /// Times a power of two.
    pub(super) fn scaled(self, exponent: i32) -> Self {
        if self.is_zero() { self } else { Self { exponent: self.exponent + exponent, ..self } }
    }

    /// The absolute value as a double, from below and from above.
    pub(super) fn size(&self) -> [f64; 2] {
        if self.is_zero() {
            return [0.0; 2];
        }
        // The highest 53 bits, and one more in the last of them.
        let top = self.mantissa[WORDS - 1] >> 11;
        let exact = self.mantissa[WORDS - 1] & 0x7ff == 0 && self.mantissa[..WORDS - 1] == [0; WORDS - 1];
        let scale = |top: u64, outside: f64| match self.exponent - 53 {
            exponent @ -1022..=970 => top as f64 * power_of_two(exponent),
            _ => outside,
        };
        let (least, most) =
            if self.exponent > 0 { (f64::MAX, f64::INFINITY) } else { (0.0, f64::MIN_POSITIVE * 2e16) };
        [scale(top, least), scale(top + u64::from(!exact), most)]
    }

    /// The sum, and how far the true one is from it at most.
    pub(super) fn plus(&self, other: &Self) -> (Self, f64) {
        if self.is_zero() {
            return (*other, 0.0);
        }
        if other.is_zero() {
            return (*self, 0.0);
        }
        let key = |float: &Self| {
            (float.exponent, float.mantissa[3], float.mantissa[2], float.mantissa[1], float.mantissa[0])
        };
        let (large, small) = if key(self) >= key(other) { (self, other) } else { (other, self) };
        let apart = large.exponent - small.exponent;
        if apart >= BITS {
            return (*large, power_of_two(small.exponent));
        }
        let (added, lost) = shifted_down(small.mantissa, apart.cast_unsigned());
        let error = if lost { power_of_two(large.exponent + 1 - BITS) } else { 0.0 };
        if large.negative == small.negative {
            let (sum, carry) = add(large.mantissa, added);
            if !carry {
                return (Self { mantissa: sum, ..*large }, error);
            }
            let (mut mantissa, lost) = shifted_down(sum, 1);
            mantissa[WORDS - 1] |= 1 << 63;
            let exponent = large.exponent + 1;
            let error = if lost { error + power_of_two(exponent - BITS) } else { error };
            return (Self { mantissa, exponent, ..*large }, error);
        }
        (Self { mantissa: subtract(large.mantissa, added), ..*large }.normalized(), error)
    }

    /// The product, and how far the true one is from it at most.
    pub(super) fn times(&self, other: &Self) -> (Self, f64) {
        if self.is_zero() || other.is_zero() {
            return (Self::ZERO, 0.0);
        }
        // Numbers of a file have one word that is not 0.
        let (few, many) = if other.mantissa[0] == 0 { (other, self) } else { (self, other) };
        let mut product = [0u64; 2 * WORDS];
        for (i, &a) in few.mantissa.iter().enumerate().filter(|(_, a)| **a != 0) {
            let mut carry = 0;
            for (j, &b) in many.mantissa.iter().enumerate() {
                let sum = u128::from(a) * u128::from(b) + u128::from(product[i + j]) + carry;
                (product[i + j], carry) = (low(sum), sum >> 64);
            }
            product[i + WORDS] = low(carry);
        }
        let mut exponent = self.exponent.saturating_add(other.exponent);
        if product[2 * WORDS - 1] >> 63 == 0 {
            for n in (1..2 * WORDS).rev() {
                product[n] = product[n] << 1 | product[n - 1] >> 63;
            }
            product[0] <<= 1;
            exponent -= 1;
        }
        let mut mantissa = [0; WORDS];
        mantissa.copy_from_slice(&product[WORDS..]);
        let error = if product[..WORDS] == [0; WORDS] { 0.0 } else { power_of_two(exponent - BITS) };
        match exponent {
            ..LEAST => return (Self::ZERO, f64::MIN_POSITIVE),
            LEAST..=MOST => {}
            _ => return (Self::ZERO, f64::INFINITY),
        }
        (Self { negative: self.negative != other.negative, exponent, mantissa }, error)
    }

    /// The quotient by a small number, and how far the true one is from it at most.
    pub(super) fn over_small(&self, divisor: u32) -> (Self, f64) {
        let (divisor, mut rest) = (u128::from(divisor.max(1)), 0u128);
        let mut mantissa = [0; WORDS];
        for n in (0..WORDS).rev() {
            let part = rest << 64 | u128::from(self.mantissa[n]);
            (mantissa[n], rest) = (low(part / divisor), part % divisor);
        }
        let error = if rest == 0 { 0.0 } else { power_of_two(self.exponent - BITS) };
        (Self { mantissa, ..*self }.normalized(), error)
    }

    fn normalized(mut self) -> Self {
        let Some(top) = self.mantissa.iter().rposition(|&word| word != 0) else { return Self::ZERO };
        let words = WORDS - 1 - top;
        let bits = self.mantissa[top].leading_zeros();
        let old = self.mantissa;
        for n in (0..WORDS).rev() {
            let word = |n: Option<usize>| n.map_or(0, |n| old[n]);
            let (high, below) = (word(n.checked_sub(words)), word(n.checked_sub(words + 1)));
            self.mantissa[n] = if bits == 0 { high } else { high << bits | below >> (64 - bits) };
        }
        self.exponent -= [0, 64, 128, 192][words] + bits.cast_signed();
        self
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the low word of a double word")]
fn low(value: u128) -> u64 {
    value as u64
}

/// A mantissa moved down by so many bits, and whether one of those moved out was set.
fn shifted_down(mantissa: [u64; WORDS], by: u32) -> ([u64; WORDS], bool) {
    let (words, bits) = ((by / 64) as usize, by % 64);
    let mut moved = [0; WORDS];
    for (n, word) in moved.iter_mut().enumerate().take(WORDS - words.min(WORDS)) {
        let above = mantissa.get(n + words + 1).copied().unwrap_or(0);
        *word =
            if bits == 0 { mantissa[n + words] } else { mantissa[n + words] >> bits | above << (64 - bits) };
    }
    let whole = mantissa[..words.min(WORDS)].iter().any(|&word| word != 0);
    let part = bits > 0 && mantissa.get(words).is_some_and(|word| word << (64 - bits) != 0);
    (moved, whole || part)
}

fn add(a: [u64; WORDS], b: [u64; WORDS]) -> ([u64; WORDS], bool) {
    let (mut sum, mut carry) = ([0; WORDS], false);
    for n in 0..WORDS {
        let (part, first) = a[n].overflowing_add(b[n]);
        let (whole, second) = part.overflowing_add(u64::from(carry));
        (sum[n], carry) = (whole, first || second);
    }
    (sum, carry)
}

/// The difference from a number that is no smaller.
fn subtract(a: [u64; WORDS], b: [u64; WORDS]) -> [u64; WORDS] {
    let (mut difference, mut borrow) = ([0; WORDS], false);
    for n in 0..WORDS {
        let (part, first) = a[n].overflowing_sub(b[n]);
        let (whole, second) = part.overflowing_sub(u64::from(borrow));
        (difference[n], borrow) = (whole, first || second);
    }
    difference
}
