//! Nothing of a node is dropped: an attribute or operand that is not read, a type, an older or newer operator set.
//!
//! Each test that says "not equal" was once, or could be, a false proof: two files that differ in what the reader
//! does not look at.

use convproof::load::onnx::messages::{FunctionProto, NodeProto, TensorProto};
use convproof_files::onnx::read;
use convproof_network::decide::diff;
use convproof_network::diff::Options;
use convproof_network::operators;
use convproof_network::verdict::Verdict;

use super::build::{Builder, Value, attribute};
use super::samples::sample;

/// The word of the verdict on two models, or `error`.
fn verdict(before: &[u8], after: &[u8]) -> &'static str {
    let model = |bytes: &[u8]| {
        read(bytes.to_vec().into(), &mut |_: &str, _: u64, _: Option<u64>| Err(String::new())).unwrap()
    };
    let result = diff(&model(before), &model(after), &Options::default(), &mut |_, _| {});
    result.map_or("error", |diff| Verdict::word(&diff.verdict))
}

#[track_caller]
fn expect(before: &[u8], after: &[u8], word: &str) {
    assert_eq!(verdict(before, after), word);
}

#[track_caller]
fn not_equal(before: &[u8], after: &[u8]) {
    for (a, b) in [(before, after), (after, before)] {
        let word = verdict(a, b);
        assert!(!matches!(word, "equal" | "rounding"), "{word}");
    }
}

/// The sample of an operator on the input or on a constant, with a change of its node.
fn model(domain: &str, operator: &str, constant: bool, change: impl Fn(&mut NodeProto, String)) -> Vec<u8> {
    let mut model = Builder::new(&[1, 4, 4, 4]);
    // The newest that is known, where one operator is no more.
    model.opset = if operator == "Upsample" { 9 } else { 24 };
    let values: Vec<f32> = (0..64u8).map(|n| f32::from(n) / 4.0 + 1.0).collect();
    let x = if constant { model.floats(&[1, 4, 4, 4], &values) } else { "x".to_owned() };
    let more = model.floats(&[1], &[3.0]);
    let y = sample(&mut model, domain, operator, &x).unwrap_or_else(|| panic!("no sample of {operator}"));
    change(model.graph.nodes.last_mut().unwrap(), more);
    model.bytes(&y)
}

#[test]
fn an_attribute_that_is_not_read_is_never_dropped() {
    for (domain, operator) in operators::all() {
        for constant in [false, true] {
            let plain = model(domain, operator, constant, |_, _| {});
            assert_eq!(verdict(&plain, &plain), "equal", "{operator}");
            let other = model(domain, operator, constant, |node, _| {
                node.attributes.push(attribute("wobble", Value::Int(1)));
            });
            assert!(!matches!(verdict(&plain, &other), "equal" | "rounding"), "{operator}: {constant}");
        }
    }
}

#[test]
fn an_operand_that_is_not_read_is_never_dropped() {
    for (domain, operator) in operators::all() {
        for constant in [false, true] {
            let plain = model(domain, operator, constant, |_, _| {});
            // Behind all operands that the operator may have; those between are left out.
            let other = model(domain, operator, constant, |node, more| {
                node.inputs.resize(9, String::new());
                node.inputs.push(more);
            });
            assert!(!matches!(verdict(&plain, &other), "equal" | "rounding"), "{operator}: {constant}");
        }
    }
}

#[test]
fn an_attribute_of_another_type_is_not_read_as_its_default() {
    for (operator, name) in
        [("Conv", "group"), ("Softmax", "axis"), ("LeakyRelu", "alpha"), ("Transpose", "perm")]
    {
        let plain = model("", operator, false, |_, _| {});
        let other = model("", operator, false, |node, _| {
            node.attributes.push(attribute(name, Value::Text("1")));
        });
        not_equal(&plain, &other);
    }
}

/// A node on the input, 1 × 1 × 4 × 4 or of the extents given.
fn node(opset: i64, operator: &str, attributes: Vec<(&str, Value)>) -> Vec<u8> {
    let mut model = Builder::new(&[1, 4, 4, 4]);
    model.opset = opset;
    let y = model.node(operator, &["x"], attributes);
    model.bytes(&y)
}

