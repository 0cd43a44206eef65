//! Huber aggregation: a mean for what is near, a geometric median for what is far.

use crate::shared::select::{minority, points};
use fl_core::{
    AggregateError, Cost, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, spec,
};

spec! {
    /// Huber aggregation: the point with the least sum of Huber's losses of its distances to the messages.
    ///
    /// ```text
    /// z = argmin_z Σ_w φ(‖z − v_w‖),     φ(u) = u²/2 for u ≤ τ,  τ u − τ²/2 for u > τ
    /// z ← Σ_w c_w v_w / Σ_w c_w,         c_w = min(1, τ/‖z − v_w‖)
    /// ```
    ///
    /// With all messages within τ of their mean it is the mean; for τ towards 0 it is the geometric median.
    /// It begins at the message whose median distance to all is least.
    /// It ends when no weight changes by more than 10⁻¹² of itself, or after so many iterations. f is not used.
    ///
    /// # Requirements
    /// At least one message, a finite `τ > 0`, and at least one iteration.
    /// τ is a length in the units of the messages: the rule does not scale with them.
    ///
    /// # Cost
    /// `O(W²)` an iteration on the distances. Beside messages that are very far distances cancel, and an iteration costs a pass
    /// over the messages.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2. At the minimum the pulls `c_w (v_w − z)` cancel, and none is longer than τ. Let D be the distance from
    /// z to the regular messages' mean, and ρ the largest of a regular message. If `D > τ + ρ`, every regular pull has length
    /// τ and a part of at least `τ √(1 − ρ²/D²)` towards that mean; f others cannot outdo them unless
    /// `(W − f) √(1 − ρ²/D²) ≤ f`. So `D ≤ max(τ + ρ, ρ (W − f)/√(W (W − 2f)))`.
    /// The bound does not vanish with ρ, so there is no κ.
    ///
    /// # Elsewhere
    /// Its authors give each worker a loss of its own, with a threshold that falls with its number of samples.
    ///
    /// # Reference
    /// Zhao, Yu, Wan, *A Huber loss minimization approach to Byzantine robust federated learning*, AAAI 2024; the bound is
    /// derived above.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Huber, Messages, aggregate};
    ///
    /// // 0, 1 and 2 count by their squares, and the far one pulls with a force of 3: (1 − z) 3 + 3 = 0.
    /// let messages = Messages::from_rows(&[[0.0], [1.0], [2.0], [1e6]]);
    /// let (z, _) = aggregate(Huber { tau: 3.0, ..Huber::default() }, &messages, 1)?;
    /// assert!((z[0] - 2.0f64).abs() < 1e-9);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Huber {
        /// τ: up to which distance squares count.
        pub tau: f64 = 1.0,
        /// Most iterations.
        pub iterations: u32 = 300,
    }
}

impl RuleSpec for Huber {
    fn name(&self) -> &'static str {
        "huber"
    }

    fn cost(&self, shape: Shape) -> Cost {
        let w = shape.workers as f64;
        Cost::quadratic(shape, 0).with_operations(f64::from(self.iterations) * w * w)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        let error = match shape.workers {
            0 => SpecError::new("the number of messages", "at least 1", 0),
            _ if !(self.tau > 0.0 && self.tau.is_finite()) => {
                SpecError::new("tau", "a finite number above 0", self.tau)
            }
            _ if self.iterations == 0 => SpecError::new("iterations", "at least 1", 0),
            _ => return Ok(()),
        };
        Err(error.of("huber"))
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            dc: points(shape),
            roots: vec![0.0; shape.workers],
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }
}

#[derive(Debug)]
struct Run {
    spec: Huber,
    /// D times the weights.
    dc: Vec<f64>,
    /// Roots of distances.
    roots: Vec<f64>,
}

impl Run {
    /// The message whose median distance to all is least, the lowest of several.
    fn middle(&mut self, inputs: &Inputs<'_>) -> usize {
        let workers = inputs.geometry.workers();
        let mut best = (f64::INFINITY, 0);
        for w in 0..workers {
            let row = &mut self.roots[..workers];
            row.copy_from_slice(inputs.geometry.row(w));
            let (_, &mut median, _) = row.select_nth_unstable_by(workers / 2, f64::total_cmp);
            if median < best.0 {
                best = (median, w);
            }
        }
        best.1
    }
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let workers = inputs.geometry.workers();
        weights[self.middle(&inputs)] = 1.0;
        let Inputs { geometry, probe, .. } = inputs;
        let tau = self.spec.tau / geometry.unit();
        // Squares are known to 100 times the error of numbers of that size, or to ten digits.
        let cancelled = (1e-10 / geometry.relative_error()).max(100.0);
        let (dc, roots) = (&mut self.dc[..workers], &mut self.roots[..workers]);
        for _ in 0..self.spec.iterations {
            geometry.times(weights, dc);
            let half = 0.5 * weights.iter().zip(&*dc).map(|(c, dc)| c * dc).sum::<f64>();
            let nearest = dc.iter().fold(f64::INFINITY, |least, dc| least.min(dc - half));
            // Beside a far message with a tiny weight the distances cancel.
            let lost = half.abs() > cancelled * nearest.max(tau * tau);
            let again = (lost || geometry.has_many_scales()) && probe.roots_from(weights, roots);
            let mut total = 0.0;
            for (root, &dc) in roots.iter_mut().zip(&*dc) {
                if !again {
                    *root = (dc - half).max(0.0).sqrt().sqrt();
                }
                // In this order, since the distance itself may be beyond the largest number.
                *root = (tau / *root / *root).min(1.0);
                total += *root;
            }
            let mut moved = 0.0f64;
            for (c, new) in weights.iter_mut().zip(&*roots) {
                let new = new / total;
                moved = moved.max((new - *c).abs() / new.max(f64::MIN_POSITIVE));
                *c = new;
            }
            if moved <= 1e-12 {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn run(tau: f64, rows: &[[f64; 1]]) -> f64 {
        let rule = Huber { tau, ..Huber::default() };
        aggregate(rule, &Messages::from_rows(rows), 0).expect("valid").0[0]
    }

    #[test]
    fn what_is_near_is_averaged() {
        assert!((run(100.0, &[[1.0], [2.0], [6.0]]) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn far_messages_pull_with_the_same_force_wherever_they_are() {
        // (0 − z) + (1 − z) + (2 − z) + 1.5 = 0, for any far message, until it is within 1.5.
        for far in [4.0, 50.0, 1e9, 1e200] {
            assert!((run(1.5, &[[0.0], [1.0], [2.0], [far]]) - 1.5).abs() < 1e-9, "{far}");
        }
        // Two of them on one side, one on the other: (1 − z) 3 + 2 − 1 = 0.
        let z = run(1.0, &[[1.0], [9.0], [1.0], [-7.0], [1.0], [30.0]]);
        assert!((z - 4.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let shape = Shape { workers: 3, byzantine: 1 };
        let error = |rule: Huber| rule.check(shape).unwrap_err().to_string();
        let none = Huber { tau: 0.0, ..Huber::default() };
        assert_eq!(error(none), "huber: tau must be a finite number above 0, got 0");
        let never = Huber { iterations: 0, ..Huber::default() };
        assert_eq!(error(never), "huber: iterations must be at least 1, got 0");
    }
}
