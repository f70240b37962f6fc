//! Unknown kernels of equations that are dilated: which case of Theorem 13a of `docs/semantics.md` it is.

use crate::ir::{Factor, Unknown};
use crate::kernel::{Kernel, KernelError};
use num_integer::Integer;

/// The dilations of the occurrences of each unknown; 0 along an axis where it has one entry, as any number does there.
pub(super) struct Dilations(Vec<Vec<[usize; 2]>>);

/// How the unknowns stand to each other once their common dilation is left out.
pub(super) enum DilationKind {
    /// None is dilated.
    Plain,
    /// All but one, which occurs once, are dilated alike.
    Rest {
        /// The one.
        rest: usize,
        /// The others' dilation.
        by: [usize; 2],
    },
    /// Anything else: the dilations of each one's occurrences.
    Mixed(Vec<Vec<[usize; 2]>>),
}

impl Dilations {
    /// Of the occurrences in one product.
    pub(super) fn of(factors: &[Factor], unknowns: &[Unknown]) -> Self {
        let mut all = vec![Vec::new(); unknowns.len()];
        for (n, by) in factors.iter().filter_map(Factor::unknown) {
            let shape = unknowns[n].shape;
            all[n]
                .push([if shape.height == 1 { 0 } else { by[0] }, if shape.width == 1 { 0 } else { by[1] }]);
        }
        Self(all)
    }

    /// What all of them are multiples of, per axis.
    pub(super) fn common(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.0.iter().flatten().fold(0, |all: usize, by| all.gcd(&by[axis])).max(1))
    }

    /// The case, with dilations divided by what is common.
    pub(super) fn kind(&self) -> DilationKind {
        let common = self.common();
        let reduced = |by: &[usize; 2]| [by[0] / common[0], by[1] / common[1]];
        // Some unknown is not a multiple of the others' dilation, so that the largest one decides.
        let by =
            [0, 1].map(|axis| self.0.iter().flatten().map(|by| reduced(by)[axis]).max().unwrap_or(1).max(1));
        if by == [1, 1] {
            return DilationKind::Plain;
        }
        let are = |occurrences: &[[usize; 2]], by: [usize; 2]| {
            let fits = |own: usize, by: usize| own == 0 || own == by;
            occurrences.iter().map(reduced).all(|own| fits(own[0], by[0]) && fits(own[1], by[1]))
        };
        let mut others = (0..self.0.len()).filter(|&n| !are(&self.0[n], by));
        match (others.next(), others.next()) {
            (Some(rest), None) if self.0[rest].len() == 1 && are(&self.0[rest], [1, 1]) => {
                DilationKind::Rest { rest, by }
            }
            _ => {
                let own = |by: &[usize; 2]| reduced(by).map(|by| by.max(1));
                DilationKind::Mixed(self.0.iter().map(|all| all.iter().map(own).collect()).collect())
            }
        }
    }
}

/// The kernel whose dilation this is; `None` if there is an entry that is not 0 between.
pub(super) fn undilated(kernel: &Kernel, by: [usize; 2]) -> Result<Option<Kernel>, KernelError> {
    if by == [1, 1] {
        return Ok(Some(kernel.clone()));
    }
    let kept = kernel.every([0, 0], by)?;
    // Shapes included, so that nothing is left over at the ends.
    let same = kept.dilate(by)?.expand()? == kernel.expand()?;
    Ok(same.then_some(kept))
}
