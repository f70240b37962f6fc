//! Equality of stacks with nonlinear layers, one output channel at a time: sums of pixels and nonlinear terms.
//!
//! Equal sums are equal functions (Theorem 9b of `docs/semantics.md`). Different ones may be equal functions all the same,
//! so a difference is believed only when an image shows it: images are tried that reach the kinks of the terms in the
//! difference. What is neither equal nor refuted is left to `equality.rs`.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::counterexample::{Counterexample, Mismatch};
use super::region::Status;
use super::search;
use super::verdict::{StackProof, StackRefutation, StackVerdict, StackWitness};
use super::words::Compared;
use crate::evaluate::{Image, Weights};
use crate::forms::arena::{Arena, End, Form};
use crate::forms::net::Channels;
use crate::forms::weights::declared;
use crate::ir::{Layer, Stack, StackClaim, StackKind, Symbols};
use convproof_exact::budget::{doing, spend_on};
use convproof_exact::{Monomial, Rational, SplitMix64};

/// Sizes at which differences are looked for.
const MAX_SIZES: usize = 6;

/// Choices of free weights that are tried at each size.
const WEIGHTS: u64 = 6;

/// Random images that are tried for each choice of weights.
const IMAGES: u64 = 60;

/// Whether a stack has a layer that is read as a nonlinear term.
pub fn applies(stack: &Stack) -> bool {
    match &stack.kind {
        StackKind::Layer(Layer::Composite(layer)) => layer.is_nonlinear(),
        StackKind::Layer(layer) => matches!(layer, Layer::Relu | Layer::MaxPool(_)),
        StackKind::Chain(stacks) | StackKind::Concat(stacks) => stacks.iter().any(|stack| applies(stack)),
        StackKind::Sum(branches) => branches.iter().any(|(_, stack)| applies(stack)),
    }
}

/// Decides a claim about stacks with nonlinear layers; `None` where that is left to others.
pub fn decide(claim: &StackClaim, symbols: &Symbols) -> Option<StackVerdict> {
    if ![&claim.left, &claim.right].iter().any(|stack| applies(stack)) {
        return None;
    }
    let _doing = doing("comparing nonlinear terms");
    let compared = Compared::new(claim, Channels::Apart).ok()?;
    let failing = |status: &Status| matches!(status, Status::Sizes | Status::Values);
    let sizes: Vec<_> = compared
        .table
        .statuses
        .by_area()
        .into_iter()
        .filter(|(_, status)| failing(status))
        .take(MAX_SIZES)
        .collect();
    if sizes.is_empty() {
        let patterns = [0, 1].map(|axis| compared.pairs[axis].len());
        let (horizon, terms) = (compared.horizon, compared.arena.terms().len());
        return Some(StackVerdict::Proved(StackProof::Terms { patterns, horizon, terms }));
    }
    let refuted = |witness| {
        StackVerdict::Refuted(Box::new(StackRefutation { witness, wrong: None, agreement: Vec::new() }))
    };
    for (size, status) in sizes {
        if status == Status::Sizes {
            let weights = search::plain_weights(claim, symbols);
            let found = Mismatch::replay(&claim.left, &claim.right, &weights, claim.channels, size).ok()?;
            return Some(refuted(StackWitness::Size(found)));
        }
        if let Some(found) = at_size(claim, symbols, &compared, size) {
            return Some(refuted(StackWitness::Value(found)));
        }
    }
    None
}

/// A counterexample at a size.
fn at_size(
    claim: &StackClaim,
    symbols: &Symbols,
    compared: &Compared,
    size: [i64; 2],
) -> Option<Counterexample> {
    let [rows, columns] = compared.sights(size)?;
    let dependence = search::dependence(claim, symbols);
    let mut seen = BTreeSet::new();
    for (i, &row) in rows.iter().enumerate() {
        for (j, &column) in columns.iter().enumerate() {
            let Some((block, difference)) = compared.differences.get(&(row, column)) else { continue };
            if !seen.insert((row, column)) || seen.len() > 16 {
                continue;
            }
            let at = [i, j].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            let origin = compared.origin(size, at);
            for attempt in 0..WEIGHTS {
                let weights = search::weights_from(symbols, &dependence, |symbol| {
                    let all = [1, -1, 2, -2, 3];
                    let draw = SplitMix64::new(u64::from(symbol.0) ^ (attempt << 40)).below(5);
                    let root = symbols.root_of(symbol).is_some();
                    let value: i64 = all[usize::try_from(draw).unwrap_or(0)];
                    Some(Rational::from(if root || attempt == 0 { value.abs() } else { value }))
                });
                let mut point =
                    Probe { arena: &compared.arena, weights: &weights, pixels: FxHashMap::default() };
                let Some(found) = point.search(difference, attempt) else {
                    if difference_is_numeric(&compared.arena, difference) {
                        break;
                    }
                    continue;
                };
                let image = image(claim.channels, size, origin, &found)?;
                let output = Some([*block, i, j]);
                let replayed =
                    Counterexample::replay(&claim.left, &claim.right, &weights, symbols, image, output);
                if let Ok(replayed) = replayed {
                    return Some(replayed);
                }
            }
        }
    }
    None
}

