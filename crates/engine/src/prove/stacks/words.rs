//! Equality of stacks with channels, for any number of channels: sums of words compared at all pairs of patterns.
//!
//! Equal sums are equal functions (Theorem 9a of `docs/semantics.md`). Of different sums a counterexample is built from
//! a shortest word in which they differ, and believed when the naive evaluator has replayed it. What is neither equal
//! nor refuted, or not read by `forms`, is left to `equality.rs`.

use rustc_hash::FxHashMap;

use super::looker::{self, Looked};
use crate::forms::Unsupported;
use crate::forms::arena::{Arena, Form};
use crate::forms::blocks::{self, Block, Division};
use crate::forms::net::{ChannelBlocks, Net, NetNodeId, number};
use crate::forms::pattern::{Pair, Patterns};
use crate::forms::sums::{Insides, NodeSums};
use crate::forms::weights::Letters;
use crate::ir::{Axes, Layer, Stack, StackClaim, Symbols};
use crate::prove::survey::sights::AxisSights;
use crate::prove::survey::table::{self, Failures, Table};
use crate::prove::verdict::counterexample::{Mismatch, roots_in};
use crate::prove::verdict::region::{Agreement, Status};
use crate::prove::verdict::{
    Derivation, Read, StackProof, StackRefutation, StackVerdict, StackWitness, Wrong,
};
use crate::prove::witness::{few, search};
use convproof_exact::budget::doing;
use convproof_exact::{Limited, Rational};

/// Sides with up to so many weights are expanded where words do not say everything.
const SMALL: usize = 400;

/// Sizes at which few channels are looked at.
const MAX_SIZES: usize = 4;

/// Decides a claim about stacks with free weights in channels; `None` where that is left to others.
pub fn decide(claim: &StackClaim, symbols: &Symbols) -> Option<StackVerdict> {
    let channels = [&claim.left, &claim.right].iter().any(|stack| has_channels(stack));
    if !channels || claim.tolerance.is_some() {
        return None;
    }
    let small = [&claim.left, &claim.right].iter().all(|stack| stack.weight_count().within(SMALL));
    compared(claim, symbols, small)
}

/// Decides a claim by its words alone; `None` where that is left to others: small claims are, whose different sums may be equal
/// functions.
pub(super) fn compared(claim: &StackClaim, symbols: &Symbols, small: bool) -> Option<StackVerdict> {
    if !claim.is_readable() {
        return None;
    }
    let _doing = doing("comparing sums of words");
    let division = blocks::division(claim).ok()?;
    let compared = SumComparison::new(claim, symbols, ChannelBlocks::Together(division)).ok()?;
    let failing = |status| matches!(status, Status::Sizes | Status::Values);
    let Some((size, status)) = compared.table.statuses.smallest(failing) else {
        let patterns = [0, 1].map(|axis| compared.pairs[axis].len());
        let horizon = compared.horizon;
        return Some(StackVerdict::Proved(StackProof::Words {
            patterns,
            horizon,
            sums: compared.arena.len(),
            read: compared.read,
        }));
    };
    if small && !compared.is_exact() {
        // Expanded, it also comes out where the sides agree.
        return None;
    }
    if status == Status::Sizes {
        let weights = search::plain_weights(claim, symbols);
        let found = Mismatch::replay(&claim.left, &claim.right, &weights, claim.channels, size).ok()?;
        return Some(compared.refuted(claim, StackWitness::Size(found)));
    }
    let found = compared.counterexample(claim, symbols, compared.telling().unwrap_or(size));
    let found = found.or_else(|| {
        let sizes = compared.table.statuses.by_area().into_iter();
        let values = sizes.filter(|(_, status)| *status == Status::Values).map(|(size, _)| size);
        few::counterexample(claim, symbols, &values.take(MAX_SIZES).collect::<Vec<_>>())
    });
    Some(compared.refuted(claim, StackWitness::Value(found?)))
}

