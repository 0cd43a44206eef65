//! Weiszfeld's iteration as other projects run it.

use crate::shared::select::points;
use fl_core::{
    AggregateError, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, choice, spec,
};

spec! {
    /// Weiszfeld's iteration as other projects run it: a fixed number of times, or until a step is shorter than an absolute
    /// length.
    ///
    /// ```text
    /// z ← Σ_w v_w / d_w / Σ_w 1 / d_w,     d_w = max(‖z − v_w‖, ν),  or 1 where that is 0
    /// ```
    ///
    /// It is here to repeat published numbers. For the geometric median itself take [`crate::GeometricMedian`].
    /// It is faster, says how far it is from the minimum, and does not depend on the size of the messages.
    ///
    /// # Requirements
    /// At least one message, at least one iteration, `tolerance ≥ 0` and `ν ≥ 0`. f is not used.
    ///
    /// # Cost
    /// `O(W²)` an iteration on the distances.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// That of the point where it stops. With ν above all distances all weights are equal and the output is the *mean*, with a
    /// breakdown point of 0: that happens silently once gradients are small, and variance reduction makes them small.
    /// With few iterations from 0 the start shows; with the authors' 80 the data of the paper's Figure 7 need 279 for a
    /// relative gap of 10⁻⁶.
    ///
    /// # Elsewhere
    /// | project | start | iterations | tolerance | ν |
    /// |---|---|---|---|---|
    /// | Byrd-SAGA, IOS, LPA | mean | 80 | 1e-5 | 0 |
    /// | RSA | mean | 1000 | 1e-7 | 0 |
    /// | Blades (fedlib) | mean | 100 | on F: not here | 1e-6 |
    /// | byzfl; epfml | origin | 3; 8 or 3 | 0 | 0.1 |
    /// | FL-Byzantine-Library; FLPoison | origin | 3 | 0 | 0.1; 1e-6 |
    ///
    /// # Reference
    /// Weiszfeld, *Sur le point pour lequel la somme des distances de n points donnés est minimum*, 1937; with ν as in
    /// Pillutla, Kakade, Harchaoui, *Robust aggregation for federated learning*, IEEE Transactions on Signal Processing 2022.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{GeometricMedian, Messages, Weiszfeld, WeiszfeldStart, aggregate};
    ///
    /// // Small gradients, one of them a lie: the true median is 0.001, and byzfl's settings return the mean.
    /// let messages = Messages::from_rows(&[[0.001], [0.001], [0.001], [0.05]]);
    /// let byzfl = Weiszfeld { start: WeiszfeldStart::Origin, iterations: 3, tolerance: 0.0, floor: 0.1 };
    /// let (z, _) = aggregate(byzfl, &messages, 1)?;
    /// assert!((z[0] - 0.053 / 4.0f64).abs() < 1e-12);
    /// assert_eq!(aggregate(GeometricMedian::default(), &messages, 1)?.0, [0.001]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Weiszfeld {
        /// Where it begins.
        pub start: WeiszfeldStart = WeiszfeldStart::Mean,
        /// Most iterations.
        pub iterations: u32 = 80,
        /// Stop when a step is no longer than this, in the units of the messages.
        pub tolerance: f64 = 1e-5,
        /// ν: distances below count as this, in the units of the messages.
        pub floor: f64 = 0.0,
    }
}

choice! {
    /// Where Weiszfeld's iteration begins.
    pub enum WeiszfeldStart {
        /// At the mean of the messages.
        Mean,
        /// At 0.
        Origin,
    }
}

impl RuleSpec for Weiszfeld {
    fn name(&self) -> &'static str {
        "weiszfeld"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers == 0 {
            return Err(SpecError::new("the number of messages", "at least 1", 0).of("weiszfeld"));
        }
        if self.iterations == 0 {
            return Err(SpecError::new("iterations", "at least 1", 0).of("weiszfeld"));
        }
        for (name, x) in [("tolerance", self.tolerance), ("floor", self.floor)] {
            if !(x >= 0.0 && x.is_finite()) {
                return Err(SpecError::new(name, "a finite number, at least 0", x).of("weiszfeld"));
            }
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            dc: points(shape),
            next: points(shape),
            roots: vec![0.0; shape.workers],
        }))
    }
}

