//! Any bytes are read as an array or refused, in every format. Run with `fuzz/run load`.
//!
//! The first byte chooses the format and whether an array is asked for by name.
#![no_main]

use convproof::load::{MAX_VALUES, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let name = ["a.npy", "a.npz", "a.safetensors"][usize::from(choice % 3)];
    let entry = (choice / 3 % 2 == 1).then_some("a");
    match load(bytes, name, entry) {
        Ok(array) => {
            assert_eq!(array.dims.iter().product::<usize>(), array.values.len(), "extents and values");
            assert!(array.values.len() <= MAX_VALUES, "more values than allowed");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error without words"),
    }
});
