//! Two affine forms of the same sources: equal, moved by a little, or different.
//!
//! Rows are compared in enclosures. What they show to be near is compared again in exact numbers before it is called
//! equal.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::agreement::Agreement;
use crate::ball::Ball;
use crate::enclosure::Enclosure;
use crate::form::{Form, Map, TermId};
use crate::kernel::{Exact, Kernel, KernelForm, Row, Scalar};
use crate::number::Number;

/// How two forms compare.
#[derive(Clone, Debug)]
pub enum Compared {
    /// The same function, exactly.
    Equal,
    /// Every weight moved by at most this much.
    Within(Change),
    /// Some weight moved by more.
    Beyond(Change),
    /// Not forms of the same kind.
    Apart(Apart),
}

/// Why two forms cannot be compared weight by weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// The extents of the values differ.
    Sizes,
    /// They read different values.
    Sources,
    /// They read the same value with different strides.
    Strides,
    /// There is too much to multiply out.
    Size,
    /// A weight has no finite value that can be computed.
    Weights,
}

/// By how much weights moved.
#[derive(Clone, Debug)]
pub struct Change {
    /// At most: the largest change over the largest weight, rounded up.
    pub most: f64,
    /// At least, rounded down.
    pub least: f64,
    /// Where the change is largest.
    pub worst: Option<Weight>,
}

/// A weight of a form before and after.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Output channel.
    pub output: usize,
    /// The source that it multiplies; `None` for the bias.
    pub source: Option<TermId>,
    /// Input channel.
    pub input: usize,
    /// How far along each axis the value stands that it multiplies.
    pub tap: Vec<i64>,
    /// What it is before.
    pub before: Enclosure,
    /// What it is after.
    pub after: Enclosure,
}

/// The coefficients of a form at an output channel.
pub struct FormRow<T> {
    parts: Vec<(Option<TermId>, Row<T>, Vec<i64>)>,
}

impl<T: Scalar> FormRow<T> {
    /// The coefficients at an output channel.
    pub fn new(form: &Form, output: usize) -> Self {
        let part = |part: &crate::form::Part| {
            let starts = part.map.axes.iter().map(|axis| -axis.before).collect();
            (Some(part.source), part.map.kernel.row(output), starts)
        };
        let mut parts: Vec<_> = form.parts.iter().map(part).collect();
        parts.extend(form.bias.as_ref().map(|bias| (None, bias.row(output), vec![0; form.rank()])));
        Self { parts }
    }

    /// Every coefficient with its source, channel and place.
    pub fn each(&self, mut visit: impl FnMut(Option<TermId>, usize, &[i64], &T)) {
        for (source, row, starts) in &self.parts {
            let size: usize = row.taps.iter().product();
            let mut taps = Vec::with_capacity(size);
            for tap in crate::tensor::indices(&row.taps) {
                taps.push(place(&tap, starts));
            }
            for (values, &channel) in row.values.chunks(size.max(1)).zip(&row.channels) {
                for (value, tap) in values.iter().zip(&taps) {
                    visit(*source, channel, tap, value);
                }
            }
        }
    }

    fn part(&self, source: Option<TermId>) -> Option<&(Option<TermId>, Row<T>, Vec<i64>)> {
        self.parts.iter().find(|part| part.0 == source)
    }

    fn at(&self, source: Option<TermId>, channel: usize, tap: &[i64]) -> Option<&T> {
        let (_, row, starts) = self.part(source)?;
        let own = row.channels.binary_search(&channel).ok()?;
        let mut place = 0;
        for ((&tap, &start), &extent) in tap.iter().zip(starts).zip(&row.taps) {
            let at = usize::try_from(tap - start).ok().filter(|&at| at < extent)?;
            place = place * extent + at;
        }
        let size: usize = row.taps.iter().product();
        row.values.get(own * size + place)
    }

    /// Every pair of coefficients of two rows; nothing stands for 0.
    pub fn pairs(
        &self,
        other: &Self,
        mut visit: impl FnMut(Option<TermId>, usize, &[i64], Option<&T>, Option<&T>),
    ) {
        let aligned =
            self.parts.len() == other.parts.len()
                && self.parts.iter().zip(&other.parts).all(|(a, b)| {
                    (a.0, &a.1.channels, &a.1.taps, &a.2) == (b.0, &b.1.channels, &b.1.taps, &b.2)
                });
        if aligned {
            for ((source, row, starts), (_, others, _)) in self.parts.iter().zip(&other.parts) {
                let size: usize = row.taps.iter().product();
                let taps: Vec<Vec<i64>> =
                    crate::tensor::indices(&row.taps).map(|tap| place(&tap, starts)).collect();
                let lines = row.values.chunks(size.max(1)).zip(others.values.chunks(size.max(1)));
                for (&channel, (a, b)) in row.channels.iter().zip(lines) {
                    for (tap, (a, b)) in taps.iter().zip(a.iter().zip(b)) {
                        visit(*source, channel, tap, Some(a), Some(b));
                    }
                }
            }
            return;
        }
        self.each(|source, channel, tap, value| {
            visit(source, channel, tap, Some(value), other.at(source, channel, tap));
        });
        other.each(|source, channel, tap, value| {
            if self.at(source, channel, tap).is_none() {
                visit(source, channel, tap, None, Some(value));
            }
        });
    }
}

