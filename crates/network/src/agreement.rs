//! Extents that have to be equal for a network to make sense at all.
//!
//! A sum of two images is one only where their sizes agree. What is proved is proved at the sizes at which all extents
//! recorded here do.

use rustc_hash::FxHashMap;

use crate::dim::Dim;

/// Classes of extents taken as equal.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    /// Each extent with a smaller one of its class.
    smaller: FxHashMap<Dim, Dim>,
    pairs: Vec<(Dim, Dim)>,
}

impl Agreement {
    /// The least extent of a class.
    pub fn name<'d>(&'d self, dim: &'d Dim) -> &'d Dim {
        let mut dim = dim;
        while let Some(smaller) = self.smaller.get(dim) {
            dim = smaller;
        }
        dim
    }

    /// Whether two extents are equal or taken as equal.
    pub fn same_dim(&self, a: &Dim, b: &Dim) -> bool {
        a == b || self.name(a) == self.name(b)
    }

    /// Whether two lists of extents are.
    pub fn same(&self, a: &[Dim], b: &[Dim]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_dim(a, b))
    }

    /// Takes two extents as equal; false if they never are.
    pub fn unite(&mut self, a: &Dim, b: &Dim) -> bool {
        let (a, b) = (self.name(a).clone(), self.name(b).clone());
        if a == b {
            return true;
        }
        if a.plus(&b.times_number(-1)).number().is_some_and(|difference| difference != 0) {
            return false;
        }
        self.pairs.push((a.clone(), b.clone()));
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        self.smaller.insert(high, low);
        true
    }

    /// The pairs taken as equal.
    pub fn pairs(&self) -> &[(Dim, Dim)] {
        &self.pairs
    }
}
