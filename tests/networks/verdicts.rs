//! Verdicts on small pairs: each outcome, each place that is named, and each side condition of section 13 of
//! `docs/semantics.md` broken.

use std::path::Path;

use super::build::{Builder, Value, diff};

const ONES: [f32; 9] = [1.0; 9];
/// A kernel without symmetry.
const KERNEL: [f32; 9] = [0.5, -1.25, 0.75, 2.0, 0.125, -0.375, 1.5, -0.625, 0.25];

fn relu_conv(values: &[f32], bias: Option<&[f32]>, padding: i64) -> Vec<u8> {
    let mut model = Builder::new(&[0, 1, 0, 0]);
    let x = model.conv("x", &[1, 1, 3, 3], values, bias, padding);
    let y = model.node("Relu", &[&x], vec![]);
    model.bytes(&y)
}

#[track_caller]
fn expect(before: &[u8], after: &[u8], verdict: &str, words: &[&str]) {
    let (status, text) = diff(before, after, &["--verbose"]);
    assert!(text.starts_with(&format!("{verdict}: ")), "{text}");
    assert_eq!(status, i32::from(!matches!(verdict, "equal" | "rounding")), "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in {text}");
    }
}

#[test]
fn the_same_file_is_equal() {
    let model = relu_conv(&KERNEL, Some(&[0.1]), 1);
    expect(&model, &model, "equal", &[]);
}

/// A convolution and its batch normalization, and the convolution folded by these numbers.
fn fold(variance: f32, scale: f32, shift: f32) -> (Vec<u8>, Vec<u8>) {
    let mut before = Builder::new(&[0, 1, 0, 0]);
    let x = before.conv("x", &[1, 1, 3, 3], &KERNEL, None, 1);
    let x = before.batchnorm(&x, [&[2.0], &[0.5], &[0.25], &[variance]]);
    let y = before.node("Sigmoid", &[&x], vec![]);
    let mut after = Builder::new(&[0, 1, 0, 0]);
    let folded = KERNEL.map(|value| value * scale);
    let x = after.conv("x", &[1, 1, 3, 3], &folded, Some(&[shift]), 1);
    let z = after.node("Sigmoid", &[&x], vec![]);
    (before.bytes(&y), after.bytes(&z))
}

#[test]
fn a_fold_without_rounding_is_equal_and_one_with_is_not() {
    // The root of the variance and epsilon is 2, so the scale is 1 and the shift 1/4.
    let (before, after) = fold(4.0 - 1.0 / 1024.0, 1.0, 0.25);
    expect(&before, &after, "equal", &[]);
    let scale = 2.0 / (3.0f32 + 1.0 / 1024.0).sqrt();
    let (before, after) = fold(3.0, scale, 0.5 - 0.25 * scale);
    expect(&before, &after, "rounding", &["Sigmoid `t1`"]);
    let (before, after) = fold(3.0, scale * 1.0001, 0.5 - 0.25 * scale);
    expect(&before, &after, "different", &["1 of 1 channels", "Conv `t0`"]);
}

#[test]
fn the_limit_is_a_limit() {
    let mut moved = KERNEL;
    moved[3] += 2f32.powi(-20);
    let (before, after) = (relu_conv(&KERNEL, None, 0), relu_conv(&moved, None, 0));
    // A change of 2⁻²¹ of the largest weight, which is 2.
    assert!(diff(&before, &after, &[]).1.starts_with("rounding"));
    assert!(diff(&before, &after, &["--rounding", "2^-20"]).1.starts_with("rounding"));
    assert!(diff(&before, &after, &["--rounding", "2^-22"]).1.starts_with("different"));
    assert!(diff(&before, &after, &["--rounding", "0"]).1.starts_with("different"));
}

