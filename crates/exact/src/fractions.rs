//! Arrays of rationals as files hold them: machine words over one power of two where they fit, else one by one.

use crate::Rational;

/// Rationals in order.
#[derive(Clone, Debug)]
pub enum Fractions {
    /// Integers divided by `2^places`.
    Dyadic {
        /// The integers.
        integers: Vec<i64>,
        /// At most [`MAX_PLACES`].
        places: u32,
    },
    /// Any others.
    Rationals(Vec<Rational>),
}

/// So `2^places` is a machine word.
pub const MAX_PLACES: u32 = 62;

impl Fractions {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Dyadic { integers, .. } => integers.len(),
            Self::Rationals(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at this index.
    pub fn get(&self, index: usize) -> Option<Rational> {
        match self {
            Self::Dyadic { integers, places } => Rational::ratio(*integers.get(index)?, 1 << places),
            Self::Rationals(values) => values.get(index).cloned(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Rational> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// Equal values, however they are held.
impl PartialEq for Fractions {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Fractions {}

impl From<Vec<Rational>> for Fractions {
    fn from(values: Vec<Rational>) -> Self {
        Self::Rationals(values)
    }
}

impl FromIterator<Rational> for Fractions {
    fn from_iter<I: IntoIterator<Item = Rational>>(values: I) -> Self {
        Self::Rationals(values.into_iter().collect())
    }
}
