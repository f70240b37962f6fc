//! Kernels with channels that are expanded only when somebody looks at their entries.
//!
//! What stacks with free kernels and many channels mean is found out from the expressions (`forms`); the expanded form
//! would have millions of terms that nobody reads. What an operation would make is kept as a function of nothing, and
//! its limits show when it is called.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::value::Kernel;
use super::{KernelError, Shape};
use convproof_exact::Symbol;

/// Kernels with channels of up to so many entries, and products of up to so many terms, are expanded at once.
pub const SMALL: usize = 4096;

type Make = Box<dyn Fn() -> Result<Kernel, KernelError> + Send + Sync>;

/// A kernel and how to make it.
pub struct Later {
    shape: Shape,
    /// Highest total degree of an entry in the free symbols, at most.
    degree: u32,
    /// The symbols that may occur, as ranges in order that do not touch: the first, and how many. Kept, as what it is made from may
    /// be made from the same kernels over and over.
    ranges: Vec<(Symbol, u32)>,
    make: Make,
    made: OnceLock<Result<Kernel, KernelError>>,
}

impl Later {
    /// What `make` gives for some kernels.
    pub fn new(
        shape: Shape,
        degree: u32,
        from: Vec<Kernel>,
        make: impl Fn(&[Kernel]) -> Result<Kernel, KernelError> + Send + Sync + 'static,
    ) -> Self {
        let ranges = joined(from.iter().flat_map(Kernel::symbol_ranges).collect());
        let make: Make = Box::new(move || make(&from));
        Self { shape, degree, ranges, make, made: OnceLock::new() }
    }

    /// A free kernel whose entries are the symbols from `first` on.
    pub fn free(first: Symbol, count: u32, shape: Shape) -> Self {
        let make: Make = Box::new(move || Kernel::expanded_free(first, shape));
        Self { shape, degree: 1, ranges: vec![(first, count)], make, made: OnceLock::new() }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// A bound on the total degree of entries in the free symbols.
    pub fn degree(&self) -> u32 {
        self.degree
    }

    /// The kernel.
    ///
    /// # Errors
    /// [`KernelError`] where it is too large to be expanded.
    pub fn get(&self) -> Result<&Kernel, KernelError> {
        self.made.get_or_init(|| (self.make)()).as_ref().map_err(Clone::clone)
    }

    /// The symbols that may occur, as ranges: the first, and how many.
    pub fn ranges(&self) -> &[(Symbol, u32)] {
        &self.ranges
    }
}

/// The same symbols as ranges in order that do not touch.
pub(crate) fn joined(mut ranges: Vec<(Symbol, u32)>) -> Vec<(Symbol, u32)> {
    ranges.sort_unstable();
    let mut all: Vec<(Symbol, u32)> = Vec::new();
    for (first, count) in ranges {
        match all.last_mut() {
            Some((start, so_far)) if first.0 <= start.0 + *so_far => {
                *so_far = (*so_far).max(first.0 + count - start.0);
            }
            _ => all.push((first, count)),
        }
    }
    all
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Later")
            .field("shape", &self.shape)
            .field("ranges", &self.ranges)
            .finish_non_exhaustive()
    }
}

/// One of these kernels, made later from some.
pub fn later(
    shape: Shape,
    degree: u32,
    from: &[&Kernel],
    make: impl Fn(&[Kernel]) -> Result<Kernel, KernelError> + Send + Sync + 'static,
) -> Kernel {
    let from = from.iter().map(|&kernel| kernel.clone()).collect();
    Kernel::Later(Arc::new(Later::new(shape, degree, from, make)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::Poly;

    #[test]
    fn ranges_are_joined_where_they_touch() {
        let ranges =
            |pairs: &[(u32, u32)]| pairs.iter().map(|&(first, count)| (Symbol(first), count)).collect();
        let joins = |pairs: &[(u32, u32)], to: &[(u32, u32)]| {
            let to: Vec<_> = ranges(to);
            assert_eq!(joined(ranges(pairs)), to, "{pairs:?}");
        };
        joins(&[], &[]);
        joins(&[(7, 3), (1, 5)], &[(1, 5), (7, 3)]);
        joins(&[(6, 3), (1, 5)], &[(1, 8)]);
        joins(&[(1, 9), (2, 3), (1, 9), (9, 2)], &[(1, 10)]);
    }

    #[test]
    fn a_sum_of_sums_of_the_same_kernel_has_its_symbols_once() {
        let shape = Shape { outputs: 64, inputs: 64, ..Shape::plane(3, 3) };
        let mut kernel = Kernel::Later(Arc::new(Later::free(Symbol(5), 64 * 64 * 9, shape)));
        for _ in 0..100 {
            kernel = later(shape, 1, &[&kernel, &kernel], |_| Err(KernelError::TooLarge));
        }
        assert_eq!(kernel.symbol_ranges(), [(Symbol(5), 64 * 64 * 9)]);
        assert_eq!(kernel.symbols().len(), 64 * 64 * 9);
    }

    #[test]
    fn an_identity_times_free_factors_is_made_when_somebody_looks() {
        let factors = Kernel::free(Symbol(0), Shape::plane(1, 128)).unwrap();
        let scaled = Kernel::identity(128).unwrap().scale_channels(&factors, true).unwrap();
        let Kernel::Later(later) = &scaled else { panic!("written out: {scaled:?}") };
        assert!(later.made.get().is_none());
        let entries = scaled.expand().unwrap();
        assert_eq!(entries.entry(5, 5, 0, 0), &Poly::symbol(Symbol(5)));
        assert!(entries.entry(5, 6, 0, 0).is_zero());
    }
}
