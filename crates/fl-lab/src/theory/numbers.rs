//! The theory's numbers for a setting.

use fl_theory::{
    Coefficients, Convergence, Problem, Run, Setting, Size, Variation, algorithm_1, best_s,
    largest_tolerable, steps, theorem_1, theorem_3,
};
use serde::Serialize;

/// What is known beside W, B and s; whatever is left out leaves out what follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Knowns {
    /// µ, L, J and b.
    pub problem: Option<Problem>,
    /// γ.
    pub step: Option<f64>,
    /// δ².
    pub delta2: Option<f64>,
    /// σ² of a message.
    pub sigma2: Option<f64>,
    /// `‖x⁰ − x*‖²`.
    pub initial: Option<f64>,
    /// ε; 0 if left out.
    pub epsilon: Option<f64>,
}

/// The theory's numbers for W, B and s and whatever else is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// W.
    pub workers: usize,
    /// B.
    pub byzantine: usize,
    /// s.
    pub s: usize,
    /// α = B/W.
    pub alpha: f64,
    /// Whether B < W/2s.
    pub tolerated: bool,
    /// The largest B with B < W/2s.
    pub tolerable: usize,
    /// C_α, where B < W/2.
    pub c_alpha: Option<f64>,
    /// C_sα, where B < W/2s.
    pub c_s_alpha: Option<f64>,
    /// d = (W − 1)/(sW − 1), Lemma 3's factor.
    pub d: f64,
    /// d_R = (R − 1)/(sR − 1), the exact factor when copies are dealt by a permutation.
    pub d_regular: f64,
    /// The mean factor of Algorithm 1 as printed, where it is quick to compute.
    pub algorithm_1: Option<f64>,
    /// Of an inner variation of 1 in (17): (d + (1 − d)/R) C_sα².
    pub inner_coefficient: Option<f64>,
    /// Of an outer variation of 1 in (17): d C_sα².
    pub outer_coefficient: Option<f64>,
    /// Both without resampling, (7): C_α².
    pub plain_coefficient: Option<f64>,
    /// The s with the smallest learning error for the proposed method, of all that tolerate B.
    pub best_s: Option<usize>,
    /// The same for RS-Byrd-SGD, where σ² and δ² are known.
    pub best_s_sgd: Option<usize>,
    /// The conditions on the step size, where the problem is known.
    pub steps: Vec<Step>,
    /// Theorem 1, where all that it needs is known.
    pub theorem_1: Option<Bound>,
    /// Theorem 3, where all that it needs is known.
    pub theorem_3: Option<Bound>,
}

/// A condition on the step size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The paper's equation.
    pub equation: &'static str,
    /// In symbols.
    pub formula: &'static str,
    /// The longest step that meets it.
    pub limit: f64,
    /// Whether the step meets it; `None` where there is no step.
    pub met: Option<bool>,
}

/// A theorem's bound on `E‖x^k − x*‖²`: `contraction^k delta_1 + plateau`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// Whether all its conditions are met; if not, the rest are numbers and no bound.
    pub holds: bool,
    /// The equations of the conditions that are not met.
    pub failed: Vec<&'static str>,
    /// The factor a round.
    pub contraction: f64,
    /// Δ₁.
    pub delta_1: f64,
    /// Δ₂.
    pub delta_2: f64,
    /// What is left as k grows.
    pub plateau: f64,
    /// The first round whose bound is at most twice the plateau, where there is one.
    pub rounds_to_twice_plateau: Option<u64>,
}

impl From<Convergence> for Bound {
    fn from(bound: Convergence) -> Self {
        Self {
            holds: bound.holds(),
            failed: bound.failed().map(|c| c.equation).collect(),
            contraction: bound.contraction,
            delta_1: bound.delta_1,
            delta_2: bound.delta_2,
            plateau: bound.plateau,
            rounds_to_twice_plateau: bound.rounds_until(2.0 * bound.plateau),
        }
    }
}

