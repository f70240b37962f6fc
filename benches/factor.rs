//! Exact factorization and deconvolution (workload W5).
//!
//! With `CONVPROOF_WORKLOADS` set to a folder that holds `W5.json`, the inputs are those of the peers; otherwise
//! they are made here with the same shapes and entries.

use convproof::algebra::Grid;
use convproof::algebra::poly::plane;
use convproof::factor::divide::divide;
use convproof::factor::exact::factor;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use num_bigint::BigInt;
use std::hint::black_box;

/// Name, size of the planted factors (or of the kernel), number of cases.
const GROUPS: [(&str, usize, usize); 5] =
    [("5x5", 3, 100), ("rand5x5", 5, 100), ("9x9", 5, 20), ("17x17", 9, 5), ("33x33", 17, 1)];

fn grid(value: &serde_json::Value) -> Option<Grid<BigInt>> {
    let row =
        |row: &serde_json::Value| row.as_array()?.iter().map(|c| Some(BigInt::from(c.as_i64()?))).collect();
    Grid::from_rows(value.as_array()?.iter().map(row).collect::<Option<_>>()?)
}

fn from_file(group: &str) -> Option<Vec<Grid<BigInt>>> {
    let folder = std::env::var_os("CONVPROOF_WORKLOADS")?;
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("W5.json")).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    json["groups"][group].as_array()?.iter().map(|case| grid(&case["k"])).collect()
}

fn made(group: &str, size: usize, count: usize) -> Vec<Grid<BigInt>> {
    let mut state = 1u64;
    let mut next = |size: usize| {
        Grid::from_fn(size, size, |_, _| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            BigInt::from((state >> 33) % 19) - 9
        })
    };
    let kernel = |_| match group {
        "rand5x5" => next(size),
        _ => plane::mul(&next(size), &next(size)),
    };
    (0..count).map(kernel).collect()
}

fn benchmarks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("factor");
    for (name, size, count) in GROUPS {
        let kernels = from_file(name).unwrap_or_else(|| made(name, size, count));
        group.throughput(Throughput::Elements(kernels.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for kernel in &kernels {
                    black_box(factor(black_box(kernel)).expect("the workload is within the limits"));
                }
            });
        });
    }
    group.finish();
    let (divisor, quotient) = (made("rand5x5", 3, 1), made("rand5x5", 3, 1));
    let product = plane::mul(&divisor[0], &quotient[0]);
    criterion.bench_function("divide/5x5 by 3x3", |bencher| {
        bencher.iter_batched(
            || (&product, &divisor[0]),
            |(product, divisor)| black_box(divide(product, divisor)),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