#[test]
fn one_weight_a_bias_a_shift_and_an_exchange_are_named() {
    let before = relu_conv(&KERNEL, Some(&[0.5]), 1);
    let mut moved = KERNEL;
    moved[5] += 0.01;
    expect(
        &before,
        &relu_conv(&moved, Some(&[0.5]), 1),
        "different",
        &["one weight alone", "tap [0, 0, 0, 1]"],
    );
    expect(
        &before,
        &relu_conv(&KERNEL, None, 1),
        "different",
        &["the weights agree, the bias differs", "is missing"],
    );
    let turned = [0, 3, 6, 1, 4, 7, 2, 5, 8].map(|place: usize| KERNEL[place]);
    expect(&before, &relu_conv(&turned, Some(&[0.5]), 1), "different", &["two axes exchanged"]);
    let larger = relu_conv(&KERNEL.map(|value| 1.5 * value), Some(&[0.75]), 1);
    expect(&before, &larger, "different", &["channel 0 is 1.5 times"]);
    let mut after = Builder::new(&[0, 1, 0, 0]);
    let kernel = after.floats(&[1, 1, 3, 3], &KERNEL);
    let bias = after.floats(&[1], &[0.5]);
    let x = after.node("Conv", &["x", &kernel, &bias], vec![("pads", Value::Ints(vec![2, 1, 0, 1]))]);
    let y = after.node("Relu", &[&x], vec![]);
    expect(&before, &after.bytes(&y), "different", &["moved by 1 x 0"]);
}

#[test]
fn a_bias_that_a_fold_forgot_is_named() {
    let mut before = Builder::new(&[0, 1, 0, 0]);
    let x = before.conv("x", &[1, 1, 3, 3], &KERNEL, Some(&[1.5]), 1);
    let x = before.batchnorm(&x, [&[2.0], &[0.5], &[0.25], &[3.0]]);
    let y = before.node("Relu", &[&x], vec![]);
    let scale = 2.0 / (3.0f32 + 1.0 / 1024.0).sqrt();
    let after = relu_conv(&KERNEL.map(|value| value * scale), Some(&[0.5 - 0.25 * scale]), 1);
    expect(&before.bytes(&y), &after, "different", &["the bias of Conv `t0` is missing"]);
    let mut before = Builder::new(&[0, 1, 0, 0]);
    let x = before.conv("x", &[1, 1, 3, 3], &KERNEL, Some(&[1.5]), 1);
    let y = before.node("Relu", &[&x], vec![]);
    let (_, text) = diff(&before.bytes(&y), &relu_conv(&KERNEL, Some(&[1.25]), 1), &["--verbose"]);
    assert!(text.starts_with("different") && !text.contains("is missing"), "{text}");
}

/// A 1×1 convolution with a bias, then a padded 3×3 one; or both as one.
fn merged(bias: f32) -> (Vec<u8>, Vec<u8>) {
    let mut before = Builder::new(&[0, 1, 0, 0]);
    let x = before.conv("x", &[1, 1, 1, 1], &[2.0], Some(&[bias]), 0);
    let x = before.conv(&x, &[1, 1, 3, 3], &ONES, None, 1);
    let y = before.node("Relu", &[&x], vec![]);
    (before.bytes(&y), relu_conv(&[2.0; 9], Some(&[9.0 * bias]), 1))
}

#[test]
fn a_bias_through_zero_padding_is_no_bias() {
    let (before, after) = merged(0.0);
    expect(&before, &after, "equal", &[]);
    let (before, after) = merged(0.5);
    expect(&before, &after, "different", &["equal away from the border", "width 1 x 1"]);
}

#[test]
fn what_an_inner_convolution_gives_outside_its_range_is_not_read() {
    // Two unpadded 3×3, the second padded: the composed kernel would read values that the first does not have.
    let chain = |inner: i64, outer: i64| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let x = model.conv("x", &[1, 1, 3, 3], &ONES, None, inner);
        let x = model.conv(&x, &[1, 1, 3, 3], &ONES, None, outer);
        let y = model.node("Relu", &[&x], vec![]);
        model.bytes(&y)
    };
    let mut one = Builder::new(&[0, 1, 0, 0]);
    let row = [1.0, 2.0, 3.0, 2.0, 1.0f32];
    let square: Vec<f32> = row.iter().flat_map(|a| row.map(|b| a * b)).collect();
    let x = one.conv("x", &[1, 1, 5, 5], &square, None, 2);
    let y = one.node("Relu", &[&x], vec![]);
    let one = one.bytes(&y);
    // With all zeros read by the first, the second's padding finds zeros where there are none.
    expect(&chain(2, 0), &one, "equal", &[]);
    expect(&chain(1, 1), &one, "different", &["border"]);
    expect(&chain(0, 2), &one, "different", &["border"]);
}

