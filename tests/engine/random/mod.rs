//! Random specs, decided in full: claims with known answers, hidden layers, and statements with numbers around every limit.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "small numbers, and a test may panic"
)]
#![allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "small numbers")]

mod channels;
mod deep;
mod differential;
mod extremes;
mod gates;
mod hidden;
mod last;
mod planted;
mod unknowns;

/// A number from the environment.
fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
