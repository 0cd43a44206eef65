//! docs/reproduction.md, written from the record: all figures and tables, all verdicts, and what a reader should know.

use super::parts::{self, PARTS, Part};
use super::{findings, reference, report, sensitivity, theory};
use crate::claims::{Verdict, judge, statements};
use crate::cmd::{self, write};
use crate::record::{FIGURES, Measure, Options, Profile, Results};
use crate::statistics::Estimate;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

const PATH: &str = "docs/reproduction.md";

/// What the three profiles are. The evidence for the third is in later public code of the same group, which descends from
/// the paper's; it proves nothing about what was run for the paper.
const PROFILES: &str = "\
| | `reference` | `paper` | `authors` |
|---|---|---|---|
| softmax regression | with bias, ℓ₂ 0.01, zeros, pixels over 255 | the same | without bias, ℓ₂ 0 |
| perceptron | 784-50-50-10 and 54-50-50-7, tanh, uniform ± 1/√fan-in, no ℓ₂, pixels over 255 | the same | inputs of mean 0 and standard deviation 1, 5 000 rounds |
| batch of 32 | different samples, a slot of SAGA each | the same | a window of neighbours, cut off at the end of the list; a slot a window |
| step of the proposed method | 0.5; 0.1 for perceptrons | the same | the same |
| steps of the others | the same, RSA 0.1 with λ 0.02 | found by `fl-cli tune`, on rows set aside; evidence in `configs/paper/tuned` | 0.1; RS-Byrd-SGD 0.4; RSA 1 with λ 0.005 |
| geometric median | to a certified gap | the same | Weiszfeld from the mean, at most 80 iterations, until a move of 10⁻⁵ |
| sign flipping | five times the own message, reversed | the same | nothing is sent: Byzantine workers' own gradients were never computed |
| Gaussian | variance 10 000, a draw a worker | the same | standard deviation 10 000 |
| rounds | 1 500 (Figs. 4 to 6), 4 000, 3 000 for perceptrons | the same | 4 000, 5 000 for perceptrons |

In all three worker 0 is duplicated, and the classes with the highest numbers are Byzantine.
In all three a class is cut into contiguous thirds in the order of the file, and resampling is Algorithm 1 as printed.
In all three COVTYPE's ten numeric columns are standardised on its training rows. The third is made of what later public
code of the same group does; nothing proves that the paper's figures were made so.
";

/// The rules, from the documentation of `claims`.
fn rules() -> String {
    include_str!("../claims/mod.rs")
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .skip(2)
        .map(|line| line.trim_start_matches("//!").trim_start())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Writes the document and the pictures in it; false if they were there already.
pub(crate) fn write_all(options: &Options) -> Result<bool> {
    let figures: Vec<Results> = FIGURES.iter().filter_map(|f| Results::of(f, options)).collect();
    let mut parts = Vec::new();
    for part in PARTS {
        parts.push((part, theory::compute(part, options)?));
    }
    let mut text = introduction(&figures);
    text += &counts(&parts, &figures);
    let _ = write!(
        text,
        "## What a reader should know\n\n{}\n## Settings\n\n{PROFILES}\n## Rules\n\n{}\n\n",
        findings::findings(&figures, options),
        rules()
    );
    for (part, numbers) in &parts {
        let _ = writeln!(text, "## {}\n", part.title);
        if part.name.starts_with("fig") {
            show(&mut text, part.name, part.title, options)?;
        }
        text += &theory::report(part, numbers);
        text.push('\n');
    }
    for results in &figures {
        figure(&mut text, results, options)?;
    }
    text += &agreement(options);
    let _ = writeln!(text, "## Sensitivity\n\n{}", sensitivity::report(options)?);
    let text = text.trim_end().to_owned() + "\n";
    if let Some(fig7) = figures.iter().find(|r| r.figure == "fig7") {
        readme(fig7)?;
    }
    let path = cmd::root().join(PATH);
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        println!("{PATH}: up to date");
        return Ok(false);
    }
    write(PATH, &text)?;
    println!("{PATH}");
    Ok(true)
}

/// What the page is.
fn introduction(figures: &[Results]) -> String {
    let mut text = "# Reproduction\n\n".to_owned();
    text += "Written by `cargo xtask reproduce all` and `cargo xtask reproduce sensitivity`; do not edit.\n\n";
    let seeds = figures.iter().map(|r| r.seeds).max().unwrap_or(0);
    let _ = writeln!(
        text,
        "The figures and tables of Peng, Wu, Ling and Chen, *Byzantine-robust variance-reduced federated learning over \
         distributed non-i.i.d. data*, from real data, {seeds} seeds each, and a verdict on each claim of its text about them, in its own order.\n\
         Every rival has the step that `fl-cli tune` chose for it; the proposed method has the paper's (0.5 for softmax regression, 0.1 \
         for perceptrons).\n\
         Where the paper is silent, [the end of this page](#sensitivity) shows what depends on how it is read; attacks that it does not \
         try are in [strength.md](strength.md).\n"
    );
    text
}

