//! Numbers as they stand in Rust code, exactly: a float is the fraction of a power of two that it is.

use super::Rational;

/// A number that a kernel can be made of. The types of this crate's caller have no part in it.
pub trait Number: Clone + sealed::Sealed {
    /// Its exact value; `None` for infinities and what is not a number.
    fn exact(self) -> Option<Rational>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! integers {
    ($($kind:ty),*) => {$(
        impl sealed::Sealed for $kind {}
        impl Number for $kind {
            fn exact(self) -> Option<Rational> {
                Some(Rational::from(i64::from(self)))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32);

impl sealed::Sealed for f64 {}
impl Number for f64 {
    fn exact(self) -> Option<Rational> {
        Rational::from_f64(self)
    }
}

impl sealed::Sealed for f32 {}
impl Number for f32 {
    fn exact(self) -> Option<Rational> {
        Rational::from_f64(f64::from(self))
    }
}

impl sealed::Sealed for Rational {}
impl Number for Rational {
    fn exact(self) -> Option<Rational> {
        Some(self)
    }
}
