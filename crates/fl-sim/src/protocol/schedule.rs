//! How the server's step size changes from round to round.

use super::named::named;
use fl_core::{SpecError, spec};

named! {
    /// What γ is multiplied by in round k, from 0.
    pub enum Schedule { Constant, Steps, Cosine, InverseRoot }
}

spec! {
    /// The same step size in every round: `γ_k = γ`.
    ///
    /// # Requirements
    /// None.
    ///
    /// # Reference
    /// The paper's Algorithm 2.
    pub struct Constant;
}

spec! {
    /// A step size that is multiplied by a factor at some rounds.
    ///
    /// ```text
    /// γ_k = γ factor^n      n = the number of `at` that are ≤ k
    /// ```
    ///
    /// # Requirements
    /// At least one round, in increasing order; a positive factor.
    ///
    /// # Reference
    /// Common practice; `MultiStepLR` in PyTorch, "milestones" in ByzFL and Blades.
    pub struct Steps {
        /// The rounds from which on the step is multiplied once more, from 0; to be given.
        pub at: Vec<u64> = Vec::new(),
        /// What it is multiplied by.
        pub factor: f64 = 0.1,
    }
}

spec! {
    /// A step size that falls along half a cosine.
    ///
    /// ```text
    /// γ_k = γ (floor + (1 − floor) (1 + cos(π min(k, rounds)/rounds))/2)
    /// ```
    ///
    /// # Requirements
    /// At least one round; a floor in 0 … 1.
    ///
    /// # Reference
    /// Loshchilov, Hutter, *SGDR: stochastic gradient descent with warm restarts*, 2017, without restarts.
    pub struct Cosine {
        /// Rounds until the floor is reached; γ stays there. To be given.
        pub rounds: u64 = 0,
        /// The share of γ that is left.
        pub floor: f64 = 0.0,
    }
}

spec! {
    /// A step size that falls with the root of the round.
    ///
    /// ```text
    /// γ_k = γ / √(1 + k/after)
    /// ```
    ///
    /// # Requirements
    /// At least one round.
    ///
    /// # Reference
    /// Robbins, Monro, *A stochastic approximation method*, 1951, for decreasing steps; with `after = 1` the step of RSA's own code.
    pub struct InverseRoot {
        /// Rounds after which γ has fallen to γ/√2.
        pub after: u64 = 1,
    }
}

impl Schedule {
    /// Whether its settings can work.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn check(&self) -> Result<(), SpecError> {
        let refuse = |setting: &str, allowed: &str, found: String| {
            Err(SpecError::new(format!("schedule.{setting}"), allowed, found))
        };
        match self {
            Schedule::Constant(_) => Ok(()),
            Schedule::Steps(Steps { at, factor }) => {
                if !(*factor > 0.0 && factor.is_finite()) {
                    return refuse("steps.factor", "a positive number", factor.to_string());
                }
                if at.is_empty() || at.windows(2).any(|pair| pair[0] >= pair[1]) {
                    let allowed = "one round or more, in increasing order";
                    return refuse("steps.at", allowed, format!("{at:?}"));
                }
                Ok(())
            }
            Schedule::Cosine(Cosine { rounds: 0, .. }) => {
                refuse("cosine.rounds", "at least 1", "0".into())
            }
            Schedule::Cosine(Cosine { floor, .. }) if !(0.0..=1.0).contains(floor) => {
                refuse("cosine.floor", "between 0 and 1", floor.to_string())
            }
            Schedule::InverseRoot(InverseRoot { after: 0 }) => {
                refuse("inverse-root.after", "at least 1", "0".into())
            }
            Schedule::Cosine(_) | Schedule::InverseRoot(_) => Ok(()),
        }
    }

    /// γ_k/γ.
    pub fn factor(&self, round: u64) -> f64 {
        match self {
            Schedule::Constant(_) => 1.0,
            Schedule::Steps(Steps { at, factor }) => {
                let passed = at.iter().filter(|&&at| at <= round).count();
                (0..passed).fold(1.0, |product, _| product * factor)
            }
            Schedule::Cosine(Cosine { rounds, floor }) => {
                let share = round.min(*rounds) as f64 / *rounds as f64;
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
            }
            Schedule::InverseRoot(InverseRoot { after }) => {
                1.0 / (1.0 + round as f64 / *after as f64).sqrt()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_their_formulas() {
        let at = |schedule: &Schedule, rounds: &[u64]| -> Vec<f64> {
            schedule.check().unwrap();
            rounds.iter().map(|&k| schedule.factor(k)).collect()
        };
        assert_eq!(at(&Schedule::default(), &[0, 9]), [1.0, 1.0]);
        let steps = Schedule::Steps(Steps { at: vec![2, 5], factor: 0.5 });
        assert_eq!(at(&steps, &[0, 1, 2, 4, 5, 99]), [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
        let cosine = Schedule::Cosine(Cosine { rounds: 10, floor: 0.2 });
        let found = at(&cosine, &[0, 5, 10, 99]);
        for (found, expected) in found.iter().zip([1.0, 0.6, 0.2, 0.2]) {
            assert!((found - expected).abs() < 1e-15, "{found}");
        }
        let root = Schedule::InverseRoot(InverseRoot { after: 3 });
        assert_eq!(at(&root, &[0, 9]), [1.0, 0.5]);
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        for (schedule, name) in [
            (Schedule::Steps(Steps { at: vec![5, 5], factor: 0.1 }), "schedule.steps.at"),
            (Schedule::Steps(Steps { at: vec![], factor: 0.0 }), "schedule.steps.factor"),
            (Schedule::Cosine(Cosine { rounds: 0, floor: 0.0 }), "schedule.cosine.rounds"),
            (Schedule::Cosine(Cosine { rounds: 1, floor: f64::NAN }), "schedule.cosine.floor"),
            (Schedule::InverseRoot(InverseRoot { after: 0 }), "schedule.inverse-root.after"),
        ] {
            let error = schedule.check().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
