//! `[stop]`: whether a run ends before its last round.
//!
//! A run is judged at its evaluations, by nothing but the lines that it has written, so a run that was interrupted ends
//! where one ends that was not. Like the number of rounds, these settings decide where results end and not what they
//! are: they are not part of a cell's hash, and a run that ended early goes on when they are changed.

use super::done::{Ending, Stop};
use crate::file::{Plateau, StopConfig};
use fl_sim::Metrics;

impl StopConfig {
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
