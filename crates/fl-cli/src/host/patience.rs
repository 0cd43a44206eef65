//! Word that something is still going on, where it takes longer than people wait.

use super::say;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Silence up to here is no cause for worry.
const FIRST: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_secs(15);

/// As long as this lives, standard error is told after two seconds, and now and then, what is being done.
#[derive(Debug)]
pub(crate) struct Patience {
    /// Its end is what the watching thread waits for.
    _done: Sender<()>,
}

impl Patience {
    /// `what` is being done.
    pub(crate) fn with(what: impl Into<String>) -> Self {
        let (done, end) = channel();
        let what = what.into();
        std::thread::spawn(move || {
            let (mut waited, mut next) = (Duration::ZERO, FIRST);
            while end.recv_timeout(next) == Err(RecvTimeoutError::Timeout) {
                waited += next;
                say::remark(format_args!("{what}: still at it after {} s", waited.as_secs()));
                next = AGAIN;
            }
        });
        Self { _done: done }
    }
}