#[test]
fn a_factor_comes_out_of_a_relu_if_it_is_positive() {
    let model = |inner: f32, outer: f32| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let x = model.conv("x", &[1, 1, 3, 3], &KERNEL.map(|value| value * inner), None, 0);
        let x = model.node("Relu", &[&x], vec![]);
        let y = model.conv(&x, &[1, 1, 1, 1], &[outer], None, 0);
        model.bytes(&y)
    };
    expect(&model(1.0, 1.0), &model(4.0, 0.25), "equal", &[]);
    expect(&model(1.0, 1.0), &model(-4.0, -0.25), "different", &[]);
    expect(&model(1.0, 1.0), &model(4.0, 0.5), "different", &["2 times"]);
}

#[test]
fn zero_padding_before_a_maximum_needs_values_that_are_not_negative() {
    let model = |relu: bool, explicit: bool| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let mut x = model.conv("x", &[1, 1, 3, 3], &KERNEL, None, 0);
        if relu {
            x = model.node("Relu", &[&x], vec![]);
        }
        let mut settings =
            vec![("kernel_shape", Value::Ints(vec![3, 3])), ("strides", Value::Ints(vec![2, 2]))];
        if explicit {
            let pads = model.integers(&[0, 0, 1, 1, 0, 0, 1, 1]);
            x = model.node("Pad", &[&x, &pads], vec![]);
        } else {
            settings.push(("pads", Value::Ints(vec![1; 4])));
        }
        let y = model.node("MaxPool", &[&x], settings);
        model.bytes(&y)
    };
    expect(&model(true, true), &model(true, false), "equal", &[]);
    expect(&model(false, true), &model(false, false), "different", &["MaxPool"]);
}

#[test]
fn saturations_have_one_spelling_and_keep_their_bounds() {
    let model = |style: &str| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let y = match style {
            "HardSwish" => model.node("HardSwish", &["x"], vec![]),
            _ => {
                let [three, zero, six] = [3.0, 0.0, 6.0].map(|value| model.floats(&[], &[value]));
                let sum = model.node("Add", &["x", &three], vec![]);
                let cut = match style {
                    "clip" => model.node("Clip", &[&sum, &zero, &six], vec![]),
                    _ => model.node("Relu", &[&sum], vec![]),
                };
                let product = model.node("Mul", &["x", &cut], vec![]);
                model.node("Div", &[&product, &six], vec![])
            }
        };
        model.bytes(&y)
    };
    expect(&model("HardSwish"), &model("clip"), "equal", &[]);
    expect(&model("HardSwish"), &model("relu"), "different", &["the upper bound of the clip is lost"]);
}

#[test]
fn sizes_that_agree_are_told_from_those_that_do_not() {
    let model = |padding: &'static str| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let kernel = model.floats(&[1, 1, 3, 3], &KERNEL);
        let mut settings = vec![("strides", Value::Ints(vec![2, 2]))];
        settings.push(match padding {
            "SAME_UPPER" => ("auto_pad", Value::Text("SAME_UPPER")),
            _ => ("pads", Value::Ints(vec![0, 0, 1, 1])),
        });
        let x = model.node("Conv", &["x", &kernel], settings);
        let y = model.node("Relu", &[&x], vec![]);
        model.bytes(&y)
    };
    let (before, after) = (model("SAME_UPPER"), model("fixed"));
    expect(&before, &after, "different", &["exactly where H % 2 == 0 and W % 2 == 0"]);
    assert!(diff(&before, &after, &["--size", "1x1x8x6"]).1.starts_with("equal"));
    assert!(diff(&before, &after, &["--size", "x=1x1x9x6"]).1.starts_with("different"));
}

