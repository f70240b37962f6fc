//! How long a signal is along one axis, as a function of the input's length.
//!
//! Every length is `⌊(m·n + a) / d⌋` step after step, so it is eventually linear up to a period: for `n` past
//! all minima, `L(n + period) = L(n) + slope · period`. That is what makes statements about all sizes finite.
//!
//! No arithmetic here wraps, whatever the build: lengths are only made where all their values for inputs up to
//! [`MAX_INPUT`] fit, slopes are rationals of any size, and periods are checked.

use std::sync::Arc;

use num_integer::Integer;
use num_traits::ToPrimitive;

use super::error::OperatorError;
use convproof_exact::budget;
use convproof_exact::{Limited, Rational};

/// `L ↦ ⌊(mul·L + add) / div⌋`, with an output where `L ≥ least` is a multiple of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    mul: i64,
    add: i64,
    div: i64,
    least: i64,
    of: i64,
}

impl Step {
    /// `⌊(mul·L + add) / div⌋`, without output where that is below 1. `mul` and `div` are positive; that `L`
    /// reaches a least length beyond 64 bits is out of the question.
    pub fn new(mul: i64, add: i64, div: i64) -> Self {
        let g = mul.gcd(&div);
        let (mul, add, div) = (mul / g, Integer::div_floor(&add, &g), div / g);
        let least = Integer::div_ceil(&(i128::from(div) - i128::from(add)), &i128::from(mul));
        Self { mul, add, div, least: i64::try_from(least.max(1)).unwrap_or(i64::MAX), of: 1 }
    }

    /// `L / n` for multiples of `n`, without output elsewhere.
    pub fn divided(n: i64) -> Self {
        Self { of: n, ..Self::new(1, 0, n) }
    }

    /// Window of extent `size` moved by `stride` over `before + L + after`.
    pub fn window(size: i64, stride: i64, before: i64, after: i64) -> Self {
        Self::new(1, before + after - size + stride, stride)
    }

    /// The length after this step, if there is an output.
    pub(super) fn apply(&self, length: i64) -> Option<i64> {
        if length % self.of != 0 { None } else { self.rounded(length) }
    }

    /// The same with an output for all lengths from `least` on; never falls as `L` grows.
    fn rounded(&self, length: i64) -> Option<i64> {
        if length < self.least {
            return None;
        }
        let result = self.value(length);
        // It fits where the length was made, and for all shorter inputs.
        if result < 1 { None } else { Some(i64::try_from(result).unwrap_or(i64::MAX)) }
    }

    /// The number itself, whether or not there is an output.
    fn value(&self, length: i64) -> i128 {
        // Products of two words and a word more.
        let scaled = i128::from(length) * i128::from(self.mul) + i128::from(self.add);
        Integer::div_floor(&scaled, &i128::from(self.div))
    }

    /// `self`, then `next`, as one step where that is the same function.
    fn then(&self, next: &Self) -> Option<Self> {
        if next.of != 1 || (next.mul != 1 && self.div != 1) {
            return None;
        }
        let product = if next.mul == 1 {
            let add = self.add.checked_add(self.div.checked_mul(next.add)?)?;
            Self::new(self.mul, add, self.div.checked_mul(next.div)?)
        } else {
            let add = next.mul.checked_mul(self.add)?.checked_add(next.add)?;
            Self::new(self.mul.checked_mul(next.mul)?, add, next.div)
        };
        // The first step must leave at least what the next one needs.
        let needed = self.div.checked_mul(next.least)?.checked_sub(self.add)?;
        let least = product.least.max(self.least).max(Integer::div_ceil(&needed, &self.mul));
        Some(Self { least, of: self.of, ..product })
    }
}

/// A length as a function of the input's length; structural equality is equality of functions, not the reverse.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// The input's own length.
    Input,
    /// Always 1, where the inner length exists.
    One(Arc<Length>),
    /// A step after another length.
    Step(Arc<Length>, Step),
    /// The common value of two lengths, where they agree.
    Agree(Arc<Length>, Arc<Length>),
    /// The first length, where the second exists.
    Where(Arc<Length>, Arc<Length>),
}

