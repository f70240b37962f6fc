//! Kernels as sums of products of free kernels, `x` and `y` to powers in ℤ\[p\], over factors `x^M − 1` and `y^N − 1`.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::exponent::{Exponent, is_at_least, order, times, whole};
use super::number::{Number, merged, missing};
use super::{Reading, Unread};
use crate::operator::trace::Made;
use convproof_exact::{Poly, Rational};

/// Most products in a kernel.
const MAX_PRODUCTS: usize = 4096;

/// A free kernel at a dilation, to a power.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Letter {
    kernel: u32,
    /// 1 along an axis of extent 1, where it makes no difference.
    dilation: [Exponent; 2],
    power: Exponent,
}

/// `x^at[1] · y^at[0]` times free kernels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Product {
    at: [Exponent; 2],
    /// Kernels of one channel, which commute: sorted.
    scalars: Vec<Letter>,
    /// Kernels with channels, in order of application.
    word: Vec<Letter>,
}

/// A kernel: `Σ coefficient · product / (Π (x^M − 1) · Π (y^N − 1) · Π divisor)`.
#[derive(Clone, Debug)]
pub struct KernelForm {
    products: FxHashMap<Product, Poly>,
    poles: [Vec<Exponent>; 2],
    divisors: Vec<Poly>,
}

impl KernelForm {
    /// A number at the origin.
    pub fn number(number: &Number) -> Self {
        let products = FxHashMap::from_iter([(origin(), number.value.clone())]);
        Self { products, poles: [Vec::new(), Vec::new()], divisors: number.divisors.clone() }
    }

    /// Numbers at places.
    ///
    /// # Errors
    /// If they are too many.
    pub fn entries(entries: impl IntoIterator<Item = ([i64; 2], Number)>) -> Reading<Self> {
        let mut sum = Self::number(&Number::of(Poly::zero()));
        for (at, number) in entries {
            sum = sum.add(&Self::number(&number).shifted(&at.map(whole)), false)?;
        }
        Ok(sum)
    }

    /// A free kernel by number, its extents, and whether it has one channel only.
    pub fn free(kernel: u32, single: bool) -> Self {
        let letter = Letter { kernel, dilation: [whole(1), whole(1)], power: whole(1) };
        let mut product = origin();
        if single {
            product.scalars.push(letter);
        } else {
            product.word.push(letter);
        }
        Self {
            products: FxHashMap::from_iter([(product, Poly::one())]),
            poles: [Vec::new(), Vec::new()],
            divisors: Vec::new(),
        }
    }

    /// `(x^e − 1) / (x − 1)` along both axes: ones.
    ///
    /// # Errors
    /// If an extent may be below 1.
    pub fn ones(extents: &[Exponent; 2]) -> Reading<Self> {
        let mut kernel = Self::number(&Number::of(Poly::one()));
        for (axis, extent) in extents.iter().enumerate() {
            if !is_at_least(extent, 1) {
                return Err(Unread("an extent may be below 1 at some sizes"));
            }
            if *extent != whole(1) {
                kernel = kernel.times(&factor(extent, axis))?;
                kernel.poles[axis] = merged(&kernel.poles[axis], &[whole(1)]);
            }
        }
        Ok(kernel)
    }

    /// Moved.
    #[must_use]
    pub fn shifted(&self, by: &[Exponent; 2]) -> Self {
        let moved = |product: &Product| Product {
            at: [&product.at[0] + &by[0], &product.at[1] + &by[1]],
            ..product.clone()
        };
        Self { products: self.products.iter().map(|(p, c)| (moved(p), c.clone())).collect(), ..self.clone() }
    }