/// How many claims hold.
fn counts(parts: &[(&Part, Value)], figures: &[Results]) -> String {
    let all: Vec<Verdict> = parts
        .iter()
        .flat_map(|(part, numbers)| parts::verdicts(part, numbers))
        .map(|(_, verdict)| verdict)
        .chain(
            figures
                .iter()
                .flat_map(|r| statements(r.figure).iter().map(move |s| judge(s.claim, r))),
        )
        .collect();
    let count = |holds| all.iter().filter(|v| v.holds == holds).count();
    format!(
        "Of {} claims {} hold, {} do not hold, and {} cannot be told.\n\n",
        all.len(),
        count(Some(true)),
        count(Some(false)),
        count(None)
    )
}

/// A figure with its pictures, its numbers and its verdicts.
fn figure(text: &mut String, results: &Results, options: &Options) -> Result<()> {
    let Some(figure) = FIGURES.iter().find(|f| f.name == results.figure) else { return Ok(()) };
    let _ = writeln!(text, "## {}\n", figure.title);
    for suffix in ["", "-variation", "-companions", "-rounds", "-weight", "-classes"] {
        show(text, &format!("{}{suffix}", figure.name), figure.title, options)?;
    }
    let _ = writeln!(
        text,
        "{} rounds, {} seeds, data {} (SHA-256 {}), configuration {}; `cargo xtask reproduce {}`, from \
         [{5}.toml](../{6}).\n",
        results.rounds,
        results.seeds,
        results.data,
        results.data_digest,
        results.configuration,
        figure.name,
        Profile::Paper.config(figure.name),
    );
    *text += &report::numbers(results);
    text.push('\n');
    *text += &report::verdicts(results);
    text.push('\n');
    Ok(())
}

/// Writes Figure 7's numbers where the README has them.
fn readme(fig7: &Results) -> Result<()> {
    let path = cmd::root().join("README.md");
    let old = fs::read_to_string(&path).context("cannot read README.md")?;
    let new = between(&old, "figure 7", &accuracies(fig7))
        .context("README.md has lost the marks of figure 7")?;
    if new != old {
        write("README.md", &new)?;
    }
    Ok(())
}

fn accuracies(results: &Results) -> String {
    let mut text = "| method | final accuracy [95 % interval] |\n|---|---|\n".to_owned();
    for method in results.cases.iter().flat_map(|c| &c.methods) {
        let e = Estimate::of(&method.final_values(Measure::Accuracy));
        let _ = writeln!(text, "| {} | {} |", method.name, e.map_or("–".into(), |e| e.text()));
    }
    text
}

/// A text with what stands between two marks replaced; `None` without the marks.
fn between(text: &str, what: &str, inside: &str) -> Option<String> {
    let begin = text.find(&format!("<!-- {what}, written by"))?;
    let begin = begin + text[begin..].find('\n')? + 1;
    let end = begin + text[begin..].find(&format!("<!-- end of {what} -->"))?;
    Some(format!("{}{inside}{}", &text[..begin], &text[end..]))
}

/// Copies a picture beside the document, if there is one, and shows it.
fn show(text: &mut String, name: &str, title: &str, options: &Options) -> Result<()> {
    let from = cmd::root().join(options.figures()).join(format!("{name}.png"));
    let Ok(bytes) = fs::read(&from) else { return Ok(()) };
    let folder = cmd::root().join("docs/figures");
    fs::create_dir_all(&folder).context("cannot make the folder docs/figures")?;
    let to = folder.join(format!("{name}.png"));
    // Left alone when it is the same, so that nothing changes that has not.
    if fs::read(&to).map_or(true, |old| old != bytes) {
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    }
    let _ = writeln!(text, "![{title}](figures/{name}.png)\n");
    Ok(())
}

/// Agreement of the profile `reference` with an independent implementation, where it was run.
fn agreement(options: &Options) -> String {
    let options = Options { profile: Profile::Reference, ..options.clone() };
    let mut text = String::new();
    for figure in FIGURES {
        let Some(results) = Results::of(figure, &options) else { continue };
        let Some((table, disagree)) = reference::agreement(&results) else { continue };
        if text.is_empty() {
            text += "## Agreement with an independent implementation\n\n\
                     Profile `reference`, where every method has the same step, against an implementation in PyTorch: \
                     `cargo xtask reproduce all --profile reference`.\n\n";
        }
        let word =
            if disagree == 0 { "all agree".to_owned() } else { format!("{disagree} do not agree") };
        let _ = writeln!(text, "### {} ({} seeds): {word}\n\n{table}", figure.title, results.seeds);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = "a\n<!-- x, written by y -->\nold\n<!-- end of x -->\nb\n";
        let new = between(text, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- x, written by y -->\nnew\n<!-- end of x -->\nb\n");
        assert_eq!(between("a", "x", "new"), None);
        let readme = fs::read_to_string(cmd::root().join("README.md")).unwrap();
        assert!(between(&readme, "figure 7", "").is_some());
    }

    #[test]
    fn the_rules_are_those_in_the_source() {
        let rules = rules();
        assert!(rules.starts_with("The rules were written before the runs"), "{rules}");
        assert!(rules.contains("| fails | below 0.5 |"));
    }
}