#[derive(Debug)]
struct Run {
    spec: Weiszfeld,
    dc: Vec<f64>,
    next: Vec<f64>,
    /// Roots of distances that are not in D.
    roots: Vec<f64>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let Inputs { geometry, probe, .. } = inputs;
        let (workers, points) = (geometry.workers(), geometry.points());
        let (floor, tolerance) =
            (self.spec.floor / geometry.unit(), self.spec.tolerance / geometry.unit());
        let one = 1.0 / geometry.unit();
        match self.spec.start {
            WeiszfeldStart::Mean => weights[..workers].fill(1.0 / workers as f64),
            WeiszfeldStart::Origin => weights[geometry.origin()] = 1.0,
        }
        let (dc, next) = (&mut self.dc[..points], &mut self.next[..points]);
        for _ in 0..self.spec.iterations {
            geometry.times(weights, dc);
            let half = 0.5 * weights.iter().zip(&*dc).map(|(c, dc)| c * dc).sum::<f64>();
            let error = |dc: f64, epsilon: f64| epsilon * (dc.abs() + half.abs());
            // Beside a far message with a tiny weight the distances cancel.
            let epsilon = 10.0 * geometry.relative_error();
            let cancel = dc[..workers].iter().filter(|&&dc| dc - half <= error(dc, epsilon));
            let again = (geometry.has_many_scales() || 2 * cancel.count() > workers)
                && probe.roots_from(weights, &mut self.roots[..workers]);
            next.fill(0.0);
            let mut total = 0.0;
            for w in 0..workers {
                // What is left of equal numbers is rounding: the distance is 0.
                let square = dc[w] - half;
                let root = self.roots[w];
                next[w] = if again && root * root > floor {
                    // In this order, since the distance itself may be beyond the largest number.
                    1.0 / root / root
                } else {
                    let none = again || square <= error(dc[w], 16.0 * f64::EPSILON);
                    let distance = if none { floor } else { square.sqrt().max(floor) };
                    1.0 / if distance == 0.0 { one } else { distance }
                };
                total += next[w];
            }
            for (next, c) in next.iter_mut().zip(weights.iter_mut()) {
                *next /= total;
                *c = *next - *c;
            }
            let step = match again {
                false => geometry.length(weights),
                true => {
                    // As far as the first message is from itself and the step.
                    weights[0] += 1.0;
                    probe.roots_from(weights, &mut self.roots[..workers]);
                    self.roots[0].powi(2)
                }
            };
            weights.copy_from_slice(next);
            if step <= tolerance {
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

    #[test]
    fn two_steps_by_hand() {
        let messages = Messages::from_rows(&[[0.0], [1.0], [5.0]]);
        let run = |start, iterations| {
            let rule = Weiszfeld { start, iterations, tolerance: 0.0, floor: 0.0 };
            aggregate(rule, &messages, 0).expect("valid").0[0]
        };
        // From the mean, 2: weights 1/2, 1, 1/3.
        let one: f64 = (1.0 + 5.0 / 3.0) / (0.5 + 1.0 + 1.0 / 3.0);
        assert!((run(WeiszfeldStart::Mean, 1) - one).abs() < 1e-14);
        let w = [1.0 / one, 1.0 / (one - 1.0), 1.0 / (5.0 - one)];
        let two = (w[1] + 5.0 * w[2]) / w.iter().sum::<f64>();
        assert!((run(WeiszfeldStart::Mean, 2) - two).abs() < 1e-14);
        // From 0 the first message is at distance 0, which counts as 1.
        let one: f64 = (1.0 + 5.0 / 5.0) / (1.0 + 1.0 + 0.2);
        assert!((run(WeiszfeldStart::Origin, 1) - one).abs() < 1e-14);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let error = |rule: Weiszfeld| {
            rule.check(Shape { workers: 2, byzantine: 0 }).unwrap_err().to_string()
        };
        assert_eq!(
            error(Weiszfeld { iterations: 0, ..Default::default() }),
            "weiszfeld: iterations must be at least 1, got 0"
        );
        assert_eq!(
            error(Weiszfeld { floor: -0.1, ..Default::default() }),
            "weiszfeld: floor must be a finite number, at least 0, got -0.1"
        );
        assert!(
            error(Weiszfeld { tolerance: f64::NAN, ..Default::default() }).ends_with("got NaN")
        );
    }
}
