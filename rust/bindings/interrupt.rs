//! How Ctrl-C is heard: work off the main thread, or an ear for work on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

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

/// Hears signals from within work that runs on the caller's thread without the GIL.
pub struct Ear {
    listened: Mutex<Instant>,
    raised: Mutex<Option<PyErr>>,
}

impl Default for Ear {
    fn default() -> Ear {
        Ear { listened: Mutex::new(Instant::now()), raised: Mutex::new(None) }
    }
}

impl Ear {
    /// Whether a signal was raised; looks for one if nobody has for this long.
    pub fn hears_after(&self, patience: Duration) -> bool {
        if lock(&self.listened).elapsed() < patience {
            return false;
        }
        let heard = Python::attach(|py| py.check_signals()).err();
        self.listened();
        let is_heard = heard.is_some();
        *lock(&self.raised) = heard;
        is_heard
    }

    /// Just now.
    pub fn listened(&self) {
        *lock(&self.listened) = Instant::now();
    }

    /// What was raised, once.
    pub fn raised(&self) -> Option<PyErr> {
        lock(&self.raised).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