/// Block, and place counted from the first pixel that is read.
type Pixel = (u32, [i64; 2]);

/// An image with some pixels, places counted from an origin.
fn image(
    channels: usize,
    size: [i64; 2],
    origin: [i64; 2],
    pixels: &FxHashMap<Pixel, Rational>,
) -> Option<Image> {
    let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(0));
    let mut values = vec![Rational::ZERO; channels.checked_mul(h)?.checked_mul(w)?];
    for ((block, place), value) in pixels {
        let row = usize::try_from(place[0] + origin[0]).ok()?;
        let column = usize::try_from(place[1] + origin[1]).ok()?;
        if row >= h || column >= w {
            return None;
        }
        *values.get_mut((*block as usize * h + row) * w + column)? = value.clone();
    }
    Image::new(channels, h, w, values)
}

/// Whether no free weight occurs in a sum or in its terms.
fn difference_is_numeric(arena: &Arena, form: &Form) -> bool {
    arena.flat(form).is_some_and(|words| {
        words.iter().all(|word| {
            let inner = match word.end {
                End::Term(term) => {
                    arena.term(term).forms.iter().all(|form| difference_is_numeric(arena, form))
                }
                End::Pixel(_) | End::One => true,
            };
            word.scalars.is_one() && inner
        })
    })
}

/// Evaluates sums at given weights and pixels.
struct Probe<'a> {
    arena: &'a Arena,
    weights: &'a Weights,
    pixels: FxHashMap<Pixel, Rational>,
}

