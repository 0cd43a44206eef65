//! The coordinate-wise median: in every coordinate the number in the middle.

pub use crate::shared::median::EvenMedian;

use crate::shared::median::{kappa, middle};
use crate::shared::select::majority;
use fl_core::{ColumnRule, Rule, RuleSpec, Scalar, Shape, SpecError, Tile, spec};
use std::ops::Range;

spec! {
    /// The median of every coordinate by itself. With `x_(1) ≤ … ≤ x_(W)` the numbers of a coordinate in order,
    ///
    /// ```text
    /// z = x_((W+1)/2)                        W odd
    /// z = ½ (x_(W/2) + x_(W/2+1))            W even, other choices by `even`
    /// ```
    ///
    /// for each of the p coordinates. The output need not lie in the convex hull of the messages, only in the box that they span.
    ///
    /// # Requirements
    /// At least one message, and `2f < W`: more numbers that are right than wrong.
    ///
    /// # Cost
    /// One pass over the messages; `O(W log² W)` comparisons a coordinate, in registers, no distances.
    ///
    /// # Non-finite
    /// A message that is not finite never decides: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2: every coordinate stays between numbers of regular workers while `2f < W`.
    /// (f, κ)-robust with `κ = W/(W − 2f)`, for the default of an even W and the two others alike.
    /// Proof, for each coordinate: let S be W − f of the numbers, with mean 0, and the median be `t ≥ 0`.
    /// At least W/2 numbers are no smaller than t, and `k = W/2 − f` of them are in S.
    /// They add up to at least `k t`, so the other W/2 of S add up to at most `−k t`.
    /// The squares of S are therefore at least `k t² + (k t)²/(W/2) = (W − f) t² (W − 2f)/W` together.
    /// The error may grow with `√p` where that of the geometric median does not, since coordinates are judged apart.
    ///
    /// # Reference
    /// Yin, Chen, Kannan, Bartlett, *Byzantine-robust distributed learning: towards optimal statistical rates*, ICML 2018.
    /// What (f, κ)-robustness is: Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan, *Fixing by mixing: a recipe for
    /// optimal Byzantine ML under heterogeneity*, AISTATS 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{CoordinateMedian, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0, 6.0], [2.0, 5.0], [3.0, -1e9]]);
    /// let (median, _) = aggregate(CoordinateMedian::default(), &messages, 1)?;
    /// assert_eq!(median, [2.0, 5.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct CoordinateMedian {
        /// What is taken of an even number of messages.
        pub even: EvenMedian = EvenMedian::Mean,
    }
}

impl RuleSpec for CoordinateMedian {
    fn name(&self) -> &'static str {
        "coordinate-median"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        majority(self.name(), shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::coordinate(Run { even: self.even }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        workers.saturating_sub(1) / 2
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        self.check(shape).ok()?;
        Some(kappa(shape))
    }
}

#[derive(Debug)]
struct Run {
    even: EvenMedian,
}

impl ColumnRule for Run {
    fn ranks(&self, rows: usize, _: usize) -> Option<Range<usize>> {
        Some(middle(rows, self.even))
    }

    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        tile.mean(middle(tile.rows(), self.even), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    #[test]
    fn the_middle_of_an_even_number_is_what_the_setting_says() {
        let messages = Messages::from_rows(&[[4.0], [1.0], [100.0], [2.0]]);
        for (even, expected) in
            [(EvenMedian::Mean, 3.0), (EvenMedian::Lower, 2.0), (EvenMedian::Upper, 4.0)]
        {
            let (out, _) = aggregate(CoordinateMedian { even }, &messages, 0).expect("valid");
            assert_eq!(out, [expected], "{even:?}");
        }
    }

    #[test]
    fn the_mean_of_the_two_in_the_middle_does_not_overflow_or_vanish() {
        for x in [f32::MAX, f32::from_bits(1)] {
            for (low, high, expected) in [(x, x, x), (-x, x, 0.0), (-x, -x, -x)] {
                let messages = Messages::from_rows(&[[low], [high]]);
                let (out, _) = aggregate(CoordinateMedian::default(), &messages, 0).expect("valid");
                assert_eq!(out, [expected]);
            }
        }
    }

    #[test]
    fn half_of_the_messages_may_not_be_byzantine() {
        let error =
            CoordinateMedian::default().check(Shape { workers: 4, byzantine: 2 }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "coordinate-median: the number of messages must be at least 5 (2f + 1, for f = 2 Byzantine), got 4"
        );
        assert_eq!(CoordinateMedian::default().tolerates(4), 1);
        assert_eq!(CoordinateMedian::default().tolerates(5), 2);
        // W/(W − 2f) at W = 3, f = 1.
        let kappa = CoordinateMedian::default().kappa(Shape { workers: 3, byzantine: 1 });
        assert_eq!(kappa, Some(3.0));
    }
}
