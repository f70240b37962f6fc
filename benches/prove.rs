//! How long whole claims take to decide: parse, resolve, decide and put into words.

use convproof::check::{Files, check};
use convproof::source::Source;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path}: no files here"))
    }
}

/// Decides a spec; all its claims must hold.
fn decide(spec: &Source) {
    let report = check(black_box(spec), &NoFiles, &mut |_| {});
    assert!(report.errors.is_empty() && report.claims().all(|claim| claim.holds), "{:?}", report.errors);
}

/// Five free 3×3 kernels with average pooling between them: one 78×78 kernel of stride 16, 15.1 million terms.
const FREE: &str = "kernel K1[3,3] kernel K2[3,3] kernel K3[3,3] kernel K4[3,3] kernel K5[3,3]
stack Pooled = conv(K1) -> avgpool(2) -> conv(K2) -> avgpool(2) -> conv(K3) -> avgpool(2) -> conv(K4) -> avgpool(2) -> conv(K5)
";

fn section_eight(c: &mut Criterion) {
    let cases = [
        ("one kernel", "prove Pooled == conv(kernel(Pooled), stride=16)"),
        (
            "63×63, then avgpool(16)",
            "prove Pooled == conv(K1) -> conv(dilate(K2,2)) -> conv(dilate(K3,4)) -> conv(dilate(K4,8)) -> conv(dilate(K5,16)) -> avgpool(16)",
        ),
        (
            "two kernels exchanged (refuted)",
            "refute Pooled == conv(K1) -> conv(dilate(K3,2)) -> conv(dilate(K2,4)) -> conv(dilate(K4,8)) -> conv(dilate(K5,16)) -> avgpool(16)",
        ),
    ];
    let mut group = c.benchmark_group("W4: five free kernels");
    for (name, claim) in cases {
        let spec = Source::new(name, format!("{FREE}{claim}"));
        group.bench_function(name, |b| b.iter(|| decide(&spec)));
    }
    group.finish();
}

fn all_sizes(c: &mut Criterion) {
    let spec = Source::new(
        "all sizes",
        "kernel A[3,3] kernel B[3,3] kernel C[3,3]
        refute conv(A, stride=2, padding=1) -> conv(B, stride=2, padding=1) -> conv(C, stride=2, padding=1)
            == conv(A * dilate(B,2) * dilate(C,4), stride=8, padding=7)",
    );
    c.bench_function("three padded 3×3 of stride 2, every size", |b| b.iter(|| decide(&spec)));
}

fn repvgg(c: &mut Criterion) {
    let spec = Source::new(
        "RepVGG",
        "kernel K[64,64,3,3] kernel P[64,64,1,1] kernel b[64]
        prove conv(K, padding=1, bias=b) + conv(P) + id == conv(K + pad(P,1,1,1,1) + pad(eye(64),1,1,1,1), padding=1, bias=b)",
    );
    c.bench_function("RepVGG block, 64 channels, free weights", |b| b.iter(|| decide(&spec)));
}

/// Free kernels with channels: what does not depend on how many, and refutations, whose replay does.
fn channels(c: &mut Criterion) {
    let mut group = c.benchmark_group("channels");
    for count in [8, 64, 512] {
        let declared = format!(
            "kernel A[{count},{count},3,3] kernel B[{count},{count},3,3] kernel P[{count},{count},1,1]
            kernel g[{count}] kernel b[{count}] kernel m[{count}] kernel v[{count}]\n"
        );
        let folded = "g / sqrt(v + 1e-5)";
        let cases = [
            ("two are one", "prove conv(A) -> conv(B) == conv(A * B)".to_owned()),
            ("two do not commute", "refute conv(A) -> conv(B) == conv(B) -> conv(A)".to_owned()),
            (
                "two branches with batchnorm",
                format!(
                    "prove (conv(A, padding=1) + conv(P)) -> batchnorm(g,b,m,v) == conv(scale_rows(A + pad(P,1), {folded}), \
                     padding=1, bias=b - hadamard(m, {folded}))"
                ),
            ),
            (
                "the mean forgotten",
                format!(
                    "refute (conv(A, padding=1) + conv(P)) -> batchnorm(g,b,m,v) == conv(scale_rows(A + pad(P,1), {folded}), \
                     padding=1, bias=b)"
                ),
            ),
            (
                "relu in between",
                format!(
                    "prove conv(A, padding=1) -> batchnorm(g,b,m,v) -> relu -> conv(B) == conv(scale_rows(A, {folded}), \
                     padding=1, bias=b - hadamard(m, {folded})) -> relu -> conv(B)"
                ),
            ),
        ];
        for (name, claim) in cases {
            let spec = Source::new(name, format!("{declared}{claim}"));
            group.bench_function(format!("{name}, {count}"), |b| b.iter(|| decide(&spec)));
        }
    }
    group.finish();
}

fn many(c: &mut Criterion) {
    let mut text = String::from("kernel A[3,3]\nkernel B[3,3]\n");
    for _ in 0..10_000 {
        text.push_str("prove conv(A) -> conv(B) == conv(A * B)\n");
    }
    let spec = Source::new("many", text);
    let mut group = c.benchmark_group("specs");
    group.sample_size(10).bench_function("10,000 claims", |b| b.iter(|| decide(&spec)));
    group.finish();
}

criterion_group!(benches, section_eight, all_sizes, repvgg, channels, many);
criterion_main!(benches);
