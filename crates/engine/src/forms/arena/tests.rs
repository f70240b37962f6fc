use super::*;
use convproof_exact::{Poly, Symbol};

fn pixel(arena: &mut Arena, at: Axes<i64>) -> Form {
    let pixel = arena.end(End::Pixel(0)).unwrap();
    arena.moved(&pixel, at)
}

#[test]
fn sums_do_not_depend_on_their_order_and_share_translates() {
    let mut arena = Arena::default();
    let pixels = [pixel(&mut arena, [0, 0]), pixel(&mut arena, [0, 1]), pixel(&mut arena, [3, 2])];
    let words: Vec<Form> =
        pixels.iter().zip(0..).map(|(form, letter)| arena.after_letter(letter, form).unwrap()).collect();
    let ab = arena.sum(&words[..2]).unwrap();
    let abc = arena.sum(&[ab.clone(), words[2].clone()]).unwrap();
    let bc = arena.sum(&words[1..]).unwrap();
    assert_eq!(abc, arena.sum(&[words[0].clone(), bc]).unwrap());
    let moved = words.iter().map(|form| arena.moved(form, [5, -7])).collect::<Vec<_>>();
    let other = arena.sum(&moved).unwrap();
    assert_eq!(other, arena.moved(&abc, [5, -7]));
    assert_eq!(arena.sum(&[abc.clone(), abc.times(&Rational::from(-1))]).unwrap(), Form::ZERO);
    assert_ne!(ab, words[0]);
}

#[test]
fn signs_of_differences_are_those_of_the_differences() {
    let mut arena = Arena::default();
    let one = arena.end(End::One).unwrap();
    let other = arena.end(End::Pixel(1)).unwrap();
    let mut forms = vec![one, other.clone(), arena.moved(&other, [2, -1])];
    forms.extend([[0, 0], [0, 1], [1, -2]].map(|place| pixel(&mut arena, place)));
    let minus = Rational::from(-1);
    let all: Vec<Form> = forms.iter().flat_map(|form| [form.clone(), form.times(&minus)]).collect();
    for a in &all {
        for b in &all {
            let difference = arena.sum(&[a.clone(), b.times(&minus)]).unwrap();
            assert_eq!(arena.sign_of_difference(a, b), Some(difference.sign()), "{a:?} {b:?}");
        }
    }
    let sum = arena.sum(&[all[2].clone(), all[4].clone()]).unwrap();
    assert_eq!(arena.sign_of_difference(&sum, &all[0]), None);
    assert_eq!(arena.constant(&sum), Rational::ZERO);
    let sum = arena.sum(&[all[0].times(&Rational::from(7)), all[2].clone()]).unwrap();
    assert_eq!(arena.constant(&sum.times(&minus)), Rational::from(-7));
}

#[test]
fn matrices_do_not_commute_and_diagonals_do() {
    let mut arena = Arena::default();
    let x = pixel(&mut arena, [0, 0]);
    let a = arena.after_letter(0, &x).unwrap();
    let ba = arena.after_letter(1, &a).unwrap();
    let b = arena.after_letter(1, &x).unwrap();
    let ab = arena.after_letter(0, &b).unwrap();
    assert_ne!(ab, ba);
    let [d, e] = [0, 1].map(|n| Monomial::power(Symbol(n), 1));
    let one = Monomial::one();
    let de = {
        let e = arena.scaled(&e, &one, &a).unwrap();
        arena.scaled(&d, &one, &e).unwrap()
    };
    let ed = {
        let d = arena.scaled(&d, &one, &a).unwrap();
        arena.scaled(&e, &one, &d).unwrap()
    };
    assert_eq!(de, ed);
    // A diagonal stays on its side of a matrix, a scalar does not.
    let inside = {
        let d = arena.scaled(&d, &one, &x).unwrap();
        arena.after_letter(0, &d).unwrap()
    };
    let outside = arena.scaled(&d, &one, &a).unwrap();
    assert_ne!(inside, outside);
    let inside = {
        let d = arena.scaled(&one, &d, &x).unwrap();
        arena.after_letter(0, &d).unwrap()
    };
    let outside = arena.scaled(&one, &d, &a).unwrap();
    assert_eq!(inside, outside);
}

#[test]
fn constants_stay_where_the_image_moves() {
    let mut arena = Arena::default();
    let one = arena.end(End::One).unwrap();
    assert_eq!(arena.moved(&one, [3, 4]), one);
    let x = pixel(&mut arena, [0, 0]);
    let sum = arena.sum(&[x.clone(), one.clone()]).unwrap();
    let there = arena.moved(&sum, [1, 1]);
    let x = arena.moved(&x, [1, 1]);
    assert_eq!(there, arena.sum(&[x, one]).unwrap());
}

