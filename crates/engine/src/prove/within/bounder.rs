//! What a sum of pixels, maxima, other functions, products and means is at most, by hulls (Theorems 11c to 11e of
//! `docs/semantics.md`).

use rustc_hash::{FxHashMap, FxHashSet};

use super::minimax::AffinePair;
use super::pairing::{Multiple, Pairing};
use crate::evaluate::Weights;
use crate::forms::arena::{Arena, End, Form};
use crate::forms::range::Range;
use crate::forms::sums::Insides;
use crate::ir::Function;
use crate::prove::values::hull::{Hull, Pixel};
use crate::prove::witness::probe::Probe;
use convproof_exact::budget::spend_on;
use convproof_exact::{Limited, Rational};

/// Most pairs of elements of two maxima that are compared.
const MAX_ELEMENTS: usize = 4096;

/// What is known of the difference at one position.
pub struct DifferenceBound {
    /// It is nowhere larger.
    pub bound: Rational,
    /// Images at which it may be large.
    pub images: Vec<Vec<(Pixel, Rational)>>,
}

/// Positive and negative multiples.
type Sides = [Vec<Multiple>; 2];

/// A sum, apart: affine rest, multiples of maxima, of other functions, of means, and of products.
#[derive(Default)]
struct Parts {
    rest: Hull,
    maxima: Sides,
    applied: Sides,
    means: Sides,
    products: Vec<Product>,
}

/// A number times factors, where they stand.
struct Product {
    factor: Rational,
    forms: Vec<Form>,
}

/// Bounds sums of one arena for inputs up to a number.
pub struct Bounder<'a> {
    arena: &'a mut Arena,
    insides: &'a Insides,
    range: Rational,
    hulls: FxHashMap<Form, Hull>,
    pairing: Pairing,
}

impl<'a> Bounder<'a> {
    /// A bounder that knows of no sum yet.
    pub fn new(arena: &'a mut Arena, insides: &'a Insides, range: Rational) -> Self {
        Self { arena, insides, range, hulls: FxHashMap::default(), pairing: Pairing::default() }
    }

    fn parts(&self, form: &Form) -> Option<Parts> {
        let mut parts = Parts::default();
        for word in self.arena.flat(form)? {
            if !word.scalars.is_one() || !word.diagonal.is_one() {
                return None;
            }
            let side = usize::from(word.coefficient.is_negative());
            let multiple = |term| Multiple { factor: word.coefficient.abs(), term, place: word.place };
            match word.end {
                End::Pixel(block) => parts.rest.add(Some((block, word.place)), &word.coefficient),
                End::One => parts.rest.add(None, &word.coefficient),
                End::Applied(number) => parts.applied[side].push(multiple(number)),
                End::Term(number) => parts.maxima[side].push(multiple(number)),
                End::Product(number) => {
                    let forms = self.arena.factors(number).iter();
                    let forms = forms.map(|form| self.arena.moved(form, word.place)).collect();
                    parts.products.push(Product { factor: word.coefficient.clone(), forms });
                }
                End::Mean(number) => parts.means[side].push(multiple(number)),
            }
        }
        Some(parts)
    }

