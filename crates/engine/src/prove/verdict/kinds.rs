//! Verdicts. Each variant holds what shows it; the witnesses can only be made by the code that checks them.

use super::counterexample::{Counterexample, Mismatch};
use super::derivation::{Composed, Derivation, Read};
use super::region::Agreement;
use super::worst::{Enclosure, Excess};
use crate::operator::Affine;
use convproof_exact::budget::Halt;
use convproof_exact::{Grid, Limited, Poly, Rational};

/// What is known of a claim about two stacks.
#[derive(Clone, Debug)]
pub enum StackVerdict {
    /// It is true.
    Proved(StackProof),
    /// It is false.
    Refuted(Box<StackRefutation>),
    /// It could not be decided.
    Unknown(Doubt),
}

impl StackVerdict {
    /// The same, a refutation with what was done before the difference was found, unless it has that.
    #[must_use]
    pub(in crate::prove) fn after(mut self, derivation: Derivation) -> Self {
        if let Self::Refuted(found) = &mut self {
            found.derivation.get_or_insert(derivation);
        }
        self
    }
}

/// Why two stacks are equal.
#[derive(Clone, Debug)]
pub enum StackProof {
    /// Both have the same normal form.
    NormalForm {
        /// The normal form.
        map: Affine,
        /// What stands between it and the input.
        inner: Inner,
        /// How both sides came to it.
        composed: Composed,
    },
    /// All pairs of border patterns agree.
    Patterns {
        /// Row patterns and column patterns.
        patterns: [usize; 2],
        /// Sizes up to this length show all of them; `None` for a claim about one size.
        horizon: Option<i64>,
        /// How the maps came about whose patterns these are.
        composed: Composed,
    },
    /// The same sums of words in the matrices of all kernels, at all pairs of border patterns, whatever the number of
    /// channels.
    Words {
        /// Row patterns and column patterns.
        patterns: [usize; 2],
        /// Sizes up to this length show all of them; `None` for a claim about one size.
        horizon: Option<i64>,
        /// Different sums that were compared.
        sums: usize,
        /// What was read as these.
        read: Read,
    },
    /// The same sums of pixels and nonlinear terms, at all pairs of border patterns.
    Terms {
        /// Row patterns and column patterns.
        patterns: [usize; 2],
        /// Sizes up to this length show all of them; `None` for a claim about one size.
        horizon: Option<i64>,
        /// Different nonlinear terms, up to translation.
        terms: usize,
        /// What was read as these.
        read: Read,
    },
    /// All sizes below a bound agree, and with global averages that is enough.
    Averages {
        /// The bound on height and width.
        bound: i64,
        /// How the maps came about of which the bound is one.
        composed: Composed,
    },
    /// The worst difference over all inputs is within the bound; and how the two came about whose difference it is.
    Within(Enclosure, Derivation),
}

/// How many signals of each kind a normal form reads, inside of others too, that layers could not be composed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inner {
    /// `relu` and `maxpool`.
    pub nonlinear: usize,
    /// `global_avgpool`.
    pub averages: usize,
    /// Means with divisors that depend on the position.
    pub means: usize,
    /// Signals that are cut at a border.
    pub cuts: usize,
}

/// Why two stacks are not equal, and where they still are.
#[derive(Clone, Debug)]
pub struct StackRefutation {
    /// What shows it.
    pub witness: StackWitness,
    /// At the input size of a counterexample: which output positions are wrong for general weights and inputs.
    pub wrong: Option<Wrong>,
    /// The same at an input of [`TYPICAL`] size, for a claim that speaks of it and of others.
    pub typical: Option<Wrong>,
    /// Where the claim does hold, as far as that could be described.
    pub agreement: Vec<Agreement>,
    /// What was done before the difference was found, if anything was.
    pub derivation: Option<Derivation>,
}

impl StackRefutation {
    /// What shows it, with nothing said of other positions and sizes.
    pub(in crate::prove) fn bare(witness: StackWitness) -> Self {
        Self { witness, wrong: None, typical: None, agreement: Vec::new(), derivation: None }
    }
}

/// Output positions of one size at which two stacks differ, for general weights and inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// How many there are.
    pub count: usize,
    /// How many positions there are in all.
    pub all: usize,
    /// Which ones, where the output is small enough to look at.
    pub map: Option<Grid<bool>>,
}

/// Height and width of a typical image: what networks are mostly trained on.
pub const TYPICAL: [i64; 2] = [224, 224];

/// Most rows and columns of an output whose wrong positions are kept.
const MAX_MAP: usize = 48;

impl Wrong {
    /// The positions whose row and column patterns, given for each row and column, fail together; `None` if there is
    /// no position.
    pub(in crate::prove) fn of([rows, columns]: [&[u32]; 2], failures: &[Vec<bool>]) -> Option<Self> {
        let fails = |row: u32, column: u32| failures[row as usize][column as usize];
        let count =
            rows.iter().map(|&row| columns.iter().filter(|&&column| fails(row, column)).count()).sum();
        let all = rows.len() * columns.len();
        let map = (rows.len().within(MAX_MAP) && columns.len().within(MAX_MAP))
            .then(|| Grid::from_fn(rows.len(), columns.len(), |i, j| fails(rows[i], columns[j])));
        (all > 0).then_some(Self { count, all, map })
    }
}

