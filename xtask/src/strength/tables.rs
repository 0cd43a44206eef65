//! A federation's numbers as tables.

use super::federation::{Federation, Method, Which};
use crate::statistics::Estimate;
use std::fmt::Write as _;

/// A row for each pipeline, best worst case first.
pub(super) fn board(federation: &Federation) -> String {
    let mut text = "| pipeline | step | search: worst | worst case [95 %] | under | held out: worst case [95 %] | under | mean | no attack | κ | f ≤ |\n|---|---:|---:|---:|---|---:|---|---:|---:|---:|---:|\n".to_owned();
    for method in federation.ranking() {
        let case = |which| {
            let worst = federation.worst(method, which);
            worst.map_or(("–".to_owned(), ""), |worst| (worst.estimate.text(), worst.attack))
        };
        let ((seen, by), (held_out, by_held_out)) = (case(Which::Searched), case(Which::HeldOut));
        let mean = federation.mean(method, Which::All);
        let none = federation.under(method, "none").and_then(|values| Estimate::of(&values));
        let text_of = |estimate: Option<Estimate>| estimate.map_or("–".into(), |e| e.text());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {seen} | {by} | {held_out} | {by_held_out} | {} | {} | {} | {} |",
            method.name,
            method.step,
            method.searched.map_or("–".into(), |worst| format!("{worst:.3}")),
            text_of(mean),
            text_of(none),
            method.kappa.map_or("not proven".into(), |kappa| format!("{kappa:.2}")),
            if method.withstands == 0 {
                "not proven".into()
            } else {
                method.withstands.to_string()
            },
        );
    }
    text
}

/// A row for each attack, a column for each pipeline in the file's order; each pipeline's worst case in bold.
pub(super) fn all(federation: &Federation) -> String {
    let names: Vec<&str> = federation.methods.iter().map(|m| &*m.name).collect();
    let mut text =
        format!("| attack | {} |\n|---|{}\n", names.join(" | "), "---:|".repeat(names.len()));
    let worst = |method: &Method| federation.worst(method, Which::All).map(|w| w.attack.to_owned());
    let worst: Vec<Option<String>> = federation.methods.iter().map(worst).collect();
    for attack in &federation.attacks {
        let cells = federation.methods.iter().zip(&worst).map(|(method, worst)| {
            let values = federation.under(method, &attack.name).unwrap_or_default();
            let mean = Estimate::of(&values).map_or("–".into(), |e| format!("{:.3}", e.mean));
            match worst.as_ref() == Some(&attack.name) {
                true => format!("**{mean}**"),
                false => mean,
            }
        });
        let held_out = if attack.held_out { " (held out)" } else { "" };
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(text, "| {}{held_out} | {} |", attack.name, cells.join(" | "));
    }
    text
}

/// What is to be said of attacks that a pipeline did not meet; empty for none.
pub(super) fn not_met(federation: &Federation) -> String {
    let of = |method: &Method| {
        let not_met = federation.not_met(method);
        let names = not_met.join("; ");
        (!not_met.is_empty()).then(|| {
            format!(
                "\n{} comes last, as it did not meet {} of the attacks, for its time: {names}.\nIts step was chosen without line searches.\nWhere it has no interval it has one seed.\n",
                method.name,
                not_met.len()
            )
        })
    };
    federation.methods.iter().filter_map(of).collect()
}

/// What is to be said of runs that diverged; empty for none.
pub(super) fn diverged(federation: &Federation) -> String {
    let some = federation.methods.iter().filter(|m| m.diverged > 0);
    let some: Vec<String> = some.map(|m| format!("{} {}", m.name, m.diverged)).collect();
    match some.is_empty() {
        true => String::new(),
        false => format!("\nRuns that diverged count as 0: {}.\n", some.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::federation::example;
    use super::*;

    #[test]
    fn the_best_comes_first_and_the_worst_is_bold() {
        let federation = example();
        let board = board(&federation);
        let first = board.lines().nth(2).unwrap();
        assert!(first.starts_with("| SAGA + SMEA | 0.3 | – | 0.650 ["), "{first}");
        assert!(board.contains("not proven"));
        let all = all(&federation);
        assert!(all.contains("| ALIE | **0.050** | 0.650 |"), "{all}");
        assert!(all.contains("| zero (held out) | 0.800 | **0.500** |"), "{all}");
    }
}
