//! Random claims about products of piecewise linear functions of two neighbouring pixels, against values at many images.
//!
//! One side is a rewrite of the other by rules of school algebra, or has one leaf changed. What is proved must agree at all
//! images that are tried; what was only rewritten must never be refuted. `GATES_PAIRS` and `GATES_SEED` make more of them.

use convproof::check::check;
use convproof::report::Outcome;
use convproof::source::Source;

use super::differential::judge::NoFiles;
use super::differential::number::{Fraction, Number};
use super::differential::random::Random;
use super::variable;

/// A function of one position.
#[derive(Clone, Debug)]
enum Gate {
    /// A row of two taps.
    Taps([i64; 2]),
    Relu(Box<Gate>),
    Abs(Box<Gate>),
    /// Six times hard swish.
    HardSwish(Box<Gate>),
    Clip(Box<Gate>, [i64; 2]),
    /// Times the first number, plus the second.
    Line(Box<Gate>, [i64; 2]),
    Sum(Box<Gate>, Box<Gate>),
    Product(Box<Gate>, Box<Gate>),
}

use Gate::{Abs, Clip, HardSwish, Line, Product, Relu, Sum, Taps};

fn boxed(gate: &Gate) -> Box<Gate> {
    Box::new(gate.clone())
}

fn piecewise(random: &mut Random) -> Gate {
    let mut gate = Taps([random.from(-2, 2), random.from(-1, 1)]);
    for _ in 0..random.from(0, 2) {
        let inside = Box::new(gate);
        gate = match random.from(0, 4) {
            0 | 1 => Relu(inside),
            2 => Abs(inside),
            3 => Clip(inside, [random.from(-2, 0), random.from(1, 2)]),
            _ => Line(inside, [random.pick(&[-2, -1, 1, 2]), random.from(-2, 2)]),
        };
    }
    gate
}

fn gate(random: &mut Random) -> Gate {
    let [a, b] = [piecewise(random), piecewise(random)];
    match random.from(0, 5) {
        0 => Product(boxed(&a), boxed(&a)),
        1 => Product(
            Box::new(Relu(boxed(&a))),
            Box::new(Relu(Box::new(Line(Box::new(a), [random.pick(&[-1, 1, 2]), random.from(-2, 2)])))),
        ),
        2 => Sum(Box::new(Product(boxed(&a), boxed(&b))), Box::new(piecewise(random))),
        3 => Product(Box::new(a), Box::new(Sum(Box::new(b), Box::new(piecewise(random))))),
        4 => Sum(Box::new(HardSwish(boxed(&a))), Box::new(Product(Box::new(a), Box::new(b)))),
        _ => Product(Box::new(a), Box::new(b)),
    }
}

/// The same function, written otherwise.
fn rewritten(gate: &Gate) -> Gate {
    let again = |gate: &Gate| Box::new(rewritten(gate));
    match gate {
        Taps(_) => gate.clone(),
        // max(x, 0) = x + max(−x, 0)
        Relu(x) => Sum(again(x), Box::new(Relu(Box::new(Line(again(x), [-1, 0]))))),
        // |x| = 2·max(x, 0) − x
        Abs(x) => Sum(Box::new(Line(Box::new(Relu(again(x))), [2, 0])), Box::new(Line(again(x), [-1, 0]))),
        HardSwish(x) => Product(Box::new(Clip(Box::new(Line(again(x), [1, 3])), [0, 6])), again(x)),
        Clip(x, [low, high]) => {
            let part = |bound: i64, sign: i64| {
                Box::new(Line(Box::new(Relu(Box::new(Line(again(x), [1, -bound])))), [sign, 0]))
            };
            Line(Box::new(Sum(part(*low, 1), part(*high, -1))), [1, *low])
        }
        Line(x, numbers) => Line(again(x), *numbers),
        Sum(x, y) => Sum(again(y), again(x)),
        Product(x, y) => match (&**x, &**y) {
            (Relu(a), Relu(b)) if a.text() == b.text() => Product(again(a), Box::new(Relu(again(b)))),
            (_, Sum(a, b)) => {
                Sum(Box::new(Product(again(x), again(a))), Box::new(Product(again(b), again(x))))
            }
            _ => Product(again(y), again(x)),
        },
    }
}