#[test]
fn an_operator_that_nobody_knows_is_a_function_by_its_name() {
    let model = |name: &str, alpha: f32| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let y = model.node(name, &["x"], vec![("alpha", Value::Float(alpha))]);
        model.bytes(&y)
    };
    expect(&model("Wobble", 1.0), &model("Wobble", 1.0), "equal", &["Wobble `t0`"]);
    expect(&model("Wobble", 1.0), &model("Wobble", 2.0), "unknown", &["Wobble `t0` is not evaluated"]);
    expect(&model("Wobble", 1.0), &model("Wibble", 1.0), "unknown", &[]);
}

#[test]
fn constants_of_an_unknown_function_must_not_move() {
    let model = |value: f32| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let constant = model.floats(&[2], &[1.0, value]);
        let y = model.node("Wobble", &["x", &constant], vec![]);
        model.bytes(&y)
    };
    expect(&model(0.5), &model(0.500_000_06), "unknown", &[]);
}

#[test]
fn the_second_network_must_not_ask_more_of_sizes_than_the_first() {
    let model = |shifted: bool| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let x = model.node("Relu", &["x"], vec![]);
        let y = if shifted {
            // A sum of two values that have one size only where H and W are equal.
            let turned = model.node("Transpose", &[&x], vec![("perm", Value::Ints(vec![0, 1, 3, 2]))]);
            let difference = model.node("Sub", &[&turned, &turned], vec![]);
            model.node("Add", &[&x, &difference], vec![])
        } else {
            model.node("Relu", &[&x], vec![])
        };
        model.bytes(&y)
    };
    let (status, text) = diff(&model(false), &model(true), &[]);
    assert_eq!(status, 1, "{text}");
    assert!(!text.starts_with("equal"), "{text}");
}

#[test]
fn the_counterexample_and_the_formats_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let (before, after) = (relu_conv(&KERNEL, None, 1), relu_conv(&ONES, None, 1));
    diff(&before, &after, &["--counterexample", path.to_str().unwrap()]);
    let loaded = convproof::load::load(&std::fs::read(&path).unwrap(), "x.npy", None).unwrap();
    assert_eq!(loaded.dims, [1, 1, 9, 9]);
    let (_, json) = diff(&before, &after, &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["verdict"], "different");
    assert_eq!(report["witness"]["inputs"][0]["name"], "x");
    assert_eq!(report["segments"][0]["verdict"], "different");
    let (_, xml) = diff(&before, &after, &["--format", "junit"]);
    assert!(xml.contains("<failure type=\"different\">"), "{xml}");
    let (_, page) = diff(&before, &after, &["--format", "markdown"]);
    assert!(page.contains("**✗ different**"), "{page}");
}

#[test]
fn a_window_over_the_whole_image_is_a_global_one() {
    let model = |operator: &str, size: i64| {
        let mut model = Builder::new(&[0, 1, 6, 5]);
        let x = model.node("Sigmoid", &["x"], vec![]);
        let window = if size > 0 { vec![("kernel_shape", Value::Ints(vec![size, 5]))] } else { vec![] };
        let y = model.node(operator, &[&x], window);
        model.bytes(&y)
    };
    for (local, global) in [("AveragePool", "GlobalAveragePool"), ("MaxPool", "GlobalMaxPool")] {
        expect(&model(global, 0), &model(local, 6), "equal", &[]);
        expect(&model(global, 0), &model(local, 5), "different", &[]);
    }
}

