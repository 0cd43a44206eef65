//! Line search: the strength of an attack, chosen against the defence that it meets.

use crate::shared::fixed_strength::send;
use fl_core::{
    Affine, AffineMessages, Attack, AttackContext, AttackSpec, AttackView, Cx, DefenceModel,
    Pipeline, PreAggregatorSpec, RuleSpec, Scalar, Shape, SpecError, choice,
};
use std::sync::Arc;

/// An attack whose strength is searched for anew in each round, so that the aggregate is as far as possible from the mean of the
/// regular messages.
///
/// ```text
/// t* = argmax_t ‖ A(regular messages, base + t · direction) − μ ‖
/// ```
///
/// A is the server's whole computation with the round's own draws, or what the adversary guesses it to be. The strength
/// sent is the best of all that were evaluated: the attack's own, if it is in the range, both ends of the range, equally spaced
/// ones between them for three fifths of the budget, and then a refinement of the best interval. It is at least as good as every
/// one of these; between them a distance with several peaks may hide one, as in every search.
///
/// # Errors
/// `build` refuses an attack without a strength, a budget of 0, an empty range, and a federation without a server
/// where no defence is guessed.
///
/// # Cost
/// Against a defence that works on distances a pass that measures them, and `O(W²)` an evaluation: at 30 messages of 7850
/// numbers twenty evaluations cost less than two aggregations. Against one that sees columns each evaluation is an aggregation.
///
/// # Reference
/// El-Mhamdi, Guerraoui, Rouault, *Distributed momentum for Byzantine-resilient stochastic gradient descent*, ICLR 2021, and
/// ByzFL, whose search is [`LineSearchMethod::Expansion`]; both aggregate in full for each evaluation, and draw other random
/// numbers than the defence will.
#[derive(Debug)]
pub struct LineSearch<T> {
    /// The attack.
    pub attack: Box<dyn AttackSpec<T>>,
    /// How many strengths are tried in a round.
    pub evaluations: usize,
    /// How intervals are narrowed.
    pub method: LineSearchMethod,
    /// The least strength; the attack's own range if left out.
    pub from: Option<f64>,
    /// The largest strength; the attack's own range if left out.
    pub to: Option<f64>,
    /// What an adversary that does not know the defence takes it to be.
    pub guess: Option<Guess>,
}

/// A defence that an adversary guesses.
#[derive(Clone, Debug)]
pub struct Guess {
    /// Its pre-aggregators.
    pub pre: Vec<Arc<dyn PreAggregatorSpec>>,
    /// Its rule.
    pub rule: Arc<dyn RuleSpec>,
}

choice! {
    /// How a search goes on from what it has seen.
    pub enum LineSearchMethod {
        /// The golden part of the longer side of the best strength.
        GoldenSection,
        /// The middle of the longer side of the best strength.
        Bisection,
        /// Steps upwards from `from`, of 10 at first, doubled while they help, and shortened by a fifth each time after one that
        /// does not; without an upper end, as in ByzFL.
        Expansion,
    }
}

impl<T: Scalar> AttackSpec<T> for LineSearch<T> {
    fn name(&self) -> &'static str {
        "line-search"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        if self.evaluations == 0 {
            return Err(SpecError::new("evaluations", "at least 1", 0).of("line-search"));
        }
        for (setting, end) in [("from", self.from), ("to", self.to)] {
            if let Some(end) = end.filter(|end| !end.is_finite()) {
                return Err(SpecError::new(setting, "finite", end).of("line-search"));
            }
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            let allowed = format!("more than from = {from}");
            return Err(SpecError::new("to", allowed, to).of("line-search"));
        }
        let Some(attack) = self.attack.affine(&context.part(0))? else {
            let allowed =
                "one with a strength, such as \"alie\", \"ipm\", \"sign-flipping\" or \"min-max\"";
            return Err(SpecError::new("attack", allowed, self.attack.name()).of("line-search"));
        };
        let (workers, byzantine) =
            (context.federation.workers(), context.federation.byzantine().len());
        let twin = match (&self.guess, context.defence) {
            (Some(guess), _) => {
                Pipeline::of(&guess.pre, &guess.rule, Shape { workers, byzantine }, context.dim)?
            }
            (None, Some(defence)) => defence.twin()?,
            (None, None) => {
                let allowed = "a server that aggregates, which the search can rehearse against";
                return Err(SpecError::new("the defence", allowed, "none").of("line-search"));
            }
        };
        let directions = attack.directions().max(1);
        Ok(Box::new(Run {
            model: DefenceModel::new(twin, workers, context.dim, directions)?,
            affine: AffineMessages::new(context.dim, directions),
            seen: Vec::with_capacity(self.evaluations),
            budget: self.evaluations,
            method: self.method,
            from: self.from,
            to: self.to,
            attack,
        }))
    }
}

#[derive(Debug)]
struct Run<T> {
    attack: Box<dyn Affine<T>>,
    model: DefenceModel<T>,
    affine: AffineMessages<T>,
    seen: Vec<(f64, f64)>,
    budget: usize,
    method: LineSearchMethod,
    from: Option<f64>,
    to: Option<f64>,
}

