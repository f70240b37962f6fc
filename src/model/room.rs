//! Room for what nests deeply: a thread with a large stack.

use std::thread::{Builder, ScopedJoinHandle, scope};

/// Its size. It is address space only, until it is used.
const STACK: usize = 256 << 20;

/// Runs a function with a large stack, or where there is no thread to spare, as it is.
pub(super) fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let mut work = Some(work);
    let mut run = || work.take().map(|work| work());
    let done = scope(|scope| {
        let thread = Builder::new().stack_size(STACK).spawn_scoped(scope, &mut run);
        match thread.map(ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => None,
        }
    });
    match done.or_else(run) {
        Some(done) => done,
        None => unreachable!("the work is done once"),
    }
}
