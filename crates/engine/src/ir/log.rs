//! A list that only grows, and whose copies are cheap: they share all but its end. Copies do not see what is added later.

use std::sync::Arc;

/// Elements that are shared together.
const CHUNK: usize = 64;

/// The list.
#[derive(Clone, Debug)]
pub(super) struct Log<T> {
    /// All of the same length.
    full: Vec<Arc<Vec<T>>>,
    last: Arc<Vec<T>>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { full: Vec::new(), last: Arc::default() }
    }
}

impl<T: Clone> Log<T> {
    pub(super) fn push(&mut self, value: T) {
        Arc::make_mut(&mut self.last).push(value);
        if self.last.len() == CHUNK {
            self.full.push(std::mem::take(&mut self.last));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.full.len() * CHUNK + self.last.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.full.get(at / CHUNK).unwrap_or(&self.last).get(at % CHUNK)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().chain([&self.last]).flat_map(|chunk| chunk.iter())
    }

    /// How many elements come first of which something holds, if it holds of none after them.
    pub(super) fn partition_point(&self, holds: impl Fn(&T) -> bool) -> usize {
        let whole = self.full.partition_point(|chunk| chunk.last().is_some_and(&holds));
        let rest = self.full.get(whole).unwrap_or(&self.last);
        whole * CHUNK + rest.partition_point(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut log = Log::default();
        let mut copies = Vec::new();
        for n in 0..3 * CHUNK {
            copies.push(log.clone());
            log.push(2 * n);
        }
        for (n, copy) in copies.iter().enumerate() {
            assert_eq!(copy.len(), n);
            assert!(copy.iter().copied().eq((0..n).map(|n| 2 * n)));
            assert_eq!((copy.get(n), copy.get(n / 2).copied()), (None, (n > 0).then_some(n / 2 * 2)));
            for at in 0..=2 * n {
                assert_eq!(copy.partition_point(|&value| value < at), at.div_ceil(2).min(n));
            }
        }
    }
}
