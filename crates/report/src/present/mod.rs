//! Puts verdicts into words, tables and data. Decides nothing; every number comes from a witness.

mod agreement;
mod derivation;
mod doubt;
mod equations;
pub mod families;
mod fits;
mod kernels;
mod numbers;
mod stacks;
mod text;

use crate::{Block, Outcome, Witness};

pub use doubt::unknown;
pub use equations::{equation, forall};
pub use fits::fitted;
pub use kernels::kernels;
pub use numbers::numbers;
pub use stacks::stacks;
pub(crate) use text::root_decimal;

/// A verdict as a report shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The verdict.
    pub outcome: Outcome,
    /// How it was decided, in one line.
    pub method: String,
    /// What shows it.
    pub details: Vec<Block>,
    /// The same as data.
    pub witness: Option<Witness>,
}
