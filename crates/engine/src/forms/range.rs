//! What is known of the size of sums: numbers that they never fall below or pass, for all weights and images.
//!
//! Ranges only leave out elements of maxima (Theorem 9d of `docs/semantics.md`); bounds on differences are in `prove/within`.

use super::arena::{Arena, End, FlatWord, Form};
use crate::ir::Function;
use convproof_exact::Rational;

/// The least and the largest value, where there are such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Never below.
    pub low: Option<Rational>,
    /// Never above.
    pub high: Option<Rational>,
}

impl Range {
    /// One number.
    pub fn point(value: &Rational) -> Self {
        Self { low: Some(value.clone()), high: Some(value.clone()) }
    }

    /// Nothing below a number.
    fn from(low: Rational) -> Self {
        Self { low: Some(low), high: None }
    }

    /// Whether nothing is known.
    fn is_open(&self) -> bool {
        self.low.is_none() && self.high.is_none()
    }

    fn plus(self, other: &Self) -> Self {
        let add = |a: Option<Rational>, b: &Option<Rational>| Some(&a? + b.as_ref()?);
        Self { low: add(self.low, &other.low), high: add(self.high, &other.high) }
    }

    fn times(self, factor: &Rational) -> Self {
        let scale = |end: Option<Rational>| end.map(|end| &end * factor);
        let (low, high) = (scale(self.low), scale(self.high));
        if factor.is_negative() { Self { low: high, high: low } } else { Self { low, high } }
    }

    /// Where the larger of two values lies.
    fn larger(self, other: &Self) -> Self {
        let low = match (self.low, &other.low) {
            (Some(a), Some(b)) => Some(a.max(b.clone())),
            (a, b) => a.or_else(|| b.clone()),
        };
        Self { low, high: self.high.zip(other.high.clone()).map(|(a, b)| a.max(b)) }
    }

    /// The smallest range around both.
    #[must_use]
    pub fn around(self, other: &Self) -> Self {
        Self {
            low: self.low.zip(other.low.clone()).map(|(a, b)| a.min(b)),
            high: self.high.zip(other.high.clone()).map(|(a, b)| a.max(b)),
        }
    }

    /// Where a value lies that is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both =
            |a: Option<Rational>, b: Option<Rational>, pick: fn(Rational, Rational) -> Rational| match (a, b)
            {
                (Some(a), Some(b)) => Some(pick(a, b)),
                (a, b) => a.or(b),
            };
        Self { low: both(self.low, other.low, Ord::max), high: both(self.high, other.high, Ord::min) }
    }

    /// Where the product of two values lies: between those of the ends, or above 0 where neither is below it.
    fn product(&self, other: &Self) -> Self {
        let ends = |range: &Self| Some([range.low.clone()?, range.high.clone()?]);
        if let (Some(a), Some(b)) = (ends(self), ends(other)) {
            let products = a.iter().flat_map(|x| b.iter().map(move |y| x * y));
            let (low, high) = (products.clone().min(), products.max());
            return Self { low, high };
        }
        let positive = |range: &Self| range.low.as_ref().is_some_and(|low| !low.is_negative());
        if positive(self) && positive(other) { Self::from(Rational::ZERO) } else { Self::default() }
    }
}

impl Arena {
    /// The range of a sum.
    pub fn range(&self, form: &Form) -> Range {
        self.summed(form, &Range::default())
    }

    /// The range of a sum where no pixel passes a number in magnitude.
    pub fn range_of_images(&self, form: &Form, most: &Rational) -> Range {
        self.summed(form, &Range { low: Some(-most), high: Some(most.clone()) })
    }

    fn summed(&self, form: &Form, pixel: &Range) -> Range {
        let mut sum = Range::point(&Rational::ZERO);
        for word in self.flat_words(form) {
            let Some(word) = word else { return Range::default() };
            sum = sum.plus(&self.range_of(&word, pixel));
            if sum.is_open() {
                break;
            }
        }
        match self.product_ranges.get(&form.order().0) {
            Some(known) => sum.and(known.clone().times(form.lead())),
            None => sum,
        }
    }

    fn range_of(&self, word: &FlatWord, pixel: &Range) -> Range {
        if !word.diagonal.is_one() || !word.scalars.is_one() {
            return Range::default();
        }
        let end = match word.end {
            End::One => Range::point(&Rational::ONE),
            End::Pixel(_) => pixel.clone(),
            end => self.ranges.get(&end).cloned().unwrap_or_default(),
        };
        end.times(&word.coefficient)
    }

    /// Remembers the range of an end, where something is known of it.
    pub(super) fn note(&mut self, end: End, range: Range) {
        if !range.is_open() {
            self.ranges.insert(end, range);
        }
    }

    /// The range of the largest of some sums.
    pub(super) fn range_of_maximum(&self, forms: &[Form]) -> Range {
        let all = forms.iter().map(|form| self.range(form));
        all.reduce(|range, next| range.larger(&next)).unwrap_or_default()
    }

