use convproof::algebra::Grid;
use convproof::algebra::poly::plane;
use convproof::factor::exact::factor;
use num_bigint::BigInt;
#[test]
fn lines() {
    for n in [8usize, 12, 16, 20, 24, 28, 32] {
        let mut s = 12345u64 + n as u64;
        let mut next = || {
            s ^= s << 13;
            s ^= s >> 7;
            s ^= s << 17;
            ((s >> 20) % 11) as i64 - 5
        };
        let mut f = plane::one();
        for _ in 0..n {
            f = plane::mul(&f, &Grid::from_fn(2, 2, |_, _| BigInt::from(next())));
        }
        let t = std::time::Instant::now();
        let r = factor(&f);
        println!("{n} {:?} {:?}", r.map(|r| r.factors.len()), t.elapsed());
    }
}
