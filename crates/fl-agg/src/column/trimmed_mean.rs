//! The trimmed mean: in every coordinate the mean of what is left without the extremes.

use crate::shared::select::majority;
use fl_core::{ColumnRule, Rule, RuleSpec, Scalar, Shape, SpecError, Tile, spec};
use std::ops::Range;

spec! {
    /// The coordinate-wise trimmed mean: every coordinate by itself, without its `b` smallest and its `b` largest numbers.
    /// With `x_(1) ≤ … ≤ x_(W)` the numbers of a coordinate in order,
    ///
    /// ```text
    /// z = 1/(W − 2b) Σ_{i = b+1 … W−b} x_(i)
    /// ```
    ///
    /// for each of the p coordinates. `b = f` unless `count` or `fraction` says otherwise; with `b = 0` it is the mean.
    ///
    /// # Requirements
    /// `2b < W`: a number must be left. At most one of `count` and `fraction` may be given; a fraction is at least 0 and below ½.
    ///
    /// # Cost
    /// One pass over the messages; `O(W log² W)` comparisons a coordinate, in registers, no distances.
    ///
    /// # Non-finite
    /// A message that is not finite never takes part: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Withstands `f ≤ b` Byzantine messages of `W > 2b`: then each coordinate stays between numbers of regular workers.
    /// (f, κ)-robust with `κ = f/(W − 2f)` for `b = f`, which no rule can better.
    /// Proof, for each coordinate: let S be W − f of the numbers, `y_1 ≤ … ≤ y_(W−f)`, with mean 0 and variance σ².
    /// Among more numbers the i-th smallest is no larger, so `x_(i) ≤ y_i`, and z is at most the mean of `y_(f+1) … y_(W−f)`.
    /// The mean of a part α of numbers is at most `σ √((1 − α)/α)` from the mean of all, and `α = (W − 2f)/(W − f)`.
    /// From below it is the same.
    ///
    /// # Reference
    /// Yin, Chen, Kannan, Bartlett, *Byzantine-robust distributed learning: towards optimal statistical rates*, ICML 2018,
    /// with a fraction β on each side. That no rule has less than f/(W − 2f): Allouah, Farhadkhani, Guerraoui, Gupta, Pinot,
    /// Stephan, *Fixing by mixing: a recipe for optimal Byzantine ML under heterogeneity*, AISTATS 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, TrimmedMean, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [6.0], [1e9], [-1e9]]);
    /// let (mean, _) = aggregate(TrimmedMean::default(), &messages, 1)?;
    /// assert_eq!(mean, [3.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct TrimmedMean {
        /// b, how many are left out on each side: f unless given.
        pub count: Option<usize> = None,
        /// b as a fraction β of the messages that arrive at the rule, `b = ⌊β W⌋`.
        pub fraction: Option<f64> = None,
    }
}

/// How many are left out on each side.
#[derive(Clone, Copy, Debug)]
enum Trim {
    Byzantine,
    Count(usize),
    Fraction(f64),
}

impl Trim {
    fn of(self, workers: usize, byzantine: usize) -> usize {
        match self {
            Self::Byzantine => byzantine,
            Self::Count(count) => count,
            // 0.29 · 100 is a hair below 29, and 29 is meant.
            Self::Fraction(fraction) => (fraction * workers as f64 * (1.0 + 1e-12)) as usize,
        }
    }
}

impl TrimmedMean {
    fn trim(&self) -> Result<Trim, SpecError> {
        match (self.count, self.fraction) {
            (None, None) => Ok(Trim::Byzantine),
            (Some(count), None) => Ok(Trim::Count(count)),
            (None, Some(fraction)) if (0.0..0.5).contains(&fraction) => {
                Ok(Trim::Fraction(fraction))
            }
            (None, Some(fraction)) => {
                let allowed = "at least 0 and below 0.5, on each side";
                Err(SpecError::new("fraction", allowed, fraction).of("trimmed-mean"))
            }
            (Some(count), Some(fraction)) => Err(SpecError::new(
                "how many are left out",
                "given as count or as fraction",
                format!("both, count = {count} and fraction = {fraction}"),
            )
            .of("trimmed-mean")),
        }
    }
}

