//! Products of two sums, entry by entry.
//!
//! Words without matrices are multiplied out: a product is then a sum of words that end in several ends at once, in an
//! order of their own, so that it is bilinear, commutative and associative without a rule, and linear where one side is a
//! constant. Longer sums, and those with matrices, are multiplied as they are, up to their order and leading numbers. Of
//! positive parts of sums that differ by a number one is enough (Theorem 29d). `docs/semantics.md` has the theorems.

use super::arena::{Arena, End, FlatWord, Form, TooManyWords};
use convproof_exact::{Limited, Monomial, Rational};

/// Most words of a product that is multiplied out.
const MAX_WORDS: usize = 4096;

/// Most factors of a word.
const MAX_FACTORS: usize = 16;

/// max(s, 0) for a sum s that is a number and a multiple of a direction.
struct Part {
    whole: Form,
    sum: Form,
    /// What is not a number in s, with leading coefficient 1.
    direction: Form,
    /// Whether s grows with it.
    rises: bool,
    /// Its value where s is 0.
    begins: Rational,
}

impl Arena {
    /// The factors of a product by its number, of leading coefficient 1.
    pub fn factors(&self, number: u32) -> &[Form] {
        &self.products_of.get(number).forms
    }

    /// The product of two sums.
    ///
    /// # Errors
    /// [`TooManyWords`] beyond the limits.
    pub fn product(&mut self, f: &Form, g: &Form) -> Result<Form, TooManyWords> {
        let product = self.multiplied_out(f, g, true)?;
        self.note_product([f, g], &product);
        Ok(product)
    }

    /// The product of two sums, with the factors of their first words outside where they are not multiplied out, or as they are.
    fn multiplied_out(&mut self, f: &Form, g: &Form, outside: bool) -> Result<Form, TooManyWords> {
        if f.is_zero() || g.is_zero() {
            return Ok(Form::ZERO);
        }
        let plain = |words: &Vec<FlatWord>| words.iter().all(|word| word.diagonal.is_one());
        let flat = [f, g].map(|form| self.flat(form).filter(plain));
        match &flat {
            [Some(a), Some(b)] if a.len().saturating_mul(b.len()).within(MAX_WORDS) => {
                let mut terms = Vec::with_capacity(a.len() * b.len());
                for x in a {
                    let ends = self.ends(x)?;
                    for y in b {
                        terms.push(self.with_word(&ends, &x.scalars, &x.coefficient, y)?);
                    }
                }
                self.sum(&terms)
            }
            _ if outside => {
                let mut sides = [f.clone(), g.clone()];
                let mut found = Vec::new();
                for side in &mut sides {
                    if let Some(leading) = self.leading(side) {
                        *side = self.times_factors(side, &leading, true)?;
                        found.push(leading);
                    }
                }
                let [f, g] = sides;
                let mut product = self.multiplied_out(&f, &g, false)?;
                for leading in &found {
                    product = self.times_factors(&product, leading, false)?;
                }
                Ok(product)
            }
            [None, Some(words)] => self.distributed(f, words),
            [Some(words), None] => self.distributed(g, words),
            _ => {
                let factors = [f, g].map(|form| form.times(&form.lead().recip().unwrap_or(Rational::ONE)));
                Ok(self.multiplied(factors.into())?.times(&(f.lead() * g.lead())))
            }
        }
    }

    /// A sum with matrices times words without.
    fn distributed(&mut self, form: &Form, words: &[FlatWord]) -> Result<Form, TooManyWords> {
        if words.len().exceeds(MAX_WORDS) {
            return Err(TooManyWords);
        }
        let whole = [form.times(&form.lead().recip().unwrap_or(Rational::ONE))];
        let term = |word| self.with_word(&whole, &Monomial::one(), form.lead(), word);
        let terms: Vec<Form> = words.iter().map(term).collect::<Result<_, _>>()?;
        self.sum(&terms)
    }

    /// The product of some ends, weights and a number with a word.
    fn with_word(
        &mut self,
        ends: &[Form],
        scalars: &Monomial,
        coefficient: &Rational,
        word: &FlatWord,
    ) -> Result<Form, TooManyWords> {
        let mut factors = self.ends(word)?;
        factors.extend_from_slice(ends);
        let product = self.multiplied(factors)?;
        let scaled = self.scaled(&Monomial::one(), &scalars.times(&word.scalars), &product)?;
        Ok(scaled.times(&(coefficient * &word.coefficient)))
    }

