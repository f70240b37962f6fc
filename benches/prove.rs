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
const FREE: &str = "kernel P = ones(2,2) / 4
kernel K1[3,3] kernel K2[3,3] kernel K3[3,3] kernel K4[3,3] kernel K5[3,3]
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
            "one kernel, a factor repeated in place of another (refuted)",
            "refute Pooled == conv(K1 * P * dilate(K2 * P,2) * dilate(K3 * P,4) * dilate(K3 * P,8) * dilate(K5,16), stride=16)",
        ),
        (
            "the kernel of a stack with a factor repeated (refuted)",
            "stack Other = conv(K1) -> avgpool(2) -> conv(K2) -> avgpool(2) -> conv(K3) -> avgpool(2) -> conv(K3) -> avgpool(2) -> conv(K5)
            refute Pooled == conv(kernel(Other), stride=16)",
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

/// RepVGG's three branches with batch normalization, and what they are folded into.
const BLOCK: &str = r#"kernel A[C,C,3,3]
kernel P[C,C,1,1]
kernel g3[C] kernel b3[C] kernel m3[C] kernel v3[C]
kernel g1[C] kernel b1[C] kernel m1[C] kernel v1[C]
kernel g0[C] kernel b0[C] kernel m0[C] kernel v0[C]
scalar e
stack T = (conv(A, padding=1) -> batchnorm(g3, b3, m3, v3, e)) + (conv(P) -> batchnorm(g1, b1, m1, v1, e)) + batchnorm(g0, b0, m0, v0, e)
kernel t3[C] = g3 / sqrt(v3 + e)
kernel t1[C] = g1 / sqrt(v1 + e)
kernel t0[C] = g0 / sqrt(v0 + e)
kernel b[C] = b3 - hadamard(m3, t3) + b1 - hadamard(m1, t1) + b0 - hadamard(m0, t0)
kernel c[C] = b3 - hadamard(m3, t3) + b1 - hadamard(m1, t1) + b0 + hadamard(m0, t0)
kernel W[C,C,1,1] = scale_rows(P, t1) + scale_rows(eye(C), t0)
kernel K[C,C,3,3] = scale_rows(A, t3)
"#;

/// The block is its fold, and five that are nearly its fold are refuted.
fn batchnorm(c: &mut Criterion) {
    let cases = [
        ("proved", "prove T == conv(K + pad(W,1), padding=1, bias=b)"),
        (
            "without the identity (refuted)",
            "refute T == conv(K + pad(scale_rows(P, t1),1), padding=1, bias=b)",
        ),
        ("the 1×1 not in the middle (refuted)", "refute T == conv(K + pad(W,[2,1,0,1]), padding=1, bias=b)"),
        ("inputs scaled (refuted)", "refute T == conv(scale_columns(A, t3) + pad(W,1), padding=1, bias=b)"),
        ("the sign of a mean (refuted)", "refute T == conv(K + pad(W,1), padding=1, bias=c)"),
        ("the bias forgotten (refuted)", "refute T == conv(K + pad(W,1), padding=1)"),
    ];
    let mut group = c.benchmark_group("RepVGG with batchnorm");
    for (name, claim) in cases {
        for count in [64, 512] {
            let count = count.to_string();
            let spec = Source::new(name, format!("{BLOCK}{claim}").replace('C', &count));
            group.bench_function(format!("{name}, {count}"), |b| b.iter(|| decide(&spec)));
        }
    }
    group.finish();
}

/// Chains of free kernels for a number of channels, and for all of them.
fn chains(c: &mut Criterion) {
    let declared =
        "kernel A[C,C,3,3] kernel B[C,C,3,3] kernel D[C,C,3,3] kernel E[C,C,3,3] kernel F[C,C,3,3]\n";
    let five = "prove conv(A) -> conv(B) -> conv(D) -> conv(E) -> conv(F) == conv(A * B * D * E * F)";
    let pooled = "prove conv(A) -> avgpool(2) -> conv(B) -> avgpool(2) -> conv(D) -> avgpool(2) -> conv(E) -> avgpool(2) -> conv(F) \
                  == conv(A * dilate(B,2) * dilate(D,4) * dilate(E,8) * dilate(F,16)) -> avgpool(16)";
    let mut group = c.benchmark_group("chains");
    for (name, claim) in [("five in a row", five), ("section 8", pooled)] {
        for count in ["8", "512", "c"] {
            let size = if count == "c" { "size c\n" } else { "" };
            let spec = Source::new(
                name,
                format!("{size}{declared}{claim}").replace("C,C", &format!("{count},{count}")),
            );
            group.bench_function(format!("{name}, {count}"), |b| b.iter(|| decide(&spec)));
        }
    }
    group.finish();
}

/// Tiles as channels.
fn tiles(c: &mut Criterion) {
    let mut group = c.benchmark_group("tiles");
    for (name, claim) in [
        ("there and back", "prove depth_to_space(2) -> space_to_depth(2) -> conv(A) == conv(A)"),
        ("other weights (refuted)", "refute space_to_depth(2) -> conv(A) == space_to_depth(2) -> conv(B)"),
        (
            "a stride of 2 on tiles",
            "prove conv(K, stride=2) == space_to_depth(2) -> conv(kernel(depth_to_space(2) -> conv(K, stride=2))) where h % 2 == 0 and w % 2 == 0",
        ),
        (
            "of another kernel (refuted)",
            "refute conv(K, stride=2) == space_to_depth(2) -> conv(kernel(depth_to_space(2) -> conv(L, stride=2))) where h % 2 == 0 and w % 2 == 0",
        ),
    ] {
        let declared =
            "kernel A[256,1024,3,3] kernel B[256,1024,3,3] kernel K[256,256,4,4] kernel L[256,256,4,4]";
        let spec = Source::new(name, format!("{declared}\n{claim}"));
        group.bench_function(format!("{name}, 256"), |b| b.iter(|| decide(&spec)));
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

/// Claims on relu and max pooling that layers around them commute with, or only nearly.
const NONLINEAR: &str = r#"kernel A[3,3]
kernel B[3,3]
kernel K[2,1,3,3]
prove "branches":  concat(conv(A) -> relu, conv(B) -> relu) == concat(conv(A), conv(B)) -> relu
prove "slice":     concat(conv(A), conv(B)) -> relu -> select(0,1) == conv(A) -> relu
prove "permute":   concat(conv(A),conv(B)) -> relu -> concat(select(1,2),select(0,1)) == concat(conv(B),conv(A)) -> relu
prove "dead":      concat(conv(A),conv(B)) -> relu -> conv([[[[1]] [[0]]]]) == conv(A) -> relu
prove "crop":      conv(A) -> relu -> crop(1) == conv(A) -> crop(1) -> relu
prove "stride":    conv(A) -> relu -> subsample(2) == conv(A, stride=2) -> relu
prove "up":        relu -> upsample(2) == upsample(2) -> relu
prove "s2d":       relu -> space_to_depth(2) == space_to_depth(2) -> relu
prove "scale":     conv(A) -> relu -> scale(2) == conv(2*A) -> relu
prove "scale ch":  conv(K) -> scale([2 3]) -> relu == conv(K) -> relu -> scale([2 3])
prove "mp scale":  scale(2) -> maxpool(2) == maxpool(2) -> scale(2)
prove "mp bias":   bias(3) -> maxpool(2) == maxpool(2) -> bias(3)
prove "mp stride": maxpool(2) == maxpool(2, stride=1) -> subsample(2)
prove "mp pad":    maxpool(2, stride=1, padding=1) ^ 2 == maxpool(3, stride=1, padding=2)
prove "mp relu":   pad(1) -> relu -> maxpool(3) == relu -> maxpool(3, stride=3, padding=1)
prove "abs":       2*relu - id == relu + (scale(-1) -> relu)
refute "kink":     relu == relu - (bias(-10) -> relu)
refute "nine":     maxpool(9, stride=1, padding=4) == maxpool(7, stride=1, padding=3)
refute "nine in a row": maxpool([1,9], stride=1, padding=[0,4]) == maxpool([1,7], stride=1, padding=[0,3])
"#;

/// A residual block, its batch normalization folded.
const RESIDUAL: &str = r#"kernel W[64,64,3,3]
kernel V[64,64,3,3]
kernel g[64]
kernel b[64]
kernel m[64]
kernel s[64]
kernel g2[64]
kernel b2[64]
kernel m2[64]
kernel s2[64]
kernel f = g/sqrt(s+1e-5)
kernel f2 = g2/sqrt(s2+1e-5)
prove "ResNet basic block": (conv(W,padding=1) -> batchnorm(g,b,m,s) -> relu -> conv(V,padding=1) -> batchnorm(g2,b2,m2,s2)) + id -> relu == (conv(scale_rows(W, f), padding=1, bias=b-hadamard(m, f)) -> relu -> conv(scale_rows(V, f2), padding=1, bias=b2-hadamard(m2, f2))) + id -> relu
"#;

fn nonlinear(c: &mut Criterion) {
    for (name, text) in [
        ("19 claims on relu and max pooling", NONLINEAR),
        ("ResNet basic block, 64 channels, batchnorm folded", RESIDUAL),
    ] {
        let spec = Source::new(name, text.to_owned());
        c.bench_function(name, |b| b.iter(|| decide(&spec)));
    }
}

criterion_group!(
    benches,
    section_eight,
    all_sizes,
    repvgg,
    batchnorm,
    channels,
    chains,
    tiles,
    nonlinear,
    many
);
criterion_main!(benches);
