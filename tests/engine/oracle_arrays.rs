//! Files that NumPy and safetensors wrote, read back exactly.

use convproof::algebra::Rational;
use convproof::load::{Loaded, load};
use serde::Deserialize;

use crate::oracle;

/// Fewer arrays than this mean that the export has broken.
const LEAST_ARRAYS: usize = 109;

#[derive(Deserialize)]
struct Expected {
    file: String,
    entry: Option<String>,
    dims: Vec<usize>,
    values: Vec<String>,
}

#[test]
fn files_of_other_writers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(output) = oracle::output("arrays.py", &[folder.path()]) else { return };
    let arrays: Vec<Expected> = serde_json::from_slice(&output).unwrap();
    assert!(arrays.len() >= LEAST_ARRAYS, "only {} arrays", arrays.len());
    for Expected { file, entry, dims, values } in arrays {
        let bytes = std::fs::read(folder.path().join(&file)).unwrap();
        let values: Vec<Rational> = values.iter().map(|value| value.parse().unwrap()).collect();
        let loaded = load(&bytes, &file, entry.as_deref());
        assert_eq!(loaded, Ok(Loaded { dims, values: values.into() }), "{file} {entry:?}");
    }
}
