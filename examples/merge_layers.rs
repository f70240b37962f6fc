//! Checks a rewrite of layers in code, as a test of a compiler pass would.
//!
//! Run with `cargo run --example merge_layers`.

use convproof::assert_equivalent;
use convproof::model::{Kernel, avgpool, conv, equivalence};
use convproof::report::Outcome;

fn main() {
    // Free kernels: what is shown holds for all weights.
    let a = Kernel::free("A", 3, 3);
    let b = Kernel::free("B", 3, 3);

    // Without padding two layers are one.
    assert_equivalent!(conv(&a).then(conv(&b)), conv(&(&a * &b)));
    // Average pooling after a padded layer goes into its kernel, for every size.
    let merged = conv(&(&a * &Kernel::from_rows([[1, 1], [1, 1]])).dilate(1)).stride(2).padding(1);
    let quarter = Kernel::from_rows([[4]]);
    assert_equivalent!(conv(&(&quarter * &a)).padding(1).then(avgpool(2)), merged);

    // With padding between them they are not one layer, and the verdict says where.
    let padded = equivalence(&conv(&a).padding(1).then(conv(&b).padding(1)), &conv(&(&a * &b)).padding(2));
    let verdict = padded.expect("the stacks are well formed");
    assert_eq!(verdict.outcome, Outcome::Refuted);
    println!("{}", verdict.explanation);
}
