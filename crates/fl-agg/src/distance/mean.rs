//! The mean: what federated learning does when it trusts everybody.

use fl_core::{
    AggregateError, GeometricRule, Inputs, Needs, Rule, RuleSpec, Shape, SpecError, spec,
};

spec! {
    /// The mean of all messages, `z = (1/W) Σ_w v_w`.
    ///
    /// The paper's *distributed SGD*, and the yardstick of every other rule.
    ///
    /// # Requirements
    /// At least one message. Any number of Byzantine ones is accepted, and none is withstood.
    ///
    /// # Cost
    /// `O(W)`, and the pass over `W × p` numbers that forms the output.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// None: the breakdown point is 0, a single message moves the mean anywhere.
    /// Bounded attacks may still hurt it little: under sample duplicating the mean only weighs one worker more.
    ///
    /// # Elsewhere
    /// All agree.
    ///
    /// # Reference
    /// Peng, Wu, Ling, Chen, *Byzantine-robust variance-reduced federated learning over distributed non-i.i.d. data*, Section V-A.
    /// The mean wins on the paper's Figure 7. When it beats robust rules, under poisoned labels on heterogeneous data: Peng, Li,
    /// Vlaski, Ling, Journal of Machine Learning Research 26(27), 2025.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Mean, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0, 2.0], [3.0, 6.0]]);
    /// let (mean, _) = aggregate(Mean, &messages, 0)?;
    /// assert_eq!(mean, [2.0, 4.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Mean;
}

impl RuleSpec for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers == 0 {
            return Err(SpecError::new("the number of messages", "at least 1", 0).of("mean"));
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run))
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        Some(0.0).filter(|_| shape.byzantine == 0 && shape.workers > 0)
    }
}

#[derive(Debug)]
struct Run;

impl GeometricRule for Run {
    fn needs(&self) -> Needs {
        Needs { distances: false, ..Needs::default() }
    }

    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let workers = inputs.geometry.workers();
        weights[..workers].fill(1.0 / workers as f64);
        Ok(())
    }
}