/// Whether a stack has weights with channels.
fn has_channels(stack: &Stack) -> bool {
    stack.layers().any(|layer| match layer {
        Layer::Scale(vector) | Layer::Bias(vector) => vector.len().exceeds(SMALL) && !vector.is_constant(),
        Layer::Dense { weights, .. } => !weights.is_constant(),
        layer => layer.weights().iter().any(|term| {
            let shape = term.shape();
            (shape.outputs > 1 || shape.inputs > 1) && !term.is_constant()
        }),
    })
}

/// Two stacks compared.
pub struct SumComparison {
    pub(super) letters: Letters,
    /// All sums.
    pub arena: Arena,
    axes: Axes<AxisSights>,
    /// What means are taken of; looked at for claims with a bound.
    pub insides: Insides,
    /// The pairs along each axis, by number.
    pub pairs: [Vec<Pair>; 2],
    /// For each pair of pairs at which the sides differ, the blocks that do, and left minus right there.
    pub differences: Differences,
    failures: Failures,
    /// The status of all sizes.
    pub table: Table,
    /// The border outside of which the sides agree.
    border: Option<Agreement>,
    /// Sizes up to this length show everything; `None` for a claim about one size.
    pub horizon: Option<i64>,
    /// For each axis, the left side's first input position at each output of the lengths that were looked at.
    origins: [FxHashMap<(i64, i64), i64>; 2],
    /// How channels are divided.
    pub(super) division: Division,
    /// What was made of each layer.
    pub read: Read,
    /// The blocks of output and input channels.
    pub(super) outputs: Vec<Block>,
    pub(super) inputs: Vec<Block>,
}

impl SumComparison {
    /// Compares both sides of a claim at all sizes that it speaks of.
    ///
    /// # Errors
    /// [`Unsupported`] where a side is not read, or a limit is reached.
    pub fn new(claim: &StackClaim, symbols: &Symbols, mode: ChannelBlocks) -> Result<Self, Unsupported> {
        if !claim.is_readable() {
            return Err(Unsupported::TooLarge);
        }
        let size = claim.sizes.one();
        let roots = symbols.foundations(roots_in([&claim.left, &claim.right], symbols));
        let mut net = Net::new(mode, size, symbols.roots().of_claim(&roots));
        let input = net.input(claim.channels);
        let left = net.apply(&claim.left, input.clone())?;
        let told = net.told();
        let right = net.apply(&claim.right, input)?;
        let sides = [told, net.told()];
        if left.signal.channels != right.signal.channels {
            return Err(Unsupported::Layer);
        }
        let roots = [left.node, right.node];
        let mut patterns = Patterns::default();
        let lengths = [&left.signal.length, &right.signal.length];
        let alike = looker::alike(&net, &claim.sizes, &mut patterns);
        let Looked { axes, pairs, origins, horizon } =
            Looked::at(&net, roots, lengths, &claim.sizes, &mut patterns)?;
        let repeats = horizon.is_some().then_some([axes[0].from, axes[0].period]);
        let mut evaluator = NodeSums::new(&net, &patterns, &alike);
        let outputs = net.divided(left.signal.channels)?;
        let inputs = net.divided(claim.channels)?;
        let (differences, failures) = differences(&mut evaluator, roots, &pairs, outputs.len())?;
        let table = Table::new(&axes, &failures, &claim.sizes);
        let differs = table.statuses.any(|status| matches!(status, Status::Sizes | Status::Values));
        let border = differs.then(|| table::ring(&axes, &failures)).flatten().map(|(found, _)| found);
        let insides = if claim.tolerance.is_some() { evaluator.insides()? } else { Insides::default() };
        let arena = evaluator.arena;
        let letters = net.letters;
        Ok(Self {
            letters,
            arena,
            insides,
            division: if let ChannelBlocks::Together(division) = mode { division } else { Division::APART },
            axes,
            pairs,
            differences,
            failures,
            table,
            border,
            horizon,
            origins,
            read: Read { sides, blocks: outputs.len(), repeats },
            outputs,
            inputs,
        })
    }

    /// The first block that differs at a pair of pairs, and left minus right there.
    pub fn difference(&self, row: u32, column: u32) -> Option<&(usize, Form)> {
        self.differences.get(&(row, column))?.first()
    }

