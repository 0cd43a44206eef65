//! FLAME: the majority that points the same way, clipped to the median norm.

use crate::shared::cosine::cosine_distance;
use crate::shared::select::{by_key, minority};
use fl_core::{
    AggregateError, Cost, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, spec,
};

spec! {
    /// FLAME admits a majority of messages that point the same way, and averages them, clipped to the median of all norms.
    ///
    /// ```text
    /// z = (1/|A|) Σ_{w ∈ A} min(1, S/‖v_w‖) v_w,     S = median_w ‖v_w‖
    /// A = the first set of at least m = ⌊W/2⌋ + 1 messages that single linkage joins, by the distance 1 − cos(v_i, v_j)
    /// ```
    ///
    /// Its authors cluster by HDBSCAN with a least cluster of m, neighbourhoods of one and a single cluster allowed; that is A.
    /// No two clusters can have a majority, so that the tree of clusters is its root alone. What is left in the root when it falls below m is the first set of m that
    /// single linkage has joined. S is the lower median for an even W, so that it is a message's norm.
    /// Of equal distances those of the lowest workers join first. f is not used.
    ///
    /// # Requirements
    /// At least one message.
    ///
    /// # Cost
    /// `O(W³)` on the distances.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// With fewer than `W/2` Byzantine messages S is at most the longest regular message, and so is the output.
    /// That is no protection against a wrong direction: of A only `m − f` messages are sure to be regular, and Byzantine ones
    /// may chain them to others. There is no κ.
    ///
    /// # Elsewhere
    /// Its authors add Gaussian noise to the output, against backdoors, with a multiple of S for its standard deviation; here
    /// there is none.
    ///
    /// # Reference
    /// Nguyen et al., *FLAME: taming backdoors in federated learning*, USENIX Security 2022.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Flame, Messages, aggregate};
    ///
    /// // Norms 1, 2, 2 and 9: the last one points elsewhere and 2 is the median.
    /// let messages = Messages::from_rows(&[[1.0f64, 0.0], [2.0, 0.0], [2.0, 0.0], [0.0, 9.0]]);
    /// let (z, _) = aggregate(Flame, &messages, 1)?;
    /// assert!((z[0] - 5.0 / 3.0).abs() < 1e-12 && z[1] == 0.0);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Flame;
}

impl RuleSpec for Flame {
    fn name(&self) -> &'static str {
        "flame"
    }

    fn cost(&self, shape: Shape) -> Cost {
        Cost::quadratic(shape, 0).with_operations((shape.workers as f64).powi(3))
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers == 0 {
            return Err(SpecError::new("the number of messages", "at least 1", 0).of("flame"));
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        let n = shape.workers;
        Ok(Rule::geometric(Run {
            distances: vec![0.0; n * n],
            set: Vec::with_capacity(n),
            norms: Vec::with_capacity(n),
            order: Vec::with_capacity(n),
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }
}

#[derive(Debug)]
struct Run {
    /// `1 − cos`, row by row.
    distances: Vec<f64>,
    /// The set that each message is in, by the lowest worker in it.
    set: Vec<u32>,
    norms: Vec<f64>,
    order: Vec<u32>,
}

impl Run {
    /// Joins the two nearest sets until one has a majority; the lowest worker in it.
    fn majority(&mut self, workers: usize) -> u32 {
        let Self { distances, set, .. } = self;
        set.clear();
        set.extend(0..workers as u32);
        loop {
            let size = |of: u32| set.iter().filter(|&&s| s == of).count();
            if let Some(&large) = set.iter().find(|&&s| size(s) > workers / 2) {
                return large;
            }
            let mut nearest = (f64::INFINITY, 0, 0);
            for i in 0..workers {
                for j in i + 1..workers {
                    let d = distances[i * workers + j];
                    if set[i] != set[j] && d < nearest.0 {
                        nearest = (d, set[i].min(set[j]), set[i].max(set[j]));
                    }
                }
            }
            let (_, low, high) = nearest;
            set.iter_mut().filter(|s| **s == high).for_each(|s| *s = low);
        }
    }
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let geometry = inputs.geometry;
        let workers = geometry.workers();
        for i in 0..workers {
            for j in i + 1..workers {
                self.distances[i * workers + j] = cosine_distance(geometry, i, j);
            }
        }
        let majority = self.majority(workers);
        self.norms.clear();
        self.norms.extend((0..workers).map(|w| geometry.distance(w, geometry.origin())));
        by_key(&self.norms, &mut self.order);
        let median = self.order[(workers - 1) / 2] as usize;
        let admitted = self.set.iter().filter(|&&s| s == majority).count();
        let (share, mut sum) = (1.0 / admitted as f64, 0.0);
        for (w, _) in self.set.iter().enumerate().filter(|(_, s)| **s == majority) {
            // NaN where both are 0: nothing to clip.
            let factor = geometry.norm_ratio(median, w);
            weights[w] = if factor < 1.0 { share * factor } else { share };
            sum += if factor < 1.0 { share * (1.0 - factor) } else { 0.0 };
        }
        weights[geometry.origin()] = sum;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn run(rows: &[[f64; 2]]) -> Vec<f64> {
        aggregate(Flame, &Messages::from_rows(rows), 0).expect("valid").0
    }

    fn close(z: &[f64], x: f64, y: f64) -> bool {
        (z[0] - x).abs() < 1e-12 && (z[1] - y).abs() < 1e-12
    }

    #[test]
    fn sets_join_by_angle_until_one_has_a_majority() {
        // At 0°, 1°, 90°, 92° and 95°, all of length 1: 0° and 1° join, 90° and 92°, and 95° to these, which are three of five.
        let at = |degrees: f64| [degrees.to_radians().cos(), degrees.to_radians().sin()];
        let rows = [0.0, 1.0, 90.0, 92.0, 95.0].map(at);
        let mean = |k: usize| (rows[2][k] + rows[3][k] + rows[4][k]) / 3.0;
        assert!(close(&run(&rows), mean(0), mean(1)));
    }

    #[test]
    fn a_join_may_admit_more_than_a_bare_majority() {
        // Two pairs and a loner: the pairs join before 180° does, and 4 of 5 are admitted.
        let at = |degrees: f64| [degrees.to_radians().cos(), degrees.to_radians().sin()];
        let rows = [0.0, 1.0, 20.0, 21.0, 180.0].map(at);
        let mean = |k: usize| rows[..4].iter().map(|r| r[k]).sum::<f64>() / 4.0;
        assert!(close(&run(&rows), mean(0), mean(1)));
    }

    #[test]
    fn long_messages_are_clipped_to_the_median_of_all() {
        // Norms 2, 100, 1: the median is 2. The first two point the same way.
        let z = run(&[[2.0, 0.0], [100.0, 0.0], [0.0, 1.0]]);
        assert!(close(&z, 2.0, 0.0));
        assert_eq!(run(&[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]), [0.0, 0.0]);
    }
}
