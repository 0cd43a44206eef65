//! The tables of readings, and what follows from them.

use super::readings::{QUESTIONS, Question, SEEDS, readings, runs, slug};
use crate::claims::{Claim, NEAR, Verdict, judge, m};
use crate::cmd;
use crate::record::{Figure, Measure, Options, Results, find};
use crate::statistics::Estimate;
use anyhow::Result;
use std::fmt::Write as _;

/// A reading's numbers.
pub(crate) struct Row {
    what: &'static str,
    how: &'static str,
    proposed: String,
    rival: String,
    difference: String,
    says: Verdict,
    better: Verdict,
    /// Whether it is better by more than what counts as comparable.
    clearly: bool,
}

/// The rows of a question that were run.
fn rows(question: &Question, options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    for reading in readings(question) {
        let Some(figure) = find(question.figure) else { continue };
        let mut results = Results { figure: figure.name, ..Results::default() };
        let folder = cmd::root().join(runs(options)).join(slug(question, reading));
        if results.add("", 0.0, &folder).is_err() {
            continue;
        }
        let of = |method: &str| {
            results.find("", method).map(|m| m.final_values(Measure::Accuracy)).unwrap_or_default()
        };
        let rival = reading.rival.unwrap_or(question.rival);
        let (a, b) = (of(question.proposed), of(rival));
        let text = |e: Option<Estimate>| e.map_or("–".into(), |e| e.text());
        let mut says = judge(question.claim, &results);
        if matches!(question.claim, Claim::Fails(_)) {
            // The question is whether it does not.
            says.holds = says.holds.map(|fails| !fails);
        }
        let (better, worse) = (m(question.proposed), m(rival));
        rows.push(Row {
            what: reading.what,
            how: reading.how,
            proposed: text(Estimate::of(&a)),
            rival: format!("{rival} {}", text(Estimate::of(&b))),
            difference: Estimate::paired(&a, &b).map_or("–".into(), |e| e.signed()),
            says,
            clearly: judge(Claim::Remarkably(better, worse, Measure::Accuracy), &results).holds
                == Some(true),
            better: judge(Claim::Outperforms(better, worse, Measure::Accuracy), &results),
        });
    }
    rows
}

/// The sensitivity tables as Markdown.
pub(crate) fn report(options: &Options) -> Result<String> {
    let mut text = format!(
        "Every line changes one thing that the paper leaves open, over {SEEDS} seeds; the rest is as in the profile `{}`. \
         The line *authors* changes all that the profile of that name has.\n",
        options.profile.name()
    );
    for question in QUESTIONS {
        let rows = rows(question, options);
        if rows.is_empty() {
            continue;
        }
        let Some(figure) = find(question.figure) else { continue };
        let _ = writeln!(text, "\n### {}\n", short(figure));
        let _ = writeln!(
            text,
            "| what | reading | {} | rival | difference | \"{}\" | better than the rival |\n|---|---|---|---|---|---|---|",
            question.proposed, question.says
        );
        for row in &rows {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                row.what,
                row.how,
                row.proposed,
                row.rival,
                row.difference,
                row.says.word(),
                row.better.word()
            );
        }
        text.push('\n');
        text += &conclusion(question, &rows);
    }
    Ok(text)
}

fn short(figure: &Figure) -> &'static str {
    figure.title.split(':').next().unwrap_or(figure.title)
}

/// Whether the verdicts depend on the reading, and which readings agree with the paper.
fn conclusion(question: &Question, rows: &[Row]) -> String {
    let mut text = String::new();
    let name = |row: &Row| format!("{} ({})", row.what, row.how);
    // Other rivals are no readings of the same question.
    let own: Vec<&Row> = rows.iter().filter(|r| r.what != "rival").collect();
    let Some(drawn) = own.iter().find(|r| r.what == "as drawn") else { return text };
    let mut one = |says: &str, verdict: &dyn Fn(&Row) -> Option<bool>, word: &str| {
        let other: Vec<String> =
            own.iter().filter(|row| verdict(row) != verdict(drawn)).map(|row| name(row)).collect();
        let agree: Vec<String> =
            own.iter().filter(|row| verdict(row) == Some(true)).map(|row| name(row)).collect();
        let _ = if other.is_empty() {
            writeln!(text, "- That {says} {word} in all {} readings.", own.len())
        } else {
            writeln!(
                text,
                "- That {says} {word} as drawn, and not so with: {}. The paper's statement is reproduced by {} of {} \
                 readings{}.",
                other.join("; "),
                agree.len(),
                own.len(),
                if agree.len() <= 6 && !agree.is_empty() {
                    format!(": {}", agree.join("; "))
                } else {
                    String::new()
                }
            )
        };
    };
    one(question.says, &|row| row.says.holds, drawn.says.word());
    if question.outperforms {
        let says = format!("the proposed method outperforms {}", question.rival);
        one(&says, &|row| row.better.holds, drawn.better.word());
        let clearly: Vec<String> =
            own.iter().filter(|row| row.clearly).map(|row| name(row)).collect();
        let clearly = if clearly.is_empty() { "none".into() } else { clearly.join("; ") };
        let _ = writeln!(
            text,
            "- By more than {NEAR}, the rule for *remarkably*, it does so with: {clearly}."
        );
    }
    text
}

/// How much final accuracies of the proposed method move in Figure 7 over who is Byzantine and who is duplicated, and over
/// the seeds of each.
pub(crate) fn who(figure: &str, options: &Options) -> Option<(f64, f64, usize)> {
    let question = QUESTIONS.iter().find(|q| q.figure == figure)?;
    let (mut means, mut spread) = (Vec::new(), 0.0_f64);
    for reading in readings(question)
        .filter(|r| ["as drawn", "Byzantine classes", "duplicated worker"].contains(&r.what))
    {
        let mut results = Results { figure: question.figure, ..Results::default() };
        let folder = cmd::root().join(runs(options)).join(slug(question, reading));
        if results.add("", 0.0, &folder).is_err() {
            continue;
        }
        let values = results.find("", question.proposed)?.final_values(Measure::Accuracy);
        let (low, high) = ends(&values);
        spread = spread.max(high - low);
        means.push(Estimate::of(&values)?.mean);
    }
    let (low, high) = ends(&means);
    (means.len() > 2).then_some((high - low, spread, means.len()))
}

fn ends(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)))
}
