//! Checks rewrites of layers in code, as a test of a compiler pass would.
//!
//! Run with `cargo run --example merge_layers`.

use convproof::model::{Agreement, Claim, Kernel, ModelError, avgpool, conv, equivalence, h, w};
use convproof::{assert_equivalent, assert_not_equivalent};

fn main() -> Result<(), ModelError> {
    // Free kernels: what is shown holds for all weights.
    let (a, b) = (Kernel::free("A", 3, 3), Kernel::free("B", 3, 3));

    // Without padding two layers are one.
    assert_equivalent!(conv(&a).then(conv(&b)), conv(&a * &b));
    // Average pooling after a padded layer goes into its kernel, for every size.
    let merged = conv(&a * Kernel::box_filter(2)).stride(2).padding(1);
    assert_equivalent!(conv(&a).padding(1).then(avgpool(2)), merged);

    // With padding between them they are not one layer, and the verdict says where.
    let (steps, one) = (conv(&a).padding(1).then(conv(&b).padding(1)), conv(&a * &b).padding(2));
    assert_not_equivalent!(steps, one);
    let verdict = equivalence(&steps, &one)?;
    println!("{verdict}\n");
    if let Some(refutation) = verdict.refutation() {
        let ring = refutation.agreement.iter().find_map(|agreement| match agreement {
            Agreement::Interior { ring, .. } => Some(ring),
            _ => None,
        });
        println!("wrong at the border only, top, left, bottom, right: {ring:?}\n");
    }

    // Some rewrites hold for some sizes.
    let claim = Claim::new(avgpool(2).ceil_mode(true), avgpool(2));
    println!("{}\n", claim.verdict()?);
    println!("{}", claim.when((h() % 2).equals(0) & (w() % 2).equals(0)).verdict()?);
    Ok(())
}
