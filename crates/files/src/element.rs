//! Numbers as their bits: booleans, integers and IEEE 754 floats of any width up to 64, without computing in
//! floats.

use num_bigint::BigInt;

use convproof_exact::Rational;

/// The type of the elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    kind: Kind,
    /// Bytes: 1, 2, 4 or 8.
    size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float { exponent_bits: u32 },
}

impl Element {
    pub(super) const BOOL: Self = Self { kind: Kind::Bool, size: 1, big_endian: false };
    pub(super) const BF16: Self = Self { kind: Kind::Float { exponent_bits: 8 }, size: 2, big_endian: false };

    pub(super) fn signed(size: usize) -> Option<Self> {
        integer_size(size).map(|size| Self { kind: Kind::Signed, size, big_endian: false })
    }

    pub(super) fn unsigned(size: usize) -> Option<Self> {
        integer_size(size).map(|size| Self { kind: Kind::Unsigned, size, big_endian: false })
    }

    /// The IEEE 754 binary interchange format of 2, 4 or 8 bytes.
    pub(super) fn float(size: usize) -> Option<Self> {
        let exponent_bits = match size {
            2 => 5,
            4 => 8,
            8 => 11,
            _ => return None,
        };
        Some(Self { kind: Kind::Float { exponent_bits }, size, big_endian: false })
    }

    pub(super) fn big_endian(self) -> Self {
        // One byte has no order.
        Self { big_endian: self.size > 1, ..self }
    }

    /// Bytes of one element.
    pub(super) fn size(self) -> usize {
        self.size
    }

    /// The value of an element; `None` for floats that are not finite and booleans other than 0 and 1.
    pub(super) fn decode(self, raw: &[u8]) -> Option<Rational> {
        let join = |bits: u64, &byte: &u8| (bits << 8) | u64::from(byte);
        let bits = if self.big_endian { raw.iter().fold(0, join) } else { raw.iter().rev().fold(0, join) };
        let unused = 64 - 8 * u32::try_from(self.size).ok()?;
        match self.kind {
            Kind::Bool => (bits <= 1).then(|| natural(bits)),
            Kind::Unsigned => Some(natural(bits)),
            Kind::Signed => Some(Rational::from((bits << unused).cast_signed() >> unused)),
            Kind::Float { exponent_bits } => float(bits << unused, exponent_bits),
        }
    }
}

fn integer_size(size: usize) -> Option<usize> {
    [1, 2, 4, 8].contains(&size).then_some(size)
}

fn natural(value: u64) -> Rational {
    i64::try_from(value).map_or_else(|_| Rational::from(BigInt::from(value)), Rational::from)
}

/// The float whose sign is the highest bit, followed by the exponent and the fraction, padded with zeros below:
/// `±1.fraction · 2^(exponent − bias)`, without the leading 1 and with exponent 1 where the exponent field is 0.
fn float(bits: u64, exponent_bits: u32) -> Option<Rational> {
    let fraction_bits = 63 - exponent_bits;
    let negative = bits >> 63 == 1;
    let field = (bits << 1) >> (64 - exponent_bits);
    let fraction = bits & ((1 << fraction_bits) - 1);
    let top = (1u64 << exponent_bits) - 1;
    if field == top {
        return None;
    }
    let mantissa = if field == 0 { fraction } else { fraction | (1 << fraction_bits) };
    if mantissa == 0 {
        return Some(Rational::ZERO);
    }
    // Odd mantissas make the fraction below one in lowest terms.
    let zeros = mantissa.trailing_zeros();
    let odd = i64::try_from(mantissa >> zeros).ok()?;
    let odd = if negative { -odd } else { odd };
    let bias = i64::try_from(top / 2).ok()?;
    let exponent = i64::try_from(field.max(1)).ok()? - bias - i64::from(fraction_bits) + i64::from(zeros);
    let shift = u32::try_from(exponent.unsigned_abs()).ok()?;
    if exponent < 0 {
        if shift < 63 { Rational::ratio(odd, 1 << shift) } else { Some(Rational::dyadic(odd.into(), shift)) }
    } else {
        Some(Rational::from(BigInt::from(odd) << shift))
    }
}
