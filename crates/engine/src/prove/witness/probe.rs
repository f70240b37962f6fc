//! Values of sums of pixels and nonlinear terms at given weights and images, and images at which a sum is not 0.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::walk::{MAX_KNOWN, Quantity, Walk};
use crate::evaluate::{Weights, exact_value};
use crate::forms::arena::{Arena, End, Form};
use crate::forms::generic::declared;
use crate::ir::Function;
use crate::prove::values::hull::Pixel;
use convproof_exact::budget::spend_on;
use convproof_exact::{Limited, Monomial, Rational, SplitMix64};

/// Random images that are tried for each choice of weights.
const IMAGES: u64 = 60;

/// Maxima whose elements are looked at.
const MAX_MAXIMA: usize = 400;

/// Evaluates sums at given weights and pixels.
pub struct Probe<'a> {
    arena: &'a Arena,
    weights: &'a Weights,
    /// Pixels that are not 0.
    pub pixels: FxHashMap<Pixel, Rational>,
}

impl<'a> Probe<'a> {
    /// A probe at the zero image.
    pub fn new(arena: &'a Arena, weights: &'a Weights) -> Self {
        Self { arena, weights, pixels: FxHashMap::default() }
    }

    /// The sums.
    pub fn arena(&self) -> &'a Arena {
        self.arena
    }

    /// The value of a sum moved by a place; `None` where words have matrices.
    pub fn value(&self, form: &Form, moved: [i64; 2]) -> Option<Rational> {
        Walk::new(self).sum(form, moved)
    }

    /// The value of a product of weights.
    pub fn factor(&self, scalars: &Monomial) -> Option<Rational> {
        let mut product = Rational::ONE;
        for &(symbol, exponent) in scalars.factors() {
            let base = self.weights.get(declared(symbol)?);
            let power = base.pow(u32::from(exponent.unsigned_abs()))?;
            product = &product * &if exponent < 0 { power.recip()? } else { power };
        }
        Some(product)
    }

    /// All pixels of a sum, and the maxima in it, with their places.
    pub fn parts(&self, form: &Form) -> (BTreeSet<Pixel>, BTreeSet<(u32, [i64; 2])>) {
        let (mut pixels, mut terms) = (BTreeSet::new(), BTreeSet::new());
        let (mut open, mut seen) = (vec![(form, [0, 0])], FxHashSet::default());
        while let Some((form, moved)) = open.pop() {
            let words = self.arena.flat(form).unwrap_or_default();
            spend_on(words.len() + 1, 300);
            for word in words {
                let place = [word.place[0] + moved[0], word.place[1] + moved[1]];
                if seen.len() >= MAX_KNOWN || !seen.insert((word.end, place)) {
                    continue;
                }
                match word.end {
                    End::Pixel(block) => {
                        pixels.insert((block, place));
                    }
                    End::One | End::Mean(_) => {}
                    End::Applied(number) => open.push((&self.arena.applied(number).form, place)),
                    End::Product(number) => {
                        open.extend(self.arena.factors(number).iter().map(|factor| (factor, place)));
                    }
                    End::Term(_) if terms.len().reaches(MAX_MAXIMA) => {}
                    End::Term(term) => {
                        terms.insert((term, place));
                        open.extend(self.arena.term(term).forms.iter().map(|form| (form, place)));
                    }
                }
            }
        }
        (pixels, terms)
    }

    /// Pixels at which a sum is not 0: large ones first, then small ones, some of them moved to where two elements of a
    /// maximum are equal.
    pub fn search(&mut self, form: &Form, seed: u64) -> Option<FxHashMap<Pixel, Rational>> {
        let (pixels, terms) = self.parts(form);
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
impl Quantity for Rational {
    const STEPS: u64 = 300;
    fn is_zero(&self) -> bool {
        Self::is_zero(self)
    }
    fn plus(&self, other: &Self) -> Self {
        self + other
    }
    fn times(&self, other: &Self) -> Self {
        self * other
    }
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
    fn applied(&self, function: Function) -> Option<Self> {
        exact_value(function, self)
    }
}
