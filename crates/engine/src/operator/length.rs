//! How long a signal is along one axis, as a function of the input's length.
//!
//! Every length is `⌊(m·n + a) / d⌋` step after step, so it is eventually linear up to a period: for `n` past
//! all minima, `L(n + period) = L(n) + slope · period`. That is what makes statements about all sizes finite.

use std::sync::Arc;

use num_integer::Integer;
use num_rational::Ratio;

use super::error::OperatorError;
use convproof_exact::budget;

/// `L ↦ min(⌊(mul·L + add) / div⌋, ⌊(mul·L + cap.0) / cap.1⌋)`, with an output where `L ≥ least` is a multiple
/// of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    mul: i64,
    add: i64,
    div: i64,
    cap: Option<(i64, i64)>,
    least: i64,
    of: i64,
}

impl Step {
    /// `⌊(mul·L + add) / div⌋`, without output where that is below 1. `mul` and `div` are positive.
    pub fn new(mul: i64, add: i64, div: i64) -> Self {
        let g = mul.gcd(&div);
        let (mul, add, div) = (mul / g, Integer::div_floor(&add, &g), div / g);
        Self { mul, add, div, cap: None, least: 1.max(Integer::div_ceil(&(div - add), &mul)), of: 1 }
    }

    /// The same, never more than `⌊(mul·L + add) / div⌋` of the cap.
    #[must_use]
    pub fn capped(self, add: i64, div: i64) -> Self {
        Self { cap: Some((add, div)), ..self }
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
        let value = |add: i64, div: i64| {
            Some(Integer::div_floor(&length.checked_mul(self.mul)?.checked_add(add)?, &div))
        };
        let result = value(self.add, self.div)?;
        let result = match self.cap {
            Some((add, div)) => result.min(value(add, div)?),
            None => result,
        };
        (result >= 1).then_some(result)
    }

