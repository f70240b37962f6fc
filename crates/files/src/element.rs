//! Numbers as their bits: booleans, integers and IEEE 754 floats of any width up to 64, without computing in
//! floats.

use num_bigint::BigInt;

use convproof_exact::{Fractions, MAX_PLACES, Rational};

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
        match self.parts(raw) {
            Some((integer, exponent)) => scaled(integer, exponent),
            None if self.kind == Kind::Unsigned => Some(BigInt::from(self.bits(raw)).into()),
            None => None,
        }
    }

    /// All values over one power of two; `None` where one is not finite, or they do not fit in machine words so.
    pub(super) fn dyadic(self, data: &[u8]) -> Option<Fractions> {
        // Code of their own for the formats of weights, as this runs for every weight.
        match (self.kind, self.size) {
            (Kind::Float { exponent_bits: 8 }, 4) => {
                dyadic(data, |raw: &[u8; 4]| float::<8>(self.bits(raw) << 32))
            }
            (Kind::Float { exponent_bits: 11 }, 8) => {
                dyadic(data, |raw: &[u8; 8]| float::<11>(self.bits(raw)))
            }
            (_, 1) => dyadic(data, |raw: &[u8; 1]| self.parts(raw)),
            (_, 2) => dyadic(data, |raw: &[u8; 2]| self.parts(raw)),
            (_, 4) => dyadic(data, |raw: &[u8; 4]| self.parts(raw)),
            _ => dyadic(data, |raw: &[u8; 8]| self.parts(raw)),
        }
    }

    /// The bits of an element; inlined, its size is known.
    #[inline(always)]
    fn bits(self, raw: &[u8]) -> u64 {
        let mut bytes = [0; 8];
        bytes[..raw.len()].copy_from_slice(raw);
        let bits = u64::from_le_bytes(bytes);
        if self.big_endian { bits.swap_bytes() >> (64 - 8 * raw.len()) } else { bits }
    }

    /// The value of an element as an integer times a power of two; `None` for floats that are not finite, booleans
    /// other than 0 and 1, and integers from 2⁶³ on.
    fn parts(self, raw: &[u8]) -> Option<(i64, i32)> {
        let bits = self.bits(raw);
        let unused = 64 - 8 * u32::try_from(self.size).ok()?;
        match self.kind {
            Kind::Bool if bits > 1 => None,
            Kind::Bool | Kind::Unsigned => Some((i64::try_from(bits).ok()?, 0)),
            Kind::Signed => Some(((bits << unused).cast_signed() >> unused, 0)),
            Kind::Float { exponent_bits: 5 } => float::<5>(bits << unused),
            Kind::Float { exponent_bits: 8 } => float::<8>(bits << unused),
            Kind::Float { .. } => float::<11>(bits << unused),
        }
    }
}

fn integer_size(size: usize) -> Option<usize> {
    [1, 2, 4, 8].contains(&size).then_some(size)
}

/// The float whose sign is the highest bit, followed by the exponent and the fraction, padded with zeros below:
/// `±1.fraction · 2^(exponent − bias)`, without the leading 1 and with exponent 1 where the exponent field is 0.
#[inline(always)]
fn float<const EXPONENT_BITS: u32>(bits: u64) -> Option<(i64, i32)> {
    let fraction_bits = 63 - EXPONENT_BITS;
    let field = (bits << 1) >> (64 - EXPONENT_BITS);
    let fraction = bits & ((1 << fraction_bits) - 1);
    let top = (1u64 << EXPONENT_BITS) - 1;
    if field == top {
        return None;
    }
    let mantissa = if field == 0 { fraction } else { fraction | (1 << fraction_bits) };
    let mantissa = mantissa.cast_signed();
    // Fields have at most 11 bits.
    let exponent =
        i32::try_from(field.max(1)).ok()? - i32::try_from(top / 2).ok()? - fraction_bits.cast_signed();
    Some((if bits >> 63 == 1 { -mantissa } else { mantissa }, exponent))
}

/// Integers times powers of two over one power of two, if all are there and fit in machine words so.
fn dyadic<const SIZE: usize>(
    data: &[u8],
    parts: impl Fn(&[u8; SIZE]) -> Option<(i64, i32)>,
) -> Option<Fractions> {
    let (all, []) = data.as_chunks::<SIZE>() else { return None };
    let (mut least, mut most) = (0, 0);
    for raw in all {
        let (integer, exponent) = parts(raw)?;
        if integer != 0 {
            let magnitude = integer.unsigned_abs();
            least = least.min(exponent + magnitude.trailing_zeros().cast_signed());
            most = most.max(exponent + (64 - magnitude.leading_zeros()).cast_signed());
        }
    }
    // Every magnitude is below 2^most, so below 2^62 over 2^least.
    let places = least.unsigned_abs();
    if places > MAX_PLACES || most - least > 62 {
        return None;
    }
    let over = |raw: &[u8; SIZE]| {
        let (integer, exponent) = parts(raw).unwrap_or_default();
        let shift = exponent - least;
        match shift.unsigned_abs() {
            _ if integer == 0 => 0,
            up if shift >= 0 => integer << up,
            down => integer >> down,
        }
    };
    Some(Fractions::Dyadic { integers: all.iter().map(over).collect(), places })
}

/// An integer times a power of two.
fn scaled(integer: i64, exponent: i32) -> Option<Rational> {
    let shift = exponent.unsigned_abs();
    if exponent >= 0 {
        return Some((BigInt::from(integer) << shift).into());
    }
    // Without the zeros that the padding of a fraction ends with, most are machine words.
    let zeros = integer.trailing_zeros().min(shift);
    let (integer, places) = (integer >> zeros.min(63), shift - zeros);
    if places < 63 {
        Rational::ratio(integer, 1 << places)
    } else {
        Some(Rational::dyadic(integer.into(), places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    /// Values that are read together are those that are read one by one.
    #[test]
    fn arrays_are_their_elements() {
        let mut random = SplitMix64::new(1);
        let kinds = [Element::float(2), Element::float(4), Element::float(8), Some(Element::BF16)];
        let integers =
            [1, 2, 4, 8].into_iter().flat_map(|size| [Element::signed(size), Element::unsigned(size)]);
        let mut together = 0;
        for element in kinds.into_iter().chain(integers).flatten().flat_map(|kind| [kind, kind.big_endian()])
        {
            for round in 0..400 {
                // Exponents of floats that are near, and any.
                let mut raw = || {
                    let bits = random.next_u64();
                    let kept = 8 * element.size() - 1 - round % 4;
                    let bits = if round < 200 { bits } else { bits & ((1 << kept) - 1) | 3 << (kept - 3) };
                    let bytes = bits.to_le_bytes();
                    let mut raw = bytes[..element.size()].to_vec();
                    if element.big_endian {
                        raw.reverse();
                    }
                    raw
                };
                let data: Vec<Vec<u8>> = (0..round % 5).map(|_| raw()).collect();
                let one_by_one: Option<Fractions> =
                    data.iter().map(|raw| element.decode(raw)).collect::<Option<Vec<_>>>().map(Into::into);
                if let Some(found) = element.dyadic(&data.concat()) {
                    together += 1;
                    assert_eq!(Some(found), one_by_one, "{element:?} {data:?}");
                }
            }
        }
        assert!(together > 2000, "{together}");
    }
}
