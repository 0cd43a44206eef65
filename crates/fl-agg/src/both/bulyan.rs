//! Bulyan: a selection by Krum, then a coordinate-wise mean around the median.

use crate::shared::krum_scores::{KrumVariant, Picks};
use fl_core::{
    ColumnRule, Cost, Cx, Geometry, Mixing, PreAggregator, PreAggregatorSpec, Rule, RuleSpec,
    Scalar, Shape, SpecError, Tile, spec,
};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

spec! {
    /// Bulyan selects `θ = W − 2f` messages by Krum and averages, in each coordinate, the values closest to their median.
    ///
    /// ```text
    /// S: θ times, Krum's choice among the messages that are left is taken out of them
    /// z_k = (1/β) Σ_{w ∈ M_k} v_wk,     β = θ − 2f
    /// ```
    ///
    /// where `M_k` are the β messages of S whose k-th coordinates are closest to the median of all θ; of two equally close
    /// values the smaller one.
    /// Krum judges the `r` messages that are left by their `r − f − 2` nearest others, and by at least one. The last picks are
    /// therefore often ties, of two messages that are closest to each other, and the lower worker index is taken.
    ///
    /// Here it is a chain: a pre-aggregator that selects, and a coordinate-wise rule.
    ///
    /// # Requirements
    /// `W ≥ 4f + 1`: something must be left to average. With `W = 4f + 1` the output is the median of the selection.
    ///
    /// # Cost
    /// `O(θ W²)` on the distances, and a sort of θ values for every coordinate.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    /// The requirement must then hold for what is left.
    ///
    /// # Robustness
    /// Its authors prove it for `W ≥ 4f + 3`: every coordinate of the output is then within `O(1/√p)` of what Krum
    /// would give of a regular message's. So an attack on few of many coordinates fails.
    /// Of the θ selected messages a majority is regular. So in every coordinate the median lies between regular ones.
    /// What is averaged is no farther from it than a regular one.
    ///
    /// # Elsewhere
    /// LPA and Flower select as we do; Flower judges by at least one neighbour, as we do.
    /// ByzantineMomentum selects means of Multi-Krum, `W − 2f − 2` of them.
    /// A loop in it was to take the chosen ones out of the scores, and never does. Its successor inherits that loop.
    /// FL-Byzantine-Library takes Multi-Krum's `W − 2f` best at once and trims what it has.
    ///
    /// # Reference
    /// El Mhamdi, Guerraoui, Rouault, *The hidden vulnerability of distributed learning in Byzantium*, ICML 2018.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Bulyan, Messages, aggregate};
    ///
    /// let rows = [[1.0, 0.0], [1.2, 0.1], [0.9, 0.2], [1.1, 0.1], [1.0, 0.2], [1.1, 0.0], [1e6, -1e6]];
    /// let (out, _) = aggregate(Bulyan::default(), &Messages::from_rows(&rows), 1)?;
    /// assert!((0.9..=1.2).contains(&out[0]) && (0.0..=0.2).contains(&out[1]));
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Bulyan {
        /// Which Krum selects.
        pub variant: KrumVariant = KrumVariant::Paper,
    }
}

impl RuleSpec for Bulyan {
    fn name(&self) -> &'static str {
        "bulyan"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        let Shape { workers, byzantine: f } = shape;
        if workers <= 4 * f {
            let allowed = format!("at least {} (4f + 1, for f = {f} Byzantine)", 4 * f + 1);
            return Err(SpecError::new("the number of messages", allowed, workers).of("bulyan"));
        }
        Ok(())
    }

    fn chain(&self) -> Vec<Box<dyn PreAggregatorSpec>> {
        vec![Box::new(Selection { variant: self.variant })]
    }

    /// For the shape that the selection leaves: θ = W − 2f messages, f of which may be Byzantine.
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::coordinate(AroundMedian))
    }

    fn tolerates(&self, workers: usize) -> usize {
        workers.saturating_sub(3) / 4
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        // Without Byzantine messages all are selected, and all are averaged.
        Some(0.0).filter(|_| shape.byzantine == 0 && shape.workers > 0)
    }
}

/// The selection of Bulyan.
#[derive(Clone, Copy, Debug)]
struct Selection {
    variant: KrumVariant,
}

