//! What a search proposes is as small as it says, and sizes that differ are found where brute force finds them.

use super::*;
use crate::ir::{Conv, Ends, KernelTerm, Layer, Order, Origin, SizeCondition, SizeExpr, Stack};
use crate::kernel::Shape;
use crate::operator::shape::{Signal, after};

fn layer(layer: Layer) -> Stack {
    Stack::layer(layer, Origin::NOWHERE)
}

fn chain(links: &[Stack]) -> Stack {
    Stack::chain(links, Origin::NOWHERE)
}

fn claim(left: Stack, right: Stack, sizes: Sizes) -> StackClaim {
    StackClaim { left: Arc::new(left), right: Arc::new(right), channels: 1, tolerance: None, sizes }
}

/// A claim about a layer and itself.
fn alike(of: Layer) -> StackClaim {
    claim(layer(of.clone()), layer(of), Sizes::All)
}

fn free(symbols: &mut Symbols, name: &str, shape: Shape) -> KernelTerm {
    let indices = if shape.is_scalar() { 0 } else { 2 };
    KernelTerm::free(&symbols.declare(name, shape, indices).unwrap()).unwrap()
}

#[test]
fn all_numbers_near_zero_are_drawn_and_no_others() {
    for spread in [1, 2, 3, 5] {
        let mut generator = SplitMix64::new(1);
        let mut seen: Vec<Rational> = (0..400).map(|_| drawn(&mut generator, spread)).collect();
        seen.sort();
        seen.dedup();
        let most = i64::try_from(spread).unwrap();
        assert_eq!(seen, (-most..=most).map(Rational::from).collect::<Vec<_>>());
    }
}

#[test]
fn small_sizes_are_the_least_with_an_output_and_those_after_them() {
    let sizes = small_sizes(&alike(Layer::Pad([2, 4].map(|before| Ends { before: -before, after: 0 }))));
    assert_eq!((sizes.len(), sizes[0], sizes[1], sizes[15]), (16, [3, 5], [3, 6], [6, 8]));
    assert!(sizes.is_sorted_by_key(|[h, w]| h * w));
    assert!(sizes.iter().all(|[h, w]| (3..7).contains(h) && (5..9).contains(w)));
}

/// `h` and `w` compared with each other or a number.
fn compare(a: SizeExpr, order: Order, b: SizeExpr) -> SizeCondition {
    SizeCondition::Compare(a, order, b)
}

fn both(a: SizeCondition, b: SizeCondition) -> Sizes {
    Sizes::Where(SizeCondition::And(Box::new(a), Box::new(b)))
}

fn unequal(claim: &StackClaim) -> Option<[i64; 2]> {
    let [left, right] =
        [&claim.left, &claim.right].map(|stack| after(stack, Signal::input(1), None).unwrap().length);
    unequal_size(&claim.sizes, [&left, &right])
}

#[test]
fn sizes_that_differ_are_the_smallest_that_brute_force_finds() {
    let mut random = SplitMix64::new(3);
    let mut found = 0;
    for _ in 0..400 {
        let mut below = |n: u64| i64::try_from(random.below(n)).unwrap();
        let mut side = || {
            let links: Vec<Stack> = (0..=below(3))
                .map(|_| match below(2) {
                    0 => Layer::Subsample([0, 1].map(|_| usize::try_from(1 + below(3)).unwrap())),
                    _ => Layer::Pad([0, 1].map(|_| Ends { before: below(5) - 3, after: below(3) - 1 })),
                })
                .map(layer)
                .collect();
            chain(&links)
        };
        let (left, right) = (side(), side());
        let [h, w] = [0, 1].map(SizeExpr::Length);
        let number = |n: i64| SizeExpr::Constant(n);
        let rem = |of: SizeExpr, by: i64| SizeExpr::Rem(Box::new(of), by);
        let sizes = match below(4) {
            0 => Sizes::All,
            1 => both(
                compare(rem(h, 1 + below(4)), Order::Eq, number(0)),
                compare(w, Order::Gt, number(below(90))),
            ),
            2 => Sizes::Where(compare(h, Order::Ge, SizeExpr::Add(Box::new(w), Box::new(number(below(9)))))),
            _ => both(
                compare(h.clone(), Order::Eq, w),
                compare(rem(h, 2 + below(4)), Order::Ne, number(below(3))),
            ),
        };
        let claim = claim(left, right, sizes);
        let [left, right] =
            [&claim.left, &claim.right].map(|stack| after(stack, Signal::input(1), None).unwrap());
        let all = (1..=SMALL).flat_map(|h| (1..=SMALL).map(move |w| [h, w]));
        let least = all
            .filter(|&size| includes(&claim.sizes, size) && left.at(size) != right.at(size))
            .min_by_key(|[h, w]| (h * w, *h));
        let proposed = unequal(&claim);
        match least {
            Some(_) => assert_eq!(proposed, least, "{claim:?}"),
            None => assert!(proposed.is_none_or(|size| size.iter().any(|&n| n > SMALL)), "{claim:?}"),
        }
        found += usize::from(least.is_some());
    }
    assert!((100..400).contains(&found), "{found}");
}

