//! SIGINT and SIGTERM: the first one lets every run save its state and end, the second one ends the program at once.

use super::failure::Failure;
use fl_lab::{Host, LabError};
use signal_hook::consts::{SIGABRT, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Memory that cannot be had ends a program by an abort, after the runtime has said how many bytes it was. With this the
/// abort is a failure like others: exit code 1 instead of SIGABRT and a dump of memory.
pub(crate) fn tell_of_aborts() {
    // Where it cannot be caught it stays an abort.
    let _ = flag::register_conditional_shutdown(SIGABRT, 1, Arc::new(AtomicBool::new(true)));
}

/// How long a round on its way is waited for after the first signal, so that its run can save it.
const GRACE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// The signals that ask a program to end.
#[derive(Debug)]
pub(crate) struct Signals {
    stop: Arc<AtomicBool>,
    abandon: Arc<AtomicBool>,
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// From now on signals set [`Signals::stop`] instead of ending the program.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let (stop, which) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let register = || -> std::io::Result<()> {
            for signal in [SIGINT, SIGTERM] {
                // In the order in which they are called: the first looks at what the second, on the signal before, has set.
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))?;
                flag::register_usize(signal, Arc::clone(&which), signal as usize)?;
                flag::register(signal, Arc::clone(&stop))?;
            }
            Ok(())
        };
        register().map_err(|e| Failure::Failed(anyhow::anyhow!("cannot catch signals: {e}")))?;
        let abandon = Arc::new(AtomicBool::new(false));
        let (asked, left) = (Arc::clone(&stop), Arc::clone(&abandon));
        // It ends with the program.
        std::thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
            }
            std::thread::sleep(GRACE);
            left.store(true, Ordering::Relaxed);
        });
        Ok(Self { stop, abandon, which })
    }

    /// What runs ask of this program: its clock, its memory, and whether to stop.
    pub(crate) fn host(&self) -> Host<'_> {
        Host {
            clock: super::clock,
            peak_memory: super::peak_memory,
            stop: &self.stop,
            abandon: Some(&self.abandon),
        }
    }

    /// Whether a signal has asked for an end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// That a signal ended the program, and what is left.
    pub(crate) fn stopped(&self, message: &str) -> Failure {
        let signal = self.which.load(Ordering::Relaxed);
        let name = if signal == SIGINT as usize { "SIGINT" } else { "SIGTERM" };
        Failure::Stopped(128 + signal as u8, anyhow::anyhow!("stopped by {name}: {message}"))
    }

    /// What an error means, given what signals there were.
    pub(crate) fn explain(&self, error: LabError) -> Failure {
        match (error, self.which.load(Ordering::Relaxed)) {
            (LabError::Stopped { .. }, 1..) => {
                let message = match self.abandon.load(Ordering::Relaxed) {
                    true => {
                        "rounds that took longer than two seconds were left; the same command goes on from the last \
                         checkpoints"
                    }
                    false => {
                        "runs on their way have saved their state; the same command goes on with them"
                    }
                };
                self.stopped(message)
            }
            (error, _) => error.into(),
        }
    }
}