impl PreAggregatorSpec for Selection {
    fn name(&self) -> &'static str {
        "bulyan's selection"
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        Bulyan { variant: self.variant }.check(shape)?;
        Ok(Shape { workers: shape.workers - 2 * shape.byzantine, byzantine: shape.byzantine })
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        shape.workers
    }

    fn cost(&self, shape: Shape) -> Cost {
        // θ = W − 2f messages are picked one after another, each by the scores of all.
        let picks = shape.workers.saturating_sub(2 * shape.byzantine) as f64;
        Cost::quadratic(shape, 1).with_operations(picks * (shape.workers as f64).powi(2))
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        Ok(Box::new(Select {
            variant: self.variant,
            picks: Picks::new(shape.workers),
            chosen: Vec::with_capacity(shape.workers),
        }))
    }
}

#[derive(Debug)]
struct Select {
    variant: KrumVariant,
    picks: Picks,
    chosen: Vec<bool>,
}

impl PreAggregator for Select {
    fn mixing(
        &mut self,
        cx: &Cx<'_>,
        _: usize,
        geometry: &Geometry,
        shape: Shape,
        out: &mut Mixing,
    ) {
        let Shape { workers, byzantine: f } = shape;
        self.chosen.clear();
        self.chosen.resize(workers, f == 0);
        if f > 0 {
            self.picks.start(geometry);
            for picked in 0..workers.saturating_sub(2 * f) {
                // What an interrupted round leaves is used by nobody, but must have its shape.
                let best = match cx.is_interrupted() {
                    true => self.chosen.iter().position(|chosen| !chosen).unwrap_or(picked),
                    false => self.picks.take(geometry, self.variant, f),
                };
                self.chosen[best] = true;
            }
        }
        // The order of the picks does not matter to what follows.
        out.clear(workers);
        for (w, &chosen) in self.chosen.iter().enumerate() {
            if chosen {
                out.push_row(&[w as u32], &[1.0]);
            }
        }
    }
}

/// The mean of the W − 2f values of a column that are closest to its median.
#[derive(Debug)]
struct AroundMedian;

impl ColumnRule for AroundMedian {
    fn ranks(&self, rows: usize, _: usize) -> Option<Range<usize>> {
        Some(0..rows)
    }

    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, byzantine: usize, out: &mut [T]) {
        let count = tile.rows().saturating_sub(2 * byzantine).max(1);
        Arch::new().dispatch(Window { tile, count, out });
    }
}

/// The mean of the `count` values closest to the median in each sorted column: a window that begins at the first row `s`
/// whose distance to the median is at most that of row `s + count`, which would come in for it.
struct Window<'a, 'b, T> {
    tile: &'a Tile<'b, T>,
    count: usize,
    out: &'a mut [T],
}

/// Columns whose windows stay in registers.
const RUN: usize = 16;

impl<T: Scalar> WithSimd for Window<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { tile, count, out } = self;
        let mut from = 0;
        let mut runs = out.chunks_exact_mut(RUN);
        for out in &mut runs {
            window::<T, RUN>(tile, count, from, out);
            from += RUN;
        }
        for out in runs.into_remainder().chunks_exact_mut(1) {
            window::<T, 1>(tile, count, from, out);
            from += 1;
        }
    }
}

