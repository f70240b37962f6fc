//! What the reader makes of linear nodes, and of chains of them, is computed from its forms and compared with the
//! evaluator, which reads the file alone and is itself compared with ONNX's (`oracle.rs`).

use convproof_exact::SplitMix64;
use convproof_files::onnx::read;
use convproof_network::ball::Ball;
use convproof_network::compare::FormRow;
use convproof_network::evaluate::{Array, evaluate};
use convproof_network::form::Form;
use convproof_network::precise::Precise;
use convproof_network::table::Terms;
use convproof_network::term::Kind;
use convproof_network::understand::{input_shapes, understand};

use super::build::{Builder, Value};
use super::samples::sample;

const DIMS: [i64; 4] = [2, 4, 6, 8];

fn extents(form: &Form) -> Vec<usize> {
    form.shape.iter().map(|dim| dim.size().unwrap()).collect()
}

fn places(dims: &[usize]) -> Vec<Vec<usize>> {
    dims.iter().fold(vec![Vec::new()], |all, &extent| {
        all.iter().flat_map(|index| (0..extent).map(move |i| [index.as_slice(), &[i]].concat())).collect()
    })
}

/// The value of a term at an index; nothing for terms that are no linear ones.
struct Forms<'t> {
    terms: &'t Terms,
    input: &'t Array,
}

impl Forms<'_> {
    fn term(&self, id: usize, index: &[usize]) -> Option<f64> {
        let term = self.terms.get(id);
        match term.op.kind {
            Kind::Input => {
                let place =
                    index.iter().zip(&self.input.dims).fold(0, |place, (i, extent)| place * extent + i);
                Some(self.input.real(place).enclosure().low)
            }
            Kind::Constant => {
                let tensor = term.constant.as_ref()?;
                let place = index.iter().zip(tensor.dims()).fold(0, |place, (i, extent)| place * extent + i);
                Some(tensor.enclosure(place).middle())
            }
            Kind::Cut | Kind::Output => self.form(&term.args[0], index),
            _ if term.op.name == "relu" => self.form(&term.args[0], index).map(|value| value.max(0.0)),
            _ => None,
        }
    }

    /// By the definition of a form: `y[n] = Σ K[t]·x̂[stride·n + t − before]`, and the bias.
    fn form(&self, form: &Form, index: &[usize]) -> Option<f64> {
        let output = index.get(form.axis).copied().unwrap_or(0);
        let mut sum = Some(0.0);
        FormRow::<Ball>::new(form, output).each(|source, channel, tap, value| {
            let value = value.enclosure().middle();
            let Some(source) = source else {
                sum = sum.map(|sum| sum + value);
                return;
            };
            if value == 0.0 {
                return;
            }
            let axes = &form.parts.iter().find(|part| part.source == source).unwrap().map.axes;
            let term = self.terms.get(source);
            let at = |axis: usize| -> Option<usize> {
                if axis == form.axis {
                    return Some(channel);
                }
                let (n, stride) =
                    (i64::try_from(index[axis]).unwrap(), i64::try_from(axes[axis].stride).unwrap());
                let up = i64::try_from(axes[axis].up).unwrap();
                let place = stride * n + tap[axis];
                let inside = place >= 0 && place % up == 0 && place / up < term.shape[axis].number().unwrap();
                inside.then(|| usize::try_from(place / up).unwrap())
            };
            let Some(at) = (0..index.len()).map(at).collect::<Option<Vec<usize>>>() else { return };
            sum = sum.zip(self.term(source, &at)).map(|(sum, x)| sum + value * x);
        });
        sum
    }
}