    /// What is known of a difference; `None` beyond limits.
    pub fn difference(&mut self, form: &Form) -> Option<DifferenceBound> {
        let parts = self.parts(form)?;
        let whole = self.hull(form)?;
        let mut difference =
            DifferenceBound { bound: whole.bound(&self.range), images: vec![whole.image(&self.range)] };
        if !parts.products.is_empty() {
            let (pixels, _) = Probe::new(self.arena, &Weights::new()).parts(form);
            difference.images.push(pixels.into_iter().map(|pixel| (pixel, self.range.clone())).collect());
            return Some(difference);
        }
        if parts.applied.iter().any(|side| !side.is_empty()) {
            return Some(difference);
        }
        let minus = Rational::from(-1);
        let mut sides = [vec![Form::ZERO], vec![Form::ZERO]];
        let mut rest = vec![form.clone()];
        for (side, multiples) in parts.maxima.iter().enumerate() {
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
        if (above.len() * below.len()).exceeds(MAX_ELEMENTS) {
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
        let mean: Vec<Form> = lower.iter().map(|form| form.times(&count)).collect();
        lower.push(self.arena.sum(&mean).ok()?);
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
            let mut hulls = Vec::with_capacity(lower.len());
            for form in &lower {
                let form = self.arena.sum(&[sum.clone(), form.clone()]).ok()?;
                let hull = self.hull(&form)?;
                hulls.push((hull.most(&range), hull));
            }
            let (least, hull) = hulls.into_iter().min_by(|(a, _), (b, _)| a.cmp(b))?;
            most = most.max(least);
            images.push(hull.image(&range));
        }
        Some(most)
    }

    /// Two affine sums side by side.
    fn pair(&self, f: &Form, g: &Form) -> Option<AffinePair> {
        let mut pair = AffinePair::default();
        for (side, form) in [f, g].into_iter().enumerate() {
            for word in self.arena.flat(form)? {
                match word.end {
                    End::Pixel(block) => {
                        pair.pixels.entry((block, word.place)).or_default()[side] += &word.coefficient;
                    }
                    End::One => pair.constants[side] += &word.coefficient,
                    End::Term(_) | End::Applied(_) | End::Product(_) | End::Mean(_) => return None,
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
        let Parts { mut rest, maxima, applied, means, products } = self.parts(form)?;
        rest.add_between(&self.means(&means)?);
        self.products(&mut rest, products)?;
        let partners = self.pairing.maxima(self.arena, &maxima[0], &maxima[1]);
        for (above, below) in paired(&maxima, &partners) {
            let elements = above.zip(below).and_then(|(above, below)| self.elements(above, below));
            if let Some(elements) = elements {
                let joined = self.joined(&elements)?;
                rest.add_times(&joined, &Rational::ONE, [0, 0]);
                continue;
            }
            for (multiple, sign) in
                above.map(|above| (above, 1)).into_iter().chain(below.map(|below| (below, -1)))
            {
                let elements = self.arena.elements(multiple.term, multiple.place);
                let joined = self.joined(&elements)?;
                rest.add_times(&joined, &(&multiple.factor * &Rational::from(sign)), [0, 0]);
            }
        }
        self.functions(&mut rest, &applied)?;
        Some(rest)
    }

    /// Adds products: one factor's hull, times any number between which the others are. Products that share all factors but one
    /// are taken together: R·s + R·t is R times the hull of s + t.
    fn products(&mut self, rest: &mut Hull, mut products: Vec<Product>) -> Option<()> {
        while let Some(product) = products.pop() {
            spend_on(products.len() * product.forms.len() + 1, 200);
            let alike = |own: usize| {
                let shared = without(&product.forms, own);
                let found = products
                    .iter()
                    .enumerate()
                    .filter_map(|(at, other)| Some((at, odd_factor(&shared, &other.forms)?)));
                (own, found.collect::<Vec<(usize, usize)>>())
            };
            let (own, found) = (0..product.forms.len()).map(alike).max_by_key(|(_, found)| found.len())?;
            let shared = without(&product.forms, own);
            let mut parts = vec![product.forms[own].times(&product.factor)];
            for &(at, odd) in found.iter().rev() {
                let other = products.swap_remove(at);
                parts.push(other.forms[odd].times(&other.factor));
            }
            let mut sum = self.arena.sum(&parts).ok()?;
            let mut hull = self.multiple(&shared, &sum)?;
            // The shared factor alone belongs to them as well, if that makes it less.
            if let [pixel] = shared.as_slice()
                && let Some(pixel) = self.pixel(pixel)
                && let mut left = rest.clone()
                && let Some(own) = left.take(&pixel)
            {
                let mut apart = hull.clone();
                apart.add(Some(pixel), &own);
                let own = self.arena.end(End::One).ok()?.times(&own);
                sum = self.arena.sum(&[sum, own]).ok()?;
                let together = self.multiple(&shared, &sum)?;
                if together.bound(&self.range) < apart.bound(&self.range) {
                    (hull, *rest) = (together, left);
                }
            }
            rest.add_times(&hull, &Rational::ONE, [0, 0]);
        }
        Some(())
    }

    /// The hull of a sum times what is known of some factors, or the numbers between which that is, whichever says more.
    fn multiple(&mut self, factors: &[Form], sum: &Form) -> Option<Hull> {
        let bound = self.difference(sum)?.bound;
        let (mut hull, mut numbers) = (self.hull(sum)?, Hull::default());
        numbers.add_between(&[-&bound, bound]);
        for factor in factors {
            let between = self.between(factor)?;
            hull = hull.stretched(&between);
            numbers = numbers.stretched(&between);
        }
        Some(if numbers.bound(&self.range) < hull.bound(&self.range) { numbers } else { hull })
    }

    /// The pixel that a sum is.
    fn pixel(&self, form: &Form) -> Option<Pixel> {
        match self.arena.flat(form)?.as_slice() {
            [word] if word.coefficient.is_one() => match word.end {
                End::Pixel(block) => Some((block, word.place)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Numbers between which a sum is at every image.
    fn between(&mut self, form: &Form) -> Option<[Rational; 2]> {
        let minus = Rational::from(-1);
        let high = self.hull(form)?.most(&self.range);
        let low = &self.hull(&form.times(&minus))?.most(&self.range) * &minus;
        let bounds = Range { low: Some(low), high: Some(high) };
        let Range { low, high } = bounds.and(self.arena.range_of_images(form, &self.range));
        Some([low?, high?])
    }

    /// Adds multiples of other functions: c·f(s) − e·g(t) is e·(g(s) − g(t)) + e·(f(s) − g(s)) + (c − e)·f(s), and g(s) − g(t) is
    /// s − t times some slope of g.
    fn functions(&mut self, rest: &mut Hull, sides: &Sides) -> Option<()> {
        let partners = self.pairing.functions(self.arena, &sides[0], &sides[1]);
        for (above, below) in paired(sides, &partners) {
            let mut factor = above.map_or(Rational::ZERO, |above| above.factor.clone());
            if let Some(below) = below {
                factor -= &below.factor;
            }
            if let (Some(above), Some(below)) = (above, below) {
                let (ours, theirs) = (self.inside(above), self.inside(below));
                let gap = self.arena.sum(&[ours, theirs.times(&Rational::from(-1))]).ok()?;
                let [ours, theirs] =
                    [above, below].map(|multiple| self.arena.applied(multiple.term).function);
                let mut gap = self.hull(&gap)?.stretched(&theirs.slopes());
                let apart = ours.apart(theirs)?;
                gap.add_between(&[-&apart, apart]);
                rest.add_times(&gap, &below.factor, [0, 0]);
            }
            let alone = self.applied(above.or(below)?)?;
            rest.add_times(&alone, &factor, [0, 0]);
        }
        Some(())
    }

    /// What a function is applied to.
    fn inside(&self, multiple: &Multiple) -> Form {
        self.arena.moved(&self.arena.applied(multiple.term).form, multiple.place)
    }

    /// A function of a sum: its value at 0, and the sum times some slope.
    fn applied(&mut self, multiple: &Multiple) -> Option<Hull> {
        let function = self.arena.applied(multiple.term).function;
        let inside = self.inside(multiple);
        let mut hull = self.hull(&inside)?.stretched(&function.slopes());
        match function.at_zero() {
            Some(value) => hull.add_between(&[value.clone(), value]),
            // ln 2
            None if function == Function::Softplus => {
                hull.add_between(&[Rational::ratio(6931, 10_000)?, Rational::ratio(6932, 10_000)?]);
            }
            None => return None,
        }
        Some(hull)
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
        if ours.len() != theirs.len() || (ours.len() * theirs.len()).exceeds(MAX_ELEMENTS) {
            return None;
        }
        let minus = Rational::from(-1);
        let order = self.pairing.elements(self.arena, &ours, &theirs);
        let pairs = ours.iter().zip(order);
        pairs.map(|(form, at)| self.arena.sum(&[form.clone(), theirs[at?].times(&minus)]).ok()).collect()
    }
}

/// All but one.
fn without(forms: &[Form], at: usize) -> Vec<Form> {
    forms.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, form)| form.clone()).collect()
}

/// Where the one factor stands that a product has beside these.
fn odd_factor(shared: &[Form], forms: &[Form]) -> Option<usize> {
    let mut left: Vec<usize> = (0..forms.len()).collect();
    for form in shared {
        let slot = left.iter().position(|&at| forms[at] == *form)?;
        left.remove(slot);
    }
    match left.as_slice() {
        [odd] => Some(*odd),
        _ => None,
    }
}

/// Each positive multiple with its partner, if it has one, and the negative ones that are nobody's partner.
fn paired<'s>(
    [above, below]: &'s Sides,
    partners: &[Option<usize>],
) -> Vec<(Option<&'s Multiple>, Option<&'s Multiple>)> {
    let taken: FxHashSet<usize> = partners.iter().copied().flatten().collect();
    let ours = above.iter().zip(partners).map(|(above, partner)| (Some(above), partner.map(|at| &below[at])));
    let lonely = below.iter().enumerate().filter(|(at, _)| !taken.contains(at));
    ours.chain(lonely.map(|(_, below)| (None, Some(below)))).collect()
}

mod means;

#[cfg(test)]
mod tests;
