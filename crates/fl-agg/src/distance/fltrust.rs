//! FLTrust: messages count by their angle to a trusted one, and are made as long as it.

use crate::shared::cosine::cosine_distance;
use crate::shared::select::place;
use fl_core::{AggregateError, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, spec};

spec! {
    /// FLTrust: the mean of the messages, made as long as that of a trusted worker t and weighted by the cosine of their
    /// angle to it.
    ///
    /// ```text
    /// z = Σ_{w ≠ t} s_w (‖v_t‖/‖v_w‖) v_w / Σ_{w ≠ t} s_w,     s_w = max(0, cos(v_w, v_t))
    /// ```
    ///
    /// Where all scores are 0 there is nothing to trust, and the output is 0. A score is 0 too where a message is 0.
    /// f is not used.
    ///
    /// # Requirements
    /// Two messages at least, and `t < W`. Nothing that mixes workers may stand before it.
    /// A round that has lost the trusted message is an error.
    /// The server must have what other rules do without: a root data set that is like everybody's, or a worker that is
    /// known to be regular and holds such data. Here that worker's message stands for the server's own.
    ///
    /// # Cost
    /// `O(W)` on the distances.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// All of it is trust. With a regular t the output is in the half-space of `v_t` and no longer than `v_t`, whatever the
    /// others send. With a Byzantine t it is what that wants.
    /// So no number of arbitrary messages is withstood, and there is no κ. Where data differ from worker to worker, those
    /// unlike t's count less or not at all.
    ///
    /// # Elsewhere
    /// Its authors train the trusted model on a root data set at the server, of 100 samples by default.
    ///
    /// # Reference
    /// Cao, Fang, Liu, Gong, *FLTrust: Byzantine-robust federated learning via trust bootstrapping*, NDSS 2021.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Fltrust, Messages, aggregate};
    ///
    /// // At right angles to the trusted message, along it, and against it.
    /// let messages = Messages::from_rows(&[[2.0f64, 0.0], [0.0, 9.0], [5.0, 0.0], [-1.0, 0.0]]);
    /// let (z, _) = aggregate(Fltrust::default(), &messages, 1)?;
    /// assert!((z[0] - 2.0).abs() < 1e-12 && z[1].abs() < 1e-12);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Fltrust {
        /// t: the worker that is trusted.
        pub trusted: usize = 0,
    }
}

impl RuleSpec for Fltrust {
    fn name(&self) -> &'static str {
        "fltrust"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers < 2 {
            let allowed = "at least 2: a trusted one, and one to be trusted by it";
            return Err(
                SpecError::new("the number of messages", allowed, shape.workers).of("fltrust")
            );
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        if self.trusted >= shape.workers {
            let allowed = format!("a worker below {}", shape.workers);
            return Err(SpecError::new("trusted", allowed, self.trusted).of("fltrust"));
        }
        Ok(Rule::geometric(Run { trusted: self.trusted }))
    }

    fn names_workers(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Run {
    trusted: usize,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let geometry = inputs.geometry;
        let workers = geometry.workers();
        let trusted = place("fltrust", self.trusted, inputs.senders, workers)?;
        let score = |w: usize| (1.0 - cosine_distance(geometry, w, trusted)).max(0.0);
        let others = || (0..workers).filter(|&w| w != trusted);
        let total: f64 = others().map(score).sum();
        if total == 0.0 {
            weights[geometry.origin()] = 1.0;
            return Ok(());
        }
        // What lengths take from or give to the weights, in parts that are 0 where messages are as long as they should be.
        let mut rest = 0.0;
        for w in others() {
            let share = score(w) / total;
            if share > 0.0 {
                let factor = geometry.norm_ratio(trusted, w);
                weights[w] = share * factor;
                rest += share * (1.0 - factor);
            }
        }
        weights[geometry.origin()] = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn run(trusted: usize, rows: &[[f64; 2]]) -> Result<Vec<f64>, String> {
        let out = aggregate(Fltrust { trusted }, &Messages::from_rows(rows), 1);
        out.map(|(z, _)| z).map_err(|e| e.to_string())
    }

    #[test]
    fn scores_are_cosines_and_lengths_that_of_the_trusted_message() {
        // Cosines 0.6 and 0.8 to (5, 0); of length 5 the messages are (3, 4) and (4, −3).
        let z = run(0, &[[5.0, 0.0], [6.0, 8.0], [0.4, -0.3]]).unwrap();
        let expected = [(0.6 * 3.0 + 0.8 * 4.0) / 1.4, (0.6 * 4.0 - 0.8 * 3.0) / 1.4];
        assert!((z[0] - expected[0]).abs() < 1e-12 && (z[1] - expected[1]).abs() < 1e-12);
    }

    #[test]
    fn where_nobody_is_trusted_nothing_is_done() {
        assert_eq!(run(1, &[[-1.0, 0.0], [1.0, 0.0], [-3.0, 2.0]]), Ok(vec![0.0, 0.0]));
        assert_eq!(run(0, &[[0.0, 0.0], [1.0, 0.0]]), Ok(vec![0.0, 0.0]));
    }

    #[test]
    fn a_trusted_worker_that_is_not_there_is_told() {
        let missing =
            "fltrust relies on worker 0, whose message was left out because it is not finite";
        assert_eq!(run(0, &[[f64::NAN, 0.0], [1.0, 0.0], [1.0, 1.0]]), Err(missing.into()));
        let unknown = "fltrust: trusted must be a worker below 2, got 2";
        assert_eq!(run(2, &[[1.0, 0.0], [1.0, 0.0]]), Err(unknown.into()));
    }
}
