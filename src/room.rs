//! Room for what nests deeply: threads with a large stack.

use std::thread::{self, Builder, ScopedJoinHandle};

/// Stack of a thread that checks. It is address space only, until it is used.
pub(crate) const STACK: usize = 256 << 20;

/// Does something on a thread with a large stack; here, if there is no such thread to be had.
pub(crate) fn on_large_stack<T: Send>(work: impl Fn() -> T + Sync) -> T {
    thread::scope(|scope| {
        let thread = Builder::new().stack_size(STACK).spawn_scoped(scope, &work);
        match thread.map(ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => work(),
        }
    })
}
