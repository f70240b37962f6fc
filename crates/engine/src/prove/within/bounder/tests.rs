//! Bounds are no less than the sums are anywhere, no more than what the words of a sum say one by one, and attained where the
//! theorem says so; the sums are drawn with their definitions, which are evaluated by themselves.

#![allow(clippy::float_arithmetic, reason = "functions have irrational values")]

use super::*;
use crate::forms::arena::MeanOf;
use convproof_exact::{Monomial, SplitMix64, Symbol};
use std::collections::BTreeMap;

const PIXELS: usize = 3;

/// A sum as it is drawn.
#[derive(Clone, Debug)]
enum Drawn {
    /// Coefficients of the pixels and a number.
    Affine([i64; PIXELS], i64),
    /// The largest of some.
    Maximum(Vec<Drawn>),
    Function(Function, Box<Drawn>),
    Product(Box<Drawn>, Box<Drawn>),
    Sum(Vec<(i64, Drawn)>),
}

impl Drawn {
    fn value(&self, pixels: &[f64; PIXELS]) -> f64 {
        match self {
            Self::Affine(coefficients, number) => {
                let terms = coefficients.iter().zip(pixels).map(|(a, x)| *a as f64 * x);
                terms.sum::<f64>() + *number as f64
            }
            Self::Maximum(elements) => {
                elements.iter().map(|element| element.value(pixels)).fold(f64::NEG_INFINITY, f64::max)
            }
            Self::Function(function, inside) => {
                let x = inside.value(pixels);
                let sigmoid = 1.0 / (1.0 + (-x).exp());
                match function {
                    Function::Sigmoid => sigmoid,
                    Function::Silu => x * sigmoid,
                    Function::Softplus => x.exp().ln_1p(),
                    _ => unreachable!("not drawn"),
                }
            }
            Self::Product(a, b) => a.value(pixels) * b.value(pixels),
            Self::Sum(parts) => parts.iter().map(|(factor, part)| *factor as f64 * part.value(pixels)).sum(),
        }
    }

    fn form(&self, arena: &mut Arena) -> Form {
        match self {
            Self::Affine(coefficients, number) => {
                let one = arena.end(End::One).unwrap().times(&Rational::from(*number));
                let pixel = arena.end(End::Pixel(0)).unwrap();
                let pixels =
                    (0..).zip(coefficients).map(|(at, a)| arena.moved(&pixel, [0, at]).times(&(*a).into()));
                let all: Vec<Form> = pixels.chain([one]).collect();
                arena.sum(&all).unwrap()
            }
            Self::Maximum(elements) => {
                let forms = elements.iter().map(|element| element.form(arena)).collect();
                arena.maximum(forms).unwrap()
            }
            Self::Function(function, inside) => {
                let form = inside.form(arena);
                arena.function(*function, &form).unwrap()
            }
            Self::Product(a, b) => {
                let [a, b] = [a, b].map(|factor| factor.form(arena));
                arena.product(&a, &b).unwrap()
            }
            Self::Sum(parts) => {
                let forms: Vec<Form> =
                    parts.iter().map(|(factor, part)| part.form(arena).times(&(*factor).into())).collect();
                arena.sum(&forms).unwrap()
            }
        }
    }
}

/// Draws sums.
struct Draw(SplitMix64);

impl Draw {
    fn number(&mut self, most: u64) -> i64 {
        i64::try_from(self.0.below(2 * most + 1)).unwrap() - i64::try_from(most).unwrap()
    }

    fn affine(&mut self) -> Drawn {
        let coefficients = std::array::from_fn(|_| self.number(2));
        Drawn::Affine(coefficients, self.number(1))
    }

    fn maximum(&mut self, most: u64) -> Drawn {
        let count = 2 + self.0.below(most - 1);
        Drawn::Maximum((0..count).map(|_| self.affine()).collect())
    }

    /// An affine sum and some multiples of what is drawn.
    fn sum(&mut self, count: u64, mut part: impl FnMut(&mut Self) -> Drawn) -> Drawn {
        let mut parts = vec![(1, self.affine())];
        parts.extend((0..count).map(|_| (self.number(3), part(self))));
        Drawn::Sum(parts)
    }
}

