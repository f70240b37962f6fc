//! Quotients and factors that were planted come back; what is not there is not found.

use std::cell::Cell;

use convproof::algebra::Rational;
use convproof::ir::{Equation, Factor, Field, KernelTerm, Symbols, Unknown};
use convproof::kernel::deconvolve::deconvolve;
use convproof::kernel::{ConcreteKernel, Kernel, Shape};
use convproof::prove::factoring::{self, Absence, EquationVerdict, ForallVerdict};
use proptest::prelude::*;

use crate::equality::build::{composed, concrete, free, seeded};
use crate::equality::decide::config;

fn equation(equation: &Equation) -> EquationVerdict {
    factoring::equation(equation, &Symbols::default())
}

fn forall(equation: &Equation, field: Field) -> ForallVerdict {
    factoring::forall(equation, field, &Symbols::default())
}

#[derive(Clone, Debug)]
enum Leaf {
    Free([usize; 2]),
    Seed([usize; 2], u64),
    /// A free scalar times a concrete kernel.
    Scaled([usize; 2], u64),
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let size = || [1..4usize, 1..4usize];
    prop_oneof![
        size().prop_map(Leaf::Free),
        (size(), any::<u16>()).prop_map(|(size, seed)| Leaf::Seed(size, seed.into())),
        (size(), any::<u16>()).prop_map(|(size, seed)| Leaf::Scaled(size, seed.into())),
    ]
}

fn kernel(leaf: &Leaf, symbols: &mut Symbols) -> KernelTerm {
    match leaf {
        Leaf::Free([h, w]) => free(symbols, [1, 1, *h, *w]),
        Leaf::Seed([h, w], seed) => nonzero([*h, *w], *seed),
        Leaf::Scaled([h, w], seed) => {
            let x = free(symbols, [1; 4]);
            composed(&nonzero([*h, *w], *seed), &x, [1, 1])
        }
    }
}

fn nonzero([h, w]: [usize; 2], seed: u64) -> KernelTerm {
    (0..).map(|n| seeded([1, 1, h, w], seed + n)).find(|term| !term.kernel().is_zero()).unwrap()
}

fn same(a: &Kernel, b: &Kernel) -> bool {
    a.expand().unwrap() == b.expand().unwrap()
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn planted_quotients_come_back(a in leaf(), b in leaf(), c in prop::option::of(leaf())) {
        let mut symbols = Symbols::default();
        let (a, b) = (kernel(&a, &mut symbols), kernel(&b, &mut symbols));
        let divisor = match c {
            Some(c) => composed(&a, &kernel(&c, &mut symbols), [1, 1]),
            None => a,
        };
        let product = composed(&divisor, &b, [1, 1]);
        let found = deconvolve(product.kernel(), divisor.kernel()).unwrap();
        prop_assert!(found.is_some_and(|found| same(&found, b.kernel())));
    }

    #[test]
    fn quotients_multiply_back(a in leaf(), b in leaf(), at in any::<u8>(), by in -2..3i64) {
        let mut symbols = Symbols::default();
        let (a, b) = (kernel(&a, &mut symbols), kernel(&b, &mut symbols));
        let product = composed(&a, &b, [1, 1]);
        let count = product.len();
        let bump = (0..count).map(|n| if n == usize::from(at) % count { by } else { 0 }).collect();
        let shape = product.shape();
        let wrong = product.kernel().add(concrete([1, 1, shape.height, shape.width], bump).kernel()).unwrap();
        match deconvolve(&wrong, a.kernel()).unwrap() {
            Some(found) => prop_assert!(same(&found.convolve(a.kernel()).unwrap(), &wrong)),
            // One entry is no multiple of a kernel with more, nor is a number one of a free scalar.
            None => prop_assert!(by != 0),
        }
    }
}

fn unknown(name: &str, [h, w]: [usize; 2]) -> Unknown {
    Unknown { name: name.to_owned(), shape: Shape::plane(h, w) }
}

