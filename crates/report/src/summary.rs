//! Totals over the claims and errors of some files.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use serde::Serialize;

use super::model::{ClaimReport, Entry, FileReport, Outcome};

/// How many claims there are and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All claims.
    pub claims: usize,
    /// Those that hold.
    pub hold: usize,
    /// Those of them that are the best that a search found, without a certificate.
    pub found: usize,
    /// Those that fail, undecided ones included.
    pub fail: usize,
    /// Those that could not be decided.
    pub unknown: usize,
    /// Mistakes in specs and files.
    pub errors: usize,
    /// Time spent deciding.
    #[serde(skip)]
    pub elapsed: Duration,
}

impl Summary {
    /// The totals of one file.
    pub fn of(file: &FileReport) -> Self {
        let mut summary = Self { errors: file.errors.len(), ..Self::default() };
        for claim in file.claims() {
            summary.claims += 1;
            summary.hold += usize::from(claim.holds);
            summary.found += usize::from(claim.holds && claim.outcome == Outcome::Found);
            summary.fail += usize::from(!claim.holds);
            summary.unknown += usize::from(claim.outcome == Outcome::Unknown);
            summary.elapsed = summary.elapsed.saturating_add(claim.elapsed);
        }
        summary
    }

    /// The totals of several files.
    pub fn of_all(files: &[FileReport]) -> Self {
        let mut total = Self::default();
        for file in files {
            total += Self::of(file);
        }
        total
    }
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.claims += other.claims;
        self.hold += other.hold;
        self.found += other.found;
        self.fail += other.fail;
        self.unknown += other.unknown;
        self.errors += other.errors;
        self.elapsed = self.elapsed.saturating_add(other.elapsed);
    }
}

/// `12 claims: 11 hold, 1 fails (1 unknown); 2 errors`
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.claims, if self.claims == 1 { "claim" } else { "claims" })?;
        if self.claims == 0 {
            write!(f, ": nothing was decided")?;
        } else {
            write!(f, ": {} {}", self.hold, if self.hold == 1 { "holds" } else { "hold" })?;
        }
        if self.found > 0 {
            write!(f, " ({} best found)", self.found)?;
        }
        if self.fail > 0 {
            write!(f, ", {} {}", self.fail, if self.fail == 1 { "fails" } else { "fail" })?;
        }
        if self.unknown > 0 {
            write!(f, " ({} unknown)", self.unknown)?;
        }
        match self.errors {
            0 => Ok(()),
            1 => write!(f, "; 1 error"),
            n => write!(f, "; {n} errors"),
        }
    }
}

impl FileReport {
    /// The claims, in source order.
    pub fn claims(&self) -> impl Iterator<Item = &ClaimReport> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Claim(claim) => Some(&**claim),
            Entry::Prose(_) | Entry::Declarations(_) => None,
        })
    }
}
