//! Files that are broken, or made to hurt: a clear error that names the node, status 2, and no memory to speak of.

use convproof::load::onnx::messages::{GraphProto, NodeProto, TensorProto};

use super::build::{Builder, Value, attribute, diff, entry, port};

#[track_caller]
fn refused(bytes: &[u8], word: &str) {
    let (status, text) = diff(bytes, bytes, &[]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains(word), "no `{word}` in {text}");
}

fn model() -> Builder {
    Builder::new(&[1, 1, 4, 4])
}

#[test]
fn files_that_are_no_models() {
    refused(b"", "no graph");
    refused(b"hello, world", "not an ONNX model");
    let mut good = model();
    let y = good.conv("x", &[1, 1, 1, 1], &[2.0], None, 0);
    let good = good.bytes(&y);
    // Wherever it is cut, it is refused or read, never more.
    for length in 0..good.len() {
        let (status, text) = if length % 7 == 0 { diff(&good[..length], &good, &[]) } else { continue };
        assert!(!text.contains("panicked"), "{status}: {text}");
    }
    refused(&good[..good.len() / 2], "onnx");
}

#[test]
fn values_that_nothing_makes() {
    let mut cycle = model();
    cycle.node("Add", &["x", "t1"], vec![]);
    let y = cycle.node("Relu", &["t0"], vec![]);
    refused(&cycle.bytes(&y), "Add `t0` reads `t1`");
    refused(&model().bytes("y"), "nothing makes the output `y`");
}

#[test]
fn arrays_that_are_not_what_they_say() {
    let with = |tensor: TensorProto| {
        let mut model = model();
        let kernel = model.tensor(tensor);
        let y = model.node("Conv", &["x", &kernel], vec![]);
        model.bytes(&y)
    };
    let huge = TensorProto { dims: vec![1 << 31, 1 << 31, 1 << 31], element: 1, ..TensorProto::default() };
    refused(&with(huge), "the array `c0`: extents");
    let long = TensorProto { dims: vec![1 << 31, 1, 1, 1], element: 1, ..TensorProto::default() };
    refused(&with(long), "the array `c0`: its extents ask for 8589934592 bytes");
    let negative = TensorProto { dims: vec![-1, 1, 1, 1], element: 1, ..TensorProto::default() };
    refused(&with(negative), "the array `c0`");
    let strings = TensorProto { dims: vec![1, 1, 1, 1], element: 8, ..TensorProto::default() };
    refused(&with(strings), "the array `c0`: elements of type 8");
    let external = |location: &str| {
        let external = vec![entry("location", location), entry("length", "4")];
        TensorProto { dims: vec![1, 1, 1, 1], element: 1, location: 1, external, ..TensorProto::default() }
    };
    refused(&with(external("weights.bin")), "weights.bin: no such file");
    refused(&with(external("../../etc/passwd")), "not a place beside the model");
    refused(&with(external("/etc/passwd")), "not a place beside the model");
}

#[test]
fn a_constant_that_would_fill_the_memory() {
    let mut bomb = model();
    let shape = bomb.integers(&[1 << 31, 1 << 31]);
    let big = bomb.node("ConstantOfShape", &[&shape], vec![]);
    let y = bomb.node("Add", &["x", &big], vec![]);
    refused(&bomb.bytes(&y), "ConstantOfShape `t0`: its value would have 4611686018427387904 elements");
    let mut expanded = model();
    let (one, shape) = (expanded.floats(&[1], &[1.0]), expanded.integers(&[1 << 20, 1 << 20]));
    let big = expanded.node("Expand", &[&one, &shape], vec![]);
    let y = expanded.node("Add", &["x", &big], vec![]);
    refused(&expanded.bytes(&y), "Expand `t0`: its value would have 1099511627776 elements");
    let mut ranges = model();
    let [zero, end, one] = [0, 1 << 62, 1].map(|value| {
        ranges.tensor(TensorProto { element: 7, int64s: vec![value], ..TensorProto::default() })
    });
    let range = ranges.node("Range", &[&zero, &end, &one], vec![]);
    let cast = ranges.node("Cast", &[&range], vec![("to", Value::Int(1))]);
    let y = ranges.node("Add", &["x", &cast], vec![]);
    refused(&ranges.bytes(&y), "Range `t0`: its value would have 4611686018427387904 elements");
}

/// Adds nodes that make a larger value of one.
#[cfg(unix)]
type Grow<'g> = &'g dyn Fn(&mut Builder, &str) -> String;

/// What `diff` of a model with itself says in 1 GiB of address space.
#[cfg(unix)]
fn in_little_memory(bytes: &[u8]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, bytes).unwrap();
    let program = assert_cmd::cargo::cargo_bin!("convproof");
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 1048576; exec \"$0\" diff \"$1\" \"$1\""])
        .args([program, path.as_path()])
        .output()
        .unwrap();
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.code().unwrap_or(99), text)
}