    /// The range of a product of sums; what occurs an even number of times is a square.
    pub(super) fn range_of_product(&self, factors: &[Form]) -> Range {
        let mut product = Range::point(&Rational::ONE);
        for alike in factors.chunk_by(|a, b| a == b) {
            let one = self.range(&alike[0]);
            let mut power = Range::point(&Rational::ONE);
            for _ in 0..alike.len() {
                power = power.product(&one);
            }
            if alike.len().is_multiple_of(2) {
                power.low = Some(power.low.unwrap_or_default().max(Rational::ZERO));
            }
            product = product.product(&power);
        }
        product
    }

    /// Remembers the range of a product of two sums, which may be multiplied out.
    pub(super) fn note_product(&mut self, [f, g]: [&Form; 2], product: &Form) {
        let range = self.range_of_product(&[f.clone(), g.clone()]);
        if !range.is_open()
            && let Some(inverse) = product.lead().recip()
        {
            let node = product.order().0;
            let known = self.product_ranges.remove(&node).unwrap_or_default();
            self.product_ranges.insert(node, known.and(range.times(&inverse)));
        }
    }

    /// The range of a function of a sum.
    pub(super) fn range_of_function(&self, function: Function, form: &Form) -> Range {
        let rising = self.range(form).low.is_some_and(|low| !low.is_negative());
        let [low, high] = function.range();
        // All of them are at least their value at 0 where the argument is.
        let low = if rising { function.at_zero().or(low) } else { low };
        Range { low, high }
    }

    /// Leaves out elements that another one is never below.
    pub(super) fn without_lower(&self, forms: &mut Vec<Form>) {
        if self.ranges.is_empty() {
            return;
        }
        let ranges: Vec<Range> = forms.iter().map(|form| self.range(form)).collect();
        let floor = ranges.iter().filter_map(|range| range.low.as_ref()).max();
        let Some(floor) = floor else { return };
        let is_lower: Vec<bool> =
            ranges.iter().map(|range| range.high.as_ref().is_some_and(|high| high <= floor)).collect();
        let is_floor = |at: &usize| ranges[*at].low.as_ref() == Some(floor);
        // One that has the floor stays, if possible one that may be above it.
        let stays = (0..ranges.len()).filter(is_floor).min_by_key(|&at| is_lower[at]);
        let mut at = 0..;
        forms.retain(|_| at.next().is_some_and(|at| Some(at) == stays || !is_lower[at]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(arena: &mut Arena, function: Function) -> Form {
        let pixel = arena.end(End::Pixel(0)).unwrap();
        arena.function(function, &pixel).unwrap()
    }

    fn ends(arena: &Arena, form: &Form) -> [Option<Rational>; 2] {
        let Range { low, high } = arena.range(form);
        [low, high]
    }

    #[test]
    fn a_negative_coefficient_exchanges_the_ends() {
        let mut arena = Arena::default();
        let sigmoid = function(&mut arena, Function::Sigmoid);
        let softplus = function(&mut arena, Function::Softplus);
        let [two, three] = [2, 3].map(Rational::from);
        assert_eq!(ends(&arena, &sigmoid.times(&-&two)), [Some(-&two), Some(Rational::ZERO)]);
        assert_eq!(ends(&arena, &softplus.times(&-&two)), [None, Some(Rational::ZERO)]);
        let sum = arena.sum(&[sigmoid.times(&two), softplus.times(&three)]).unwrap();
        assert_eq!(ends(&arena, &sum), [Some(Rational::ZERO), None]);
        let pixel = arena.end(End::Pixel(0)).unwrap();
        assert_eq!(ends(&arena, &pixel), [None, None]);
    }

    #[test]
    fn only_even_powers_are_squares() {
        let mut arena = Arena::default();
        let tanh = function(&mut arena, Function::Tanh);
        let one = Rational::ONE;
        let square = arena.product(&tanh, &tanh).unwrap();
        assert_eq!(ends(&arena, &square), [Some(Rational::ZERO), Some(one.clone())]);
        let cube = arena.product(&square, &tanh).unwrap();
        assert_eq!(ends(&arena, &cube), [Some(-&one), Some(one)]);
        let pixel = arena.end(End::Pixel(0)).unwrap();
        let square = arena.product(&pixel, &pixel).unwrap();
        assert_eq!(ends(&arena, &square), [Some(Rational::ZERO), None]);
        let mixed = arena.product(&pixel, &tanh).unwrap();
        assert_eq!(ends(&arena, &mixed), [None, None]);
    }

    #[test]
    fn of_elements_that_bound_each_other_one_stays() {
        let mut arena = Arena::default();
        let tanh = function(&mut arena, Function::Tanh);
        let one = arena.end(End::One).unwrap();
        for forms in
            [vec![one.clone(), one.clone()], vec![one.clone(), tanh.clone()], vec![tanh.clone(), one.clone()]]
        {
            assert_eq!(arena.maximum(forms).unwrap(), one);
        }
        let half = one.times(&Rational::ratio(1, 2).unwrap());
        assert_ne!(arena.maximum(vec![tanh.clone(), half.clone()]).unwrap(), half);
        assert_ne!(arena.maximum(vec![tanh.clone(), half]).unwrap(), tanh);
        // 0 is no reason to keep what is never negative from standing alone.
        let softplus = function(&mut arena, Function::Softplus);
        for forms in [vec![Form::ZERO, softplus.clone()], vec![softplus.clone(), Form::ZERO]] {
            assert_eq!(arena.maximum(forms).unwrap(), softplus);
        }
    }
}
