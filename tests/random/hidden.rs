//! Random pairs of stacks with one hidden layer at given weights, decided by another method: none stays unknown.
//!
//! A sum of relus of affine functions, no two of them proportional, is 0 only where all its coefficients are: so with relu a
//! difference is decided, size by size, by collecting the coefficients of proportional functions. With max pooling in between,
//! what is proved is compared at random images. `HIDDEN_PAIRS` and `HIDDEN_SEED` make more of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use convproof::algebra::SplitMix64;
use convproof::check::{Files, check};
use convproof::report::Outcome;
use convproof::source::Source;

use super::variable;

/// Sizes are decided up to this height and width: kernels have at most 3 and 2 rows or columns, strides at most 2 and 2.
const SIDE: usize = 8;

/// Images at which pools are compared, at each size.
const IMAGES: usize = 4;

/// `[out][in][row][column]`
type Kernel = Vec<Vec<Vec<Vec<i128>>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pool {
    size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

#[derive(Clone, Debug)]
struct Net {
    first: Kernel,
    bias: Vec<i128>,
    stride: usize,
    padding: usize,
    /// Pools after the first convolution; relu where `relu` is set stands before them.
    pools: Vec<Pool>,
    relu: bool,
    last: Kernel,
    last_stride: usize,
    last_padding: usize,
}

struct Random(SplitMix64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.0.below(n as u64)).unwrap()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn kernel(&mut self, [o, c, h, w]: [usize; 4]) -> Kernel {
        let mut entry = || self.of(&[-2, -1, 0, 0, 1, 1, 2, 3]);
        (0..o)
            .map(|_| (0..c).map(|_| (0..h).map(|_| (0..w).map(|_| entry()).collect()).collect()).collect())
            .collect()
    }

    fn net(&mut self) -> Net {
        let (inputs, hidden, outputs) = (1 + self.below(2), 1 + self.below(3), 1 + self.below(2));
        let first = [hidden, inputs, 1 + self.below(2), 1 + self.below(3)];
        let last = [outputs, hidden, 1 + self.below(2), 1 + self.below(2)];
        let pool = |size, stride, padding| Pool { size, stride, padding };
        let pools = [
            vec![],
            vec![],
            vec![pool([2, 2], [2, 2], [0, 0])],
            vec![pool([1, 2], [1, 1], [0, 0])],
            vec![pool([2, 1], [1, 1], [1, 0])],
        ];
        let pools = self.of(&pools);
        let mut net = Net {
            first: self.kernel(first),
            bias: (0..hidden).map(|_| self.of(&[0, 0, 1, -1, 2])).collect(),
            stride: self.of(&[1, 1, 2]),
            padding: self.of(&[0, 0, 1]),
            relu: pools.is_empty() || self.below(2) == 0,
            pools,
            last: self.kernel(last),
            last_stride: self.of(&[1, 1, 2]),
            last_padding: self.of(&[0, 0, 1]),
        };
        // Even, so that halves of them are numbers.
        each(&mut net.last, |entry| *entry *= 2);
        net
    }

    /// The same function in another form.
    fn rewritten(&mut self, net: &Net) -> Net {
        let mut net = net.clone();
        for _ in 0..self.below(4) {
            let hidden = net.first.len();
            let at = self.below(hidden);
            match self.below(4) {
                0 => {
                    let other = self.below(hidden);
                    net.first.swap(at, other);
                    net.bias.swap(at, other);
                    net.last.iter_mut().for_each(|output| output.swap(at, other));
                }
                1 if net
                    .last
                    .iter()
                    .all(|output| output[at].iter().flatten().all(|entry| entry % 2 == 0)) =>
                {
                    net.first[at].iter_mut().flatten().flatten().for_each(|entry| *entry *= 2);
                    net.bias[at] *= 2;
                    let halves = net.last.iter_mut().flat_map(|output| output[at].iter_mut().flatten());
                    halves.for_each(|entry| *entry /= 2);
                }
                2 if hidden < 5 => {
                    // Twice the same channel shares its weights.
                    net.first.push(net.first[at].clone());
                    net.bias.push(net.bias[at]);
                    for output in &mut net.last {
                        let mut share = output[at].clone();
                        for (mine, share) in output[at].iter_mut().flatten().zip(share.iter_mut().flatten()) {
                            *share = self.of(&[-1, 0, 1]);
                            *mine -= *share;
                        }
                        output.push(share);
                    }
                }
                3 if hidden < 5 => {
                    // A channel that nothing reads.
                    let mut more =
                        self.kernel([1, net.first[0].len(), net.first[0][0].len(), net.first[0][0][0].len()]);
                    net.first.append(&mut more);
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
    fn changed(&mut self, net: &mut Net) {
        let value = i128::try_from(self.below(6)).unwrap() - 2;
        let kernel = match self.below(6) {
            0 | 1 => &mut net.first,
            2 | 3 => &mut net.last,
            4 => {
                let at = self.below(net.bias.len());
                net.bias[at] = value;
                return;
            }
            _ => return,
        };
        let output = self.below(kernel.len());
        let input = self.below(kernel[output].len());
        let row = self.below(kernel[output][input].len());
        let column = self.below(kernel[output][input][row].len());
        kernel[output][input][row][column] = value;
    }
}

fn each(kernel: &mut Kernel, change: impl FnMut(&mut i128)) {
    kernel.iter_mut().flatten().flatten().flatten().for_each(change);
}

fn written(kernel: &Kernel) -> String {
    let list = |all: Vec<String>| format!("[{}]", all.join(" "));
    let row = |row: &Vec<i128>| list(row.iter().map(ToString::to_string).collect());
    let plane = |plane: &Vec<Vec<i128>>| list(plane.iter().map(row).collect());
    list(kernel.iter().map(|output| list(output.iter().map(plane).collect())).collect())
}

impl Net {
    fn text(&self) -> String {
        let bias: Vec<String> = self.bias.iter().map(ToString::to_string).collect();
        let (stride, padding) = (self.stride, self.padding);
        let mut text = format!(
            "conv({}, stride={stride}, padding={padding}, bias=[{}])",
            written(&self.first),
            bias.join(" ")
        );
        if self.relu {
            text.push_str(" -> relu");
        }
        for Pool { size: [h, w], stride: [s, t], padding: [p, q] } in &self.pools {
            write!(text, " -> maxpool([{h},{w}], stride=[{s},{t}], padding=[{p},{q}])").unwrap();
        }
        let (stride, padding) = (self.last_stride, self.last_padding);
        write!(text, " -> conv({}, stride={stride}, padding={padding})", written(&self.last)).unwrap();
        text
    }
}

/// An image of values of any kind.
#[derive(Clone, Debug, PartialEq)]
struct Image<T> {
    planes: Vec<Vec<Vec<T>>>,
}

impl<T> Image<T> {
    fn build(size: [usize; 3], mut value: impl FnMut([usize; 3]) -> T) -> Self {
        let [channels, h, w] = size;
        let plane = |c| (0..h).map(|i| (0..w).map(|j| value([c, i, j])).collect()).collect();
        Self { planes: (0..channels).map(plane).collect() }
    }

    fn size(&self) -> [usize; 2] {
        [self.planes[0].len(), self.planes[0][0].len()]
    }
}

/// How many outputs a window has along an axis of some length.
fn outputs(length: usize, window: usize, stride: usize, padding: usize) -> Option<usize> {
    Some((length + 2 * padding).checked_sub(window)? / stride + 1)
}

/// The formula of a convolution, over whatever can be added up.
fn convolved<T: Clone>(
    image: &Image<T>,
    kernel: &Kernel,
    (stride, padding): (usize, usize),
    start: impl Fn(usize) -> T,
    add: impl Fn(&mut T, &T, i128),
) -> Option<Image<T>> {
    let ([h, w], [k, l]) = (image.size(), [kernel[0][0].len(), kernel[0][0][0].len()]);
    let size = [kernel.len(), outputs(h, k, stride, padding)?, outputs(w, l, stride, padding)?];
    Some(Image::build(size, |[o, i, j]| {
        let mut sum = start(o);
        for (c, plane) in image.planes.iter().enumerate() {
            for u in 0..k {
                for v in 0..l {
                    let at = |n: usize, tap: usize| (stride * n + tap).checked_sub(padding);
                    let value = at(i, u).zip(at(j, v)).and_then(|(row, column)| plane.get(row)?.get(column));
                    if let Some(value) = value {
                        add(&mut sum, value, kernel[o][c][u][v]);
                    }
                }
            }
        }
        sum
    }))
}

/// Coefficients of pixels, and a constant at `None`.
type Affine = BTreeMap<Option<[usize; 3]>, i128>;

/// An affine function in order.
type Sorted = Vec<(Option<[usize; 3]>, i128)>;

/// Multiples of relus of primitive affine functions whose first coefficient is positive, and an affine rest.
#[derive(Clone, Debug, Default)]
struct Relus {
    relus: BTreeMap<Sorted, i128>,
    rest: Affine,
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

impl Relus {
    fn add(&mut self, inside: &Affine, factor: i128) {
        let mut terms: Sorted = inside.iter().map(|(at, c)| (*at, *c)).filter(|(_, c)| *c != 0).collect();
        if terms.iter().all(|(at, _)| at.is_none()) {
            *self.rest.entry(None).or_default() += factor * inside.get(&None).copied().unwrap_or(0).max(0);
            return;
        }
        let common = terms.iter().fold(0, |common, (_, c)| gcd(common, *c));
        let first = terms.iter().find(|(at, _)| at.is_some()).unwrap().1;
        let sign = first.signum();
        terms.iter_mut().for_each(|(_, c)| *c = *c / common * sign);
        if sign < 0 {
            // relu(−p) is relu(p) − p.
            terms.iter().for_each(|(at, c)| *self.rest.entry(*at).or_default() -= factor * common * c);
        }
        *self.relus.entry(terms).or_default() += factor * common;
    }

    fn is_zero(&self) -> bool {
        self.relus.values().chain(self.rest.values()).all(|&c| c == 0)
    }
}

/// Whether two nets without pools are equal at a size.
fn equal(nets: [&Net; 2], size: [usize; 2]) -> bool {
    let [h, w] = size;
    let input = Image::build([nets[0].first[0].len(), h, w], |at| Affine::from([(Some(at), 1)]));
    let add = |sum: &mut Affine, value: &Affine, weight: i128| {
        value.iter().for_each(|(at, c)| *sum.entry(*at).or_default() += weight * c);
    };
    let hidden = nets.map(|net| {
        let start = |o: usize| Affine::from([(None, net.bias[o])]);
        convolved(&input, &net.first, (net.stride, net.padding), start, add)
    });
    let sums = [0, 1].map(|side| {
        let net = nets[side];
        let sign = if side == 0 { 1 } else { -1 };
        let lift = |inside: &Affine| {
            let mut relus = Relus::default();
            relus.add(inside, sign);
            relus
        };
        let hidden = hidden[side].as_ref()?;
        let planes = hidden
            .planes
            .iter()
            .map(|plane| plane.iter().map(|row| row.iter().map(lift).collect()).collect());
        let hidden = Image { planes: planes.collect() };
        let add = |sum: &mut Relus, value: &Relus, weight: i128| {
            value.relus.iter().for_each(|(key, c)| *sum.relus.entry(key.clone()).or_default() += weight * c);
            value.rest.iter().for_each(|(at, c)| *sum.rest.entry(*at).or_default() += weight * c);
        };
        convolved(&hidden, &net.last, (net.last_stride, net.last_padding), |_| Relus::default(), add)
    });
    match sums {
        [None, None] => true,
        [Some(left), Some(right)] if left.size() == right.size() => {
            let pairs = left.planes.iter().flatten().flatten().zip(right.planes.iter().flatten().flatten());
            pairs.into_iter().all(|(a, b)| {
                let mut sum = a.clone();
                b.relus.iter().for_each(|(key, c)| *sum.relus.entry(key.clone()).or_default() += c);
                b.rest.iter().for_each(|(at, c)| *sum.rest.entry(*at).or_default() += c);
                sum.is_zero()
            })
        }
        _ => false,
    }
}

/// What a net makes of an image.
fn run(net: &Net, image: &Image<i128>) -> Option<Image<i128>> {
    let add = |sum: &mut i128, value: &i128, weight: i128| *sum += weight * value;
    let mut hidden = convolved(image, &net.first, (net.stride, net.padding), |o| net.bias[o], add)?;
    if net.relu {
        hidden.planes.iter_mut().flatten().flatten().for_each(|value| *value = (*value).max(0));
    }
    for Pool { size: [k, l], stride: [s, t], padding: [p, q] } in &net.pools {
        let [h, w] = hidden.size();
        let size = [hidden.planes.len(), outputs(h, *k, *s, *p)?, outputs(w, *l, *t, *q)?];
        hidden = Image::build(size, |[c, i, j]| {
            let window = (0..*k).flat_map(|u| {
                (0..*l).map(move |v| ((s * i + u).checked_sub(*p), (t * j + v).checked_sub(*q)))
            });
            let read = |(row, column): (Option<usize>, Option<usize>)| {
                hidden.planes[c].get(row?)?.get(column?).copied()
            };
            window.filter_map(read).max().unwrap()
        });
    }
    convolved(&hidden, &net.last, (net.last_stride, net.last_padding), |_| 0, add)
}

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(path.to_owned())
    }
}

#[test]
fn every_pair_with_one_hidden_layer_is_decided() {
    let (first, count) = (variable("HIDDEN_SEED", 1), variable("HIDDEN_PAIRS", 200));
    let (mut proved, mut refuted) = (0_u64, 0_u64);
    for seed in first..first + count {
        let mut random = Random(SplitMix64::new(seed));
        let left = random.net();
        let mut right = random.rewritten(&left);
        random.changed(&mut right);
        let text = format!("prove \"pair\": {} == {}\n", left.text(), right.text());
        let report = check(&Source::new("pair.cf", text.clone()), &NoFiles, &mut |_| {});
        let claims: Vec<_> = report.claims().collect();
        assert!(report.errors.is_empty() && claims.len() == 1, "seed {seed}: {text}{:?}", report.errors);
        let is_proved = match claims[0].outcome {
            Outcome::Proved => true,
            Outcome::Refuted => false,
            _ => panic!("seed {seed}: undecided: {text}{}", claims[0].method),
        };
        *(if is_proved { &mut proved } else { &mut refuted }) += 1;
        let mut sizes = (1..=SIDE).flat_map(|h| (1..=SIDE).map(move |w| [h, w]));
        if left.pools.is_empty() {
            assert_eq!(is_proved, sizes.all(|size| equal([&left, &right], size)), "seed {seed}: {text}");
        } else if is_proved {
            for [h, w] in sizes {
                for _ in 0..IMAGES {
                    let mut value = |_| i128::try_from(random.below(9)).unwrap() - 4;
                    let image = Image::build([left.first[0].len(), h, w], &mut value);
                    assert_eq!(run(&left, &image), run(&right, &image), "seed {seed}: {text}{image:?}");
                }
            }
        }
    }
    println!("{proved} proved, {refuted} refuted");
    assert!(proved > count / 4 && refuted > count / 5, "{proved} proved, {refuted} refuted");
}