#[cfg(unix)]
#[test]
fn values_that_grow_stay_within_little_memory() {
    let grown = |grow: Grow<'_>, times: usize, from_constant: bool| {
        let mut model = Builder::new(&[1, 1, 64, 64]);
        let mut value =
            if from_constant { model.floats(&[1, 1, 64, 64], &[0.5; 4096]) } else { "x".to_owned() };
        for _ in 0..times {
            value = grow(&mut model, &value);
        }
        let y = model.node("Add", &["x", &value], vec![]);
        model.bytes(&y)
    };
    let doubled = |model: &mut Builder, x: &str| model.node("Concat", &[x, x], vec![("axis", Value::Int(1))]);
    let padded = |model: &mut Builder, x: &str| {
        let pads = model.integers(&[0, 0, 1 << 19, 1 << 19, 0, 0, 1 << 19, 1 << 19]);
        model.node("Pad", &[x, &pads], vec![])
    };
    let expanded = |model: &mut Builder, x: &str| {
        let shape = model.integers(&[1 << 20, 1 << 20, 64, 64]);
        model.node("Expand", &[x, &shape], vec![])
    };
    let resized = |model: &mut Builder, x: &str| {
        let scales = model.floats(&[4], &[1.0, 1.0, 65536.0, 65536.0]);
        model.node("Resize", &[x, "", &scales], vec![])
    };
    let growing: [(&str, Grow<'_>, usize); 4] =
        [("Concat", &doubled, 60), ("Pad", &padded, 3), ("Expand", &expanded, 1), ("Resize", &resized, 3)];
    for (name, grow, times) in growing {
        for from_constant in [true, false] {
            let (status, text) = in_little_memory(&grown(grow, times, from_constant));
            assert!(status < 3 && !text.contains("panicked"), "{name} {from_constant}: {status} {text:.400}");
        }
    }
}

#[test]
fn extents_whose_product_overflows_beside_one_of_zero() {
    let repeated = |axes: &[i64]| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        let axes = model.integers(axes);
        let y = model.node("ReduceSum", &["x", &axes], vec![]);
        model.bytes(&y)
    };
    let (status, text) = diff(&repeated(&[1; 70]), &repeated(&[1]), &[]);
    assert!(status < 3 && !text.contains("panicked"), "{text}");
    for dims in [[0, 1 << 40, 1 << 40], [1 << 23, 0, 1 << 23], [1 << 40, 1 << 40, 0]] {
        let mut model = model();
        let empty = model.tensor(TensorProto { dims: dims.to_vec(), element: 1, ..TensorProto::default() });
        let axes = model.integers(&[0, 1, 2]);
        let sum = model.node("ReduceSum", &[&empty, &axes], vec![]);
        let y = model.node("Add", &["x", &sum], vec![]);
        let bytes = model.bytes(&y);
        let (status, text) = diff(&bytes, &bytes, &[]);
        assert!(status < 3 && !text.contains("panicked"), "{text}");
    }
    let mut window = model();
    let settings =
        vec![("kernel_shape", Value::Ints(vec![1 << 40, 1 << 40])), ("count_include_pad", Value::Int(1))];
    let y = window.node("AveragePool", &["x"], settings);
    let bytes = window.bytes(&y);
    let (status, text) = diff(&bytes, &bytes, &[]);
    assert!(status < 3 && !text.contains("panicked"), "{text}");
}

#[test]
fn bodies_inside_each_other() {
    fn nested(depth: usize) -> GraphProto {
        let name = format!("y{depth}");
        let mut node = NodeProto {
            inputs: vec!["c0".to_owned()],
            outputs: vec![name.clone()],
            operator: "If".to_owned(),
            ..NodeProto::default()
        };
        if depth == 0 {
            node.operator = "Relu".to_owned();
            node.inputs = vec!["x".to_owned()];
        } else {
            for branch in ["then_branch", "else_branch"] {
                let body = if branch == "then_branch" { nested(depth - 1) } else { GraphProto::default() };
                node.attributes.push(attribute(branch, Value::Graph(body)));
            }
        }
        GraphProto { nodes: vec![node], outputs: vec![port(&name, &[])], ..GraphProto::default() }
    }
    let model = |depth: usize| {
        let mut model = model();
        model.tensor(TensorProto { element: 9, int32s: vec![1], ..TensorProto::default() });
        model.graph.nodes = nested(depth).nodes;
        model.bytes(&format!("y{depth}"))
    };
    let (status, text) = diff(&model(3), &model(0), &[]);
    assert_eq!((status, text.starts_with("equal")), (0, true), "{text}");
    let (status, text) = diff(&model(20), &model(0), &[]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("bodies inside each other"), "{text}");
    refused(&model(200), "not an ONNX model");
}