impl<T: Scalar> Attack<T> for Run<T> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        if view.attackers().is_empty() {
            return;
        }
        let Self { attack, model, affine, seen, .. } = self;
        let mut t = attack.aim(cx, view, affine);
        if model.begin(view, affine) {
            let (low, high) = attack.range(t);
            let mut low = self.from.unwrap_or(low);
            let mut high = self.to.unwrap_or(high);
            // One end given may lie beyond the other that was left to the attack.
            if self.from.is_some() && self.to.is_none() {
                high = high.max(low);
            } else {
                low = low.min(high);
            }
            let value = |t: f64| match cx.is_interrupted() {
                // What is sent in an interrupted round is used by nobody.
                true => f64::NEG_INFINITY,
                false => model.distance(cx, affine, t),
            };
            t = match self.method {
                LineSearchMethod::Expansion => expand(low, self.budget, value),
                LineSearchMethod::GoldenSection => {
                    search(low, high, t, self.budget, GOLDEN, seen, value)
                }
                LineSearchMethod::Bisection => search(low, high, t, self.budget, 0.5, seen, value),
            };
        }
        send(&self.affine, t, view);
    }

    fn needs_true_messages(&self) -> bool {
        self.attack.needs_true_messages()
    }

    fn looks_back(&self) -> bool {
        self.attack.looks_back()
    }
}

/// `(3 − √5)/2`.
const GOLDEN: f64 = 0.381_966_011_250_105_1;

/// The best of `budget` strengths: a scan of the range, and a refinement of the best interval, by `part` of its longer side.
/// `seen` is memory for as many pairs.
fn search(
    low: f64,
    high: f64,
    own: f64,
    budget: usize,
    part: f64,
    seen: &mut Vec<(f64, f64)>,
    mut value: impl FnMut(f64) -> f64,
) -> f64 {
    seen.clear();
    let mut look = |t: f64, seen: &mut Vec<(f64, f64)>| {
        // A strength that the defence refuses moves nothing.
        let found = value(t);
        let found = if found.is_nan() { f64::NEG_INFINITY } else { found };
        let at = seen.partition_point(|&(s, _)| s < t);
        seen.insert(at, (t, found));
    };
    let first = own.clamp(low, high);
    look(first, seen);
    let scan = (budget * 3 / 5).max(2).min(budget - 1);
    for i in 0..scan {
        // Both ends first.
        let share = match i {
            0 => 0.0,
            1 => 1.0,
            _ => (i - 1) as f64 / (scan - 1) as f64,
        };
        look(low + share * (high - low), seen);
    }
    while seen.len() < budget {
        let best = best(seen);
        let t = seen[best].0;
        let left = if best == 0 { t } else { seen[best - 1].0 };
        let right = seen.get(best + 1).map_or(t, |next| next.0);
        look(
            if right - t > t - left { t + part * (right - t) } else { t - part * (t - left) },
            seen,
        );
    }
    seen[best(seen)].0
}

/// The place of the largest value, the lowest strength of several.
fn best(seen: &[(f64, f64)]) -> usize {
    (1..seen.len()).fold(0, |best, i| if seen[i].1 > seen[best].1 { i } else { best })
}

/// Steps upwards from the best, twice as long while they help, and by a fifth shorter after the first that does not.
fn expand(start: f64, budget: usize, mut value: impl FnMut(f64) -> f64) -> f64 {
    let (mut best, mut most) = (start, value(start));
    let (mut step, mut growing) = (10.0, true);
    for _ in 1..budget {
        let found = value(best + step);
        if found > most {
            (best, most) = (best + step, found);
        } else {
            growing = false;
        }
        step *= if growing { 2.0 } else { 0.8 };
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best of a fine grid, and of the search.
    fn both(f: impl Fn(f64) -> f64 + Copy, budget: usize, part: f64) -> (f64, f64) {
        let grid = (0..=10_000).map(|i| f(f64::from(i) * 1e-3)).fold(f64::MIN, f64::max);
        let mut count = 0;
        let counted = |t| {
            count += 1;
            f(t)
        };
        let t = search(0.0, 10.0, 0.2, budget, part, &mut Vec::new(), counted);
        assert!((0.0..=10.0).contains(&t));
        assert_eq!(count, budget);
        (grid, f(t))
    }

    #[test]
    fn one_peak_is_found_wherever_it_is() {
        for peak in [0.0, 0.03, 1.7, 5.0, 6.66, 9.9, 10.0] {
            for part in [GOLDEN, 0.5] {
                let (grid, found) = both(|t| -(t - peak).abs(), 20, part);
                assert!(found >= grid - 0.15, "{peak}: {found} of {grid}");
                let (grid, found) = both(|t| -(t - peak).powi(2), 40, part);
                assert!(found >= grid - 1e-4, "{peak}: {found} of {grid}");
            }
        }
    }

    #[test]
    fn of_several_peaks_the_highest_is_found_if_it_is_wider_than_the_scan() {
        // Peaks of width 2.5, where twenty evaluations scan in steps of 10/11.
        for phase in [0.0, 0.5, 1.0, 2.0] {
            for part in [GOLDEN, 0.5] {
                let f = |t: f64| (2.5 * t + phase).sin() + 0.2 * t;
                let (grid, found) = both(f, 20, part);
                assert!(found >= grid - 0.02, "{phase}: {found} of {grid}");
            }
        }
    }

    #[test]
    fn any_budget_is_spent_and_never_loses_the_attacks_own_strength() {
        for budget in 1..30 {
            let (_, found) = both(|t| if t == 0.2 { 1.0 } else { 0.0 }, budget, GOLDEN);
            assert_eq!(found, 1.0);
        }
    }

    #[test]
    fn what_a_defence_refuses_is_not_sent() {
        let f = |t: f64| if t > 3.0 { f64::NAN } else { t };
        let t = search(0.0, 10.0, 0.2, 20, GOLDEN, &mut Vec::new(), f);
        assert!((2.0..=3.0).contains(&t), "{t}");
    }
}
