//! What sums end in, each stored once and known by its number.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::arena::{Arena, End, Form, TooManyWords};
use super::range::Range;
use crate::axes::AXES;

/// Different values and their numbers.
#[derive(Clone, Debug)]
pub struct Numbered<T> {
    all: Vec<T>,
    index: FxHashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { all: Vec::new(), index: FxHashMap::default() }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    /// The number of a value, a new one where it was not there.
    pub fn number(&mut self, value: T) -> Result<u32, TooManyWords> {
        if let Some(&number) = self.index.get(&value) {
            return Ok(number);
        }
        let number = u32::try_from(self.all.len()).map_err(|_| TooManyWords)?;
        self.all.push(value.clone());
        self.index.insert(value, number);
        Ok(number)
    }

    /// All of them, by number.
    pub fn all(&self) -> &[T] {
        &self.all
    }

    /// The one with a number.
    pub fn get(&self, number: u32) -> &T {
        &self.all[number as usize]
    }
}

/// Some sums in order: the elements of a maximum, or the factors of a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SumList {
    /// The first one that moves with the image stands at the origin.
    pub forms: Vec<Form>,
    /// Whether there is one that moves with the image.
    pub anchored: bool,
}

impl Arena {
    /// What some sums make together, where they stand: they are numbered where the first one that moves stands at the origin, and
    /// the end of that number, which lies in a range, is moved back.
    pub(super) fn placed(
        &mut self,
        forms: &[Form],
        table: impl FnOnce(&mut Self) -> &mut Numbered<SumList>,
        end: impl FnOnce(u32) -> End,
        range: Range,
    ) -> Result<Form, TooManyWords> {
        let base = forms.iter().find(|form| self.is_anchored_form(form)).map(Form::place);
        let start = base.unwrap_or([0; AXES]);
        let forms = forms.iter().map(|form| self.moved(form, start.map(|n| -n))).collect();
        let number = table(self).number(SumList { forms, anchored: base.is_some() })?;
        let end = end(number);
        self.note(end, range);
        let whole = self.end(end)?;
        Ok(self.moved(&whole, start))
    }
}
