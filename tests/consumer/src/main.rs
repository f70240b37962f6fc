//! Tells whether convproof proves something false when built as a dependency whose arithmetic wraps.

mod claims;

fn main() {
    let proved = claims::proved();
    assert!(proved.is_empty(), "{proved:#?}");
}
