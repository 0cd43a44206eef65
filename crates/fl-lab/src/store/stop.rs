//! `[stop]`: when a run ends before its last round.
//!
//! A run is judged at its evaluations, by nothing but the lines that it has written, so a run that was interrupted ends
//! where one ends that was not. Like the number of rounds, these settings decide where results end and not what they
//! are: they are not part of a cell's hash, and a run that ended early goes on when they are changed.

use crate::file::{ConfigError, ExperimentText};
use crate::store::record::Ending;
use fl_sim::Metrics;
use serde::{Deserialize, Serialize};

/// When a run ends before its last round; the first that applies ends it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StopConfig {
    /// At an evaluation with this test accuracy or more; with real targets this R².
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// When nothing improves any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
    /// At an evaluation with a test loss above this, or one that is not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_above: Option<f64>,
    /// After so many seconds of one call, at the next round. Time is no result: the cell is not finished, and the next call
    /// goes on with it, for as many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// No improvement for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plateau {
    /// Rounds for which the best test accuracy, with real targets the best R², has to stand.
    pub rounds: u64,
    /// By more than how much it has to be exceeded to count as improved.
    #[serde(default)]
    pub by: f64,
}

/// What ended a run before its last round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The test accuracy asked for was reached.
    Accuracy,
    /// The test accuracy did not improve any more.
    Plateau,
    /// The test loss was too large, or not finite.
    LossAbove,
    /// The seconds were over. The cell is not finished.
    Seconds,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stop::Accuracy => "the accuracy asked for was reached",
            Stop::Plateau => "the accuracy did not improve any more",
            Stop::LossAbove => "the loss was too large",
            Stop::Seconds => "its seconds were over",
        })
    }
}

impl StopConfig {
    /// Settings that cannot be meant, at their place in the file.
    pub(crate) fn check(&self, source: &ExperimentText) -> Result<(), ConfigError> {
        let at = |key: &[&str], message: String| {
            let path: Vec<&str> = ["stop"].iter().chain(key).copied().collect();
            Err(source.error_at(&path, message))
        };
        if let Some(a) = self.accuracy.filter(|a| !(*a > 0.0 && *a <= 1.0)) {
            return at(
                &["accuracy"],
                format!("stop.accuracy must be above 0 and at most 1, got {a}"),
            );
        }
        if let Some(l) = self.loss_above.filter(|l| l.is_nan() || *l <= 0.0) {
            return at(
                &["loss-above"],
                format!("stop.loss-above must be a positive number, got {l}"),
            );
        }
        if let Some(s) = self.seconds.filter(|s| s.is_nan() || *s <= 0.0) {
            return at(&["seconds"], format!("stop.seconds must be a positive number, got {s}"));
        }
        if let Some(Plateau { rounds, by }) = self.plateau {
            if rounds == 0 {
                let message = "stop.plateau.rounds must be at least 1, got 0";
                return at(&["plateau", "rounds"], message.into());
            }
            if by.is_nan() || by < 0.0 {
                let message = format!("stop.plateau.by must be at least 0, got {by}");
                return at(&["plateau", "by"], message);
            }
        }
        Ok(())
    }

    /// What ends a run at the last of these lines, if anything does.
    pub(crate) fn at_end(&self, lines: &[Metrics]) -> Option<Stop> {
        let last = lines.last()?;
        if self.loss_above.is_some_and(|most| !last.test_loss.is_finite() || last.test_loss > most)
        {
            return Some(Stop::LossAbove);
        }
        if self.accuracy.is_some_and(|target| last.score() >= target) {
            return Some(Stop::Accuracy);
        }
        if let Some(Plateau { rounds, by }) = self.plateau {
            let (mut best, mut since) = (f64::NEG_INFINITY, last.round);
            for line in lines {
                if line.score() > best + by {
                    (best, since) = (line.score(), line.round);
                }
            }
            if last.round - since >= rounds {
                return Some(Stop::Plateau);
            }
        }
        None
    }

    /// Whether a cell that ended like this, with these lines, has ended where it would under these settings.
    pub(crate) fn agrees(&self, ending: &Ending, lines: &[Metrics]) -> bool {
        match ending {
            // The last line is about the parameters after the round in which the run was ended.
            Ending::Stopped { by, .. } => {
                let before = &lines[..lines.len().saturating_sub(1)];
                *by != Stop::Seconds && self.at_end(before).is_some()
            }
            Ending::Finished | Ending::Diverged { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(accuracies: &[f64]) -> Vec<Metrics> {
        let line = |(i, &accuracy): (usize, &f64)| Metrics {
            round: 10 * i as u64,
            accuracy,
            test_loss: 1.0 - accuracy,
            ..Metrics::default()
        };
        accuracies.iter().enumerate().map(line).collect()
    }

    #[test]
    fn a_target_is_reached_by_the_last_line_alone() {
        let stop = StopConfig { accuracy: Some(0.5), ..StopConfig::default() };
        assert_eq!(stop.at_end(&lines(&[0.1, 0.6, 0.4])), None);
        assert_eq!(stop.at_end(&lines(&[0.1, 0.4, 0.5])), Some(Stop::Accuracy));
        assert_eq!(stop.at_end(&[]), None);
    }

    #[test]
    fn a_plateau_counts_from_the_last_improvement_by_more_than_was_asked() {
        let plateau = Some(Plateau { rounds: 20, by: 0.05 });
        let stop = StopConfig { plateau, ..StopConfig::default() };
        assert_eq!(stop.at_end(&lines(&[0.1, 0.2, 0.22])), None);
        assert_eq!(stop.at_end(&lines(&[0.1, 0.2, 0.22, 0.24])), Some(Stop::Plateau));
        // Small steps add up, because the best that counts stays where it was.
        assert_eq!(stop.at_end(&lines(&[0.1, 0.2, 0.24, 0.26])), None);
    }

    #[test]
    fn a_loss_that_is_no_number_is_too_large() {
        let stop = StopConfig { loss_above: Some(3.0), ..StopConfig::default() };
        let mut some = lines(&[0.1, 0.2]);
        assert_eq!(stop.at_end(&some), None);
        for loss in [3.5, f64::NAN, f64::INFINITY] {
            some[1].test_loss = loss;
            assert_eq!(stop.at_end(&some), Some(Stop::LossAbove));
        }
    }
}
