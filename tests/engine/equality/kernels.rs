//! Kernels in their three forms: every operation against arrays of numbers at random points.

use convproof::algebra::{Fp, Poly, Rational, SplitMix64, Symbol};
use convproof::ir::Symbols;
use convproof::kernel::atoms::AtomKernel;
use convproof::kernel::{ConcreteKernel, Kernel, Shape};
use proptest::prelude::*;

use crate::equality::decide::config;

/// `[out][in][row][column]` of numbers.
#[derive(Clone, Debug, PartialEq)]
struct Array {
    shape: [usize; 4],
    values: Vec<Fp>,
}

impl Array {
    fn from_fn(shape: [usize; 4], entry: impl Fn([usize; 4]) -> Fp) -> Self {
        let [o, c, h, w] = shape;
        let at = |n: usize| [n / w / h / c, n / w / h % c, n / w % h, n % w];
        Self { shape, values: (0..o * c * h * w).map(|n| entry(at(n))).collect() }
    }

    fn at(&self, [o, c, i, j]: [usize; 4]) -> Fp {
        let [_, inputs, h, w] = self.shape;
        self.values[((o * inputs + c) * h + i) * w + j]
    }

    fn at_or_zero(&self, o: usize, c: usize, i: Option<usize>, j: Option<usize>) -> Fp {
        match (i, j) {
            (Some(i), Some(j)) if i < self.shape[2] && j < self.shape[3] => self.at([o, c, i, j]),
            _ => Fp::ZERO,
        }
    }

    /// First `self`, then `next` dilated.
    fn convolve(&self, next: &Self, [dh, dw]: [usize; 2]) -> Self {
        let [_, inputs, h, w] = self.shape;
        let [outputs, middle, p, q] = next.shape;
        Self::from_fn([outputs, inputs, h + (p - 1) * dh, w + (q - 1) * dw], |[o, c, i, j]| {
            let mut sum = Fp::ZERO;
            for m in 0..middle {
                for u in 0..p {
                    for v in 0..q {
                        let value = self.at_or_zero(m, c, i.checked_sub(u * dh), j.checked_sub(v * dw));
                        sum += value * next.at([o, m, u, v]);
                    }
                }
            }
            sum
        })
    }
}

fn value(seed: u64) -> impl Fn(Symbol) -> Fp {
    move |symbol| SplitMix64::new(seed ^ (u64::from(symbol.0) << 20)).next_fp()
}

fn array(kernel: &Kernel, seed: u64) -> Array {
    let shape = kernel.shape();
    let values = kernel.evaluate_mod(&value(seed)).unwrap();
    Array { shape: [shape.outputs, shape.inputs, shape.height, shape.width], values }
}

/// The same from the expansion.
fn expanded(kernel: &Kernel, seed: u64) -> Array {
    let expanded = kernel.expand().unwrap();
    let shape = expanded.shape();
    let values = expanded.entries().iter().map(|entry| entry.evaluate_mod(&value(seed)).unwrap()).collect();
    Array { shape: [shape.outputs, shape.inputs, shape.height, shape.width], values }
}

#[derive(Clone, Debug)]
enum Operation {
    Convolve(usize, [usize; 2]),
    Add(usize),
    Subtract(usize),
    Scale(i64, i64),
    ScaleBy(usize),
    Flip,
    Transpose,
    Pad([usize; 4]),
    Trim,
    Dilate([usize; 2]),
    Repeat([usize; 2]),
    Every([usize; 2], [usize; 2]),
    Crop([usize; 2]),
}

fn operation() -> impl Strategy<Value = Operation> {
    let pair = || [1..4usize, 1..4usize];
    prop_oneof![
        4 => (0..6usize, [1..3usize, 1..3]).prop_map(|(n, by)| Operation::Convolve(n, by)),
        2 => (0..6usize).prop_map(Operation::Add),
        2 => (0..6usize).prop_map(Operation::Subtract),
        1 => (-2..3i64, 1..4i64).prop_map(|(n, d)| Operation::Scale(n, d)),
        1 => (0..3usize).prop_map(Operation::ScaleBy),
        2 => Just(Operation::Flip),
        2 => Just(Operation::Transpose),
        1 => [0..2usize, 0..2, 0..2, 0..2].prop_map(Operation::Pad),
        1 => Just(Operation::Trim),
        1 => [1..3usize, 1..3].prop_map(Operation::Dilate),
        1 => [1..3usize, 1..3].prop_map(Operation::Repeat),
        1 => ([0..2usize, 0..2], pair()).prop_map(|(start, step)| Operation::Every(start, step)),
        1 => [0..2usize, 0..2].prop_map(Operation::Crop),
    ]
}