impl RuleSpec for TrimmedMean {
    fn name(&self) -> &'static str {
        "trimmed-mean"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        let b = match self.trim()? {
            Trim::Byzantine => return majority(self.name(), shape),
            trim => trim.of(shape.workers, shape.byzantine),
        };
        if shape.workers <= 2 * b {
            let allowed = format!("at least {} (2b + 1, for b = {b} on each side)", 2 * b + 1);
            return Err(
                SpecError::new("the number of messages", allowed, shape.workers).of("trimmed-mean")
            );
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::coordinate(Run { trim: self.trim()? }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        let most = workers.saturating_sub(1) / 2;
        self.trim().map_or(0, |trim| trim.of(workers, most).min(most))
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        self.check(shape).ok()?;
        // Proven for b = f alone.
        if self.trim().ok()?.of(shape.workers, shape.byzantine) != shape.byzantine {
            return None;
        }
        let (w, f) = (shape.workers as f64, shape.byzantine as f64);
        Some(f / (w - 2.0 * f))
    }
}

#[derive(Debug)]
struct Run {
    trim: Trim,
}

impl Run {
    fn middle(&self, rows: usize, byzantine: usize) -> Range<usize> {
        let b = self.trim.of(rows, byzantine);
        b..rows - b
    }
}

impl ColumnRule for Run {
    fn ranks(&self, rows: usize, byzantine: usize) -> Option<Range<usize>> {
        Some(self.middle(rows, byzantine))
    }

    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, byzantine: usize, out: &mut [T]) {
        tile.mean(self.middle(tile.rows(), byzantine), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mean, Messages, aggregate};

    fn run(spec: TrimmedMean, byzantine: usize) -> f64 {
        let messages = Messages::from_rows(&[[3.0], [-50.0], [1.0], [2.0], [9.0], [70.0]]);
        aggregate(spec, &messages, byzantine).expect("a valid shape").0[0]
    }

    #[test]
    fn as_many_are_left_out_as_is_said() {
        let count = |count| TrimmedMean { count: Some(count), ..TrimmedMean::default() };
        let fraction = |x| TrimmedMean { fraction: Some(x), ..TrimmedMean::default() };
        assert_eq!(run(TrimmedMean::default(), 1), 15.0 / 4.0);
        assert_eq!(run(TrimmedMean::default(), 2), 2.5);
        assert_eq!(run(count(1), 2), 15.0 / 4.0);
        // ⌊0.2 · 6⌋ = 1, ⌊0.4 · 6⌋ = 2.
        assert_eq!(run(fraction(0.2), 0), 15.0 / 4.0);
        assert_eq!(run(fraction(0.4), 0), 2.5);
    }

    #[test]
    fn with_no_byzantine_message_it_is_the_mean() {
        let messages = Messages::from_rows(&[[3.0, 1.0], [-5.0, 2.0], [1.0, 4.0], [2.0, 8.0]]);
        let (trimmed, _) = aggregate(TrimmedMean::default(), &messages, 0).expect("valid");
        let (mean, _) = aggregate(Mean, &messages, 0).expect("valid");
        assert_eq!(trimmed, mean);
    }

    #[test]
    fn a_fraction_means_what_its_decimal_digits_say() {
        for percent in 0..50 {
            let trim = Trim::Fraction(f64::from(percent) / 100.0);
            assert_eq!(trim.of(100, 0), percent as usize);
        }
    }

    #[test]
    fn settings_that_leave_nothing_are_refused_with_their_numbers() {
        let refusal = |count, fraction, workers, byzantine| {
            let spec = TrimmedMean { count, fraction };
            spec.check(Shape { workers, byzantine }).unwrap_err().to_string()
        };
        assert_eq!(
            refusal(None, None, 4, 2),
            "trimmed-mean: the number of messages must be at least 5 (2f + 1, for f = 2 Byzantine), got 4"
        );
        assert_eq!(
            refusal(Some(3), None, 6, 0),
            "trimmed-mean: the number of messages must be at least 7 (2b + 1, for b = 3 on each side), got 6"
        );
        assert_eq!(
            refusal(None, Some(0.5), 6, 0),
            "trimmed-mean: fraction must be at least 0 and below 0.5, on each side, got 0.5"
        );
        assert!(refusal(Some(1), Some(0.1), 6, 0).contains("both, count = 1 and fraction = 0.1"));
    }

    #[test]
    fn what_is_tolerated_follows_from_what_is_left_out() {
        assert_eq!(TrimmedMean::default().tolerates(10), 4);
        assert_eq!(TrimmedMean { count: Some(2), fraction: None }.tolerates(10), 2);
        assert_eq!(TrimmedMean { count: None, fraction: Some(0.3) }.tolerates(10), 3);
        let shape = Shape { workers: 10, byzantine: 2 };
        // f/(W − 2f) = 2/6.
        assert!((TrimmedMean::default().kappa(shape).expect("known") - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(TrimmedMean { count: Some(3), fraction: None }.kappa(shape), None);
    }
}
