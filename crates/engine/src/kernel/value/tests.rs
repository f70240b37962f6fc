//! Kernels in every form against loops over their entries written here; and which operations leave many entries unwritten.

use std::collections::hash_map::DefaultHasher;

use super::*;
use convproof_exact::{Monomial, SplitMix64};
use num_bigint::BigInt;

/// Whole free kernels and sums of their products, numbers of one and of many words, entries of channels, and kernels of so many
/// entries that they are made later.
fn kernels() -> Vec<Kernel> {
    let shape = Shape::new(2, 3, 1, 2);
    let a = Kernel::free(Symbol(0), Shape::plane(2, 3)).unwrap();
    let b = Kernel::free(Symbol(10), Shape::plane(3, 2)).unwrap();
    let values = (0..12).map(|n| Rational::ratio(n * n - 20, 1 + n % 3).unwrap()).collect::<Vec<_>>();
    let words = ConcreteKernel::from_rationals(shape, &values).unwrap();
    let long = |n: i64| Rational::from((BigInt::from(n - 5) << (20 * n)) + 1);
    let wide = ConcreteKernel::from_rationals(shape, &(0..12).map(long).collect::<Vec<_>>()).unwrap();
    vec![
        a.convolve_dilated(&b, [2, 1])
            .unwrap()
            .add(&Kernel::free(Symbol(30), Shape::plane(6, 4)).unwrap())
            .unwrap(),
        a,
        words.into(),
        wide.into(),
        Kernel::free(Symbol(50), shape).unwrap(),
        Kernel::free(Symbol(100), Shape::new(64, 65, 1, 1)).unwrap(),
        Kernel::free(Symbol(100), Shape::new(3, 2, 26, 27)).unwrap(),
    ]
}

/// The entries of a kernel after checks that all ways to look at them agree.
fn entries(kernel: &Kernel) -> Vec<Poly> {
    let expanded = kernel.expand().unwrap();
    assert_eq!(expanded.shape(), kernel.shape());
    let entries = expanded.entries().to_vec();
    let mut random = SplitMix64::new(7);
    let values: Vec<Fp> = (0..5000).map(|_| random.next_fp()).collect();
    let value = |symbol: Symbol| values[(symbol.0 % 5000) as usize];
    let residues: Vec<Fp> = entries.iter().map(|entry| entry.evaluate_mod(&value).unwrap()).collect();
    assert_eq!(kernel.evaluate_mod(&value), Some(residues));
    assert_eq!(kernel.is_zero(), entries.iter().all(Poly::is_zero));
    let constant = entries.iter().all(|entry| entry.as_constant().is_some());
    assert_eq!(kernel.as_concrete().is_some(), constant && !kernel.is_later());
    let degree = entries.iter().map(Poly::degree).max().unwrap();
    assert!(kernel.degree() == degree || kernel.is_later() && kernel.degree() > degree);
    let occurring: std::collections::BTreeSet<Symbol> = entries.iter().flat_map(Poly::symbols).collect();
    let told = kernel.symbols();
    assert!(told.is_sorted() && occurring.iter().all(|symbol| told.binary_search(symbol).is_ok()));
    let mut ranges: Vec<u32> =
        kernel.symbol_ranges().into_iter().flat_map(|(first, count)| first.0..first.0 + count).collect();
    ranges.sort_unstable();
    ranges.dedup();
    assert_eq!(ranges, told.iter().map(|symbol| symbol.0).collect::<Vec<_>>());
    if !kernel.is_later() {
        assert_eq!(told, occurring.into_iter().collect::<Vec<_>>());
    }
    entries
}

/// What is picked from entries.
fn picked(
    old: Shape,
    entries: &[Poly],
    shape: Shape,
    from: impl Fn([usize; 4]) -> Option<[usize; 4]>,
) -> Vec<Poly> {
    let mut all = Vec::new();
    for o in 0..shape.outputs {
        for c in 0..shape.inputs {
            for (i, j) in (0..shape.height).flat_map(|i| (0..shape.width).map(move |j| (i, j))) {
                all.push(from([o, c, i, j]).map_or_else(Poly::zero, |[o, c, i, j]| {
                    entries[((o * old.inputs + c) * old.height + i) * old.width + j].clone()
                }));
            }
        }
    }
    all
}

#[track_caller]
fn check(made: &Kernel, shape: Shape, expected: &[Poly], later: bool) {
    assert_eq!((made.shape(), made.is_later()), (shape, later));
    assert_eq!(entries(made), expected);
}

