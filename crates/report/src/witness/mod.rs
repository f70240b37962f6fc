//! What shows a verdict, as data. Field names are those of the JSON report (`docs/json.md`), numbers that may be
//! fractions are strings there. Decides nothing, words nothing.

mod derivation;
mod factors;
mod numbers;
mod place;

use std::collections::BTreeMap;

use serde::Serialize;

use convproof_exact::Rational;
use numbers::{by_name, text};

pub use derivation::{Derivation, Did, Law, Matched, Side, Step, Whole};
pub use factors::{FactorField, Factors, Fit, IrreducibleFactor, Over};
pub use numbers::{Cell, Matrix, Sparse};
pub use place::{Agrees, Lengths, Place, Sides, Typical};

/// What shows a verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Witness {
    /// Two stacks are equal, or near enough.
    Equal {
        /// How that was proved.
        #[serde(flatten)]
        by: Equality,
        /// Input sizes at which the naive evaluator ran both sides beside the proof.
        #[serde(skip_serializing_if = "Option::is_none")]
        evaluated: Option<Vec<[i64; 2]>>,
        /// What was done with each layer.
        #[serde(skip_serializing_if = "Option::is_none")]
        derivation: Option<Box<Derivation>>,
    },
    /// Weights, an input and an output position with two values.
    Counterexample(Box<Counterexample>),
    /// An input size at which the output sizes differ.
    Sizes(Sizes),
    /// An entry at which two kernels or images differ.
    Entry(Entry),
    /// Two kernels or images have different shapes.
    Shapes {
        /// The left one's.
        left_shape: String,
        /// The right one's.
        right_shape: String,
    },
    /// Numbers that were compared.
    Numbers {
        /// On the left.
        left: Vec<String>,
        /// On the right.
        right: Vec<String>,
    },
    /// Kernels that solve an equation.
    Solution {
        /// Over which fields there are solutions.
        over: Over,
        /// The kernels by name; none where one has too many terms.
        kernels: BTreeMap<String, Option<Matrix<String>>>,
        /// How many solutions there are up to scalar factors, if that is known.
        solutions: Option<String>,
    },
    /// Kernels that make two stacks equal.
    Layers(Unknowns),
    /// No kernels do; those that come nearest, and what shows that they do not.
    NoLayers(Unknowns),
    /// Irreducible factors that allow no rational solution.
    Factors {
        /// Over which fields there are solutions.
        over: Over,
        /// The factors.
        factors: Factors,
        /// The fields that entries of real solutions are in; none where there is no real solution.
        fields: Option<Vec<FactorField>>,
    },
    /// An equation without solution over any field.
    Absent {
        /// Over which fields there are solutions.
        over: Over,
        /// `remainder` or `shapes`.
        reason: &'static str,
    },
    /// Every kernel has a solution.
    Always {
        /// Why, in words.
        reason: &'static str,
        /// Why: `trivial`, `linear` or `quadratic`.
        code: &'static str,
    },
    /// A kernel without a solution.
    Without {
        /// The kernel.
        kernel: Matrix<String>,
        /// How many entries it has.
        entries: usize,
        /// How many free parameters the unknowns have.
        free_parameters: usize,
        /// Why it has none.
        certificate: Option<Box<Witness>>,
    },
    /// Nearest factors.
    Fit(Box<Fit>),
    /// A proof for all values of sizes.
    AllSizes {
        /// The sizes.
        sizes: Vec<String>,
        /// The law, in words.
        law: String,
        /// The same in a word.
        by: &'static str,
        /// Sizes that a condition writes in terms of other whole numbers from 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        written: Option<BTreeMap<String, String>>,
        /// The numbers of channels at which sums were compared that are the same for all.
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<BTreeMap<String, i64>>,
        /// Left sides, of numbers; none of a quotient.
        #[serde(skip_serializing_if = "Option::is_none")]
        left: Option<Vec<Option<String>>>,
        /// Right sides less left sides.
        #[serde(skip_serializing_if = "Option::is_none")]
        differences: Option<Vec<String>>,
        /// What was done with each layer; by induction, of the other side and one more stage, and of it at the next number.
        #[serde(skip_serializing_if = "Option::is_none")]
        derivation: Option<Box<Derivation>>,
        /// By induction: what was done with a stage, and with the other side at 1.
        #[serde(skip_serializing_if = "Option::is_none")]
        first: Option<Box<Derivation>>,
    },
    /// Values of sizes at which a claim fails.
    Instance {
        /// The sizes.
        sizes: BTreeMap<String, i64>,
        /// What shows that it fails there.
        instance: Option<Box<Witness>>,
    },
    /// Nothing is shown.
    Unknown {
        /// Why, in words.
        reason: String,
        /// Why; the list is in `docs/json.md`.
        code: &'static str,
        /// The sizes of a claim for all their values.
        #[serde(skip_serializing_if = "Option::is_none")]
        sizes: Option<Vec<String>>,
    },
}

