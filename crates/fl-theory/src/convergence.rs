//! Theorems 1 and 3: step sizes, rates and learning errors.

use crate::variation::inner_factor;
use crate::{Coefficients, Setting, Variation};
use fl_core::SpecError;

/// What the theorems ask about the problem (1): `f = (1/R) Σ_w f_w`, `f_w = (1/J) Σ_j f_{w,j}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Problem {
    /// µ, the strong convexity of f (13).
    pub mu: f64,
    /// L of f (14).
    pub smooth: f64,
    /// L of every sample's cost `f_{w,j}`, which is what Lemma 5 and so Theorem 1 need.
    pub smooth_sample: f64,
    /// J, the samples of a regular worker (the largest J, where these differ).
    pub samples: usize,
    /// b, the distinct samples in a batch; 1 in the paper's analysis.
    pub batch: usize,
}

impl Problem {
    /// J/b: the number of batches that make up a worker's samples, which Theorem 1 calls J.
    ///
    /// The paper analyses `b = 1` and runs `b = 32`. With b distinct samples, each as likely as any other and each with a slot of its
    /// own, (36) holds as it is, and (39) with J/b in place of J ([`crate::next_table_distance`]); nothing else in the proof looks at
    /// J but as a number that is at least 1. So Theorem 1 holds with J/b.
    pub fn slots(&self) -> f64 {
        self.samples as f64 / self.batch as f64
    }

    /// L/µ.
    pub fn condition(&self) -> f64 {
        self.smooth / self.mu
    }

    /// The one L that Theorem 1 means: of f and of every sample's cost.
    fn common_smooth(&self) -> f64 {
        self.smooth.max(self.smooth_sample)
    }

    /// Whether this can be a problem at all.
    ///
    /// # Errors
    /// When µ is not positive (the theorems need strong convexity; an ℓ₂ term gives it), `L < µ`, or the batch is empty or larger
    /// than J.
    pub fn check(&self) -> Result<(), SpecError> {
        let Self { mu, smooth, smooth_sample, samples, batch } = *self;
        if !(mu > 0.0 && mu.is_finite()) {
            let allowed = "positive (the theorems need strong convexity, which an ℓ₂ term gives)";
            return Err(SpecError::new("µ", allowed, mu));
        }
        for (name, smooth) in [("L", smooth), ("L of the samples", smooth_sample)] {
            // Where all eigenvalues agree, µ and L may differ by rounding.
            if !(smooth.is_finite() && smooth >= mu * (1.0 - 1e-9)) {
                return Err(SpecError::new(name, format!("at least µ = {mu}"), smooth));
            }
        }
        if !(1..=samples).contains(&batch) {
            let allowed = format!("between 1 and the J = {samples} samples of a worker");
            return Err(SpecError::new("b", allowed, batch));
        }
        Ok(())
    }
}

/// What the theorems ask about a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// γ, the step size.
    pub gamma: f64,
    /// `‖x⁰ − x*‖²`.
    pub initial: f64,
    /// ε of an ε-approximate geometric median, in the units of the messages; 0 asks for the exact one's form.
    pub epsilon: f64,
}

impl Run {
    fn check(&self) -> Result<(), SpecError> {
        if !(self.gamma > 0.0 && self.gamma.is_finite()) {
            return Err(SpecError::new("γ", "a positive number", self.gamma));
        }
        for (what, x) in [("‖x⁰ − x*‖²", self.initial), ("ε", self.epsilon)] {
            at_least_zero(what, x)?;
        }
        Ok(())
    }
}

fn at_least_zero(what: &str, x: f64) -> Result<(), SpecError> {
    if x >= 0.0 && x.is_finite() {
        return Ok(());
    }
    Err(SpecError::new(what, "a finite number of at least 0", x))
}

/// An upper bound on the step size, and whether it is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// The paper's equation.
    pub equation: &'static str,
    /// The condition in symbols.
    pub formula: &'static str,
    /// The largest step size that meets it.
    pub limit: f64,
    /// γ.
    pub gamma: f64,
}

impl Condition {
    /// Whether `γ ≤ limit`.
    pub fn met(&self) -> bool {
        self.gamma <= self.limit
    }
}

