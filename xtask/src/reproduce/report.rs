//! Tables and verdicts as Markdown.

use super::reference;
use crate::claims::{judge, statements};
use crate::record::{Figure, Measure, Options, Profile, Results};
use crate::statistics::Estimate;
use std::fmt::Write as _;

/// A figure's numbers and the verdicts on its claims.
pub(crate) fn figure(figure: &Figure, results: &Results, options: &Options) -> String {
    let mut text = format!("# {}\n\n", figure.title);
    let _ = writeln!(
        text,
        "Profile {}, {} rounds, {} seeds, data {} (SHA-256 {}), configuration {}.\n",
        options.profile.name(),
        results.rounds,
        results.seeds,
        results.data,
        results.data_digest,
        results.configuration,
    );
    text += &numbers(results);
    text.push('\n');
    text += &verdicts(results);
    if let (Profile::Reference, Some((table, disagree))) =
        (options.profile, reference::agreement(results))
    {
        let _ = writeln!(text, "\n## Agreement with an independent implementation\n\n{table}");
        let _ = match disagree {
            0 => writeln!(text, "All agree."),
            n => writeln!(text, "{n} do not agree."),
        };
    }
    text
}

/// Final accuracies.
pub(crate) fn numbers(results: &Results) -> String {
    let mut text = String::new();
    let many = results.cases.len() > 1;
    if many {
        let names: Vec<&str> = results.cases.iter().map(|c| &*c.name).collect();
        let _ = writeln!(text, "| final accuracy | {} |", names.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(names.len()));
        let Some(first) = results.cases.first() else { return text };
        for method in &first.methods {
            let cells: Vec<String> = results
                .cases
                .iter()
                .map(|case| {
                    let method = results.find(&case.name, &method.name);
                    let e = method.and_then(|m| Estimate::of(&m.final_values(Measure::Accuracy)));
                    e.map_or("–".into(), |e| e.text())
                })
                .collect();
            let _ = writeln!(text, "| {} | {} |", method.name, cells.join(" | "));
        }
        return text;
    }
    text += "| method | final accuracy [95 % interval] | balanced accuracy | diverged |\n|---|---|---|---|\n";
    for method in results.cases.iter().flat_map(|c| &c.methods) {
        let of = |measure| {
            Estimate::of(&method.final_values(measure)).map_or("–".into(), |e| e.text())
        };
        let diverged = method.runs.iter().filter(|r| r.diverged).count();
        let diverged = if diverged == 0 { String::new() } else { format!("{diverged} runs") };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {diverged} |",
            method.name,
            of(Measure::Accuracy),
            of(Measure::Balanced)
        );
    }
    text
}

/// The paper's claims about a figure, each with its verdict.
pub(crate) fn verdicts(results: &Results) -> String {
    let mut text = "| the paper says | here | evidence |\n|---|---|---|\n".to_owned();
    for statement in statements(results.figure) {
        let verdict = judge(statement.claim, results);
        let _ = writeln!(
            text,
            "| {} | **{}** | {} |",
            statement.says,
            verdict.word(),
            verdict.evidence
        );
    }
    text
}
