//! The library's own way of asking for verdicts.

use convproof::assert_equivalent;
use convproof::model::{Kernel, Stack, conv, equivalence, id, relu, subsample, upsample};
use convproof::report::Outcome;

#[test]
fn equal_stacks_pass() {
    let a = Kernel::free("A", 3, 3);
    assert_equivalent!(subsample(2).then(conv(&a)), conv(&a.dilate(2)).then(subsample(2)));
    assert_equivalent!(conv(&a).padding(1) + id(), Stack::parse("conv(A, padding=1) + id", &[&a]));
    assert_equivalent!(upsample(2).then(subsample(2)), id());
}

#[test]
#[should_panic(expected = "counterexample: output row 0, column 0 is 1 on the left and 0 on the right")]
fn a_failed_assertion_shows_the_counterexample() {
    let (a, b) = (Kernel::free("A", 3, 3), Kernel::free("B", 3, 3));
    assert_equivalent!(conv(&a), conv(&b));
}

#[test]
fn mistakes_are_errors_not_verdicts() {
    let a = Kernel::free("A", 3, 3);
    assert!(equivalence(&conv(&a).stride(0), &conv(&a)).is_err());
    assert!(equivalence(&conv(&Kernel::free("no name", 3, 3)), &relu()).is_err());
}

#[test]
fn channels_are_kept_apart() {
    let (a, b) = (Kernel::free_channels("A", 2, 3, 1, 1), Kernel::free_channels("B", 2, 2, 3, 3));
    let verdict = equivalence(&conv(&a).then(conv(&b)), &conv(&(&a * &b))).unwrap();
    assert_eq!(verdict.outcome, Outcome::Proved, "{}", verdict.explanation);
}
