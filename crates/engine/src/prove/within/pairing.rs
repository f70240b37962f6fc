//! Which maxima of two sums belong together: those with nearly the same values at some images.
//!
//! A pairing is a proposal. Whatever it is, what `lipschitz.rs` says of it holds.

#![allow(clippy::float_arithmetic, reason = "floats only propose what is paired")]

use rustc_hash::FxHashMap;

use crate::forms::arena::{Arena, End, Form};
use crate::ir::Function;
use convproof_exact::budget::spend_on;
use convproof_exact::{Limited, Rational, SplitMix64};

/// Random images at which sums are compared.
const IMAGES: usize = 8;

/// Most pairs of maxima that are compared.
const MAX_PAIRS: usize = 1 << 20;

/// How much farther another function is than the same one, whatever it is applied to.
const OTHER: f64 = 1e6;

/// Values at these images, about.
type Print = [f64; IMAGES];

/// A positive number times a maximum, or another function, at a place.
#[derive(Clone, Debug)]
pub struct Multiple {
    /// The number.
    pub factor: Rational,
    /// The maximum or function, by its number.
    pub term: u32,
    /// Where it stands.
    pub place: [i64; 2],
}

/// Pairs maxima and their elements.
#[derive(Debug, Default)]
pub struct Pairing {
    prints: FxHashMap<Form, Print>,
}

impl Pairing {
    /// For each of the first sums one of the others.
    pub fn elements(&mut self, arena: &Arena, ours: &[Form], theirs: &[Form]) -> Vec<Option<usize>> {
        let prints = [ours, theirs].map(|all| self.centred(arena, all));
        nearest(&prints[0], &prints[1], distance)
    }

    /// For each of the first multiples one of the others with nearly the same values.
    pub fn maxima(&mut self, arena: &Arena, above: &[Multiple], below: &[Multiple]) -> Vec<Option<usize>> {
        if above.len().saturating_mul(below.len()).exceeds(MAX_PAIRS) {
            return vec![None; above.len()];
        }
        let [ours, theirs] = [above, below].map(|all| {
            let each = all.iter().map(|multiple| self.spread(arena, multiple));
            each.collect::<Vec<(usize, Print)>>()
        });
        nearest(&ours, &theirs, |(size, a), (other, b)| {
            if size != other {
                return f64::INFINITY;
            }
            // A relu may stand on its head.
            f64::min(distance(a, b), distance(a, &b.map(|value| -value)))
        })
    }

    /// For each of the first multiples of other functions one of the others, of the same function or one near it, of nearly the same values.
    pub fn functions(&mut self, arena: &Arena, above: &[Multiple], below: &[Multiple]) -> Vec<Option<usize>> {
        if above.len().saturating_mul(below.len()).exceeds(MAX_PAIRS) {
            return vec![None; above.len()];
        }
        let [ours, theirs] = [above, below].map(|all| {
            let inside = all.iter().map(|multiple| {
                let applied = arena.applied(multiple.term);
                let print = self.print(arena, &arena.moved(&applied.form, multiple.place));
                (applied.function, print, multiple.factor.to_f64())
            });
            inside.collect::<Vec<_>>()
        });
        nearest(&ours, &theirs, |(function, a, c), (other, b, e)| {
            let apart = if function == other { 0.0 } else { OTHER };
            match function.apart(*other) {
                Some(_) => distance(a, b) + (c - e).abs() + apart,
                None => f64::INFINITY,
            }
        })
    }

    /// Sums at some images, less their mean.
    fn centred(&mut self, arena: &Arena, forms: &[Form]) -> Vec<Print> {
        let mut prints: Vec<Print> = forms.iter().map(|form| self.print(arena, form)).collect();
        for k in 0..IMAGES {
            let count = f64::from(u32::try_from(prints.len()).unwrap_or(u32::MAX));
            let mean = prints.iter().map(|print| print[k]).sum::<f64>() / count;
            prints.iter_mut().for_each(|print| print[k] -= mean);
        }
        prints
    }

    /// How many elements a multiple of a maximum has, and the last of them at some images: the first is 0 in every maximum.
    fn spread(&mut self, arena: &Arena, multiple: &Multiple) -> (usize, Print) {
        let elements = arena.elements(multiple.term, multiple.place);
        let last = elements.last().map_or([0.0; IMAGES], |last| self.print(arena, last));
        (elements.len(), last.map(|value| multiple.factor.to_f64() * value))
    }

