//! Where two stacks agree: the status of many input sizes, and conditions that describe the equal ones.

use std::collections::BTreeMap;

/// Where a refuted equality does hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// At no size (for general weights), and not in the interior either.
    Nowhere,
    /// Exactly at the sizes in at least one of these boxes.
    Sizes(Vec<SizeBox>),
    /// At all sizes in at least one of these boxes, and at no other size whose height and width are below a bound.
    SizesBelow(Vec<SizeBox>, i64),
    /// At every size, except within some rows and columns of the output's border: top, left, bottom, right.
    Interior {
        /// Width of the border that is wrong, per side.
        ring: [i64; 4],
        /// Whether every output in the border is wrong (for general weights), once there is an interior.
        exactly: bool,
    },
    /// At sizes that no simple condition describes; some are listed, smallest first.
    Some(Vec<[i64; 2]>),
    /// Exactly where these free scalars are 0.
    IfZero(Vec<String>),
}

/// The sizes whose height and width each satisfy a condition; `None` is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeBox {
    /// Condition on the height.
    pub height: Option<LengthSet>,
    /// Condition on the width.
    pub width: Option<LengthSet>,
}

impl SizeBox {
    /// Whether a size is in the box.
    pub fn contains(&self, [h, w]: [i64; 2]) -> bool {
        let within = |set: &Option<LengthSet>, n| set.as_ref().is_none_or(|set| set.contains(n));
        within(&self.height, h) && within(&self.width, w)
    }
}

/// A set of input lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LengthSet {
    /// Lengths from here on are described by the residues.
    pub from: i64,
    /// The modulus, 1 if there is none.
    pub modulus: i64,
    /// Residues that belong, sorted.
    pub residues: Vec<i64>,
    /// Smaller lengths that belong, sorted.
    pub small: Vec<i64>,
}

impl LengthSet {
    fn contains(&self, n: i64) -> bool {
        if n < self.from { self.small.contains(&n) } else { self.residues.contains(&(n % self.modulus)) }
    }
}

/// What happens at an input size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Neither stack has an output, or the claim does not speak of the size.
    Silent,
    /// Both have the same output.
    Equal,
    /// The output sizes differ.
    Sizes,
    /// Some output differs.
    Values,
}

/// Orders sizes by area, then by how far from square they are, then by height.
fn by_area([h, w]: [i64; 2]) -> (i64, i64, i64) {
    (h * w, (h - w).abs(), h)
}

/// The status of every pair of lengths that was looked at.
#[derive(Clone, Debug)]
pub struct Statuses {
    heights: Vec<i64>,
    widths: Vec<i64>,
    cells: Vec<Status>,
    /// For heights and for widths: from which length on everything repeats, and after how many.
    cycles: [(i64, i64); 2],
}

impl Statuses {
    /// The statuses of all pairs of some heights and widths, row by row, which repeat as `cycles` says.
    pub fn new(lengths: [Vec<i64>; 2], cells: Vec<Status>, cycles: [(i64, i64); 2]) -> Self {
        let [heights, widths] = lengths;
        Self { heights, widths, cells, cycles }
    }

    /// The smallest size of a wanted status, and that status: of least area, and of those the flattest.
    pub fn smallest(&self, wanted: impl Fn(Status) -> bool) -> Option<([i64; 2], Status)> {
        self.all().filter(|&(_, status)| wanted(status)).min_by_key(|&(size, _)| by_area(size))
    }

    /// All sizes with their status, the smallest first.
    pub fn by_area(&self) -> Vec<([i64; 2], Status)> {
        let mut all: Vec<_> = self.all().collect();
        all.sort_by_key(|(size, _)| by_area(*size));
        all
    }

    fn all(&self) -> impl Iterator<Item = ([i64; 2], Status)> {
        let sizes = self.heights.iter().flat_map(|&h| self.widths.iter().map(move |&w| [h, w]));
        sizes.zip(self.cells.iter().copied())
    }

    /// The status at a pair of lengths, by their numbers.
    pub fn status(&self, row: usize, column: usize) -> Status {
        self.cells[row * self.widths.len() + column]
    }

    /// Whether some size has a status.
    pub fn any(&self, wanted: impl Fn(Status) -> bool) -> bool {
        self.cells.iter().any(|&status| wanted(status))
    }

