//! Kernels as sums of products of whole kernels against the same kernels entry by entry.

use super::*;
use convproof_exact::{Fp, SplitMix64};

fn integers(height: usize, width: usize, cells: &[i64]) -> AtomKernel {
    let kernel = ConcreteKernel::from_integers(Shape::plane(height, width), cells.to_vec()).unwrap();
    AtomKernel::concrete(&kernel).unwrap()
}

/// Single kernels, products, sums of terms that lie apart, and zero.
fn kernels() -> Vec<AtomKernel> {
    let a = AtomKernel::free(Symbol(0), [2, 3]);
    let b = AtomKernel::free(Symbol(10), [3, 1]);
    let numbers = integers(2, 2, &[0, 2, 0, -1]);
    let product = a.convolve(&b, [2, 1]).unwrap();
    let apart = a.pad([1, 0, 2, 2]).add(&b.pad([0, 4, 2, 0])).unwrap();
    let mixed = numbers.convolve(&a, [1, 2]).unwrap().add(&integers(3, 6, &[7; 18])).unwrap();
    let zero = apart.add(&apart.scale(&Rational::from(-1)).unwrap()).unwrap();
    assert!(zero.is_zero());
    vec![a.transpose().unwrap(), b.flip().unwrap(), numbers, product, apart, mixed, zero, a]
}

fn entries(kernel: &AtomKernel) -> SymbolicKernel {
    let expanded = kernel.expand().unwrap();
    assert_eq!(expanded.shape(), kernel.shape());
    expanded
}

#[test]
fn what_is_done_with_atoms_is_done_with_entries() {
    for kernel in kernels() {
        let each = entries(&kernel);
        assert_eq!(entries(&kernel.flip().unwrap()), each.flip().unwrap());
        assert_eq!(entries(&kernel.transpose().unwrap()), each.transpose().unwrap());
        assert_eq!(entries(&kernel.pad([1, 0, 2, 3])), each.pad([1, 0, 2, 3]).unwrap());
        let third = Rational::ratio(1, 3).unwrap();
        assert_eq!(entries(&kernel.scale(&third).unwrap()), each.map(|entry| entry.scaled(&third)));
        for other in kernels() {
            let more = entries(&other);
            for dilation in [[1, 1], [2, 3]] {
                let product = kernel.convolve(&other, dilation).unwrap();
                assert_eq!(entries(&product), each.convolve(&more, dilation).unwrap());
            }
            if kernel.size() == other.size() {
                assert_eq!(entries(&kernel.add(&other).unwrap()), each.add(&more).unwrap());
            }
        }
    }
}

#[test]
fn what_is_trimmed_comes_back_with_its_margin() {
    for kernel in kernels() {
        let padded = kernel.pad([1, 2, 0, 3]);
        let (trimmed, [top, left, bottom, right]) = padded.trim();
        assert_eq!(trimmed.pad([top, left, bottom, right]), padded);
        assert!(kernel.is_zero() && trimmed.size() == [1, 1] || top >= 1 && left >= 2 && right >= 3);
        assert_eq!(trimmed.trim(), (trimmed.clone(), [0; 4]));
    }
}

#[test]
fn terms_and_residues_are_those_of_the_entries() {
    let mut random = SplitMix64::new(1);
    let values: Vec<Fp> = (0..20).map(|_| random.next_fp()).collect();
    let value = |symbol: Symbol| values[symbol.0 as usize];
    let [x, y] = [random.next_fp(), random.next_fp()];
    for kernel in kernels() {
        let expanded = entries(&kernel);
        let terms: usize = expanded.entries().iter().map(|entry| entry.terms().len()).sum();
        assert!(terms <= kernel.expanded_terms());
        let residues = kernel.evaluate_mod(&value).unwrap();
        let mut sum = Fp::ZERO;
        let [_, width] = kernel.size();
        for (place, entry) in expanded.entries().iter().enumerate() {
            let residue = entry.evaluate_mod(&value).unwrap();
            assert_eq!(residues.cells()[place], residue);
            sum += residue * x.pow((place / width) as u64) * y.pow((place % width) as u64);
        }
        assert_eq!(kernel.evaluate_at(&value, [x, y]), Some(sum));
        assert_eq!(kernel.degree(), expanded.entries().iter().map(Poly::degree).max().unwrap_or(0));
    }
}
