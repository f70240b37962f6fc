//! Approximate equality of stacks with nonlinear layers: how far apart they are at most, and images that show how far.
//!
//! The difference of both sides is a sum of pixels and maxima (`forms/terms.rs`). Maxima of the one side are paired with
//! those of the other; a pair differs by no more than its elements do, which is said by affine functions whose
//! coefficients lie in ranges (`hull.rs`; Theorem 11c of `docs/semantics.md`). Two relus of affine functions are compared
//! exactly (`minimax.rs`; Theorem 11d). How maxima are paired only matters for how near the bound is (`pairing.rs`).

use rustc_hash::{FxHashMap, FxHashSet};

use super::hull::{Hull, Pixel};
use super::minimax::Pair;
use super::pairing::{Multiple, Pairing};
use super::probe::Probe;
use super::region::Status;
use super::rounded::Rounded;
use super::terms;
use super::within::{self, Worst};
use super::words::Compared;
use super::{search, verdict::Doubt, verdict::StackVerdict};
use crate::evaluate::Weights;
use crate::forms::arena::{Arena, End, Form};
use crate::forms::net::Channels;
use crate::ir::{StackClaim, Symbols, Tolerance};
use convproof_exact::Rational;
use convproof_exact::budget::doing;
use std::sync::Arc;

/// Bits of square roots that are rounded.
const BITS: u32 = 256;

/// Most pairs of elements of two maxima that are compared.
const MAX_ELEMENTS: usize = 4096;

/// Positions at which a difference beyond the bound is looked for.
const MAX_PLACES: usize = 32;

/// Pixels that are turned one by one to make a difference larger.
const MAX_TURNS: usize = 256;

/// What is known of the difference at one position.
struct Difference {
    /// It is nowhere larger.
    bound: Rational,
    /// Images at which it may be large.
    images: Vec<Vec<(Pixel, Rational)>>,
}

/// Decides `left ~= right within bound for |x| <= range` where layers are nonlinear; `None` where the stacks are not read as
/// sums of terms.
pub fn decide(claim: &StackClaim, tolerance: &Tolerance, symbols: &Symbols) -> Option<StackVerdict> {
    let _doing = doing("bounding nonlinear terms");
    let rounded = Rounded::of(claim, symbols, BITS, &tolerance.range);
    let (error, claimed) = match rounded {
        Some(Rounded { stacks: [left, right], error }) => {
            (error, StackClaim { left: Arc::new(left), right: Arc::new(right), ..claim.clone() })
        }
        None => (Rational::ZERO, claim.clone()),
    };
    let mut compared = Compared::new(&claimed, Channels::Apart).ok()?;
    if let Some((size, _)) = compared.table.statuses.smallest(|status| status == Status::Sizes) {
        return Some(within::unequal(claim, symbols, size));
    }
    let spoken = compared.table.sight_pairs();
    let mut forms: Vec<([u32; 2], usize, Form)> = Vec::new();
    for pair in spoken {
        let found = compared.differences.get(&(pair[0], pair[1])).into_iter().flatten();
        forms.extend(found.map(|(block, form)| (pair, *block, form.clone())));
    }
    if !forms.iter().all(|(.., form)| terms::is_numeric(&compared.arena, form)) {
        return Some(StackVerdict::Unknown(Doubt::Unbounded));
    }
    let mut bounder = Bounder::new(&mut compared.arena, tolerance.range.clone());
    let mut all = Vec::new();
    for (pair, block, form) in forms {
        let difference = bounder.difference(&form)?;
        all.push((pair, block, form, difference));
    }
    // The first of the worst.
    all.sort_by(|a, b| b.3.bound.cmp(&a.3.bound));
    let Some((.., form, first)) = all.first() else {
        return Some(within::proved(error.clone(), error.is_zero(), tolerance));
    };
    let arena = &compared.arena;
    let none = Weights::new();
    let (found, _) = largest(arena, &none, form, &first.images, &tolerance.range)?;
    let exact = found == first.bound;
    let worst = &first.bound + &error;
    if worst <= tolerance.bound {
        return Some(within::proved(worst, exact && error.is_zero(), tolerance));
    }
    let plain = search::plain_weights(claim, symbols);
    let weights = if error.is_zero() { plain } else { plain.approximating() };
    let mut most = Rational::ZERO;
    for (pair, block, form, difference) in all.into_iter().take(MAX_PLACES) {
        let found = largest(arena, &none, &form, &difference.images, &tolerance.range);
        let Some((value, pixels)) = found else { continue };
        if value > &tolerance.bound + &error {
            let worst = if exact { Worst::Is(worst) } else { Worst::AtMost(worst) };
            let (size, at) = compared.example(pair)?;
            let image = terms::image(claim.channels, size, compared.origin(size, at), &pixels)?;
            let [i, j] = at.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
            let replayed = within::beyond(claim, tolerance, symbols, &weights, image, [block, i, j]);
            return Some(within::excess(replayed, worst, tolerance));
        }
        most = most.max(value);
    }
    Some(StackVerdict::Unknown(Doubt::Between { found: most, at_most: worst }))
}