#[test]
fn operator_sets_with_another_meaning() {
    let linear = |opset| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        model.opset = opset;
        let scales = model.floats(&[4], &[1.0, 1.0, 2.0, 2.0]);
        let inputs = if opset < 11 { vec!["x", &scales] } else { vec!["x", "", &scales] };
        let y = model.node("Resize", &inputs, vec![("mode", Value::Text("linear"))]);
        model.bytes(&y)
    };
    expect(&linear(10), &linear(10), "equal");
    // Counted from the corner before, from the middle after.
    not_equal(&linear(10), &linear(11));
    for operator in ["Softmax", "LogSoftmax", "Hardmax"] {
        expect(&node(12, operator, vec![]), &node(12, operator, vec![]), "equal");
        not_equal(&node(12, operator, vec![]), &node(13, operator, vec![]));
    }
    let spatial = |value| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        model.opset = 8;
        let x = model.batchnorm("x", [&[1.0; 4], &[0.0; 4], &[0.0; 4], &[1.0; 4]]);
        model.graph.nodes.last_mut().unwrap().attributes.push(attribute("spatial", Value::Int(value)));
        model.bytes(&x)
    };
    not_equal(&spatial(1), &spatial(0));
    let sum = |attributes| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        model.opset = 6;
        let c = model.floats(&[4], &[1.0, 2.0, 3.0, 4.0]);
        let y = model.node("Add", &["x", &c], attributes);
        model.bytes(&y)
    };
    let along = |axis| vec![("broadcast", Value::Int(1)), ("axis", Value::Int(axis))];
    not_equal(&sum(along(1)), &sum(along(3)));
    let upsampled = |opset: i64| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        model.opset = opset;
        let factors = [1.0, 1.0, 2.0, 2.0];
        let y = if opset < 9 {
            model.node("Upsample", &["x"], vec![("scales", Value::Floats(factors.to_vec()))])
        } else {
            let scales = model.floats(&[4], &factors);
            model.node("Upsample", &["x", &scales], vec![])
        };
        let y = model.node("Relu", &[&y], vec![]);
        model.bytes(&y)
    };
    expect(&upsampled(7), &upsampled(9), "equal");
    let in_depth = |mode| {
        let settings = vec![("blocksize", Value::Int(2)), ("mode", Value::Text(mode))];
        node(28, "SpaceToDepth", settings)
    };
    expect(&in_depth("DCR"), &in_depth("CRD"), "different");
    expect(&node(29, "Relu", vec![]), &node(29, "Relu", vec![]), "error");
}

#[test]
fn settings_that_change_the_meaning() {
    let with = |build: &dyn Fn(&mut Builder) -> String| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        model.opset = 18;
        let y = build(&mut model);
        model.bytes(&y)
    };
    let resize = |attributes: Vec<(&'static str, Value)>| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        model.opset = 18;
        let scales = model.floats(&[4], &[1.0, 1.0, 2.0, 2.0]);
        let y = model.node("Resize", &["x", "", &scales], attributes);
        model.bytes(&y)
    };
    let cubic = |a| vec![("mode", Value::Text("cubic")), ("cubic_coeff_a", Value::Float(a))];
    not_equal(&resize(cubic(-0.75)), &resize(cubic(-0.5)));
    not_equal(&resize(vec![]), &resize(vec![("axes", Value::Ints(vec![0, 1, 3, 2]))]));
    // All axes, or none.
    let reduced = |axes: Option<&[i64]>, nothing: i64| {
        with(&|model| {
            let axes = axes.map(|axes| model.integers(axes));
            let inputs: Vec<&str> = ["x"].into_iter().chain(axes.as_deref()).collect();
            model.node("ReduceMean", &inputs, vec![("noop_with_empty_axes", Value::Int(nothing))])
        })
    };
    expect(&reduced(Some(&[]), 0), &reduced(None, 0), "equal");
    not_equal(&reduced(Some(&[]), 0), &reduced(Some(&[]), 1));
    expect(&reduced(Some(&[]), 1), &with(&|model| model.node("Identity", &["x"], vec![])), "equal");
    // Three operands, folded.
    let least = |count: usize| {
        with(&|model| {
            let numbers: Vec<String> = [3.0, 2.0, 1.0].iter().map(|&n| model.floats(&[], &[n])).collect();
            let inputs: Vec<&str> = numbers.iter().take(count).map(String::as_str).collect();
            let least = model.node("Min", &inputs, vec![]);
            model.node("Mul", &["x", &least], vec![])
        })
    };
    not_equal(&least(2), &least(3));
    // A scale that is computed from the input.
    let normalized = |scaled: bool| {
        with(&|model| {
            let scale = model.node("GlobalMaxPool", &["x"], vec![]);
            let inputs = if scaled { vec!["x", &scale] } else { vec!["x"] };
            model.node("LayerNormalization", &inputs, vec![])
        })
    };
    not_equal(&normalized(false), &normalized(true));
    let clip = |low: f32| {
        with(&|model| {
            let low = model.floats(&[], &[low]);
            model.node("Clip", &["x", &low], vec![])
        })
    };
    expect(&clip(f32::NEG_INFINITY), &with(&|model| model.node("Identity", &["x"], vec![])), "equal");
    not_equal(&clip(f32::INFINITY), &clip(f32::NEG_INFINITY));
    let squared = |dims: &[i64]| {
        with(&|model| {
            let two = model.floats(dims, &[2.0; 2][..usize::try_from(dims.iter().product::<i64>()).unwrap()]);
            model.node("Pow", &["x", &two], vec![])
        })
    };
    not_equal(&squared(&[1]), &squared(&[2, 1, 1, 1]));
    let padded = |pads: Option<Vec<i64>>| {
        with(&|model| {
            let kernel = model.floats(&[1, 4, 3, 3], &[1.0; 36]);
            let mut settings = vec![("auto_pad", Value::Text("SAME_UPPER"))];
            settings.extend(pads.clone().map(|pads| ("pads", Value::Ints(pads))));
            model.node("Conv", &["x", &kernel], settings)
        })
    };
    expect(&padded(None), &padded(Some(vec![0; 4])), "equal");
    not_equal(&padded(None), &padded(Some(vec![2, 2, 0, 0])));
}

