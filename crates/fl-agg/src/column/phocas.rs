//! Phocas: in every coordinate the mean around the trimmed mean.

use crate::shared::nearest::{Centre, nearest_to};
use fl_core::spec;

spec! {
    /// Phocas: every coordinate by itself, the mean of the `W − b` numbers nearest to its `b`-trimmed mean.
    /// Let `x_1 … x_W` be the numbers of a coordinate, and `t` their mean without the `b` smallest and the `b` largest.
    /// Let `N` be the `W − b` of them with the smallest `|x_w − t|`. Then
    ///
    /// ```text
    /// z = 1/(W − b) Σ_{w ∈ N} x_w
    /// ```
    ///
    /// for each of the p coordinates. `b = f` unless `count` says otherwise.
    /// Of two numbers equally far the smaller is taken, so that the order of workers does not matter.
    ///
    /// # Requirements
    /// `2b < W`, and `2f < W`.
    ///
    /// # Cost
    /// One pass over the messages; `O(W log² W)` comparisons a coordinate, in registers, no distances.
    ///
    /// # Non-finite
    /// A message that is not finite never takes part: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2, for *dimensional* Byzantine faults too, where in every coordinate other workers' numbers may be
    /// wrong: all numbers that are averaged are as near to the trimmed mean as the farthest regular one, if `b ≥ f`.
    /// No κ is claimed.
    ///
    /// # Reference
    /// Xie, Koyejo, Gupta, *Phocas: dimensional Byzantine-resilient stochastic gradient descent*, 2018 (arXiv 1805.09682).
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, Phocas, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [3.0], [4.0], [1e9]]);
    /// let (mean, _) = aggregate(Phocas::default(), &messages, 1)?;
    /// assert_eq!(mean, [2.5]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Phocas {
        /// b, how many are left out: f unless given.
        pub count: Option<usize> = None,
    }
}

nearest_to!(Phocas, "phocas", Centre::TrimmedMean);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, RuleSpec, Shape, aggregate};

    fn run(rows: &[[f64; 1]], count: Option<usize>, byzantine: usize) -> f64 {
        aggregate(Phocas { count }, &Messages::from_rows(rows), byzantine).expect("valid").0[0]
    }

    #[test]
    fn those_nearest_to_the_trimmed_mean_are_averaged() {
        // Trimmed mean (0 + 1 + 8)/3 = 3: 0, 1, 8 and −2 are at 3, 2, 5 and 5; of the last two the smaller is taken.
        let rows = [[8.0], [0.0], [-2.0], [1.0], [20.0]];
        assert_eq!(run(&rows, None, 1), 7.0 / 4.0);
        assert!((run(&rows, Some(0), 1) - 27.0 / 5.0).abs() < 1e-15);
        // Trimmed mean 4: 5 and 3 are at 1, and 10 is nearer than −3.
        assert_eq!(run(&[[-3.0], [3.0], [4.0], [5.0], [10.0]], None, 1), 22.0 / 4.0);
    }

    #[test]
    fn the_requirement_is_a_majority_and_something_to_average() {
        let refusal = |count, workers, byzantine| {
            Phocas { count }.check(Shape { workers, byzantine }).unwrap_err().to_string()
        };
        assert!(refusal(None, 4, 2).ends_with("at least 5 (2f + 1, for f = 2 Byzantine), got 4"));
        assert!(refusal(Some(2), 4, 0).ends_with("at least 5 (2b + 1, for b = 2 left out), got 4"));
    }
}
