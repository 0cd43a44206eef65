//! Centered clipping.

use crate::shared::select::points;
use fl_core::{
    AggregateError, GeometricRule, Inputs, Needs, Rule, RuleSpec, Shape, SpecError, choice, spec,
};

spec! {
    /// Centered clipping moves from its last output towards every message, but no farther than τ towards any.
    ///
    /// ```text
    /// v⁰ = the last output, 0 in the first round
    /// v^{l+1} = v^l + (1/W) Σ_w (v_w − v^l) min(1, τ/‖v_w − v^l‖),     l = 0 … L − 1
    /// z = v^L
    /// ```
    ///
    /// The last output is the rule's memory: a run that is resumed must be given it, and only with
    /// [`ClippingStart::Origin`] is there none.
    ///
    /// # Requirements
    /// At least one message, `τ > 0`, and `L ≥ 1`. f is not used.
    /// τ is a length in the units of the messages: the rule does not scale with them.
    ///
    /// # Cost
    /// `O(W²)` an iteration on the distances; the last output is one more row in both passes.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// A message moves an iterate by at most `τ/W`, and all of them by `τ` an iteration, whatever they are.
    /// Its authors prove an error of `4000 δ ρ²` for `δ = f/W ≤ 0.1`, i.i.d. regular messages of variance ρ², a τ that
    /// follows from ρ and the error of `v⁰`, and enough iterations. Without knowing how good `v⁰` is there is no κ.
    ///
    /// # Elsewhere
    /// All take the last output for `v⁰` but FedML, which takes a bucket at random. τ and L differ: the authors' code (and
    /// byzfl) 100 and 1; epfml's later code 10, or 10/(1 − momentum), and 3; Blades 5 and 5, once 10 and 5;
    /// FL-Byzantine-Library 1 and 1; LPA 10 and 1. byzfl's setting for `v⁰` raises an error whatever is given.
    ///
    /// # Reference
    /// Karimireddy, He, Jaggi, *Learning from history for Byzantine robust optimization*, ICML 2021.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{CenteredClipping, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[0.2], [0.4], [-1e9], [0.6]]);
    /// let rule = CenteredClipping { tau: 1.0, ..CenteredClipping::default() };
    /// let (z, _) = aggregate(rule, &messages, 1)?;
    /// assert!((z[0] - (0.2 + 0.4 - 1.0 + 0.6) / 4.0f64).abs() < 1e-6);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct CenteredClipping {
        /// τ: how far an iterate may be moved towards a message (before the division by W).
        pub tau: f64 = 100.0,
        /// L: how many iterations a round.
        pub iterations: u32 = 1,
        /// v⁰: where they begin.
        pub start: ClippingStart = ClippingStart::Previous,
    }
}

choice! {
    /// Where centered clipping begins a round.
    pub enum ClippingStart {
        /// At the last round's output, and at 0 in the first round.
        Previous,
        /// At 0 in every round: the rule then has no memory, and clips norms.
        Origin,
    }
}

impl RuleSpec for CenteredClipping {
    fn name(&self) -> &'static str {
        "centered-clipping"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if self.tau.is_nan() || self.tau <= 0.0 {
            return Err(SpecError::new("tau", "above 0", self.tau).of("centered-clipping"));
        }
        if self.iterations == 0 {
            return Err(SpecError::new("iterations", "at least 1", 0).of("centered-clipping"));
        }
        if shape.workers == 0 {
            return Err(
                SpecError::new("the number of messages", "at least 1", 0).of("centered-clipping")
            );
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            c: points(shape),
            dc: points(shape),
            roots: vec![0.0; shape.workers],
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        workers / 10
    }
}

#[derive(Debug)]
struct Run {
    spec: CenteredClipping,
    /// Affine coefficients of the iterate, and D times them.
    c: Vec<f64>,
    dc: Vec<f64>,
    /// Roots of distances that are not in D.
    roots: Vec<f64>,
}

