//! The weighted mean: federated averaging.

use crate::shared::select::weights;
use fl_core::{
    AggregateError, GeometricRule, Inputs, Needs, Rule, RuleSpec, Shape, SpecError, spec,
};

spec! {
    /// The mean with a fixed weight for each worker, `z = Σ_w a_w v_w / Σ_w a_w`.
    ///
    /// The weights belong to the server: numbers of samples that it knows, never numbers that arrive with a message.
    /// By such numbers a Byzantine worker could make itself as heavy as it likes.
    ///
    /// # Requirements
    /// One positive finite weight for each worker; only their ratios matter.
    /// Nothing that mixes workers may stand before it.
    ///
    /// # Cost
    /// `O(W)`, and the pass over `W × p` numbers that forms the output.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    /// The weights of the others then keep their ratios.
    ///
    /// # Robustness
    /// None: the breakdown point is 0, a single message moves the mean anywhere.
    ///
    /// # Elsewhere
    /// Federated averaging (McMahan et al., Flower, FedML, NVFlare) weighs by the numbers of samples that clients report.
    ///
    /// # Reference
    /// McMahan, Moore, Ramage, Hampson, Agüera y Arcas, *Communication-efficient learning of deep networks from
    /// decentralized data*, AISTATS 2017.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, WeightedMean, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[0.0, 0.0], [4.0, 8.0]]);
    /// let rule = WeightedMean { weights: vec![100.0, 300.0] };
    /// let (mean, _) = aggregate(rule, &messages, 0)?;
    /// assert_eq!(mean, [3.0, 6.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct WeightedMean {
        /// a_w: one positive number for each worker.
        pub weights: Vec<f64> = Vec::new(),
    }
}

impl RuleSpec for WeightedMean {
    fn name(&self) -> &'static str {
        "weighted-mean"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers == 0 {
            return Err(
                SpecError::new("the number of messages", "at least 1", 0).of("weighted-mean")
            );
        }
        weights::check("weighted-mean", &self.weights, shape.workers)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        weights::check_all("weighted-mean", &self.weights, shape.workers)?;
        Ok(Rule::geometric(Run { weights: self.weights.clone() }))
    }

    fn names_workers(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Run {
    weights: Vec<f64>,
}

impl GeometricRule for Run {
    fn needs(&self) -> Needs {
        Needs { distances: false, ..Needs::default() }
    }

    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let workers = inputs.geometry.workers();
        weights::of_senders(&self.weights, inputs.senders, 1.0, &mut weights[..workers]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn error(weights: &[f64]) -> String {
        let messages = Messages::from_rows(&[[1.0], [2.0], [6.0]]);
        aggregate(WeightedMean { weights: weights.to_vec() }, &messages, 0).unwrap_err().to_string()
    }

    #[test]
    fn weights_of_the_wrong_number_or_sign_are_refused_with_their_numbers() {
        assert_eq!(
            error(&[1.0, 2.0]),
            "weighted-mean: weights must be one positive number for each of 3 workers, got 2 numbers"
        );
        assert_eq!(
            error(&[1.0; 4]),
            "weighted-mean: weights must be one positive number for each of 3 workers, got 4 numbers"
        );
        assert_eq!(
            error(&[1.0, -2.0, 1.0]),
            "weighted-mean: weights must be positive and finite for every worker, got -2 for worker 1"
        );
        assert!(error(&[1.0, 1.0, 0.0]).ends_with("got 0 for worker 2"));
        assert!(error(&[f64::NAN, 1.0, 1.0]).ends_with("got NaN for worker 0"));
        assert!(error(&[1e300, 1e-300, 1.0]).ends_with("got 1e-300 for worker 1"));
    }

    #[test]
    fn a_dropped_worker_takes_its_own_weight_along() {
        let messages = Messages::from_rows(&[[1.0], [f64::NAN], [6.0]]);
        let rule = WeightedMean { weights: vec![3.0, 1000.0, 2.0] };
        let (mean, report) = aggregate(rule, &messages, 1).expect("enough");
        assert_eq!((mean[0], report.dropped), (3.0, 1));
    }
}