    /// What all words of some sums are multiplied by that is never negative, and the sums without it (Theorem 29e).
    pub(super) fn common_factor(
        &mut self,
        forms: &[Form],
    ) -> Result<Option<(Form, Vec<Form>)>, TooManyWords> {
        if self.products_of.all().is_empty() {
            return Ok(None);
        }
        let Some(words) = forms.iter().find(|form| !form.is_zero()).and_then(|form| self.flat(form)) else {
            return Ok(None);
        };
        let Some(first) = words.first() else { return Ok(None) };
        for factor in self.ends(first)? {
            let never_negative = |low: &Rational| !low.is_negative();
            if !self.range(&factor).low.as_ref().is_some_and(never_negative) {
                continue;
            }
            // Before anything is made of it.
            let mut all = true;
            for form in forms {
                all = all && self.has_factor(form, &factor)?;
            }
            if all {
                let rest = forms.iter().map(|form| self.without_factor(form, &factor));
                return Ok(Some((factor.clone(), rest.collect::<Result<_, _>>()?)));
            }
        }
        Ok(None)
    }

    /// Whether all words of a sum have a factor.
    fn has_factor(&mut self, form: &Form, factor: &Form) -> Result<bool, TooManyWords> {
        let Some(words) = self.flat(form) else { return Ok(false) };
        for word in &words {
            if !self.ends(word)?.contains(factor) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A sum of which all words have a factor, without it.
    fn without_factor(&mut self, form: &Form, factor: &Form) -> Result<Form, TooManyWords> {
        let words = self.flat(form).ok_or(TooManyWords)?;
        let mut terms = Vec::with_capacity(words.len());
        for word in words {
            let mut ends = self.ends(&word)?;
            ends.remove(ends.iter().position(|end| end == factor).ok_or(TooManyWords)?);
            let product = self.multiplied(ends)?;
            let scaled = self.scaled(&word.diagonal, &word.scalars, &product)?;
            terms.push(scaled.times(&word.coefficient));
        }
        self.sum(&terms)
    }

    /// What a word ends in, factor by factor.
    fn ends(&mut self, word: &FlatWord) -> Result<Vec<Form>, TooManyWords> {
        Ok(match word.end {
            End::One => Vec::new(),
            End::Product(number) => {
                let factors = &self.products_of.get(number).forms;
                factors.iter().map(|factor| self.moved(factor, word.place)).collect()
            }
            end => {
                let end = self.end(end)?;
                vec![self.moved(&end, word.place)]
            }
        })
    }

    /// The product of two factors that are positive parts of sums with one direction, without their product, and the other
    /// factors.
    fn parallel(&mut self, factors: &[Form]) -> Result<Option<(Form, Vec<Form>)>, TooManyWords> {
        let mut parts: Vec<(usize, Part)> = Vec::new();
        for (at, form) in factors.iter().enumerate() {
            let Some(sum) = self.positive_part(form) else { continue };
            let part = self.part(form, sum)?;
            if let Some((other, twin)) = parts.iter().find(|(_, twin)| twin.direction == part.direction) {
                let product = self.both_positive(twin, &part)?;
                let rest = factors.iter().enumerate().filter(|(own, _)| own != other && *own != at);
                return Ok(Some((product, rest.map(|(_, form)| form.clone()).collect())));
            }
            parts.push((at, part));
        }
        Ok(None)
    }

    /// A positive part as what moves and where it begins.
    fn part(&mut self, whole: &Form, sum: Form) -> Result<Part, TooManyWords> {
        let constant = self.constant(&sum);
        let rest = self.end(End::One)?.times(&-&constant);
        let rest = self.sum(&[sum.clone(), rest])?;
        let inverse = rest.lead().recip().unwrap_or(Rational::ONE);
        let direction = rest.times(&inverse);
        let begins = -(&constant * &inverse);
        Ok(Part { whole: whole.clone(), sum, direction, rises: !inverse.is_negative(), begins })
    }

    /// The product of two positive parts with one direction (Theorem 29d).
    fn both_positive(&mut self, f: &Part, g: &Part) -> Result<Form, TooManyWords> {
        if f.rises == g.rises {
            // Where the one that begins later is positive, so is the other.
            let first = if f.rises { f.begins >= g.begins } else { f.begins <= g.begins };
            let (later, earlier) = if first { (f, g) } else { (g, f) };
            return self.product(&later.whole, &earlier.sum);
        }
        let (up, down) = if f.rises { (f, g) } else { (g, f) };
        if up.begins >= down.begins {
            return Ok(Form::ZERO);
        }
        let [one, other, both] =
            [(&f.whole, &g.sum), (&f.sum, &g.whole), (&f.sum, &g.sum)].map(|(a, b)| self.product(a, b));
        let both = both?.times(&Rational::from(-1));
        self.sum(&[one?, other?, both])
    }

    /// The sum of which this is the positive part.
    fn positive_part(&self, form: &Form) -> Option<Form> {
        let words = self.flat(form)?;
        let [FlatWord { diagonal, scalars, end: End::Term(term), place, coefficient }] = words.as_slice()
        else {
            return None;
        };
        if !(diagonal.is_one() && scalars.is_one() && coefficient.is_one()) {
            return None;
        }
        match self.elements(*term, *place).as_slice() {
            [zero, sum] if zero.is_zero() => Some(sum.clone()),
            _ => None,
        }
    }

    /// The product of sums with leading coefficient 1.
    fn multiplied(&mut self, mut factors: Vec<Form>) -> Result<Form, TooManyWords> {
        match factors.as_slice() {
            [] => return self.end(End::One),
            [only] => return Ok(only.clone()),
            all if all.len().exceeds(MAX_FACTORS) => return Err(TooManyWords),
            _ => {}
        }
        if let Some((pair, rest)) = self.parallel(&factors)? {
            let rest = self.multiplied(rest)?;
            return self.product(&pair, &rest);
        }
        // Neither the order nor the origin changes with a translation of all.
        factors.sort_by_key(Form::order);
        let range = self.range_of_product(&factors);
        self.placed(&factors, |arena| &mut arena.products_of, End::Product, range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_polynomials_and_move_with_the_image() {
        let mut arena = Arena::default();
        let pixel = arena.end(End::Pixel(0)).unwrap();
        let one = arena.end(End::One).unwrap();
        let [x, y, z] = [[0, 0], [0, 1], [2, -3]].map(|place| arena.moved(&pixel, place));
        let minus = Rational::from(-1);
        let [sum, difference] = [y.clone(), y.times(&minus)].map(|y| arena.sum(&[x.clone(), y]).unwrap());
        let product = arena.product(&sum, &difference).unwrap();
        let squares = [&x, &y].map(|form| arena.product(form, form).unwrap());
        let [a, b] = squares;
        assert_eq!(product, arena.sum(&[a, b.times(&minus)]).unwrap());
        let left = arena.product(&sum, &z).unwrap();
        let left = arena.product(&left, &y).unwrap();
        let right = arena.product(&y, &z).unwrap();
        assert_eq!(left, arena.product(&right, &sum).unwrap());
        let moved = arena.moved(&sum, [4, 5]);
        let there = arena.product(&moved, &moved).unwrap();
        let square = arena.product(&sum, &sum).unwrap();
        assert_eq!(there, arena.moved(&square, [4, 5]));
        assert_ne!(there, square);
        // A constant is no factor but a number.
        let three = one.times(&Rational::from(3));
        assert_eq!(arena.product(&three, &sum).unwrap(), sum.times(&Rational::from(3)));
        assert_ne!(arena.product(&x, &x).unwrap(), x);
    }

    #[test]
    fn positive_parts_with_one_direction_are_not_multiplied() {
        let mut arena = Arena::default();
        let pixel = arena.end(End::Pixel(0)).unwrap();
        let one = arena.end(End::One).unwrap();
        let [x, y] = [[0, 0], [0, 1]].map(|place| arena.moved(&pixel, place));
        let above = arena.sum(&[x.clone(), one.clone()]).unwrap();
        let one_less = one.times(&Rational::from(-3));
        let [part, higher, other] =
            [&x, &above, &y].map(|form| arena.maximum(vec![form.clone(), Form::ZERO]).unwrap());
        let square = arena.product(&part, &part).unwrap();
        assert_eq!(square, arena.product(&x, &part).unwrap());
        let product = arena.product(&part, &higher).unwrap();
        assert_eq!(product, arena.product(&above, &part).unwrap());
        assert_ne!(product, arena.product(&x, &higher).unwrap());
        assert_ne!(arena.product(&part, &other).unwrap(), arena.product(&x, &other).unwrap());
        let minus = Rational::from(-1);
        let opposite = arena.maximum(vec![x.times(&minus), Form::ZERO]).unwrap();
        assert!(arena.product(&part, &opposite).unwrap().is_zero());
        // relu(x)·relu(1 − x) is x·(1 − x) between 0 and 1.
        let turned = arena.sum(&[one, x.times(&minus)]).unwrap();
        let down = arena.maximum(vec![turned.clone(), Form::ZERO]).unwrap();
        let hill = arena.product(&part, &down).unwrap();
        let parts = [(&turned, &part), (&x, &down), (&x, &turned)].map(|(a, b)| arena.product(a, b).unwrap());
        let [a, b, c] = parts;
        assert_eq!(hill, arena.sum(&[a, b, c.times(&minus)]).unwrap());
        // relu(x + 1)·relu(−x − 2) is 0.
        let far = arena.sum(&[turned, one_less]).unwrap();
        let far = arena.maximum(vec![far, Form::ZERO]).unwrap();
        assert!(arena.product(&higher, &far).unwrap().is_zero());
    }

    #[test]
    fn sums_with_matrices_are_multiplied_as_they_are() {
        let mut arena = Arena::default();
        let pixel = arena.end(End::Pixel(0)).unwrap();
        let [a, b] = [0, 1].map(|letter| arena.after_letter(letter, &pixel).unwrap());
        let two = Rational::from(2);
        let left = arena.product(&a.times(&two), &b).unwrap();
        assert_eq!(left, arena.product(&b, &a.times(&two)).unwrap());
        assert_eq!(left, arena.product(&a, &b.times(&two)).unwrap());
        assert_ne!(left, arena.product(&a, &b).unwrap());
        assert_ne!(arena.product(&a, &a).unwrap(), arena.product(&b, &b).unwrap());
    }
}
