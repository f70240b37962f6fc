//! One budget of work and memory for each statement of a spec, spent by every loop that can grow.
//!
//! Steps and bytes are counted by the code that takes them, never measured, so that the same spec stops at the same
//! place on every machine; a step is worth about a nanosecond. A [`Cancel`] flag stops as well, for a clock or a user.
//!
//! The budget in force belongs to the thread. It is only ever asked whether to stop, so it changes whether there is a
//! result, never which; outside of [`Budget::run`] nothing is limited. What stops unwinds to `run` without the panic
//! hook. Where panics abort (`panic = "abort"`), so does a spent budget.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Steps between two looks at the cancel flag, well below a hundredth of a second.
const SLICE: u64 = 1 << 20;

/// How much one statement may take.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Steps of about a nanosecond each.
    pub steps: u64,
    /// Bytes in use at a time.
    pub bytes: u64,
    /// Stops the work from elsewhere.
    pub cancel: Cancel,
}

impl Budget {
    /// Steps that a statement may take unless told otherwise: some seconds.
    pub const STEPS: u64 = 10_000_000_000;
    /// Bytes that a statement may have in use unless told otherwise: 1 GiB.
    pub const BYTES: u64 = 1 << 30;
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: Self::STEPS, bytes: Self::BYTES, cancel: Cancel::default() }
    }
}

/// A flag that stops work which is under way; all clones are one flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops the work at its next look.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lets later work go on.
    pub fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether the work is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why something ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The budget was spent, or the work cancelled.
    Exhausted(Exhausted),
    /// A panic: a defect of this program.
    Defect,
}

/// What was spent, and what was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// What there was no more of.
    pub resource: Resource,
    /// What was being done, as in "while comparing border patterns"; empty where nothing was said.
    pub doing: &'static str,
}

/// What a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Steps.
    Work,
    /// Bytes.
    Memory,
    /// The cancel flag was set.
    Time,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.resource {
            Resource::Work => "budget: more work than one statement may take",
            Resource::Memory => "budget: more memory than one statement may use",
            Resource::Time => "time limit: stopped",
        })?;
        if self.doing.is_empty() { Ok(()) } else { write!(f, ", while {}", self.doing) }
    }
}

/// The budget in force on a thread.
struct State {
    /// Tells budgets apart.
    number: u64,
    steps: u64,
    bytes: u64,
    cancel: Cancel,
    doing: &'static str,
}

thread_local! {
    /// Steps until the next look at the state; without a budget there are always enough.
    static SLICE_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Budgets so far, on all threads: what one of them holds may be dropped on another.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Budget {
    /// Runs something within the budget; a panic in it is caught, too.
    ///
    /// # Errors
    /// If the budget was spent, or on a panic. What `work` has changed by then stays changed.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> Result<T, Halt> {
        let state = State {
            number: COUNT.fetch_add(1, Ordering::Relaxed) + 1,
            steps: self.steps,
            bytes: self.bytes,
            cancel: self.cancel.clone(),
            doing: "",
        };
        let before = (STATE.replace(Some(state)), SLICE_LEFT.replace(0));
        let result = catch_unwind(AssertUnwindSafe(work));
        STATE.replace(before.0);
        SLICE_LEFT.set(before.1);
        result.map_err(|payload| match payload.downcast::<Exhausted>() {
            Ok(exhausted) => Halt::Exhausted(*exhausted),
            Err(_) => Halt::Defect,
        })
    }
}

/// Whether a budget is in force on this thread, so that a panic will be caught and told of.
pub fn is_guarded() -> bool {
    STATE.try_with(|state| state.try_borrow().is_ok_and(|state| state.is_some())).unwrap_or(false)
}

/// How many steps the budget in force has left, so that work that can end early does; `None` without one.
pub fn left() -> Option<u64> {
    let steps = STATE.try_with(|state| state.try_borrow().ok()?.as_ref().map(|state| state.steps));
    steps.ok().flatten().map(|steps| steps.saturating_add(SLICE_LEFT.get()))
}

/// How many bytes the budget in force has left; `None` without one.
pub fn bytes_left() -> Option<u64> {
    STATE.with_borrow(|state| state.as_ref().map(|state| state.bytes))
}

/// Takes some steps of the budget in force.
#[inline]
pub fn spend(steps: u64) {
    match SLICE_LEFT.get().checked_sub(steps) {
        Some(left) => SLICE_LEFT.set(left),
        None => refill(steps),
    }
}

/// How many things there are: one number, or extents whose product it is. What no number holds is the largest.
pub trait Extents {
    /// The number of things.
    fn product(self) -> u64;
}