#[test]
fn sizes_that_differ_are_found_far_out() {
    let crop = |n: i64| layer(Layer::Pad([Ends { before: -n, after: 0 }; 2]));
    let subsample = |n: usize| layer(Layer::Subsample([n, n]));
    let longer = || layer(Layer::Pad([Ends { before: 0, after: 1 }, Ends::default()]));
    let [h, w] = [0, 1].map(SizeExpr::Length);
    let number = |n: i64| SizeExpr::Constant(n);
    let rem = |of: &SizeExpr, by: i64| SizeExpr::Rem(Box::new(of.clone()), by);
    // Where outputs begin, and where lengths differ first.
    assert_eq!(unequal(&claim(crop(200), crop(201), Sizes::All)), Some([201, 201]));
    assert_eq!(unequal(&claim(subsample(300), subsample(301), Sizes::All)), Some([1, 301]));
    // What conditions name: bounds, multiples, multiples of multiples.
    let large = both(
        compare(h.clone(), Order::Ge, number(1000)),
        compare(w.clone(), Order::Ge, SizeExpr::Add(Box::new(h.clone()), Box::new(number(100)))),
    );
    assert_eq!(unequal(&claim(longer(), chain(&[]), large)), Some([1000, 1100]));
    let multiples = |order: Order| {
        let divided = SizeCondition::And(
            Box::new(compare(rem(&h, 500), Order::Eq, number(0))),
            Box::new(compare(rem(&w, 500), Order::Eq, number(0))),
        );
        both(divided, compare(h.clone(), order, w.clone()))
    };
    assert_eq!(unequal(&claim(longer(), chain(&[]), multiples(Order::Eq))), Some([500, 500]));
    assert_eq!(unequal(&claim(longer(), chain(&[]), multiples(Order::Gt))), Some([1000, 500]));
    // Of one size nothing is looked for.
    assert_eq!(unequal(&claim(longer(), chain(&[]), Sizes::One([5, 5]))), None);
}

#[test]
fn plain_weights_are_0_but_for_what_must_not_be() {
    let mut symbols = Symbols::default();
    let scalar = free(&mut symbols, "s", Shape::plane(1, 1));
    let other = free(&mut symbols, "t", Shape::plane(1, 1));
    let kernel = free(&mut symbols, "K", Shape::plane(1, 3));
    let entry = |term: &KernelTerm, n: usize| term.polynomials().unwrap().entries()[n].clone();
    let [a, b, c] = [0, 1, 2].map(|n| entry(&kernel, n));
    symbols.divide_by(&b);
    let root = symbols.root(&(&(&c + &c) + &Poly::constant(5.into()))).unwrap();
    let mut about = alike(Layer::Conv(Conv::plain(kernel, 1)));
    about.right = Arc::new(layer(Layer::Scale(scalar.clone())));
    let weights = plain_weights(&about, &symbols);
    let value = |poly: &Poly| weights.get(poly.symbols()[0]);
    assert_eq!([&a, &b, &c].map(value), [0, 1, 0].map(Rational::from));
    // Scalars are not 0 even where nothing is said of them.
    assert_eq!([scalar, other].map(|term| value(&entry(&term, 0))), [1, 1].map(Rational::from));
    // What is under a root follows from it.
    let dependence = Dependence::of(&symbols, &[c.symbols()[0], root.symbols()[0]]);
    let weights = weights_from(&symbols, &dependence, |_| None);
    let value = |poly: &Poly| weights.get(poly.symbols()[0]);
    assert_eq!([&root, &c].map(value), [1, -2].map(Rational::from));
}

