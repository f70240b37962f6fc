//! Weights and parts of a model file in a spec.

use super::build::{Builder, Value, entry};
use assert_cmd::Command;
use convproof::load::onnx::messages::TensorProto;

/// A padded convolution, its batch normalization, a relu, and a sum past a second convolution.
fn block() -> (Vec<u8>, [String; 2]) {
    let mut model = Builder::new(&[1, 2, 0, 0]);
    let kernel: Vec<f32> = (0..36u8).map(|n| f32::from(n % 5) / 4.0 - 0.5).collect();
    let x = model.conv("x", &[2, 2, 3, 3], &kernel, Some(&[0.5, -0.25]), 1);
    let x = model.batchnorm(&x, [&[2.0, 1.0], &[0.5, 0.0], &[0.25, 0.0], &[3.0, 1.0]]);
    let relu = model.node("Relu", &[&x], vec![]);
    let other = model.conv(&relu, &[2, 2, 1, 1], &[1.0, 0.5, 0.25, 2.0], None, 0);
    let y = model.node("Add", &[&relu, &other], vec![]);
    let wobble = model.node("Wobble", &[&y], vec![]);
    (model.bytes(&wobble), [relu, y])
}

/// What `convproof check` says of a spec beside the model `m.onnx`.
fn check(spec: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.onnx"), block().0).unwrap();
    let path = folder.path().join("s.cf");
    std::fs::write(&path, spec).unwrap();
    let output = Command::cargo_bin("convproof").unwrap().arg("check").arg(&path).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

#[test]
fn weights_and_parts_are_those_of_the_file() {
    let [relu, y] = block().1;
    let spec = format!(
        r#"kernel W = load("m.onnx", "c0")
stack part = load("m.onnx", from="x", to="{relu}")
stack own = conv(W, bias=load("m.onnx","c1"), padding=1)
    -> batchnorm(load("m.onnx","c2"), load("m.onnx","c3"), load("m.onnx","c4"), load("m.onnx","c5"), eps=1/1024)
    -> relu
prove "same": part == own
refute "other": part == conv(W, bias=load("m.onnx","c1"), padding=1) -> relu
stack whole = load("m.onnx", from="{relu}", to="{y}")
kernel P = load("m.onnx", "c6")
prove "sum": whole == conv(P + eye(2))
"#
    );
    let (status, text) = check(&spec);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn data_beside_a_model_are_read_and_nothing_elsewhere() {
    let check = |location: &str| {
        let mut model = Builder::new(&[1, 1, 0, 0]);
        let external = vec![entry("location", location), entry("offset", "4"), entry("length", "36")];
        let kernel = model.tensor(TensorProto {
            dims: vec![1, 1, 3, 3],
            element: 1,
            location: 1,
            external,
            ..TensorProto::default()
        });
        let y = model.node("Conv", &["x", &kernel], vec![]);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("m")).unwrap();
        std::fs::write(path("m/m.onnx"), model.bytes(&y)).unwrap();
        let weights: Vec<u8> = (0..10u8).flat_map(|n| f32::from(n).to_le_bytes()).collect();
        for name in ["w.bin", "m/w.bin"] {
            std::fs::write(path(name), &weights).unwrap();
        }
        let spec = r#"kernel W = load("m/m.onnx", "c0")
prove W == [1 2 3; 4 5 6; 7 8 9]
prove load("m/m.onnx", from="x") == conv([1 2 3; 4 5 6; 7 8 9])
"#;
        std::fs::write(path("s.cf"), spec).unwrap();
        let output =
            Command::cargo_bin("convproof").unwrap().arg("check").arg(path("s.cf")).output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text)
    };
    let (status, text) = check("w.bin");
    assert_eq!(status, 0, "{text}");
    for (place, word) in
        [("../w.bin", "not a place beside"), ("w.bins", "no such file"), ("/etc/passwd", "not a place")]
    {
        let (status, text) = check(place);
        assert!(status == 2 && text.contains(word), "{text}");
    }
}

#[test]
fn what_is_no_part_is_said() {
    let refused = |line: &str, words: &[&str]| {
        let (status, text) = check(&format!("{line}\n"));
        assert_eq!(status, 2, "{text}");
        for word in words {
            assert!(text.contains(word), "no `{word}` in {text}");
        }
    };
    refused("stack s = load(\"m.onnx\", from=\"x\", to=\"nowhere\")", &["no value `nowhere`"]);
    refused("stack s = load(\"m.onnx\", from=\"x\")", &["Wobble `t5`", "end the part before it"]);
    refused("stack s = load(\"m.onnx\", from=\"t2\", to=\"t1\")", &["does not rest on"]);
    refused("kernel k = load(\"m.onnx\", \"c00\")", &["no such array", "`c0`"]);
    refused("kernel k = load(\"m.onnx\")", &["choose one of the arrays"]);
    refused("kernel k = load(\"m.pt\", \"w\")", &["m.pt"]);
}

#[test]
fn a_setting_that_the_language_does_not_have_is_no_part() {
    let part = |operator: &str, attributes: Vec<(&str, Value)>| {
        let mut model = Builder::new(&[1, 2, 8, 8]);
        let kernel = model.floats(&[2, 2, 3, 3], &[1.0; 36]);
        let inputs: &[&str] = if operator == "Conv" { &["x", &kernel] } else { &["x"] };
        let y = model.node(operator, inputs, attributes);
        let bytes = model.bytes(&y);
        let mut nowhere = |_: &str, _: u64, _: Option<u64>| Err("no other files".to_owned());
        let model = convproof_files::onnx::model(bytes, &mut nowhere).unwrap();
        convproof_network::part::part(&model, "m.onnx", None, None)
    };
    let window = || ("kernel_shape", Value::Ints(vec![2, 2]));
    assert_eq!(part("MaxPool", vec![window()]).unwrap(), "maxpool([2,2], stride=1)");
    assert!(part("MaxPool", vec![window(), ("dilations", Value::Ints(vec![2, 2]))]).is_err());
    assert!(part("AveragePool", vec![window(), ("wobble", Value::Int(1))]).is_err());
    assert!(
        part("Conv", vec![("auto_pad", Value::Text("SAME_UPPER")), ("pads", Value::Ints(vec![1; 4]))])
            .is_err()
    );
    assert!(part("Conv", vec![("kernel_shape", Value::Ints(vec![5, 5]))]).is_err());
}
