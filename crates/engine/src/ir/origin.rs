//! Where a part of the intermediate form came from: a name of it that only the front end which gave it can read.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a part of the intermediate form came from. Nothing is read from it here: it can be compared, and a front end
/// keeps what it stands for. No two front ends give the same one, so none takes another's for its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(u64);

impl Origin {
    /// No front end's.
    pub const NOWHERE: Self = Self(0);

    /// One that nobody has yet.
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