#[test]
fn integers_are_not_reals() {
    let halved = |before: bool, element: i32, code: i64| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        let kind = model.graph.inputs[0].kind.as_mut().unwrap().tensor.as_mut().unwrap();
        kind.element = element;
        let two = |model: &mut Builder, element: i32| {
            let tensor = match element {
                7 => TensorProto { element, int64s: vec![2], ..TensorProto::default() },
                1 => TensorProto { element, floats: vec![2.0], ..TensorProto::default() },
                _ => TensorProto { element, int32s: vec![2], ..TensorProto::default() },
            };
            model.tensor(tensor)
        };
        let cast = vec![("to", Value::Int(1))];
        let operator = if code == 0 { "Div" } else { "Sub" };
        let y = if before {
            let two = two(&mut model, element);
            let y = model.node(operator, &["x", &two], vec![]);
            model.node("Cast", &[&y], cast)
        } else {
            let x = model.node("Cast", &["x"], cast);
            let two = two(&mut model, 1);
            model.node(operator, &[&x, &two], vec![])
        };
        model.bytes(&y)
    };
    // Quotients are rounded, and small integers overflow.
    not_equal(&halved(true, 7, 0), &halved(false, 7, 0));
    not_equal(&halved(true, 2, 1), &halved(false, 2, 1));
    expect(&halved(true, 7, 0), &halved(true, 7, 0), "equal");
    expect(&halved(true, 1, 0), &halved(false, 1, 0), "equal");
    let summed = |folded: bool| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        let number = |model: &mut Builder, value| {
            model.tensor(TensorProto { element: 2, int32s: vec![value], ..TensorProto::default() })
        };
        let sum = if folded {
            model.floats(&[], &[300.0])
        } else {
            let (a, b) = (number(&mut model, 200), number(&mut model, 100));
            let sum = model.node("Add", &[&a, &b], vec![]);
            model.node("Cast", &[&sum], vec![("to", Value::Int(1))])
        };
        let y = model.node("Mul", &["x", &sum], vec![]);
        model.bytes(&y)
    };
    not_equal(&summed(false), &summed(true));
}

#[test]
fn chance_and_definitions_in_the_file_are_no_functions_by_name() {
    let noise = |twice: bool| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        let a = model.node("RandomNormalLike", &["x"], vec![]);
        let b = if twice { model.node("RandomNormalLike", &["x"], vec![]) } else { a.clone() };
        let y = model.node("Sub", &[&a, &b], vec![]);
        model.bytes(&y)
    };
    not_equal(&noise(false), &noise(true));
    let training = |ratio: f32| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        let ratio = model.floats(&[], &[ratio]);
        let yes = model.tensor(TensorProto { element: 9, int32s: vec![1], ..TensorProto::default() });
        let y = model.node("Dropout", &["x", &ratio, &yes], vec![]);
        model.bytes(&y)
    };
    not_equal(&training(0.5), &training(0.5));
    let defined = |named: bool| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        if named {
            model.functions.push(FunctionProto { name: "Relu".to_owned(), domain: String::new() });
        }
        let y = model.node("Relu", &["x"], vec![]);
        model.bytes(&y)
    };
    not_equal(&defined(true), &defined(true));
    not_equal(&defined(false), &defined(true));
    let texts = |text: &'static [u8]| {
        let mut model = Builder::new(&[1, 4, 4, 4]);
        let y = model.node("Wobble", &["x"], vec![]);
        let mut own = attribute("how", Value::Text(""));
        own.text = text.into();
        model.graph.nodes.last_mut().unwrap().attributes.push(own);
        model.bytes(&y)
    };
    expect(&texts(b"a"), &texts(b"a"), "equal");
    not_equal(&texts(b"\xff"), &texts(b"\xfe"));
}

