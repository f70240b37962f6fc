//! Claims about weights from float32 files, with more and more channels: bounds of folded batch normalization, and one
//! tap that differs. From the bytes of the files to the verdict in words.

#![allow(clippy::float_arithmetic, reason = "weights are made as frameworks make them")]

use std::collections::BTreeMap;
use std::hint::black_box;

use convproof::algebra::SplitMix64;
use convproof::check::{Files, check};
use convproof::source::Source;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Arrays by file name.
struct Arrays(BTreeMap<String, Vec<u8>>);

impl Files for Arrays {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| format!("no {path}"))
    }
}

fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(&header.len().to_le_bytes()[..2]);
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// Batch normalization with random statistics: gamma, beta, mean, var.
fn norm(random: &mut SplitMix64, channels: usize) -> [Vec<f32>; 4] {
    let mut uniform = |from: f32, to: f32| -> Vec<f32> {
        (0..channels).map(|_| from + (to - from) * unit(random)).collect()
    };
    [uniform(0.5, 1.5), uniform(-1.0, 1.0), uniform(-1.0, 1.0), uniform(0.5, 2.0)]
}

#[allow(clippy::cast_precision_loss, reason = "24 bits fit")]
fn unit(random: &mut SplitMix64) -> f32 {
    random.below(1 << 24) as f32 / (1 << 24) as f32
}

/// A 3×3 and a 1×1 convolution with batch normalization, the fold of the first, and RepVGG's sum of three branches.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "weights are rounded to float32"
)]
fn arrays(channels: usize) -> Arrays {
    let mut random = SplitMix64::new(7);
    let area = channels * channels;
    let mut weights = |count: usize| -> Vec<f32> {
        let scale = (count as f32 / channels as f32).sqrt();
        (0..count).map(|_| (unit(&mut random) - 0.5) / scale).collect()
    };
    let (kernel, point) = (weights(area * 9), weights(area));
    let norms = [(); 3].map(|()| norm(&mut random, channels));
    let factors = norms.each_ref().map(|[gamma, _, _, var]| -> Vec<f64> {
        gamma.iter().zip(var).map(|(g, v)| f64::from(*g) / (f64::from(*v) + 1e-5).sqrt()).collect()
    });
    let offsets = |i: usize| -> Vec<f64> {
        let [_, beta, mean, _] = &norms[i];
        (0..channels).map(|o| f64::from(beta[o]) - f64::from(mean[o]) * factors[i][o]).collect()
    };
    let folded = |at: usize| f64::from(kernel[at]) * factors[0][at / (9 * channels)];
    let fold: Vec<f32> = (0..area * 9).map(|at| folded(at) as f32).collect();
    let sum = |at: usize| {
        let (o, c, tap) = (at / (9 * channels), at / 9 % channels, at % 9);
        let centre =
            f64::from(point[o * channels + c]) * factors[1][o] + if o == c { factors[2][o] } else { 0.0 };
        (folded(at) + if tap == 4 { centre } else { 0.0 }) as f32
    };
    let sums: Vec<f32> = (0..area * 9).map(sum).collect();
    let [first, second, third] = [0, 1, 2].map(offsets);
    let total = first.iter().zip(&second).zip(&third).map(|((a, b), c)| (a + b + c) as f32).collect();
    let first = first.into_iter().map(|value| value as f32).collect();
    let mut tap = kernel.clone();
    tap[area * 9 / 2 + 4] += 2f32.powi(-20);
    let (cube, matrix, vector) = (
        format!("{channels}, {channels}, 3, 3"),
        format!("{channels}, {channels}, 1, 1"),
        format!("{channels},"),
    );
    let mut all = BTreeMap::new();
    let mut add =
        |name: &str, shape: &str, values: &Vec<f32>| all.insert(format!("{name}.npy"), npy(shape, values));
    for (name, values) in [("K", &kernel), ("F", &fold), ("R", &sums), ("T", &tap)] {
        add(name, &cube, values);
    }
    add("P", &matrix, &point);
    add("fb", &vector, &first);
    add("rb", &vector, &total);
    for (i, values) in norms.iter().enumerate() {
        for (name, values) in ["g", "b", "m", "v"].iter().zip(values) {
            add(&format!("{name}{i}"), &vector, values);
        }
    }
    Arrays(all)
}

/// A claim after the declarations of what it names.
fn spec(names: &str, claim: &str) -> Source {
    let load = |name: &str| format!("kernel {name} = load(\"{name}.npy\")\n");
    Source::new("weights", names.split(' ').map(load).collect::<String>() + claim)
}

fn growth(c: &mut Criterion) {
    let claims = [
        (
            "conv, batchnorm ~= float32 fold",
            spec(
                "K F fb g0 b0 m0 v0",
                "prove conv(K, padding=1) -> batchnorm(g0, b0, m0, v0) ~= conv(F, padding=1, bias=fb) within 1e-3",
            ),
        ),
        (
            "RepVGG ~= float32 sum",
            spec(
                "K P R rb g0 b0 m0 v0 g1 b1 m1 v1 g2 b2 m2 v2",
                "prove (conv(K, padding=1) -> batchnorm(g0, b0, m0, v0)) + (conv(P) -> batchnorm(g1, b1, m1, v1)) \
                 + batchnorm(g2, b2, m2, v2) ~= conv(R, padding=1, bias=rb) within 1e-3",
            ),
        ),
        ("one tap off (refuted)", spec("K T", "refute conv(K, padding=1) == conv(T, padding=1)")),
    ];
    for (name, spec) in &claims {
        let mut group = c.benchmark_group(*name);
        group.sample_size(10);
        for channels in [8, 16, 64, 256] {
            let files = arrays(channels);
            group.bench_with_input(BenchmarkId::from_parameter(channels), &files, |b, files| {
                b.iter(|| {
                    let report = check(black_box(spec), files, &mut |_| {});
                    let holds = report.errors.is_empty() && report.claims().all(|claim| claim.holds);
                    assert!(holds, "{:?}", report.errors);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, growth);
criterion_main!(benches);
