//! Reduction without division (Montgomery 1985, "Modular multiplication without trial division") for moduli of
//! one word, with R = 2⁶⁴.

// The truncating casts take the words of double words.
#![allow(clippy::cast_possible_truncation)]

/// The inverse of an odd number modulo 2⁶⁴.
pub(crate) fn inverse(odd: u64) -> u64 {
    // Newton's iteration doubles the number of correct low bits, 3 at the start.
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// R and R² modulo an odd number.
pub(crate) fn radix(modulus: u64) -> [u64; 2] {
    let modulus = u128::from(modulus);
    let unit = (1u128 << 64) % modulus;
    [unit as u64, (unit * unit % modulus) as u64]
}

/// `value / R` for a value below `modulus · R`, from 0 to `modulus − 1`; `inverse` is that of the modulus.
#[inline]
pub(crate) fn reduce(value: u128, modulus: u64, inverse: u64) -> u64 {
    let multiple = (value as u64).wrapping_mul(inverse);
    let carry = ((u128::from(multiple) * u128::from(modulus)) >> 64) as u64;
    let (difference, borrow) = ((value >> 64) as u64).overflowing_sub(carry);
    if borrow { difference.wrapping_add(modulus) } else { difference }
}
