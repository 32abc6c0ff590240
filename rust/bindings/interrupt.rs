//! Work off the main thread, so that Ctrl-C is heard.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use super::errors::PerpcoreError;

const POLL: Duration = Duration::from_millis(50);

/// Runs `work` on a thread of its own without the GIL; a signal sets its flag and is raised once it has stopped. A panic,
/// which is a defect of ours, becomes a `PerpcoreError`.
pub fn interruptible<R: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> R + Send) -> PyResult<R> {
    let flag = AtomicBool::new(false);
    let (done, finished) = channel();
    thread::scope(|scope| {
        let flag = &flag;
        let worker = scope.spawn(move || {
            let result = work(flag);
            // The receiver outlives the scope; nobody else closes it.
            let _ = done.send(());
            result
        });
        let mut raised = Ok(());
        let mut finished = finished;
        loop {
            // Moved in and out: a receiver can't be shared, only sent.
            let (wait, back) = py.detach(move || (finished.recv_timeout(POLL), finished));
            finished = back;
            if wait != Err(RecvTimeoutError::Timeout) {
                break; // done, or the worker panicked and hung up
            }
            if raised.is_ok() {
                raised = py.check_signals();
                flag.store(raised.is_err(), Ordering::Relaxed);
            }
        }
        let result = py.detach(|| worker.join());
        raised?;
        result.map_err(|panic| {
            let text =
                panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            PerpcoreError::new_err(format!(
                "a defect in perpcore, please report it: {}",
                text.unwrap_or("panic")
            ))
        })
    })
}
