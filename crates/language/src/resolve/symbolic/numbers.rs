//! Powers, lists and arrays of numbers with sizes in them.

use num_traits::ToPrimitive;

use super::{Item, Reader, Shaped, layers};
use crate::syntax::ast::{Argument, Expr, ExprKind};
use convproof_engine::symbolic::exponent::{Exponent, is_at_least, whole};
use convproof_engine::symbolic::kernel::KernelForm;
use convproof_engine::symbolic::map::Map;
use convproof_engine::symbolic::number::Number;
use convproof_engine::symbolic::trace::PartKind;
use convproof_engine::symbolic::{Reading, Unread};
use convproof_exact::{Poly, Rational, Symbol};

/// The first symbol that stands for a power.
pub(super) const FIRST_POWER: u32 = 1 << 16;
/// Most copies of a stack or factors of a kernel that are taken one by one.
const MAX_COPIES: u32 = 64;

impl Reader<'_, '_> {
    /// `base ^ exponent`.
    pub(super) fn power(&mut self, base: &Expr, exponent: &Expr) -> Reading<Item> {
        let span = base.span.to(exponent.span);
        let (stage, base, exponent) = (base, self.item(base)?, self.item(exponent)?);
        let Item::Number(exponent) = exponent else {
            return Err(Unread("an exponent is no number"));
        };
        let constant = exponent.constant().and_then(|n| n.as_i64());
        match (base, constant) {
            (Item::Number(base), Some(n)) => {
                let power = base.pow(u32::try_from(n.unsigned_abs()).unwrap_or(u32::MAX))?;
                if n >= 0 {
                    return Ok(Item::Number(power));
                }
                let sizes = |poly: &Poly| !poly.symbols().iter().any(|symbol| symbol.is_scalar());
                Ok(Item::Number(Number::of(Poly::one()).over(&power, sizes)?))
            }
            (Item::Number(base), None) => {
                let exponent = plain(&exponent)?;
                match base.constant().and_then(|c| c.as_i64()).filter(|c| *c >= 1) {
                    Some(base) => Ok(Item::Number(Number::of(self.constant_power(base, &exponent)?))),
                    None => Err(Unread("a power of a size by a size is not read with sizes as symbols")),
                }
            }
            (Item::Map(map), Some(n)) => {
                let n = u32::try_from(n).ok().filter(|n| *n <= MAX_COPIES);
                let n = n.ok_or(Unread("too many copies of a stack"))?;
                let copies = (0..n).try_fold(Map::identity(), |all, _| self.then(all, map.clone(), stage));
                copies.map(Item::Map)
            }
            (Item::Map(map), None) => {
                let count = plain(&exponent)?;
                let (map, law) = match self.poolings(&map, &count)? {
                    Some(pooling) => (pooling.made_by(map), PartKind::Poolings),
                    None => (map.repeated(&count)?, PartKind::Copies),
                };
                Ok(Item::Map(map.part(self.resolver.origins().of(span), Some(law))))
            }
            (Item::Kernel(kernel), _) => self.kernel_power(&kernel, &plain(&exponent)?),
            (Item::List(_), _) => Err(Unread("a power of a list")),
        }
    }

    /// Poolings one after the other, and strides, are one with the power of the stride (Theorem 24); `None` for others.
    fn poolings(&mut self, map: &Map, count: &Exponent) -> Reading<Option<Map>> {
        let Some(stride) = map.stride() else { return Ok(None) };
        let mut power = stride.clone();
        for (own, base) in power.iter_mut().zip(&stride) {
            let base = base.as_constant().and_then(|n| n.as_i64()).filter(|n| (1..=1024).contains(n));
            let Some(base) = base else { return Ok(None) };
            if base > 1 {
                *own = self.constant_power(base, count)?;
            }
        }
        if stride.iter().all(|own| *own == whole(1)) || !is_at_least(count, 1) {
            return Ok(None);
        }
        for build in [layers::averages, layers::sums, layers::every] {
            if map.equals(&build(&stride)?)? {
                return build(&power).map(Some);
            }
        }
        Ok(None)
    }

    /// A power of a kernel; extents grow with each factor.
    fn kernel_power(&mut self, base: &Shaped, exponent: &Exponent) -> Reading<Item> {
        if base.channels[0] != base.channels[1] || !is_at_least(exponent, 1) {
            return Err(Unread("a power of a kernel is not read with sizes as symbols"));
        }
        if let Some(n) = exponent.as_constant().and_then(|n| n.as_i64()) {
            let n = u32::try_from(n).ok().filter(|n| *n <= MAX_COPIES);
            let n = n.ok_or(Unread("a power of a kernel is too high"))?;
            let mut power = base.clone();
            for _ in 1..n {
                power = super::convolved(&power, base)?;
            }
            return Ok(Item::Kernel(power));
        }
        let mut extent = base.extent.clone();
        for own in &mut extent {
            *own = whole(1) + &convproof_engine::symbolic::exponent::times(&(&*own - &whole(1)), exponent)?;
        }
        Ok(Item::Kernel(Shaped {
            kernel: base.kernel.pow(exponent)?,
            extent,
            channels: base.channels.clone(),
        }))
    }