#[test]
fn entries_move_as_they_should() {
    for kernel in kernels() {
        let (old, each, later) = (kernel.shape(), entries(&kernel), kernel.is_later());
        let Shape { height: h, width: w, .. } = old;
        let check = |made: Kernel, shape: Shape, from: &dyn Fn([usize; 4]) -> Option<[usize; 4]>| {
            check(&made, shape, &picked(old, &each, shape, from), later);
        };
        check(kernel.flip().unwrap(), old, &|[o, c, i, j]| Some([o, c, h - 1 - i, w - 1 - j]));
        let turned = Shape { height: w, width: h, ..old };
        check(kernel.transpose().unwrap(), turned, &|[o, c, i, j]| Some([o, c, j, i]));
        check(kernel.pad([0; 4]).unwrap(), old, &Some);
        let padded = Shape { height: h + 1, width: w + 5, ..old };
        let inside = |[o, c, i, j]: [usize; 4]| (i < h && j >= 3 && j < w + 3).then(|| [o, c, i, j - 3]);
        check(kernel.pad([0, 3, 1, 2]).unwrap(), padded, &inside);
        let (trimmed, sides) = kernel.pad([0, 3, 1, 2]).unwrap().trim().unwrap();
        assert!(sides.iter().zip([0, 3, 1, 2]).all(|(&side, least)| side >= least));
        assert_eq!(trimmed.pad(sides).unwrap().expand(), kernel.pad([0, 3, 1, 2]).unwrap().expand());
        let spaced = Shape { height: 3 * (h - 1) + 1, width: 2 * (w - 1) + 1, ..old };
        check(kernel.dilate([3, 2]).unwrap(), spaced, &|[o, c, i, j]| {
            (i % 3 == 0 && j % 2 == 0).then_some([o, c, i / 3, j / 2])
        });
        let blocks = Shape { height: 2 * h, width: 3 * w, ..old };
        check(kernel.repeat([2, 3]).unwrap(), blocks, &|[o, c, i, j]| Some([o, c, i / 2, j / 3]));
        let first = Shape { outputs: 1, inputs: 2.min(old.inputs), ..old };
        let last =
            move |[_, c, i, j]: [usize; 4]| (i + j != 1).then(|| [old.outputs - 1, old.inputs - 1 - c, i, j]);
        check(kernel.gather_later(first, last).unwrap(), first, &last);
    }
}

#[test]
fn rows_and_columns_are_picked() {
    for kernel in kernels() {
        let (old, each) = (kernel.shape(), entries(&kernel));
        for (start, step) in [([0, 0], [1, 1]), ([1, 0], [2, 3]), ([0, 1], [1, 2]), ([9, 30], [1, 1])] {
            let rows: Vec<usize> = (start[0]..old.height).step_by(step[0]).collect();
            let columns: Vec<usize> = (start[1]..old.width).step_by(step[1]).collect();
            let shape = Shape { height: rows.len().max(1), width: columns.len().max(1), ..old };
            let from = |[o, c, i, j]: [usize; 4]| Some([o, c, *rows.get(i)?, *columns.get(j)?]);
            check(&kernel.every(start, step).unwrap(), shape, &picked(old, &each, shape, from), false);
        }
    }
}

#[test]
fn sums_and_multiples_are_those_of_entries() {
    let third = Rational::ratio(-1, 3).unwrap();
    // A scalar, and an entry of a larger kernel.
    let scalar = Kernel::free(Symbol::scalar(9), Shape::plane(1, 1)).unwrap().as_scalar().unwrap();
    let factors =
        [Poly::constant(third.clone()), &scalar + &Poly::one(), &Poly::symbol(Symbol(3)) + &Poly::one()];
    for kernel in kernels() {
        let (shape, each, later) = (kernel.shape(), entries(&kernel), kernel.is_later());
        let scaled: Vec<Poly> = each.iter().map(|entry| entry.scaled(&third)).collect();
        check(&kernel.scale_rational(&third).unwrap(), shape, &scaled, later);
        assert_eq!(kernel.scale_rational(&Rational::ONE).unwrap(), kernel);
        for factor in &factors {
            let times: Vec<Poly> = each.iter().map(|entry| entry * factor).collect();
            check(&kernel.scale(factor).unwrap(), shape, &times, later);
        }
        for other in kernels() {
            if other.shape() != shape {
                assert!(kernel.add(&other).is_err());
                continue;
            }
            let more = entries(&other);
            let sum: Vec<Poly> = each.iter().zip(&more).map(|(a, b)| a + b).collect();
            check(&kernel.add(&other).unwrap(), shape, &sum, later);
            let difference: Vec<Poly> = each.iter().zip(&more).map(|(a, b)| a - b).collect();
            check(&kernel.sub(&other).unwrap(), shape, &difference, later);
        }
        let total = each.iter().fold(Poly::zero(), |sum, entry| &sum + entry);
        assert_eq!(kernel.sum().unwrap(), total);
    }
}

