//! Random pairs of stacks with one hidden layer at given weights, decided by another method: none stays unknown.
//!
//! A sum of relus of affine functions, no two of them proportional, is 0 only where all its coefficients are: so with relu a
//! difference is decided, size by size, by collecting the coefficients of proportional functions. With max pooling in between,
//! what is proved is compared at random images. `HIDDEN_PAIRS` and `HIDDEN_SEED` make more of them.

use std::collections::BTreeMap;

use convproof::check::check;
use convproof::report::Outcome;
use convproof::source::Source;

use super::differential::evaluate::{Image, run};
use super::differential::judge::NoFiles;
use super::differential::number::{Fraction, Number};
use super::differential::random::Random;
use super::differential::spec::{self, Entries, Layer, Padding};
use super::variable;

/// Sizes are decided up to this height and width: kernels have at most 3 and 2 rows or columns, strides at most 2 and 2.
const SIDE: i64 = 8;

/// Images at which pools are compared, at each size.
const IMAGES: usize = 4;

/// `[out][in][row][column]`
pub(super) type Kernel = Vec<Vec<Vec<Vec<i64>>>>;

#[derive(Clone, Debug)]
struct Net {
    first: Kernel,
    bias: Vec<i64>,
    stride: i64,
    padding: i64,
    /// What stands between both convolutions.
    between: Vec<Layer>,
    last: Kernel,
    last_stride: i64,
    last_padding: i64,
}

pub(super) fn kernel(random: &mut Random, [o, c, h, w]: [i64; 4]) -> Kernel {
    let mut entry = || random.pick(&[-2, -1, 0, 0, 1, 1, 2, 3]);
    (0..o)
        .map(|_| (0..c).map(|_| (0..h).map(|_| (0..w).map(|_| entry()).collect()).collect()).collect())
        .collect()
}

fn net(random: &mut Random) -> Net {
    let (inputs, hidden, outputs) = (random.from(1, 2), random.from(1, 3), random.from(1, 2));
    let first = [hidden, inputs, random.from(1, 2), random.from(1, 3)];
    let last = [outputs, hidden, random.from(1, 2), random.from(1, 2)];
    let pool = |size, stride, rows| {
        let padding = Padding::Sides([rows, 0, rows, 0]);
        vec![Layer::MaxPool { size, stride, padding, ceil: false }]
    };
    let pools = [pool([2, 2], [2, 2], 0), pool([1, 2], [1, 1], 0), pool([2, 1], [1, 1], 1)];
    let mut between = random.pick(&[&[vec![], vec![]][..], &pools].concat());
    if between.is_empty() || random.chance(2) {
        between.insert(0, Layer::Relu);
    }
    let mut net = Net {
        first: kernel(random, first),
        bias: (0..hidden).map(|_| random.pick(&[0, 0, 1, -1, 2])).collect(),
        stride: random.pick(&[1, 1, 2]),
        padding: random.pick(&[0, 0, 1]),
        between,
        last: kernel(random, last),
        last_stride: random.pick(&[1, 1, 2]),
        last_padding: random.pick(&[0, 0, 1]),
    };
    // Even, so that halves of them are numbers.
    net.last.iter_mut().flatten().flatten().flatten().for_each(|entry| *entry *= 2);
    net
}

/// A place in a list.
pub(super) fn index(random: &mut Random, length: usize) -> usize {
    random.from(0, length as i64 - 1) as usize
}

/// The same function with a hidden channel in another place (kind 0), doubled and read by halves (1), or twice, which shares its
/// weights (2), where there are fewer than `most`.
pub(super) fn rearrange(
    random: &mut Random,
    (kind, at): (i64, usize),
    (kernel, bias, next): (&mut Kernel, &mut Vec<i64>, &mut Kernel),
    most: usize,
) {
    match kind {
        0 => {
            let other = index(random, kernel.len());
            kernel.swap(at, other);
            bias.swap(at, other);
            next.iter_mut().for_each(|output| output.swap(at, other));
        }
        1 if next.iter().all(|output| output[at].iter().flatten().all(|entry| entry % 2 == 0)) => {
            kernel[at].iter_mut().flatten().flatten().for_each(|entry| *entry *= 2);
            bias[at] *= 2;
            let halves = next.iter_mut().flat_map(|output| output[at].iter_mut().flatten());
            halves.for_each(|entry| *entry /= 2);
        }
        2 if kernel.len() < most => {
            kernel.push(kernel[at].clone());
            bias.push(bias[at]);
            for output in next {
                let mut share = output[at].clone();
                for (mine, share) in output[at].iter_mut().flatten().zip(share.iter_mut().flatten()) {
                    *share = random.from(-1, 1);
                    *mine -= *share;
                }
                output.push(share);
            }
        }
        _ => {}
    }
}

