//! Least squares: time for 5×5 kernels into two 3×3, the parts of it, and how often the best residual is reached.
//!
//! With `CONVPROOF_WORKLOADS` set to a folder that holds `W6.json`, the kernels come from there. With
//! `CONVPROOF_FIT_QUALITY=1`, the quality on 200 kernels is measured and printed first: the share on which the default
//! options reach the best residual of 500 starts (three other seeds), and the share of that residual the bound certifies.

#![allow(clippy::float_arithmetic, reason = "compares residuals for display")]

use std::hint::black_box;

use convproof::algebra::{Grid, Rational};
use convproof::factor::fit::{Certify, Fit, Options, Problem, fit};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

type Kernels = Vec<Grid<Rational>>;

const SHAPES: [(usize, usize); 2] = [(3, 3), (3, 3)];

/// `count` kernels of `size × size` integers from -9 to 9, always the same.
fn kernels(count: usize, size: usize, seed: u64) -> Kernels {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % 19).expect("below 19") - 9
    };
    (0..count).map(|_| Grid::from_fn(size, size, |_, _| Rational::from(draw()))).collect()
}

/// The kernels and the planted products of `W6.json`.
fn workload() -> Option<(Kernels, Kernels)> {
    let path = std::path::Path::new(&std::env::var_os("CONVPROOF_WORKLOADS")?).join("W6.json");
    let text = std::fs::read_to_string(path).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    let kernel = |value: &serde_json::Value| {
        let rows: Vec<Vec<i64>> = serde_json::from_value(value.clone()).ok()?;
        Some(Grid::from_rows(rows)?.map(|&x| Rational::from(x)))
    };
    let all = json["kernels"].as_array()?.iter().map(kernel).collect::<Option<_>>()?;
    let planted =
        json["planted01"].as_array()?.iter().map(|case| kernel(&case["k"])).collect::<Option<_>>()?;
    Some((all, planted))
}

fn run(kernel: &Grid<Rational>, options: &Options) -> Fit {
    fit(&Problem::product(&SHAPES, kernel.clone()), options).expect("a problem within the limits")
}

fn residual(fit: &Fit) -> f64 {
    fit.residual_squared.to_f64().sqrt()
}

fn quality(kernels: &[Grid<Rational>]) {
    let quick = Options { certify: Certify::No, ..Options::default() };
    let (mut reached, mut converged, mut improved, mut ratios) = (0, 0, 0, Vec::new());
    for kernel in kernels {
        let ours = run(kernel, &Options { certify: Certify::Quick, ..Options::default() });
        let best = (1..=500)
            .step_by(167)
            .map(|seed| residual(&run(kernel, &Options { seed, starts: Some(167), ..quick })))
            .fold(f64::INFINITY, f64::min);
        reached += usize::from(residual(&ours) <= best * (1.0 + 1e-9));
        improved += usize::from(residual(&ours) < best * (1.0 - 1e-9));
        converged += usize::from(ours.converged);
        let bound = ours.lower_bound.as_ref().expect("asked for").squared.to_f64().sqrt();
        assert!(bound <= best.min(residual(&ours)), "the bound exceeds a residual");
        ratios.push(bound / residual(&ours).max(f64::MIN_POSITIVE));
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "quality: {reached} of {} reach the best of 501 starts ({improved} beat it), {converged} converged; bound / residual: \
         least {:.3}, median {:.3}, most {:.3}",
        kernels.len(),
        ratios[0],
        ratios[ratios.len() / 2],
        ratios[ratios.len() - 1],
    );
}

fn benches(criterion: &mut Criterion) {
    if std::env::var_os("CONVPROOF_FIT_QUALITY").is_some() {
        quality(&kernels(200, 5, 1));
    }
    let (random, planted) = workload().unwrap_or_else(|| (kernels(100, 5, 2), Vec::new()));
    println!(
        "planted products recovered exactly: {} of {}",
        planted
            .iter()
            .filter(|kernel| run(kernel, &Options { certify: Certify::No, ..Options::default() }).is_exact())
            .count(),
        planted.len()
    );
    let mut group = criterion.benchmark_group("fit");
    let mut measure = |name: &str, kernels: &[Grid<Rational>], options: Options| {
        let mut next = kernels.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || next.next().expect("not empty"),
                |kernel| black_box(run(kernel, &options)),
                BatchSize::SmallInput,
            );
        });
    };
    let default = Options { certify: Certify::Quick, ..Options::default() };
    measure("5x5 into two 3x3", &random, default);
    measure("5x5 into two 3x3, no bound", &random, Options { certify: Certify::No, ..default });
    measure(
        "5x5 into two 3x3, one start",
        &random,
        Options { certify: Certify::No, starts: Some(1), ..default },
    );
    measure(
        "5x5 into two 3x3, 20 starts",
        &random,
        Options { certify: Certify::No, starts: Some(20), ..default },
    );
    measure("5x5 into two 3x3, certified", &random, Options::default());
    group.finish();
}

criterion_group!(fitting, benches);
criterion_main!(fitting);