impl Extents for usize {
    fn product(self) -> u64 {
        self as u64
    }
}

impl Extents for u64 {
    fn product(self) -> u64 {
        self
    }
}

impl<E: Extents, const N: usize> Extents for [E; N] {
    fn product(self) -> u64 {
        self.into_iter().fold(1, |product, extent| product.saturating_mul(extent.product()))
    }
}

/// Machine words that hold a number of so many bits and its sign.
pub fn words(bits: u64) -> u64 {
    bits / 64 + 1
}

/// The same as [`spend`] for a number of things, each of which takes some steps.
#[inline]
pub fn spend_on(count: impl Extents, each: u64) {
    spend([count.product(), each].product());
}

/// Takes some steps if the budget in force has more than `reserve` left after them: whether it had. For work that is not worth what
/// the reserve is for.
pub fn spend_above(reserve: u64, steps: u64) -> bool {
    let enough = left().is_none_or(|left| left.saturating_sub(steps) > reserve);
    if enough {
        spend(steps);
    }
    enough
}

/// Multiplies the steps that the budget in force has left, for work that somebody has asked for knowing that it is long.
pub fn extend(times: u64) {
    STATE.with_borrow_mut(|state| {
        state.iter_mut().for_each(|state| state.steps = state.steps.saturating_mul(times));
    });
}

#[cold]
fn refill(steps: u64) {
    let missing = steps.saturating_sub(SLICE_LEFT.take());
    let spent = STATE.with_borrow_mut(|state| {
        let Some(state) = state else {
            SLICE_LEFT.set(u64::MAX);
            return None;
        };
        let resource = if state.cancel.is_cancelled() {
            Resource::Time
        } else if let Some(left) = state.steps.checked_sub(missing) {
            let slice = left.min(SLICE);
            SLICE_LEFT.set(slice);
            state.steps = left - slice;
            return None;
        } else {
            Resource::Work
        };
        Some(Exhausted { resource, doing: state.doing })
    });
    if let Some(exhausted) = spent {
        stop(exhausted);
    }
}

/// Memory that is counted as in use until this is dropped. What holds it compares as if it did not.
#[derive(Debug)]
#[must_use = "the memory counts as long as this lives"]
pub struct Held {
    bytes: u64,
    /// The budget that it was taken from, which may have ended.
    from: u64,
}

impl Held {
    /// How much; 0 where no budget was in force.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        STATE.with_borrow_mut(|state| {
            if let Some(state) = state.as_mut().filter(|state| state.number == self.from) {
                state.bytes += self.bytes;
            }
        });
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        hold_bytes(self.bytes)
    }
}

impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Held {}

