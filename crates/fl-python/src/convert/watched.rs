//! Long work that Ctrl-C ends: Python sees signals on its main thread only, so that thread waits and looks.

use pyo3::prelude::*;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often signals are looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Does something on a thread of its own, with the interpreter free, and looks for signals until it is done. At one, `stop`
/// asks for its end; when the work has ended the exception, KeyboardInterrupt, is raised.
///
/// `look` is called each time with the interpreter's lock; what it raises stops the work in the same way.
pub(crate) fn watched<R: Send>(
    py: Python<'_>,
    stop: impl Fn(),
    mut look: impl FnMut(Python<'_>) -> PyResult<()>,
    work: impl FnOnce() -> R + Send,
) -> PyResult<R> {
    std::thread::scope(|scope| {
        let (send, mut receive) = channel();
        let worker = scope.spawn(move || drop(send.send(work())));
        let mut raised = None;
        loop {
            let waiting = &mut receive;
            match py.detach(move || waiting.recv_timeout(LOOK)) {
                Ok(result) => {
                    let last = look(py);
                    return raised.map_or(Ok(()), Err).and(last).map(|()| result);
                }
                Err(RecvTimeoutError::Timeout) if raised.is_none() => {
                    if let Err(error) = py.check_signals().and_then(|()| look(py)) {
                        stop();
                        raised = Some(error);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The worker has panicked, and hands its panic on.
                Err(RecvTimeoutError::Disconnected) => match worker.join() {
                    Err(panic) => std::panic::resume_unwind(panic),
                    Ok(()) => unreachable!("a result was sent"),
                },
            }
        }
    })
}

/// The same for work that nothing can stop: at a signal it is left to itself, and its result to nobody.
pub(crate) fn left<R: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> R + Send + 'static,
) -> PyResult<R> {
    let (send, mut receive) = channel();
    let worker = std::thread::spawn(move || drop(send.send(work())));
    loop {
        let waiting = &mut receive;
        match py.detach(move || waiting.recv_timeout(LOOK)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("a result was sent"),
            },
        }
    }
}
