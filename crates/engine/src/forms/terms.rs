//! Nonlinear terms: largest of several sums, in a normal form, and other functions of a sum.
//!
//! A maximum is brought to one spelling: what all its elements have in common stands outside, so does a positive factor,
//! maxima inside are opened, and what cannot be the only largest is left out. Terms are interned by what is in them, up to
//! translation, so that equal terms are one number wherever they come from. Selection, cropping, subsampling and
//! everything else that only moves signals then commutes with what is done to each entry, without a rule.
//! `docs/semantics.md`, section 9, has the theorem.

use super::arena::{Arena, End, Form, TooManyWords};
use super::numbered::SumList;
use crate::axes::{AXES, Axes};
use crate::ir::Function;
use convproof_exact::{Limited, Rational};
use rustc_hash::FxHashMap;

/// Most elements of a maximum of sums of maxima that is multiplied out.
const MAX_OPENED: usize = 64;

/// Most elements of a maximum.
const MAX_ELEMENTS: usize = 4096;

/// Most elements among which means of two others are looked for.
const MAX_MEANS: usize = 8;

/// A function of a sum of which only this is known: equal sums have equal values. The sum's first coefficient is positive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Applied {
    /// The function.
    pub function: Function,
    /// The sum, at the origin if it moves with the image.
    pub form: Form,
    /// Whether it moves with the image.
    pub anchored: bool,
}

impl Arena {
    /// A function of a sum by its number.
    pub fn applied(&self, number: u32) -> &Applied {
        self.applied.get(number)
    }

    /// Whether there are no functions but maxima.
    pub fn has_no_functions(&self) -> bool {
        self.applied.all().is_empty()
    }

    /// Whether all sums are of pixels alone.
    pub fn is_linear(&self) -> bool {
        let functions = self.applied.all().len() + self.products_of.all().len() + self.means.all().len();
        self.terms.all().is_empty() && functions == 0
    }

    /// A function of a sum, entry by entry; of a sum and its opposite it is one term.
    ///
    /// # Errors
    /// [`TooManyWords`] beyond the limits.
    pub fn function(&mut self, function: Function, form: &Form) -> Result<Form, TooManyWords> {
        if function == Function::Tanh {
            return self.tanh(form);
        }
        if let (true, Some(value)) = (form.is_zero(), function.at_zero()) {
            return Ok(self.end(End::One)?.times(&value));
        }
        if form.sign() < 0 {
            let form = form.times(&Rational::from(-1));
            let [own, constant, linear] = function.reflection().map(Rational::from);
            let value = self.function(function, &form)?.times(&own);
            let constant = self.end(End::One)?.times(&constant);
            return self.sum(&[value, constant, form.times(&linear)]);
        }
        if self.gates
            && let Some(gate) = self.gate(function, form)?
        {
            return self.product(form, &gate);
        }
        let anchored = self.is_anchored_form(form);
        let place = if anchored { form.place() } else { [0; AXES] };
        let form = self.moved(form, place.map(|n| -n));
        let range = self.range_of_function(function, &form);
        let number = self.applied.number(Applied { function, form, anchored })?;
        self.note(End::Applied(number), range);
        let applied = self.end(End::Applied(number))?;
        Ok(self.moved(&applied, place))
    }

    /// tanh(s) = 2·sigmoid(2s) − 1.
    fn tanh(&mut self, form: &Form) -> Result<Form, TooManyWords> {
        let two = Rational::from(2);
        let sigmoid = self.function(Function::Sigmoid, &form.times(&two))?.times(&two);
        let minus = self.end(End::One)?.times(&Rational::from(-1));
        self.sum(&[sigmoid, minus])
    }