/// Longest period that statements about all sizes are decided for.
pub const MAX_PERIOD: i64 = 1 << 12;

/// Longest input along one axis that anything is said of.
pub const MAX_INPUT: i64 = 1 << 22;

/// Longest signal for any such input. Positions in it times a factor of a movement, and an offset, fit in 64 bits.
const MAX_SIGNAL: i64 = 1 << 42;

impl Length {
    /// The length after one more step; `None` if that is beyond the limits for some input.
    #[must_use]
    pub fn then(self: &Arc<Self>, step: Step) -> Option<Arc<Self>> {
        if step == Step::new(1, 0, 1) {
            return Some(self.clone());
        }
        if let Self::Step(inner, before) = &**self
            && let Some(merged) = before.then(&step)
        {
            return inner.then(merged);
        }
        let after = Arc::new(Self::Step(self.clone(), step));
        after.most().map(|_| after)
    }

    /// Numbers a, b and c, if the length is ⌊(a·n + b) / c⌋ wherever there is an output.
    pub fn law(&self) -> Option<[i64; 3]> {
        match self {
            Self::Input => Some([1, 0, 1]),
            Self::One(_) => Some([0, 1, 1]),
            Self::Step(inner, step) if **inner == Self::Input => Some([step.mul, step.add, step.div]),
            Self::Where(length, _) => length.law(),
            Self::Step(..) | Self::Agree(..) => None,
        }
    }

    /// The length, if it is the same wherever there is an output.
    pub fn fixed(&self) -> Option<i64> {
        match self {
            Self::Input => None,
            Self::One(_) => Some(1),
            Self::Step(inner, step) => step.apply(inner.fixed()?),
            Self::Agree(a, b) => a.fixed().or_else(|| b.fixed()),
            Self::Where(length, _) => length.fixed(),
        }
    }

    /// A number that no length for an input of up to [`MAX_INPUT`] exceeds: steps never fall.
    fn most(&self) -> Option<i64> {
        match self {
            Self::Input => Some(MAX_INPUT),
            Self::One(_) => Some(1),
            Self::Step(inner, step) => {
                let most = step.value(inner.most()?).max(0);
                i64::try_from(most).ok().filter(|&most| most.within(MAX_SIGNAL))
            }
            Self::Agree(a, b) => Some(a.most()?.min(b.most()?)),
            Self::Where(length, _) => length.most(),
        }
    }

    /// The common length of two branches.
    #[must_use]
    pub fn agree(self: &Arc<Self>, other: &Arc<Self>) -> Arc<Self> {
        if self == other { self.clone() } else { Arc::new(Self::Agree(self.clone(), other.clone())) }
    }

    /// The length where another one exists.
    ///
    /// # Errors
    /// If one of them repeats too late.
    pub fn where_other(self: &Arc<Self>, other: &Arc<Self>) -> Result<Arc<Self>, OperatorError> {
        let alike = self == other || matches!(&**other, Self::One(inner) if inner == self);
        let exists = |n: i64| self.at(n).is_none() || other.at(n).is_some();
        let all = alike || for_all_lengths(&[self, other], 1, exists)?;
        Ok(if all { self.clone() } else { Arc::new(Self::Where(self.clone(), other.clone())) })
    }

    /// The length for an input of length `n`; `None` where there is no output.
    pub fn at(&self, n: i64) -> Option<i64> {
        budget::spend(2);
        match self {
            Self::Input => (1..=MAX_INPUT).contains(&n).then_some(n),
            Self::One(inner) => inner.at(n).map(|_| 1),
            Self::Step(inner, step) => step.apply(inner.at(n)?),
            Self::Agree(a, b) => a.at(n).filter(|&length| b.at(n) == Some(length)),
            Self::Where(length, other) => length.at(n).filter(|_| other.at(n).is_some()),
        }
    }