impl GeometricRule for Run {
    fn needs(&self) -> Needs {
        Needs { previous: self.spec.start == ClippingStart::Previous, ..Needs::default() }
    }

    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let Inputs { geometry, probe, .. } = inputs;
        let workers = geometry.workers();
        let tau = self.spec.tau / geometry.unit();
        let share = 1.0 / workers as f64;
        let start = geometry.previous().unwrap_or(geometry.origin());
        let (c, dc) = (&mut self.c[..geometry.points()], &mut self.dc[..geometry.points()]);
        c.fill(0.0);
        c[start] = 1.0;
        for iteration in 0..self.spec.iterations {
            geometry.times(c, dc);
            let half = 0.5 * c.iter().zip(&*dc).map(|(c, dc)| c * dc).sum::<f64>();
            // Beside a far message with a tiny weight the distances cancel; where it begins there is nothing to cancel.
            let lost = geometry.relative_error() * (dc[start].abs() + half.abs());
            let lost = iteration > 0 && (lost > 0.01 * tau * tau || geometry.has_many_scales());
            let again = lost && probe.roots_from(c, &mut self.roots[..workers]);
            // What all messages together take from the weights that were there.
            let mut moved = 0.0;
            for w in 0..workers {
                // The distance, and τ in terms of it.
                let (distance, part) = if again {
                    let root = self.roots[w];
                    (root * root, tau / root / root)
                } else if iteration == 0 {
                    (geometry.distance(start, w), geometry.ratio(tau, start, w))
                } else {
                    let distance = (dc[w] - half).max(0.0).sqrt();
                    (distance, tau / distance)
                };
                let step = if distance > tau { share * part } else { share };
                // Below the normal numbers rounding is no small part of it, and may only shorten.
                dc[w] = if step.is_normal() { step } else { step.next_down().max(0.0) };
                moved += dc[w];
            }
            let rest = 1.0 - moved;
            for x in c.iter_mut() {
                *x *= if rest.abs() < 4.0 * f64::EPSILON { 0.0 } else { rest };
            }
            for (c, by) in c[..workers].iter_mut().zip(&dc[..workers]) {
                *c += by;
            }
        }
        weights.copy_from_slice(c);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mean, Messages, aggregate};
    use fl_core::{Cx, Pipeline, Streams};

    #[test]
    fn with_a_large_radius_it_is_the_mean_wherever_it_begins() {
        let messages = Messages::from_rows(&[[1.0, 7.0], [2.0, -3.0], [6.0, 5.0]]);
        let (out, _) = aggregate(CenteredClipping::default(), &messages, 0).expect("valid");
        let (mean, _): (Vec<f64>, _) = aggregate(Mean, &messages, 0).expect("valid");
        for (a, b) in out.iter().zip(mean) {
            assert!((a - b).abs() < 1e-14);
        }
    }

    #[test]
    fn the_second_round_begins_at_the_first_output() {
        let shape = Shape { workers: 2, byzantine: 0 };
        let spec = CenteredClipping { tau: 1.0, iterations: 2, ..CenteredClipping::default() };
        let mut rule =
            Pipeline::<f64>::build(Vec::new(), Box::new(spec.clone()), shape, 1).expect("valid");
        let step = |rule: &mut Pipeline<f64>, rows: [[f64; 1]; 2]| {
            let mut out = [f64::NAN];
            let streams = Streams::new(0);
            let messages = Messages::from_rows(&rows);
            rule.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out).expect("valid");
            out[0]
        };
        // From 0 by 1 twice; from 2 by (−1 + 1)/2 twice; from 2 half of the way to 2.5 and 1 back: 1.75, then 1.625.
        assert_eq!(step(&mut rule, [[10.0], [20.0]]), 2.0);
        assert_eq!(step(&mut rule, [[-10.0], [20.0]]), 2.0);
        let last = step(&mut rule, [[2.5], [-20.0]]);
        assert!((last - 1.625).abs() < 1e-13, "{last}");
        // A pipeline that takes up the memory goes on in the same way.
        let mut other =
            Pipeline::<f64>::build(Vec::new(), Box::new(spec), shape, 1).expect("valid");
        other.restore(rule.memory().expect("a rule with memory"));
        let rows = [[3.0], [-5.0]];
        assert_eq!(step(&mut other, rows), step(&mut rule, rows));
    }

    #[test]
    fn from_the_origin_it_clips_norms_and_remembers_nothing() {
        let rule =
            CenteredClipping { tau: 5.0, start: ClippingStart::Origin, ..Default::default() };
        let shape = Shape { workers: 2, byzantine: 0 };
        let mut pipeline =
            Pipeline::<f64>::build(Vec::new(), Box::new(rule), shape, 2).expect("valid");
        assert_eq!(pipeline.memory(), None);
        let messages = Messages::from_rows(&[[30.0, 40.0], [1.0, -2.0]]);
        for round in 0..2 {
            let mut out = [f64::NAN; 2];
            let streams = Streams::new(0);
            pipeline
                .aggregate(&Cx::new(&streams, round), messages.view(), &mut out)
                .expect("valid");
            assert!((out[0] - 2.0).abs() < 1e-14 && (out[1] - 1.0).abs() < 1e-14, "{out:?}");
        }
    }

    #[test]
    fn the_radius_is_a_length_also_where_squares_overflow() {
        let rule = CenteredClipping { tau: 3e200, ..CenteredClipping::default() };
        let (out, _) =
            aggregate(rule, &Messages::from_rows(&[[9e200], [1e200]]), 0).expect("valid");
        assert!((out[0] / 2e200 - 1.0f64).abs() < 1e-14);
    }

    #[test]
    fn a_radius_of_nothing_is_refused() {
        let error = |tau, iterations| {
            let rule = CenteredClipping { tau, iterations, ..CenteredClipping::default() };
            rule.check(Shape { workers: 3, byzantine: 0 }).unwrap_err().to_string()
        };
        assert_eq!(error(0.0, 1), "centered-clipping: tau must be above 0, got 0");
        assert_eq!(error(-2.0, 1), "centered-clipping: tau must be above 0, got -2");
        assert!(error(f64::NAN, 1).ends_with("got NaN"));
        assert_eq!(error(1.0, 0), "centered-clipping: iterations must be at least 1, got 0");
    }
}
