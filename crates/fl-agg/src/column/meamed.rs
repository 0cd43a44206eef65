//! MeaMed: in every coordinate the mean around the median.

use crate::shared::nearest::{Centre, nearest_to};
use fl_core::spec;

spec! {
    /// MeaMed, the mean around the median: every coordinate by itself, the mean of the `W − b` numbers nearest to its median.
    /// With `x_1 … x_W` the numbers of a coordinate and `N` the `W − b` of them with the smallest `|x_w − med(x)|`,
    ///
    /// ```text
    /// z = 1/(W − b) Σ_{w ∈ N} x_w
    /// ```
    ///
    /// for each of the p coordinates. `b = f` unless `count` says otherwise. The median of an even W is the mean of the two in
    /// the middle; of two numbers equally far the smaller is taken, so that the order of workers does not matter.
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
    /// Breakdown point 1/2: all numbers that are averaged are as near to the median as the farthest regular one, if `b ≥ f`.
    /// Unlike the trimmed mean's, the output may lie outside the regular numbers, by at most their spread.
    /// No κ is claimed.
    ///
    /// # Reference
    /// Xie, Koyejo, Gupta, *Generalized Byzantine-tolerant SGD*, 2018 (arXiv 1802.10116), as the mean around the median.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Meamed, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [3.0], [4.0], [1e9]]);
    /// let (mean, _) = aggregate(Meamed::default(), &messages, 1)?;
    /// assert_eq!(mean, [2.5]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Meamed {
        /// b, how many are left out: f unless given.
        pub count: Option<usize> = None,
    }
}

nearest_to!(Meamed, "meamed", Centre::Median);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, RuleSpec, Shape, aggregate};

    fn run(rows: &[[f64; 1]], count: Option<usize>, byzantine: usize) -> f64 {
        aggregate(Meamed { count }, &Messages::from_rows(rows), byzantine).expect("valid").0[0]
    }

    #[test]
    fn those_nearest_to_the_median_are_averaged() {
        // Median 4; nearest five of seven: 4, 5, 3, 6, 1 (distance 3 beats 10 and 100).
        let rows = [[104.0], [3.0], [5.0], [4.0], [1.0], [6.0], [-6.0]];
        assert_eq!(run(&rows, None, 2), 19.0 / 5.0);
        assert!((run(&rows, Some(1), 2) - 13.0 / 6.0).abs() < 1e-15);
        assert!((run(&rows, None, 0) - 117.0 / 7.0).abs() < 1e-14);
    }

    #[test]
    fn of_two_numbers_equally_far_the_smaller_is_taken_whoever_sent_it() {
        assert_eq!(run(&[[1.0], [2.0], [3.0]], None, 1), 1.5);
        assert_eq!(run(&[[3.0], [2.0], [1.0]], None, 1), 1.5);
    }

    #[test]
    fn the_requirement_is_a_majority_and_something_to_average() {
        let refusal = |count, workers, byzantine| {
            Meamed { count }.check(Shape { workers, byzantine }).unwrap_err().to_string()
        };
        assert!(refusal(None, 4, 2).ends_with("at least 5 (2f + 1, for f = 2 Byzantine), got 4"));
        assert!(refusal(Some(2), 4, 0).ends_with("at least 5 (2b + 1, for b = 2 left out), got 4"));
    }
}