/// The values at a grid of images up to a number.
fn seen(drawn: &Drawn, range: f64) -> f64 {
    const STEPS: usize = 5;
    let value = |step: usize| range * (step as f64 / 2.0 - 1.0);
    let images =
        (0..STEPS.pow(3)).map(|n| [value(n % STEPS), value(n / STEPS % STEPS), value(n / STEPS / STEPS)]);
    images.map(|pixels| drawn.value(&pixels).abs()).fold(0.0, f64::max)
}

/// Ranges of the coefficients of pixels and, without a pixel, of the constant.
type Ranges = BTreeMap<Option<Pixel>, [f64; 2]>;

/// What the words of a sum of maxima of affine sums say, each by itself.
fn apart(arena: &Arena, form: &Form) -> Ranges {
    let mut all = Ranges::new();
    for word in arena.flat(form).unwrap() {
        let ranges = match word.end {
            End::Pixel(block) => Ranges::from([(Some((block, word.place)), [1.0; 2])]),
            End::One => Ranges::from([(None, [1.0; 2])]),
            End::Term(term) => {
                let elements: Vec<Ranges> =
                    arena.elements(term, word.place).iter().map(|form| apart(arena, form)).collect();
                let keys = elements.iter().flat_map(|ranges| ranges.keys().copied());
                let join = |key: Option<Pixel>| {
                    let each = elements.iter().map(|ranges| ranges.get(&key).copied().unwrap_or_default());
                    each.reduce(|[a, b], [c, d]| [a.min(c), b.max(d)]).unwrap()
                };
                keys.map(|key| (key, join(key))).collect()
            }
            _ => unreachable!("only maxima"),
        };
        let factor = word.coefficient.to_f64();
        for (key, [low, high]) in ranges {
            let [a, b] = [low * factor, high * factor];
            let known = all.entry(key).or_default();
            *known = [known[0] + a.min(b), known[1] + a.max(b)];
        }
    }
    all
}

#[test]
fn bounds_of_maxima_lie_between_values_and_what_words_say_one_by_one() {
    let mut draw = Draw(SplitMix64::new(3));
    for round in 0..1500 {
        let count = draw.0.below(5);
        let drawn = draw.sum(count, |draw| draw.maximum(3));
        let mut arena = Arena::default();
        let form = drawn.form(&mut arena);
        let range = 1 + round % 2;
        let found = Bounder::new(&mut arena, &Insides::default(), range.into()).difference(&form).unwrap();
        let most = apart(&arena, &form).into_iter().map(|(key, [low, high])| {
            let most = low.abs().max(high.abs());
            if key.is_some() { most * range as f64 } else { most }
        });
        let (least, most) = (seen(&drawn, range as f64), most.sum::<f64>());
        let bound = found.bound.to_f64();
        assert!(least <= bound + 1e-9 && bound <= most + 1e-9, "{least} ≤ {bound} ≤ {most}: {drawn:?}");
        assert!(found.images.iter().flatten().all(|(_, value)| value.abs() <= range.into()), "{drawn:?}");
    }
}

#[test]
fn one_relu_less_another_is_bounded_by_what_an_image_attains() {
    let mut draw = Draw(SplitMix64::new(4));
    for _ in 0..1500 {
        let [above, below] = [1, -1].map(|sign| {
            let factor = sign * i64::try_from(draw.0.below(3)).unwrap();
            (factor, Drawn::Maximum(vec![draw.affine(), draw.affine()]))
        });
        let drawn = Drawn::Sum(vec![(1, draw.affine()), above, below]);
        let mut arena = Arena::default();
        let form = drawn.form(&mut arena);
        let found = Bounder::new(&mut arena, &Insides::default(), Rational::ONE).difference(&form).unwrap();
        let weights = Weights::new();
        let mut probe = Probe::new(&arena, &weights);
        let values = found.images.iter().map(|image| {
            probe.pixels = image.iter().cloned().collect();
            probe.value(&form, [0, 0]).unwrap().abs()
        });
        assert_eq!(values.max(), Some(found.bound), "{drawn:?}");
    }
}