    /// A size that the claim speaks of, and an output position there, with a pair of pairs.
    pub fn example(&self, pair: [u32; 2]) -> Option<([i64; 2], [i64; 2])> {
        self.table.example(&self.axes, pair)
    }

    /// Whether different sums are different functions.
    fn is_exact(&self) -> bool {
        self.arena.is_linear() && self.letters.tell_apart(self.arena.longest(), &self.arena.symbols())
    }

    /// Where only a border differs: a small size at which some positions differ and some do not.
    pub fn telling(&self) -> Option<[i64; 2]> {
        self.border.as_ref().and_then(|_| self.table.telling(&self.axes, &self.failures))
    }

    /// A refutation with what is known of the sizes at which the sides agree.
    pub fn refuted(&self, claim: &StackClaim, witness: StackWitness) -> StackVerdict {
        let mut agreement = Vec::new();
        let exact = self.is_exact();
        if self.horizon.is_some() && exact {
            match self.table.statuses.describe() {
                Agreement::Nowhere => {}
                found => agreement.push(found),
            }
            agreement.extend(self.border.clone());
            if agreement.is_empty() {
                agreement.push(Agreement::Nowhere);
            }
        }
        let typical = || Some(table::wrong(&table::typical(&self.axes, &claim.sizes)?, &self.failures));
        let wrong = || match &witness {
            StackWitness::Value(found) => {
                let [_, h, w] = found.input().size().map(|n| i64::try_from(n).unwrap_or(0));
                Wrong::of(self.sights([h, w])?, self.failures.rows())
            }
            _ => None,
        };
        let [wrong, typical] = if exact { [wrong(), typical()] } else { [None, None] };
        let derivation = Some(Derivation::Read(self.read.clone()));
        StackVerdict::Refuted(Box::new(StackRefutation { witness, wrong, typical, agreement, derivation }))
    }

    /// The input position that places in sums are counted from, at an output position of a size.
    pub fn origin(&self, size: [i64; 2], at: [i64; 2]) -> [i64; 2] {
        [0, 1].map(|axis| self.origins[axis].get(&(size[axis], at[axis])).copied().unwrap_or(0))
    }

    /// The sights of both axes at a size.
    pub fn sights(&self, size: [i64; 2]) -> Option<[&[u32]; 2]> {
        Some([&self.axes[0].view(size[0])?.sights, &self.axes[1].view(size[1])?.sights])
    }
}

/// Left minus right of all blocks that differ, by pairs of pairs.
type Differences = FxHashMap<(u32, u32), Vec<(usize, Form)>>;

/// All pairs of pairs compared, and at which of them something differs.
fn differences(
    evaluator: &mut NodeSums<'_>,
    roots: [NetNodeId; 2],
    [rows, columns]: &[Vec<Pair>; 2],
    blocks: usize,
) -> Result<(Differences, Failures), Unsupported> {
    let mut differences = Differences::default();
    let mut failures = vec![vec![false; columns.len()]; rows.len()];
    for (row, &above) in rows.iter().enumerate() {
        for (column, &beside) in columns.iter().enumerate() {
            for block in 0..blocks {
                if let Some(found) = difference(evaluator, roots, number(block), above, beside)? {
                    failures[row][column] = true;
                    differences.entry((number(row), number(column))).or_default().push((block, found));
                }
            }
        }
    }
    Ok((differences, Failures::new(failures)))
}

/// Left minus right of a block where both read by these patterns; `None` if they are equal.
fn difference(
    evaluator: &mut NodeSums<'_>,
    roots: [NetNodeId; 2],
    block: u32,
    rows: Pair,
    columns: Pair,
) -> Result<Option<Form>, Unsupported> {
    let left = evaluator.value(roots[0], block, [rows.0, columns.0])?;
    let right = evaluator.value(roots[1], block, [rows.1, columns.1])?;
    let right = evaluator.arena.moved(&right, [rows.2, columns.2]);
    if left == right {
        return Ok(None);
    }
    Ok(Some(evaluator.arena.sum(&[left, right.times(&Rational::from(-1))])?))
}
