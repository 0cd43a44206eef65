//! FABA: the farthest from the mean goes, f times.

use crate::shared::farthest::{self, SAME};
use crate::shared::select::{average, minority, more_than_f, too_few};
use fl_core::{
    AggregateError, Cost, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, spec,
};

spec! {
    /// FABA takes out the message farthest from the mean of those that are left, f times, and returns the mean of the rest.
    ///
    /// ```text
    /// S = {1, …, W};  f times:  S ← S \ { argmax_{w ∈ S} ‖v_w − v̄_S‖ }
    /// z = v̄_S
    /// ```
    ///
    /// Of equally far messages (to 13 digits) the one of the highest worker index goes.
    ///
    /// # Requirements
    /// `W > f`.
    ///
    /// # Cost
    /// `O(f W²)` on the distances: the farthest from the mean has the largest sum of squared distances to the others.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2. Let a regular message be the farthest, and measure distances from the regular messages'
    /// mean. Then no message that is left is farther than `2W/(W − 2f) + 1` times the farthest regular one. From that
    /// follows `κ = 16 f² (W − f)/(W − 2f)²`.
    ///
    /// # Elsewhere
    /// IOS keeps a worker's own message and weighs the others: [`crate::Ios`].
    ///
    /// # Reference
    /// Xia, Tao, Hao, Li, *FABA: an algorithm for fast aggregation against Byzantine attacks in distributed neural networks*,
    /// IJCAI 2019.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Faba, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [50.0], [3.0], [-70.0]]);
    /// assert_eq!(aggregate(Faba, &messages, 2)?.0, [2.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Faba;
}

impl RuleSpec for Faba {
    fn name(&self) -> &'static str {
        "faba"
    }

    fn cost(&self, shape: Shape) -> Cost {
        let (w, f) = (shape.workers as f64, shape.byzantine as f64);
        Cost::quadratic(shape, 0).with_operations((f + 1.0) * w * w)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        more_than_f("faba", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run { left: Vec::with_capacity(shape.workers) }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        farthest::kappa(shape)
    }
}

#[derive(Debug)]
struct Run {
    left: Vec<u32>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let (shape, geometry) = (inputs.shape(), inputs.geometry);
        more_than_f("faba", shape).map_err(too_few(shape))?;
        self.left.clear();
        self.left.extend(0..shape.workers as u32);
        for _ in 0..shape.byzantine {
            let mut farthest = (0, f64::NEG_INFINITY);
            for (at, &w) in self.left.iter().enumerate() {
                let row = geometry.row(w as usize);
                // |S| ‖v_w − v̄_S‖² is this sum less what is the same for all w.
                let sum: f64 = self.left.iter().map(|&i| row[i as usize]).sum();
                if sum >= farthest.1 * (1.0 - SAME) {
                    farthest = (at, sum.max(farthest.1));
                }
            }
            self.left.remove(farthest.0);
        }
        average(&self.left, weights);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn run(rows: &[[f64; 1]], f: usize) -> f64 {
        aggregate(Faba, &Messages::from_rows(rows), f).expect("a valid shape").0[0]
    }

    #[test]
    fn the_mean_moves_as_messages_go() {
        // The mean is 5; 20 goes first. Then it is 0, and −6 goes; of 1, 2 and 3 nothing more.
        assert_eq!(run(&[[1.0], [-6.0], [2.0], [20.0], [3.0]], 1), 0.0);
        assert_eq!(run(&[[1.0], [-6.0], [2.0], [20.0], [3.0]], 2), 2.0);
    }

    #[test]
    fn of_two_equally_far_the_lower_worker_stays() {
        assert_eq!(run(&[[-1.0], [0.0], [1.0]], 1), -0.5);
        assert_eq!(run(&[[1.0], [0.0], [-1.0]], 1), 0.5);
    }

    #[test]
    fn no_message_left_is_refused() {
        let error = aggregate(Faba, &Messages::from_rows(&[[1.0]; 3]), 3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "faba: the number of messages must be at least 4 (f + 1, for f = 3 Byzantine), got 3"
        );
    }
}