/// Kernels to start from and to combine with: two free ones, a concrete one, entries, scalars.
fn leaves(symbols: &mut Symbols) -> Vec<Kernel> {
    let mut free = |name: &str, shape: Shape| {
        Kernel::free(symbols.declare(name, shape, 2).unwrap().first, shape).unwrap()
    };
    let (a, b) = (free("A", Shape::plane(2, 2)), free("B", Shape::plane(1, 3)));
    let (x, y) = (free("x", Shape::plane(1, 1)), free("y", Shape::plane(1, 1)));
    let concrete = ConcreteKernel::from_integers(Shape::plane(2, 2), vec![1, 0, -2, 3]).unwrap();
    let mixed = Kernel::from_entries(
        Shape::plane(2, 1),
        vec![a.expand().unwrap().entries()[1].clone(), y.as_scalar().unwrap()],
    );
    vec![a, b, concrete.into(), x, mixed.unwrap(), y]
}

/// Grown to a common size at the bottom and right.
fn grown(kernel: &Kernel, other: &Kernel) -> Kernel {
    let (a, b) = (kernel.shape(), other.shape());
    kernel.pad([0, 0, b.height.saturating_sub(a.height), b.width.saturating_sub(a.width)]).unwrap()
}

fn grown_array(a: &Array, shape: [usize; 4]) -> Array {
    Array::from_fn(shape, |[o, c, i, j]| a.at_or_zero(o, c, Some(i), Some(j)))
}

/// Beyond this many entries a kernel is not grown further.
const LARGE: usize = 150;

#[allow(clippy::too_many_lines, reason = "one arm for each operation")]
fn applied(
    kernel: &Kernel,
    numbers: &Array,
    operation: &Operation,
    leaves: &[Kernel],
    seed: u64,
) -> (Kernel, Array) {
    let [outputs, inputs, h, w] = numbers.shape;
    let leaf = |n: &usize| (&leaves[*n], array(&leaves[*n], seed));
    let combined = |n: &usize, sign: i64| {
        let (other, values) = leaf(n);
        let shape = [1, 1, h.max(values.shape[2]), w.max(values.shape[3])];
        let (a, b) = (grown_array(numbers, shape), grown_array(&values, shape));
        let sum = Array::from_fn(shape, |at| a.at(at) + b.at(at) * Fp::from(sign));
        let (left, right) = (grown(kernel, other), grown(other, kernel));
        (if sign == 1 { left.add(&right).unwrap() } else { left.sub(&right).unwrap() }, sum)
    };
    match operation {
        Operation::Convolve(n, by) => {
            let (other, values) = leaf(n);
            (kernel.convolve_dilated(other, *by).unwrap(), numbers.convolve(&values, *by))
        }
        Operation::Add(n) => combined(n, 1),
        Operation::Subtract(n) => combined(n, -1),
        Operation::Scale(n, d) => {
            let factor = Rational::ratio(*n, *d).unwrap();
            let residue = Fp::from_rational(&factor).unwrap();
            let scaled = Array::from_fn(numbers.shape, |at| numbers.at(at) * residue);
            (kernel.scale_rational(&factor).unwrap(), scaled)
        }
        Operation::ScaleBy(n) => {
            // x, an entry of A, or x / y.
            let x = leaves[3].as_scalar().unwrap();
            let y = leaves[5].as_scalar().unwrap();
            let factor: Poly = match n {
                0 => x,
                1 => leaves[0].expand().unwrap().entries()[2].clone(),
                _ => &x * &y.reciprocal().unwrap(),
            };
            let residue = factor.evaluate_mod(&value(seed)).unwrap();
            let scaled = Array::from_fn(numbers.shape, |at| numbers.at(at) * residue);
            (kernel.scale(&factor).unwrap(), scaled)
        }
        Operation::Flip => {
            let turned =
                Array::from_fn(numbers.shape, |[o, c, i, j]| numbers.at([o, c, h - 1 - i, w - 1 - j]));
            (kernel.flip().unwrap(), turned)
        }
        Operation::Transpose => {
            let turned = Array::from_fn([outputs, inputs, w, h], |[o, c, i, j]| numbers.at([o, c, j, i]));
            (kernel.transpose().unwrap(), turned)
        }
        Operation::Pad([top, left, bottom, right]) => {
            let shape = [outputs, inputs, h + top + bottom, w + left + right];
            let padded = Array::from_fn(shape, |[o, c, i, j]| {
                numbers.at_or_zero(o, c, i.checked_sub(*top), j.checked_sub(*left))
            });
            (kernel.pad([*top, *left, *bottom, *right]).unwrap(), padded)
        }
        Operation::Trim => {
            // What is removed is zero, and put back it is the kernel.
            let (trimmed, sides) = kernel.trim().unwrap();
            let restored = trimmed.pad(sides).unwrap();
            assert_eq!(array(&restored, seed), *numbers);
            let shape = trimmed.shape();
            let [top, left, _, _] = sides;
            let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
            let cut = Array::from_fn(shape, |[o, c, i, j]| numbers.at([o, c, i + top, j + left]));
            (trimmed, cut)
        }
        Operation::Dilate([dh, dw]) => {
            let shape = [outputs, inputs, (h - 1) * dh + 1, (w - 1) * dw + 1];
            let spread = Array::from_fn(shape, |[o, c, i, j]| {
                if i % dh == 0 && j % dw == 0 { numbers.at([o, c, i / dh, j / dw]) } else { Fp::ZERO }
            });
            (kernel.dilate([*dh, *dw]).unwrap(), spread)
        }
        Operation::Repeat([n, m]) => {
            let shape = [outputs, inputs, h * n, w * m];
            let blocks = Array::from_fn(shape, |[o, c, i, j]| numbers.at([o, c, i / n, j / m]));
            (kernel.repeat([*n, *m]).unwrap(), blocks)
        }
        Operation::Every(start, step) => {
            let count =
                |size: usize, axis: usize| size.saturating_sub(start[axis]).div_ceil(step[axis]).max(1);
            let shape = [outputs, inputs, count(h, 0), count(w, 1)];
            let kept = Array::from_fn(shape, |[o, c, i, j]| {
                numbers.at_or_zero(o, c, Some(start[0] + i * step[0]), Some(start[1] + j * step[1]))
            });
            (kernel.every(*start, *step).unwrap(), kept)
        }
        Operation::Crop([top, left]) => {
            let shape = [outputs, inputs, (h - top.min(&(h - 1))).max(1), (w - left.min(&(w - 1))).max(1)];
            let (top, left) = (h - shape[2], w - shape[3]);
            let cut = Array::from_fn(shape, |[o, c, i, j]| numbers.at([o, c, i + top, j + left]));
            let kept = Shape::new(outputs, inputs, shape[2], shape[3]);
            (kernel.gather(kept, |[o, c, i, j]| Some([o, c, i + top, j + left])).unwrap(), cut)
        }
    }
}