fn place(tap: &[usize], starts: &[i64]) -> Vec<i64> {
    tap.iter().zip(starts).map(|(&tap, &start)| i64::try_from(tap).unwrap_or(i64::MAX / 2) + start).collect()
}

/// What the weights of one or more pairs of rows come to.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The largest weight before: a lower bound, and an upper one.
    largest: Enclosure,
    /// The largest change: the same.
    change: Enclosure,
    worst: Option<Weight>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { largest: Enclosure::ZERO, change: Enclosure::ZERO, worst: None }
    }
}

impl Tally {
    /// Takes in a pair of rows, those of `a` times `scale`.
    pub fn add(&mut self, a: &FormRow<Ball>, b: &FormRow<Ball>, output: usize, scale: Enclosure) {
        a.pairs(b, |source, channel, tap, a, b| {
            // Most pairs change nothing, and that is quickly seen.
            if let (Some(a), Some(b)) = (a, b)
                && self.worst.is_some()
                && scale == Enclosure::ONE
                && a.distance(*b) <= self.change.high
                && a.size() <= self.largest.low
            {
                return;
            }
            let before = a.map_or(Enclosure::ZERO, |a| a.enclosure().times(scale));
            let after = b.map_or(Enclosure::ZERO, |b| b.enclosure());
            self.largest = self.largest.maximum(before.magnitude());
            let change = if before == after && before.low == before.high {
                Enclosure::ZERO
            } else {
                before.minus(after).magnitude()
            };
            if self.worst.is_none() || change.high > self.change.high {
                let tap = tap.to_vec();
                self.worst = Some(Weight { output, source, input: channel, tap, before, after });
            }
            self.change = self.change.maximum(change);
        });
    }

    /// Takes in what was found of rows that follow.
    fn join(&mut self, other: Self) {
        if self.worst.is_none() || other.change.high > self.change.high {
            self.worst = other.worst.or(self.worst.take());
        }
        self.largest = self.largest.maximum(other.largest);
        self.change = self.change.maximum(other.change);
    }

    /// The change relative to the largest weight.
    pub fn change(&self) -> Change {
        let zero = self.change.is_zero();
        let relative = if zero { Enclosure::ZERO } else { self.change.over(self.largest) };
        Change { most: relative.high, least: relative.low.max(0.0), worst: self.worst.clone() }
    }
}

/// Changes below 2⁻⁴⁰ may be none: they are looked at exactly.
const DOUBTFUL: f64 = 9.094_947_017_729_282e-13;
/// Most products of a pair of forms in doubles.
const MAX_WORK: u64 = 1 << 31;
/// Most coefficients of a row, zeros included.
const MAX_ROW: usize = 1 << 26;
/// Most products of a pair of kernels that are looked at for being equal.
const MAX_EQUAL: u64 = 1 << 24;
/// Most products in exact numbers.
const MAX_EXACT: u64 = 1 << 21;

/// Compares two forms; a change of at most `limit` is within.
pub fn compare(a: &Form, b: &Form, limit: f64, agreement: &Agreement, memo: &Memo) -> Compared {
    if !agreement.same(&a.shape, &b.shape) {
        return Compared::Apart(Apart::Sizes);
    }
    let turned;
    let (a, b) = match (a.axis == b.axis, b.with_axis(a.axis), a.with_axis(b.axis)) {
        (true, ..) => (a, b),
        (_, Some(other), _) => {
            turned = other;
            (a, &turned)
        }
        (_, _, Some(other)) => {
            turned = other;
            (&turned, b)
        }
        _ => return Compared::Apart(Apart::Sources),
    };
    if let Some(apart) = comparable(a, b) {
        return Compared::Apart(apart);
    }
    if same(a, b) {
        return Compared::Equal;
    }
    // First what is made in different ways: where that is near, the rest need not be looked at.
    let (few, others) = unlike(a, b);
    let change = memo.change_of(&few, &others);
    let change = match change {
        Some(change) if change.most <= limit => change,
        _ => match memo.change_of(a, b) {
            Some(change) => change,
            None => return Compared::Apart(Apart::Size),
        },
    };
    // No change at all is said only of numbers that are known exactly.
    let doubtful = change.least == 0.0 && change.most <= DOUBTFUL;
    if change.most == 0.0 || doubtful && exactly(&few, &others) {
        Compared::Equal
    } else if change.most <= limit {
        Compared::Within(change)
    } else if change.most.is_finite() {
        Compared::Beyond(change)
    } else {
        Compared::Apart(Apart::Weights)
    }
}

