//! The time that passes.

/// Adds up the time that passes. A clock that is set back, or says nonsense, adds nothing.
#[derive(Debug)]
pub(super) struct Stopwatch {
    clock: fn() -> f64,
    last: f64,
    here: f64,
    before: f64,
}

impl Stopwatch {
    pub(super) fn start(clock: fn() -> f64) -> Self {
        Self { clock, last: clock(), here: 0.0, before: 0.0 }
    }

    /// Counts seconds of an earlier part of the run.
    pub(super) fn add(&mut self, seconds: f64) {
        self.before += seconds;
    }

    /// Seconds since the start.
    pub(super) fn here(&mut self) -> f64 {
        let now = (self.clock)();
        self.here += (now - self.last).max(0.0);
        self.last = now;
        self.here
    }

    /// Seconds since the run began, in all its parts.
    pub(super) fn seconds(&mut self) -> f64 {
        self.before + self.here()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_clock_that_is_set_back_takes_no_time_away() {
        static AT: AtomicUsize = AtomicUsize::new(0);
        const TIMES: [f64; 6] = [100.0, 101.0, 41.0, 43.0, f64::NAN, 44.0];
        let mut watch = Stopwatch::start(|| TIMES[AT.fetch_add(1, Ordering::Relaxed)]);
        let seconds: Vec<f64> = (0..5).map(|_| watch.seconds()).collect();
        assert_eq!(seconds, [1.0, 1.0, 3.0, 3.0, 3.0]);
    }
}