fn run(
    first: usize,
    operations: &[Operation],
    leaves: &[Kernel],
    seed: u64,
) -> Result<Kernel, TestCaseError> {
    let mut kernel = leaves[first].clone();
    let mut numbers = array(&kernel, seed);
    for operation in operations {
        let grows = matches!(
            operation,
            Operation::Convolve(..) | Operation::Dilate(_) | Operation::Repeat(_) | Operation::Pad(_)
        );
        if grows && numbers.values.len() > LARGE {
            continue;
        }
        (kernel, numbers) = applied(&kernel, &numbers, operation, leaves, seed);
        prop_assert_eq!(&array(&kernel, seed), &numbers, "{:?}", operation);
        prop_assert_eq!(&expanded(&kernel, seed), &numbers, "expansion after {:?}", operation);
    }
    Ok(kernel)
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 0..6)
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn operations_are_what_they_are_on_numbers(first in 0..6usize, operations in operations(), seed in any::<u64>()) {
        let mut symbols = Symbols::default();
        let leaves = leaves(&mut symbols);
        let kernel = run(first, &operations, &leaves, seed)?;
        // The symbols named are those that occur.
        let used = kernel.symbols();
        for entry in kernel.expand().unwrap().entries() {
            prop_assert!(entry.symbols().iter().all(|symbol| used.contains(symbol)));
        }
        prop_assert_eq!(kernel.sum().unwrap(), kernel.expand().unwrap().sum());
    }

    /// Two ways to the same kernel: where the forms are equal, so are the numbers, and where the expansions are
    /// equal, so are the forms, as long as free kernels are used whole.
    #[test]
    fn forms_decide(
        first in 0..6usize,
        other in 0..6usize,
        one in prop::collection::vec(operation(), 0..4),
        two in prop::collection::vec(operation(), 0..4),
        seed in any::<u64>(),
    ) {
        let mut symbols = Symbols::default();
        let leaves = leaves(&mut symbols);
        let (a, b) = (run(first, &one, &leaves, seed)?, run(other, &two, &leaves, seed)?);
        if a == b {
            prop_assert_eq!(array(&a, seed), array(&b, seed));
        }
        let reordered: Vec<Operation> = one.iter().rev().cloned().collect();
        let c = run(first, &reordered, &leaves, seed)?;
        for (x, y) in [(&a, &b), (&a, &c), (&b, &c)] {
            if let (Kernel::Atoms(_), Kernel::Atoms(_)) = (x, y) {
                prop_assert_eq!(x == y, x.expand().unwrap() == y.expand().unwrap());
            }
        }
    }

    /// Commutation and association, as forms.
    #[test]
    fn products_of_atoms_have_one_form(
        picks in [0..6usize, 0..6, 0..6],
        by in [1..3usize, 1..3],
        flips in any::<[bool; 3]>(),
    ) {
        let mut symbols = Symbols::default();
        let leaves = leaves(&mut symbols);
        let pick = |n: usize| {
            let kernel = leaves[picks[n]].clone();
            if flips[n] { kernel.flip().unwrap() } else { kernel }
        };
        let (a, b, c) = (pick(0), pick(1), pick(2));
        prop_assert_eq!(a.convolve(&b).unwrap(), b.convolve(&a).unwrap());
        prop_assert_eq!(
            a.convolve(&b).unwrap().convolve(&c).unwrap(),
            a.convolve(&b.convolve(&c).unwrap()).unwrap()
        );
        let spread = |kernel: &Kernel| kernel.dilate(by).unwrap();
        prop_assert_eq!(spread(&a.convolve(&b).unwrap()), spread(&a).convolve(&spread(&b)).unwrap());
        prop_assert_eq!(a.convolve_dilated(&b, by).unwrap(), a.convolve(&spread(&b)).unwrap());
        let turned = |kernel: &Kernel| kernel.transpose().unwrap().flip().unwrap();
        prop_assert_eq!(turned(&a.convolve(&b).unwrap()), turned(&a).convolve(&turned(&b)).unwrap());
        prop_assert_eq!(turned(&turned(&a)), a.clone());
        let (wide, other) = (grown(&a, &b), grown(&b, &a));
        prop_assert_eq!(
            wide.add(&other).unwrap().convolve(&c).unwrap(),
            wide.convolve(&c).unwrap().add(&other.convolve(&c).unwrap()).unwrap()
        );
        prop_assert!(wide.sub(&wide).unwrap().is_zero());
    }

    /// Kernels with channels do not commute, and compose as matrices.
    #[test]
    fn channels_compose(
        channels in [1..4usize, 1..3, 1..4],
        sizes in [[1..3usize, 1..3], [1..3, 1..3]],
        by in [1..3usize, 1..3],
        free in any::<[bool; 2]>(),
        seed in any::<u64>(),
    ) {
        let mut symbols = Symbols::default();
        let [inputs, middle, outputs] = channels;
        let mut make = |n: usize, o: usize, c: usize| {
            let shape = Shape::new(o, c, sizes[n][0], sizes[n][1]);
            if free[n] {
                Kernel::free(symbols.declare("K", shape, 4).unwrap().first, shape).unwrap()
            } else {
                crate::equality::build::seeded([o, c, sizes[n][0], sizes[n][1]], seed % 1000).kernel().clone()
            }
        };
        let (a, b) = (make(0, middle, inputs), make(1, outputs, middle));
        let product = a.convolve_dilated(&b, by).unwrap();
        let numbers = array(&a, seed).convolve(&array(&b, seed), by);
        prop_assert_eq!(array(&product, seed), numbers.clone());
        prop_assert_eq!(expanded(&product, seed), numbers);
    }
}

/// Dilations of one free kernel are independent; flips and transposes of it are not products.
#[test]
fn atoms_of_one_kernel_differ() {
    let mut symbols = Symbols::default();
    let first = symbols.declare("A", Shape::plane(2, 2), 2).unwrap().first;
    let atom = AtomKernel::free(first, [2, 2]);
    let all = [
        atom.clone(),
        atom.flip().unwrap(),
        atom.transpose().unwrap(),
        atom.dilate([2, 1]).unwrap(),
        atom.dilate([1, 2]).unwrap(),
        atom.flip().unwrap().transpose().unwrap(),
    ];
    for (n, a) in all.iter().enumerate() {
        for b in &all[..n] {
            assert_ne!(a, b);
            assert_ne!(a.expand().unwrap(), b.expand().unwrap());
        }
    }
}
