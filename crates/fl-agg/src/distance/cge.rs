//! Comparative gradient elimination.

use crate::shared::select::{by_key, minority, more_than_f, too_few};
use fl_core::{
    AggregateError, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, choice, spec,
};

spec! {
    /// Comparative gradient elimination: the mean of the `W − f` messages of smallest norm.
    ///
    /// ```text
    /// z = (1/(W − f)) Σ_{w ∈ N} v_w,     N the W − f messages of smallest ‖v_w‖
    /// ```
    ///
    /// Of equal norms those of the lowest worker indices are taken.
    ///
    /// # Requirements
    /// `W > f`.
    ///
    /// # Cost
    /// `O(W log W)` on the norms.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// The output is no longer than the longest regular message, whatever f of the messages are; for `f < W/2` its authors
    /// prove convergence under redundancy, up to an error that grows with `f/W`.
    /// A Byzantine message may have any direction, so there is no κ, not even where all regular messages are equal: moving
    /// all messages by a common vector does not move the output along with it.
    ///
    /// # Elsewhere
    /// Its authors' first version adds the messages up instead of averaging them ([`CgeOutput::Sum`]); norm thresholding
    /// (Ghosh, Maity, Kadhe, Mazumdar, Ramchandran 2021) is the same mean under another name.
    ///
    /// # Reference
    /// Gupta, Liu, Vaidya, *Byzantine fault-tolerant distributed machine learning with norm-based comparative gradient
    /// elimination*, DSN workshops 2021.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Cge, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [-7.0], [3.0]]);
    /// assert_eq!(aggregate(Cge::default(), &messages, 1)?.0, [2.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Cge {
        /// What is made of the messages that are left.
        pub output: CgeOutput = CgeOutput::Mean,
    }
}

choice! {
    /// What CGE makes of the messages that are left.
    pub enum CgeOutput {
        /// Their mean, which is as long as a message.
        Mean,
        /// Their sum, as in the gradient of a sum of costs: a step size has to be `W − f` times smaller.
        Sum,
    }
}

impl RuleSpec for Cge {
    fn name(&self) -> &'static str {
        "cge"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        more_than_f("cge", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            output: self.output,
            norms: Vec::with_capacity(shape.workers),
            order: Vec::with_capacity(shape.workers),
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        let mean = shape.byzantine == 0 && shape.workers > 0 && self.output == CgeOutput::Mean;
        Some(0.0).filter(|_| mean)
    }
}

#[derive(Debug)]
struct Run {
    output: CgeOutput,
    norms: Vec<f64>,
    order: Vec<u32>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let (shape, geometry) = (inputs.shape(), inputs.geometry);
        more_than_f("cge", shape).map_err(too_few(shape))?;
        let kept = shape.workers - shape.byzantine;
        self.norms.clear();
        self.norms.extend((0..shape.workers).map(|w| geometry.squared_norm(w)));
        by_key(&self.norms, &mut self.order);
        let share = match self.output {
            CgeOutput::Mean => 1.0 / kept as f64,
            CgeOutput::Sum => 1.0,
        };
        for &w in &self.order[..kept] {
            weights[w as usize] = share;
        }
        if self.output == CgeOutput::Sum {
            // Σ v_w = Σ v_w + (1 − kept) · 0: an affine combination with the origin.
            weights[geometry.origin()] = 1.0 - kept as f64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    #[test]
    fn the_shortest_messages_are_averaged_or_added_up() {
        let messages = Messages::from_rows(&[[3.0, 4.0], [0.0, 1.0], [-2.0, 0.0], [0.0, 9.0]]);
        let run = |output, f| aggregate(Cge { output }, &messages, f).expect("valid").0;
        assert_eq!(run(CgeOutput::Mean, 2), [-1.0, 0.5]);
        assert_eq!(run(CgeOutput::Sum, 2), [-2.0, 1.0]);
        assert_eq!(run(CgeOutput::Sum, 0), [1.0, 14.0]);
    }

    #[test]
    fn of_equal_norms_the_lowest_workers_stay() {
        let messages = Messages::from_rows(&[[1.0], [-1.0], [1.0], [-1.0]]);
        let (out, _) = aggregate(Cge::default(), &messages, 1).expect("valid");
        assert!((out[0] - 1.0f64 / 3.0).abs() < 1e-15);
        assert_eq!(aggregate(Cge::default(), &messages, 3).expect("valid").0, [1.0]);
    }

    #[test]
    fn a_direction_of_the_shortest_message_is_no_ones_choice_but_its_own() {
        // All regular messages are 10; a Byzantine −9.9 is shorter and counts.
        let messages = Messages::from_rows(&[[10.0], [10.0], [10.0], [-9.9]]);
        let (out, _) = aggregate(Cge::default(), &messages, 1).expect("valid");
        assert!((out[0] - 10.1f64 / 3.0).abs() < 1e-14);
        assert_eq!(Cge::default().kappa(Shape { workers: 4, byzantine: 1 }), None);
    }
}