#[test]
fn extents_are_divided_as_integers_are() {
    let model = |cut: i64| {
        let mut model = Builder::new(&[1, 1, 0, 4]);
        let shape = model.node("Shape", &["x"], vec![]);
        let two = model.integers(&[2]);
        let h = model.node("Gather", &[&shape, &two], vec![]);
        let cut = model.integers(&[cut]);
        let less = model.node("Sub", &[&h, &cut], vec![]);
        let half = model.node("Div", &[&less, &two], vec![]);
        let zero = model.integers(&[0]);
        let pads = model.node("Max", &[&half, &zero], vec![]);
        let y = model.node("Wobble", &["x", &pads], vec![]);
        model.bytes(&y)
    };
    // (H − 9)/2 towards zero is not (H − 11)/2 + 1 where H is small.
    not_equal(&model(9), &model(11));
}

#[test]
fn names_of_extents_are_no_expressions() {
    // An extent that is called `H + 1` is not one more than `H`.
    let model = |sum: bool| {
        let mut model = Builder::new(&[1, 1, 0, 0]);
        let kind = model.graph.inputs[0].kind.as_mut().unwrap().tensor.as_mut().unwrap();
        kind.shape.as_mut().unwrap().dims[3].name = Some("H + 1".to_owned());
        let shape = model.node("Shape", &["x"], vec![]);
        let [two, three, one] = [2, 3, 1].map(|value| model.integers(&[value]));
        let extent = if sum {
            let h = model.node("Gather", &[&shape, &two], vec![]);
            model.node("Add", &[&h, &one], vec![])
        } else {
            model.node("Gather", &[&shape, &three], vec![])
        };
        let y = model.node("Wobble", &["x", &extent], vec![]);
        model.bytes(&y)
    };
    expect(&model(true), &model(true), "equal");
    not_equal(&model(true), &model(false));
}

#[test]
fn depth_to_space_is_a_transposed_convolution() {
    for mode in ["DCR", "CRD"] {
        let shuffled = |transposed: bool| {
            let mut model = Builder::new(&[0, 4, 0, 0]);
            let y = if transposed {
                let kernel: Vec<f32> = (0..16u8).map(|n| f32::from(u8::from(n / 4 == n % 4))).collect();
                let kernel = model.floats(&[4, 1, 2, 2], &kernel);
                model.node("ConvTranspose", &["x", &kernel], vec![("strides", Value::Ints(vec![2, 2]))])
            } else {
                let settings = vec![("blocksize", Value::Int(2)), ("mode", Value::Text(mode))];
                model.node("DepthToSpace", &["x"], settings)
            };
            let y = model.node("Relu", &[&y], vec![]);
            model.bytes(&y)
        };
        expect(&shuffled(false), &shuffled(true), "equal");
        let there_and_back = |mode: &'static str, back: &'static str| {
            let mut model = Builder::new(&[1, 8, 4, 6]);
            model.opset = 28;
            let settings = |mode| vec![("blocksize", Value::Int(2)), ("mode", Value::Text(mode))];
            let y = model.node("DepthToSpace", &["x"], settings(mode));
            let y = model.node("Sigmoid", &[&y], vec![]);
            let y = model.node("SpaceToDepth", &[&y], settings(back));
            model.bytes(&y)
        };
        expect(&there_and_back(mode, mode), &there_and_back(mode, mode), "equal");
        not_equal(&there_and_back(mode, "DCR"), &there_and_back(mode, "CRD"));
    }
}

#[test]
fn weights_that_are_one_number_everywhere_need_no_room() {
    // 0.6 million weights each, as in light versions of known networks.
    let network = |stored: bool, value: f32| {
        let mut model = Builder::new(&[1, 256, 3, 3]);
        let kernel = if stored {
            model.floats(&[256, 256, 3, 3], &vec![value; 256 * 256 * 9])
        } else {
            let shape = model.integers(&[256, 256, 3, 3]);
            let value =
                TensorProto { dims: vec![1], element: 1, floats: vec![value], ..TensorProto::default() };
            model.node("ConstantOfShape", &[&shape], vec![("value", Value::Tensor(value))])
        };
        let x = model.node("Conv", &["x", &kernel], vec![]);
        let y = model.node("Relu", &[&x], vec![]);
        model.bytes(&y)
    };
    assert_eq!(verdict(&network(false, 0.5), &network(true, 0.5)), "equal");
    assert_eq!(verdict(&network(false, 0.5), &network(false, 0.25)), "different");
}
