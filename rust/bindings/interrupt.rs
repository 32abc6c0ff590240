//! Work off the main thread, so that Ctrl-C is heard.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use super::errors;

const POLL: Duration = Duration::from_millis(50);

/// Runs `work` on a thread of its own without the GIL; a signal sets its flag and is raised once it has stopped. A panic,
/// which is a defect of ours, becomes a `PerpcoreError`.
pub fn interruptible<R: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> R + Send) -> PyResult<R> {
    let flag = AtomicBool::new(false);
    let (result, raised) = watched(py, &flag, || work(&flag), |_| Ok(()))?;
    raised.map_or(Ok(result), Err)
}

/// The same, with `poll` called on this thread every 50 ms and once at the end; what it raises sets the flag like a signal.
/// What was raised comes beside the result.
pub fn watched<R: Send>(
    py: Python<'_>,
    flag: &AtomicBool,
    work: impl FnOnce() -> R + Send,
    mut poll: impl FnMut(Python<'_>) -> PyResult<()>,
) -> PyResult<(R, Option<PyErr>)> {
    let (done, finished) = channel();
    thread::scope(|scope| {
        let worker = scope.spawn(move || {
            let result = work();
            // The receiver outlives the scope; nobody else closes it.
            let _ = done.send(());
            result
        });
        let mut raised = None;
        let mut finished = finished;
        loop {
            // Moved in and out: a receiver can't be shared, only sent.
            let (wait, back) = py.detach(move || (finished.recv_timeout(POLL), finished));
            finished = back;
            if raised.is_none() {
                raised = py.check_signals().and_then(|()| poll(py)).err();
                flag.store(raised.is_some(), Ordering::Relaxed);
            }
            if wait != Err(RecvTimeoutError::Timeout) {
                break; // done, or the worker panicked and hung up
            }
        }
        let result = py.detach(|| worker.join());
        let result = result.map_err(|panic| {
            let text =
                panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            errors::defect(text.unwrap_or("panic"))
        })?;
        Ok((result, raised))
    })
}