/// Whether the forms of a model could be computed; they must then be what the evaluator says.
#[track_caller]
fn agree(bytes: &[u8], dims: [i64; 4], what: &str) -> bool {
    let mut nowhere = |_: &str, _: u64, _: Option<u64>| Err(String::new());
    let model = read(bytes.to_vec().into(), &mut nowhere).unwrap();
    let count = usize::try_from(dims.iter().product::<i64>()).unwrap();
    let mut random = SplitMix64::new(5);
    let values =
        (0..count).map(|_| Precise::point(f64::from(u8::try_from(random.next_u64() % 19).unwrap()) - 9.0));
    let input = Array::reals(dims.map(|extent| usize::try_from(extent).unwrap()).to_vec(), values.collect());
    let expected = evaluate(&model, &[("x".to_owned(), input.clone())].into_iter().collect());
    let expected = &expected.unwrap_or_else(|error| panic!("{what}: {error}"))[0];
    let mut terms = Terms::default();
    understand(&model, &input_shapes(&model).unwrap(), &mut terms, "before").unwrap();
    let output = terms.all().iter().position(|term| term.op.kind == Kind::Output).unwrap();
    let form = &terms.get(output).args[0];
    let forms = Forms { terms: &terms, input: &input };
    if form.shape.is_empty() && !expected.dims.is_empty() {
        return false;
    }
    assert_eq!(extents(form), expected.dims, "{what}");
    let mut computed = false;
    for (place, index) in places(&expected.dims).iter().enumerate() {
        let Some(own) = forms.term(output, index) else { return false };
        computed = true;
        let bounds = expected.real(place).enclosure();
        let near = 1e-9 * bounds.magnitude().high.max(1.0);
        assert!(
            own >= bounds.low - near && own <= bounds.high + near,
            "{what} at {index:?}: {own}, not {bounds:?}"
        );
    }
    computed
}

fn small(random: &mut SplitMix64) -> f32 {
    f32::from(u8::try_from(random.next_u64() % 9).unwrap()) - 4.0
}

/// Adds a layer drawn by chance to a value of so many channels; says how many it then has.
fn layer(
    model: &mut Builder,
    random: &mut SplitMix64,
    x: &str,
    channels: i64,
    image: &mut [i64; 2],
) -> (String, i64) {
    let mut pick = |n: u64| i64::try_from(random.next_u64() % n).unwrap();
    let kind = pick(11);
    let (step, gap, size) = (1 + pick(2), 1 + pick(2), 1 + pick(3));
    let pads: Vec<i64> = (0..4).map(|_| pick(3)).collect();
    let outputs = 2 * (1 + pick(2));
    let grouped = pick(2) == 0;
    let mut weights = |count: i64| (0..count).map(|_| small(random)).collect::<Vec<f32>>();
    let reach = (size - 1) * gap + 1;
    let ints = |name, values: Vec<i64>| (name, Value::Ints(values));
    match kind {
        0..=2 => {
            let extent = |n: i64, a: i64, b: i64| (n + a + b - reach).div_euclid(step) + 1;
            let after = [extent(image[0], pads[0], pads[2]), extent(image[1], pads[1], pads[3])];
            if after.iter().any(|&extent| extent < 1) {
                return (x.to_owned(), channels);
            }
            *image = after;
            let groups = if grouped { 2 } else { 1 };
            let kernel = model.floats(
                &[outputs, channels / groups, size, size],
                &weights(outputs * channels / groups * size * size),
            );
            let bias = model.floats(&[outputs], &weights(outputs));
            let settings = vec![
                ints("pads", pads),
                ints("strides", vec![step; 2]),
                ints("dilations", vec![gap; 2]),
                ("group", Value::Int(groups)),
            ];
            (model.node("Conv", &[x, &kernel, &bias], settings), outputs)
        }
        3 => {
            let groups = if grouped { 2 } else { 1 };
            let pads: Vec<i64> = pads.iter().map(|&pad| pad.min(reach - 1)).collect();
            let extent = |n: i64, a: i64, b: i64| (n - 1) * step + reach + (step - 1) - a - b;
            let after = [extent(image[0], pads[0], pads[2]), extent(image[1], pads[1], pads[3])];
            if after.iter().any(|&extent| !(1..40).contains(&extent)) {
                return (x.to_owned(), channels);
            }
            *image = after;
            let kernel = model.floats(
                &[channels, outputs / groups, size, size],
                &weights(outputs / groups * channels * size * size),
            );
            let settings = vec![
                ints("pads", pads),
                ints("strides", vec![step; 2]),
                ints("dilations", vec![gap; 2]),
                ints("output_padding", vec![step - 1; 2]),
                ("group", Value::Int(groups)),
            ];
            (model.node("ConvTranspose", &[x, &kernel], settings), outputs)
        }
        4 if image.iter().all(|&extent| extent >= 2) => {
            *image = image.map(|extent| (extent - 2) / step + 1);
            let settings = vec![ints("kernel_shape", vec![2, 2]), ints("strides", vec![step; 2])];
            (model.node("AveragePool", &[x], settings), channels)
        }
        5 => {
            let pads = model.integers(&[0, 0, pads[0], pads[1], 0, 0, pads[2] - 1, pads[3] - 1]);
            let after = {
                let pads = &model.graph.initializers.last().unwrap().int64s;
                [image[0] + pads[2] + pads[6], image[1] + pads[3] + pads[7]]
            };
            if after.iter().any(|&extent| extent < 1) {
                return (x.to_owned(), channels);
            }
            *image = after;
            (model.node("Pad", &[x, &pads], vec![]), channels)
        }
        6 if image.iter().all(|extent| extent % 2 == 0) => {
            *image = image.map(|extent| extent / 2);
            (model.node("SpaceToDepth", &[x], vec![("blocksize", Value::Int(2))]), 4 * channels)
        }
        7 if channels % 4 == 0 && image.iter().all(|&extent| extent < 16) => {
            *image = image.map(|extent| 2 * extent);
            let mode = if grouped { "DCR" } else { "CRD" };
            let settings = vec![("blocksize", Value::Int(2)), ("mode", Value::Text(mode))];
            (model.node("DepthToSpace", &[x], settings), channels / 4)
        }
        8 => {
            let [starts, ends, axes, steps] =
                [[0, 1], [i64::MAX, i64::MAX], [1, 2], [2, 1]].map(|values| model.integers(&values));
            if image[0] < 2 {
                return (x.to_owned(), channels);
            }
            image[0] -= 1;
            (model.node("Slice", &[x, &starts, &ends, &axes, &steps], vec![]), (channels + 1) / 2)
        }
        9 => (model.node("Concat", &[x, x], vec![("axis", Value::Int(1))]), 2 * channels),
        _ => {
            let scale = model.floats(&[channels, 1, 1], &weights(channels));
            let y = model.node("Mul", &[x, &scale], vec![]);
            (model.node("Add", &[&y, x], vec![]), channels)
        }
    }
}

