//! MoNNA: the mean of a trusted worker's nearest neighbours.

use crate::shared::select::{average, by_key, more_than_f, place, too_few};
use fl_core::{AggregateError, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, spec};

spec! {
    /// Nearest neighbour averaging around a trusted worker t: the mean of the `W − f` messages nearest to its own, which is
    /// one of them.
    ///
    /// ```text
    /// z = (1/(W − f)) Σ_{w ∈ N} v_w,     N the W − f messages of smallest ‖v_w − v_t‖
    /// ```
    ///
    /// Of equal distances those of the lowest worker indices are taken.
    /// In decentralised learning every worker trusts itself; a server may hold some data of its own.
    ///
    /// # Requirements
    /// `W > f`, and `t < W`. Nothing that mixes workers may stand before it.
    /// A round that has lost the trusted message is an error.
    ///
    /// # Cost
    /// `O(W log W)` on the distances.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// All of it is trust. With a regular t, for any `f < W`, the output is at most `(2/(W − f)) Σ ‖v_w − v_t‖` from
    /// the regular messages' mean. The sum is over the f farthest regular ones: whatever comes in is no farther from
    /// `v_t` than what it displaces. With a Byzantine t the output is what it wants.
    /// So no number of arbitrary messages is withstood, and there is no κ.
    ///
    /// # Elsewhere
    /// byzfl calls t `idx`, with the same default of 0.
    ///
    /// # Reference
    /// Farhadkhani, Guerraoui, Gupta, Hoang, Pinot, Stephan, *Robust collaborative learning with linear gradient overhead*,
    /// ICML 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, Monna, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [7.0], [2.0], [0.0]]);
    /// let (mean, _) = aggregate(Monna::default(), &messages, 1)?;
    /// assert_eq!(mean, [1.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Monna {
        /// t: the worker that is trusted.
        pub trusted: usize = 0,
    }
}

impl RuleSpec for Monna {
    fn name(&self) -> &'static str {
        "monna"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        more_than_f("monna", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        if self.trusted >= shape.workers {
            let allowed = format!("a worker below {}", shape.workers);
            return Err(SpecError::new("trusted", allowed, self.trusted).of("monna"));
        }
        let order = Vec::with_capacity(shape.workers);
        Ok(Rule::geometric(Run { trusted: self.trusted, order }))
    }

    fn names_workers(&self) -> bool {
        true
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        Some(0.0).filter(|_| shape.byzantine == 0 && shape.workers > 0)
    }
}

#[derive(Debug)]
struct Run {
    trusted: usize,
    order: Vec<u32>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        more_than_f("monna", shape).map_err(too_few(shape))?;
        let trusted = place("monna", self.trusted, inputs.senders, shape.workers)?;
        by_key(inputs.geometry.row(trusted), &mut self.order);
        average(&self.order[..shape.workers - shape.byzantine], weights);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn run(trusted: usize, rows: &[[f64; 1]], byzantine: usize) -> Result<f64, String> {
        let out = aggregate(Monna { trusted }, &Messages::from_rows(rows), byzantine);
        out.map(|(z, _)| z[0]).map_err(|e| e.to_string())
    }

    #[test]
    fn the_nearest_to_the_trusted_worker_are_averaged() {
        let rows = [[0.0], [10.0], [11.0], [12.0], [1.0]];
        assert_eq!(run(0, &rows, 3), Ok(0.5));
        assert_eq!(run(2, &rows, 2), Ok(11.0));
        // 10 and 12 are equally far from 11.
        assert_eq!(run(2, &rows, 3), Ok(10.5));
    }

    #[test]
    fn the_trusted_worker_keeps_its_number_when_others_are_dropped() {
        assert_eq!(run(2, &[[f64::NAN], [5.0], [1.0], [2.0]], 2), Ok(1.5));
    }

    #[test]
    fn without_the_trusted_message_a_round_is_an_error() {
        assert_eq!(
            run(1, &[[0.0], [f64::INFINITY], [1.0]], 1),
            Err("monna relies on worker 1, whose message was left out because it is not finite"
                .into())
        );
    }

    #[test]
    fn a_trusted_worker_that_does_not_exist_is_refused() {
        assert_eq!(
            run(3, &[[0.0]; 3], 1),
            Err("monna: trusted must be a worker below 3, got 3".into())
        );
        assert_eq!(
            run(0, &[[0.0]; 3], 3),
            Err("monna: the number of messages must be at least 4 (f + 1, for f = 3 Byzantine), got 3".into())
        );
    }
}