    /// A whole number from 1 to a power that is a sum of sizes: each size in it gets a symbol for the power by it, which
    /// is a whole number from 1 as well.
    pub(super) fn constant_power(&mut self, base: i64, exponent: &Exponent) -> Reading<Exponent> {
        if !self.settled {
            return Err(Unread("powers are not read in conditions"));
        }
        let mut product = Poly::one();
        for (monomial, coefficient) in exponent.terms() {
            let too_high = Unread("a power by more than a sum of sizes is not read with sizes as symbols");
            let count = coefficient.as_i64().filter(|n| n.abs() <= 16).ok_or(too_high.clone())?;
            let times = u32::try_from(count.unsigned_abs()).map_err(|_| too_high.clone())?;
            let factor = match monomial.factors() {
                [] => Poly::constant(Rational::from(base).pow(times).ok_or(too_high)?),
                [(symbol, 1)] if symbol.0 < FIRST_POWER => {
                    let mut power = Poly::one();
                    for prime in primes(base) {
                        // The symbol is the power by one less, which is a whole number from 1 too.
                        let own = &Poly::symbol(self.power_symbol(prime, *symbol)) * &whole(prime);
                        power = &power * &own.pow(times);
                    }
                    power
                }
                _ => return Err(Unread("an exponent of an exponent is not read with sizes as symbols")),
            };
            let factor = if count < 0 { factor.reciprocal().ok_or(Unread("a power of 0"))? } else { factor };
            product = convproof_engine::symbolic::exponent::times(&product, &factor)?;
        }
        Ok(product)
    }

    fn power_symbol(&mut self, base: i64, symbol: Symbol) -> Symbol {
        let at = self.powers.iter().position(|own| *own == (base, symbol)).unwrap_or_else(|| {
            self.powers.push((base, symbol));
            self.powers.len() - 1
        });
        Symbol(FIRST_POWER + at.to_u32().unwrap_or(0))
    }

    /// An array literal: a list of numbers, or a kernel.
    pub(super) fn array(&mut self, entries: &[Expr]) -> Reading<Item> {
        let rows: Option<Vec<&[Expr]>> = entries
            .iter()
            .map(|entry| match &entry.kind {
                ExprKind::Array(row, _) => Some(row.as_slice()),
                _ => None,
            })
            .collect();
        let Some(rows) = rows else {
            return Ok(Item::List(entries.iter().map(|entry| self.number(entry)).collect::<Reading<_>>()?));
        };
        let mut taps = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            for (j, entry) in row.iter().enumerate() {
                let at = [i, j].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
                taps.push((at, self.number(entry)?));
            }
        }
        let width = rows.first().map_or(0, |row| row.len());
        let extent = [rows.len(), width].map(|n| whole(i64::try_from(n).unwrap_or(i64::MAX)));
        Ok(Item::Kernel(Shaped {
            kernel: KernelForm::entries(taps)?,
            extent,
            channels: [whole(1), whole(1)],
        }))
    }

    pub(super) fn number(&mut self, expr: &Expr) -> Reading<Number> {
        match self.item(expr)? {
            Item::Number(number) => Ok(number),
            _ => Err(Unread("a number is expected where there is none")),
        }
    }

    /// One whole number for both axes, or two.
    pub(super) fn pair(&mut self, expr: &Expr) -> Reading<[Exponent; 2]> {
        if let ExprKind::Array(entries, _) = &expr.kind {
            let [vertical, horizontal] = entries.as_slice() else {
                return Err(Unread("a list of another length than 2"));
            };
            return Ok([self.whole(vertical)?, self.whole(horizontal)?]);
        }
        let both = self.whole(expr)?;
        Ok([both.clone(), both])
    }

    /// One whole number for all sides, two for the axes, or `[top, left, bottom, right]`.
    pub(super) fn sides(&mut self, expr: &Expr) -> Reading<[Exponent; 4]> {
        if let ExprKind::Array(entries, _) = &expr.kind
            && let [top, left, bottom, right] = entries.as_slice()
        {
            return Ok([self.whole(top)?, self.whole(left)?, self.whole(bottom)?, self.whole(right)?]);
        }
        let [v, h] = self.pair(expr)?;
        Ok([v.clone(), h.clone(), v, h])
    }

    /// The same from arguments without names: one for all, or four.
    pub(super) fn four(&mut self, arguments: &[Argument]) -> Reading<[Exponent; 4]> {
        match arguments {
            [one] => self.sides(&one.value),
            [top, left, bottom, right] => Ok([
                self.whole(&top.value)?,
                self.whole(&left.value)?,
                self.whole(&bottom.value)?,
                self.whole(&right.value)?,
            ]),
            _ => Err(Unread("arguments are missing")),
        }
    }
}

/// The prime factors of a positive number, with multiplicity, so that 4ⁿ and 2ⁿ·2ⁿ are the same; what is left without
/// small ones is one factor.
fn primes(mut number: i64) -> Vec<i64> {
    let mut all = Vec::new();
    for prime in 2..=1024 {
        while number > 1 && number % prime == 0 {
            all.push(prime);
            number /= prime;
        }
    }
    all.extend((number > 1).then_some(number));
    all
}

/// An exponent.
fn plain(number: &Number) -> Reading<Exponent> {
    match number.polynomial() {
        Some(poly)
            if convproof_engine::symbolic::exponent::is_whole(poly)
                && !poly.symbols().iter().any(|symbol| symbol.is_scalar()) =>
        {
            Ok(poly.clone())
        }
        _ => Err(Unread("an exponent is not plainly a whole number at all sizes")),
    }
}
