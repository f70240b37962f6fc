//! Times of exact composition: the workloads W1 (the chain of five convolutions and four poolings), W2 (two
//! large kernels of 64-bit integers) and W3 (three 64-channel convolutions of floats taken exactly).
//!
//! With the variable `CONVPROOF_WORKLOADS` set to a folder that holds `W1.json`, `W2.json` and `W3.json`, those
//! inputs are used; else generated ones of the same shapes and ranges.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use convproof::algebra::{Rational, SplitMix64};
use convproof::kernel::{ConcreteKernel, Integers, Shape};
use criterion::{Criterion, criterion_group, criterion_main};
use num_bigint::BigInt;
use serde_json::Value;

struct Workloads {
    /// Five 3×3 kernels.
    chain: Vec<ConcreteKernel>,
    /// Two 256×256 kernels.
    large: Vec<ConcreteKernel>,
    /// Three `[64,64,3,3]` kernels.
    channels: Vec<ConcreteKernel>,
}

impl Workloads {
    fn load() -> Self {
        match std::env::var_os("CONVPROOF_WORKLOADS") {
            Some(folder) => Self::read(Path::new(&folder)),
            None => Self::generate(),
        }
    }

    fn read(folder: &Path) -> Self {
        let parse = |name: &str| -> Value {
            let text = std::fs::read(folder.join(name)).expect("a readable workload");
            serde_json::from_slice(&text).expect("a JSON workload")
        };
        let (first, second, third) = (parse("W1.json"), parse("W2.json"), parse("W3.json"));
        let layers = first["layers"].as_array().expect("layers");
        let chain =
            layers.iter().filter(|layer| layer["type"] == "conv").map(|layer| integers(&layer["kernel"]));
        let channels = third["kernels"].as_array().expect("kernels").iter().map(floats);
        Self {
            chain: chain.collect(),
            large: ["a", "b"].map(|name| integers(&second[name])).to_vec(),
            channels: channels.collect(),
        }
    }

    fn generate() -> Self {
        let mut random = SplitMix64::new(20_240_607);
        let mut plane = |size: usize, mut value: Box<dyn FnMut(u64) -> i64>| {
            let values = (0..size * size).map(|_| value(random.next_u64())).collect();
            ConcreteKernel::from_integers(Shape::plane(size, size), values).expect("a valid shape")
        };
        let small = |bits: u64| i64::try_from(bits % 9).expect("below 9") - 4;
        let chain = (0..5).map(|_| plane(3, Box::new(small))).collect();
        let large = (0..2).map(|_| plane(256, Box::new(u64::cast_signed))).collect();
        // Floats of 24 bits, whose exponents spread like those of normally distributed weights.
        let mut weight = || {
            let bits = random.next_u64();
            let mantissa = i64::try_from((bits >> 41) | 1 << 23).expect("24 bits");
            let shift = 26 + (bits & 0xffff).leading_zeros().saturating_sub(48);
            let value = Rational::ratio(mantissa, 1 << shift).expect("not 0");
            if bits & 1 << 20 == 0 { value } else { -value }
        };
        let channels = (0..3).map(|_| {
            let values: Vec<Rational> = (0..64 * 64 * 9).map(|_| weight()).collect();
            ConcreteKernel::from_rationals(Shape::new(64, 64, 3, 3), &values).expect("a valid shape")
        });
        Self { chain, large, channels: channels.collect() }
    }
}

fn leaves<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value.as_array() {
        Some(values) => values.iter().for_each(|value| leaves(value, found)),
        None => found.push(value),
    }
}

fn integers(rows: &Value) -> ConcreteKernel {
    let mut numbers = Vec::new();
    leaves(rows, &mut numbers);
    let values = numbers.iter().map(|number| number.as_i64().expect("a 64-bit integer")).collect();
    let height = rows.as_array().expect("rows").len();
    ConcreteKernel::from_integers(Shape::plane(height, height), values).expect("a square kernel")
}

fn floats(kernel: &Value) -> ConcreteKernel {
    let mut numbers = Vec::new();
    leaves(kernel, &mut numbers);
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the numbers are float32 values, which rounding restores"
    )]
    let exact = |number: &&Value| Rational::from_f64(f64::from(number.as_f64().expect("a number") as f32));
    let values: Vec<Rational> = numbers.iter().map(|number| exact(number).expect("finite")).collect();
    ConcreteKernel::from_rationals(Shape::new(64, 64, 3, 3), &values).expect("a valid shape")
}

/// Convolutions with a pooling by 2 after each but the last.
fn compose_chain(kernels: &[ConcreteKernel], pool: &ConcreteKernel) -> ConcreteKernel {
    let mut result = kernels[0].clone();
    let mut stride = 1;
    for kernel in &kernels[1..] {
        result = result.convolve_dilated(pool, [stride, stride]).expect("small");
        stride *= 2;
        result = result.convolve_dilated(kernel, [stride, stride]).expect("small");
    }
    result
}

fn compose(criterion: &mut Criterion) {
    let workloads = Workloads::load();
    let pool = ConcreteKernel::from_bigints(Shape::plane(2, 2), &vec![1.into(); 4], 4.into())
        .expect("a valid shape");
    let chain = compose_chain(&workloads.chain, &pool);
    assert_eq!((chain.shape(), chain.denominator()), (Shape::plane(78, 78), &BigInt::from(256)));

    let mut group = criterion.benchmark_group("compose");
    group.bench_function("W1 chain to 78×78", |bench| {
        bench.iter(|| compose_chain(black_box(&workloads.chain), &pool));
    });
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    let [a, b] = &workloads.large[..] else { panic!("two kernels") };
    group.bench_function("W2 256×256 by 256×256", |bench| {
        bench.iter(|| black_box(a).convolve(black_box(b)).expect("within limits"));
    });
    let [a, b, c] = &workloads.channels[..] else { panic!("three kernels") };
    group.bench_function("W3 three 3×3 of 64 channels", |bench| {
        bench.iter(|| {
            let two = black_box(a).convolve(black_box(b)).expect("within limits");
            two.convolve(black_box(c)).expect("within limits")
        });
    });
    group.finish();
    let Integers::Wide(_) = a.convolve(b).expect("within limits").integers() else {
        panic!("W3 needs big integers")
    };
}

criterion_group!(benches, compose);
criterion_main!(benches);