impl Hash for Held {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Counts memory for a number of things as in use. To be called before it is taken.
pub fn hold(count: usize, each: usize) -> Held {
    hold_bytes([count, each].product())
}

fn hold_bytes(bytes: u64) -> Held {
    let held = STATE.with_borrow_mut(|state| {
        let Some(state) = state else { return Ok(Held { bytes: 0, from: 0 }) };
        match state.bytes.checked_sub(bytes) {
            Some(left) => {
                state.bytes = left;
                Ok(Held { bytes, from: state.number })
            }
            None => Err(Exhausted { resource: Resource::Memory, doing: state.doing }),
        }
    });
    held.unwrap_or_else(|exhausted| stop(exhausted))
}

/// Says what is being done, until this is dropped.
#[derive(Debug)]
#[must_use = "it is said as long as this lives"]
pub struct Doing(&'static str);

impl Drop for Doing {
    fn drop(&mut self) {
        STATE.with_borrow_mut(|state| state.iter_mut().for_each(|state| state.doing = self.0));
    }
}

/// Says what is being done from here on, in words that follow "while".
pub fn doing(what: &'static str) -> Doing {
    let before = STATE.with_borrow_mut(|state| {
        state.as_mut().map_or("", |state| std::mem::replace(&mut state.doing, what))
    });
    Doing(before)
}

fn stop(exhausted: Exhausted) -> ! {
    resume_unwind(Box::new(exhausted));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Budget {
        Budget { steps: 5_000_000, bytes: 1000, ..Budget::default() }
    }

    #[test]
    fn work_within_the_budget_has_its_result_and_more_has_none() {
        assert_eq!(small().run(|| spend(5_000_000)), Ok(()));
        let spent = |resource, doing| Err(Halt::Exhausted(Exhausted { resource, doing }));
        assert_eq!(small().run(|| spend(5_000_001)), spent(Resource::Work, ""));
        let slowly = || {
            let _doing = doing("counting");
            for _ in 0..u64::MAX {
                spend(3);
            }
        };
        assert_eq!(small().run(slowly), spent(Resource::Work, "counting"));
        // Outside there is no limit, and the next budget is a whole one.
        spend(u64::MAX);
        spend(u64::MAX);
        assert_eq!(small().run(|| spend(5_000_000)), Ok(()));
    }

    #[test]
    fn extents_are_multiplied_up_to_the_largest_number() {
        assert_eq!((7_usize.product(), 7_u64.product()), (7, 7));
        assert_eq!([3_usize, 5, 7].product(), 105);
        assert_eq!([1_u64 << 32, (1 << 31) + 1].product(), (1 << 63) + (1 << 32));
        assert_eq!([1_u64 << 32, 1 << 32].product(), u64::MAX);
        assert_eq!([1_u64 << 63, 2, 0].product(), 0);
        assert_eq!([0, 63, 64, 128].map(words), [1, 1, 2, 3]);
        assert_eq!(small().run(|| hold(35, 8).bytes()), Ok(280));
        let left = |work: &dyn Fn()| {
            let rest = || {
                work();
                left()
            };
            small().run(rest)
        };
        assert_eq!(left(&|| spend_on(6_usize, 9)), Ok(Some(5_000_000 - 54)));
        assert_eq!(left(&|| spend_on([3_usize, 5], 100)), Ok(Some(5_000_000 - 1500)));
        assert!(left(&|| spend_on([1_usize << 32, 1 << 32], 1 << 32)).is_err());
    }

    #[test]
    fn a_reserve_is_left_and_what_was_asked_for_has_more() {
        let above = |reserve: u64, steps: u64| {
            let left = || {
                let enough = spend_above(reserve, steps);
                (enough, left())
            };
            small().run(left)
        };
        assert_eq!(above(1000, 4_998_999), Ok((true, Some(1001))));
        assert_eq!(above(1000, 4_999_000), Ok((false, Some(5_000_000))));
        assert_eq!(above(0, u64::MAX), Ok((false, Some(5_000_000))));
        let extended = || {
            extend(3);
            spend(15_000_000);
            left()
        };
        assert_eq!(small().run(extended), Ok(Some(0)));
        assert_eq!(small().run(|| extend(u64::MAX)), Ok(()));
        // Outside there is always enough, and nothing to extend.
        assert!(spend_above(u64::MAX, u64::MAX));
        extend(3);
        assert_eq!(left(), None);
    }

    #[test]
    fn memory_comes_back_and_is_limited() {
        let twice = || {
            drop(hold(100, 8));
            drop(hold(100, 8));
            let _first = hold(100, 8);
            let _doing = doing("holding");
            let _second = hold(100, 8);
        };
        let exhausted = Exhausted { resource: Resource::Memory, doing: "holding" };
        assert_eq!(small().run(twice), Err(Halt::Exhausted(exhausted)));
        let left = || {
            let before = hold(100, 8);
            (bytes_left(), drop(before), bytes_left())
        };
        assert_eq!(small().run(left), Ok((Some(200), (), Some(1000))));
        assert_eq!(bytes_left(), None);
        assert_eq!(exhausted.to_string(), "budget: more memory than one statement may use, while holding");
        assert!(small().run(|| drop(hold(usize::MAX, usize::MAX))).is_err());
        // Outside nothing is counted, and what outlives its budget is not given back to another one.
        drop(hold(usize::MAX, usize::MAX));
        let old = small().run(|| hold(900, 1)).expect("enough");
        let other = || {
            let copy = old.clone();
            drop(old);
            let _more = hold(101, 1);
            drop(copy);
        };
        assert!(small().run(other).is_err());
    }

    #[test]
    fn the_flag_stops_and_a_panic_is_a_defect() {
        let budget = small();
        budget.cancel.clone().cancel();
        let exhausted = Exhausted { resource: Resource::Time, doing: "" };
        assert_eq!(budget.run(|| spend(1)), Err(Halt::Exhausted(exhausted)));
        budget.cancel.reset();
        assert_eq!(budget.run(|| spend(1)), Ok(()));
        let quiet = || resume_unwind(Box::new("not a budget"));
        assert_eq!(budget.run(quiet), Err::<(), _>(Halt::Defect));
    }

    #[test]
    fn one_budget_inside_another_leaves_it_as_it_was() {
        let outer = small().run(|| {
            spend(4_000_000);
            assert!(is_guarded());
            assert_eq!(small().run(|| spend(5_000_000)), Ok(()));
            spend(1_000_000);
            small().run(|| spend(6_000_000)).is_err()
        });
        assert_eq!(outer, Ok(true));
        assert!(!is_guarded());
    }
}