/// The largest value among some images and those near the best of them, turning one pixel at a time.
fn largest(
    arena: &Arena,
    weights: &Weights,
    form: &Form,
    images: &[Vec<(Pixel, Rational)>],
    range: &Rational,
) -> Option<(Rational, FxHashMap<Pixel, Rational>)> {
    let mut probe = Probe::new(arena, weights);
    let mut best = (probe.value(form, [0, 0])?.abs(), FxHashMap::default());
    for image in images {
        for factor in [1, -1] {
            let turned = image.iter().map(|(pixel, value)| (*pixel, value * &Rational::from(factor)));
            probe.pixels = turned.collect();
            let value = probe.value(form, [0, 0])?.abs();
            if value > best.0 {
                best = (value, probe.pixels.clone());
            }
        }
    }
    let mut pixels: Vec<Pixel> = best.1.keys().copied().collect();
    pixels.sort_unstable();
    for &pixel in pixels.iter().take(MAX_TURNS) {
        for end in [range.clone(), -range, Rational::ZERO] {
            probe.pixels.clone_from(&best.1);
            probe.pixels.insert(pixel, end);
            let value = probe.value(form, [0, 0])?.abs();
            if value > best.0 {
                best = (value, probe.pixels.clone());
            }
        }
    }
    Some(best)
}

/// A sum, apart: affine rest, positive and negative multiples of maxima.
struct Parts {
    rest: Hull,
    above: Vec<Multiple>,
    below: Vec<Multiple>,
}

struct Bounder<'a> {
    arena: &'a mut Arena,
    range: Rational,
    hulls: FxHashMap<Form, Hull>,
    pairing: Pairing,
}

impl<'a> Bounder<'a> {
    fn new(arena: &'a mut Arena, range: Rational) -> Self {
        Self { arena, range, hulls: FxHashMap::default(), pairing: Pairing::default() }
    }

    fn parts(&self, form: &Form) -> Option<Parts> {
        let mut parts = Parts { rest: Hull::default(), above: Vec::new(), below: Vec::new() };
        for word in self.arena.flat(form)? {
            match word.end {
                End::Pixel(block) => parts.rest.add(Some((block, word.place)), &word.coefficient),
                End::One => parts.rest.add(None, &word.coefficient),
                End::Applied(_) => return None,
                End::Term(term) => {
                    let side =
                        if word.coefficient.is_negative() { &mut parts.below } else { &mut parts.above };
                    side.push(Multiple { factor: word.coefficient.abs(), term, place: word.place });
                }
            }
        }
        Some(parts)
    }

    /// What is known of a difference.
    fn difference(&mut self, form: &Form) -> Option<Difference> {
        let parts = self.parts(form)?;
        let whole = self.hull(form)?;
        let mut difference =
            Difference { bound: whole.bound(&self.range), images: vec![whole.image(&self.range)] };
        let minus = Rational::from(-1);
        let mut sides = [vec![Form::ZERO], vec![Form::ZERO]];
        let mut rest = vec![form.clone()];
        for (side, multiples) in [&parts.above, &parts.below].into_iter().enumerate() {
            let multiple = match multiples.as_slice() {
                [] => continue,
                [multiple] => multiple,
                _ => return Some(difference),
            };
            let term = self.arena.end(End::Term(multiple.term)).ok()?;
            let sign = if side == 0 { minus.clone() } else { Rational::ONE };
            rest.push(self.arena.moved(&term, multiple.place).times(&(&multiple.factor * &sign)));
            sides[side] = self.multiplied(multiple);
        }
        let [above, below] = sides;
        if above.len() * below.len() > MAX_ELEMENTS {
            return Some(difference);
        }
        let rest = self.arena.sum(&rest).ok()?;
        let up = self.excess(&rest, &above, &below, &mut difference.images)?;
        let down = self.excess(&rest.times(&minus), &below, &above, &mut difference.images)?;
        difference.bound = difference.bound.min(up.max(down));
        Some(difference)
    }

    /// The elements of a multiple of a maximum.
    fn multiplied(&self, multiple: &Multiple) -> Vec<Form> {
        let elements = self.arena.elements(multiple.term, multiple.place);
        elements.iter().map(|form| form.times(&multiple.factor)).collect()
    }

