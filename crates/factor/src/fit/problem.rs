//! What a least-squares fit is asked: unknown kernels, the sum of products that they form, and the target.
//! Checks shapes and limits; computes nothing.

use convproof_exact::{Grid, Limited, Rational};

/// Largest number of unknown kernels of one problem.
pub const MAX_UNKNOWNS: usize = 32;
/// Largest number of products of one problem.
pub const MAX_TERMS: usize = 16;
/// Largest number of factors of one product.
pub const MAX_FACTORS: usize = 16;
/// Largest number of free entries of all unknowns together.
pub const MAX_VARIABLES: usize = 256;
/// Largest number of entries of the target.
pub const MAX_CELLS: usize = 4096;
/// Largest size in bits of the numerator or denominator of a given entry.
pub const MAX_ENTRY_BITS: u64 = 4096;

/// What is demanded of an unknown kernel beside its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Constraint {
    /// Nothing.
    #[default]
    Free,
    /// No entry is below zero.
    Nonnegative,
    /// The kernel is unchanged by a half turn (flipping both axes): a linear-phase filter.
    HalfTurn,
    /// The kernel, which is square, equals its transpose.
    Transpose,
}

/// An unknown kernel of `height × width` entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FitUnknown {
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
    /// What is demanded of its entries.
    pub constraint: Constraint,
}

impl FitUnknown {
    /// An unknown without a constraint.
    pub fn free(height: usize, width: usize) -> Self {
        Self { height, width, constraint: Constraint::Free }
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        self.height == 1 && self.width == 1
    }

    /// For every entry, row by row, which of the unknown's free variables it is (entries that must be equal
    /// share one), and the number of variables.
    pub fn variables(&self) -> (Vec<usize>, usize) {
        let count = self.height * self.width;
        let twin = |k: usize| match self.constraint {
            Constraint::Free | Constraint::Nonnegative => k,
            Constraint::HalfTurn => count - 1 - k,
            Constraint::Transpose => (k % self.width) * self.width + k / self.width,
        };
        let mut of_entry = vec![0; count];
        let mut next = 0;
        for k in 0..count {
            if twin(k) < k {
                of_entry[k] = of_entry[twin(k)];
            } else {
                of_entry[k] = next;
                next += 1;
            }
        }
        (of_entry, next)
    }
}

/// One factor of a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FitFactor {
    /// The unknown with this index; it may occur several times, also within one product.
    Unknown(usize),
    /// A given kernel.
    Known(Grid<Rational>),
}

/// Minimise `‖target − Σ_t Π_k terms[t][k]‖_F` over the unknowns, where `Π` is full 2-D convolution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The unknown kernels.
    pub unknowns: Vec<FitUnknown>,
    /// The products whose sum approximates the target.
    pub terms: Vec<Vec<FitFactor>>,
    /// What is approximated; every product has its shape.
    pub target: Grid<Rational>,
}

/// Why a problem is not one that can be fitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FitError {
    /// The target, an unknown or a known factor has no entries.
    Empty,
    /// There is no product, or a product without factors.
    NoFactors,
    /// A product names an unknown that is not declared.
    UndeclaredUnknown {
        /// The product.
        term: usize,
        /// The index that it names.
        unknown: usize,
    },
    /// An unknown occurs in no product.
    UnusedUnknown(usize),
    /// Full convolution gives a product another shape than the target's.
    ShapeMismatch {
        /// The product.
        term: usize,
        /// Its height and width.
        product: (usize, usize),
        /// The target's height and width.
        target: (usize, usize),
    },
    /// [`Constraint::Transpose`] on an unknown that is not square.
    NotSquare(usize),
    /// The problem exceeds one of the limits of this module.
    TooLarge(FitLimit),
    /// The entries span so many orders of magnitude that the floating-point search overflowed.
    OutOfRange,
}

/// A limit of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FitLimit {
    /// [`MAX_UNKNOWNS`].
    Unknowns,
    /// [`MAX_TERMS`] or [`MAX_FACTORS`].
    Terms,
    /// [`MAX_VARIABLES`].
    Variables,
    /// [`MAX_CELLS`].
    Cells,
    /// [`MAX_ENTRY_BITS`].
    EntryBits,
    /// More starts than the work of one fit allows for, which is so many.
    Starts(usize),
    /// The search, or exact elimination of a matrix so large with entries so long, would take minutes.
    Work,
}