#[test]
fn numbers_are_multiples_of_the_constant_image() {
    let mut arena = Arena::default();
    assert!(arena.is_empty());
    let one = arena.end(End::One).unwrap();
    assert_eq!((arena.len(), arena.is_empty()), (1, false));
    let seven = Rational::from(7);
    assert_eq!(arena.number(&Form::ZERO), Some(Rational::ZERO));
    assert_eq!(arena.number(&one.times(&seven)), Some(seven.clone()));
    let pixel = pixel(&mut arena, [0, 0]);
    let (scalar, unit) = (Monomial::power(Symbol(3), 1), Monomial::one());
    let free = arena.scaled(&unit, &scalar, &one).unwrap();
    let diagonal = arena.scaled(&scalar, &unit, &one).unwrap();
    let sum = arena.sum(&[one.clone(), pixel.clone()]).unwrap();
    for other in [pixel, free, diagonal, sum] {
        assert_eq!(arena.number(&other.times(&seven)), None, "{other:?}");
    }
}

/// Roots of 2, 3, of a symbol and of a symbol plus 1.
fn roots() -> (Roots, [Monomial; 4], Symbol) {
    let (mut roots, under) = (Roots::default(), Symbol::scalar(0));
    let symbol = Poly::symbol(under);
    let radicands =
        [Poly::constant(2.into()), Poly::constant(3.into()), symbol.clone(), &symbol + &Poly::one()];
    let mut numbers = 1..;
    let all = radicands.map(|radicand| {
        let root = roots.root(&radicand, &mut || numbers.next().map(Symbol::scalar)).unwrap();
        root.terms()[0].0.clone()
    });
    (roots, all, under)
}

#[test]
fn squares_of_roots_are_what_is_under_them() {
    let (roots, [two, three, symbol, sum], under) = roots();
    let mut arena = Arena { roots, ..Arena::default() };
    let one = Monomial::one();
    let x = pixel(&mut arena, [0, 0]);
    let y = arena.after_letter(0, &x).unwrap();
    for form in [x, y] {
        let mut times = |form: &Form, by: &Monomial| arena.scaled(&one, by, form).unwrap();
        let [once, six] = [&two, &three].map(|root| times(&form, root));
        assert_ne!(once, six);
        assert_eq!(times(&once, &two), form.times(&2.into()));
        assert_eq!(times(&once, &three), times(&six, &two));
        let inverse = Monomial::power(two.factors()[0].0, -1);
        assert_eq!(times(&once, &inverse), form);
        assert_eq!(times(&form, &inverse), once.times(&Rational::ratio(1, 2).unwrap()));
        let [free, sum_once] = [&symbol, &sum].map(|root| times(&form, root));
        let a = times(&form, &Monomial::power(under, 1));
        assert_eq!(times(&free, &symbol), a);
        let square = times(&sum_once, &sum);
        assert_eq!(arena.sum(&[a, form.clone()]).unwrap(), square);
    }
}

/// Where one end has several roots, a maximum may be written in more than one way.
#[test]
fn positive_factors_pass_maxima_of_sums_in_which_each_end_has_one_factor() {
    let (roots, powers, under) = roots();
    let mut arena = Arena { roots, ..Arena::default() };
    let mut random = convproof_exact::SplitMix64::new(5);
    let mut below = |n: u64| usize::try_from(random.below(n)).unwrap();
    let one = Monomial::one();
    let factors: Vec<Monomial> = powers[..3].iter().cloned().chain([Monomial::power(under, 1)]).collect();
    for _ in 0..300 {
        let mut words = vec![arena.end(End::One).unwrap()];
        words.extend([[0, 0], [0, 1], [2, 0]].map(|at| pixel(&mut arena, at)));
        for letter in 0..2 {
            words.push(arena.after_letter(letter, &words[1].clone()).unwrap());
        }
        for word in &mut words {
            if let Some(factor) = factors.get(below(6)) {
                *word = arena.scaled(&one, factor, word).unwrap();
            }
        }
        let mut sum = || {
            let number = |below: usize| Rational::from(i64::try_from(below).unwrap() - 2);
            let some: Vec<Form> = words.iter().map(|word| word.times(&number(below(5)))).collect();
            arena.sum(&some).unwrap()
        };
        let sums = [sum(), sum(), sum()];
        let largest = arena.maximum(sums.to_vec()).unwrap();
        for factor in &factors {
            let scaled = sums.iter().map(|sum| arena.scaled(&one, factor, sum).unwrap()).collect();
            let inside = arena.maximum(scaled).unwrap();
            assert_eq!(inside, arena.scaled(&one, factor, &largest).unwrap(), "{factor:?} {sums:?}");
        }
    }
}
