//! Comparison with limits: a limit itself is allowed, everywhere. Says nothing of what the limits are.

/// What can be held against a limit.
pub trait Limited: PartialOrd + Sized {
    /// Whether this is more than allowed.
    fn exceeds(&self, limit: Self) -> bool {
        *self > limit
    }

    /// Whether this is allowed.
    fn within(&self, limit: Self) -> bool {
        *self <= limit
    }

    /// Whether no more is allowed than this.
    fn reaches(&self, limit: Self) -> bool {
        *self >= limit
    }
}

impl<T: PartialOrd> Limited for T {}

#[cfg(test)]
mod tests {
    use super::Limited;

    #[test]
    fn a_limit_is_within_itself() {
        for limit in [0_u64, 1, 1 << 40] {
            assert!(limit.within(limit) && !limit.exceeds(limit) && limit.reaches(limit));
            let more = limit + 1;
            assert!(!more.within(limit) && more.exceeds(limit) && more.reaches(limit));
        }
        assert!(0_i64.within(1) && !0_i64.exceeds(1) && !0_i64.reaches(1));
    }
}