#[test]
fn long_chains_of_functions_of_many_elements_come_to_an_end() {
    use convproof_network::evaluate::{Array, EvaluationError, evaluate_within};
    use convproof_network::precise::Precise;
    let mut model = Builder::new(&[1, 1, 32, 32]);
    let mut x = "x".to_owned();
    for _ in 0..2_000 {
        x = model.node("Softplus", &[&x], vec![]);
    }
    let mut nowhere = |_: &str, _: u64, _: Option<u64>| Err("no other files".to_owned());
    let model = convproof_files::onnx::model(model.bytes(&x), &mut nowhere).unwrap();
    let image = Array::reals(vec![1, 1, 32, 32], vec![Precise::ONE; 1024]);
    let found = evaluate_within(&model, &[("x".to_owned(), image)].into_iter().collect(), &mut (1 << 20));
    // Products alone are none of a chain's.
    assert!(matches!(found, Err(EvaluationError::TooLarge { .. })));
}

#[test]
fn operands_that_do_not_fit() {
    let mut conv = model();
    let y = conv.conv("x", &[1, 2, 1, 1], &[1.0, 1.0], None, 0);
    refused(&conv.bytes(&y), "Conv `t0`: its kernel has 2 input channels");
    let mut sum = model();
    let constant = sum.floats(&[3], &[1.0; 3]);
    let y = sum.node("Add", &["x", &constant], vec![]);
    refused(&sum.bytes(&y), "Add `t0`: extents of 4 and 3 meet");
    let mut norm = model();
    let y = norm.batchnorm("x", [&[1.0], &[0.0], &[0.0], &[-1.0]]);
    refused(&norm.bytes(&y), "the variance of channel 0");
}

#[test]
fn long_chains() {
    let chain = |step: &dyn Fn(&mut Builder, &str) -> String| {
        let mut model = model();
        let mut x = "x".to_owned();
        for _ in 0..4_000 {
            x = step(&mut model, &x);
        }
        let y = model.node("Relu", &[&x], vec![]);
        let bytes = model.bytes(&y);
        let (status, text) = diff(&bytes, &bytes, &[]);
        assert!(status == 0 && text.starts_with("equal"), "{status}: {}", &text[..text.len().min(300)]);
    };
    let window = || vec![("kernel_shape", Value::Ints(vec![1, 1]))];
    chain(&|model, x| model.node("MaxPool", &[x], window()));
    chain(&|model, x| model.node("AveragePool", &[x], window()));
    chain(&|model, x| model.node("Sigmoid", &[x], vec![]));
    chain(&|model, x| model.node("Add", &[x, x], vec![]));
    chain(&|model, x| model.node("Mul", &[x, "x"], vec![]));
    chain(&|model, x| {
        let turned = model.node("Transpose", &[x], vec![("perm", Value::Ints(vec![0, 1, 3, 2]))]);
        model.node("Exp", &[&turned], vec![])
    });
}

/// Bytes changed, cut and doubled by chance in models of every operator: read or refused, and never a panic.
/// `CHANGED_MODELS` says how many for each operator.
#[test]
fn bytes_changed_by_chance() {
    let mut random = convproof_exact::SplitMix64::new(7);
    let mut read_ones = 0;
    let count = std::env::var("CHANGED_MODELS").map_or(60, |count| count.parse().unwrap());
    for (domain, operator) in convproof_network::operators::all() {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        let y = super::samples::sample(&mut model, domain, operator, "x").unwrap();
        let good = model.bytes(&y);
        for _ in 0..count {
            let mut bytes = good.clone();
            for _ in 0..=random.next_u64() % 3 {
                let place = usize::try_from(random.next_u64()).unwrap() % bytes.len();
                match random.next_u64() % 4 {
                    0 => bytes[place] ^= 1 << (random.next_u64() % 8),
                    1 => bytes[place] = [0, 1, 0x7f, 0xff][usize::try_from(random.next_u64() % 4).unwrap()],
                    2 => bytes.truncate(place.max(1)),
                    _ => bytes.insert(place, bytes[place]),
                }
            }
            let mut nowhere = |_: &str, _: u64, _: Option<u64>| Err("no other files".to_owned());
            let Ok(model) = convproof_files::onnx::read(bytes.into(), &mut nowhere) else { continue };
            let options = convproof_network::diff::Options::default();
            let found = convproof_network::decide::diff(&model, &model, &options, &mut |_, _| {});
            if let Ok(found) = found {
                read_ones += 1;
                assert!(!matches!(found.verdict.word(), "different" | "rounding"), "{operator} is itself");
            }
        }
    }
    assert!(read_ones > 100, "{read_ones}");
}
