//! Exact tests for rewrites of layers: two stacks of layers are proved to be the same function, for all weights, all
//! inputs and all input sizes, or there is a counterexample.
//!
//! It is for the tests of whatever merges, folds or moves layers: a compiler pass, a converter, a hand-written
//! kernel. Nothing is sampled and nothing is rounded.
//!
//! # First steps
//!
//! Free kernels stand for all weights. Layers are functions, options are methods of the layers that have them,
//! and `then` is what comes next:
//!
//! ```
//! use convproof::assert_equivalent;
//! use convproof::model::{Kernel, avgpool, conv};
//!
//! let (a, b) = (Kernel::free("A", 3, 3), Kernel::free("B", 3, 3));
//! // Two layers are one; `*` is full convolution.
//! assert_equivalent!(conv(&a).then(conv(&b)), conv(&a * &b));
//! // Pooling and convolution are one strided layer.
//! assert_equivalent!(avgpool(2).then(conv(&a)), conv(a.repeat(2) / 4).stride(2));
//! ```
//!
//! A failure says why, with weights and an input that anyone can try:
//!
//! ```should_panic
//! # use convproof::assert_equivalent;
//! # use convproof::model::{Kernel, conv};
//! # let (a, b) = (Kernel::free("A", 3, 3), Kernel::free("B", 3, 3));
//! // With padding between them two layers are not one at the border.
//! assert_equivalent!(
//!     conv(&a).padding(1).then(conv(&b).padding(1)),
//!     conv(&a * &b).padding(2),
//!     "the pass {} is wrong",
//!     "merge-conv"
//! );
//! ```
//!
//! [`assert_not_equivalent!`] asks for a counterexample. Both are strict: what could not be decided, and what cannot be
//! compared at all, fails both.
//!
//! # Real weights
//!
//! Kernels may also be given: rows, slices with their extents, or files. Floats are taken as exactly the numbers
//! that they are, so a rewrite that rounds is not an equality; it has a bound:
//!
//! ```
//! use convproof::model::{Claim, Kernel, Rational, conv};
//!
//! let exact = Kernel::from_rows([[0.1, 0.2, 0.3]]);
//! let rounded = Kernel::from_slice(&[1, 3], &[0.1_f32, 0.2, 0.3]);
//! let claim = Claim::new(conv(&exact), conv(&rounded));
//! assert!(claim.verdict()?.is_refuted());
//! // The worst difference over all inputs of absolute values up to 1, exactly.
//! assert!(claim.within(Rational::ratio(1, 10_000_000).unwrap()).verdict()?.is_proved());
//! # Ok::<(), convproof::model::ModelError>(())
//! ```
//!
//! # Channels, biases, batch normalization
//!
//! ```
//! use convproof::assert_equivalent;
//! use convproof::model::{Kernel, batchnorm, conv};
//!
//! // [out, in, height, width], as frameworks store it.
//! let w = Kernel::free_channels("W", 8, 4, 3, 3);
//! let [gamma, beta, mean, var] = ["gamma", "beta", "mean", "var"].map(|name| Kernel::free_vector(name, 8));
//! let factor = &gamma / (&var + Kernel::number(1) / 100_000).sqrt();
//! let folded = conv(w.scale_rows(&factor)).padding(1).bias(&beta - mean.hadamard(&factor));
//! assert_equivalent!(conv(&w).padding(1).then(batchnorm(&gamma, &beta, &mean, &var)), folded);
//! ```
//!
//! Branches are added with `+`, or joined with [`concat`](model::concat): see [`model`] for all layers.
//!
//! # For which sizes
//!
//! A claim is about all input sizes until it says otherwise:
//!
//! ```
//! use convproof::model::{Claim, Kernel, Padding, conv, h, w};
//!
//! let k = Kernel::free("K", 3, 3);
//! let claim = Claim::new(conv(&k).stride(2).padding(Padding::Same), conv(&k).stride(2).padding(1));
//! assert!(claim.verdict()?.is_refuted()); // SAME pads an even size at the end only
//! assert!(claim.clone().when((h() % 2).equals(1) & (w() % 2).equals(1)).verdict()?.is_proved());
//! assert!(claim.on([224, 224]).verdict()?.is_refuted());
//! # Ok::<(), convproof::model::ModelError>(())
//! ```
//!
//! # What came of it
//!
//! A [`Verdict`](model::Verdict) is data; `{}` shows it in words. A mistake is a [`ModelError`](model::ModelError), never a
//! verdict:
//!
//! ```
//! use convproof::model::{Kernel, ModelError, Witness, conv, equivalence};
//!
//! let (a, b) = (Kernel::free("A", 3, 3), Kernel::free("B", 3, 3));
//! let verdict = equivalence(conv(&a), conv(&b))?;
//! let Some(refutation) = verdict.refutation() else { panic!("{verdict}") };
//! let Witness::Value(found) = &refutation.witness else { panic!("{verdict}") };
//! assert_eq!(found.weights()[0].0, "A[0,0]");
//! assert_eq!(found.position(), [0, 0, 0]);
//! assert_ne!(found.left(), found.right());
//!
//! // One name with two shapes is not one kernel.
//! let clash = equivalence(conv(&a), conv(Kernel::free("A", 5, 5)));
//! assert!(matches!(clash, Err(ModelError::NameClash { .. })));
//! # Ok::<(), ModelError>(())
//! ```
//!
//! # Specs
//!
//! What the spec language says beyond this (chains of steps, factorization, fits) is asserted as a file, its path
//! relative to the package:
//!
//! ```
//! convproof::assert_spec!("specs/gallery/01-two-are-one.cf");
//! ```
//!
//! What each layer and function means exactly is in `docs/language.md`, why the verdicts can be believed in
//! `docs/semantics.md`.

#![warn(clippy::too_many_lines)]

#[doc(hidden)]
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod explain;
mod folder;
#[doc(hidden)]
pub mod limits;
pub mod model;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod networks;
mod room;

#[doc(hidden)]
pub use convproof_engine::{evaluate, ir, kernel, operator, prove};
#[doc(hidden)]
pub use convproof_exact as algebra;
#[doc(hidden)]
pub use convproof_factor as factor;
#[doc(hidden)]
pub use convproof_files as load;
#[doc(hidden)]
pub use convproof_language::{diagnostic, resolve, source, syntax, words};
#[doc(hidden)]
pub use convproof_report as report;
#[doc(hidden)]
pub use convproof_report::present;

/// The README's example runs as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
