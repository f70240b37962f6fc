//! How a proof about stacks came about, as data: what was done with each layer.

use serde::Serialize;

/// What was done with the layers of both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Derivation {
    /// The left stack.
    pub left: Side,
    /// The right stack.
    pub right: Side,
    /// The blocks of output channels, each of which was read as a sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<usize>,
    /// Signals at which composition stopped that are the same on both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<Vec<usize>>,
    /// Nonlinear signals that were found to agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Vec<Matched>>,
    /// Pairs of patterns far from all borders, where both sides are one normal form without borders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<usize>,
    /// The length from which on everything repeats, and the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<[i64; 2]>,
}

/// Two nonlinear signals whose insides agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// The one that stayed, and the one that it was put in the place of.
    pub nodes: [usize; 2],
    /// Row patterns and column patterns at which their insides were compared; none where these are one map.
    pub patterns: Option<[usize; 2]>,
}

/// What was done with a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// How many steps there were.
    pub count: usize,
    /// Whether their order is not that of the layers.
    pub reordered: bool,
    /// The first of them.
    pub steps: Vec<Step>,
}

/// What was done with a layer, or where branches join.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its text.
    pub layer: String,
    /// 0, or more inside of layers that were read as simpler ones.
    pub depth: u32,
    /// The steps that it reads, counted from 1; 0 is the input.
    pub reads: Vec<usize>,
    /// What was done.
    pub did: Did,
    /// Stride of what came out, along both axes; none where it does not read the input at regular positions.
    pub stride: Option<[Whole; 2]>,
    /// Upsampling.
    pub upsampling: Option<[Whole; 2]>,
    /// Rows and columns that it reads of the input, upsampled.
    pub extent: Option<[Whole; 2]>,
    /// Along each axis `[a, b, c]` for a length of ⌊(a·n + b) / c⌋; none where it is of another kind.
    pub length: [Option<[Whole; 3]>; 2],
}

/// A whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Whole {
    /// A number.
    Number(i64),
    /// A polynomial in the sizes of a claim.
    Polynomial(String),
}

/// What was done; fields that do not go with it are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Did {
    /// In a word; the list is in `docs/json.md`.
    pub what: &'static str,
    /// What kind of kernel the layer became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<&'static str>,
    /// Rows and columns of that kernel, or of a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<[i64; 2]>,
    /// How it was put together with the kernels before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub laws: Option<Vec<Law>>,
    /// Why that is right at borders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border: Option<&'static str>,
    /// What became of the parts of a layer with sizes in it behind those before it, in a word each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<Vec<&'static str>>,
    /// Why it was not put together with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apart: Option<&'static str>,
    /// The signals at which composition stopped here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<usize>,
    /// Branches that join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branches: Option<usize>,
    /// Layers that it was read as, or signals one after the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<usize>,
    /// What taps are multiplied by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<&'static str>,
    /// Different matrices among these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrices: Option<usize>,
    /// Whether constants are added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<bool>,
}

/// How two kernels were put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "law", rename_all = "snake_case")]
pub enum Law {
    /// There was nothing before.
    First,
    /// What was before is kept.
    Kept,
    /// They were convolved.
    Convolved {
        /// How far the one before was dilated.
        spread: [usize; 2],
        /// How far the one after was.
        dilated: [usize; 2],
    },
}