impl Problem {
    /// The main case: a product of free unknowns of the given shapes.
    pub fn product(shapes: &[(usize, usize)], target: Grid<Rational>) -> Self {
        Self {
            unknowns: shapes.iter().map(|&(height, width)| FitUnknown::free(height, width)).collect(),
            terms: vec![(0..shapes.len()).map(FitFactor::Unknown).collect()],
            target,
        }
    }

    /// A sum of `rank` products column × row.
    pub fn separable(rank: usize, target: Grid<Rational>) -> Self {
        let (height, width) = (target.height(), target.width());
        Self {
            unknowns: (0..rank)
                .flat_map(|_| [FitUnknown::free(height, 1), FitUnknown::free(1, width)])
                .collect(),
            terms: (0..rank)
                .map(|t| vec![FitFactor::Unknown(2 * t), FitFactor::Unknown(2 * t + 1)])
                .collect(),
            target,
        }
    }

    /// Checks shapes and limits.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn check(&self) -> Result<(), FitError> {
        if self.unknowns.len().exceeds(MAX_UNKNOWNS) {
            return Err(FitError::TooLarge(FitLimit::Unknowns));
        }
        if self.terms.len().exceeds(MAX_TERMS)
            || self.terms.iter().any(|term| term.len().exceeds(MAX_FACTORS))
        {
            return Err(FitError::TooLarge(FitLimit::Terms));
        }
        check_given(&self.target)?;
        let mut variables = 0;
        for (index, unknown) in self.unknowns.iter().enumerate() {
            // A shape beyond the target's cannot occur in a product of the target's shape; caught here first so
            // that nothing is allocated for it.
            if unknown.height.exceeds(MAX_CELLS) || unknown.width.exceeds(MAX_CELLS) {
                return Err(FitError::TooLarge(FitLimit::Variables));
            }
            if unknown.height == 0 || unknown.width == 0 {
                return Err(FitError::Empty);
            }
            if unknown.constraint == Constraint::Transpose && unknown.height != unknown.width {
                return Err(FitError::NotSquare(index));
            }
            variables += unknown.height * unknown.width;
        }
        if self.terms.is_empty() || self.terms.iter().any(Vec::is_empty) {
            return Err(FitError::NoFactors);
        }
        let mut used = vec![false; self.unknowns.len()];
        for (index, term) in self.terms.iter().enumerate() {
            self.check_term(index, term, &mut used)?;
        }
        if let Some(index) = used.iter().position(|used| !used) {
            return Err(FitError::UnusedUnknown(index));
        }
        if variables.exceeds(MAX_VARIABLES) {
            return Err(FitError::TooLarge(FitLimit::Variables));
        }
        Ok(())
    }

    fn check_term(&self, index: usize, term: &[FitFactor], used: &mut [bool]) -> Result<(), FitError> {
        let (mut height, mut width) = (1, 1);
        for factor in term {
            let (h, w) = match factor {
                FitFactor::Unknown(unknown) => {
                    let shape = self
                        .unknowns
                        .get(*unknown)
                        .ok_or(FitError::UndeclaredUnknown { term: index, unknown: *unknown })?;
                    used[*unknown] = true;
                    (shape.height, shape.width)
                }
                FitFactor::Known(kernel) => {
                    check_given(kernel)?;
                    (kernel.height(), kernel.width())
                }
            };
            height += h - 1;
            width += w - 1;
        }
        let target = (self.target.height(), self.target.width());
        if (height, width) == target {
            Ok(())
        } else {
            Err(FitError::ShapeMismatch { term: index, product: (height, width), target })
        }
    }
}