#[allow(clippy::needless_pass_by_value)] // reads as a conversion
fn term(kernel: Kernel) -> KernelTerm {
    KernelTerm::constant(kernel.as_concrete().unwrap().clone())
}

/// `Σ c · factors` at the kernels.
fn left_side(equation: &Equation, kernels: &[Kernel]) -> Kernel {
    let mut sum: Option<Kernel> = None;
    for (coefficient, factors) in &equation.terms {
        let mut product = Kernel::identity(1).unwrap();
        for factor in factors {
            product = match factor {
                Factor::Unknown(n) => product.convolve(&kernels[*n]).unwrap(),
                Factor::Dilated(n, by) => product.convolve(&kernels[*n].dilate(*by).unwrap()).unwrap(),
                Factor::Known(term) => product.convolve(term.kernel()).unwrap(),
            };
        }
        let product = product.scale_rational(coefficient).unwrap();
        sum = Some(sum.map_or_else(|| product.clone(), |sum| sum.add(&product).unwrap()));
    }
    sum.unwrap()
}

#[test]
fn planted_factors_come_back() {
    let solved = Cell::new(0);
    let size = || [1..4usize, 1..4usize];
    proptest!(config(120), |(
        [p, q] in [size(), size()],
        seeds in any::<[u16; 3]>(),
        kind in 0..5usize,
        coefficient in prop_oneof![Just(1i64), Just(-2), Just(3)],
        denominator in 1..4i64,
    )| {
        let [a, b, c] = [0, 1, 2].map(|n| u64::from(seeds[n]));
        let (a, b, known) = (nonzero(p, a).kernel().clone(), nonzero(q, b).kernel().clone(), nonzero(q, c));
        let coefficient = Rational::ratio(coefficient, denominator).unwrap();
        let (first, second) = (Factor::Unknown(0), Factor::Unknown(1));
        let one = Rational::from(1);
        let (unknowns, kernels, terms) = match kind {
            // Two unknowns; with a known kernel; a square; one unknown in one or two terms.
            0 => (vec![p, q], vec![a, b], vec![(coefficient, vec![first, second])]),
            1 => (vec![p, q], vec![a, b], vec![(coefficient, vec![first, Factor::Known(known), second])]),
            2 => (vec![p, q], vec![a, b], vec![(coefficient, vec![first.clone(), second, first])]),
            3 => (vec![p], vec![a], vec![(coefficient, vec![Factor::Known(known), first])]),
            _ => {
                let other = Factor::Known(nonzero(q, c + 50));
                let terms = vec![
                    (coefficient, vec![first.clone(), Factor::Known(known.clone())]),
                    (one, vec![other, first]),
                ];
                (vec![p], vec![a], terms)
            }
        };
        let unknowns = unknowns.iter().map(|&size| unknown("P", size)).collect();
        let mut planted = Equation { unknowns, terms, target: concrete([1; 4], vec![0]) };
        planted.target = term(left_side(&planted, &kernels));
        match equation(&planted) {
            EquationVerdict::Solved(solution) => {
                solved.set(solved.get() + 1);
                let found = solution.kernels();
                for (kernel, unknown) in found.iter().zip(&planted.unknowns) {
                    prop_assert_eq!(kernel.shape(), unknown.shape);
                }
                prop_assert!(same(&left_side(&planted, found), planted.target.kernel()));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    });
    assert!(solved.get() > 0);
}

#[test]
fn absent_factors_are_not_found() {
    let absent = Cell::new(0);
    proptest!(config(60), |(values in prop::collection::vec(-3..4i64, 25))| {
        let target = concrete([1, 1, 5, 5], values);
        let terms = vec![(Rational::from(1), vec![Factor::Unknown(0), Factor::Unknown(1)])];
        let unknowns = vec![unknown("P", [3, 3]), unknown("Q", [3, 3])];
        let claim = Equation { unknowns, terms, target: target.clone() };
        let verdict = equation(&claim);
        match &verdict {
            EquationVerdict::Absent(Absence::Factors(_)) => absent.set(absent.get() + 1),
            EquationVerdict::Solved(solution) => {
                prop_assert!(same(&left_side(&claim, solution.kernels()), target.kernel()));
            }
            _ => {}
        }
        // Transposing the kernel transposes the solutions.
        let turned = Equation { target: term(target.kernel().transpose().unwrap()), ..claim };
        let other = equation(&turned);
        for field in [Field::Rationals, Field::Reals, Field::Complex] {
            prop_assert_eq!(verdict.solvable(field), other.solvable(field));
        }
    });
    assert!(absent.get() > 0);
}

#[test]
fn known_existence() {
    let two = |target: KernelTerm, p: [usize; 2], q: [usize; 2]| Equation {
        unknowns: vec![unknown("P", p), unknown("Q", q)],
        terms: vec![(Rational::from(1), vec![Factor::Unknown(0), Factor::Unknown(1)])],
        target,
    };
    let row = |values: &[i64]| concrete([1, 1, 1, values.len()], values.to_vec());
    let fields = [Field::Rationals, Field::Reals, Field::Complex];
    let existence = |verdict: &EquationVerdict| fields.map(|field| verdict.solvable(field));
    // x⁴ + 1 splits over ℝ, x⁴ − 2 into quadratics too, x² + 1 only over ℂ.
    let quartic = equation(&two(row(&[1, 0, 0, 0, 1]), [1, 3], [1, 3]));
    assert_eq!(existence(&quartic), [Some(false), Some(true), Some(true)]);
    let square = equation(&two(row(&[1, 0, 1]), [1, 2], [1, 2]));
    assert_eq!(existence(&square), [Some(false), Some(false), Some(true)]);
    let shape = equation(&two(row(&[1, 0, 1]), [1, 2], [1, 3]));
    assert!(matches!(shape, EquationVerdict::Absent(Absence::Shapes { .. })));
    // Any 1×5 over the reals, no general 5×5 over any field.
    let mut symbols = Symbols::default();
    let any_row = two(free(&mut symbols, [1, 1, 1, 5]), [1, 3], [1, 3]);
    assert!(matches!(forall(&any_row, Field::Reals), ForallVerdict::Always(_)));
    assert!(matches!(forall(&any_row, Field::Rationals), ForallVerdict::Fails { .. }));
    let any_square = two(free(&mut symbols, [1, 1, 5, 5]), [3, 3], [3, 3]);
    for field in fields {
        let ForallVerdict::Fails { target, .. } = forall(&any_square, field) else { panic!() };
        let verdict = equation(&two(KernelTerm::constant(*target), [3, 3], [3, 3]));
        assert_eq!(verdict.solvable(field), Some(false));
    }
    let zero: ConcreteKernel = ConcreteKernel::zeros(Shape::plane(2, 2)).unwrap();
    assert!(matches!(equation(&two(KernelTerm::constant(zero), [2, 2], [1, 1])), EquationVerdict::Solved(_)));
}

#[test]
fn planted_dilated_factors_come_back() {
    let size = || [1..4usize, 1..4usize];
    proptest!(config(100), |(
        sizes in [size(), size(), size()],
        seeds in any::<[u16; 3]>(),
        by in [1..4usize, 1..4usize],
        powers in [1..3usize, 0..2usize],
    )| {
        let seeds = seeds.map(u64::from);
        let kernels: Vec<Kernel> = (0..3).map(|n| nonzero(sizes[n], seeds[n]).kernel().clone()).collect();
        let mut factors = vec![Factor::Unknown(0)];
        for (n, power) in [(1, powers[0]), (2, powers[1])] {
            factors.extend((0..power).map(|_| Factor::dilated(n, kernels[n].shape(), by)));
        }
        let count = if powers[1] == 0 { 2 } else { 3 };
        let unknowns = sizes[..count].iter().map(|&size| unknown("P", size)).collect();
        let terms = vec![(Rational::from(1), factors)];
        let mut planted = Equation { unknowns, terms, target: concrete([1; 4], vec![0]) };
        planted.target = term(left_side(&planted, &kernels));
        let EquationVerdict::Solved(solution) = equation(&planted) else { panic!("{planted:?}") };
        prop_assert!(same(&left_side(&planted, solution.kernels()), planted.target.kernel()));
    });
}

/// Whether some `v0 + v1·X` with small entries divides all phases of a row and leaves what fits.
fn has_dilated_line(row: &[i64], by: usize) -> bool {
    let divides = |v: [i64; 2]| {
        (0..by).all(|phase| {
            // Synthetic division by v0 + v1·X from the top, over the rationals.
            let phase: Vec<i64> = row.iter().skip(phase).step_by(by).copied().collect();
            let mut carry = Rational::from(0);
            if v[1] == 0 {
                return false;
            }
            for value in phase.iter().rev() {
                let above = &carry * &Rational::ratio(-v[0], v[1]).unwrap();
                carry = &Rational::from(*value) + &above;
            }
            carry.is_zero()
        })
    };
    let last = &row[row.len() - by..];
    last.iter().all(|&value| value == 0) || (-8..9).any(|a| (-8..9).any(|b| divides([a, b])))
}

#[test]
fn dilated_lines_are_found_exactly_where_all_phases_have_them() {
    let found = [Cell::new(0), Cell::new(0)];
    proptest!(config(300), |(
        values in prop::collection::vec(-2..3i64, 4..8),
        line in prop::option::of([-2..3i64, -2..3i64]),
        by in 2..4usize,
    )| {
        // Half of them are multiples; entries stay so small that numerators and denominators of roots are at most 8.
        let row = match line {
            None => values,
            Some([a, b]) => {
                let mut product = vec![0; values.len() + by];
                for (at, value) in values.iter().enumerate() {
                    product[at] += a * value;
                    product[at + by] += b * value;
                }
                product
            }
        };
        prop_assume!(row.iter().any(|&value| value != 0) && row.len() > by);
        let unknowns = vec![unknown("U", [1, row.len() - by]), unknown("V", [1, 2])];
        let factors = vec![Factor::Unknown(0), Factor::Dilated(1, [1, by])];
        let target = concrete([1, 1, 1, row.len()], row.clone());
        let claim = Equation { unknowns, terms: vec![(Rational::from(1), factors)], target };
        let exists = has_dilated_line(&row, by);
        prop_assert_eq!(equation(&claim).solvable(Field::Rationals), Some(exists), "{:?} by {}", row, by);
        let count = &found[usize::from(exists)];
        count.set(count.get() + 1);
    });
    assert!(found.iter().all(|count| count.get() > 20));
}

#[test]
fn planted_blocks_come_back() {
    let size = || [1..3usize, 1..4usize];
    let by = || [1..3usize, 1..3usize];
    proptest!(config(60), |(
        sizes in [size(), size(), size()],
        seeds in any::<[u16; 3]>(),
        dilations in [by(), by(), by(), by()],
        again in 0..3usize,
    )| {
        let kernels: Vec<Kernel> = (0..3).map(|n| nonzero(sizes[n], u64::from(seeds[n])).kernel().clone()).collect();
        let occurrences = [0, 1, 2, again];
        let factors = occurrences.iter().zip(dilations);
        let factors = factors.map(|(&n, by)| Factor::dilated(n, kernels[n].shape(), by)).collect();
        let unknowns = sizes.iter().map(|&size| unknown("P", size)).collect();
        let terms = vec![(Rational::from(1), factors)];
        let mut planted = Equation { unknowns, terms, target: concrete([1; 4], vec![0]) };
        planted.target = term(left_side(&planted, &kernels));
        let EquationVerdict::Solved(solution) = equation(&planted) else { panic!("{planted:?}") };
        prop_assert!(same(&left_side(&planted, solution.kernels()), planted.target.kernel()));
    });
}