    /// A sum at some images, about.
    fn print(&mut self, arena: &Arena, form: &Form) -> Print {
        if let Some(known) = self.prints.get(form) {
            return *known;
        }
        let mut sum = [0.0; IMAGES];
        let words = arena.flat(form).unwrap_or_default();
        spend_on(words.len() + 1, 100);
        for word in words {
            let end = match word.end {
                End::Pixel(block) => pixel_values(block, word.place),
                End::One => [1.0; IMAGES],
                End::Mean(number) => pixel_values(number, [0, 0]),
                End::Applied(number) => {
                    let applied = arena.applied(number);
                    let inside = self.print(arena, &arena.moved(&applied.form, word.place));
                    inside.map(|x| about(applied.function, x))
                }
                End::Product(number) => {
                    arena.factors(number).iter().fold([1.0; IMAGES], |product, factor| {
                        let values = self.print(arena, &arena.moved(factor, word.place));
                        std::array::from_fn(|k| product[k] * values[k])
                    })
                }
                End::Term(term) => {
                    let elements = arena.elements(term, word.place);
                    elements.iter().fold([f64::NEG_INFINITY; IMAGES], |most, element| {
                        let values = self.print(arena, element);
                        std::array::from_fn(|k| most[k].max(values[k]))
                    })
                }
            };
            let coefficient = word.coefficient.to_f64();
            (0..IMAGES).for_each(|k| sum[k] += coefficient * end[k]);
        }
        self.prints.insert(form.clone(), sum);
        sum
    }
}

/// For each of the first one of the others, nearest first come; none is taken twice.
fn nearest<T>(ours: &[T], theirs: &[T], distance: impl Fn(&T, &T) -> f64) -> Vec<Option<usize>> {
    spend_on(ours.len() * theirs.len() + 1, 20);
    let mut free: Vec<usize> = (0..theirs.len()).collect();
    let partner = |print: &T| {
        let mut nearest: Option<(usize, f64)> = None;
        for (slot, &other) in free.iter().enumerate() {
            let distance = distance(print, &theirs[other]);
            if distance.is_finite() && nearest.is_none_or(|(_, least)| distance < least) {
                nearest = Some((slot, distance));
            }
        }
        nearest.map(|(slot, _)| free.swap_remove(slot))
    };
    ours.iter().map(partner).collect()
}

fn distance(a: &Print, b: &Print) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

/// A function, about.
fn about(function: Function, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match function {
        Function::Sigmoid => sigmoid(x),
        Function::Tanh => x.tanh(),
        Function::Softplus => x.exp().ln_1p(),
        Function::Silu => x * sigmoid(x),
        Function::Gelu | Function::GeluTanh => x * sigmoid(1.702 * x),
        Function::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
    }
}

