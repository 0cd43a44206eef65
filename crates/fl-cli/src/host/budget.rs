//! Time that a search may take, and what is kept of it between calls.

use super::failure::Failure;
use super::write;
use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Seconds; infinite for none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Budget(pub(crate) f64);

pub(crate) fn time(text: &str) -> Result<Budget, String> {
    if text == "none" {
        return Ok(Budget(f64::INFINITY));
    }
    let wrong = || format!("expected a time such as 90s, 10m or 2h, or none; got {text:?}");
    let unit = [("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (number, unit) =
        unit.iter().find_map(|(u, s)| Some((text.strip_suffix(u)?, s))).ok_or_else(wrong)?;
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if number > 0.0 && number.is_finite() { Ok(Budget(number * unit)) } else { Err(wrong()) }
}

/// What is kept between calls: times, and what a budget has decided, which a later call has to repeat.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// Seconds of all calls.
    pub(crate) seconds: f64,
    /// Rounds of all cells that were run in them.
    pub(crate) rounds: u64,
    /// The largest budget so far, in seconds.
    pub(crate) budget: f64,
    /// Batches after which the search ended.
    pub(crate) cut: Option<u64>,
    /// Finalists that there was time for.
    pub(crate) finalists: Option<usize>,
}

impl Journal {
    /// What earlier calls left; nothing at first.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| {
                let what = "is damaged; delete it to search with a new budget, the runs stay";
                Failure::Failed(anyhow!("{} {what}: {e}", path.display()))
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Failure::Failed(anyhow!("cannot read {}: {e}", path.display()))),
        }
    }

    /// Keeps it for the next call.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string(self).map_err(anyhow::Error::from)?;
        write(path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_time() {
        for (text, seconds) in [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0)] {
            assert_eq!(time(text), Ok(Budget(seconds)));
        }
        assert_eq!(time("none"), Ok(Budget(f64::INFINITY)));
        for wrong in ["10", "m", "-1s", "0m", "infs", "nans", "1d", ""] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
