//! Claims of a spec that wait for a thread. One thread reads the spec; others take claims, and it takes some, too,
//! where too many wait.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Claims that wait for each thread that takes them.
const WAITING: usize = 32;

/// What waits.
pub(super) struct Team<T> {
    state: Mutex<State<T>>,
    news: Condvar,
    room: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Team<T> {
    /// For so many threads beside the one that reads.
    pub(super) fn new(helpers: usize) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), closed: false });
        Self { state, news: Condvar::new(), room: helpers * WAITING }
    }

    /// Lets something wait, and gives back what is to be done at once instead.
    pub(super) fn add(&self, job: T) -> Option<T> {
        let mut state = self.lock();
        state.waiting.push_back(job);
        if state.waiting.len() > self.room {
            return state.waiting.pop_front();
        }
        drop(state);
        self.news.notify_one();
        None
    }

    /// What has waited longest; nothing where none waits.
    pub(super) fn now(&self) -> Option<T> {
        self.lock().waiting.pop_front()
    }

    /// The same, but waits for it unless there will be none.
    pub(super) fn next(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No more will come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
