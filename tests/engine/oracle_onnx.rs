//! The naive evaluator against ONNX's and PyTorch's own test cases.
//!
//! `tests/oracle/onnx_cases.py` exports the cases of the `onnx` package, and what its reference evaluator makes of others.

use convproof::algebra::Rational;
use convproof::evaluate::{Functions, Image, Weights, enclosed};
use convproof::ir::{
    AveragePool, Composite, Conv, ConvTranspose, Coordinates, Function, Interpolation, KernelTerm, Layer,
    MaxPool, NonEmpty, Origin, PadMode, Padding, Pointwise, Resize, Stack, Upsample, ends,
};
use convproof::kernel::{ConcreteKernel, Shape};
use serde::Deserialize;

use crate::oracle;

/// Fewer cases than this mean that the export has broken.
const LEAST_CASES: usize = 275;

#[derive(Deserialize)]
struct Export {
    cases: Vec<Case>,
    left_out: Vec<LeftOut>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    layers: Vec<LayerSpec>,
    x: Tensor,
    y: Tensor,
    tolerance: Option<String>,
}

#[derive(Deserialize)]
struct LeftOut {
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Tensor {
    dims: Vec<usize>,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PaddingSpec {
    Sides([i64; 4]),
    Rule(String),
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum LayerSpec {
    Conv {
        kernel: Tensor,
        bias: Option<Tensor>,
        stride: [usize; 2],
        dilation: [usize; 2],
        padding: PaddingSpec,
        groups: usize,
    },
    ConvTranspose {
        kernel: Tensor,
        bias: Option<Tensor>,
        stride: [usize; 2],
        dilation: [usize; 2],
        padding: [i64; 4],
        output_padding: [usize; 2],
        groups: usize,
    },
    AveragePool {
        size: [usize; 2],
        stride: [usize; 2],
        padding: PaddingSpec,
        count_include_pad: bool,
        ceil_mode: bool,
    },
    MaxPool {
        size: [usize; 2],
        stride: [usize; 2],
        padding: PaddingSpec,
        ceil_mode: bool,
    },
    Pad {
        padding: [i64; 4],
    },
    PadMode {
        padding: [i64; 4],
        mode: String,
    },
    PadValue {
        padding: [i64; 4],
        value: Tensor,
    },
    Resize {
        factor: [[i64; 2]; 2],
        mode: String,
        coordinates: String,
        a: String,
    },
    LeakyRelu {
        slopes: Tensor,
    },
    Clip {
        low: String,
        high: String,
    },
    HardSigmoid {
        slope: String,
        offset: String,
    },
    Entrywise {
        name: String,
    },
    Bias {
        vector: Tensor,
    },
    Scale {
        vector: Tensor,
    },
    Dense {
        weights: Tensor,
        bias: Option<Tensor>,
    },
    Upsample {
        factor: [usize; 2],
    },
    DepthToSpace {
        block: usize,
    },
    SpaceToDepth {
        block: usize,
    },
    Permute {
        order: Vec<usize>,
    },
    Select {
        from: usize,
        to: usize,
    },
    Subsample {
        step: [usize; 2],
    },
    /// Of the first channels and the others.
    Product {
        channels: usize,
    },
    GlobalAverage,
    Relu,
}

impl Tensor {
    fn rationals(&self) -> Vec<Rational> {
        self.values.iter().map(|value| value.parse().unwrap()).collect()
    }

    fn image(&self) -> Image {
        let [channels, height, width] = self.dims[..] else { panic!("an image has three axes") };
        Image::new(channels, height, width, self.rationals()).unwrap()
    }

    fn kernel(&self) -> KernelTerm {
        let shape = match self.dims[..] {
            [n] => Shape::new(1, 1, 1, n),
            [outputs, inputs, height, width] => Shape::new(outputs, inputs, height, width),
            _ => panic!("a vector or a kernel"),
        };
        KernelTerm::constant(ConcreteKernel::from_rationals(shape, &self.rationals()).unwrap())
    }
}

impl PaddingSpec {
    fn padding(&self) -> Padding {
        match self {
            Self::Sides(sides) => Padding::Sides(ends(*sides)),
            Self::Rule(rule) if rule == "SAME_UPPER" => Padding::SameUpper,
            Self::Rule(rule) if rule == "SAME_LOWER" => Padding::SameLower,
            Self::Rule(rule) => panic!("unknown padding {rule}"),
        }
    }
}

fn layer(spec: &LayerSpec) -> Stack {
    let vector = |bias: &Option<Tensor>| bias.as_ref().map(Tensor::kernel);
    let one = match spec {
        LayerSpec::Conv { kernel, bias, stride, dilation, padding, groups } => Layer::Conv(Conv {
            kernel: kernel.kernel(),
            stride: *stride,
            dilation: *dilation,
            padding: padding.padding(),
            groups: *groups,
            bias: vector(bias),
        }),
        LayerSpec::ConvTranspose { kernel, bias, stride, dilation, padding, output_padding, groups } => {
            Layer::ConvTranspose(ConvTranspose {
                kernel: kernel.kernel(),
                stride: *stride,
                dilation: *dilation,
                padding: ends(*padding),
                output_padding: *output_padding,
                groups: *groups,
                bias: vector(bias),
            })
        }
        LayerSpec::AveragePool { size, stride, padding, count_include_pad, ceil_mode } => {
            Layer::Pool(AveragePool {
                average: true,
                size: *size,
                stride: *stride,
                padding: padding.padding(),
                count_include_pad: *count_include_pad,
                ceil_mode: *ceil_mode,
            })
        }
        LayerSpec::MaxPool { size, stride, padding, ceil_mode } => Layer::MaxPool(MaxPool {
            size: *size,
            stride: *stride,
            padding: padding.padding(),
            ceil_mode: *ceil_mode,
        }),
        LayerSpec::PadMode { padding, mode } => {
            let mode = match mode.as_str() {
                "reflect" => PadMode::Reflect,
                "edge" => PadMode::Replicate,
                "wrap" => PadMode::Circular,
                other => panic!("{other}"),
            };
            Layer::Composite(Composite::Pad { ends: ends(*padding), mode })
        }
        LayerSpec::PadValue { padding, value } => {
            Layer::Composite(Composite::Pad { ends: ends(*padding), mode: PadMode::Constant(value.kernel()) })
        }
        LayerSpec::Resize { factor, mode, coordinates, a } => {
            let method = match mode.as_str() {
                "nearest" => Interpolation::Nearest,
                "linear" => Interpolation::Linear,
                _ => Interpolation::Cubic(number(a)),
            };
            let coordinates = match coordinates.as_str() {
                "half_pixel" => Coordinates::HalfPixel,
                "asymmetric" => Coordinates::Asymmetric,
                _ => Coordinates::AlignCorners,
            };
            Layer::Composite(Composite::Resize(Resize { factor: *factor, method, coordinates }))
        }
        LayerSpec::LeakyRelu { slopes } => pointwise(Pointwise::LeakyRelu(slopes.kernel())),
        LayerSpec::Clip { low, high } => pointwise(Pointwise::Clip { low: number(low), high: number(high) }),
        LayerSpec::HardSigmoid { slope, offset } => {
            pointwise(Pointwise::HardSigmoid { slope: number(slope), offset: number(offset) })
        }
        LayerSpec::Entrywise { name } => match name.as_str() {
            "Abs" => pointwise(Pointwise::Abs),
            "Sigmoid" => Layer::Function(Function::Sigmoid),
            "Tanh" => Layer::Function(Function::Tanh),
            "Softplus" => Layer::Function(Function::Softplus),
            "Gelu" => Layer::Function(Function::Gelu),
            "GeluTanh" => Layer::Function(Function::GeluTanh),
            "HardSwish" => Layer::Function(Function::HardSwish),
            other => panic!("{other}"),
        },
        LayerSpec::Pad { padding } => Layer::Pad(ends(*padding)),
        LayerSpec::Bias { vector } => Layer::Bias(vector.kernel()),
        LayerSpec::Scale { vector } => Layer::Scale(vector.kernel()),
        LayerSpec::Dense { weights, bias } => Layer::Dense { weights: weights.kernel(), bias: vector(bias) },
        LayerSpec::Upsample { factor } => Layer::Upsample(Upsample { factor: *factor, nearest: true }),
        LayerSpec::DepthToSpace { block } => Layer::DepthToSpace(*block),
        LayerSpec::SpaceToDepth { block } => Layer::SpaceToDepth(*block),
        LayerSpec::Permute { order } => {
            let select = |&from: &usize| Stack::layer(Layer::Select { from, to: from + 1 }, Origin::NOWHERE);
            let parts: Vec<Stack> = order.iter().map(select).collect();
            let parts = NonEmpty::of(parts.iter().collect()).unwrap();
            return Stack::concat(parts, Origin::NOWHERE);
        }
        LayerSpec::Select { from, to } => Layer::Select { from: *from, to: *to },
        LayerSpec::Subsample { step } => Layer::Subsample(*step),
        LayerSpec::Product { channels } => {
            let half = |from| Stack::layer(Layer::Select { from, to: from + channels }, Origin::NOWHERE);
            return Stack::product([&half(0), &half(*channels)], [false; 2], Origin::NOWHERE);
        }
        LayerSpec::GlobalAverage => Layer::GlobalAverage,
        LayerSpec::Relu => Layer::Relu,
    };
    Stack::layer(one, Origin::NOWHERE)
}

fn pointwise(function: Pointwise) -> Layer {
    Layer::Composite(Composite::Pointwise(function))
}

fn number(text: &str) -> Rational {
    text.parse().unwrap()
}

/// The largest magnitude.
fn largest(image: &Image) -> Rational {
    image.values().iter().map(Rational::abs).max().unwrap()
}

#[test]
fn cases_of_onnx_and_pytorch() {
    let Some(output) = oracle::output("onnx_cases.py", &[]) else { return };
    let export: Export = serde_json::from_slice(&output).unwrap();
    for LeftOut { name, reason } in &export.left_out {
        println!("left out: {name}: {reason}");
    }
    let (mut exact, mut total, mut wrong) = (0, 0, Vec::new());
    for case in &export.cases {
        let layers: Vec<Stack> = case.layers.iter().map(layer).collect();
        let stack = Stack::chain(&layers, Origin::NOWHERE);
        let ours = enclosed(&stack, &case.x.image(), &Weights::new().with_functions(Functions::Near));
        let ours = ours.map_or_else(|error| panic!("{}: {error}", case.name), |output| output.middle());
        let theirs = case.y.image();
        assert_eq!(ours.size(), theirs.size(), "{}", case.name);
        // Theirs are rounded sums of float32; a few units in the last place of the largest output.
        let rounding = largest(&theirs) * Rational::ratio(1, 1 << 20).unwrap();
        let tolerance = case.tolerance.as_ref().map_or(rounding, |stated| stated.parse().unwrap());
        for (n, (ours, theirs)) in ours.values().iter().zip(theirs.values()).enumerate() {
            let difference = (ours - theirs).abs();
            if difference > tolerance {
                let (ours, theirs) = (ours.to_decimal(12), theirs.to_decimal(12));
                wrong.push(format!("{}: output {n} is {ours} and should be {theirs}", case.name));
            }
            exact += usize::from(difference.is_zero());
            total += 1;
        }
    }
    println!(
        "{} cases, {} left out; {exact} of {total} values exactly equal",
        export.cases.len(),
        export.left_out.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(export.cases.len() >= LEAST_CASES, "only {} cases", export.cases.len());
}
