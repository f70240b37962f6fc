//! Two model files compared: four convolutions of 64 channels with batch normalization, and the same folded in float32.

#![allow(clippy::float_arithmetic, reason = "the fold is one that rounds, as converters make it")]

use convproof::algebra::SplitMix64;
use convproof::load::onnx;
use convproof::load::onnx::messages::{
    Dimension, GraphProto, ModelProto, NodeProto, Opset, TensorKind, TensorProto, TensorShape, ValueInfo,
    ValueKind,
};
use convproof_network::decide::diff;
use convproof_network::diff::Options;
use criterion::{Criterion, criterion_group, criterion_main};
use prost::Message;

const CHANNELS: usize = 64;

/// Elements `k/1024` between −1/2 and 1/2.
fn draw(random: &mut SplitMix64, count: usize) -> Vec<f32> {
    (0..count).map(|_| (f32::from(u16::try_from(random.below(1024)).unwrap_or(0)) - 512.0) / 1024.0).collect()
}

#[derive(Default)]
struct Writer(GraphProto);

impl Writer {
    fn array(&mut self, dims: &[i64], values: &[f32]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let name = format!("c{}", self.0.initializers.len());
        let tensor =
            TensorProto { dims: dims.to_vec(), element: 1, raw: Some(raw.into()), ..TensorProto::default() };
        self.0.initializers.push(TensorProto { name: name.clone(), ..tensor });
        name
    }

    fn node(&mut self, operator: &str, inputs: Vec<String>) -> String {
        let output = format!("t{}", self.0.nodes.len());
        let (operator, outputs) = (operator.to_owned(), vec![output.clone()]);
        self.0.nodes.push(NodeProto { inputs, outputs, operator, ..NodeProto::default() });
        output
    }
}

fn model(folded: bool) -> onnx::Model {
    let mut random = SplitMix64::new(3);
    let mut writer = Writer::default();
    let mut x = "x".to_owned();
    let channels = i64::try_from(CHANNELS).unwrap_or(0);
    for _ in 0..4 {
        let mut weights = draw(&mut random, CHANNELS * CHANNELS * 9);
        let [gamma, beta, mean] = [(); 3].map(|()| draw(&mut random, CHANNELS));
        let variance: Vec<f32> = draw(&mut random, CHANNELS).iter().map(|value| value + 1.0).collect();
        let scale: Vec<f32> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + 1e-5).sqrt()).collect();
        if folded {
            for (place, weight) in weights.iter_mut().enumerate() {
                *weight *= scale[place / (CHANNELS * 9)];
            }
        }
        let kernel = writer.array(&[channels, channels, 3, 3], &weights);
        x = if folded {
            let bias: Vec<f32> = (0..CHANNELS).map(|c| beta[c] - mean[c] * scale[c]).collect();
            let bias = writer.array(&[channels], &bias);
            writer.node("Conv", vec![x, kernel, bias])
        } else {
            let convolved = writer.node("Conv", vec![x, kernel]);
            let all = [gamma, beta, mean, variance].map(|values| writer.array(&[channels], &values));
            writer.node("BatchNormalization", [convolved].into_iter().chain(all).collect())
        };
        x = writer.node("Relu", vec![x]);
    }
    let dims = [1, channels, 64, 64].map(|extent| Dimension { value: Some(extent), name: None }).to_vec();
    let kind = ValueKind { tensor: Some(TensorKind { element: 1, shape: Some(TensorShape { dims }) }) };
    writer.0.inputs.push(ValueInfo { name: "x".to_owned(), kind: Some(kind) });
    writer.0.outputs.push(ValueInfo { name: x, kind: None });
    let opsets = vec![Opset { domain: String::new(), version: 17 }];
    let model = ModelProto { graph: Some(writer.0), opsets, functions: Vec::new() };
    onnx::read(model.encode_to_vec().into(), &mut |_, _, _| Err(String::new())).expect("well-formed")
}

fn models(criterion: &mut Criterion) {
    let (before, after) = (model(false), model(true));
    criterion.bench_function("diff 4 × conv 64×64×3×3 and batch normalization, folded", |bencher| {
        bencher.iter(|| {
            diff(&before, &after, &Options::default(), &mut |_, _| {}).map(|found| found.verdict.word())
        });
    });
    criterion.bench_function("diff of a model and itself", |bencher| {
        bencher.iter(|| {
            diff(&before, &before, &Options::default(), &mut |_, _| {}).map(|found| found.verdict.word())
        });
    });
}

criterion_group!(benches, models);
criterion_main!(benches);
