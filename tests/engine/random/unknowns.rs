//! Unknown kernels of layers against a decision of its own: the naive evaluator's outputs at every pixel, for each unknown entry, are
//! a system of linear equations, whose ranks say whether there are kernels.

use convproof::algebra::{Fp, Rational, SplitMix64, Symbol};
use convproof::check::check;
use convproof::evaluate::{Image, Weights, run};
use convproof::ir::{ClaimKind, StackClaim};
use convproof::report::Outcome;
use convproof::resolve::{ClaimBody, LayerEquation, Resolved, Resolver};
use convproof::source::Source;
use convproof::syntax::ast::Item;
use convproof::syntax::parse;

use super::differential::judge::NoFiles;
use super::variable;

fn below(random: &mut SplitMix64, n: u64) -> usize {
    usize::try_from(random.below(n)).unwrap()
}

fn kernel(random: &mut SplitMix64, h: usize, w: usize) -> String {
    let mut entry = || ["0", "1", "2", "-1", "3"][below(random, 5)];
    let rows: Vec<String> = (0..h).map(|_| (0..w).map(|_| entry()).collect::<Vec<_>>().join(" ")).collect();
    format!("[{}]", rows.join("; "))
}

/// One random equation.
fn spec(random: &mut SplitMix64) -> String {
    let [a, b, c] = [[2, 2], [1, 2], [3, 3]].map(|[h, w]| kernel(random, h, w));
    let (p, q, s) = (below(random, 3), below(random, 2), 1 + below(random, 2));
    let left = [
        format!("conv(V, stride={s}, padding={p})"),
        format!("conv(V, padding={p}) -> conv({a}, padding={q})"),
        format!("pad({q}) -> conv(V, stride={s}, padding={p}, bias=b)"),
        format!("conv(V, padding={p}) + conv({c}, padding={q})"),
        format!("convtranspose(V, stride={s}, padding={q})"),
    ];
    let right = [
        format!("conv({c}, stride={s}, padding={p})"),
        format!("conv({a}, padding={q}) -> conv({b}, stride={s})"),
        format!("avgpool({s}) -> conv({a}, padding={q})"),
        format!("conv({c}, padding={p}) -> conv({a}, padding={q})"),
        format!("bias(2) -> conv({c}, stride={s}, padding={p})"),
        format!("zero_insert({s}) -> conv({a}, padding={q})"),
        format!("conv({c}, padding={p}) -> conv({a}, padding={q}) -> scale(3)"),
    ];
    let left = &left[below(random, 5)];
    let (h, w) = (1 + below(random, 4), 1 + below(random, 4));
    // What the left side is with some kernel is often right.
    let same = left.replace('V', &kernel(random, h, w)).replace("=b", "=2");
    let right = if below(random, 2) == 0 { &same } else { &right[below(random, 7)] };
    let bias = if left.contains("bias=b") { ", b[1]" } else { "" };
    format!("solve V[{h},{w}]{bias}: {left} == {right}\n")
}

fn equation(text: &str) -> LayerEquation {
    let (spec, mistakes) = parse(text);
    assert!(mistakes.is_empty(), "{text}");
    let mut resolver = Resolver::new(|_, _| Err(String::new()));
    let Item::Statement(statement) = &spec.items[0] else { panic!("{text}") };
    match resolver.statement(statement) {
        Ok(Resolved::Claims(mut claims)) => match claims.remove(0) {
            claim if claim.kind == ClaimKind::Solve => match claim.body {
                ClaimBody::Layers(equation) => *equation,
                _ => panic!("{text}"),
            },
            _ => panic!("{text}"),
        },
        other => panic!("{text}: {other:?}"),
    }
}

/// The difference of the sides' outputs; `None` where they have none, an error where their sizes differ.
fn difference(claim: &StackClaim, image: &Image, weights: &Weights) -> Result<Option<Vec<Rational>>, ()> {
    let outputs = [&claim.left, &claim.right].map(|stack| run(stack, image, weights));
    match outputs {
        [Ok(left), Ok(right)] if left.size() == right.size() => {
            Ok(Some(left.values().iter().zip(right.values()).map(|(a, b)| a - b).collect()))
        }
        [Err(left), Err(right)] if left.is_no_output() && right.is_no_output() => Ok(None),
        _ => Err(()),
    }
}

/// Whether there are kernels, as far as small images tell.
fn expected(equation: &LayerEquation) -> bool {
    let entries: Vec<Symbol> = equation
        .unknowns
        .iter()
        .flat_map(|kernel| {
            let count = u32::try_from(kernel.shape.entries().unwrap()).unwrap();
            (0..count).map(|n| Symbol(kernel.first.0 + n))
        })
        .collect();
    let at = |chosen: Option<Symbol>| {
        entries.iter().map(|&symbol| (symbol, Rational::from(i64::from(chosen == Some(symbol))))).collect()
    };
    let points: Vec<Weights> =
        std::iter::once(None).chain(entries.iter().copied().map(Some)).map(at).collect();
    let mut rows: Vec<Vec<Fp>> = Vec::new();
    for size in (1..=7).flat_map(|n| [[n, n], [n, n + 1]]) {
        let [h, w] = size;
        let places = (0..h * w).map(|at| Image::impulse([1, h, w], [0, at / w, at % w]));
        for image in std::iter::once(Image::zeros(1, h, w)).chain(places) {
            let image = image.unwrap();
            let outputs: Result<Option<Vec<_>>, ()> =
                points.iter().map(|weights| difference(&equation.claim, &image, weights)).collect();
            let Ok(outputs) = outputs else { return false };
            let Some(outputs) = outputs else { continue };
            for k in 0..outputs[0].len() {
                let constant = &outputs[0][k];
                let factors = outputs[1..].iter().map(|output| &output[k] - constant);
                let row = factors.chain([constant.clone()]);
                rows.push(row.map(|value| Fp::from_rational(&value).unwrap()).collect());
            }
        }
    }
    // Consistent unless some combination has the constant alone.
    let width = entries.len() + 1;
    let mut pivots: Vec<(usize, Vec<Fp>)> = Vec::new();
    for mut row in rows {
        for (at, pivot) in &pivots {
            let factor = row[*at];
            row.iter_mut().zip(pivot).for_each(|(x, y)| *x -= factor * *y);
        }
        let Some(at) = (0..width).find(|&at| row[at] != Fp::ZERO) else { continue };
        if at == width - 1 {
            return false;
        }
        let inverse = row[at].inverse().unwrap();
        row.iter_mut().for_each(|x| *x *= inverse);
        pivots.push((at, row));
    }
    true
}

#[test]
fn kernels_of_layers_are_found_exactly_where_the_evaluator_says_that_there_are_some() {
    let cases = variable("UNKNOWN_KERNELS", 120);
    let mut random = SplitMix64::new(variable("PROPTEST_RNG_SEED", 1));
    let mut count = [0_u64; 2];
    for _ in 0..cases {
        let text = spec(&mut random);
        let report = check(&Source::new("spec", text.clone()), &NoFiles, &mut |_| {});
        // Of sides that never have an output there is nothing to ask.
        let Some(claim) = report.claims().next() else { continue };
        let exists = expected(&equation(&text));
        let wanted = if exists { Outcome::Proved } else { Outcome::Refuted };
        assert_eq!(claim.outcome, wanted, "{text}{}", claim.method);
        count[usize::from(exists)] += 1;
    }
    assert!(count.iter().all(|&n| n >= cases / 10), "{count:?}");
}
