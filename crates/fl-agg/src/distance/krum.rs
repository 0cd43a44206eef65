//! Krum: the one message that is closest to its neighbours.

pub use crate::shared::krum_scores::KrumVariant;

use crate::shared::krum_scores::Scores;
use crate::shared::select::too_few;
use fl_core::{
    AggregateError, Cost, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, spec,
};

spec! {
    /// Krum returns the message with the smallest score, `z = v_{w*}` with
    ///
    /// ```text
    /// w* = argmin_w Σ_{w → w'} ‖v_w − v_w'‖²
    /// ```
    ///
    /// where `w → w'` runs over the `W − f − 2` nearest other messages of `v_w`.
    /// Of several smallest scores the one of the lowest worker index wins.
    /// All weight goes to one message, so the output has that message's very bits.
    ///
    /// # Requirements
    /// `W − f − 2 ≥ 1`: a message needs a neighbour to be judged by. Variants count neighbours differently.
    ///
    /// # Cost
    /// `O(W² log W)` on the distances; no number of a message is looked at again.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    /// The requirement must then hold for what is left.
    ///
    /// # Robustness
    /// Its authors prove (α, f)-resilience of i.i.d. messages for `W > 2f + 2`.
    /// With `q` neighbours it is (f, κ)-robust as long as `q ≥ f`, with
    ///
    /// ```text
    /// κ = (√(2 q (W − f) / (W − f − 1)) + √(W − f))² / (q + 1 − f)
    /// ```
    ///
    /// (the best score is at most the regular messages' average score, and of the `q + 1` messages around the chosen one at
    /// least `q + 1 − f` are regular). For `q = W − f − 1` this is at most the `6 (1 + f/(W − 2f))` of the literature.
    /// Shapes beyond that bound are computed all the same.
    /// Where regular messages differ from worker to worker, Krum follows one worker instead of all: κ does not vanish with f.
    ///
    /// # Elsewhere
    /// Projects differ in the power of the distance and in the number of neighbours; [`KrumVariant`] has them by name.
    ///
    /// # Reference
    /// Blanchard, El Mhamdi, Guerraoui, Stainer, *Machine learning with adversaries: Byzantine tolerant gradient descent*,
    /// NeurIPS 2017; the paper's Section V-A; κ as in Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan,
    /// *Fixing by mixing*, AISTATS 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Krum, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [1.1], [0.9], [1.3], [100.0]]);
    /// let (chosen, _) = aggregate(Krum::default(), &messages, 1)?;
    /// assert_eq!(chosen, [1.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Krum {
        /// Which of the rules that go by this name.
        pub variant: KrumVariant = KrumVariant::Paper,
    }
}

impl RuleSpec for Krum {
    fn name(&self) -> &'static str {
        "krum"
    }

    fn cost(&self, shape: Shape) -> Cost {
        Cost::quadratic(shape, 1)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        self.variant.check("krum", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run { variant: self.variant, scores: Scores::new(shape.workers) }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        self.variant.tolerates(workers)
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        self.variant.kappa(shape)
    }
}

#[derive(Debug)]
struct Run {
    variant: KrumVariant,
    scores: Scores,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        self.variant.check("krum", shape).map_err(too_few(shape))?;
        let neighbours = self.variant.neighbours(shape).unwrap_or(1);
        self.scores.start(inputs.geometry, self.variant, neighbours);
        let mut best = (0, f64::INFINITY);
        for w in 0..shape.workers {
            let score = self.scores.score(inputs.geometry, w, self.variant, neighbours);
            // Strictly smaller: ties stay with the lowest index.
            if score < best.1 {
                best = (w, score);
            }
        }
        weights[best.0] = 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn chosen(rows: &[[f64; 1]], byzantine: usize) -> f64 {
        let messages = Messages::from_rows(rows);
        aggregate(Krum::default(), &messages, byzantine).expect("a valid shape").0[0]
    }

    #[test]
    fn ties_go_to_the_lowest_worker_index() {
        // One neighbour each; (1, 2) and (5, 6) are equally close pairs.
        assert_eq!(chosen(&[[5.0], [1.0], [6.0], [2.0]], 1), 5.0);
        assert_eq!(chosen(&[[2.0], [1.0], [6.0], [5.0]], 1), 2.0);
    }

    #[test]
    fn ties_between_equal_sets_of_distances_in_another_order_are_ties() {
        // A square's corners see the same distances in different orders.
        let third = 1.0 / 3.0;
        let rows = [[third, third], [-third, third], [-third, -third], [third, -third], [9.0, 9.0]];
        let (out, _) = aggregate(Krum::default(), &Messages::from_rows(&rows), 0).expect("valid");
        assert_eq!(out, rows[0]);
    }

