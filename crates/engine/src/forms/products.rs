//! Products of two sums, entry by entry.
//!
//! Words without matrices are multiplied out: a product is then a sum of words that end in several ends at once, in an
//! order of their own, so that it is bilinear, commutative and associative without a rule, and linear where one side is a
//! constant. Longer sums, and those with matrices, are multiplied as they are, up to their order and leading numbers.
//! `docs/semantics.md`, section 9, has the theorem.

use super::arena::{Arena, End, FlatWord, Form, TooManyWords};
use convproof_exact::{Monomial, Rational};

/// Most words of a product that is multiplied out.
const MAX_WORDS: usize = 4096;

/// Most factors of a word.
const MAX_FACTORS: usize = 16;

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
        if f.is_zero() || g.is_zero() {
            return Ok(Form::ZERO);
        }
        let plain = |words: &Vec<FlatWord>| words.iter().all(|word| word.diagonal.is_one());
        let flat = [f, g].map(|form| self.flat(form).filter(plain));
        if let [Some(a), Some(b)] = &flat
            && a.len().saturating_mul(b.len()) <= MAX_WORDS
        {
            let mut terms = Vec::with_capacity(a.len() * b.len());
            for x in a {
                for y in b {
                    let mut factors = self.ends(x)?;
                    factors.extend(self.ends(y)?);
                    let product = self.multiplied(factors)?;
                    let scaled = self.scaled(&Monomial::one(), &x.scalars.times(&y.scalars), &product)?;
                    terms.push(scaled.times(&(&x.coefficient * &y.coefficient)));
                }
            }
            return self.sum(&terms);
        }
        for (constant, other) in [(f, g), (g, f)] {
            if let Some(number) = self.number(constant) {
                return Ok(other.times(&number));
            }
        }
        let factors = [f, g].map(|form| form.times(&form.lead().recip().unwrap_or(Rational::ONE)));
        Ok(self.multiplied(factors.into())?.times(&(f.lead() * g.lead())))
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

    /// The product of sums with leading coefficient 1.
    fn multiplied(&mut self, mut factors: Vec<Form>) -> Result<Form, TooManyWords> {
        match factors.as_slice() {
            [] => return self.end(End::One),
            [only] => return Ok(only.clone()),
            all if all.len() > MAX_FACTORS => return Err(TooManyWords),
            _ => {}
        }
        // Neither the order nor the origin changes with a translation of all.
        factors.sort_by_key(Form::order);
        self.placed(&factors, |arena| &mut arena.products_of, End::Product)
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