/// Changes of forms that were looked at before: a linear value that several operators read is compared once.
#[derive(Debug, Default)]
pub struct Memo(RefCell<FxHashMap<Vec<u64>, Kept>>);

/// A change, and the kernels whose addresses it stands under: they are kept, so that no others have them.
type Kept = (Change, Vec<Kernel>);

/// Least number of products for which a change is kept, and for which rows are shared among threads.
const MUCH_WORK: u64 = 1 << 18;
/// Most blocks of rows, and threads.
const MAX_BLOCKS: usize = 16;

impl Memo {
    /// The change of all weights; nothing where that cannot be afforded.
    fn change_of(&self, a: &Form, b: &Form) -> Option<Change> {
        let work = work(a).saturating_add(work(b));
        if work > MAX_WORK {
            return None;
        }
        if work < MUCH_WORK {
            return Some(tally_rows(a, b, 0..a.channels()).change());
        }
        let key: Vec<u64> = [a, b].into_iter().flat_map(identity_of).collect();
        if let Some((change, _)) = self.0.borrow().get(&key) {
            return Some(change.clone());
        }
        let change = tally_by_threads(a, b).change();
        let kernels = |form: &Form| {
            form.parts.iter().map(|part| &part.map.kernel).chain(&form.bias).cloned().collect::<Vec<_>>()
        };
        let kept = kernels(a).into_iter().chain(kernels(b)).collect();
        self.0.borrow_mut().insert(key, (change.clone(), kept));
        Some(change)
    }
}

/// What the rows of a form are computed from: its kernels by their addresses, with what they read.
fn identity_of(form: &Form) -> Vec<u64> {
    let address = |kernel: &Kernel| Arc::as_ptr(kernel) as usize as u64;
    let mut all = vec![form.channels() as u64, form.parts.len() as u64];
    for part in &form.parts {
        all.extend([part.source as u64, address(&part.map.kernel)]);
        all.extend(part.map.axes.iter().map(|axis| axis.before.cast_unsigned()));
    }
    all.extend(form.bias.as_ref().map(address));
    all
}

fn tally_rows(a: &Form, b: &Form, outputs: Range<usize>) -> Tally {
    let mut tally = Tally::default();
    for output in outputs {
        tally.add(&FormRow::new(a, output), &FormRow::new(b, output), output, Enclosure::ONE);
    }
    tally
}

/// The same of all rows, by several threads; what comes out does not depend on how many.
fn tally_by_threads(a: &Form, b: &Form) -> Tally {
    let size = a.channels().div_ceil(MAX_BLOCKS).max(1);
    let blocks: Vec<Range<usize>> =
        (0..a.channels()).step_by(size).map(|start| start..(start + size).min(a.channels())).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(blocks.len()).max(1);
    let own = &|first: usize| -> Vec<Tally> {
        blocks.iter().skip(first).step_by(threads).map(|rows| tally_rows(a, b, rows.clone())).collect()
    };
    let mut found: Vec<std::vec::IntoIter<Tally>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|first| scope.spawn(move || own(first))).collect();
        let first = own(0);
        let others = others.into_iter().zip(1..).map(|(thread, n)| thread.join().unwrap_or_else(|_| own(n)));
        std::iter::once(first).chain(others).map(Vec::into_iter).collect()
    });
    let mut sum = Tally::default();
    for n in 0..blocks.len() {
        found[n % threads].next().into_iter().for_each(|tally| sum.join(tally));
    }
    sum
}

/// Two forms of the same sources without the parts whose kernels are found to be equal one by one.
fn unlike(a: &Form, b: &Form) -> (Form, Form) {
    let (mut few, mut others) = (a.clone(), b.clone());
    let alike: Vec<bool> =
        a.parts.iter().zip(&b.parts).map(|(a, b)| alike_map(&a.map, &b.map, equal)).collect();
    for form in [&mut few, &mut others] {
        let mut alike = alike.iter();
        form.parts.retain(|_| !alike.next().is_some_and(|&alike| alike));
    }
    if let (Some(x), Some(y)) = (&few.bias, &others.bias)
        && equal(x, y)
    {
        few.bias = None;
        others.bias = None;
    }
    (few, others)
}

/// Whether the rows of a form can be computed.
pub fn is_affordable(form: &Form) -> bool {
    work(form) <= MAX_WORK
}