    /// The convolution, the first kernel first.
    ///
    /// # Errors
    /// If it has too many products.
    pub fn times(&self, other: &Self) -> Reading<Self> {
        for (one, kernel) in [(self, other), (other, self)] {
            if one.is_plainly_one() {
                return Ok(kernel.clone());
            }
        }
        if self.products.len() * other.products.len() > MAX_PRODUCTS {
            return Err(Unread("its kernels have too many terms"));
        }
        let mut products: FxHashMap<Product, Poly> = FxHashMap::default();
        for (a, c) in &self.products {
            for (b, d) in &other.products {
                let sum = products.entry(a.times(b)).or_default();
                *sum = &*sum + &times(c, d)?;
            }
        }
        products.retain(|_, coefficient| !coefficient.is_zero());
        let poles = [0, 1].map(|axis| merged(&self.poles[axis], &other.poles[axis]));
        Ok(Self { products, poles, divisors: merged(&self.divisors, &other.divisors) })
    }

    /// The sum, or the difference.
    ///
    /// # Errors
    /// If it has too many products.
    pub fn add(&self, other: &Self, minus: bool) -> Reading<Self> {
        let (mut a, mut b) = (self.clone(), Cow::Borrowed(other));
        for axis in 0..2 {
            for pole in missing(&a.poles[axis], &other.poles[axis]) {
                a = a.times(&factor(&pole, axis))?;
                a.poles[axis] = merged(&a.poles[axis], &[pole]);
            }
            for pole in missing(&other.poles[axis], &a.poles[axis]) {
                let mut wider = b.times(&factor(&pole, axis))?;
                wider.poles[axis] = merged(&wider.poles[axis], &[pole]);
                b = Cow::Owned(wider);
            }
        }
        for divisor in missing(&a.divisors, &other.divisors) {
            a = a.times(&Self::number(&Number::of(divisor.clone())))?;
            a.divisors = merged(&a.divisors, &[divisor]);
        }
        for divisor in missing(&other.divisors, &a.divisors) {
            let mut more = b.times(&Self::number(&Number::of(divisor.clone())))?;
            more.divisors = merged(&more.divisors, &[divisor]);
            b = Cow::Owned(more);
        }
        for (product, coefficient) in &b.products {
            match a.products.get_mut(product) {
                Some(sum) if minus => *sum = &*sum - coefficient,
                Some(sum) => *sum = &*sum + coefficient,
                None if minus => _ = a.products.insert(product.clone(), -coefficient),
                None => _ = a.products.insert(product.clone(), coefficient.clone()),
            }
        }
        a.products.retain(|_, coefficient| !coefficient.is_zero());
        Ok(a)
    }

    /// Whether two kernels have the same normal form.
    ///
    /// # Errors
    /// If their difference has too many products.
    pub fn equals(&self, other: &Self) -> Reading<bool> {
        if self.poles == other.poles && self.divisors == other.divisors && self.products == other.products {
            return Ok(true);
        }
        Ok(self.add(other, true)?.products.is_empty())
    }

    /// With gaps: every exponent times a factor. `flat` tells for each free kernel and axis whether its extent is 1.
    ///
    /// # Errors
    /// If an exponent gets too large or a factor may be below 1.
    pub fn dilated(&self, by: &[Exponent; 2], flat: impl Fn(u32, usize) -> bool) -> Reading<Self> {
        if !by.iter().all(|factor| is_at_least(factor, 1)) {
            return Err(Unread("a stride, a dilation or a factor may be below 1 at some sizes"));
        }
        let all = |pair: &[Exponent; 2]| -> Reading<[Exponent; 2]> {
            Ok([times(&pair[0], &by[0])?, times(&pair[1], &by[1])?])
        };
        let letters = |letters: &[Letter]| -> Reading<Vec<Letter>> {
            let mut wider = Vec::with_capacity(letters.len());
            for letter in letters {
                let mut dilation = all(&letter.dilation)?;
                for (axis, dilation) in dilation.iter_mut().enumerate() {
                    if flat(letter.kernel, axis) {
                        *dilation = whole(1);
                    }
                }
                wider.push(Letter { dilation, ..letter.clone() });
            }
            Ok(wider)
        };
        let mut products: FxHashMap<Product, Poly> = FxHashMap::default();
        for (product, coefficient) in &self.products {
            let mut scalars = letters(&product.scalars)?;
            scalars.sort_by(Letter::order);
            let wider = Product { at: all(&product.at)?, scalars, word: letters(&product.word)? };
            let sum = products.entry(wider).or_default();
            *sum = &*sum + coefficient;
        }
        let mut poles = [Vec::new(), Vec::new()];
        for (axis, own) in poles.iter_mut().enumerate() {
            for pole in &self.poles[axis] {
                own.push(times(pole, &by[axis])?);
            }
            own.sort_by(order);
        }
        Ok(Self { products, poles, divisors: self.divisors.clone() })
    }