/// All step-size conditions of Theorem 1's proof as upper bounds on γ, in the paper's order: (44), (50) with the c₁ of (55), (54), their minimum (60), the
/// simpler (61) that the theorem states, and that of its ε-approximate form.
///
/// ```text
/// (44)    γ ≤ µ/(2 L²)
/// (50)    γ ≤ µ/(2 √10 J^{3/2} L² C_{sα} √(d + (1 − d)/R))
/// (54)    γ ≤ 1/(J² µ)
/// (60)    γ ≤ the least of these three
/// (61)    γ ≤ µ/(2 √10 J² L² C_{sα})
/// ε       γ ≤ µ/(4 √5 J² L² C_{sα})
/// ```
///
/// (61) implies the three because `C_{sα} ≥ 2`, `J ≥ 1`, `µ ≤ L` and `d + (1 − d)/R ≤ 1`. (54) is printed with `<`; (55) and (56) hold with
/// equality too. The ε form has `√2 C_{sα}` for `C_{sα}`, because (33) has the double of (32).
/// J means J/b ([`Problem::slots`]), and L is that of the sample costs.
///
/// # Errors
/// When `B ≥ W/2s`, or the problem is none ([`Problem::check`]).
pub fn steps(
    setting: &Setting,
    d: f64,
    problem: &Problem,
    gamma: f64,
) -> Result<[Condition; 6], SpecError> {
    problem.check()?;
    let c = setting.c()?;
    let (j, l, mu) = (problem.slots(), problem.common_smooth(), problem.mu);
    let factor = inner_factor(setting, d);
    let descent = mu / (2.0 * l * l);
    let lyapunov = mu / (2.0 * 10f64.sqrt() * j.powf(1.5) * l * l * c * factor.sqrt());
    let table = 1.0 / (j * j * mu);
    let stated = mu / (2.0 * 10f64.sqrt() * j * j * l * l * c);
    let approximate = mu / (4.0 * 5f64.sqrt() * j * j * l * l * c);
    let condition = |equation, formula, limit| Condition { equation, formula, limit, gamma };
    Ok([
        condition("(44)", "γ ≤ µ/(2L²)", descent),
        condition("(50)", "γ ≤ µ/(2√10 J^(3/2) L² C_sα √(d + (1−d)/R))", lyapunov),
        condition("(54)", "γ ≤ 1/(J²µ)", table),
        condition("(60)", "γ ≤ the least of (44), (50), (54)", descent.min(lyapunov).min(table)),
        condition("(61)", "γ ≤ µ/(2√10 J² L² C_sα)", stated),
        condition("(61) with ε", "γ ≤ µ/(4√5 J² L² C_sα)", approximate),
    ])
}

/// A bound on `E ‖x^k − x*‖²`, and the conditions under which it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Convergence {
    /// `1 − γµ/2` (Theorem 1) or `1 − γµ` (Theorem 3): the factor a round.
    pub contraction: f64,
    /// Δ₁ of (21), (41), (64).
    pub delta_1: f64,
    /// Δ₂ of (22), (42), (65), the learning error with an exact geometric median.
    pub delta_2: f64,
    /// What is left as k grows: Δ₂, or `2Δ₂` and the ε term.
    pub plateau: f64,
    /// The conditions on γ: the bound is proven when all are met. `B < W/2s` is met, or there would be no bound.
    pub conditions: Vec<Condition>,
}

impl Convergence {
    /// Whether all conditions are met. If not, the numbers here are numbers and no bound.
    pub fn holds(&self) -> bool {
        self.conditions.iter().all(Condition::met)
    }

    /// The conditions that are not met.
    pub fn failed(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|c| !c.met())
    }

    /// The bound on `E ‖x^k − x*‖²`: `contraction^k Δ₁ + plateau`.
    pub fn at(&self, k: u64) -> f64 {
        self.contraction.powf(k as f64) * self.delta_1 + self.plateau
    }

    /// The first round whose bound is at most `error`; `None` where that never happens or no condition makes it a bound.
    pub fn rounds_until(&self, error: f64) -> Option<u64> {
        if !self.holds() {
            return None;
        }
        if self.at(0) <= error {
            return Some(0);
        }
        // The bound falls to the plateau without reaching it; where Δ₁ ≤ 0 it only rises.
        if self.delta_1 <= 0.0 || error <= self.plateau {
            return None;
        }
        let rounds = ((error - self.plateau) / self.delta_1).ln() / self.contraction.ln();
        Some(rounds.ceil() as u64)
    }
}