    /// What a function multiplies its argument by, where that is a function too.
    fn gate(&mut self, function: Function, form: &Form) -> Result<Option<Form>, TooManyWords> {
        match function {
            Function::Silu => self.function(Function::Sigmoid, form).map(Some),
            Function::HardSwish => {
                // min(max(s/6 + 1/2, 0), 1) = (relu(s + 3) − relu(s − 3))/6
                let sixth = Rational::ratio(1, 6).unwrap_or_default();
                let mut relus = Vec::with_capacity(2);
                for (shift, factor) in [(3, sixth.clone()), (-3, -sixth)] {
                    let shift = self.end(End::One)?.times(&Rational::from(shift));
                    let shifted = self.sum(&[form.clone(), shift])?;
                    relus.push(self.maximum(vec![shifted, Form::ZERO])?.times(&factor));
                }
                self.sum(&relus).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// All terms.
    pub fn terms(&self) -> &[SumList] {
        self.terms.all()
    }

    /// A term by its number.
    pub fn term(&self, number: u32) -> &SumList {
        self.terms.get(number)
    }

    /// The sums of a term that stands at a place.
    pub fn elements(&self, term: u32, place: Axes<i64>) -> Vec<Form> {
        self.terms.get(term).forms.iter().map(|form| self.moved(form, place)).collect()
    }

    fn minus(&mut self, a: &Form, b: &Form) -> Result<Form, TooManyWords> {
        self.sum(&[a.clone(), b.times(&Rational::from(-1))])
    }

    /// The largest of some sums, entry by entry.
    ///
    /// # Errors
    /// [`TooManyWords`] beyond the limits.
    pub fn maximum(&mut self, forms: Vec<Form>) -> Result<Form, TooManyWords> {
        self.largest(forms, true)
    }

    /// The largest of some sums, with the positive symbols of the first word outside, or as they are.
    fn largest(&mut self, forms: Vec<Form>, outside_positive: bool) -> Result<Form, TooManyWords> {
        let mut outside = Vec::new();
        let mut forms = self.opened(forms, &mut outside)?;
        self.undominated(&mut forms)?;
        self.without_means(&mut forms)?;
        self.without_lower(&mut forms);
        // In the order of first differing coefficients, the smallest first.
        let forms = self.sorted(forms)?;
        let Some((low, rest)) = forms.split_first() else { return Err(TooManyWords) };
        outside.push(low.clone());
        if !rest.is_empty() {
            let mut above = Vec::with_capacity(rest.len());
            for form in rest {
                above.push(self.minus(form, low)?);
            }
            let factor = above[0].lead().abs();
            let inverse = factor.recip().unwrap_or(Rational::ONE);
            let mut elements: Vec<Form> = above.iter().map(|form| form.times(&inverse)).collect();
            elements.insert(0, Form::ZERO);
            let leading = self.leading_positive(&elements[1]).filter(|_| outside_positive);
            let largest = if let Some(leading) = leading {
                let rest = elements.iter().map(|form| self.times_factors(form, &leading, true));
                let rest = rest.collect::<Result<_, _>>()?;
                let rest = self.largest(rest, false)?;
                self.times_factors(&rest, &leading, false)?
            } else if let Some((common, rest)) = self.common_factor(&elements)? {
                let rest = self.maximum(rest)?;
                self.product(&common, &rest)?
            } else {
                let range = self.range_of_maximum(&elements);
                self.placed(&elements, |arena| &mut arena.terms, End::Term, range)?
            };
            outside.push(largest.times(&factor));
        }
        self.sum(&outside)
    }

    /// The elements with common negative multiples of maxima outside, and maxima in them opened.
    fn opened(&mut self, mut forms: Vec<Form>, outside: &mut Vec<Form>) -> Result<Vec<Form>, TooManyWords> {
        loop {
            self.without_negative_terms(&mut forms, outside)?;
            self.without_lower(&mut forms);
            let mut next = Vec::new();
            let mut changed = false;
            let inner: Vec<Vec<_>> = forms
                .iter()
                .map(|form| self.plain_terms(form).into_iter().filter(|(c, ..)| !c.is_negative()).collect())
                .collect();
            // Sums of several maxima last, as their ranges are known while they are closed.
            let alone = inner.iter().any(|inner| inner.len() == 1);
            for (form, inner) in forms.iter().zip(inner) {
                let product = inner.iter().fold(1_usize, |product, (_, term, _)| {
                    product.saturating_mul(self.terms.get(*term).forms.len())
                });
                let open = !inner.is_empty()
                    && forms.len() > 1
                    && (inner.len() == 1 || !alone && product.within(MAX_OPENED));
                if !open {
                    next.push(form.clone());
                    continue;
                }
                changed = true;
                let mut sums = vec![form.clone()];
                for (coefficient, term, place) in inner {
                    let whole = self.end(End::Term(term))?;
                    let whole = self.moved(&whole, place).times(&-&coefficient);
                    let mut opened = Vec::new();
                    for sum in &sums {
                        for element in self.elements(term, place) {
                            opened.push(self.sum(&[
                                sum.clone(),
                                whole.clone(),
                                element.times(&coefficient),
                            ])?);
                        }
                    }
                    sums = opened;
                }
                next.extend(sums);
            }
            let mut seen = rustc_hash::FxHashSet::default();
            next.retain(|form| seen.insert(form.clone()));
            if next.len().exceeds(MAX_ELEMENTS) {
                return Err(TooManyWords);
            }
            forms = next;
            if !changed {
                return Ok(forms);
            }
        }
    }

    /// Takes the smallest multiple of each maximum that occurs in the elements out of all of them, where it is negative.
    fn without_negative_terms(
        &mut self,
        forms: &mut [Form],
        outside: &mut Vec<Form>,
    ) -> Result<(), TooManyWords> {
        let mut least: std::collections::BTreeMap<(u32, Axes<i64>), Rational> =
            std::collections::BTreeMap::new();
        for form in forms.iter() {
            for (coefficient, term, place) in self.plain_terms(form) {
                let known = least.entry((term, place)).or_default();
                if coefficient < *known {
                    *known = coefficient;
                }
            }
        }
        for ((term, place), coefficient) in
            least.into_iter().filter(|(_, coefficient)| coefficient.is_negative())
        {
            let whole = self.end(End::Term(term))?;
            let common = self.moved(&whole, place).times(&coefficient);
            for form in forms.iter_mut() {
                *form = self.minus(form, &common)?;
            }
            outside.push(common);
        }
        Ok(())
    }

    /// Leaves out elements that another one exceeds by a number.
    fn undominated(&mut self, forms: &mut Vec<Form>) -> Result<(), TooManyWords> {
        let mut kept: Vec<(Form, Rational)> = Vec::with_capacity(forms.len());
        let mut index: FxHashMap<Form, usize> = FxHashMap::default();
        for form in forms.iter() {
            // What only differs by a number has the same rest.
            let constant = self.constant(form);
            let rest = if constant.is_zero() {
                form.clone()
            } else {
                let one = self.end(End::One)?;
                self.minus(form, &one.times(&constant))?
            };
            match index.get(&rest) {
                Some(&at) if kept[at].1 < constant => kept[at] = (form.clone(), constant),
                Some(_) => {}
                None => {
                    index.insert(rest, kept.len());
                    kept.push((form.clone(), constant));
                }
            }
        }
        *forms = kept.into_iter().map(|(form, _)| form).collect();
        Ok(())
    }

    /// Leaves out elements that are a weighted mean of two others, as one of those is at least as large.
    fn without_means(&mut self, forms: &mut Vec<Form>) -> Result<(), TooManyWords> {
        let mut at = 0;
        while (3..=MAX_MEANS).contains(&forms.len()) && at < forms.len() {
            let form = forms.remove(at);
            let mut mean = false;
            for (n, end) in forms.iter().enumerate() {
                let to = self.minus(&form, end)?;
                for other in &forms[..n] {
                    let whole = self.minus(other, end)?;
                    let share = to.lead().checked_div(whole.lead());
                    mean |= share.is_some_and(|share| {
                        share.signum() > 0 && share < Rational::ONE && whole.times(&share) == to
                    });
                }
            }
            if !mean {
                forms.insert(at, form);
                at += 1;
            }
        }
        Ok(())
    }

    /// The elements in the order of the sign of differences.
    fn sorted(&mut self, forms: Vec<Form>) -> Result<Vec<Form>, TooManyWords> {
        let mut sorted: Vec<Form> = Vec::with_capacity(forms.len());
        for form in forms {
            let (mut low, mut high) = (0, sorted.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                let sign = match self.sign_of_difference(&form, &sorted[middle]) {
                    Some(sign) => sign,
                    None => self.minus(&form, &sorted[middle])?.sign(),
                };
                if sign < 0 { high = middle } else { low = middle + 1 }
            }
            sorted.insert(low, form);
        }
        Ok(sorted)
    }
}