    /// A number of input rows after which the length repeats, shifted by `slope · period`.
    pub fn period(&self) -> Result<i64, OperatorError> {
        let period = match self {
            Self::Input => 1,
            // Whether there is an output at all repeats with the inner length.
            Self::One(inner) => inner.period()?,
            Self::Step(inner, step) => {
                let div = common_period([step.div, step.of])?;
                inner.period()?.checked_mul(div).ok_or(OperatorError::PeriodTooLong)?
            }
            Self::Agree(a, b) | Self::Where(a, b) => common_period([a.period()?, b.period()?])?,
        };
        if period.exceeds(MAX_PERIOD) { Err(OperatorError::PeriodTooLong) } else { Ok(period) }
    }

    /// A number of input rows after which the length repeats modulo `m`, a positive number, where it has settled.
    pub fn period_modulo(&self, m: i64) -> Result<i64, OperatorError> {
        let period = self.period()?;
        // After one period the length has grown by a whole number.
        let grown = floor(&(self.slope() * Rational::from(period))).ok_or(OperatorError::PeriodTooLong)?;
        let period = (m / m.gcd(&grown)).checked_mul(period).filter(|period| period.within(MAX_PERIOD));
        period.ok_or(OperatorError::PeriodTooLong)
    }

    /// Output rows per input row in the long run; the least of branches that cannot agree there.
    pub fn slope(&self) -> Rational {
        match self {
            Self::Input => Rational::ONE,
            Self::One(_) => Rational::ZERO,
            Self::Step(inner, step) => inner.slope() * ratio(step.mul, step.div),
            Self::Agree(a, b) => a.slope().min(b.slope()),
            Self::Where(length, _) => length.slope(),
        }
    }

    /// An input length from which on what there is repeats with the period: every step has an output but where
    /// its length has to be a multiple, and branches that grow at different rates no longer agree.
    pub fn settled(&self) -> Result<i64, OperatorError> {
        let start = match self {
            Self::Input => return Ok(1),
            Self::One(inner) | Self::Step(inner, _) => inner.settled()?,
            Self::Agree(a, b) => last_crossing(a, b)? + 1,
            Self::Where(a, b) => a.settled()?.max(b.settled()?),
        };
        let exists = |n: i64| self.least_at(n).is_some();
        let (mut low, mut high) = (start, start);
        while !exists(high) {
            if high.exceeds(MAX_LENGTH) {
                // A length that does not grow and exists nowhere settles at once.
                let never = self.slope().is_zero();
                return if never { Ok(start) } else { Err(OperatorError::PeriodTooLong) };
            }
            low = high + 1;
            high *= 2;
        }
        while low < high {
            let middle = i64::midpoint(low, high);
            if exists(middle) { high = middle } else { low = middle + 1 }
        }
        Ok(high)
    }

    /// A length not above any that there is for inputs of `n` rows or more; `None` while some step may have no
    /// output. Never falls as `n` grows.
    fn least_at(&self, n: i64) -> Option<i64> {
        match self {
            Self::Input => (1..=MAX_INPUT).contains(&n).then_some(n),
            Self::One(inner) => inner.least_at(n).map(|_| 1),
            Self::Step(inner, step) => step.rounded(inner.least_at(n)?),
            Self::Agree(a, b) => Some(a.least_at(n)?.min(b.least_at(n)?)),
            Self::Where(length, other) => other.least_at(n).and_then(|_| length.least_at(n)),
        }
    }
}