    #[test]
    fn a_message_is_not_its_own_neighbour() {
        // With itself counted, every score of one neighbour would be 0 and worker 0 would win.
        assert_eq!(chosen(&[[100.0], [1.0], [1.5], [50.0]], 1), 1.0);
    }

    #[test]
    fn the_requirement_is_one_neighbour() {
        for (workers, byzantine, fits) in [(3, 0, true), (2, 0, false), (8, 5, true), (8, 6, false)]
        {
            let shape = Shape { workers, byzantine };
            assert_eq!(Krum::default().check(shape).is_ok(), fits, "{shape:?}");
            assert_eq!(Krum::default().build(shape).is_ok(), fits, "{shape:?}");
        }
        let error = Krum::default().check(Shape { workers: 8, byzantine: 6 }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "krum: the number of messages must be at least 9 (f + 3, for f = 6 Byzantine), got 8"
        );
    }

    #[test]
    fn variants_choose_what_their_projects_choose() {
        // Four on a line, f = 1. With one neighbour 0.0 and 1.0 are the closest pair, and the lower index wins; with two,
        // 1.0 has the nearest ones.
        let rows = [[0.0], [1.0], [2.2], [3.5]];
        let choose = |variant| {
            let messages = Messages::from_rows(&rows);
            aggregate(Krum { variant }, &messages, 1).expect("a valid shape").0[0]
        };
        assert_eq!(choose(KrumVariant::Paper), 0.0);
        assert_eq!(choose(KrumVariant::OneMoreNeighbour), 1.0);
        assert_eq!(choose(KrumVariant::Unsquared), 1.0);
        assert_eq!(choose(KrumVariant::UnsquaredPaper), 0.0);
        assert_eq!(choose(KrumVariant::FourthPower), 0.0);
        assert_eq!(choose(KrumVariant::AtLeastOneNeighbour), 0.0);
    }

    #[test]
    fn powers_of_the_distance_change_the_choice() {
        // A cluster of three and three stragglers: plain distances favour the cluster, fourth powers the middle.
        let d = |rows: &[[f64; 1]], w: usize, power: i32| {
            let mut all: Vec<f64> = (0..rows.len())
                .filter(|&i| i != w)
                .map(|i| (rows[i][0] - rows[w][0]).abs())
                .collect();
            all.sort_by(f64::total_cmp);
            all[..rows.len() - 2].iter().map(|x| x.powi(power)).sum::<f64>()
        };
        let rows = [[0.0], [0.1], [0.25], [2.05], [2.9], [3.9]];
        let brute = |power| {
            (0..6).min_by(|&a, &b| d(&rows, a, power).total_cmp(&d(&rows, b, power))).expect("six")
        };
        let choose = |variant| {
            let messages = Messages::from_rows(&rows);
            aggregate(Krum { variant }, &messages, 0).expect("a valid shape").0[0]
        };
        assert_eq!(choose(KrumVariant::UnsquaredPaper), rows[brute(1)][0]);
        assert_eq!(choose(KrumVariant::Paper), rows[brute(2)][0]);
        assert_eq!(choose(KrumVariant::FourthPower), rows[brute(4)][0]);
        assert_ne!(brute(1), brute(4));
    }

    #[test]
    fn variants_say_how_many_messages_they_need() {
        for (variant, least) in [
            (KrumVariant::Paper, 5),
            (KrumVariant::OneMoreNeighbour, 4),
            (KrumVariant::Unsquared, 4),
            (KrumVariant::UnsquaredPaper, 5),
            (KrumVariant::FourthPower, 5),
            (KrumVariant::AtLeastOneNeighbour, 2),
        ] {
            let rule = Krum { variant };
            assert!(rule.check(Shape { workers: least, byzantine: 2 }).is_ok(), "{variant:?}");
            let error = rule.check(Shape { workers: least - 1, byzantine: 2 }).unwrap_err();
            assert!(error.to_string().contains(&format!("at least {least}")), "{error}");
        }
    }

    #[test]
    fn kappa_is_at_most_the_published_one_and_needs_more_neighbours_than_byzantine_messages() {
        let byzfl = Krum { variant: KrumVariant::OneMoreNeighbour };
        for workers in 3..40 {
            for f in 0..workers / 2 {
                let shape = Shape { workers, byzantine: f };
                let (n, b) = (workers as f64, f as f64);
                if let Some(kappa) = byzfl.kappa(shape) {
                    assert!(kappa <= 6.0 * (1.0 + b / (n - 2.0 * b)), "{shape:?} {kappa}");
                }
                // W − f − 2 ≥ f.
                assert_eq!(
                    Krum::default().kappa(shape).is_some(),
                    workers >= 2 * f + 2 && workers > f + 2
                );
            }
        }
        assert_eq!((Krum::default().tolerates(30), byzfl.tolerates(30)), (14, 14));
        assert_eq!((Krum::default().tolerates(31), byzfl.tolerates(31)), (14, 15));
    }
}
