//! A prime in all lanes of a vector of doubles. What bounds its operations keep to, and so that no rounding is left, `field.rs`
//! and `small.rs` prove for their primes.

use pulp::Simd;

/// A prime in all lanes.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd> {
    pub(super) simd: S,
    pub(super) p: S::f64s,
    pub(super) inverse: S::f64s,
    shift: S::f64s,
}

impl<S: Simd> Lanes<S> {
    #[inline(always)]
    #[allow(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "p is below 2⁴⁹; one rounding is meant"
    )]
    pub(super) fn new(simd: S, p: u64) -> Self {
        let p = p as f64;
        let shift = simd.splat_f64s((3u64 << 51) as f64);
        Self { simd, p: simd.splat_f64s(p), inverse: simd.splat_f64s(1.0 / p), shift }
    }

    /// An integer at most 1/2 away, for values up to 2⁵¹.
    #[inline(always)]
    pub(super) fn round(&self, x: S::f64s) -> S::f64s {
        self.simd.sub_f64s(self.simd.add_f64s(x, self.shift), self.shift)
    }

    /// Congruent to `x` and reduced. How large `x` may be depends on the prime.
    #[inline(always)]
    pub(super) fn reduce(&self, x: S::f64s) -> S::f64s {
        let quotient = self.round(self.simd.mul_f64s(x, self.inverse));
        self.simd.negate_mul_add_f64s(quotient, self.p, x)
    }
}

/// The residue between −p/2 and p/2 of one that is below p.
#[allow(clippy::cast_precision_loss, reason = "below 2⁴⁹")]
pub(super) fn least(value: u64, p: u64) -> f64 {
    let rest = p - value;
    if value <= rest { value as f64 } else { -(rest.cast_signed()) as f64 }
}
