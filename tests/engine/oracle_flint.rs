//! The factoriser against FLINT, a second implementation, through `python-flint`.

use convproof::algebra::Grid;
use convproof::algebra::poly::plane;
use convproof::factor::exact::{Factorization, factor};
use num_bigint::BigInt;
use num_traits::One;

use crate::oracle;

/// Small deterministic generator.
struct Source(u64);

impl Source {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    fn size(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap() + 1
    }

    /// Entries of about `digits` decimal digits, a share of them zero.
    fn grid(&mut self, height: usize, width: usize, digits: u32, zeros: u64) -> Grid<BigInt> {
        Grid::from_fn(height, width, |_, _| {
            if self.below(10) < zeros {
                return BigInt::ZERO;
            }
            let mut value = BigInt::one();
            for _ in 0..digits {
                value = value * 10 + self.below(10);
            }
            value % BigInt::from(10).pow(digits) - 5 * BigInt::from(10).pow(digits - 1)
        })
    }
}

fn cases() -> Vec<Grid<BigInt>> {
    let mut source = Source(0x5eed);
    let mut cases = Vec::new();
    for round in 0..120 {
        let digits = [1, 1, 1, 2, 20, 45][round % 6];
        let zeros = [0, 3, 6, 8][round % 4];
        let (h, w) = (source.size(5), source.size(5));
        let a = source.grid(h, w, digits, zeros);
        let (h, w) = (source.size(5), source.size(4));
        let b = source.grid(h, w, digits, zeros);
        let (h, w) = (source.size(3), source.size(3));
        let c = source.grid(h, w, 1, zeros);
        let product = plane::mul(&a, &b);
        cases.push(plane::mul(&product, &c));
        cases.push(plane::mul(&product, &plane::mul(&c, &c)));
        cases.push(a.clone());
        // Norms from a quadratic field split modulo half of the primes.
        let (p, q) = (source.grid(3, 3, 1, zeros), source.grid(3, 3, 1, zeros));
        let (pp, qq) = (plane::mul(&p, &p), plane::mul(&q, &q));
        cases.push(Grid::from_fn(5, 5, |i, j| pp.at(i, j) - qq.at(i, j) * [2, -1, 3, -3][round % 4]));
    }
    // x^n − y^n, and products of many linear factors.
    for n in [6usize, 8, 12, 15, 24] {
        cases.push(Grid::from_fn(n + 1, n + 1, |i, j| match (i, j) {
            (i, 0) if i == n => BigInt::one(),
            (0, j) if j == n => -BigInt::one(),
            _ => BigInt::ZERO,
        }));
        let lines = (0..n).map(|_| source.grid(2, 2, 1, 1));
        cases.push(lines.fold(plane::one(), |acc, line| plane::mul(&acc, &line)));
    }
    // Symmetric kernels, the usual shape of filters.
    for _ in 0..40 {
        let quarter = source.grid(3, 3, 1, 2);
        let fold = |i: usize| if i < 3 { i } else { 4 - i };
        cases.push(Grid::from_fn(5, 5, |i, j| quarter.at(fold(i), fold(j)) + quarter.at(fold(j), fold(i))));
    }
    cases.retain(|kernel| plane::leading_position(kernel).is_some());
    cases
}

/// The factors other than x and y, in our order, and the powers of x and y.
fn normal_form(json: &serde_json::Value) -> Factorization {
    let integer = |c: &serde_json::Value| c.as_str().unwrap().parse::<BigInt>().unwrap();
    let mut result =
        Factorization { content: integer(&json[0]), x_power: 0, y_power: 0, factors: Vec::new() };
    for factor in json[1].as_array().unwrap() {
        let rows = factor[0].as_array().unwrap().iter();
        let rows = rows.map(|row| row.as_array().unwrap().iter().map(integer).collect()).collect();
        let grid = Grid::from_rows(rows).unwrap();
        let multiplicity = usize::try_from(factor[1].as_u64().unwrap()).unwrap();
        let (inner, x, y) = plane::strip(&grid).unwrap();
        if inner.cells().len() > 1 {
            result.factors.push((grid, multiplicity));
        } else {
            result.x_power += x * multiplicity;
            result.y_power += y * multiplicity;
        }
    }
    result.factors.sort_by_key(|(f, _)| (f.height(), f.width(), f.cells().to_vec()));
    result
}

#[test]
fn flint_finds_the_same_factors() {
    let cases = cases();
    let text = |kernel: &Grid<BigInt>| -> Vec<Vec<String>> {
        kernel.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
    };
    let input = serde_json::to_string(&cases.iter().map(text).collect::<Vec<_>>()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kernels.json");
    std::fs::write(&file, input).unwrap();
    let Some(output) = oracle::output("flint_factor.py", &[&file]) else { return };
    let answers: Vec<serde_json::Value> = serde_json::from_slice(&output).unwrap();
    assert_eq!(answers.len(), cases.len());
    let answered = answers.iter().filter(|answer| !answer.is_null()).count();
    println!("compared {answered} of {} kernels", answers.len());
    assert!(answered > cases.len() * 3 / 4);
    for (kernel, answer) in cases.iter().zip(&answers).filter(|(_, answer)| !answer.is_null()) {
        assert_eq!(factor(kernel).as_ref(), Ok(&normal_form(answer)), "{:?}", text(kernel));
    }
}