#[test]
fn json_is_as_its_schema_and_the_documentation_say() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&read("docs/models.schema.json")).unwrap();
    let strided = |padding: i64| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let x = model.conv("x", &[1, 1, 3, 3], &KERNEL, None, padding);
        let y = model.node("Relu", &[&x], vec![]);
        model.bytes(&y)
    };
    let unknown = |name: &str| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let y = model.node(name, &["x"], vec![]);
        model.bytes(&y)
    };
    let base = relu_conv(&KERNEL, None, 1);
    let moved = KERNEL.map(|value| value * (1.0 + 2f32.powi(-22)));
    for (before, after, verdict) in [
        (base.clone(), base.clone(), "equal"),
        (base.clone(), relu_conv(&moved, None, 1), "rounding"),
        (base.clone(), relu_conv(&ONES, None, 1), "different"),
        (strided(0), strided(1), "different"),
        (unknown("Wobble"), unknown("Wibble"), "unknown"),
    ] {
        let (_, json) = diff(&before, &after, &["--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        super::schema::check(&report, &schema, &schema).unwrap();
        assert_eq!(report["verdict"], verdict);
        let mut wrong = report.clone();
        wrong["segments"] = serde_json::json!([{ "place": 1 }]);
        assert!(super::schema::check(&wrong, &schema, &schema).is_err());
    }
    let text = read("docs/models.md");
    let mut fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    for part in schema["$defs"].as_object().unwrap().values() {
        fields.extend(part["properties"].as_object().into_iter().flat_map(|fields| fields.keys()));
    }
    for field in fields {
        assert!(text.contains(&format!("`{field}`")), "docs/models.md does not name `{field}`");
    }
}

#[test]
fn a_model_is_shown_as_it_is_understood() {
    let mut model = Builder::new(&[0, 1, 0, 0]);
    let x = model.conv("x", &[2, 1, 3, 3], &[1.0; 18], None, 1);
    let x = model.node("Relu", &[&x], vec![]);
    let settings = vec![("kernel_shape", Value::Ints(vec![2, 2])), ("strides", Value::Ints(vec![2, 2]))];
    let x = model.node("MaxPool", &[&x], settings);
    let y = model.node("Wobble", &[&x], vec![]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, model.bytes(&y)).unwrap();
    let output =
        assert_cmd::Command::cargo_bin("convproof").unwrap().arg("show").arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for wanted in ["1 -> 2 channels, 3 x 3 taps, padding 1+1 x 1+1", "receptive field 4 x 4", "Wobble `t3`"] {
        assert!(text.contains(wanted), "no `{wanted}` in {text}");
    }
}

#[test]
fn an_order_of_channels_that_is_not_known_is_not_taken_for_the_usual_one() {
    let model = |mode: Option<&'static str>| {
        let mut model = Builder::new(&[0, 2, 0, 0]);
        let mut settings = vec![("blocksize", Value::Int(2))];
        settings.extend(mode.map(|mode| ("mode", Value::Text(mode))));
        let x = model.node("SpaceToDepth", &["x"], settings);
        let y = model.node("Relu", &[&x], vec![]);
        model.bytes(&y)
    };
    expect(&model(None), &model(Some("DCR")), "equal", &[]);
    expect(&model(None), &model(Some("CRD")), "unknown", &[]);
}

#[test]
fn reports_go_to_files_of_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = [0.5, 0.75].map(|value| relu_conv(&[value; 9], None, 1));
    for (name, part) in [
        ("r.html", "<!DOCTYPE html>"),
        ("r.md", "**✗ different**"),
        ("r.txt", "different: "),
        ("r.json", "\"verdict\": \"different\""),
        ("r.xml", "<failure type=\"different\">"),
    ] {
        let path = folder.path().join(name);
        let (status, text) = diff(&before, &after, &["--report", path.to_str().unwrap()]);
        assert!(status == 1 && text.starts_with("different: "), "{text}");
        let report = std::fs::read_to_string(path).unwrap();
        assert!(report.contains(part), "{name}: {report}");
    }
    let (status, text) = diff(&before, &after, &["--report", "r.png"]);
    assert!(status == 2 && text.contains("ends in .html"), "{text}");
}

