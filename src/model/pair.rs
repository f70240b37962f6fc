//! Whole numbers for both axes or all sides, as they are given in Rust code. Ranges are checked with the claim.

/// One number for both axes, or `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub(super) [i64; 2]);

/// One number for all sides, `[vertical, horizontal]` or `[top, left, bottom, right]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides(pub(super) [i64; 4]);

/// How an image is extended before a window moves over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Zeros on each side; negative numbers remove.
    Sides(Sides),
    /// Output ⌈n/s⌉, the odd zero at the end (TensorFlow, ONNX `SAME_UPPER`).
    Same,
    /// Output ⌈n/s⌉, the odd zero at the start (ONNX `SAME_LOWER`).
    SameLower,
}

impl<S: Into<Sides>> From<S> for Padding {
    fn from(sides: S) -> Self {
        Self::Sides(sides.into())
    }
}

macro_rules! whole_numbers {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Pair {
            fn from(n: $kind) -> Self {
                Self::from([n; 2])
            }
        }

        impl From<[$kind; 2]> for Pair {
            fn from(both: [$kind; 2]) -> Self {
                // What does not fit is out of every range.
                Self(both.map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
            }
        }

        impl From<$kind> for Sides {
            fn from(n: $kind) -> Self {
                Self::from([n; 4])
            }
        }

        impl From<[$kind; 2]> for Sides {
            fn from([vertical, horizontal]: [$kind; 2]) -> Self {
                Self::from([vertical, horizontal, vertical, horizontal])
            }
        }

        impl From<[$kind; 4]> for Sides {
            fn from(all: [$kind; 4]) -> Self {
                Self(all.map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
            }
        }
    )*};
}

whole_numbers!(i32, u32, i64, usize);