/// One number changed somewhere.
fn changed(random: &mut Random, gate: &mut Gate) {
    match gate {
        Taps(taps) => taps[0] += 1,
        Clip(x, [_, high]) => {
            if random.chance(2) {
                *high += 1;
            } else {
                changed(random, x);
            }
        }
        Line(x, [_, shift]) => {
            if random.chance(2) {
                *shift += 1;
            } else {
                changed(random, x);
            }
        }
        Relu(x) | Abs(x) | HardSwish(x) => changed(random, x),
        Sum(x, y) | Product(x, y) => {
            let part = if random.chance(2) { x } else { y };
            changed(random, part);
        }
    }
}

impl Gate {
    fn text(&self) -> String {
        match self {
            Taps([a, b]) => format!("conv([{a} {b}])"),
            Relu(x) => format!("({} -> relu)", x.text()),
            Abs(x) => format!("({} -> abs)", x.text()),
            HardSwish(x) => format!("({} -> hardswish -> scale(6))", x.text()),
            Clip(x, [low, high]) => format!("({} -> clip({low},{high}))", x.text()),
            Line(x, [factor, shift]) => format!("({} -> scale({factor}) -> bias({shift}))", x.text()),
            Sum(x, y) => format!("({} + {})", x.text(), y.text()),
            Product(x, y) => format!("({} * {})", x.text(), y.text()),
        }
    }

    fn value(&self, pixels: &[Fraction; 2]) -> Fraction {
        let number = |value: &i64| Fraction::integer(*value);
        let clip = |x: &Fraction, low: &Fraction, high: &Fraction| {
            let [x, high] = [x.larger(low), *high].map(|x| x.times(&Fraction::integer(-1)));
            x.larger(&high).times(&Fraction::integer(-1))
        };
        match self {
            Taps([a, b]) => number(a).times(&pixels[0]).plus(&number(b).times(&pixels[1])),
            Relu(x) => x.value(pixels).larger(&number(&0)),
            Abs(x) => {
                let x = x.value(pixels);
                x.larger(&x.times(&number(&-1)))
            }
            HardSwish(x) => {
                let x = x.value(pixels);
                x.times(&clip(&x.plus(&number(&3)), &number(&0), &number(&6)))
            }
            Clip(x, [low, high]) => clip(&x.value(pixels), &number(low), &number(high)),
            Line(x, [factor, shift]) => number(factor).times(&x.value(pixels)).plus(&number(shift)),
            Sum(x, y) => x.value(pixels).plus(&y.value(pixels)),
            Product(x, y) => x.value(pixels).times(&y.value(pixels)),
        }
    }
}

#[test]
fn products_of_piecewise_linear_functions_are_what_their_values_say() {
    let (first, count) = (variable("GATES_SEED", 1), variable("GATES_PAIRS", 300));
    let mut outcomes = [0_u64; 3];
    for seed in first..first + count {
        let mut random = Random(seed);
        let left = gate(&mut random);
        let mut right = rewritten(&left);
        let same = random.chance(2);
        if !same {
            changed(&mut random, &mut right);
        }
        let text = format!("prove \"pair\": {} == {}\n", left.text(), right.text());
        let report = check(&Source::new("pair.cf", text.clone()), &NoFiles, &mut |_| {});
        let claims: Vec<_> = report.claims().collect();
        assert!(report.errors.is_empty() && claims.len() == 1, "seed {seed}: {text}{:?}", report.errors);
        let halves = || (-12..=12).map(|n| Fraction::fraction(n, 2));
        let at = |x: &Fraction, y| {
            let pixels = [*x, y];
            left.value(&pixels) == right.value(&pixels)
        };
        let agree = halves().all(|x| halves().all(|y| at(&x, y)));
        assert!(agree || !same, "seed {seed}: the rewrite is wrong: {text}");
        match claims[0].outcome {
            Outcome::Proved => {
                assert!(agree, "seed {seed}: {text}");
                outcomes[0] += 1;
            }
            Outcome::Refuted => {
                assert!(!same, "seed {seed}: {text}");
                outcomes[1] += 1;
            }
            _ => outcomes[2] += 1,
        }
    }
    let [proved, refuted, unknown] = outcomes;
    println!("{proved} proved, {refuted} refuted, {unknown} unknown");
    assert!(proved > count / 4 && refuted > count / 6, "{outcomes:?}");
}
