//! What deciding ends in, and what shows it: verdicts, counterexamples, the sizes at which two stacks agree.
//!
//! Decides nothing. Counterexamples are replayed by the naive evaluator on the way in; the rest of `prove` builds on this
//! room, which imports none of the others.

pub mod counterexample;
mod derivation;
mod kinds;
pub mod region;
mod worst;

pub use derivation::{Composed, Derivation, Matched, Read};
pub use kinds::{
    Doubt, EntryWitness, Inner, KernelVerdict, Limit, NumberVerdict, StackProof, StackRefutation,
    StackVerdict, StackWitness, TYPICAL, Wrong,
};
pub use worst::{Enclosure, Excess, Worst};
