//! `~=` with a relu last: the bound is the largest difference there is, found here by another method.
//!
//! For |x| ≤ 1 the difference of two relus of affine functions f and g is linear between the walls f = 0 and g = 0, so it is
//! largest, in magnitude, at a vertex of a cell: at a corner of the cube, where an edge meets a wall, or where a square meets
//! both. All of those are tried. `LAST_PAIRS` and `LAST_SEED` make more of them.

use convproof::algebra::Rational;
use convproof::check::check;
use convproof::report::Outcome;
use convproof::source::Source;

use super::differential::judge::NoFiles;
use super::differential::random::Random;
use super::variable;

/// Pixels that are read.
const PIXELS: usize = 3;

/// Coefficients, and a constant at the end.
type Affine = [i64; PIXELS + 1];

fn value(f: &Affine, x: &[Rational; PIXELS]) -> Rational {
    let products = f.iter().zip(x).map(|(c, x)| &Rational::from(*c) * x);
    products.fold(Rational::from(f[PIXELS]), |sum, product| &sum + &product)
}

/// Where an affine function is 0 along an axis, other pixels fixed; `None` if it does not depend on it.
fn root(f: &Affine, x: &[Rational; PIXELS], axis: usize) -> Option<Rational> {
    let mut there = x.clone();
    there[axis] = Rational::ZERO;
    value(f, &there).checked_div(&Rational::from(-f[axis]))
}

/// Where both are 0, along two axes.
fn crossing(
    f: &Affine,
    g: &Affine,
    x: &[Rational; PIXELS],
    [i, j]: [usize; 2],
) -> Option<[Rational; PIXELS]> {
    let mut there = x.clone();
    (there[i], there[j]) = (Rational::ZERO, Rational::ZERO);
    let (a, b) = (value(f, &there), value(g, &there));
    let [fi, fj, gi, gj] = [f[i], f[j], g[i], g[j]].map(Rational::from);
    let determinant = &(&fi * &gj) - &(&fj * &gi);
    there[i] = (&(&fj * &b) - &(&gj * &a)).checked_div(&determinant)?;
    there[j] = (&(&gi * &a) - &(&fi * &b)).checked_div(&determinant)?;
    Some(there)
}

fn worst(f: &Affine, g: &Affine) -> Rational {
    let relu = |f: &Affine, x: &[Rational; PIXELS]| value(f, x).max(Rational::ZERO);
    let mut points = Vec::new();
    for corner in 0..1 << PIXELS {
        let x: [Rational; PIXELS] =
            std::array::from_fn(|axis| Rational::from(if corner >> axis & 1 == 1 { 1 } else { -1 }));
        for i in 0..PIXELS {
            for function in [f, g] {
                if let Some(root) = root(function, &x, i) {
                    let mut there = x.clone();
                    there[i] = root;
                    points.push(there);
                }
            }
            points.extend((0..i).filter_map(|j| crossing(f, g, &x, [i, j])));
        }
        points.push(x);
    }
    points.retain(|x| x.iter().all(|x| x.abs() <= Rational::ONE));
    let gap = |x: &[Rational; PIXELS]| (&relu(f, x) - &relu(g, x)).abs();
    points.iter().map(gap).max().expect("there are corners")
}

#[test]
fn bounds_with_a_relu_last_are_attained() {
    let (first, count) = (variable("LAST_SEED", 1), variable("LAST_PAIRS", 60));
    for seed in first..first + count {
        let mut random = Random(seed);
        let mut affine = || -> Affine { std::array::from_fn(|_| random.from(-3, 3)) };
        let (f, g) = (affine(), affine());
        let worst = worst(&f, &g);
        let side = |[a, b, c, d]: Affine| format!("conv([{a} {b} {c}], bias={d}) -> relu");
        let claim = |bound: &Rational| format!("prove {} ~= {} within {bound} on [1,3]\n", side(f), side(g));
        let below = &worst * &Rational::ratio(999, 1000).expect("a number");
        let mut texts = vec![(claim(&worst), Outcome::Proved)];
        if !worst.is_zero() {
            texts.push((claim(&below), Outcome::Refuted));
        }
        for (text, expected) in texts {
            let report = check(&Source::new("last.cf", text.clone()), &NoFiles, &mut |_| {});
            let outcomes: Vec<Outcome> = report.claims().map(|claim| claim.outcome).collect();
            assert_eq!(outcomes, [expected], "seed {seed}: {text}{:?}", report.errors);
        }
    }
}