/// Everything that follows from a setting and what else is known.
///
/// # Errors
/// When a number that is known cannot be what it stands for. `B ≥ W/2s` is none: what has no value then is `None`.
pub fn numbers(setting: &Setting, knowns: &Knowns) -> Result<Numbers, fl_core::SpecError> {
    let (workers, byzantine, s) = (setting.workers(), setting.byzantine(), setting.s());
    let (d, tolerated) = (setting.d(), setting.tolerates());
    let plain = Setting::new(workers, byzantine, 1)?;
    let coefficients = if tolerated { Some(Coefficients::new(setting, d)?) } else { None };
    let best = |variation: Variation| -> Result<Option<Size>, fl_core::SpecError> {
        if !plain.tolerates() {
            return Ok(None);
        }
        best_s(workers, byzantine, variation).map(|(best, _)| Some(best))
    };
    let variation = match (knowns.sigma2, knowns.delta2) {
        (Some(inner), Some(outer)) => Some(Variation { inner, outer }),
        _ => None,
    };
    let mut found = Numbers {
        workers,
        byzantine,
        s,
        alpha: setting.alpha(),
        tolerated,
        tolerable: largest_tolerable(workers, s),
        c_alpha: plain.c().ok(),
        c_s_alpha: setting.c().ok(),
        d,
        d_regular: setting.d_regular(),
        // Three copies of a hundred messages, or two of 255, take seconds.
        algorithm_1: if workers <= 60 && s <= 3 {
            algorithm_1(setting).ok().map(|law| law.mean())
        } else {
            None
        },
        inner_coefficient: coefficients.map(|c| c.inner),
        outer_coefficient: coefficients.map(|c| c.outer),
        plain_coefficient: plain.c().ok().map(|c| c * c),
        best_s: best(Variation { inner: 0.0, outer: 1.0 })?.map(|best| best.s),
        best_s_sgd: match variation {
            Some(variation) => best(variation)?.map(|best| best.s),
            None => None,
        },
        steps: Vec::new(),
        theorem_1: None,
        theorem_3: None,
    };
    if let Some(problem) = &knowns.problem {
        problem.check()?;
        if tolerated {
            found.add(setting, knowns, problem, variation)?;
        }
    }
    Ok(found)
}

impl Numbers {
    /// What follows from the problem.
    fn add(
        &mut self,
        setting: &Setting,
        knowns: &Knowns,
        problem: &Problem,
        variation: Option<Variation>,
    ) -> Result<(), fl_core::SpecError> {
        let d = self.d;
        let gamma = knowns.step.unwrap_or(f64::NAN);
        self.steps = steps(setting, d, problem, gamma)?
            .iter()
            .map(|c| Step {
                equation: c.equation,
                formula: c.formula,
                limit: c.limit,
                met: knowns.step.map(|_| c.met()),
            })
            .collect();
        let (Some(gamma), Some(delta2), Some(initial)) =
            (knowns.step, knowns.delta2, knowns.initial)
        else {
            return Ok(());
        };
        let run = Run { gamma, initial, epsilon: knowns.epsilon.unwrap_or(0.0) };
        self.theorem_1 = Some(theorem_1(setting, d, problem, delta2, &run)?.into());
        if let Some(variation) = variation {
            self.theorem_3 = Some(theorem_3(setting, d, problem, variation, &run)?.into());
        }
        Ok(())
    }
}

/// A number in four decimals or in scientific notation, whichever is shorter to read: 0.4915, 1.235e-13.
///
/// ```
/// use fl_lab::theory::short;
///
/// assert_eq!([6.0, 29.0 / 59.0, 1.23456e-13, -2.5e7, 0.0].map(short), ["6", "0.4915", "1.235e-13", "-2.500e7", "0"]);
/// ```
pub fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e5).contains(&x.abs()) {
        let text = format!("{x:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:.3e}")
    }
}