/// What shows that two stacks differ.
#[derive(Clone, Debug)]
pub enum StackWitness {
    /// Weights, an input, and an output position with two values.
    Value(Counterexample),
    /// An input size at which the output sizes differ.
    Size(Mismatch),
    /// An input whose outputs differ by more than allowed.
    Excess(Excess),
}

/// Why a claim could not be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nonlinear layers do not match one to one, and no counterexample was found in so many tries.
    Nonlinear {
        /// Inputs that were tried.
        tries: usize,
    },
    /// Arguments of functions differ of which nothing more is known, and at no point tried are the sides certain to differ.
    Functions,
    /// A limit was reached.
    Limit(Limit),
    /// A difference was found that no exact replay can show, because square roots are irrational.
    Irrational,
    /// An unknown kernel is added to itself with another dilation.
    Dilations,
    /// A product of several unknown kernels is to be a kernel with free weights.
    FreeTarget,
    /// Least squares met no sum of products of unknown kernels exactly, and nothing else looks for such.
    Sums,
    /// No rule says that every kernel has such factors, and none of so many was found that has not.
    EveryTarget {
        /// Kernels that were tried.
        tries: usize,
    },
    /// The sides are not affine in the entries of an unknown kernel.
    NotLinear,
    /// No kernel solves an equation where square roots are symbols of their own; as numbers they may be related.
    Roots,
    /// No kernel with polynomial entries solves an equation, but one with fractions of polynomials might.
    CommonFactor,
    /// A difference depends on free weights, and none were found that make it pass a bound.
    Unbounded,
    /// The worst difference lies between two numbers, and so does the bound.
    Between {
        /// No input that was tried shows more.
        found: Rational,
        /// No input shows more.
        at_most: Rational,
    },
    /// The engine found a difference that the naive evaluator does not see: a defect of this program.
    Contradiction,
    /// The engine found a proof, but the naive evaluator sees a difference at a size: a defect of this program.
    Disagreement {
        /// The size of the input.
        size: [i64; 2],
    },
    /// The work ended before there was a verdict.
    Halted(Halt),
}

/// A limit of the decision procedures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Sizes repeat with too long a period, or settle too late.
    Period,
    /// Everything shows only at lengths below `needed`, more than `most`.
    Lengths {
        /// The first length that need not be looked at.
        needed: i64,
        /// The limit.
        most: i64,
    },
    /// Too many output positions or border patterns.
    Positions,
    /// Coefficients of too many terms, or too many products to find them.
    Terms,
    /// The replay of a counterexample would take too long.
    Replay,
    /// A search for factors stopped at its bound.
    Search,
}

/// What is known of a claim about kernels or images.
#[derive(Clone, Debug)]
pub enum KernelVerdict {
    /// They are equal, for all weights.
    Equal,
    /// They have different shapes.
    Shapes,
    /// An entry differs for some weights.
    Entry(EntryWitness),
    /// It could not be decided.
    Unknown(Doubt),
}

/// An entry at which two kernels differ.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryWitness {
    /// Weights that are not 0, by name.
    pub weights: Vec<(String, Rational)>,
    /// Whether irrational square roots were replaced by close rationals.
    pub approximate: bool,
    /// Output channel, input channel, row and column.
    pub position: [usize; 4],
    /// Entry of the left kernel.
    pub left: Rational,
    /// Entry of the right kernel.
    pub right: Rational,
}

/// What is known of a comparison of numbers.
#[derive(Clone, Debug)]
pub enum NumberVerdict {
    /// It holds, for all weights.
    True,
    /// It fails at one entry of the lists.
    False {
        /// Which entry.
        index: usize,
        /// The difference of the sides, if they depend on weights.
        difference: Option<Poly>,
    },
    /// It could not be decided.
    Unknown(Doubt),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_positions_are_counted_and_shown_where_there_are_few() {
        let failures = [vec![true, false], vec![false, false]];
        let wrong = |rows: &[u32], columns: &[u32]| Wrong::of([rows, columns], &failures);
        let few = wrong(&[0, 1, 0], &[1, 0]).unwrap();
        assert_eq!((few.count, few.all), (2, 6));
        let map = few.map.unwrap();
        assert_eq!(map.cells(), [false, true, false, false, false, true]);
        for [rows, columns] in [[MAX_MAP + 1, 1], [1, MAX_MAP + 1], [MAX_MAP, MAX_MAP]] {
            let shown = rows.max(columns) == MAX_MAP;
            let all = wrong(&vec![0; rows], &vec![0; columns]).unwrap();
            assert_eq!((all.count, all.all, all.map.is_some()), (rows * columns, rows * columns, shown));
        }
        assert!(wrong(&[], &[0]).is_none());
    }
}
