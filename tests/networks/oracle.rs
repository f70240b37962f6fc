//! The evaluator of networks against ONNX's node cases, and against its reference evaluator on small random networks.

use std::collections::BTreeMap;
use std::path::Path;

use convproof_files::onnx::read;
use convproof_network::evaluate::{Array, Data, EvaluationError, evaluate};
use convproof_network::precise::Precise;

#[path = "../engine/oracle.rs"]
pub(super) mod script;

/// Some cases were typed in with four decimals, and computed in float32.
const TOLERANCE: f64 = 1e-4;
/// Of those that the reference computes in float64: its last bits.
const LAST_BITS: f64 = 1e-12;
/// Fewer cases in float64 than this mean that the export has broken.
const LEAST_EXACT: usize = 450;
/// Fewer cases than this mean that the export has broken, or that operators are no longer evaluated.
const LEAST_CASES: usize = 500;

/// Cases with the number of their outputs and whether these are float64, and those left out with the reason.
#[derive(serde::Deserialize)]
struct Names {
    cases: Vec<(String, usize, bool)>,
    left_out: Vec<(String, String)>,
}

fn array(path: &Path) -> Array {
    let bytes = std::fs::read(path).unwrap();
    let whole = bytes.windows(3).take(200).any(|text| text == b"<i8");
    let loaded = convproof::load::load(&bytes, "x.npy", None).unwrap();
    let data = if whole {
        Data::Integers(loaded.values.iter().map(|value| value.as_i64().unwrap()).collect())
    } else {
        Data::Reals(loaded.values.iter().map(|value| Precise::point(value.to_f64())).collect())
    };
    Array { dims: loaded.dims, data }
}

/// Whether all outputs of a case are those that are stated.
fn agrees(outputs: &[Array], expected: &[Array], tolerance: f64) -> bool {
    let near = |own: &Array, other: &Array| {
        own.dims == other.dims
            && (0..other.len()).all(|place| {
                let (own, other) = (own.real(place), other.real(place));
                let bounds = own.enclosure();
                own.apart(other) <= tolerance * other.most().max(1.0)
                    && bounds.high - bounds.low <= 1e-6 * bounds.high.abs().max(1.0)
            })
    };
    outputs.len() == expected.len() && outputs.iter().zip(expected).all(|(own, other)| near(own, other))
}

#[test]
fn networks_are_evaluated_as_onnx_defines_them() {
    let folder = tempfile::tempdir().unwrap();
    let operators: Vec<&str> = convproof_network::operators::all().map(|(_, operator)| operator).collect();
    std::fs::write(folder.path().join("operators.json"), serde_json::to_vec(&operators).unwrap()).unwrap();
    if script::output("onnx_models.py", &[folder.path()]).is_none() {
        return;
    }
    let names: Names =
        serde_json::from_slice(&std::fs::read(folder.path().join("names.json")).unwrap()).unwrap();
    let (mut compared, mut in_doubles, mut wrong) = (0, 0, Vec::new());
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut skip = |reason: String| *skipped.entry(reason).or_default() += 1;
    names.left_out.iter().for_each(|(_, reason)| skip(reason.clone()));
    for (name, count, exact) in &names.cases {
        let file = |end: &str| folder.path().join(format!("{name}.{end}"));
        let mut nowhere = |_: &str, _: u64, _: Option<u64>| Err("no other files".to_owned());
        let model = match read(std::fs::read(file("onnx")).unwrap().into(), &mut nowhere) {
            Ok(model) => model,
            Err(error) => {
                skip(format!("not read: {error}"));
                continue;
            }
        };
        let ports = model.graph.inputs.iter().enumerate();
        let inputs =
            ports.map(|(n, port)| (port.name.clone(), array(&file(&format!("in{n}.npy"))))).collect();
        let expected: Vec<Array> = (0..*count).map(|n| array(&file(&format!("out{n}.npy")))).collect();
        match evaluate(&model, &inputs) {
            Ok(outputs) => {
                compared += 1;
                in_doubles += usize::from(*exact);
                let tolerance = if *exact { LAST_BITS } else { TOLERANCE };
                if !agrees(&outputs, &expected, tolerance) {
                    wrong.push(name.clone());
                }
            }
            Err(EvaluationError::Operator { node }) => {
                skip(format!("not evaluated: {}", node.split(' ').next().unwrap_or_default()));
            }
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    eprintln!("{compared} cases compared, {in_doubles} of them in float64; skipped: {skipped:#?}");
    assert!(wrong.is_empty(), "{} {wrong:#?}", wrong.len());
    assert!(compared >= LEAST_CASES, "{compared} of {} cases", names.cases.len());
    assert!(in_doubles >= LEAST_EXACT, "{in_doubles} of {compared} in float64");
}