/// Theorem 1 (20)–(22), and Theorem 2, its full form (40)–(43): resampling, SAGA and a geometric median.
///
/// ```text
/// E ‖x^k − x*‖² ≤ (1 − γµ/2)^k Δ₁ + Δ₂        Δ₁ = ‖x⁰ − x*‖² − Δ₂,   Δ₂ = 5 d C_{sα}² δ²/µ²
/// ```
///
/// and for an ε-approximate geometric median (`run.epsilon > 0`)
///
/// ```text
/// E ‖x^k − x*‖² ≤ (1 − γµ/2)^k Δ₁ + 2Δ₂ + 10 ε²/(µ² (W − 2sB)²)
/// ```
///
/// The inner variation does not occur. `s = 1` is Byrd-SAGA.
/// The conditions are those that the proof uses: (44), (50) and (54), of which the stated (61) is a simplification that implies them; for
/// `ε > 0` they are the same with `√2 C_{sα}`.
/// In (46) and (58) the sum starts at `T⁰ = ‖x⁰ − x*‖²`, since `S⁰ = 0`: the tables begin at x⁰.
///
/// # Errors
/// When `B ≥ W/2s`, or a number cannot be what it stands for.
pub fn theorem_1(
    setting: &Setting,
    d: f64,
    problem: &Problem,
    delta2: f64,
    run: &Run,
) -> Result<Convergence, SpecError> {
    run.check()?;
    at_least_zero("δ²", delta2)?;
    let [descent, mut lyapunov, table, ..] = steps(setting, d, problem, run.gamma)?;
    let coefficients = Coefficients::new(setting, d)?;
    let mu2 = problem.mu * problem.mu;
    let delta_2 = 5.0 * coefficients.outer * delta2 / mu2;
    let mut plateau = delta_2;
    if run.epsilon > 0.0 {
        lyapunov.formula = "γ ≤ µ/(4√5 J^(3/2) L² C_sα √(d + (1−d)/R))";
        lyapunov.limit /= 2f64.sqrt();
        let gap = run.epsilon / setting.margin()? as f64;
        plateau = 2.0 * delta_2 + 10.0 * gap * gap / mu2;
    }
    Ok(Convergence {
        contraction: 1.0 - 0.5 * run.gamma * problem.mu,
        delta_1: run.initial - delta_2,
        delta_2,
        plateau,
        conditions: vec![descent, lyapunov, table],
    })
}