#[test]
fn channels_are_added_up_and_scaled() {
    for kernel in kernels() {
        let (shape, each, later) = (kernel.shape(), entries(&kernel), kernel.is_later());
        for outputs in [false, true] {
            let count = if outputs { shape.outputs } else { shape.inputs };
            let channel = |index: usize| {
                let plane = index / (shape.height * shape.width);
                if outputs { plane / shape.inputs } else { plane % shape.inputs }
            };
            let mut sums = vec![Poly::zero(); count];
            for (index, entry) in each.iter().enumerate() {
                sums[channel(index)] = &sums[channel(index)] + entry;
            }
            check(&kernel.channel_sums(outputs).unwrap(), Shape::plane(1, count), &sums, later);
            let numbers =
                ConcreteKernel::from_integers(Shape::plane(1, count), (2..).take(count).collect()).unwrap();
            let free = Kernel::free(Symbol(4800), Shape::plane(1, count)).unwrap();
            for factors in [numbers.into(), free] {
                let by = entries(&factors);
                let scaled: Vec<Poly> =
                    each.iter().enumerate().map(|(index, entry)| entry * &by[channel(index)]).collect();
                check(&kernel.scale_channels(&factors, outputs).unwrap(), shape, &scaled, later);
            }
        }
    }
}

/// The composition by its definition.
fn composed(first: &Kernel, next: &Kernel, dilation: [usize; 2]) -> (Shape, Vec<Poly>) {
    let (a, b) = (first.shape(), next.shape());
    let (height, width) = (a.height + (b.height - 1) * dilation[0], a.width + (b.width - 1) * dilation[1]);
    let shape = Shape { outputs: b.outputs, inputs: a.inputs, height, width };
    let (left, right) = (first.expand().unwrap(), next.expand().unwrap());
    let mut sums = vec![Poly::zero(); shape.entries().unwrap()];
    for [o, m, p, q] in positions(b) {
        for [_, c, i, j] in positions(Shape { outputs: 1, ..a }) {
            let (row, column) = (i + p * dilation[0], j + q * dilation[1]);
            let at = ((o * shape.inputs + c) * height + row) * width + column;
            sums[at] = &sums[at] + &(left.entry(m, c, i, j) * right.entry(o, m, p, q));
        }
    }
    (shape, sums)
}

#[test]
fn products_are_their_definition_and_large_ones_are_made_later() {
    let free = |first: u32, shape| Kernel::free(Symbol(first), shape).unwrap();
    let numbers = |shape: Shape| {
        let count = i64::try_from(shape.entries().unwrap()).unwrap();
        Kernel::from(ConcreteKernel::from_integers(shape, (0..count).map(|n| n % 7 - 3).collect()).unwrap())
    };
    let (small, row) = (Shape::new(3, 2, 2, 1), Shape::new(2, 3, 1, 2));
    let pairs = [
        (free(0, small), free(50, row), false),
        (free(0, small), numbers(row), false),
        (numbers(small), numbers(row), false),
        (free(0, Shape::plane(3, 2)), free(50, Shape::plane(2, 2)), false),
        // Exactly as many products as are written out, and one more row.
        (free(0, Shape::new(16, 16, 1, 1)), free(300, Shape::new(16, 16, 1, 1)), false),
        (free(0, Shape::new(16, 16, 1, 1)), free(300, Shape::new(17, 16, 1, 1)), true),
        (numbers(Shape::new(16, 16, 1, 1)), free(300, Shape::new(17, 16, 1, 1)), true),
        (numbers(Shape::new(16, 16, 1, 1)), numbers(Shape::new(17, 16, 1, 1)), false),
        // Of many entries whatever is made of them.
        (free(0, Shape::new(64, 65, 1, 1)), free(4500, Shape::new(1, 64, 1, 1)), true),
    ];
    for (first, next, later) in pairs {
        for dilation in [[1, 1], [3, 2]] {
            let (shape, expected) = composed(&first, &next, dilation);
            check(&first.convolve_dilated(&next, dilation).unwrap(), shape, &expected, later);
        }
    }
    // Entries that are sums themselves count with their terms.
    let square = Shape::new(4, 4, 1, 1);
    let sum = (1..33).fold(free(0, square), |sum, k| sum.add(&free(20 * k, square)).unwrap());
    assert!(sum.convolve_dilated(&sum, [1, 1]).unwrap().is_later());
    assert!(!sum.convolve_dilated(&free(700, square), [1, 1]).unwrap().is_later());
    // A single entry scales any kernel.
    let scalar = free(4999, Shape::plane(1, 1));
    for kernel in kernels() {
        let times: Vec<Poly> =
            entries(&kernel).iter().map(|entry| entry * &scalar.as_scalar().unwrap()).collect();
        check(&kernel.convolve(&scalar).unwrap(), kernel.shape(), &times, kernel.is_later());
        check(&scalar.convolve(&kernel).unwrap(), kernel.shape(), &times, kernel.is_later());
    }
    let two = free(0, Shape::new(2, 2, 1, 2));
    for exponent in 0..4 {
        let power = (0..exponent).fold(Kernel::identity(2).unwrap(), |power, _| {
            let (shape, entries) = composed(&power, &two, [1, 1]);
            Kernel::from_entries(shape, entries).unwrap()
        });
        assert_eq!(two.pow(exponent).unwrap(), power);
    }
}