impl Witness {
    /// As the JSON report has it.
    pub fn to_json(&self) -> serde_json::Value {
        // Strings and numbers under names: nothing that JSON could not hold.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// How an equality of stacks was proved.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Equality {
    /// Both sides have one normal form.
    NormalForm {
        /// In words.
        normal_form: String,
        /// Nonlinear layers that it reads.
        nonlinear: usize,
        /// Global averages that it reads.
        averages: usize,
        /// Means with varying divisors that it reads.
        means: usize,
        /// Signals cut at their borders that it reads.
        cuts: usize,
        /// The one kernel that both sides are, where it is small.
        kernel: Option<Matrix<String>>,
    },
    /// All pairs of border patterns agree.
    BorderPatterns(Patterns),
    /// Sums of products of matrices agree at all of them, for any number of channels.
    Words(Patterns),
    /// Sums of pixels and nonlinear terms agree at all of them.
    Terms {
        /// What was compared.
        #[serde(flatten)]
        patterns: Patterns,
        /// Different nonlinear terms.
        terms: usize,
    },
    /// All sizes below a bound agree, which is enough where the sides divide by areas only.
    Averages {
        /// The bound.
        compared_below: i64,
    },
    /// The worst difference is within the bound.
    Bound {
        /// The worst difference, or what it is at most.
        #[serde(serialize_with = "text")]
        worst: Rational,
        /// Whether it occurs.
        attained: bool,
        /// What was claimed.
        #[serde(serialize_with = "text")]
        bound: Rational,
    },
}

/// Values of unknown kernels of layers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unknowns {
    /// All entries of each in storage order, by name; none where they have too many terms.
    pub kernels: BTreeMap<String, Option<Vec<String>>>,
    /// How many entries can be chosen freely; they are 0 here.
    pub free_entries: usize,
    /// What shows that with these the stacks are equal, or that they are not.
    pub instance: Option<Box<Witness>>,
}

/// Border patterns that were compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Patterns {
    /// Of rows.
    pub row_patterns: usize,
    /// Of columns.
    pub column_patterns: usize,
    /// Inputs up to this length show all of them; none for a claim about one size.
    pub horizon: Option<i64>,
}

/// Weights, an input and an output position with two values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterexample {
    /// Weights that are not 0, by name.
    #[serde(serialize_with = "by_name")]
    pub weights: Vec<(String, Rational)>,
    /// The input.
    pub input: Sparse,
    /// Channel, row and column.
    pub position: [usize; 3],
    /// The left side's value there.
    pub left: String,
    /// The right side's value there.
    pub right: String,
    /// The whole output of the left side.
    pub left_output: Sparse,
    /// The whole output of the right side.
    pub right_output: Sparse,
    /// How many outputs differ.
    pub differing_outputs: usize,
    /// How many there are.
    pub outputs: usize,
    /// For a bound: the worst difference.
    #[serde(flatten)]
    pub excess: Option<Excess>,
    /// Where the sides agree.
    #[serde(flatten)]
    pub place: Place,
    /// What was done with each layer before the difference was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derivation: Option<Box<Derivation>>,
}

/// A difference beyond a bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Excess {
    /// The worst difference over all inputs; none where it depends on free weights.
    pub worst: Option<String>,
    /// What it is at most, where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
    /// What was claimed.
    #[serde(serialize_with = "text")]
    pub bound: Rational,
}

/// Output sizes that differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sizes {
    /// Height and width of the input.
    pub input_size: [i64; 2],
    /// Its channels.
    pub channels: usize,
    /// Channels, height and width of the left output, if there is one.
    pub left_size: Option<[usize; 3]>,
    /// Of the right one.
    pub right_size: Option<[usize; 3]>,
    /// Where the sides agree.
    #[serde(flatten)]
    pub place: Place,
    /// What was done with each layer before the difference was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derivation: Option<Box<Derivation>>,
}

/// An entry at which two kernels or images differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Weights that are not 0, by name.
    #[serde(serialize_with = "by_name")]
    pub weights: Vec<(String, Rational)>,
    /// Output channel, input channel, row and column.
    pub position: [usize; 4],
    /// The left entry.
    pub left: String,
    /// The right entry.
    pub right: String,
    /// The left one less the right one.
    pub difference: String,
}