/// Theorem 3 (63)–(66): RS-Byrd-SGD, resampling and a geometric median with plain stochastic gradients; `s = 1` is Byrd-SGD.
///
/// ```text
/// E ‖x^k − x*‖² ≤ (1 − γµ)^k Δ₁ + Δ₂        Δ₁ = ‖x⁰ − x*‖² − Δ₂
///                                           Δ₂ = (2/µ²) ((d + (1 − d)/R) C_{sα}² σ² + d C_{sα}² δ²)
/// ```
///
/// under `γ ≤ µ/(2L²)`, with the L of f; for an ε-approximate geometric median `… + 2Δ₂ + 4ε²/(µ² (W − 2sB)²)` (66).
/// `variation.inner` is σ² and `variation.outer` is δ². For batches of b samples σ² is what [`crate::inner_variation`] gives for b.
///
/// (67), and the sentence before it, lack a square: `E‖x^{k+1} − x^k + γf'(x^k)‖` stands for `E‖x^{k+1} − x^k + γf'(x^k)‖²`, as its
/// right-hand side and its use in (68) show. The proof asks for `γ < µ/2L²`, the theorem for `≤`, which is enough.
///
/// # Errors
/// As [`theorem_1`].
pub fn theorem_3(
    setting: &Setting,
    d: f64,
    problem: &Problem,
    variation: Variation,
    run: &Run,
) -> Result<Convergence, SpecError> {
    run.check()?;
    problem.check()?;
    at_least_zero("σ²", variation.inner)?;
    at_least_zero("δ²", variation.outer)?;
    let mu = problem.mu;
    let delta_2 = 2.0 / (mu * mu) * Coefficients::new(setting, d)?.bound(variation);
    let mut plateau = delta_2;
    if run.epsilon > 0.0 {
        let gap = run.epsilon / setting.margin()? as f64;
        plateau = 2.0 * delta_2 + 4.0 * gap * gap / (mu * mu);
    }
    let descent = Condition {
        equation: "(44)",
        formula: "γ ≤ µ/(2L²)",
        limit: mu / (2.0 * problem.smooth * problem.smooth),
        gamma: run.gamma,
    };
    Ok(Convergence {
        contraction: 1.0 - run.gamma * mu,
        delta_1: run.initial - delta_2,
        delta_2,
        plateau,
        conditions: vec![descent],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(samples: usize) -> Problem {
        Problem { mu: 0.8, smooth: 1.1, smooth_sample: 1.2, samples, batch: 1 }
    }

    /// The proof's recursion (57) with its own constants, run beside the closed form.
    #[test]
    fn the_closed_form_is_the_recursion_of_the_proof() {
        let setting = Setting::new(10, 1, 2).unwrap();
        let d = setting.d();
        let (problem, delta2) = (problem(3), 0.7);
        let gamma = steps(&setting, d, &problem, 1.0).unwrap()[3].limit;
        let run = Run { gamma, initial: 25.0, epsilon: 0.0 };
        let bound = theorem_1(&setting, d, &problem, delta2, &run).unwrap();
        assert!(bound.holds());
        let mut t = run.initial;
        for k in 0..2000 {
            assert!((bound.at(k) - t).abs() <= 1e-9 * t, "{k}: {} {t}", bound.at(k));
            let noise = 5.0 * gamma / (2.0 * problem.mu) * d * setting.c().unwrap().powi(2);
            t = (1.0 - 0.5 * gamma * problem.mu) * t + noise * delta2;
        }
    }

    /// (51), (52) and (56), for the γ of (60) and the c₁ of (55).
    #[test]
    fn the_least_of_three_steps_makes_every_coefficient_of_the_proof_what_it_claims() {
        for workers in [4, 10, 30] {
            for byzantine in 0..workers / 4 {
                for s in [1, 2] {
                    for samples in [1, 2, 4, 50] {
                        for (mu, l) in [(1.0, 1.0), (0.1, 3.0)] {
                            let setting = Setting::new(workers, byzantine, s).unwrap();
                            if !setting.tolerates() {
                                continue;
                            }
                            let problem =
                                Problem { mu, smooth: l, smooth_sample: l, samples, batch: 1 };
                            let d = setting.d();
                            let limits = steps(&setting, d, &problem, 1.0).unwrap();
                            let gamma = limits[3].limit;
                            let factor = inner_factor(&setting, d);
                            let c2 = setting.c().unwrap().powi(2);
                            let j = samples as f64;
                            let c1 = 5.0 * j * j * gamma * l * l * factor * c2 / mu;
                            let half = 1.0 - 0.5 * gamma * mu;
                            let slack = 1.0 + 1e-12;
                            // (51)
                            assert!(
                                1.0 - gamma * mu + 4.0 * c1 * j * (gamma * l).powi(2)
                                    <= half * slack
                            );
                            // (52)
                            assert!(
                                2.0 / (gamma * mu) + 4.0 * c1 * j <= 2.5 / (gamma * mu) * slack
                            );
                            // (56)
                            let left =
                                (1.0 - 1.0 / (j * j)) * c1 + 2.5 * gamma / mu * factor * c2 * l * l;
                            assert!(left <= half * c1 * slack, "{left} {}", half * c1);
                            // (61) is stricter than (60), and the ε form stricter still.
                            assert!(limits[4].limit <= gamma * slack);
                            assert!(limits[5].limit <= limits[4].limit);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_step_that_is_too_long_is_named() {
        let setting = Setting::new(30, 6, 2).unwrap();
        let problem =
            Problem { mu: 0.01, smooth: 50.0, smooth_sample: 100.0, samples: 2000, batch: 1 };
        let run = Run { gamma: 0.5, initial: 10.0, epsilon: 0.0 };
        let bound = theorem_1(&setting, setting.d(), &problem, 0.2, &run).unwrap();
        let failed: Vec<_> = bound.failed().map(|c| c.equation).collect();
        assert_eq!(failed, ["(44)", "(50)", "(54)"]);
        assert!(!bound.holds() && bound.rounds_until(1e9).is_none());
    }

    #[test]
    fn rounds_until_is_the_first_round_under_the_bound() {
        let setting = Setting::new(10, 0, 1).unwrap();
        let run = Run { gamma: 0.01, initial: 25.0, epsilon: 0.0 };
        let bound = theorem_1(&setting, 1.0, &problem(2), 0.01, &run).unwrap();
        assert!(bound.holds());
        for error in [24.0, 10.0, 1.0, bound.plateau * 1.0001] {
            let k = bound.rounds_until(error).unwrap();
            assert!(bound.at(k) <= error * (1.0 + 1e-12) && bound.at(k - 1) > error);
        }
        assert_eq!(bound.rounds_until(bound.plateau), None);
        assert_eq!(bound.rounds_until(26.0), Some(0));
    }

    #[test]
    fn theorem_3_without_inner_variation_has_two_fifths_of_theorem_1s_learning_error() {
        let setting = Setting::new(12, 2, 2).unwrap();
        let run = Run { gamma: 1e-3, initial: 1.0, epsilon: 0.0 };
        let one = theorem_1(&setting, setting.d(), &problem(2), 1.0, &run).unwrap();
        let variation = Variation { inner: 0.0, outer: 1.0 };
        let three = theorem_3(&setting, setting.d(), &problem(2), variation, &run).unwrap();
        assert!((three.delta_2 / one.delta_2 - 0.4).abs() < 1e-12);
        let noisy = Variation { inner: 1.0, outer: 1.0 };
        let noisy = theorem_3(&setting, setting.d(), &problem(2), noisy, &run).unwrap();
        assert!(noisy.delta_2 > 2.0 * three.delta_2);
        // (66) and (43): doubled, and the ε term.
        let run = Run { epsilon: 0.5, ..run };
        let term = 0.25 / (0.64 * 16.0);
        let three_e = theorem_3(&setting, setting.d(), &problem(2), variation, &run).unwrap();
        assert!((three_e.plateau - 2.0 * three.delta_2 - 4.0 * term).abs() < 1e-9);
        let one_e = theorem_1(&setting, setting.d(), &problem(2), 1.0, &run).unwrap();
        assert!((one_e.plateau - 2.0 * one.delta_2 - 10.0 * term).abs() < 1e-9);
        assert_eq!(one_e.delta_1, one.delta_1);
    }

    #[test]
    fn batches_count_as_fewer_slots() {
        let setting = Setting::new(10, 1, 2).unwrap();
        let single = Problem { samples: 8, ..problem(8) };
        let batched = Problem { samples: 64, batch: 8, ..single };
        assert_eq!(
            steps(&setting, 0.5, &single, 0.1).unwrap(),
            steps(&setting, 0.5, &batched, 0.1).unwrap()
        );
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let setting = Setting::new(10, 1, 2).unwrap();
        let run = Run { gamma: 0.1, initial: 1.0, epsilon: 0.0 };
        let good = problem(2);
        let refused = |problem: Problem, delta2: f64, run: Run| {
            theorem_1(&setting, 0.5, &problem, delta2, &run).unwrap_err().to_string()
        };
        assert!(refused(Problem { mu: 0.0, ..good }, 1.0, run).contains("ℓ₂ term"));
        assert!(refused(Problem { smooth: 0.5, ..good }, 1.0, run).contains("L must be"));
        assert!(refused(Problem { batch: 3, ..good }, 1.0, run).contains("b must be"));
        assert!(refused(good, -1.0, run).contains("δ²"));
        assert!(refused(good, 1.0, Run { gamma: 0.0, ..run }).contains("γ"));
        assert!(refused(good, 1.0, Run { initial: f64::NAN, ..run }).contains("x⁰"));
        let crowded = Setting::new(10, 3, 2).unwrap();
        let error = theorem_1(&crowded, 0.5, &good, 1.0, &run).unwrap_err();
        assert!(error.to_string().contains("W/2s"));
    }
}
