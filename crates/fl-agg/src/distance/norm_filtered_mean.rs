//! The mean of messages of ordinary length.

use crate::shared::select::{average, by_key, minority};
use fl_core::{
    AggregateError, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, choice, spec,
};

spec! {
    /// The mean of the messages whose norms are ordinary: neither far above nor far below the median norm.
    ///
    /// ```text
    /// z = (1/|N|) Σ_{w ∈ N} v_w,     N = { w : low · M ≤ ‖v_w‖ ≤ high · M }
    /// ```
    ///
    /// with M the median of the norms, the lower one for an even W, so that it is a message's norm; or with `M = 1`, for
    /// bounds that are norms themselves. Where N is empty, which only that allows, the output is 0.
    /// f is not used.
    ///
    /// # Requirements
    /// At least one message, and `0 ≤ low ≤ 1 ≤ high`; with `M = 1`, `0 ≤ low ≤ high` and `high > 0`.
    ///
    /// # Cost
    /// `O(W log W)` on the norms.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// With fewer than `W/2` Byzantine messages the median norm is between two regular ones, and the output at most `high`
    /// times the longest regular message; that is no protection against a wrong direction, and there is no κ.
    /// With `M = 1` the output is never longer than `high`.
    ///
    /// # Elsewhere
    /// SignGuard filters by the median of the norms, with 0.1 and 3 (and then by the signs of the numbers, which is
    /// another rule); others drop what is longer than a number, `high` with [`NormUnit::One`].
    ///
    /// # Reference
    /// Xu, Huang, Song, Lan, *Byzantine-robust federated learning through collaborative malicious gradient filtering*, ICDCS
    /// 2022.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, NormFilteredMean, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [-70.0], [3.0], [0.001], [2.0]]);
    /// assert_eq!(aggregate(NormFilteredMean::default(), &messages, 2)?.0, [2.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct NormFilteredMean {
        /// The smallest norm that counts, in units of M.
        pub low: f64 = 0.1,
        /// The largest norm that counts, in units of M.
        pub high: f64 = 3.0,
        /// What M is.
        pub unit: NormUnit = NormUnit::Median,
    }
}

choice! {
    /// What norms are compared with.
    pub enum NormUnit {
        /// The median norm of the round.
        Median,
        /// 1: the bounds are norms.
        One,
    }
}

impl RuleSpec for NormFilteredMean {
    fn name(&self) -> &'static str {
        "norm-filtered-mean"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers == 0 {
            return Err(SpecError::new("the number of messages", "at least 1", 0).of(self.name()));
        }
        let refuse = |name: &str, allowed: &str, got: f64| {
            Err(SpecError::new(name, allowed, got).of(self.name()))
        };
        match self.unit {
            NormUnit::Median if !(0.0..=1.0).contains(&self.low) => {
                refuse("low", "between 0 and 1 times the median", self.low)
            }
            NormUnit::Median if self.high.is_nan() || self.high < 1.0 => {
                refuse("high", "at least 1 times the median", self.high)
            }
            NormUnit::One if self.high.is_nan() || self.high <= 0.0 => {
                refuse("high", "above 0", self.high)
            }
            NormUnit::One if !(0.0..=self.high).contains(&self.low) => {
                refuse("low", "between 0 and high", self.low)
            }
            _ => Ok(()),
        }
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            norms: Vec::with_capacity(shape.workers),
            order: Vec::with_capacity(shape.workers),
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }
}

#[derive(Debug)]
struct Run {
    spec: NormFilteredMean,
    norms: Vec<f64>,
    order: Vec<u32>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let geometry = inputs.geometry;
        let workers = geometry.workers();
        self.norms.clear();
        self.norms.extend((0..workers).map(|w| geometry.distance(w, geometry.origin())));
        let unit = match self.spec.unit {
            NormUnit::Median => {
                by_key(&self.norms, &mut self.order);
                self.norms[self.order[(workers - 1) / 2] as usize]
            }
            NormUnit::One => 1.0 / geometry.unit(),
        };
        let ordinary = self.spec.low * unit..=self.spec.high * unit;
        self.order.clear();
        self.order
            .extend((0..workers as u32).filter(|&w| ordinary.contains(&self.norms[w as usize])));
        if self.order.is_empty() {
            weights[geometry.origin()] = 1.0;
        } else {
            average(&self.order, weights);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    #[test]
    fn with_an_even_number_the_lower_median_is_the_unit() {
        // Between 1 and 1e9 the middle would be 5e8, and 1e9 ordinary.
        let messages = Messages::from_rows(&[[1.0], [1e9]]);
        assert_eq!(aggregate(NormFilteredMean::default(), &messages, 0).expect("valid").0, [1.0]);
    }

    #[test]
    fn with_bounds_that_are_norms_all_may_be_left_out() {
        let rule = NormFilteredMean { low: 0.0, high: 2.0, unit: NormUnit::One };
        let run = |rows: &[[f64; 2]]| {
            aggregate(rule.clone(), &Messages::from_rows(rows), 0).expect("valid").0
        };
        assert_eq!(run(&[[0.0, 2.0], [3.0, 4.0], [0.0, 1.0]]), [0.0, 1.5]);
        assert_eq!(run(&[[3.0, 4.0], [-2.0, 2.0]]), [0.0, 0.0]);
        // Squares overflow: the geometry has a unit of its own.
        let huge = NormFilteredMean { low: 0.0, high: 2e200, unit: NormUnit::One };
        let messages = Messages::from_rows(&[[1e200], [3e200]]);
        assert_eq!(aggregate(huge, &messages, 0).expect("valid").0, [1e200]);
    }

    #[test]
    fn bounds_that_exclude_the_median_are_refused() {
        let error = |low, high, unit| {
            let rule = NormFilteredMean { low, high, unit };
            rule.check(Shape { workers: 3, byzantine: 0 }).unwrap_err().to_string()
        };
        let median = NormUnit::Median;
        assert_eq!(
            error(0.1, 0.9, median),
            "norm-filtered-mean: high must be at least 1 times the median, got 0.9"
        );
        assert!(
            error(-1.0, 3.0, median)
                .contains("low must be between 0 and 1 times the median, got -1")
        );
        assert!(error(f64::NAN, 3.0, median).ends_with("got NaN"));
        assert_eq!(
            error(0.0, 0.0, NormUnit::One),
            "norm-filtered-mean: high must be above 0, got 0"
        );
        assert!(error(3.0, 2.0, NormUnit::One).ends_with("low must be between 0 and high, got 3"));
    }
}
