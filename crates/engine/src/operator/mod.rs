//! What a stack denotes: its normal form, and how sizes and positions compose. Decides no claims.

pub mod blame;
pub mod error;
pub mod expand;
pub mod forward;
pub mod gather;
pub mod geometry;
pub mod integers;
pub mod length;
pub mod lower;
pub mod normal;
pub mod pattern;
pub mod pull;
pub mod reach;
pub mod resample;
pub mod shape;
pub mod signature;
pub mod single;
pub mod tiles;
pub mod trace;

pub use error::OperatorError;
pub use gather::{Axis, Gather};
pub use length::Length;
pub use normal::{Affine, Node, NodeId, Operators, Part};