#[test]
fn forms_of_chains_of_linear_layers_are_what_is_evaluated() {
    let mut computed = 0;
    for seed in 0..120 {
        let mut random = SplitMix64::new(seed);
        let mut model = Builder::new(&DIMS);
        let (mut x, mut channels, mut image) = ("x".to_owned(), DIMS[1], [DIMS[2], DIMS[3]]);
        for _ in 0..3 {
            if channels % 2 == 0 && channels <= 16 {
                (x, channels) = layer(&mut model, &mut random, &x, channels, &mut image);
            }
        }
        let y = model.node("Identity", &[&x], vec![]);
        let operators: Vec<String> = model.graph.nodes.iter().map(|node| node.operator.clone()).collect();
        computed += u32::from(agree(&model.bytes(&y), DIMS, &format!("{seed}: {operators:?}")));
    }
    assert!(computed >= 110, "{computed} of 120");
}

#[test]
fn forms_of_single_operators_are_what_is_evaluated() {
    // Those that are linear, or a relu of it.
    let operators = [
        "Conv",
        "ConvTranspose",
        "BatchNormalization",
        "MatMul",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Sum",
        "Neg",
        "AveragePool",
        "Concat",
        "Slice",
        "Gather",
        "Pad",
        "Resize",
        "SpaceToDepth",
        "DepthToSpace",
        "Identity",
        "Dropout",
        "Cast",
        "Relu",
    ];
    for operator in operators {
        let dims = [1, 4, 4, 4];
        let mut model = Builder::new(&dims);
        let x = model.node("Relu", &["x"], vec![]);
        let y = sample(&mut model, "", operator, &x).unwrap();
        assert!(agree(&model.bytes(&y), dims, operator), "{operator} is not linear");
    }
}
