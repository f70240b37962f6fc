//! Random claims: unrelated stacks, rewrites, changes in one place, conditions, bounds around the worst difference.

use super::evaluate::{Image, channels, run};
use super::judge::{input_channels, worst};
use super::number::{Fraction, Number, Residue};
use super::random::Maker;
use super::rewrite::rewrite;
use super::spec::{Claim, Condition, Layer, Sizes, Stack, is_nonlinear};

/// The claims of a seed: mostly one, and three where a bound is tried at, above and below the worst difference.
pub(crate) fn claims(seed: u64) -> Vec<Claim> {
    let mut maker = Maker::new(seed);
    let c = maker.random.pick(&[1, 1, 1, 1, 2, 3, 4]);
    let tolerance = maker.random.chance(5);
    maker.may_be_free &= !tolerance;
    let (sides, at) = sides(&mut maker, c);
    let mut sizes = match maker.random.from(0, 5) {
        0 => Sizes::One(maker.random.pair(1, 9)),
        1 | 2 => Sizes::Where(maker.condition()),
        _ => Sizes::All,
    };
    if let Some(at) = at
        && !maker.random.chance(4)
    {
        sizes = Sizes::Where(match maker.random.from(0, 3) {
            0 => Condition::And(Box::new(at), Box::new(maker.condition())),
            _ => at,
        });
    }
    let claim = Claim { sides, sizes, within: None, worst: None, free: maker.free.clone() };
    let claim = with_dense(&mut maker, claim);
    if !tolerance || claim.sides.iter().any(|side| is_nonlinear(side)) {
        return vec![claim];
    }
    around_the_worst(&mut maker, &claim).unwrap_or_else(|| vec![claim])
}

/// Both sides from so many channels, and where they are equal if that is known to be at some sizes only.
fn sides(maker: &mut Maker, c: i64) -> ([Stack; 2], Option<Condition>) {
    let random = &mut maker.random;
    let (before, after, kind) = (random.from(0, 1), random.from(0, 1), random.from(0, 9));
    if kind < 2 {
        // Unrelated.
        let [a, b] = [maker.random.from(1, 3), maker.random.from(1, 3)];
        return ([maker.stack(a, c), maker.stack(b, c)], None);
    }
    let first = if maker.random.chance(2) { maker.stack(before, c) } else { Vec::new() };
    let middle = channels(&first, c).unwrap_or(1);
    let special = maker.random.chance(6).then(|| maker.special());
    let mut at = None;
    let [left, right] = if kind < 4 {
        // One stack twice, to be changed.
        let count = maker.random.from(1, 3);
        let stack = maker.stack(count, middle);
        [stack.clone(), stack]
    } else {
        let found = rewrite(maker, middle);
        at = found.at.filter(|_| first.is_empty());
        found.sides
    };
    let outputs = channels(&left, middle).unwrap_or(1);
    let last = maker.stack(after, outputs);
    let whole =
        |inner: Stack| [first.clone(), inner, special.clone().into_iter().collect(), last.clone()].concat();
    let (left, mut right) = (whole(left), whole(right));
    if kind < 4 || maker.random.chance(3) {
        right = maker.changed_somewhere(&right);
    }
    let both = if maker.random.chance(2) { [left, right] } else { [right, left] };
    (both, at)
}

/// Sometimes, in a claim about one size: a matrix on both sides.
fn with_dense(maker: &mut Maker, claim: Claim) -> Claim {
    let Sizes::One([h, w]) = claim.sizes else { return claim };
    let Some(c) = input_channels(&claim.sides).filter(|_| maker.random.chance(2)) else { return claim };
    let zeros = Image::build([c, h, w], |_| Residue::integer(0)).expect("a size from 1 on");
    let outputs = claim.sides.each_ref().map(|side| run(side, &zeros, &|_, _| Residue::integer(0)));
    let [Some(left), Some(right)] = outputs else { return claim };
    if left.size != right.size || left.cells.len() > 40 {
        return claim;
    }
    let rows = maker.random.from(1, 2);
    let matrix = maker.random.numbers(rows * left.cells.len() as i64, -2, 2);
    let mut other = matrix.clone();
    if maker.random.chance(3) {
        other[0] += 1;
    }
    let bias = if maker.random.chance(2) { vec![(1, 2)] } else { Vec::new() };
    let [left, right] = &claim.sides;
    let with = |side: &Stack, matrix| [side.as_slice(), &[Layer::Dense(rows, matrix, bias.clone())]].concat();
    Claim { sides: [with(left, matrix), with(right, other)], ..claim }
}

/// The claim with a bound at, just above and just below the worst difference that occurs at small sizes.
fn around_the_worst(maker: &mut Maker, claim: &Claim) -> Option<Vec<Claim>> {
    let c = input_channels(&claim.sides)?;
    let range = maker.random.pick(&[Fraction::integer(1), Fraction::fraction(5, 2), Fraction::integer(255)]);
    let worst = worst(claim, c, &range)?;
    let times = |n| worst.times(&Fraction::fraction(n, 1000));
    let bounds = [worst, times(1001), times(999)];
    Some(
        bounds
            .map(|bound| Claim { within: Some([bound, range]), worst: Some(worst), ..claim.clone() })
            .to_vec(),
    )
}
