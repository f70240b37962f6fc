//! Reading the weights of a 3×3 convolution of 64 channels, exactly.

use convproof::algebra::SplitMix64;
use convproof::load::load;
use criterion::{Criterion, criterion_group, criterion_main};

fn npy() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (64, 64, 3, 3), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(&header.len().to_le_bytes()[..2]);
    bytes.extend(header.as_bytes());
    let mut random = SplitMix64::new(1);
    for _ in 0..64 * 64 * 9 {
        // Sign and fraction at random, magnitudes from 2⁻¹⁰ to 1.
        let exponent = 117 + random.below(10);
        let bits = (random.below(2) << 31) | (exponent << 23) | random.below(1 << 23);
        bytes.extend(&bits.to_le_bytes()[..4]);
    }
    bytes
}

fn read(criterion: &mut Criterion) {
    let bytes = npy();
    criterion.bench_function("load 64×64×3×3 float32", |bencher| {
        bencher.iter(|| load(&bytes, "w.npy", None).expect("well-formed"));
    });
}

criterion_group!(benches, read);
criterion_main!(benches);
