//! Long fractions: `Rational` beside `num_rational::BigRational`, whose place its large form could take.

use std::hint::black_box;

use convproof::algebra::{Rational, SplitMix64};
use criterion::{Criterion, criterion_group, criterion_main};
use num_bigint::BigInt;
use num_rational::BigRational;

/// About `words` random words.
fn long(random: &mut SplitMix64, words: usize) -> BigInt {
    (0..words).fold(BigInt::from(1), |value, _| (value << 64u32) + random.next_u64())
}

fn bench(criterion: &mut Criterion) {
    let mut random = SplitMix64::new(7);
    for (name, words, dyadic) in [("floats", 1, true), ("128 bits", 1, false), ("1088 bits", 16, false)] {
        let pairs: Vec<(BigInt, BigInt)> = (0..100)
            .map(|_| {
                let numerator = long(&mut random, words);
                let power = BigInt::from(1) << (70 + random.below(30));
                (numerator, if dyadic { power } else { long(&mut random, words) })
            })
            .collect();
        let ours: Vec<Rational> =
            pairs.iter().filter_map(|(n, d)| Rational::new(n.clone(), d.clone())).collect();
        let theirs: Vec<BigRational> =
            pairs.iter().map(|(n, d)| BigRational::new(n.clone(), d.clone())).collect();
        let mut group = criterion.benchmark_group(format!("rational/{name}"));
        group.bench_function("sums", |b| {
            b.iter(|| ours.windows(2).for_each(|pair| drop(black_box(&pair[0] + &pair[1]))));
        });
        group.bench_function("sums, num-rational", |b| {
            b.iter(|| theirs.windows(2).for_each(|pair| drop(black_box(&pair[0] + &pair[1]))));
        });
        group.bench_function("products", |b| {
            b.iter(|| ours.windows(2).for_each(|pair| drop(black_box(&pair[0] * &pair[1]))));
        });
        group.bench_function("products, num-rational", |b| {
            b.iter(|| theirs.windows(2).for_each(|pair| drop(black_box(&pair[0] * &pair[1]))));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