    /// `self`, then `next`, as one step where that is the same function.
    fn then(&self, next: &Self) -> Option<Self> {
        let plain = self.cap.is_none() && next.cap.is_none() && next.of == 1;
        if !plain || (next.mul != 1 && self.div != 1) {
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
}

/// Longest period that statements about all sizes are decided for.
pub const MAX_PERIOD: i64 = 1 << 12;

impl Length {
    /// The length after one more step.
    #[must_use]
    pub fn then(self: &Arc<Self>, step: Step) -> Arc<Self> {
        if step == Step::new(1, 0, 1) {
            return self.clone();
        }
        match &**self {
            Self::Step(inner, before) => match before.then(&step) {
                Some(merged) => inner.then(merged),
                None => Arc::new(Self::Step(self.clone(), step)),
            },
            _ => Arc::new(Self::Step(self.clone(), step)),
        }
    }

    /// The common length of two branches.
    #[must_use]
    pub fn agree(self: &Arc<Self>, other: &Arc<Self>) -> Arc<Self> {
        if self == other { self.clone() } else { Arc::new(Self::Agree(self.clone(), other.clone())) }
    }

    /// The length for an input of length `n`; `None` where there is no output.
    pub fn at(&self, n: i64) -> Option<i64> {
        budget::spend(2);
        match self {
            Self::Input => (n >= 1).then_some(n),
            Self::One(inner) => inner.at(n).map(|_| 1),
            Self::Step(inner, step) => step.apply(inner.at(n)?),
            Self::Agree(a, b) => a.at(n).filter(|&length| b.at(n) == Some(length)),
        }
    }

    /// A number of input rows after which the length repeats, shifted by `slope · period`.
    pub fn period(&self) -> Result<i64, OperatorError> {
        let period = match self {
            Self::Input => 1,
            // Whether there is an output at all repeats with the inner length.
            Self::One(inner) => inner.period()?,
            Self::Step(inner, step) => {
                let div = step.cap.map_or(step.div, |cap| step.div.lcm(&cap.1));
                inner.period()?.checked_mul(div.lcm(&step.of)).ok_or(OperatorError::PeriodTooLong)?
            }
            Self::Agree(a, b) => a.period()?.lcm(&b.period()?),
        };
        if period > MAX_PERIOD { Err(OperatorError::PeriodTooLong) } else { Ok(period) }
    }

    /// A number of input rows after which the length repeats modulo `m`, a positive number, where it has settled.
    pub fn period_modulo(&self, m: i64) -> Result<i64, OperatorError> {
        let period = self.period()?;
        // After one period the length has grown by a whole number.
        let grown = (self.slope() * period).to_integer();
        let period = (m / m.gcd(&grown)).checked_mul(period).filter(|period| *period <= MAX_PERIOD);
        period.ok_or(OperatorError::PeriodTooLong)
    }

    /// Output rows per input row in the long run; the least of branches that cannot agree there.
    pub fn slope(&self) -> Ratio<i64> {
        match self {
            Self::Input => Ratio::from(1),
            Self::One(_) => Ratio::from(0),
            Self::Step(inner, step) => inner.slope() * Ratio::new(step.mul, step.div),
            Self::Agree(a, b) => a.slope().min(b.slope()),
        }
    }

    /// An input length from which on what there is repeats with the period: every step has an output but where
    /// its length has to be a multiple, and branches that grow at different rates no longer agree.
    pub fn settled(&self) -> Result<i64, OperatorError> {
        let start = match self {
            Self::Input => return Ok(1),
            Self::One(inner) | Self::Step(inner, _) => inner.settled()?,
            Self::Agree(a, b) => last_crossing(a, b)?.saturating_add(1),
        };
        let exists = |n: i64| self.least_at(n).is_some();
        let (mut low, mut high) = (start, start);
        while !exists(high) {
            if high > MAX_LENGTH {
                // A length that does not grow and exists nowhere settles at once.
                let never = self.slope() == Ratio::from(0);
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
            Self::Input => (n >= 1).then_some(n),
            Self::One(inner) => inner.least_at(n).map(|_| 1),
            Self::Step(inner, step) => step.rounded(inner.least_at(n)?),
            Self::Agree(a, b) => Some(a.least_at(n)?.min(b.least_at(n)?)),
        }
    }
}

/// The last input length at which branches that grow at different rates may agree; for others the last
/// before both have settled.
fn last_crossing(a: &Length, b: &Length) -> Result<i64, OperatorError> {
    let rate = a.slope() - b.slope();
    let (from, period) = (a.settled()?.max(b.settled()?), a.period()?.lcm(&b.period()?));
    if rate == Ratio::from(0) {
        return Ok(from - 1);
    }
    if from > MAX_LENGTH || period > MAX_PERIOD {
        return Err(OperatorError::PeriodTooLong);
    }
    // The difference at n + k·period is that at n plus rate·k·period.
    let crossing = |n: i64| {
        let difference = Ratio::from(a.at(n)? - b.at(n)?);
        Some((Ratio::from(n) - difference / rate).floor().to_integer())
    };
    Ok((from..from + period).filter_map(crossing).fold(from - 1, i64::max))
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
    let (mut from, mut period) = (1, also);
    for length in lengths {
        from = from.max(length.settled()?);
        period = period.lcm(&length.period()?);
    }
    if period > MAX_PERIOD || from > MAX_LENGTH {
        return Err(OperatorError::PeriodTooLong);
    }
    Ok((1..from + 2 * period).all(holds))
}

/// The least input length at which two lengths differ; `None` if they are the same function.
pub fn first_difference(a: &Arc<Length>, b: &Arc<Length>) -> Result<Option<i64>, OperatorError> {
    if a == b {
        return Ok(None);
    }
    let differ = |n: &i64| a.at(*n) != b.at(*n);
    let bound = match (a.settled(), b.settled(), a.period(), b.period()) {
        (Ok(s), Ok(t), Ok(p), Ok(q)) => s.max(t).saturating_add(p.lcm(&q).saturating_mul(2)),
        _ => MAX_LENGTH,
    };
    if bound > MAX_LENGTH {
        return (1..MAX_LENGTH).find(differ).map(Some).ok_or(OperatorError::PeriodTooLong);
    }
    if let Some(found) = (1..bound).find(differ) {
        return Ok(Some(found));
    }
    // Equal over two settled periods, so the slopes agree as well.
    Ok(None)
}