fn hash(kernel: &Kernel) -> u64 {
    let mut hasher = DefaultHasher::new();
    kernel.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn kernels_are_equal_if_their_entries_are() {
    let shape = Shape::new(64, 65, 1, 1);
    let free = Kernel::free(Symbol(100), shape).unwrap();
    let known: Kernel = SymbolicKernel::free(Symbol(100), shape).unwrap().into();
    let other: Kernel = SymbolicKernel::free(Symbol(101), shape).unwrap().into();
    let long: Kernel = SymbolicKernel::free(Symbol(100), Shape::new(65, 64, 1, 1)).unwrap().into();
    assert!(free.is_later() && !known.is_later());
    let again = Kernel::free(Symbol(100), shape).unwrap();
    for [a, b] in [[&free, &known], [&known, &free], [&free, &again]] {
        assert_eq!(a, b);
    }
    assert_eq!(hash(&free), hash(&known));
    for unlike in [&other, &long, &Kernel::free(Symbol(101), shape).unwrap()] {
        assert_ne!(&free, unlike);
        assert_ne!(unlike, &free);
    }
    // What cannot be made is equal to itself only.
    let [first, next] = [0, 1].map(|_| Kernel::unwritten(shape, &[&free]));
    assert!(first == first.clone() && first != next && first != free && known != first);
    assert_eq!((first.degree(), Kernel::unwritten(shape, &[&free, &first]).degree()), (1, 2));
    assert!(first.expand().is_err() && !first.is_zero() && first.as_scalar().is_none());
    for (i, a) in kernels().iter().enumerate() {
        for (j, b) in kernels().iter().enumerate() {
            assert_eq!(a == b, i == j);
            assert!(i != j || hash(a) == hash(b));
        }
    }
}

#[test]
fn what_has_no_symbols_is_numbers_and_what_is_one_entry_a_scalar() {
    for kernel in kernels() {
        let zero = kernel.sub(&kernel).unwrap();
        assert!(zero.is_zero() && !kernel.is_zero());
        assert!(zero.is_later() || zero.as_concrete().is_some());
        assert_eq!(kernel.as_atoms().is_some(), kernel.shape().is_plane());
        assert!(kernel.as_scalar().is_none());
        assert!(kernel.allows(kernel.shape()).is_ok());
    }
    let monomial = Monomial::power(Symbol(5), 2);
    let square = Poly::term(monomial, Rational::from(3));
    for value in [Poly::zero(), Poly::one(), Poly::symbol(Symbol(5)), square] {
        let kernel = Kernel::scalar(&value);
        assert_eq!((kernel.shape(), kernel.as_scalar()), (Shape::plane(1, 1), Some(value.clone())));
        assert_eq!(kernel, Kernel::from_entries(Shape::plane(1, 1), vec![value]).unwrap());
    }
    let huge = Shape::new(1 << 12, 1 << 12, 3, 3);
    let later = kernels().pop().unwrap();
    assert!(later.allows(huge).is_ok() && kernels()[0].allows(huge).is_err());
    let limit =
        kernels()[0].expand().unwrap().entries().iter().map(|entry| entry.terms().len()).sum::<usize>();
    assert!(kernels()[0].expand_within(limit).is_ok());
    assert!(matches!(kernels()[0].expand_within(limit - 1), Err(KernelError::TooManyTerms { .. })));
}