/// A model of one operator of constants of its own on an input of four channels, then a function.
fn of_four_channels(operator: impl Fn(&mut Builder) -> String) -> Vec<u8> {
    let mut model = Builder::new(&[0, 4, 0, 6]);
    let x = operator(&mut model);
    let y = model.node("Sigmoid", &[&x], vec![]);
    model.bytes(&y)
}

#[test]
fn means_and_sums_over_one_axis_are_linear_maps() {
    let reduced = |operator: &'static str, axis: i64| {
        of_four_channels(move |model| {
            if operator == "ReduceSum" {
                let axes = model.integers(&[axis]);
                return model.node(operator, &["x", &axes], vec![]);
            }
            model.node(operator, &["x"], vec![("axes", Value::Ints(vec![axis]))])
        })
    };
    let conv =
        |weight: f32| of_four_channels(move |model| model.conv("x", &[1, 4, 1, 1], &[weight; 4], None, 0));
    let across = of_four_channels(|model| {
        model.node("AveragePool", &["x"], vec![("kernel_shape", Value::Ints(vec![1, 6]))])
    });
    expect(&reduced("ReduceMean", 1), &conv(0.25), "equal", &[]);
    expect(&reduced("ReduceSum", 1), &conv(1.0), "equal", &[]);
    expect(&reduced("ReduceMean", 3), &across, "equal", &[]);
    expect(&reduced("ReduceMean", -1), &reduced("ReduceMean", 3), "equal", &[]);
    expect(&reduced("ReduceMean", 1), &conv(0.5), "different", &["first at"]);
    expect(&reduced("ReduceSum", 3), &across, "different", &["first at"]);
    expect(&reduced("ReduceMean", 1), &reduced("ReduceMean", 3), "different", &[]);
    // Over an open extent both are the same function.
    expect(&reduced("ReduceMean", 2), &reduced("ReduceMean", 2), "equal", &[]);
    expect(&reduced("ReduceMean", 2), &reduced("ReduceSum", 2), "different", &[]);
}

#[test]
fn only_operators_whose_operands_stand_in_no_order_have_them_in_any() {
    let joined = |operator: &'static str, turned: bool, domain: &'static str| {
        let mut model = Builder::new(&[0, 1, 0, 0]);
        let a = model.node("Sigmoid", &["x"], vec![]);
        let b = model.node("Tanh", &["x"], vec![]);
        let operands: [&str; 2] = if turned { [&b, &a] } else { [&a, &b] };
        let y = model.node(operator, &operands, vec![]);
        model.graph.nodes.last_mut().unwrap().domain = domain.to_owned();
        model.bytes(&y)
    };
    for operator in ["Add", "Mul", "Max", "Min", "Sum"] {
        expect(&joined(operator, false, ""), &joined(operator, true, ""), "equal", &[]);
    }
    for operator in ["Sub", "Div", "Pow", "PRelu"] {
        let (status, text) = diff(&joined(operator, false, ""), &joined(operator, true, ""), &[]);
        assert!(status == 1, "{operator}: {text}");
    }
    // Nothing is known of an operator of another domain, whatever its name.
    expect(&joined("Add", false, "own"), &joined("Add", true, "own"), "unknown", &[]);
    expect(&joined("Add", false, "own"), &joined("Add", false, "own"), "equal", &[]);
}

#[test]
fn inputs_that_nothing_reads_are_not_spoken_of() {
    let network = |unused: bool, read: bool| {
        let mut model = Builder::new(&[1, 1, 4, 4]);
        if unused {
            model.graph.inputs.push(super::build::port("more", &[1, 1, 4, 4]));
        }
        let y = model.node("Add", &["x", if read { "more" } else { "x" }], vec![]);
        model.bytes(&y)
    };
    let (status, text) = diff(&network(false, false), &network(true, false), &["--verbose"]);
    assert!(status == 0 && text.starts_with("equal: ") && !text.contains("unmatched"), "{text}");
    let (status, text) = diff(&network(false, false), &network(true, true), &["--verbose"]);
    assert!(status == 1 && !text.contains("panicked"), "{text}");
}