#[test]
fn functions_and_products_exceed_no_bound() {
    let mut draw = Draw(SplitMix64::new(5));
    for round in 0..1500 {
        let function = [Function::Sigmoid, Function::Silu, Function::Softplus][round % 3];
        let count = 1 + draw.0.below(3);
        let drawn = draw.sum(count, |draw| match draw.0.below(4) {
            0 => draw.maximum(2),
            1 => {
                let shared = draw.affine();
                let [a, b] = [draw.maximum(2), draw.affine()];
                let product = |of| Drawn::Product(Box::new(shared.clone()), Box::new(of));
                Drawn::Sum(vec![
                    (1, product(a)),
                    (draw.number(2), product(b)),
                    (draw.number(1), shared.clone()),
                ])
            }
            2 => Drawn::Function(function, Box::new(draw.maximum(2))),
            _ => Drawn::Function(function, Box::new(draw.affine())),
        });
        let mut arena = Arena::default();
        let form = drawn.form(&mut arena);
        let Some(found) = Bounder::new(&mut arena, &Insides::default(), Rational::ONE).difference(&form)
        else {
            panic!("{drawn:?}")
        };
        let least = seen(&drawn, 1.0);
        assert!(least <= found.bound.to_f64() + 1e-9, "{least} ≤ {}: {drawn:?}", found.bound);
    }
}

/// Two channels of signals 1 and 2, and one of signal 3, at positions that are given; each pixel is up to 1.
#[test]
fn means_are_bounded_where_their_signals_have_positions() {
    let mut arena = Arena::default();
    let pixel = arena.end(End::Pixel(0)).unwrap();
    let mean_of = |signal, block| MeanOf { signal, block };
    let [a, b, c, d, e] = [mean_of(1, 0), mean_of(1, 1), mean_of(2, 0), mean_of(2, 1), mean_of(3, 0)];
    let means = [a, b, c, d, e].map(|of| arena.mean(of, Range::default()).unwrap());
    let number = |n: i64| Rational::from(n);
    let times = |n: i64| pixel.times(&number(n));
    let one = arena.end(End::One).unwrap();
    let position = |all: &[(MeanOf, Form)]| all.iter().cloned().collect();
    // In the middle a is 2x and c is 3x, at a border b is 1 and d is −4.
    let middle = [(a, times(2)), (b, Form::ZERO), (c, times(3)), (d, Form::ZERO)];
    let border = [(a, Form::ZERO), (b, one.clone()), (c, Form::ZERO), (d, one.times(&number(-4)))];
    let insides: Insides = [
        ([1, 1], vec![position(&middle[..2]), position(&border[..2])]),
        ([2, 2], vec![position(&middle[2..]), position(&border[2..])]),
        ([1, 2], vec![position(&middle), position(&border)]),
        ([3, 3], vec![position(&[(e, times(5))])]),
    ]
    .into_iter()
    .collect();
    let mut bound = |factors: [i64; 5]| {
        let terms: Vec<Form> = means.iter().zip(factors).map(|(mean, n)| mean.times(&number(n))).collect();
        let form = arena.sum(&terms).unwrap();
        Bounder::new(&mut arena, &insides, Rational::ONE).difference(&form).map(|found| found.bound)
    };
    // Of one signal: both channels at one position.
    assert_eq!(bound([1, 0, 0, 0, 0]), Some(number(2)));
    assert_eq!(bound([1, 3, 0, 0, 0]), Some(number(3)));
    // Of two: 2x − 3x in the middle, and 1 + 4 at a border.
    assert_eq!(bound([1, 0, -1, 0, 0]), Some(number(1)));
    assert_eq!(bound([1, 1, -1, -1, 0]), Some(number(5)));
    assert_eq!(bound([0, 4, 0, 1, 0]), Some(number(0)));
    // A signal with other positions is bounded by itself, and nothing is known where no positions are.
    assert_eq!(bound([1, 0, -1, 0, 2]), Some(number(11)));
    let form = means[0].clone();
    assert!(Bounder::new(&mut arena, &Insides::default(), Rational::ONE).difference(&form).is_none());
    // A factor that is free has no size.
    let free = Monomial::power(Symbol(1), 1);
    let form = arena.scaled(&Monomial::one(), &free, &pixel).unwrap();
    assert!(Bounder::new(&mut arena, &insides, Rational::ONE).difference(&form).is_none());
}