/// A pixel of some random images, between −1 and 1.
fn pixel_values(block: u32, [row, column]: [i64; 2]) -> Print {
    let seed = (u64::from(block) << 40) ^ (row.cast_unsigned() << 20) ^ column.cast_unsigned();
    let mut generator = SplitMix64::new(seed);
    std::array::from_fn(|_| {
        f64::from(u32::try_from(generator.below(1 << 20)).unwrap_or(0)) / f64::from(1 << 19) - 1.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_about_themselves() {
        let half = std::f64::consts::LN_2;
        let near = |function, x, value: f64| (about(function, x) - value).abs() < 0.02;
        for (function, at) in [
            (Function::Sigmoid, [0.119_2, 0.5, 0.731_1, 0.997_5]),
            (Function::Tanh, [-0.964_0, 0.0, 0.761_6, 1.0]),
            (Function::Softplus, [0.126_9, half, 1.313_3, 6.002_5]),
            (Function::Silu, [-0.238_4, 0.0, 0.731_1, 5.985_2]),
            (Function::Gelu, [-0.045_5, 0.0, 0.841_3, 6.0]),
            (Function::GeluTanh, [-0.045_4, 0.0, 0.841_2, 6.0]),
            (Function::HardSwish, [-0.333_3, 0.0, 0.666_7, 6.0]),
        ] {
            for (x, value) in [-2.0, 0.0, 1.0, 6.0].into_iter().zip(at) {
                assert!(near(function, x, value), "{function:?} at {x}");
            }
        }
    }

    #[test]
    fn sums_have_the_values_of_their_words() {
        let mut arena = Arena::default();
        let pixel = arena.end(End::Pixel(3)).unwrap();
        let one = arena.end(End::One).unwrap();
        let [first, second] = [[2, 5], [-1, 4]].map(|at| arena.moved(&pixel, at));
        let number = |form: &Form, factor: i64| form.times(&Rational::from(factor));
        let sum = arena.sum(&[number(&first, 2), number(&second, -3), number(&one, 5)]).unwrap();
        let [a, b] = [[2, 5], [-1, 4]].map(|at| pixel_values(3, at));
        let mut pairing = Pairing::default();
        let values: Print = std::array::from_fn(|k| 2.0 * a[k] - 3.0 * b[k] + 5.0);
        assert!(distance(&pairing.print(&arena, &sum), &values) < 1e-9);
        // What is known is said again.
        assert!(distance(&pairing.print(&arena, &sum), &values) < 1e-9);
        // Less the mean, both of two are half their difference.
        let [less, more] = pairing.centred(&arena, &[first.clone(), second.clone()]).try_into().unwrap();
        assert!(distance(&less, &std::array::from_fn(|k| (a[k] - b[k]) / 2.0)) < 1e-9);
        assert!(distance(&more, &std::array::from_fn(|k| (b[k] - a[k]) / 2.0)) < 1e-9);
        // A maximum is the larger, and spreads from its first element to its last.
        let maximum = arena.maximum(vec![first.clone(), second.clone()]).unwrap();
        let larger: Print = std::array::from_fn(|k| a[k].max(b[k]));
        assert!(distance(&pairing.print(&arena, &maximum), &larger) < 1e-9);
        let product = arena.product(&maximum, &sum).unwrap();
        let both: Print = std::array::from_fn(|k| larger[k] * values[k]);
        assert!(distance(&pairing.print(&arena, &product), &both) < 1e-6);
        let (factor, term, place) = arena.plain_terms(&maximum).swap_remove(0);
        let multiple = Multiple { factor: &factor * &Rational::from(3), term, place };
        let (count, spread) = pairing.spread(&arena, &multiple);
        let difference: Print = std::array::from_fn(|k| 3.0 * (a[k] - b[k]));
        let turned = difference.map(|x| -x);
        assert!(count == 2 && distance(&spread, &difference).min(distance(&spread, &turned)) < 1e-9);
    }

    #[test]
    fn functions_take_those_of_the_nearest_factor() {
        let mut arena = Arena::default();
        let pixel = arena.end(End::Pixel(0)).unwrap();
        let mut number = |function| {
            let form = arena.function(function, &pixel).unwrap();
            let End::Applied(number) = arena.flat(&form).unwrap()[0].end else { panic!("a function") };
            number
        };
        let [sigmoid, softplus] = [Function::Sigmoid, Function::Softplus].map(&mut number);
        let times = |factor: i64, term| Multiple { factor: Rational::from(factor), term, place: [0, 0] };
        let ours = [times(3, sigmoid), times(2, softplus), times(5, softplus)];
        let theirs = [times(1, sigmoid), times(2, sigmoid), times(9, softplus)];
        let found = Pairing::default().functions(&arena, &ours, &theirs);
        assert_eq!(found, [Some(1), Some(2), None]);
        // Too many to be compared.
        let many = vec![times(1, sigmoid); 1025];
        assert_eq!(Pairing::default().functions(&arena, &many, &many), vec![None; 1025]);
    }

    #[test]
    fn each_takes_what_is_nearest_and_free() {
        let print = |x: f64| [x; IMAGES];
        let [ours, theirs] = [[1.0, 5.0, 2.0], [4.0, 1.5, 9.0]].map(|all| all.map(print).to_vec());
        assert_eq!(nearest(&ours, &theirs, distance), [Some(1), Some(0), Some(2)]);
        assert_eq!(distance(&print(1.0), &print(-2.0)), 3.0 * IMAGES as f64);
        let none = |_: &Print, _: &Print| f64::INFINITY;
        assert_eq!(nearest(&ours, &theirs, none), [None; 3]);
    }

    #[test]
    fn pixels_are_between_minus_one_and_one_and_their_own() {
        let all: Vec<Print> =
            (0..3).flat_map(|k| [pixel_values(0, [k, 1]), pixel_values(1, [1, k])]).collect();
        let pixels: Vec<f64> = all.iter().flatten().copied().collect();
        assert!(pixels.iter().all(|x| (-1.0..=1.0).contains(x)));
        assert!(pixels.iter().any(|x| *x < -0.5) && pixels.iter().any(|x| *x > 0.5));
        for (k, print) in all.iter().enumerate() {
            assert!(all[k + 1..].iter().all(|other| other != print));
        }
    }
}
