//! Reports: one model, several renderers. Decides nothing, prints nothing, touches no file.

#![warn(clippy::too_many_lines)]

mod anchors;
pub mod diagnostics;
pub mod escape;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
mod layout;
pub mod markdown;
pub mod model;
pub mod networks;
pub mod present;
mod prose;
pub mod sarif;
mod summary;
pub mod text;
pub mod witness;

pub use model::{Block, ClaimKind, ClaimReport, Entry, FileReport, Matrix, Outcome, Pair, Step};
pub use summary::Summary;
pub use witness::Witness;