/// `N` columns from `from` on.
#[inline(always)]
fn window<T: Scalar, const N: usize>(tile: &Tile<'_, T>, count: usize, from: usize, out: &mut [T]) {
    let rows = tile.rows();
    let half = T::from_f64(0.5);
    let share = T::from_f64(1.0 / count as f64);
    let at = |row: usize| &tile.row(row)[from..from + N];
    let (low, high) = (at((rows - 1) / 2), at(rows / 2));
    // Halved first, so that the sum of two large values is finite.
    let median: [T; N] = std::array::from_fn(|k| half * low[k] + half * high[k]);
    // Whether row s leaves the window rises with s, from true to false: the number of times is where the window begins.
    let mut first = [T::ZERO; N];
    for s in 0..rows - count {
        let (leaves, enters) = (at(s), at(s + count));
        for k in 0..N {
            let shift = median[k] - leaves[k] > enters[k] - median[k];
            first[k] += if shift { T::ONE } else { T::ZERO };
        }
    }
    // Added as differences to the median, so that equal values give their very bits.
    let mut sum = [T::ZERO; N];
    for row in 0..rows {
        let (x, place) = (at(row), T::from_f64(row as f64));
        let before = T::from_f64(row as f64 - count as f64);
        for k in 0..N {
            let inside = before < first[k] && first[k] <= place;
            sum[k] += if inside { share * x[k] - share * median[k] } else { T::ZERO };
        }
    }
    for k in 0..N {
        out[k] = median[k] + sum[k];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mean, Messages, MultiKrum, Picks, aggregate};

    #[test]
    fn a_case_by_hand() {
        // W = 7, f = 1, θ = 5, β = 3.
        let rows = [
            [1.0, 10.0],
            [2.0, 11.0],
            [3.0, 9.0],
            [2.5, 30.0],
            [2.2, 10.5],
            [2.1, 10.2],
            [90.0, 10.0],
        ];
        // The fourth and the last are never chosen: S is the other five. Column 0: 1, 2, 2.1, 2.2, 3 → 2, 2.1, 2.2.
        // Column 1: 9, 10, 10.2, 10.5, 11 → 10, 10.2, 10.5.
        let (out, _) = aggregate(Bulyan::default(), &Messages::from_rows(&rows), 1).expect("valid");
        assert!((out[0] - 6.3f64 / 3.0).abs() < 1e-14, "{out:?}");
        assert!((out[1] - 30.7f64 / 3.0).abs() < 1e-14, "{out:?}");
    }

    #[test]
    fn the_selection_is_that_of_multi_krum_one_by_one() {
        // β = 1 of θ = 2f + 1 = 3: the median of three; with the mean of three by Multi-Krum, a check on the selection.
        let rows = [[0.3], [1.0], [0.5], [9.0], [0.0]];
        let messages = Messages::from_rows(&rows);
        let (median, _) = aggregate(Bulyan::default(), &messages, 1).expect("valid");
        let m = MultiKrum { m: Some(3), picks: Picks::OneByOne, ..MultiKrum::default() };
        let (mean, _) = aggregate(m, &messages, 1).expect("valid");
        // 0.3 first, then 0.5; last 1.0 and 0.0 are equally close to each other, and the lower worker is taken. When 0.5 is
        // judged, 1.0 and 0.0 are equally close too.
        assert_eq!(median, [0.5]);
        assert!((mean[0] - 0.6f64).abs() < 1e-15);
    }

    #[test]
    fn without_byzantine_messages_it_is_the_mean() {
        let messages = Messages::from_rows(&[[1.0, 5.0], [2.0, -4.0], [9.0, 2.0]]);
        let (out, _) = aggregate(Bulyan::default(), &messages, 0).expect("valid");
        let (mean, _) = aggregate(Mean, &messages, 0).expect("valid");
        assert!((out[0] - mean[0]).abs() < 1e-14 && (out[1] - mean[1]).abs() < 1e-14);
    }

    #[test]
    fn of_two_equally_close_values_the_smaller_counts() {
        // Selected are all but two of W = 5 with f = 1; column of the three chosen 0, 1, 2: the median alone.
        // With f = 1 of W = 6: θ = 4, β = 2 of 0, 1, 3, 4 around 2: 1 and 3. Of 0, 2, 2, 4: 2 and 2.
        let column = |values: &[f64], byzantine| {
            let rows: Vec<[f64; 1]> = values.iter().map(|&x| [x]).collect();
            let chosen = Messages::from_rows(&rows);
            let shape = Shape { workers: values.len(), byzantine };
            let rule = Bare;
            let mut pipeline =
                fl_core::Pipeline::<f64>::build(Vec::new(), Box::new(rule), shape, 1)
                    .expect("valid");
            let mut out = [0.0];
            let streams = fl_core::Streams::new(0);
            pipeline.aggregate(&Cx::new(&streams, 0), chosen.view(), &mut out).expect("valid");
            out[0]
        };
        assert_eq!(column(&[4.0, 0.0, 3.0, 1.0], 1), 2.0);
        // Five values, β = 3 around 2: 1, 2 and 3. β = 4 of six around 2.5: 1, 2, 3, 4.
        assert_eq!(column(&[0.0, 1.0, 2.0, 3.0, 4.0], 1), 2.0);
        // Around 2 the values 0 and 4 are equally close: 0 counts.
        assert_eq!(column(&[4.0, 0.0, 1.0, 3.0], 0), 2.0);
        assert!((column(&[0.0, 2.0, 4.0, 2.0, 9.0], 1) - 4.0 / 3.0).abs() < 1e-15);
    }

    /// The second half of Bulyan alone.
    #[derive(Debug)]
    struct Bare;

    impl RuleSpec for Bare {
        fn name(&self) -> &'static str {
            "bare"
        }
        fn check(&self, _: Shape) -> Result<(), SpecError> {
            Ok(())
        }
        fn build(&self, _: Shape) -> Result<Rule, SpecError> {
            Ok(Rule::coordinate(AroundMedian))
        }
    }

    #[test]
    fn too_few_messages_are_refused_with_their_numbers() {
        let error = aggregate(Bulyan::default(), &Messages::from_rows(&[[1.0]; 8]), 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "bulyan: the number of messages must be at least 9 (4f + 1, for f = 2 Byzantine), got 8"
        );
    }
}