/// The last input length at which branches that grow at different rates may agree; for others the last
/// before both have settled.
fn last_crossing(a: &Length, b: &Length) -> Result<i64, OperatorError> {
    let rate = a.slope() - b.slope();
    let Some(pace) = rate.recip() else { return Ok(a.settled()?.max(b.settled()?) - 1) };
    let (from, period) = repeats([a, b], 1)?;
    // The difference at n + k·period is that at n plus rate·k·period.
    let mut last = from - 1;
    for n in from..from + period {
        let (Some(left), Some(right)) = (a.at(n), b.at(n)) else { continue };
        let crossing = floor(&(Rational::from(n) - Rational::from(left - right) * &pace));
        last = last.max(crossing.ok_or(OperatorError::PeriodTooLong)?);
    }
    // Where they meet beyond what is looked at, nothing can be said.
    if last.exceeds(MAX_INPUT) { Err(OperatorError::PeriodTooLong) } else { Ok(last) }
}

/// A quotient of a number by a positive one.
pub(super) fn ratio(numerator: i64, denominator: i64) -> Rational {
    Rational::ratio(numerator, denominator).unwrap_or_default()
}

/// The greatest whole number not above a value; `None` beyond 64 bits.
pub(super) fn floor(value: &Rational) -> Option<i64> {
    match value.as_small_parts() {
        Some((numerator, denominator)) => Some(Integer::div_floor(&numerator, &denominator)),
        None => Integer::div_floor(&value.numerator(), &value.denominator()).to_i64(),
    }
}

/// The least whole number not below a value; `None` beyond 64 bits.
pub(super) fn ceil(value: &Rational) -> Option<i64> {
    floor(&-value)?.checked_neg()
}

/// The least common multiple of periods, which are positive.
pub fn common_period(periods: impl IntoIterator<Item = i64>) -> Result<i64, OperatorError> {
    let common =
        periods.into_iter().try_fold(1_i64, |all, period| (all / all.gcd(&period)).checked_mul(period));
    common.ok_or(OperatorError::PeriodTooLong)
}

/// Longest input that is looked at along one axis.
pub const MAX_LENGTH: i64 = 1 << 20;

/// Whether a statement that is periodic once everything has settled holds for every input length.
///
/// It repeats with all lengths and every `also` rows. It is tested from 1 on, to the end of the second period after
/// the lengths have settled.
pub fn for_all_lengths(
    lengths: &[&Length],
    also: i64,
    holds: impl Fn(i64) -> bool,
) -> Result<bool, OperatorError> {
    let (from, period) = repeats(lengths.iter().copied(), also)?;
    Ok((1..from + 2 * period).all(holds))
}

/// From which input length on all of some lengths repeat, and after how many rows, a multiple of `also`; an error if one of
/// these is past its limit.
pub(super) fn repeats<'l>(
    lengths: impl IntoIterator<Item = &'l Length>,
    also: i64,
) -> Result<(i64, i64), OperatorError> {
    let (mut from, mut period) = (1, also);
    for length in lengths {
        from = from.max(length.settled()?);
        period = common_period([period, length.period()?])?;
        if period.exceeds(MAX_PERIOD) || from.exceeds(MAX_LENGTH) {
            return Err(OperatorError::PeriodTooLong);
        }
    }
    Ok((from, period))
}

/// The least input length at which two lengths differ; `None` if they are the same function.
pub fn first_difference(a: &Arc<Length>, b: &Arc<Length>) -> Result<Option<i64>, OperatorError> {
    if a == b {
        return Ok(None);
    }
    let differ = |n: &i64| a.at(*n) != b.at(*n);
    let bound = match (a.settled(), b.settled(), a.period(), b.period()) {
        (Ok(s), Ok(t), Ok(p), Ok(q)) => common_period([p, q]).map_or(MAX_INPUT, |p| s.max(t) + p + 1),
        _ => MAX_LENGTH,
    };
    if bound.exceeds(MAX_LENGTH) {
        return (1..MAX_LENGTH).find(differ).map(Some).ok_or(OperatorError::PeriodTooLong);
    }
    if let Some(found) = (1..bound).find(differ) {
        return Ok(Some(found));
    }
    // Equal over a settled period and one length more, so the slopes agree as well.
    Ok(None)
}

#[cfg(test)]
mod tests;
