//! Multi-Krum: the mean of the messages with the best scores.

use crate::shared::krum_scores::{self, KrumVariant};
use crate::shared::select::{average, by_key, more_than_f, too_few};
use fl_core::{
    AggregateError, Cost, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, choice, spec,
};

spec! {
    /// The mean of the m messages with the smallest Krum scores, `z = (1/m) Σ_{w ∈ M} v_w`.
    ///
    /// The score of a message is that of [`crate::Krum`]: the sum of squared distances to its `W − f − 2` nearest others.
    /// With `m = 1` this is Krum, with `m = W` the mean.
    /// Of equal scores those of the lowest worker indices are taken.
    ///
    /// # Requirements
    /// `1 ≤ m ≤ W`, and a neighbour for every message: `W ≥ f + 3`.
    ///
    /// # Cost
    /// `O(W² log W)` on the distances; with [`Picks::OneByOne`] `O(W² m)` more.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    /// The requirement must then hold for what is left.
    ///
    /// # Robustness
    /// Withstands as many Byzantine messages as Krum. For `m ≤ W − f` its κ is that of [`crate::Krum`] with as many
    /// neighbours: the m best scores are on average no larger than those of m regular messages.
    /// With `m > W − f` a Byzantine message is always part of the mean.
    ///
    /// # Elsewhere
    /// byzfl takes `m = W − f`, with one neighbour more; ByzantineMomentum `m = W − f − 2`, with distances that are not
    /// squared; FLPoison the best fifth; Flower weighs the chosen ones by the numbers of samples that their clients report.
    /// Byrd-SAGA, IOS and LPA pick one by one, judging those that remain anew: [`Picks::OneByOne`].
    /// Two repositories of epfml return the sum of the m messages instead of their mean, which is right for `m = 1` alone;
    /// that is not offered.
    ///
    /// # Reference
    /// Blanchard, El Mhamdi, Guerraoui, Stainer, *Machine learning with adversaries: Byzantine tolerant gradient descent*,
    /// NeurIPS 2017. The first published κ is Bareilles, Bouaziz, Fageot, El Mhamdi, *Byzantine machine learning: MultiKrum and
    /// an optimal notion of robustness*, 2026 (arXiv 2602.03899); ours is derived above.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, MultiKrum, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [3.0], [2.0], [100.0]]);
    /// let (mean, _) = aggregate(MultiKrum::default(), &messages, 1)?;
    /// assert_eq!(mean, [2.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct MultiKrum {
        /// How many messages are averaged; W − f without it.
        pub m: Option<usize> = None,
        /// Which score.
        pub variant: KrumVariant = KrumVariant::Paper,
        /// How the m messages are picked.
        pub picks: Picks = Picks::Once,
    }
}

choice! {
    /// How several messages are picked by their scores.
    pub enum Picks {
        /// All by one set of scores, as Blanchard et al. define it.
        Once,
        /// The best one first, the next among those that remain, with scores of their own: by as many neighbours as the
        /// variant gives so many messages, and by at least one.
        OneByOne,
    }
}

impl MultiKrum {
    fn m(&self, shape: Shape) -> usize {
        self.m.unwrap_or(shape.workers.saturating_sub(shape.byzantine))
    }
}

impl RuleSpec for MultiKrum {
    fn name(&self) -> &'static str {
        "multi-krum"
    }

    fn cost(&self, shape: Shape) -> Cost {
        let (w, m) = (shape.workers as f64, self.m(shape) as f64);
        let cost = Cost::quadratic(shape, 1);
        match self.picks {
            Picks::Once => cost,
            Picks::OneByOne => cost.with_operations(w * w * m),
        }
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        more_than_f("multi-krum", shape)?;
        self.variant.check("multi-krum", shape)?;
        let m = self.m(shape);
        if m == 0 || m > shape.workers {
            let allowed = format!("between 1 and the number of messages, {}", shape.workers);
            return Err(SpecError::new("m", allowed, m).of("multi-krum"));
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            scores: krum_scores::Scores::new(shape.workers),
            one_by_one: krum_scores::Picks::new(shape.workers),
            keys: vec![0.0; shape.workers],
            order: Vec::with_capacity(shape.workers),
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        self.variant.tolerates(workers).min(workers.saturating_sub(self.m.unwrap_or(1)))
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        let proven = self.picks == Picks::Once && self.m(shape) + shape.byzantine <= shape.workers;
        self.variant.kappa(shape).filter(|_| proven)
    }
}