    /// The power by an exponent, for kernels that are a single product with the coefficient 1.
    ///
    /// # Errors
    /// For other kernels, and if the exponent may be negative.
    pub fn pow(&self, exponent: &Exponent) -> Reading<Self> {
        let single =
            self.products.len() == 1 && self.poles.iter().all(Vec::is_empty) && self.divisors.is_empty();
        let Some((product, _)) = self.products.iter().next().filter(|(_, c)| single && **c == Poly::one())
        else {
            return Err(Unread("a symbolic power is taken of more than free kernels"));
        };
        if !is_at_least(exponent, 0) {
            return Err(Unread("an exponent may be negative at some sizes"));
        }
        let letters = |letters: &[Letter]| -> Reading<Vec<Letter>> {
            let power =
                |letter: &Letter| Ok(Letter { power: times(&letter.power, exponent)?, ..letter.clone() });
            letters.iter().map(power).collect()
        };
        // (A·B)^n is no word of two powers unless they commute.
        if product.word.len() > 1 {
            return Err(Unread("a symbolic power is taken of several kernels with channels"));
        }
        let at = [times(&product.at[0], exponent)?, times(&product.at[1], exponent)?];
        let product = Product { at, scalars: letters(&product.scalars)?, word: letters(&product.word)? };
        Ok(Self { products: FxHashMap::from_iter([(product, Poly::one())]), ..self.clone() })
    }

    /// What it makes of an image that is constant in each channel: the sum of its taps, which is its form at x = y = 1.
    ///
    /// # Errors
    /// If divisors do not plainly cancel, or it gets too large.
    pub fn total(&self) -> Reading<Self> {
        let orders = [0, 1].map(|axis| self.poles[axis].len());
        let mut sum = Self::number(&Number { value: Poly::zero(), divisors: self.divisors.clone() });
        let mut lower: FxHashMap<(Product, usize, usize), Poly> = FxHashMap::default();
        for (product, coefficient) in &self.products {
            // The first derivatives must vanish for each word by itself, whatever its place along the other axis.
            for axis in 0..2 {
                for order in 0..orders[axis] {
                    let mut rest = product.clone();
                    rest.at[axis] = whole(0);
                    let term = times(coefficient, &choose(&product.at[axis], order)?)?;
                    let left = lower.entry((rest, axis, order)).or_default();
                    *left = &*left + &term;
                }
            }
            let value = times(&choose(&product.at[0], orders[0])?, &choose(&product.at[1], orders[1])?)?;
            let value = times(coefficient, &value)?;
            let own = sum.products.entry(product.undilated()).or_default();
            *own = &*own + &value;
        }
        if !lower.values().all(Poly::is_zero) {
            return Err(Unread("the sum of a kernel's entries is not plain"));
        }
        sum.products.retain(|_, coefficient| !coefficient.is_zero());
        for pole in self.poles.iter().flatten() {
            let inverse = Number::of(Poly::one()).over(&Number::of(pole.clone()), |_| true)?;
            sum = sum.times(&Self::number(&inverse))?;
        }
        Ok(sum)
    }

    /// What it is, by its form: free kernels or several entries, equal entries, or one.
    pub(super) fn made(&self) -> Made {
        let free = |product: &Product| !product.scalars.is_empty() || !product.word.is_empty();
        if self.products.keys().any(free) {
            return Made::Kernel;
        }
        let filled = self.poles.iter().any(|poles| !poles.is_empty());
        let values = || self.products.values().map(Poly::as_constant);
        let units = self.divisors.is_empty() && values().all(|one| one.is_some_and(|n| n.abs().is_one()));
        match (filled, self.products.len()) {
            (true, _) if units => Made::Ones,
            (true, _) if self.total().is_ok_and(|total| total.is_one()) => Made::Box,
            (false, 1) if units => Made::Moved,
            (false, 1) => Made::Diagonal,
            _ => Made::Kernel,
        }
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.products.is_empty()
    }