    /// Whether the equal sizes that were looked at are just those in some boxes.
    fn are(&self, boxes: &[SizeBox]) -> bool {
        let described = |size| boxes.iter().any(|sizes| sizes.contains(size));
        self.all()
            .all(|(size, status)| status == Status::Silent || described(size) == (status == Status::Equal))
    }

    /// Describes the sizes of status `Equal` among those that are not silent: by boxes that are checked at every
    /// size that was looked at, or else by some of the sizes.
    pub fn describe(&self) -> Agreement {
        if !self.any(|status| status == Status::Equal) {
            return Agreement::Nowhere;
        }
        let candidates = [Self::one_axis::<0>, Self::one_axis::<1>, Self::product, Self::boxes];
        if let Some(boxes) =
            candidates.iter().filter_map(|candidate| candidate(self)).find(|boxes| self.are(boxes))
        {
            return Agreement::Sizes(boxes);
        }
        let listed = self.by_area().into_iter().filter(|(_, status)| *status == Status::Equal);
        Agreement::Some(listed.map(|(size, _)| size).take(6).collect())
    }

    /// Heights (axis 0) or widths alone decide, at all sizes that are spoken of.
    fn one_axis<const AXIS: usize>(&self) -> Option<Vec<SizeBox>> {
        let along = |n: usize| {
            let [rows, columns] = [self.heights.len(), self.widths.len()];
            let line = (0..if AXIS == 0 { columns } else { rows })
                .map(move |m| if AXIS == 0 { self.status(n, m) } else { self.status(m, n) });
            line.filter(|&status| status != Status::Silent).map(|status| status == Status::Equal)
        };
        let lengths = if AXIS == 0 { &self.heights } else { &self.widths };
        let wanted: Vec<Option<bool>> = (0..lengths.len()).map(|n| along(n).next()).collect();
        if (0..lengths.len()).any(|n| along(n).any(|equal| Some(equal) != wanted[n])) {
            return None;
        }
        let set = fitted(lengths, &wanted, self.cycles[AXIS])?;
        let (height, width) = if AXIS == 0 { (set, None) } else { (None, set) };
        Some(vec![SizeBox { height, width }])
    }

    /// One box of the heights and the widths that occur in equal sizes.
    fn product(&self) -> Option<Vec<SizeBox>> {
        let (rows, columns) = (self.heights.len(), self.widths.len());
        let spoken = |status| status != Status::Silent;
        let tells = |statuses: &mut dyn Iterator<Item = Status>| {
            let mut told = None;
            for status in statuses.filter(|&status| spoken(status)) {
                told = Some(told == Some(true) || status == Status::Equal);
            }
            told
        };
        let row = |i: usize| tells(&mut (0..columns).map(|j| self.status(i, j)));
        let column = |j: usize| tells(&mut (0..rows).map(|i| self.status(i, j)));
        Some(vec![SizeBox {
            height: fitted(&self.heights, &(0..rows).map(row).collect::<Vec<_>>(), self.cycles[0])?,
            width: fitted(&self.widths, &(0..columns).map(column).collect::<Vec<_>>(), self.cycles[1])?,
        }])
    }

    /// A few largest boxes.
    fn boxes(&self) -> Option<Vec<SizeBox>> {
        const MOST: usize = 4;
        let (rows, columns) = (self.heights.len(), self.widths.len());
        // At each height the widths that are equal. The largest box with just these widths has all heights at
        // which no fewer are.
        let equal =
            |i: usize| (0..columns).map(|j| self.status(i, j) == Status::Equal).collect::<Vec<bool>>();
        let at: Vec<Vec<bool>> = (0..rows).map(equal).collect();
        let mut sets: Vec<&Vec<bool>> = Vec::new();
        for widths in at.iter().filter(|widths| widths.contains(&true)) {
            if !sets.contains(&widths) {
                if sets.len() == MOST {
                    return None;
                }
                sets.push(widths);
            }
        }
        let silent_row = |i: usize| (0..columns).all(|j| self.status(i, j) == Status::Silent);
        let silent_column = |j: usize| (0..rows).all(|i| self.status(i, j) == Status::Silent);
        let all_of =
            |set: &[bool], widths: &[bool]| set.iter().zip(widths).all(|(wanted, has)| has | !wanted);
        let boxes = sets.into_iter().map(|set| {
            let heights = (0..rows).map(|i| (!silent_row(i)).then(|| all_of(set, &at[i])));
            let widths = (0..columns).map(|j| (!silent_column(j)).then_some(set[j]));
            Some(SizeBox {
                height: fitted(&self.heights, &heights.collect::<Vec<_>>(), self.cycles[0])?,
                width: fitted(&self.widths, &widths.collect::<Vec<_>>(), self.cycles[1])?,
            })
        });
        boxes.collect()
    }
}

