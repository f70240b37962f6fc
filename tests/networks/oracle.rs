//! The evaluator of networks against ONNX's node cases, and against its reference evaluator on small random networks.

use std::path::Path;

use convproof_files::onnx::read;
use convproof_network::enclosure::Enclosure;
use convproof_network::evaluate::{Array, Data, EvaluationError, evaluate};

#[path = "../engine/oracle.rs"]
pub(super) mod script;

/// Some cases were typed in with four decimals, and computed in float32.
const TOLERANCE: f64 = 1e-4;
/// Of those that the reference computes in float64: its last bits.
const LAST_BITS: f64 = 1e-12;
/// Fewer cases in float64 than this mean that the export has broken.
const LEAST_EXACT: usize = 100;
/// Fewer cases than this mean that the export has broken, or that operators are no longer evaluated.
const LEAST_CASES: usize = 150;

fn array(path: &Path) -> Array {
    let bytes = std::fs::read(path).unwrap();
    let whole = bytes.windows(3).take(200).any(|text| text == b"<i8");
    let loaded = convproof::load::load(&bytes, "x.npy", None).unwrap();
    let data = if whole {
        Data::Integers(loaded.values.iter().map(|value| value.as_i64().unwrap()).collect())
    } else {
        Data::Reals(loaded.values.iter().map(|value| Enclosure::point(value.to_f64())).collect())
    };
    Array { dims: loaded.dims, data }
}

#[test]
fn networks_are_evaluated_as_onnx_defines_them() {
    let folder = tempfile::tempdir().unwrap();
    if script::output("onnx_models.py", &[folder.path()]).is_none() {
        return;
    }
    let names: Vec<(String, bool)> =
        serde_json::from_slice(&std::fs::read(folder.path().join("names.json")).unwrap()).unwrap();
    let (mut compared, mut in_doubles, mut wrong) = (0, 0, Vec::new());
    for (name, exact) in &names {
        let file = |end: &str| folder.path().join(format!("{name}.{end}"));
        let mut nowhere = |_: &str, _: u64, _: Option<u64>| Err("no other files".to_owned());
        let Ok(model) = read(std::fs::read(file("onnx")).unwrap().into(), &mut nowhere) else { continue };
        let ports = model.graph.inputs.iter().enumerate();
        let inputs =
            ports.map(|(n, port)| (port.name.clone(), array(&file(&format!("in{n}.npy"))))).collect();
        match evaluate(&model, &inputs) {
            Ok(outputs) => {
                compared += 1;
                in_doubles += usize::from(*exact);
                let tolerance = if *exact { LAST_BITS } else { TOLERANCE };
                let expected = array(&file("out.npy"));
                let near = |place| {
                    let (own, other) = (outputs[0].real(place), expected.real(place));
                    own.apart(other) <= tolerance * other.magnitude().high.max(1.0)
                        && own.high - own.low <= 1e-6 * own.high.abs().max(1.0)
                };
                if outputs[0].dims != expected.dims || !(0..expected.len()).all(near) {
                    wrong.push(name.clone());
                }
            }
            Err(EvaluationError::Operator { .. }) => {}
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(compared >= LEAST_CASES, "{compared} of {} cases", names.len());
    assert!(in_doubles >= LEAST_EXACT, "{in_doubles} of {compared} in float64");
}
