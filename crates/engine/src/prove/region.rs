//! Where two stacks agree: the status of many input sizes, and conditions that describe the equal ones.

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
    fn contains(&self, [h, w]: [i64; 2]) -> bool {
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
        let mut least: Option<([i64; 2], Status)> = None;
        for (size, status) in self.all() {
            if wanted(status) && least.is_none_or(|(known, _)| by_area(size) < by_area(known)) {
                least = Some((size, status));
            }
        }
        least
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
    pub fn are(&self, boxes: &[SizeBox]) -> bool {
        let described = |size| boxes.iter().any(|sizes| sizes.contains(size));
        self.all()
            .all(|(size, status)| status == Status::Silent || described(size) == (status == Status::Equal))
    }

    /// Describes the sizes of status `Equal` among those that are not silent.
    pub fn describe(&self) -> Agreement {
        let equal = |i: usize, j: usize| self.status(i, j) == Status::Equal;
        let fails = |i: usize, j: usize| matches!(self.status(i, j), Status::Sizes | Status::Values);
        let (rows, columns) = (self.heights.len(), self.widths.len());
        if !self.any(|status| status == Status::Equal) {
            return Agreement::Nowhere;
        }
        // A height is good if it occurs in some equal size; a product set is one where that is all there is to it.
        let good_rows: Vec<bool> = (0..rows).map(|i| (0..columns).any(|j| equal(i, j))).collect();
        let good_columns: Vec<bool> = (0..columns).map(|j| (0..rows).any(|i| equal(i, j))).collect();
        let product = (0..rows).all(|i| {
            (0..columns).all(|j| match (good_rows[i] && good_columns[j], self.status(i, j)) {
                (_, Status::Silent) | (true, Status::Equal) => true,
                (good, _) => !good && fails(i, j),
            })
        });
        if product {
            return Agreement::Sizes(vec![self.size_box(&good_rows, &good_columns)]);
        }
        if let Some(boxes) = self.boxes() {
            return Agreement::Sizes(boxes);
        }
        let listed = self.by_area().into_iter().filter(|(_, status)| *status == Status::Equal);
        Agreement::Some(listed.map(|(size, _)| size).take(6).collect())
    }

    /// The equal sizes as a few largest boxes, where the claim speaks of all sizes at which there is an output.
    fn boxes(&self) -> Option<Vec<SizeBox>> {
        const MOST: usize = 4;
        let (rows, columns) = (self.heights.len(), self.widths.len());
        let spoken = |i: usize, j: usize| self.status(i, j) != Status::Silent;
        let spoken_rows: Vec<usize> = (0..rows).filter(|&i| (0..columns).any(|j| spoken(i, j))).collect();
        let spoken_columns: Vec<usize> = (0..columns).filter(|&j| (0..rows).any(|i| spoken(i, j))).collect();
        if spoken_rows.iter().any(|&i| spoken_columns.iter().any(|&j| !spoken(i, j))) {
            return None;
        }
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
        let all_of =
            |set: &[bool], widths: &[bool]| set.iter().zip(widths).all(|(wanted, has)| has | !wanted);
        let boxes = sets.into_iter().map(|set| {
            let heights: Vec<bool> = at.iter().map(|widths| all_of(set, widths)).collect();
            self.size_box(&heights, set)
        });
        Some(boxes.collect())
    }

    fn size_box(&self, good_rows: &[bool], good_columns: &[bool]) -> SizeBox {
        let (rows, columns) = (self.heights.len(), self.widths.len());
        let spoken_row = |i: usize| (0..columns).any(|j| self.status(i, j) != Status::Silent);
        let spoken_column = |j: usize| (0..rows).any(|i| self.status(i, j) != Status::Silent);
        SizeBox {
            height: set(&self.heights, good_rows, spoken_row, self.cycles[0]),
            width: set(&self.widths, good_columns, spoken_column, self.cycles[1]),
        }
    }
}

/// The good lengths among those spoken of, described with the smallest modulus; `None` if all are good.
fn set(
    lengths: &[i64],
    good: &[bool],
    spoken: impl Fn(usize) -> bool,
    (settled, period): (i64, i64),
) -> Option<LengthSet> {
    let spoken: Vec<usize> = (0..lengths.len()).filter(|&at| spoken(at)).collect();
    if spoken.iter().all(|&at| good[at]) {
        return None;
    }
    let large: Vec<usize> = spoken.iter().copied().filter(|&at| lengths[at] >= settled).collect();
    let modulus = (1..=period)
        .filter(|m| period % m == 0)
        .find(|m| {
            large
                .iter()
                .all(|&a| large.iter().all(|&b| (lengths[a] - lengths[b]) % m != 0 || good[a] == good[b]))
        })
        .unwrap_or(period.max(1));
    let mut residues: Vec<i64> =
        large.iter().filter(|&&at| good[at]).map(|&at| lengths[at] % modulus).collect();
    residues.sort_unstable();
    residues.dedup();
    // Take in smaller lengths as long as the residues describe them too.
    let fits = |at: usize| residues.contains(&(lengths[at] % modulus)) == good[at];
    let odd = spoken.iter().rposition(|&at| lengths[at] < settled && !fits(at));
    let from = odd.map_or(1, |at| lengths[spoken[at]] + 1);
    let small = spoken
        .iter()
        .map(|&at| (lengths[at], good[at]))
        .filter(|&(n, good)| n < from && good)
        .map(|(n, _)| n);
    Some(LengthSet { from, modulus, small: small.collect(), residues })
}
