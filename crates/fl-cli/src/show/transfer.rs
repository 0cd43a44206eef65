//! How far reading and writing large files is.

use super::words::duration;
use crate::host::say;
use crate::host::signals::Signals;
use fl_updates::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(100);
/// Silence before the first line and between others, where there is no terminal.
const FIRST: f64 = 2.0;
const AGAIN: f64 = 15.0;

/// Bytes for people.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.2} GB", b / 1e9),
    }
}

/// Does the work, shows how far it is, and asks it to end after a signal.
pub(crate) fn watched<R>(progress: &Progress, signals: &Signals, work: impl FnOnce() -> R) -> R {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| watch(progress, signals, &done));
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

fn watch(progress: &Progress, signals: &Signals, done: &AtomicBool) {
    let terminal = std::io::stderr().is_terminal();
    let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template);
    let bar = if terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (begun, mut next) = (Instant::now(), FIRST);
    while !done.load(Ordering::Relaxed) {
        if signals.is_stopped() {
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
        std::thread::sleep(LOOK);
    }
    bar.finish_and_clear();
}
