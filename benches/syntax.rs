//! Reading and printing a spec of 10,000 one-line claims.

use std::hint::black_box;

use convproof::syntax::{parse, print};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn claims(c: &mut Criterion) {
    let text: String = (0..10_000)
        .map(|i| {
            format!(
                "prove \"claim {i}\": conv(A) -> conv(B) -> avgpool(2) == conv(A * B * box(2), stride=2)\n"
            )
        })
        .collect();
    let mut group = c.benchmark_group("syntax");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse 10k claims", |b| b.iter(|| parse(black_box(&text))));
    let (spec, errors) = parse(&text);
    assert!(errors.is_empty());
    group.bench_function("print 10k claims", |b| b.iter(|| print(black_box(&spec))));
    group.finish();
}

criterion_group!(benches, claims);
criterion_main!(benches);
