//! Constants and bounds of the theory as rows of a table.

use fl_lab::theory::{Numbers, short as number};

/// What follows from W, B and s.
pub(crate) fn constants(n: &Numbers) -> Vec<(String, String)> {
    let some = |x: Option<f64>| x.map_or("∞".into(), number);
    let mut rows = vec![
        ("W, workers".to_owned(), n.workers.to_string()),
        ("B, Byzantine".into(), n.byzantine.to_string()),
        ("s, resampling size".into(), n.s.to_string()),
        ("α = B/W".into(), number(n.alpha)),
        ("B < W/2s".into(), met(n.tolerated).into()),
        ("largest tolerable B".into(), n.tolerable.to_string()),
        ("C_α".into(), some(n.c_alpha)),
        ("C_sα".into(), some(n.c_s_alpha)),
        ("d (Lemma 3)".into(), number(n.d)),
        ("d_R (exact, permutation)".into(), number(n.d_regular)),
    ];
    if let Some(mean) = n.algorithm_1 {
        rows.push(("mean factor of Algorithm 1 as printed".into(), number(mean)));
    }
    rows.extend([
        ("inner variation times, (17)".into(), some(n.inner_coefficient)),
        ("outer variation times, (17)".into(), some(n.outer_coefficient)),
        ("both times without resampling, (7)".into(), some(n.plain_coefficient)),
    ]);
    if let Some(s) = n.best_s {
        rows.push(("best s with SAGA".into(), s.to_string()));
    }
    if let Some(s) = n.best_s_sgd {
        rows.push(("best s with SGD, for this σ²/δ²".into(), s.to_string()));
    }
    rows
}

/// What follows from the problem and the step.
pub(crate) fn consequences(n: &Numbers, first: bool, third: bool) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for step in &n.steps {
        // Of the conditions Theorem 3 has (44) only, with the L of f.
        if !first {
            continue;
        }
        let verdict = step.met.map_or("", |m| if m { ", met" } else { ", not met" });
        let label = format!("{} {}", step.equation, step.formula);
        rows.push((label, format!("{}{verdict}", number(step.limit))));
    }
    for (name, bound) in [
        ("Theorem 1", n.theorem_1.as_ref().filter(|_| first)),
        ("Theorem 3", n.theorem_3.as_ref().filter(|_| third)),
    ] {
        let Some(bound) = bound else { continue };
        let verdict = if bound.holds {
            "yes".to_owned()
        } else {
            format!("no, not met: {}", bound.failed.join(", "))
        };
        rows.push((format!("{name}: conditions met"), verdict));
        rows.push((format!("{name}: factor a round"), format!("{:.9}", bound.contraction)));
        rows.push((format!("{name}: Δ₁"), number(bound.delta_1)));
        rows.push((format!("{name}: Δ₂"), number(bound.delta_2)));
        rows.push((format!("{name}: error left"), number(bound.plateau)));
        if let Some(rounds) = bound.rounds_to_twice_plateau {
            rows.push((format!("{name}: rounds to twice that"), rounds.to_string()));
        }
    }
    rows
}

fn met(yes: bool) -> &'static str {
    if yes { "met" } else { "not met" }
}