#[derive(Debug)]
struct Run {
    spec: MultiKrum,
    scores: krum_scores::Scores,
    one_by_one: krum_scores::Picks,
    keys: Vec<f64>,
    order: Vec<u32>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let (shape, geometry) = (inputs.shape(), inputs.geometry);
        let Self { spec, scores, one_by_one, keys, order } = self;
        spec.check(shape).map_err(too_few(shape))?;
        let m = spec.m(shape);
        match spec.picks {
            Picks::Once => {
                let neighbours = spec.variant.neighbours(shape).unwrap_or(1);
                scores.start(geometry, spec.variant, neighbours);
                let keys = &mut keys[..shape.workers];
                for (w, key) in keys.iter_mut().enumerate() {
                    *key = scores.score(geometry, w, spec.variant, neighbours);
                }
                by_key(keys, order);
                order.truncate(m);
            }
            Picks::OneByOne => {
                order.clear();
                one_by_one.start(geometry);
                for _ in 0..m {
                    order.push(one_by_one.take(geometry, spec.variant, shape.byzantine) as u32);
                }
            }
        }
        average(order, weights);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Krum, Mean, Messages, aggregate};

    fn run(rule: MultiKrum, rows: &[[f64; 1]], byzantine: usize) -> f64 {
        aggregate(rule, &Messages::from_rows(rows), byzantine).expect("a valid shape").0[0]
    }

    const ROWS: [[f64; 1]; 7] = [[0.3], [1.0], [0.5], [9.0], [0.2], [1.4], [0.6]];

    #[test]
    fn with_one_message_it_is_krum_and_with_all_the_mean() {
        let one = MultiKrum { m: Some(1), ..MultiKrum::default() };
        let (krum, _) = aggregate(Krum::default(), &Messages::from_rows(&ROWS), 2).expect("valid");
        assert_eq!(run(one, &ROWS, 2), krum[0]);
        let all = MultiKrum { m: Some(7), ..MultiKrum::default() };
        let (mean, _) = aggregate(Mean, &Messages::from_rows(&ROWS), 2).expect("valid");
        assert!((run(all, &ROWS, 2) - mean[0]).abs() < 1e-15);
    }

    #[test]
    fn picking_one_by_one_judges_those_that_remain_anew() {
        // f = 1 and two neighbours of five, then one of four: after 1.0 is gone, 5.0 and 5.3 are the closest pair.
        let rows = [[0.0], [1.0], [2.0], [5.0], [5.3]];
        let picks = Picks::OneByOne;
        let rule = MultiKrum { m: Some(2), picks, ..MultiKrum::default() };
        assert_eq!(run(rule, &rows, 1), (1.0 + 5.0) / 2.0);
        // By one set of scores: 2 for 1.0, and 5 for both 0.0 and 2.0, of which the lower index is taken.
        let once = MultiKrum { m: Some(2), ..MultiKrum::default() };
        assert_eq!(run(once, &rows, 1), 0.5);
    }

    #[test]
    fn equal_scores_go_to_the_lowest_worker_indices() {
        let rule = MultiKrum { m: Some(3), ..MultiKrum::default() };
        assert_eq!(
            run(rule, &[[4.0], [1.0], [4.0], [1.0], [4.0], [1.0]], 1),
            (4.0 + 1.0 + 4.0) / 3.0
        );
    }

    #[test]
    fn m_of_nothing_or_of_more_than_there_is_is_refused() {
        let error = |m, workers| {
            let rule = MultiKrum { m: Some(m), ..MultiKrum::default() };
            rule.check(Shape { workers, byzantine: 1 }).unwrap_err().to_string()
        };
        let allowed = "multi-krum: m must be between 1 and the number of messages, 7, got";
        assert_eq!(error(0, 7), format!("{allowed} 0"));
        assert_eq!(error(8, 7), format!("{allowed} 8"));
        assert_eq!(
            error(1, 3),
            "multi-krum: the number of messages must be at least 4 (f + 3, for f = 1 Byzantine), got 3"
        );
    }
}