impl Probe<'_> {
    /// The value of a sum moved by a place; `None` where words have matrices.
    fn value(&self, form: &Form, moved: [i64; 2]) -> Option<Rational> {
        let words = self.arena.flat(form)?;
        spend_on(words.len() + 1, 300);
        let mut sum = Rational::ZERO;
        for word in words {
            let place = [word.place[0] + moved[0], word.place[1] + moved[1]];
            let end = match word.end {
                End::Pixel(block) => self.pixels.get(&(block, place)).cloned().unwrap_or_default(),
                End::One => Rational::ONE,
                End::Term(term) => {
                    let forms = &self.arena.term(term).forms;
                    let values =
                        forms.iter().map(|form| self.value(form, place)).collect::<Option<Vec<_>>>()?;
                    values.into_iter().max()?
                }
            };
            if !end.is_zero() {
                sum += &(&(&word.coefficient * &self.factor(&word.scalars)?) * &end);
            }
        }
        Some(sum)
    }

    fn factor(&self, scalars: &Monomial) -> Option<Rational> {
        let mut product = Rational::ONE;
        for &(symbol, exponent) in scalars.factors() {
            let base = self.weights.get(declared(symbol)?);
            let power = base.pow(u32::from(exponent.unsigned_abs()))?;
            product = &product * &if exponent < 0 { power.recip()? } else { power };
        }
        Some(product)
    }

    /// All pixels of a sum, and the differences of elements of the maxima in it, with their places.
    fn parts(
        &self,
        form: &Form,
        moved: [i64; 2],
        pixels: &mut BTreeSet<Pixel>,
        terms: &mut BTreeSet<(u32, [i64; 2])>,
    ) {
        for word in self.arena.flat(form).into_iter().flatten() {
            let place = [word.place[0] + moved[0], word.place[1] + moved[1]];
            match word.end {
                End::Pixel(block) => {
                    pixels.insert((block, place));
                }
                End::One => {}
                End::Term(term) => {
                    if terms.len() < 400 && terms.insert((term, place)) {
                        let forms = &self.arena.term(term).forms;
                        forms.iter().for_each(|form| self.parts(form, place, pixels, terms));
                    }
                }
            }
        }
    }

    /// Pixels at which a sum is not 0: large ones first, then small ones, some of them moved to where two elements of a
    /// maximum are equal.
    fn search(&mut self, form: &Form, seed: u64) -> Option<FxHashMap<Pixel, Rational>> {
        let (mut pixels, mut terms) = (BTreeSet::new(), BTreeSet::new());
        self.parts(form, [0, 0], &mut pixels, &mut terms);
        let pixels: Vec<Pixel> = pixels.into_iter().take(4096).collect();
        self.pixels.clear();
        let mut large = self.value(form, [0, 0])?;
        if !large.is_zero() {
            return Some(FxHashMap::default());
        }
        let walls: Vec<(Form, Form, [i64; 2])> = terms
            .iter()
            .flat_map(|&(term, place)| {
                let forms = &self.arena.term(term).forms;
                let pairs = forms.iter().zip(forms.iter().skip(1));
                pairs.map(move |(a, b)| (a.clone(), b.clone(), place)).collect::<Vec<_>>()
            })
            .collect();
        for (a, b, place) in &walls {
            large += &(self.value(a, *place)?.abs() + self.value(b, *place)?.abs());
        }
        let large = &large + &Rational::ONE;
        for &pixel in pixels.iter().take(200) {
            for value in [large.clone(), -&large] {
                self.pixels = std::iter::once((pixel, value)).collect();
                if !self.value(form, [0, 0])?.is_zero() {
                    return Some(self.pixels.clone());
                }
            }
            self.pixels = pixels.iter().map(|&other| (other, -&large)).collect();
            self.pixels.insert(pixel, &Rational::ONE - &large);
            if !self.value(form, [0, 0])?.is_zero() {
                return Some(self.pixels.clone());
            }
        }
        let mut generator = SplitMix64::new(seed + 0x0005_EED5);
        let mut below = |n: u64| i64::try_from(generator.below(n.max(1))).unwrap_or(0);
        for round in 0..IMAGES {
            let reach = 2 + i64::try_from(round / 10).unwrap_or(0);
            let width = u64::try_from(2 * reach + 1).unwrap_or(5);
            self.pixels = pixels.iter().map(|&pixel| (pixel, Rational::from(below(width) - reach))).collect();
            if !self.value(form, [0, 0])?.is_zero() {
                return Some(self.pixels.clone());
            }
            if walls.is_empty() || pixels.is_empty() {
                continue;
            }
            let wall = &walls[usize::try_from(below(walls.len() as u64)).unwrap_or(0)];
            let pixel = pixels[usize::try_from(below(pixels.len() as u64)).unwrap_or(0)];
            if let Some(found) = self.on_wall(form, wall, pixel)? {
                return Some(found);
            }
        }
        None
    }

    /// One pixel moved to where two elements of a maximum are equal, and close to it.
    #[allow(clippy::option_option, reason = "no value, or none found")]
    fn on_wall(
        &mut self,
        form: &Form,
        (a, b, place): &(Form, Form, [i64; 2]),
        pixel: Pixel,
    ) -> Option<Option<FxHashMap<Pixel, Rational>>> {
        let gap = |probe: &Self| Some(&probe.value(a, *place)? - &probe.value(b, *place)?);
        let (here, old) = (gap(self)?, self.pixels.get(&pixel).cloned().unwrap_or_default());
        self.pixels.insert(pixel, &old + &Rational::ONE);
        let slope = &gap(self)? - &here;
        if slope.is_zero() {
            return Some(None);
        }
        let root = &old - &here.checked_div(&slope)?;
        let small = Rational::ratio(1, 64)?;
        let whole = Rational::from(num_integer::Integer::div_floor(&root.numerator(), &root.denominator()));
        let near = [
            whole.clone(),
            &whole + &Rational::ONE,
            &whole - &Rational::ONE,
            &root + &small,
            &root - &small,
            root.clone(),
        ];
        for value in near {
            self.pixels.insert(pixel, value);
            if !self.value(form, [0, 0])?.is_zero() {
                return Some(Some(self.pixels.clone()));
            }
        }
        Some(None)
    }
}