    /// Whether it is the number 1 at the origin.
    pub fn is_one(&self) -> bool {
        self.is_plainly_one() || self.equals(&Self::number(&Number::of(Poly::one()))) == Ok(true)
    }

    /// Whether that is how it is written.
    fn is_plainly_one(&self) -> bool {
        let mut terms = self.products.iter();
        let (Some((product, coefficient)), None) = (terms.next(), terms.next()) else { return false };
        let undivided = self.poles.iter().all(Vec::is_empty) && self.divisors.is_empty();
        undivided && product.is_empty() && matches!(coefficient.terms(), [(m, c)] if m.is_one() && c.is_one())
    }
}

impl Letter {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.kernel
            .cmp(&other.kernel)
            .then_with(|| order(&self.dilation[0], &other.dilation[0]))
            .then_with(|| order(&self.dilation[1], &other.dilation[1]))
    }
}

impl Product {
    /// Whether it is a place alone, the origin.
    fn is_empty(&self) -> bool {
        self.at.iter().all(Poly::is_zero) && self.scalars.is_empty() && self.word.is_empty()
    }

    /// The same word with each kernel at x = y = 1, at the origin.
    fn undilated(&self) -> Self {
        let still = |letters: &[Letter]| -> Vec<Letter> {
            letters.iter().map(|own| Letter { dilation: [whole(0), whole(0)], ..own.clone() }).collect()
        };
        origin().times(&Self { scalars: still(&self.scalars), word: still(&self.word), ..origin() })
    }

    fn times(&self, other: &Self) -> Self {
        let at = [&self.at[0] + &other.at[0], &self.at[1] + &other.at[1]];
        let mut scalars: Vec<Letter> = Vec::new();
        let mut all: Vec<&Letter> = self.scalars.iter().chain(&other.scalars).collect();
        all.sort_by(|a, b| a.order(b));
        all.into_iter().for_each(|letter| join(&mut scalars, letter));
        let mut word: Vec<Letter> = Vec::new();
        self.word.iter().chain(&other.word).for_each(|letter| join(&mut word, letter));
        Self { at, scalars, word }
    }
}

/// Adds a letter, to the power of the last one if that is the same.
fn join(letters: &mut Vec<Letter>, letter: &Letter) {
    match letters.last_mut() {
        Some(last) if last.kernel == letter.kernel && last.dilation == letter.dilation => {
            last.power = &last.power + &letter.power;
            if last.power.is_zero() {
                letters.pop();
            }
        }
        _ if letter.power.is_zero() => {}
        _ => letters.push(letter.clone()),
    }
}

/// `e·(e − 1)·…·(e − order + 1) / order!`
fn choose(exponent: &Exponent, order: usize) -> Reading<Poly> {
    let mut product = Poly::one();
    for (n, at) in (0..).zip(0..order) {
        product = times(&product, &(exponent - &whole(n)))?;
        let share = i64::try_from(at + 1).ok().and_then(|at| Rational::ratio(1, at));
        product = product.scaled(&share.unwrap_or_default());
    }
    Ok(product)
}

fn origin() -> Product {
    Product { at: [whole(0), whole(0)], scalars: Vec::new(), word: Vec::new() }
}

/// `x^e − 1` along an axis.
fn factor(exponent: &Exponent, axis: usize) -> KernelForm {
    let mut at = [whole(0), whole(0)];
    at[axis] = exponent.clone();
    let mut products = FxHashMap::default();
    *products.entry(Product { at, ..origin() }).or_insert_with(Poly::zero) = Poly::one();
    let minus = products.entry(origin()).or_insert_with(Poly::zero);
    *minus = &*minus - &Poly::one();
    products.retain(|_, coefficient| !coefficient.is_zero());
    KernelForm { products, poles: [Vec::new(), Vec::new()], divisors: Vec::new() }
}
