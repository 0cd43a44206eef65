//! Iterative outlier scissor.

use crate::shared::farthest::{self, SAME};
use crate::shared::select::{minority, more_than_f, place, too_few, weights};
use fl_core::{
    AggregateError, Cost, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, spec,
};

spec! {
    /// The iterative outlier scissor takes out the message farthest from the weighted mean of those that are left, f times,
    /// but never the worker's own; the output is the weighted mean of the rest.
    ///
    /// ```text
    /// S = {1, …, W};  f times:  S ← S \ { argmax_{w ∈ S, w ≠ o} ‖v_w − μ_S‖ },     μ_S = Σ_{w ∈ S} a_w v_w / Σ_{w ∈ S} a_w
    /// z = μ_S
    /// ```
    ///
    /// The rule comes from decentralised learning. There each worker o aggregates what its neighbours and itself have,
    /// with its row of a mixing matrix for weights. A server has neither, and then this is [`crate::Faba`].
    /// Of equally far messages (to 13 digits) the one of the highest worker index goes.
    ///
    /// # Requirements
    /// `W > f`; weights, if there are any, positive and finite, one for each worker; `o < W`. With weights or an own
    /// message nothing that mixes workers may stand before it. A round that has lost the own message is an error.
    ///
    /// # Cost
    /// `O(f W²)` on the distances.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    /// The weights of the others then keep their ratios.
    ///
    /// # Robustness
    /// Without weights or an own message that of [`crate::Faba`]: breakdown point 1/2 and the same κ.
    /// With an own message, which is regular, its authors prove convergence while Byzantine neighbours have less than a third
    /// of the weight.
    ///
    /// # Elsewhere
    /// The authors' repositories (IOS, DLPA) take out as many as there are Byzantine neighbours, as we do.
    ///
    /// # Reference
    /// Wu, Chen, Ling, *Byzantine-resilient decentralized stochastic optimization with robust aggregation rules*, IEEE
    /// Transactions on Signal Processing 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Ios, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[4.0], [0.0], [1.0], [1.0]]);
    /// // Without an own message 4.0 would go.
    /// let rule = Ios { own: Some(0), ..Ios::default() };
    /// assert_eq!(aggregate(rule, &messages, 1)?.0, [2.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Ios {
        /// o: the worker whose message always stays.
        pub own: Option<usize> = None,
        /// a_w: one positive number for each worker, of which only the ratios matter; without them all weigh the same.
        pub weights: Option<Vec<f64>> = None,
    }
}

impl RuleSpec for Ios {
    fn name(&self) -> &'static str {
        "ios"
    }

    fn cost(&self, shape: Shape) -> Cost {
        let (w, f) = (shape.workers as f64, shape.byzantine as f64);
        Cost::quadratic(shape, 0).with_operations((f + 1.0) * w * w)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        more_than_f("ios", shape)?;
        self.weights.as_ref().map_or(Ok(()), |a| weights::check("ios", a, shape.workers))
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        if let Some(a) = &self.weights {
            weights::check_all("ios", a, shape.workers)?;
        }
        if let Some(own) = self.own.filter(|&own| own >= shape.workers) {
            let allowed = format!("a worker below {}", shape.workers);
            return Err(SpecError::new("own", allowed, own).of("ios"));
        }
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            left: Vec::with_capacity(shape.workers),
            a: vec![1.0; shape.workers],
        }))
    }

    fn names_workers(&self) -> bool {
        self.own.is_some() || self.weights.is_some()
    }

    fn tolerates(&self, workers: usize) -> usize {
        if self.names_workers() { 0 } else { minority(workers) }
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        if self.names_workers() { None } else { farthest::kappa(shape) }
    }
}

#[derive(Debug)]
struct Run {
    spec: Ios,
    left: Vec<u32>,
    a: Vec<f64>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let (shape, geometry) = (inputs.shape(), inputs.geometry);
        let Self { spec, left, a } = self;
        spec.check(shape).map_err(too_few(shape))?;
        if let Some(given) = &spec.weights {
            weights::of_senders(given, inputs.senders, 1.0, &mut a[..shape.workers]);
        }
        let own = match spec.own {
            Some(own) => Some(place("ios", own, inputs.senders, shape.workers)?),
            None => None,
        };
        left.clear();
        left.extend(0..shape.workers as u32);
        for _ in 0..shape.byzantine {
            let mut farthest = (0, f64::NEG_INFINITY);
            for (at, &w) in left.iter().enumerate() {
                if own == Some(w as usize) {
                    continue;
                }
                let row = geometry.row(w as usize);
                // A ‖v_w − μ‖² is this sum less what is the same for all w.
                let sum: f64 = left.iter().map(|&i| a[i as usize] * row[i as usize]).sum();
                if sum >= farthest.1 * (1.0 - SAME) {
                    farthest = (at, sum.max(farthest.1));
                }
            }
            left.remove(farthest.0);
        }
        let total: f64 = left.iter().map(|&w| a[w as usize]).sum();
        for &w in left.iter() {
            weights[w as usize] = a[w as usize] / total;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Faba, Messages, aggregate};

    fn run(rule: Ios, rows: &[[f64; 1]], f: usize) -> Result<f64, String> {
        let out = aggregate(rule, &Messages::from_rows(rows), f);
        out.map(|(z, _)| z[0]).map_err(|e| e.to_string())
    }

    const ROWS: [[f64; 1]; 5] = [[1.0], [-6.0], [2.0], [20.0], [3.0]];

    #[test]
    fn without_settings_it_is_faba() {
        for f in 0..5 {
            let (faba, _) = aggregate(Faba, &Messages::from_rows(&ROWS), f).expect("valid");
            assert_eq!(run(Ios::default(), &ROWS, f), Ok(faba[0]));
        }
    }

    #[test]
    fn weights_move_the_mean_from_which_messages_are_far() {
        // With weight on 20 the mean is 15.3, and −6 is farthest.
        let rule = Ios { weights: Some(vec![1.0, 1.0, 1.0, 16.0, 1.0]), own: None };
        assert_eq!(run(rule, &ROWS, 1), Ok((1.0 + 2.0 + 16.0 * 20.0 + 3.0) / 19.0));
    }

    #[test]
    fn the_own_message_stays_whatever_it_is() {
        let rule = Ios { own: Some(3), weights: None };
        // The mean is 4: −6 goes, then of 1, 2, 20 and 3 around 6.5 the 1.
        let out = run(rule, &ROWS, 2).expect("valid");
        assert!((out - 25.0 / 3.0).abs() < 1e-14);
    }

    #[test]
    fn settings_that_name_no_worker_are_refused() {
        let rule = Ios { own: Some(5), weights: None };
        assert_eq!(run(rule, &ROWS, 1), Err("ios: own must be a worker below 5, got 5".into()));
        let rule = Ios { own: None, weights: Some(vec![1.0; 4]) };
        assert_eq!(
            run(rule, &ROWS, 1),
            Err("ios: weights must be one positive number for each of 5 workers, got 4 numbers"
                .into())
        );
        let rule = Ios { own: Some(1), weights: None };
        assert_eq!(
            run(rule, &[[1.0], [f64::NAN], [2.0]], 1),
            Err("ios relies on worker 1, whose message was left out because it is not finite"
                .into())
        );
    }
}