/// About how many products the rows of a form take.
fn work(form: &Form) -> u64 {
    let room = |part: &crate::form::Part| {
        let kernel = &part.map.kernel;
        kernel.taps.iter().fold(kernel.inputs, |room, &taps| room.saturating_mul(taps))
    };
    if form.parts.iter().any(|part| room(part) > MAX_ROW) {
        return u64::MAX;
    }
    let bias = form.bias.as_ref().map_or(0, |bias| bias.work());
    form.parts.iter().fold(bias, |sum, part| sum.saturating_add(part.map.kernel.work()))
}

/// Why the weights of two forms do not stand against each other.
pub fn comparable(a: &Form, b: &Form) -> Option<Apart> {
    if a.rank() != b.rank() || a.axis != b.axis {
        return Some(Apart::Sizes);
    }
    if !a.parts.iter().map(|part| part.source).eq(b.parts.iter().map(|part| part.source)) {
        return Some(Apart::Sources);
    }
    let rhythm = |form: &Form, n: usize| -> Vec<(usize, usize)> {
        form.parts[n].map.axes.iter().map(|axis| (axis.up, axis.stride)).collect()
    };
    (0..a.parts.len()).any(|n| rhythm(a, n) != rhythm(b, n)).then_some(Apart::Strides)
}

/// Whether two forms are made in the same way.
pub fn same(a: &Form, b: &Form) -> bool {
    let parts = a
        .parts
        .iter()
        .zip(&b.parts)
        .all(|(x, y)| x.source == y.source && alike_map(&x.map, &y.map, |a, b| a.same(b)));
    let bias = match (&a.bias, &b.bias) {
        (None, None) => true,
        (Some(x), Some(y)) => x.same(y),
        _ => false,
    };
    a.parts.len() == b.parts.len() && comparable(a, b).is_none() && parts && bias
}

/// Whether two maps move in the same way and have kernels that are alike.
fn alike_map(a: &Map, b: &Map, kernels: impl Fn(&Kernel, &Kernel) -> bool) -> bool {
    let starts =
        a.axes.iter().zip(&b.axes).all(|(a, b)| (a.up, a.stride, a.before) == (b.up, b.stride, b.before));
    starts && kernels(&a.kernel, &b.kernel)
}

/// Whether two kernels are equal part by part, parts of another make by all their rows; false where that is not seen.
fn equal(a: &Kernel, b: &Kernel) -> bool {
    if (a.outputs, a.inputs, &a.taps) != (b.outputs, b.inputs, &b.taps) {
        return false;
    }
    let all = |a: &[(Kernel, Vec<usize>)], b: &[(Kernel, Vec<usize>)]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.1 == b.1 && equal(&a.0, &b.0))
    };
    let by_parts = match (&a.node, &b.node) {
        (
            KernelForm::Compose { outer, inner, outer_step, inner_step },
            KernelForm::Compose { outer: o, inner: i, outer_step: os, inner_step: is },
        ) => (outer_step, inner_step) == (os, is) && equal(outer, o) && equal(inner, i),
        (KernelForm::Sum(a), KernelForm::Sum(b)) | (KernelForm::Stack(a), KernelForm::Stack(b)) => all(a, b),
        (KernelForm::Select(a, rows), KernelForm::Select(b, others)) => rows == others && equal(a, b),
        _ => a.same(b),
    };
    by_parts
        || a.work().saturating_add(b.work()) <= MAX_EQUAL && (0..a.outputs).all(|row| equal_rows(a, b, row))
}

/// Whether two rows are the same doubles, which are what the numbers are.
fn equal_rows(a: &Kernel, b: &Kernel, row: usize) -> bool {
    let (a, b): (Row<Ball>, Row<Ball>) = (a.row(row), b.row(row));
    let equal = |(a, b): (&Ball, &Ball)| a.distance(*b) == 0.0;
    a.channels == b.channels && a.taps == b.taps && a.values.iter().zip(&b.values).all(equal)
}

/// Whether all weights are equal in exact numbers; false too where that cannot be afforded.
fn exactly(a: &Form, b: &Form) -> bool {
    work(a).saturating_add(work(b)) <= MAX_EXACT
        && (0..a.channels()).all(|output| exact_rows(a, b, output, output, &Number::from(1)))
}

/// Whether a row of `b` is one of `a` times a number, exactly.
pub fn exact_rows(a: &Form, b: &Form, from: usize, to: usize, scale: &Number) -> bool {
    let (a, b) = (FormRow::<Exact>::new(a, from), FormRow::<Exact>::new(b, to));
    let mut equal = true;
    a.pairs(&b, |_, _, _, a, b| {
        let zero = Some(Number::default());
        let before = a.unwrap_or(&zero).as_ref().and_then(|a| a.times(scale));
        let after = b.unwrap_or(&zero).as_ref();
        equal = equal && before.as_ref().zip(after).is_some_and(|(a, b)| a.minus(b).is_zero());
    });
    equal
}