#[test]
fn values_that_tell_are_few() {
    let mut symbols = Symbols::default();
    let kernel = free(&mut symbols, "K", Shape::plane(2, 3));
    let entries: Vec<Poly> = kernel.polynomials().unwrap().entries().to_vec();
    let root = symbols.root(&(&entries[0] + &(&entries[1] * &entries[1]))).unwrap();
    let mut random = SplitMix64::new(5);
    let mut products = 0;
    for case in 0..200 {
        let mut term = || {
            let mut product = Poly::constant(Rational::from(i64::try_from(random.below(7)).unwrap() - 3));
            for _ in 0..random.below(4) {
                let at = usize::try_from(random.below(7)).unwrap();
                product = &product * entries.get(at).unwrap_or(&root);
            }
            product
        };
        let difference = symbols.numerator(&(&(&term() + &term()) + &term()));
        let mut used = difference.symbols();
        used.extend(root.symbols());
        let found = telling(&difference, &used, &symbols);
        let Some(values) = found else {
            assert!(difference.is_zero(), "{case}: {}", symbols.show(&difference));
            continue;
        };
        let tells = |values: &BTreeMap<Symbol, Rational>| {
            let value = |symbol| values.get(&symbol).cloned().unwrap_or_default();
            let real = Enclosed::at(&root, &symbols, &value).is_some();
            real && Enclosed::at(&difference, &symbols, &value).is_some_and(|at| !at.may_vanish())
        };
        assert!(tells(&values), "{case}");
        // Of the last one nothing simpler would do.
        let (&last, value) = values.last_key_value().expect("what is under the root");
        for simpler in [0, 1, -1].map(Rational::from).iter().take_while(|simpler| *simpler != value) {
            let mut other = values.clone();
            other.insert(last, simpler.clone());
            assert!(!tells(&other), "{case}");
        }
        // Of one product its symbols, and one of those under the root.
        if let [(monomial, _)] = difference.terms()
            && symbols.root_of(monomial.factors().last().map_or(entries[0].symbols()[0], |of| of.0)).is_none()
        {
            let mut needed = difference.symbols();
            if !needed.contains(&entries[0].symbols()[0]) {
                needed.extend(entries[1].symbols());
            }
            let nonzero: BTreeSet<Symbol> =
                values.iter().filter(|(_, value)| !value.is_zero()).map(|(symbol, _)| *symbol).collect();
            assert_eq!(nonzero, needed.into_iter().collect(), "{}", symbols.show(&difference));
            products += 1;
        }
        // What nothing rests on is not there at all.
        let resting = symbols.foundations([difference.symbols(), root.symbols()].concat());
        assert!(values.keys().all(|symbol| resting.contains(symbol)), "{case}");
    }
    assert!(products > 10, "{products}");
}

#[test]
fn values_that_tell_are_found_beyond_many_zeros() {
    let mut symbols = Symbols::default();
    let kernel = free(&mut symbols, "K", Shape::plane(1, 2));
    let x = kernel.polynomials().unwrap().entries()[0].clone();
    let product = (-6..=6).fold(Poly::constant(Rational::ONE), |product, n: i64| {
        &product * &(&x - &Poly::constant(Rational::from(n)))
    });
    let values = telling(&product, &x.symbols(), &symbols).expect("a value that is no root");
    assert!(values[&x.symbols()[0]].abs() > Rational::from(6));
}

#[test]
fn counterexamples_have_one_weight_and_one_pixel_where_these_are_enough() {
    let mut symbols = Symbols::default();
    let scale = layer(Layer::Scale(free(&mut symbols, "v", Shape::plane(1, 1))));
    let relu = || layer(Layer::Relu);
    let found = |claim: &StackClaim| match at_small_sizes(claim, &symbols, Doubt::Irrational) {
        StackVerdict::Refuted(refutation) => match refutation.witness {
            StackWitness::Value(found) => found,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let pixels = |found: &Counterexample| -> Vec<Rational> {
        found.input().values().iter().filter(|value| !value.is_zero()).cloned().collect()
    };
    // Any negative pixel.
    let lost = found(&claim(relu(), chain(&[]), Sizes::One([3, 3])));
    assert_eq!((pixels(&lost), lost.difference()), (vec![Rational::from(-1)], Rational::ONE));
    // Only negative scales.
    let turned = claim(chain(&[scale.clone(), relu()]), chain(&[relu(), scale]), Sizes::One([2, 3]));
    let turned = found(&turned);
    assert_eq!(turned.weights(), [("v".to_owned(), Rational::from(-1))]);
    assert_eq!((pixels(&turned), turned.input().size()), (vec![Rational::ONE], [1, 2, 3]));
    // The least of many sizes.
    let crop = layer(Layer::Pad([Ends { before: -2, after: 0 }, Ends { before: 0, after: -1 }]));
    let least = found(&claim(chain(&[crop.clone(), relu()]), crop.clone(), Sizes::All));
    assert_eq!((least.input().size(), least.position()), ([1, 3, 2], [0, 0, 0]));
    let wide = Sizes::Where(compare(SizeExpr::Length(1), Order::Ge, SizeExpr::Constant(4)));
    assert_eq!(found(&claim(chain(&[crop.clone(), relu()]), crop, wide)).input().size(), [1, 3, 4]);
}

#[test]
fn what_is_divided_by_is_not_0_where_values_tell() {
    let mut symbols = Symbols::default();
    let kernel = free(&mut symbols, "K", Shape::plane(1, 2));
    let scalar = free(&mut symbols, "s", Shape::plane(1, 1));
    let [x, y] = [0, 1].map(|n| kernel.polynomials().unwrap().entries()[n].clone());
    let s = scalar.polynomials().unwrap().entries()[0].clone();
    symbols.divide_by(&y);
    // Both vanish where all are 1, and do not where x is 0.
    let one = Poly::constant(Rational::ONE);
    let square = |of: Poly| &of * &of;
    let differences = [&(&x * &y) - &s, &square(&x - &one) + &(&square(&y - &one) * &square(&s - &one))];
    for difference in differences {
        let values = telling(&difference, &difference.symbols(), &symbols).unwrap();
        let value = |poly: &Poly| values[&poly.symbols()[0]].clone();
        assert_eq!([&x, &y, &s].map(value), [0, 1, 1].map(Rational::from));
    }
}
