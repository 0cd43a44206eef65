//! AKSEL: the mean of the messages nearest to the coordinate-wise median.

use crate::shared::median::{self, EvenMedian, middle};
use crate::shared::select::{average, by_key, majority, minority, more_than_f, too_few};
use fl_core::{
    AggregateError, ColumnRule, GeometricRule, Inputs, Needs, Rule, RuleSpec, Scalar, Shape,
    SpecError, Tile, choice, spec,
};
use std::ops::Range;

spec! {
    /// AKSEL averages the messages nearest to the coordinate-wise median of all.
    ///
    /// ```text
    /// z = (1/k) Σ_{w ∈ N} v_w,     N the k messages of smallest ‖v_w − m‖,     m_i = median of v_1i … v_Wi
    /// ```
    ///
    /// with `k = ⌈W/2⌉`: those within the median distance. For an even W the median is the mean of the two values in the
    /// middle. Of equal distances those of the lowest worker indices are taken.
    ///
    /// # Requirements
    /// At least one message; with [`AkselKeep::AllButF`] `W > 2f`.
    ///
    /// # Cost
    /// A pass over tiles of columns that sorts every column and measures; the distances between messages are measured too,
    /// which is how messages that are not finite are found.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2. The coordinate-wise median is (f, κ_m)-robust with `κ_m = W/(W − 2f)`
    /// ([`crate::CoordinateMedian`] has the proof). The messages around it then give
    ///
    /// ```text
    /// κ = (√(1 + κ_m) + √κ_m)²             for the nearest half
    /// κ = 4f/(W − f) · (1 + κ_m)           for all but f
    /// ```
    ///
    /// by the triangle inequality, and because whatever comes in is no farther from m than what it displaces.
    ///
    /// # Elsewhere
    /// ByzantineMomentum has both sizes ("mid" and "n-f"), with the lower of the two middle values for an even W.
    ///
    /// # Reference
    /// Boussetta, El Mhamdi, Guerraoui, Maurer, Rouault, *AKSEL: fast Byzantine SGD*, OPODIS 2020.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Aksel, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [3.0], [10.0], [99.0]]);
    /// assert_eq!(aggregate(Aksel::default(), &messages, 1)?.0, [2.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Aksel {
        /// How many messages are averaged.
        pub keep: AkselKeep = AkselKeep::Half,
    }
}

choice! {
    /// How many messages AKSEL averages.
    pub enum AkselKeep {
        /// `⌈W/2⌉`, those within the median distance; f is not used.
        Half,
        /// `W − f`.
        AllButF,
    }
}

impl RuleSpec for Aksel {
    fn name(&self) -> &'static str {
        "aksel"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        match self.keep {
            AkselKeep::Half => more_than_f("aksel", Shape { byzantine: 0, ..shape }),
            AkselKeep::AllButF => majority("aksel", shape),
        }
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            distances: vec![0.0; shape.workers],
            order: Vec::with_capacity(shape.workers),
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        let (n, f) = (shape.workers as f64, shape.byzantine as f64);
        if shape.workers <= 2 * shape.byzantine {
            return None;
        }
        let median = median::kappa(shape);
        Some(match self.keep {
            AkselKeep::Half => ((1.0 + median).sqrt() + median.sqrt()).powi(2),
            AkselKeep::AllButF => 4.0 * f / (n - f) * (1.0 + median),
        })
    }
}

#[derive(Debug)]
struct Run {
    spec: Aksel,
    distances: Vec<f64>,
    order: Vec<u32>,
}

impl GeometricRule for Run {
    fn needs(&self) -> Needs {
        Needs { columns: true, ..Needs::default() }
    }

    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        self.spec.check(shape).map_err(too_few(shape))?;
        let distances = &mut self.distances[..shape.workers];
        inputs.probe.distances_to(&Median, shape.byzantine, distances);
        by_key(distances, &mut self.order);
        let kept = match self.spec.keep {
            AkselKeep::Half => shape.workers.div_ceil(2),
            AkselKeep::AllButF => shape.workers - shape.byzantine,
        };
        average(&self.order[..kept], weights);
        Ok(())
    }
}

/// The coordinate-wise median, from which distances are measured.
#[derive(Debug)]
struct Median;

impl ColumnRule for Median {
    fn ranks(&self, rows: usize, _: usize) -> Option<Range<usize>> {
        Some(middle(rows, EvenMedian::Mean))
    }

    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        tile.mean(middle(tile.rows(), EvenMedian::Mean), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn run(keep: AkselKeep, rows: &[[f64; 2]], f: usize) -> Vec<f64> {
        aggregate(Aksel { keep }, &Messages::from_rows(rows), f).expect("a valid shape").0
    }

    #[test]
    fn the_nearest_to_the_coordinate_wise_median_are_averaged() {
        // The median is (2, 1), no message; distances² 1, 1, 2, 65, 8.
        let rows = [[1.0, 1.0], [2.0, 0.0], [3.0, 2.0], [9.0, 5.0], [0.0, -1.0]];
        let half = run(AkselKeep::Half, &rows, 1);
        assert!((half[0] - 2.0).abs() < 1e-15 && (half[1] - 1.0).abs() < 1e-15);
        let four = run(AkselKeep::AllButF, &rows, 1);
        assert!((four[0] - 1.5).abs() < 1e-15 && (four[1] - 0.5).abs() < 1e-15);
    }

    #[test]
    fn for_an_even_number_the_median_is_between_the_middle_values() {
        // Medians 1.5 and 0: of four at distances 1.5, 0.5, 0.5, 7.5 the nearest two.
        assert_eq!(
            run(AkselKeep::Half, &[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [9.0, 0.0]], 0),
            [1.5, 0.0]
        );
    }

    #[test]
    fn equal_distances_go_to_the_lowest_workers() {
        let rows = [[4.0, 0.0], [1.0, 0.0], [0.0, 0.0], [3.0, 0.0], [2.0, 0.0]];
        // The median is 2: distances 2, 1, 2, 1, 0; with four, worker 0 before worker 2.
        assert_eq!(run(AkselKeep::AllButF, &rows, 1), [2.5, 0.0]);
    }

    #[test]
    fn half_of_the_messages_is_too_many_where_f_counts() {
        let error = |keep, workers| Aksel { keep }.check(Shape { workers, byzantine: 2 });
        assert_eq!(
            error(AkselKeep::AllButF, 4).unwrap_err().to_string(),
            "aksel: the number of messages must be at least 5 (2f + 1, for f = 2 Byzantine), got 4"
        );
        assert!(error(AkselKeep::Half, 4).is_ok());
        assert!(error(AkselKeep::Half, 0).unwrap_err().to_string().ends_with("got 0"));
    }
}
