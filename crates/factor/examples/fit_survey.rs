//! How often `fit` finds the best residual known and certifies it, and how long it takes.
//!
//! `cargo run --release -p convproof-factor --example fit_survey -- SET COUNT STARTS`, with SET one of `random5`,
//! `symmetric5`, `random6`, `random4`, `random7`, `known`, COUNT kernels of it, and the best of STARTS other starts for comparison (0 for
//! none).

#![allow(clippy::float_arithmetic, reason = "compares residuals for display")]

use std::time::{Duration, Instant};

use convproof_exact::{Grid, Rational};
use convproof_factor::fit::{BoundMethod, Certify, Fit, Options, Problem, Quality, fit};

type Kernel = Grid<Rational>;
type Shapes = [(usize, usize); 2];

struct Draw(u64);

impl Draw {
    fn integer(&mut self, limit: u64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % (2 * limit + 1)).expect("small")
            - i64::try_from(limit).expect("small")
    }

    fn kernel(&mut self, size: usize) -> Kernel {
        Grid::from_fn(size, size, |_, _| Rational::from(self.integer(9)))
    }

    /// Unchanged by all turns and mirror images.
    fn symmetric(&mut self, size: usize) -> Kernel {
        let draw = self.kernel(size);
        let fold = |i: usize| i.min(size - 1 - i);
        Grid::from_fn(size, size, |i, j| {
            let (a, b) = (fold(i), fold(j));
            draw.at(a.min(b), a.max(b)).clone()
        })
    }
}

fn literal(text: &str) -> Kernel {
    let row = |row: &str| {
        let parse = |x: &str| x.parse::<i64>().expect("an integer");
        row.split_whitespace().map(parse).map(Rational::from).collect()
    };
    Grid::from_rows(text.split(';').map(row).collect()).expect("a kernel")
}

/// Kernels with symmetries on which random starts fail.
fn known() -> Vec<(Kernel, Shapes)> {
    let disc = Grid::from_fn(9, 9, |i, j| {
        let square = |k: usize| k.abs_diff(4) * k.abs_diff(4);
        Rational::from(i64::from(square(i) + square(j) <= 16))
    });
    vec![
        (literal("0 0 1 0 0;0 1 2 1 0;1 2 -16 2 1;0 1 2 1 0;0 0 1 0 0"), [(3, 3); 2]),
        (literal("-2 8 26 8 -2;8 6 -30 6 8;26 -30 -48 -30 26;8 6 -30 6 8;-2 8 26 8 -2"), [(3, 3); 2]),
        (disc, [(5, 5); 2]),
    ]
}

fn problems(set: &str, count: usize) -> Vec<(Kernel, Shapes)> {
    let mut draw = Draw(2024);
    let mut many = |size: usize, symmetric: bool, shapes: Shapes| {
        (0..count)
            .map(|_| (if symmetric { draw.symmetric(size) } else { draw.kernel(size) }, shapes))
            .collect()
    };
    match set {
        "random5" => many(5, false, [(3, 3); 2]),
        "symmetric5" => many(5, true, [(3, 3); 2]),
        "random6" => many(6, false, [(3, 3), (4, 4)]),
        "random4" => many(4, false, [(2, 2), (3, 3)]),
        "random7" => many(7, false, [(4, 4); 2]),
        _ => known(),
    }
}

fn timed(kernel: &Kernel, shapes: &Shapes, options: &Options) -> (Fit, Duration) {
    let start = Instant::now();
    let found = fit(&Problem::product(shapes, kernel.clone()), options).expect("within the limits");
    (found, start.elapsed())
}

fn root(fit: &Fit) -> f64 {
    fit.residual_squared.to_f64().sqrt()
}

fn median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() - 1])
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let set = arguments.first().map_or("known", String::as_str);
    let number = |k: usize, usual: usize| arguments.get(k).and_then(|x| x.parse().ok()).unwrap_or(usual);
    let (count, starts) = (number(1, 10), number(2, 0));
    let certify = Certify::Products(number(3, 144));
    let (mut quick_times, mut full_times, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    let (mut missed, mut quick_missed, mut within) = (0, 0, Vec::new());
    for (n, (kernel, shapes)) in problems(set, count).into_iter().enumerate() {
        let (quick, time) =
            timed(&kernel, &shapes, &Options { certify: Certify::Quick, ..Options::default() });
        quick_times.push(time);
        let (full, time) = timed(&kernel, &shapes, &Options { certify, ..Options::default() });
        full_times.push(time);
        let mut best = root(&full).min(root(&quick));
        for seed in 1..=starts / 100 {
            let seed = u64::try_from(seed).expect("small");
            let other = Options { seed, starts: Some(100), certify: Certify::No, ..Options::default() };
            best = best.min(root(&timed(&kernel, &shapes, &other).0));
        }
        let misses = |fit: &Fit| root(fit) > best * (1.0 + 1e-7) + 1e-12;
        missed += usize::from(misses(&full));
        quick_missed += usize::from(misses(&quick));
        let share = match full.quality() {
            Quality::Exact => 0.0,
            Quality::Certified { within } => within.to_f64(),
            Quality::Found => f64::INFINITY,
        };
        within.push(share);
        let bound = full.lower_bound.as_ref().expect("asked for");
        if let Some(certificate) = &bound.certificate {
            let start = Instant::now();
            assert!(certificate.is_valid());
            checks.push(start.elapsed());
        }
        if share > 0.001 || misses(&full) || misses(&quick) || set == "known" {
            println!(
                "{n}: best {best:.9}, quick {:.9}, found {:.9}, within {share}, {:?}, relaxed {}, exact {}, {:?} of {:?} starts",
                root(&quick),
                root(&full),
                full_times[n],
                bound.method == BoundMethod::Relaxation,
                full.is_exact(),
                full.reached,
                full.starts
            );
        }
    }
    let share = |limit: f64| within.iter().filter(|&&x| x <= limit).count();
    println!(
        "{set}: {count} kernels; missed {missed}, quick {quick_missed}; within 0.01 %: {}, 0.1 %: {}, 1 %: {}, 5 %: {}",
        share(1.01e-4),
        share(1.01e-3),
        share(0.0101),
        share(0.0501)
    );
    println!("median and longest: quick {:?}, certified {:?}", median(quick_times), median(full_times));
    if !checks.is_empty() {
        println!("checks of certificates: {:?}", median(checks));
    }
}
