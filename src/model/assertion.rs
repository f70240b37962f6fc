//! What the assertions do: nothing, or a panic with the words of the verdict.

use std::fmt::Arguments;
use std::path::Path;

use super::{ModelError, Outcome, Verdict, files};

/// Panics with what was found, under the caller's own message if there is one.
#[track_caller]
fn fail(found: &str, message: Option<Arguments<'_>>) -> ! {
    match message {
        Some(message) => panic!("{message}\n{found}"),
        None => panic!("{found}"),
    }
}

/// Panics unless the claim was proved.
#[track_caller]
pub fn equivalent(verdict: Result<Verdict, ModelError>, message: Option<Arguments<'_>>) {
    match verdict {
        Ok(verdict) if verdict.is_proved() => {}
        Ok(verdict) => fail(&format!("the sides are not equivalent\n{verdict}"), message),
        Err(error) => fail(&format!("the sides cannot be compared\n{error}"), message),
    }
}

/// Panics unless the claim was refuted.
#[track_caller]
pub fn not_equivalent(verdict: Result<Verdict, ModelError>, message: Option<Arguments<'_>>) {
    match verdict {
        Ok(Verdict { outcome: Outcome::Refuted(_), .. }) => {}
        Ok(verdict) => fail(&format!("the sides are not known to differ\n{verdict}"), message),
        Err(error) => fail(&format!("the sides cannot be compared\n{error}"), message),
    }
}

/// Panics unless all claims of a spec hold.
#[track_caller]
pub fn spec(package: &str, path: &str, message: Option<Arguments<'_>>) {
    if let Err(found) = files::spec(&Path::new(package).join(path)) {
        fail(&found, message);
    }
}

/// Asserts that two stacks are the same function for all weights, inputs and input sizes, or that two kernels are
/// equal. Further arguments are a message, as in [`assert_eq!`].
///
/// # Panics
/// If they are not (the message has the counterexample), if that could not be decided, or if they cannot be compared.
#[macro_export]
macro_rules! assert_equivalent {
    ($left:expr, $right:expr $(,)?) => {
        $crate::model::assertion::equivalent($crate::model::equivalence(&$left, &$right), None)
    };
    ($left:expr, $right:expr, $($message:tt)+) => {
        $crate::model::assertion::equivalent(
            $crate::model::equivalence(&$left, &$right),
            Some(format_args!($($message)+)),
        )
    };
}

/// Asserts that two stacks are not the same function, or that two kernels are not equal: that there is a counterexample.
/// Further arguments are a message, as in [`assert_ne!`].
///
/// # Panics
/// If they are the same, if that could not be decided, or if they cannot be compared.
#[macro_export]
macro_rules! assert_not_equivalent {
    ($left:expr, $right:expr $(,)?) => {
        $crate::model::assertion::not_equivalent($crate::model::equivalence(&$left, &$right), None)
    };
    ($left:expr, $right:expr, $($message:tt)+) => {
        $crate::model::assertion::not_equivalent(
            $crate::model::equivalence(&$left, &$right),
            Some(format_args!($($message)+)),
        )
    };
}

/// Asserts that all claims of a spec hold; the path is relative to the package. Further arguments are a message.
///
/// # Panics
/// If some claim fails or is undecided, if the spec has a mistake or makes no claim, or if it cannot be read.
#[macro_export]
macro_rules! assert_spec {
    ($path:expr $(,)?) => {
        $crate::model::assertion::spec(env!("CARGO_MANIFEST_DIR"), $path, None)
    };
    ($path:expr, $($message:tt)+) => {
        $crate::model::assertion::spec(env!("CARGO_MANIFEST_DIR"), $path, Some(format_args!($($message)+)))
    };
}