pub fn check_given(kernel: &Grid<Rational>) -> Result<(), FitError> {
    if kernel.cells().is_empty() {
        Err(FitError::Empty)
    } else if kernel.cells().len().exceeds(MAX_CELLS) {
        Err(FitError::TooLarge(FitLimit::Cells))
    } else if kernel.cells().iter().any(|entry| entry.bits().exceeds(MAX_ENTRY_BITS)) {
        Err(FitError::TooLarge(FitLimit::EntryBits))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(height: usize, width: usize) -> Grid<Rational> {
        Grid::from_fn(height, width, |_, _| Rational::ONE)
    }

    fn checked(shapes: &[(usize, usize)], height: usize, width: usize) -> Result<(), FitError> {
        Problem::product(shapes, kernel(height, width)).check()
    }

    #[test]
    fn entries_share_variables_as_constrained() {
        let with = |height, width, constraint| FitUnknown { height, width, constraint }.variables();
        assert_eq!(with(2, 2, Constraint::Free), (vec![0, 1, 2, 3], 4));
        assert_eq!(with(2, 2, Constraint::Nonnegative), (vec![0, 1, 2, 3], 4));
        assert_eq!(with(2, 3, Constraint::HalfTurn), (vec![0, 1, 2, 2, 1, 0], 3));
        assert_eq!(with(1, 3, Constraint::HalfTurn), (vec![0, 1, 0], 2));
        assert_eq!(with(3, 3, Constraint::Transpose), (vec![0, 1, 2, 1, 3, 4, 2, 4, 5], 6));
        assert!(FitUnknown::free(1, 1).is_number());
        assert!(!FitUnknown::free(1, 2).is_number() && !FitUnknown::free(2, 1).is_number());
    }

    #[test]
    fn shapes_must_multiply_to_that_of_the_target() {
        assert_eq!(checked(&[(2, 3), (3, 2)], 4, 4), Ok(()));
        for (height, width) in [(4, 3), (3, 4), (5, 5)] {
            let target = (height, width);
            let error = FitError::ShapeMismatch { term: 0, product: (4, 4), target };
            assert_eq!(checked(&[(2, 3), (3, 2)], height, width), Err(error));
        }
        let square = |height, width| {
            let mut problem = Problem::product(&[(height, width)], kernel(height, width));
            problem.unknowns[0].constraint = Constraint::Transpose;
            problem.check()
        };
        assert_eq!((square(2, 2), square(2, 3)), (Ok(()), Err(FitError::NotSquare(0))));
    }

    #[test]
    fn limits_are_allowed_and_no_more() {
        let too_large = |limit| Err(FitError::TooLarge(limit));
        assert_eq!(checked(&[(16, 16)], 16, 16), Ok(()));
        assert_eq!(checked(&[(16, 17)], 16, 17), too_large(FitLimit::Variables));
        assert_eq!(checked(&[(1, 257)], 1, 257), too_large(FitLimit::Variables));
        assert_eq!(checked(&[(4097, 1)], 1, 1), too_large(FitLimit::Variables));
        assert_eq!(checked(&[(1, 4097)], 1, 1), too_large(FitLimit::Variables));
        assert_eq!(checked(&[(0, 2)], 1, 1), Err(FitError::Empty));
        assert_eq!(checked(&[(2, 0)], 1, 1), Err(FitError::Empty));
        assert_eq!(checked(&[(1, 1); 16], 1, 1), Ok(()));
        assert_eq!(checked(&[(1, 1); 17], 1, 1), too_large(FitLimit::Terms));
        assert_eq!(checked(&[(1, 1); 33], 1, 1), too_large(FitLimit::Unknowns));
        assert_eq!(checked(&[], 1, 1), Err(FitError::NoFactors));
        let mut terms = Problem::product(&[(1, 1)], kernel(1, 1));
        terms.terms = vec![vec![FitFactor::Unknown(0)]; 16];
        assert_eq!(terms.check(), Ok(()));
        terms.terms.push(vec![FitFactor::Unknown(0)]);
        assert_eq!(terms.check(), too_large(FitLimit::Terms));
        terms.terms.clear();
        assert_eq!(terms.check(), Err(FitError::NoFactors));
        assert_eq!(check_given(&kernel(64, 64)), Ok(()));
        assert_eq!(check_given(&kernel(1, 4097)), too_large(FitLimit::Cells));
        assert_eq!(check_given(&kernel(0, 3)), Err(FitError::Empty));
    }
}