/// The same function in another form.
fn rewritten(random: &mut Random, net: &Net) -> Net {
    let mut net = net.clone();
    for _ in 0..random.from(0, 3) {
        let hidden = net.first.len();
        let at = index(random, hidden);
        match random.from(0, 3) {
            kind @ 0..=2 => rearrange(random, (kind, at), (&mut net.first, &mut net.bias, &mut net.last), 5),
            3 if hidden < 5 => {
                // A channel that nothing reads.
                let [_, inputs, h, w] = shape(&net.first);
                net.first.append(&mut kernel(random, [1, inputs, h, w]));
                net.bias.push(1);
                for output in &mut net.last {
                    let none = output[0].iter().map(|row| vec![0; row.len()]).collect();
                    output.push(none);
                }
            }
            _ => {}
        }
    }
    net
}

/// One weight changed, or none.
fn change(random: &mut Random, net: &mut Net) {
    let value = random.from(-2, 3);
    let kernel = match random.from(0, 5) {
        0 | 1 => &mut net.first,
        2 | 3 => &mut net.last,
        4 => {
            let at = index(random, net.bias.len());
            net.bias[at] = value;
            return;
        }
        _ => return,
    };
    let output = index(random, kernel.len());
    let input = index(random, kernel[output].len());
    let row = index(random, kernel[output][input].len());
    let column = index(random, kernel[output][input][row].len());
    kernel[output][input][row][column] = value;
}

pub(super) fn shape(kernel: &Kernel) -> [i64; 4] {
    [kernel.len(), kernel[0].len(), kernel[0][0].len(), kernel[0][0][0].len()].map(|extent| extent as i64)
}

impl Net {
    fn layers(&self) -> Vec<Layer> {
        let conv = |kernel: &Kernel, stride, padding, bias: &[i64]| Layer::Conv {
            kernel: spec::Kernel {
                shape: shape(kernel),
                entries: Entries::Numbers(kernel.iter().flatten().flatten().flatten().copied().collect()),
            },
            stride: [stride; 2],
            dilation: [1; 2],
            padding: Padding::Sides([padding; 4]),
            groups: 1,
            bias: bias.iter().map(|&value| (value, 1)).collect(),
        };
        let mut layers = vec![conv(&self.first, self.stride, self.padding, &self.bias)];
        layers.extend(self.between.iter().cloned());
        layers.push(conv(&self.last, self.last_stride, self.last_padding, &[]));
        layers
    }

    fn has_pools(&self) -> bool {
        self.between.iter().any(|layer| matches!(layer, Layer::MaxPool { .. }))
    }
}

/// Coefficients of pixels by their numbers, and a constant at `None`; no 0.
type Affine = BTreeMap<Option<i64>, i128>;

/// Multiples of relus of primitive affine functions whose first coefficient of a pixel is positive, and an affine rest.
#[derive(Clone, Debug, Default, PartialEq)]
struct Relus {
    relus: BTreeMap<Affine, i128>,
    rest: Affine,
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

fn add<K: Ord + Clone>(to: &mut BTreeMap<K, i128>, more: &BTreeMap<K, i128>, factor: i128) {
    more.iter().for_each(|(key, value)| *to.entry(key.clone()).or_default() += factor * value);
    to.retain(|_, value| *value != 0);
}

impl Relus {
    fn pixel(number: i64) -> Self {
        Self { rest: Affine::from([(Some(number), 1)]), ..Self::default() }
    }

    /// The number that it is.
    fn number(&self) -> Option<i128> {
        let plain = self.relus.is_empty() && self.rest.keys().all(Option::is_none);
        plain.then(|| self.rest.get(&None).copied().unwrap_or(0))
    }

    fn times_number(&self, factor: i128) -> Self {
        let mut product = Self::default();
        add(&mut product.relus, &self.relus, factor);
        add(&mut product.rest, &self.rest, factor);
        product
    }
}

impl Number for Relus {
    fn fraction(numerator: i64, denominator: i64) -> Self {
        assert_eq!(denominator, 1, "weights are whole");
        let mut number = Self::default();
        add(&mut number.rest, &Affine::from([(None, i128::from(numerator))]), 1);
        number
    }

    fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        add(&mut sum.relus, &other.relus, 1);
        add(&mut sum.rest, &other.rest, 1);
        sum
    }

    fn times(&self, other: &Self) -> Self {
        match (self.number(), other.number()) {
            (Some(number), _) => other.times_number(number),
            (_, number) => self.times_number(number.expect("one factor is a weight")),
        }
    }

    /// With 0, as relu asks.
    fn larger(&self, other: &Self) -> Self {
        let (inside, zero) = if self.number() == Some(0) { (other, self) } else { (self, other) };
        assert!(zero.number() == Some(0) && inside.relus.is_empty(), "one hidden layer");
        if let Some(number) = inside.number() {
            return Self::default()
                .plus(&Self { rest: Affine::from([(None, number.max(0))]), ..Self::default() });
        }
        let common = inside.rest.values().fold(0, |common, c| gcd(common, *c));
        let sign = inside.rest.iter().find(|(pixel, _)| pixel.is_some()).map_or(1, |(_, c)| c.signum());
        let primitive: Affine = inside.rest.iter().map(|(pixel, c)| (*pixel, c / common * sign)).collect();
        let mut relu = Self::default();
        if sign < 0 {
            // relu(−p) is relu(p) − p.
            add(&mut relu.rest, &primitive, -common);
        }
        relu.relus.insert(primitive, common);
        relu
    }
}

#[test]
fn every_pair_with_one_hidden_layer_is_decided() {
    let (first, count) = (variable("HIDDEN_SEED", 1), variable("HIDDEN_PAIRS", 200));
    let (mut proved, mut refuted) = (0_u64, 0_u64);
    for seed in first..first + count {
        let mut random = Random(seed);
        let left = net(&mut random);
        let mut right = rewritten(&mut random, &left);
        change(&mut random, &mut right);
        let sides = [&left, &right].map(Net::layers);
        let text = format!("prove \"pair\": {} == {}\n", spec::text(&sides[0]), spec::text(&sides[1]));
        let report = check(&Source::new("pair.cf", text.clone()), &NoFiles, &mut |_| {});
        let claims: Vec<_> = report.claims().collect();
        assert!(report.errors.is_empty() && claims.len() == 1, "seed {seed}: {text}{:?}", report.errors);
        let is_proved = match claims[0].outcome {
            Outcome::Proved => true,
            Outcome::Refuted => false,
            _ => panic!("seed {seed}: undecided: {text}{}", claims[0].method),
        };
        *(if is_proved { &mut proved } else { &mut refuted }) += 1;
        let inputs = shape(&left.first)[1];
        let mut sizes = (1..=SIDE).flat_map(|h| (1..=SIDE).map(move |w| [inputs, h, w]));
        if !left.has_pools() {
            let equal = |size: [i64; 3]| {
                let [_, h, w] = size;
                let pixels = Image::build(size, |[c, i, j]| Relus::pixel((c * h + i) * w + j)).unwrap();
                let [a, b] = sides.each_ref().map(|side| run(side, &pixels, &|_, _| Relus::default()));
                a == b
            };
            assert_eq!(is_proved, sizes.all(equal), "seed {seed}: {text}");
        } else if is_proved {
            for size in sizes {
                for _ in 0..IMAGES {
                    let image = Image::build(size, |_| Fraction::integer(random.from(-4, 4))).unwrap();
                    let [a, b] = sides.each_ref().map(|side| run(side, &image, &|_, _| Fraction::integer(0)));
                    assert_eq!(a, b, "seed {seed}: {text}{image:?}");
                }
            }
        }
    }
    println!("{proved} proved, {refuted} refuted");
    assert!(proved > count / 4 && refuted > count / 5, "{proved} proved, {refuted} refuted");
}

/// The numbers of these tests: proportional functions are collected, others are not.
#[test]
fn relus_of_proportional_functions_are_one() {
    let x = Relus::pixel(0);
    let zero = Relus::default();
    let relu = |factor: i64, constant: i64| {
        let inside = x.times(&Relus::integer(factor)).plus(&Relus::integer(constant));
        inside.larger(&zero)
    };
    assert_eq!(relu(2, 4), relu(1, 2).times(&Relus::integer(2)));
    assert_eq!(relu(-1, 3), relu(1, -3).plus(&x.times(&Relus::integer(-1))).plus(&Relus::integer(3)));
    assert_ne!(relu(1, 1), relu(1, 2));
    assert_eq!(relu(0, -5), zero);
}