/// The lengths that are wanted, leaving open those of which nothing is known, described with the smallest modulus
/// (`None` inside if all are wanted); `None` if large lengths do not repeat.
#[allow(clippy::option_option)]
fn fitted(
    lengths: &[i64],
    wanted: &[Option<bool>],
    (settled, period): (i64, i64),
) -> Option<Option<LengthSet>> {
    let known: Vec<(i64, bool)> =
        lengths.iter().zip(wanted).filter_map(|(&n, &wanted)| Some((n, wanted?))).collect();
    if known.iter().all(|&(_, wanted)| wanted) {
        return Some(None);
    }
    // For each modulus what large lengths of each remainder want, if those of one want the same.
    let remainders = |modulus: i64| {
        let mut classes = BTreeMap::new();
        let mut large = known.iter().filter(|&&(n, _)| n >= settled);
        large.all(|&(n, wanted)| *classes.entry(n % modulus).or_insert(wanted) == wanted).then_some(classes)
    };
    let (modulus, classes) = (1..=period.max(1))
        .filter(|modulus| period % modulus == 0)
        .find_map(|modulus| Some((modulus, remainders(modulus)?)))?;
    let residues: Vec<i64> = classes.into_iter().filter(|(_, wanted)| *wanted).map(|(n, _)| n).collect();
    // Take in smaller lengths as long as the residues describe them too.
    let odd = known.iter().rfind(|&&(n, wanted)| n < settled && residues.contains(&(n % modulus)) != wanted);
    let from = odd.map_or(1, |&(n, _)| n + 1);
    let small = known.iter().filter(|&&(n, wanted)| n < from && wanted).map(|&(n, _)| n).collect();
    Some(Some(LengthSet { from, modulus, residues, small }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    /// Lengths from the first on that leave a remainder.
    #[derive(Clone, Copy, Debug)]
    struct Lengths {
        first: i64,
        modulus: i64,
        remainder: i64,
    }

    impl Lengths {
        fn holds(self, n: i64) -> bool {
            n >= self.first && n % self.modulus == self.remainder
        }
    }

    #[test]
    fn sizes_of_a_box_are_described_by_one() {
        let mut random = SplitMix64::new(3);
        let mut below = |n: i64| i64::try_from(random.below(n.cast_unsigned())).unwrap();
        for _ in 0..400 {
            let [heights, widths] = [0, 1].map(|_| {
                let modulus = 1 + below(3);
                Lengths { first: 1 + below(4), modulus, remainder: below(modulus) }
            });
            // Lengths repeat from 4 and from 5 on, after 6 and after 12.
            let cycles = [(4, 6), (5, 12)];
            let lengths = cycles.map(|(from, period)| (1..from + 2 * period).collect::<Vec<i64>>());
            let equal = |[h, w]: [i64; 2]| heights.holds(h) && widths.holds(w);
            let all = lengths[0].iter().flat_map(|&h| lengths[1].iter().map(move |&w| [h, w]));
            let silent = below(3);
            let status = |size: [i64; 2]| match equal(size) {
                true => Status::Equal,
                false if silent == 0 && size[1] == 2 => Status::Silent,
                false => Status::Values,
            };
            let cells: Vec<Status> = all.clone().map(status).collect();
            let statuses = Statuses::new(lengths.clone(), cells, cycles);
            let least = all.clone().filter(|&size| equal(size)).min_by_key(|&size| by_area(size));
            let found = statuses.smallest(|status| status == Status::Equal);
            assert_eq!(found.map(|(size, _)| size), least);
            let Agreement::Sizes(boxes) = statuses.describe() else { panic!("{heights:?} {widths:?}") };
            for (h, w) in (1..40).flat_map(|h| (1..40).map(move |w| (h, w))) {
                let described = boxes.iter().any(|sizes| sizes.contains([h, w]));
                assert!(
                    described == equal([h, w]) || status([h, w]) == Status::Silent,
                    "{heights:?} {widths:?} {h} {w}"
                );
            }
        }
    }
}
