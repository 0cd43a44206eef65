//! How far reading and writing large files is.

use super::words::duration;
use crate::host::say;
use fl_updates::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(100);
/// Silence before the first line and between others, where there is no terminal.
const FIRST: f64 = 2.0;
const AGAIN: f64 = 15.0;

/// Bytes for people.
pub(crate) fn bytes(bytes: u64) -> String {
    fl_core::in_units(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Tells whoever watches that the work has ended, if by a panic: a scope waits for its threads in any case.
struct End<'a> {
    done: &'a AtomicBool,
    watcher: Thread,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.watcher.unpark();
    }
}

/// Does the work, shows how far it is, and asks it to end once `is_stopped`.
pub(crate) fn watched<R>(
    progress: &Progress,
    is_stopped: impl Fn() -> bool + Send,
    work: impl FnOnce() -> R,
) -> R {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(progress, is_stopped, &done));
        let _end = End { done: &done, watcher: watcher.thread().clone() };
        work()
    })
}

fn watch(progress: &Progress, is_stopped: impl Fn() -> bool, done: &AtomicBool) {
    let terminal = std::io::stderr().is_terminal();
    let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template);
    let bar = if terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (begun, mut next) = (Instant::now(), FIRST);
    while !done.load(Ordering::Relaxed) {
        if is_stopped() {
            progress.stop();
        }
        let (read, all) = (progress.read(), progress.expected().max(progress.read()));
        bar.set_length(all);
        bar.set_position(read);
        let seconds = begun.elapsed().as_secs_f64();
        if !terminal && seconds >= next && read > 0 {
            next = seconds + AGAIN;
            say::remark(format_args!(
                "read {} of {}, some {} left",
                bytes(read),
                bytes(all),
                duration(seconds * (all - read) as f64 / read as f64)
            ));
        }
        std::thread::park_timeout(LOOK);
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn work_that_panics_is_watched_no_longer() {
        let progress = Progress::default();
        let work = || watched(&progress, || false, || panic!("a panic of the work"));
        let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("a panic");
        assert_eq!(panic.downcast_ref(), Some(&"a panic of the work"));
        assert_eq!(watched(&progress, || false, || 7), 7);
    }
}