    /// What `rest` + max(`above`) − max(`below`) is at most, not below 0, and images at which it may be large (Theorem 11d).
    fn excess(
        &mut self,
        rest: &Form,
        above: &[Form],
        below: &[Form],
        images: &mut Vec<Vec<(Pixel, Rational)>>,
    ) -> Option<Rational> {
        let (minus, range) = (Rational::from(-1), self.range.clone());
        let count = Rational::from(i64::try_from(below.len()).ok()?).recip()?;
        let mut lower: Vec<Form> = below.iter().map(|form| form.times(&minus)).collect();
        if below.len() > 1 {
            let mean: Vec<Form> = lower.iter().map(|form| form.times(&count)).collect();
            lower.push(self.arena.sum(&mean).ok()?);
        }
        let mut most = Rational::ZERO;
        for element in above {
            let sum = self.arena.sum(&[rest.clone(), element.clone()]).ok()?;
            if let [first, second] = below {
                // min(sum − first, sum − second)
                let f = self.arena.sum(&[sum.clone(), first.times(&minus)]).ok()?;
                let g = self.arena.sum(&[second.clone(), first.times(&minus)]).ok()?;
                if let Some(pair) = self.pair(&f, &g) {
                    let (excess, image) = pair.excess(&range);
                    most = most.max(excess);
                    images.push(image);
                    continue;
                }
            }
            let mut least: Option<(Rational, Hull)> = None;
            for form in &lower {
                let form = self.arena.sum(&[sum.clone(), form.clone()]).ok()?;
                let hull = self.hull(&form)?;
                let bound = hull.most(&range);
                if least.as_ref().is_none_or(|(least, _)| bound < *least) {
                    least = Some((bound, hull));
                }
            }
            let (least, hull) = least?;
            most = most.max(least);
            images.push(hull.image(&range));
        }
        Some(most)
    }

    /// Two affine sums side by side.
    fn pair(&self, f: &Form, g: &Form) -> Option<Pair> {
        let mut pair = Pair::default();
        for (side, form) in [f, g].into_iter().enumerate() {
            for word in self.arena.flat(form)? {
                match word.end {
                    End::Pixel(block) => {
                        pair.pixels.entry((block, word.place)).or_default()[side] += &word.coefficient;
                    }
                    End::One => pair.constants[side] += &word.coefficient,
                    End::Term(_) | End::Applied(_) => return None,
                }
            }
        }
        Some(pair)
    }

    /// Affine functions of which one has the value of a sum, at each image.
    fn hull(&mut self, form: &Form) -> Option<Hull> {
        let Some(inverse) = form.lead().recip() else { return Some(Hull::default()) };
        let place = form.place();
        let key = self.arena.moved(&form.times(&inverse), [-place[0], -place[1]]);
        let base = match self.hulls.get(&key) {
            Some(known) => known.clone(),
            None => {
                let found = self.new_hull(&key)?;
                self.hulls.insert(key, found.clone());
                found
            }
        };
        let mut hull = Hull::default();
        hull.add_times(&base, form.lead(), place);
        Some(hull)
    }

    fn new_hull(&mut self, form: &Form) -> Option<Hull> {
        let Parts { mut rest, above, below } = self.parts(form)?;
        let mut alone: Vec<(Rational, Multiple)> = Vec::new();
        let mut partners = self.pairing.maxima(self.arena, &above, &below);
        for (multiple, partner) in above.iter().zip(&mut partners) {
            let elements = partner.and_then(|partner| self.elements(multiple, &below[partner]));
            let Some(elements) = elements else {
                *partner = None;
                alone.push((multiple.factor.clone(), multiple.clone()));
                continue;
            };
            let joined = self.joined(&elements)?;
            rest.add_times(&joined, &Rational::ONE, [0, 0]);
        }
        let taken: FxHashSet<usize> = partners.into_iter().flatten().collect();
        let lonely = below.iter().enumerate().filter(|(at, _)| !taken.contains(at));
        alone.extend(lonely.map(|(_, multiple)| (-&multiple.factor, multiple.clone())));
        for (factor, multiple) in alone {
            let elements = self.arena.elements(multiple.term, multiple.place);
            let joined = self.joined(&elements)?;
            rest.add_times(&joined, &factor, [0, 0]);
        }
        Some(rest)
    }

    /// Whatever lies between some sums.
    fn joined(&mut self, forms: &[Form]) -> Option<Hull> {
        let mut joined: Option<Hull> = None;
        for form in forms {
            let hull = self.hull(form)?;
            joined = Some(match joined {
                None => hull,
                Some(joined) => joined.join(&hull),
            });
        }
        joined
    }

    /// Differences of the elements of two maxima with equally many, matched one to one.
    fn elements(&mut self, above: &Multiple, below: &Multiple) -> Option<Vec<Form>> {
        let [ours, theirs] = [above, below].map(|multiple| self.multiplied(multiple));
        if ours.len() != theirs.len() || ours.len() * theirs.len() > MAX_ELEMENTS {
            return None;
        }
        let minus = Rational::from(-1);
        let order = self.pairing.elements(self.arena, &ours, &theirs);
        let pairs = ours.iter().zip(order);
        pairs.map(|(form, at)| self.arena.sum(&[form.clone(), theirs[at?].times(&minus)]).ok()).collect()
    }
}
