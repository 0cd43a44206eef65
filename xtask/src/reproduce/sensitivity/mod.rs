//! Where the paper is silent: does the verdict depend on how it is read?

use super::figures::{self, Figure};
use super::results::{Measure, Results};
use super::stamp::Stamp;
use super::{Options, Profile, duration, write};
use crate::claims::{Claim, NEAR, Subject, Verdict, judge};
use crate::cmd;
use crate::statistics::Estimate;
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

/// Seeds of every reading.
const SEEDS: usize = 3;

/// A figure, the proposed method and its nearest rival, and what the paper says of them.
struct Question {
    figure: &'static str,
    proposed: &'static str,
    rival: &'static str,
    /// Settings that all readings share.
    set: &'static [&'static str],
    says: &'static str,
    claim: Claim,
    /// Whether the paper says that the proposed method outperforms the rival.
    outperforms: bool,
}

const fn m(method: &'static str) -> Subject {
    Subject { case: "", method }
}

const QUESTIONS: &[Question] = &[
    Question {
        figure: "fig4",
        proposed: "Proposed",
        rival: "Byrd-SAGA",
        set: &[],
        says: "the proposed method is satisfactory",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: false,
    },
    Question {
        figure: "fig5",
        proposed: "Proposed",
        rival: "Byrd-SAGA",
        set: &[],
        says: "the proposed method performs well",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: false,
    },
    Question {
        figure: "fig6",
        proposed: "Proposed",
        rival: "Byrd-SAGA",
        set: &[],
        says: "the proposed method performs well",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: false,
    },
    Question {
        figure: "fig7",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &[],
        says: "the proposed method achieves around 0.73",
        claim: Claim::Near(m("Proposed"), 0.73),
        outperforms: true,
    },
    Question {
        figure: "fig8",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &["federation.byzantine={classes=[6,7,8,9]}"],
        says: "at B = 12 the proposed method does not fail",
        claim: Claim::Fails(m("Proposed")),
        outperforms: true,
    },
    Question {
        figure: "fig9",
        proposed: "s = 2",
        rival: "s = 4",
        set: &[],
        says: "with s = 4 it still performs well",
        claim: Claim::PerformsWell(m("s = 4")),
        outperforms: false,
    },
    Question {
        figure: "fig10",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &[],
        says: "the proposed method performs well",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: true,
    },
    Question {
        figure: "fig11",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &["telemetry.evaluate-rows=20000"],
        says: "the proposed method performs well",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: true,
    },
];

/// One way to read the paper where it is silent.
struct Reading {
    /// What is read differently.
    what: &'static str,
    /// How; also the name of its folder.
    how: &'static str,
    /// Figures by name, or all that have such a thing.
    figures: &'static [&'static str],
    /// Settings; `{0}` and `{1}` are the estimators of the rival and the proposed method.
    set: &'static [&'static str],
    /// Another rival.
    rival: Option<&'static str>,
}

const ALL: &[&str] = &["fig4", "fig5", "fig6", "fig7", "fig8", "fig9", "fig10", "fig11"];
const SOFTMAX: &[&str] = &["fig4", "fig5", "fig6", "fig7", "fig8", "fig9"];
const DUPLICATING: &[&str] = &["fig7", "fig8", "fig9", "fig10", "fig11"];
const TEN: &[&str] = &["fig7", "fig9"];
const PERCEPTRONS: &[&str] = &["fig10", "fig11"];

const fn reading(
    what: &'static str,
    how: &'static str,
    figures: &'static [&'static str],
    set: &'static [&'static str],
) -> Reading {
    Reading { what, how, figures, set, rival: None }
}

const READINGS: &[Reading] = &[
    reading("as drawn", "as drawn", ALL, &[]),
    reading("rounds", "half as many", ALL, &["rounds=0.5"]),
    reading("rounds", "twice as many", ALL, &["rounds=2"]),
    reading("ℓ₂", "0", SOFTMAX, &["model.softmax.l2=0.0"]),
    reading("ℓ₂", "0.001", SOFTMAX, &["model.softmax.l2=0.001"]),
    reading("ℓ₂", "0.01", PERCEPTRONS, &["model.perceptron.l2=0.01"]),
    reading("bias", "none", SOFTMAX, &["model.softmax.bias=false"]),
    reading(
        "scaling",
        "mean 0.1307, std 0.3081",
        &["fig4", "fig7", "fig10"],
        &["data.scale=normalise"],
    ),
    reading("scaling", "min-max", &["fig11"], &["data.scale=min-max"]),
    reading(
        "batch",
        "a contiguous window",
        ALL,
        &[
            "method.0.estimator={ {0} = { sampling = \"window\" } }",
            "method.1.estimator={ {1} = { sampling = \"window\" } }",
        ],
    ),
    reading(
        "batch",
        "a window cut off at the end",
        &["fig7", "fig10", "fig11"],
        &[
            "method.0.estimator={ {0} = { sampling = \"window-cut\" } }",
            "method.1.estimator={ {1} = { sampling = \"window-cut\" } }",
        ],
    ),
    reading("batch", "1", ALL, &["train.batch=1"]),
    reading(
        "batch and step",
        "1 and 0.1",
        SOFTMAX,
        &["train.batch=1", "method.0.step=0.1", "method.1.step=0.1"],
    ),
    reading(
        "batch and step",
        "1 and 0.01",
        PERCEPTRONS,
        &["train.batch=1", "method.0.step=0.01", "method.1.step=0.01"],
    ),
    reading(
        "SAGA slots",
        "windows by their start",
        &["fig4", "fig7", "fig8", "fig11"],
        &["method.1.estimator={ window-saga = {} }"],
    ),
    reading("step of both", "0.1", SOFTMAX, &["method.0.step=0.1", "method.1.step=0.1"]),
    reading("step of both", "1", SOFTMAX, &["method.0.step=1.0", "method.1.step=1.0"]),
    reading("step of both", "0.05", PERCEPTRONS, &["method.0.step=0.05", "method.1.step=0.05"]),
    reading("step of both", "0.5", PERCEPTRONS, &["method.0.step=0.5", "method.1.step=0.5"]),
    reading(
        "Byzantine classes",
        "0 and 1, worker 6 duplicated",
        TEN,
        &["federation.byzantine={classes=[0,1]}", "federation.attack.sample-duplicating.worker=6"],
    ),
    reading("Byzantine classes", "3 and 5", TEN, &["federation.byzantine={classes=[3,5]}"]),
    reading("Byzantine classes", "4 and 7", TEN, &["federation.byzantine={classes=[4,7]}"]),
    reading("Byzantine classes", "1", &["fig10"], &["federation.byzantine={classes=[1]}"]),
    reading("Byzantine classes", "5", &["fig10"], &["federation.byzantine={classes=[5]}"]),
    reading("Byzantine classes", "3", &["fig11"], &["federation.byzantine={classes=[3]}"]),
    reading("Byzantine classes", "1", &["fig11"], &["federation.byzantine={classes=[1]}"]),
    reading(
        "duplicated worker",
        "3 (class 1)",
        DUPLICATING,
        &["federation.attack.sample-duplicating.worker=3"],
    ),
    reading(
        "duplicated worker",
        "9 (class 3)",
        DUPLICATING,
        &["federation.attack.sample-duplicating.worker=9"],
    ),
    reading(
        "duplicated worker",
        "15 (class 5)",
        DUPLICATING,
        &["federation.attack.sample-duplicating.worker=15"],
    ),
    reading("resampling", "a permutation of the copies", ALL, &["resample-law=permutation"]),
    reading(
        "geometric median",
        "Weiszfeld as the authors run it",
        ALL,
        &["method.0.rule=weiszfeld", "method.1.rule=weiszfeld"],
    ),
    reading(
        "sign flipping",
        "of the honest mean",
        &["fig5"],
        &["federation.attack.sign-flipping.target=honest-mean"],
    ),
    reading(
        "Gaussian",
        "standard deviation 10000",
        &["fig6"],
        &["federation.attack.gaussian.spread={std=10000.0}"],
    ),
    Reading {
        what: "rival",
        how: "RSA as the paper writes it",
        figures: &["fig4", "fig5", "fig6", "fig7", "fig8"],
        set: &[],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "RSA, step 1, λ 0.005",
        figures: &["fig7"],
        set: &["method.0.step=1.0", "method.0.protocol={rsa={lambda=0.005}}"],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "RSA, central node after the workers",
        figures: &["fig7"],
        set: &["method.0.protocol.rsa.order=workers-first"],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "RSA, central node after the workers, step 1 over root of k plus 1",
        figures: &["fig7"],
        set: &[
            "method.0.protocol.rsa.order=workers-first",
            "method.0.protocol.rsa.decay=inverse-root",
            "method.0.step=1.0",
        ],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "the plain mean",
        figures: &["fig4", "fig7", "fig8"],
        set: &[],
        rival: Some("SGD"),
    },
    reading("profile", "authors", ALL, &["profile=authors"]),
];

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

/// The folder of runs.
fn runs(options: &Options) -> String {
    let profile = match options.profile {
        Profile::Paper => String::new(),
        other => format!("-{}", other.name()),
    };
    format!("runs/sensitivity{profile}{}", if options.quick { "-quick" } else { "" })
}

/// Runs all readings of all figures.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let chosen = || QUESTIONS.iter().flat_map(|q| readings(q).map(move |r| (q, r)));
    let cost = |q: &Question, r: &Reading| {
        let figure = figures::find(q.figure)
            .map_or(1.0, |f| f.seconds / if f.varies.is_some() { 5.0 } else { 1.0 });
        let share = if r.set.contains(&"rounds=2") { 2.0 } else { 1.0 };
        1.0 + share * figure * SEEDS as f64 * if figure > 10.0 { 0.5 } else { 0.3 }
    };
    let mut left: f64 = chosen().map(|(q, r)| cost(q, r)).sum();
    let count = chosen().count();
    let (mut idle, mut predicted, mut taken) = (true, 0.0, 0.0);
    for (i, (question, reading)) in chosen().enumerate() {
        let pace = if predicted > 0.0 { taken / predicted } else { 1.0 };
        eprintln!(
            "\n[{} of {count}] {}: {}, {}; about {} left",
            i + 1,
            question.figure,
            reading.what,
            reading.how,
            duration(pace * left)
        );
        left -= cost(question, reading);
        let since = Instant::now();
        if run_one(question, reading, options)? {
            idle = false;
            predicted += cost(question, reading);
            taken += since.elapsed().as_secs_f64();
        }
    }
    let text = report(options)?;
    println!("\n{text}");
    write(&format!("{}/sensitivity.md", options.figures()), &text)?;
    Ok(!idle)
}

fn readings(question: &Question) -> impl Iterator<Item = &'static Reading> {
    let figure = question.figure;
    READINGS.iter().filter(move |r| r.figures.contains(&figure))
}

/// A name for folders.
fn slug(question: &Question, reading: &Reading) -> String {
    let text = format!("{}-{}-{}", question.figure, reading.what, reading.how).replace('ℓ', "l");
    let text: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// The head of an experiment file without what is not of one federation and two methods.
fn for_two_methods(head: &str) -> String {
    let mut inside = false;
    let kept = head.lines().filter(|&line| {
        if line.starts_with('[') {
            inside = ["[sweep]", "[tune]"].contains(&line);
        }
        !inside
    });
    kept.collect::<Vec<_>>().join("\n")
}

/// The experiment file of two methods, the rival first, made of a figure's.
fn two_methods(text: &str, rival: &str, proposed: &str) -> Result<String> {
    let mut parts = text.split("[[method]]");
    let head = for_two_methods(parts.next().unwrap_or_default());
    let methods: Vec<&str> = parts.collect();
    let mut out = head.trim_end().to_owned();
    for name in [rival, proposed] {
        let line = format!("name = \"{name}\"");
        let Some(method) = methods.iter().find(|m| m.lines().any(|l| l == line)) else {
            bail!("there is no method {name} in the experiment file");
        };
        out += "\n\n[[method]]\n";
        out += method.trim();
    }
    Ok(out + "\n")
}

fn run_one(question: &Question, reading: &Reading, options: &Options) -> Result<bool> {
    let profile =
        if reading.set.contains(&"profile=authors") { Profile::Authors } else { options.profile };
    let config = profile.config(question.figure);
    let text = fs::read_to_string(cmd::root().join(&config))
        .with_context(|| format!("cannot read {config}"))?;
    let text = two_methods(&text, reading.rival.unwrap_or(question.rival), question.proposed)?;
    let name = slug(question, reading);
    let set = settings(question, reading, &text, options.quick)?;
    let runs = runs(options);
    let asked = set.join("\n");
    let stamp = Stamp::new(&format!("{runs}/{name}"), &[text.as_bytes(), asked.as_bytes()]);
    if stamp.is_current() {
        println!("{name}: up to date");
        return Ok(false);
    }
    let file = format!("{runs}/{name}.toml");
    write(&file, &text)?;
    let mut args = vec!["run", &file, "--out", &runs, "--quiet"];
    for s in &set {
        args.extend(["--set", s]);
    }
    if options.offline {
        args.push("--offline");
    }
    cmd::fl_cli(&args)?;
    stamp.write(&[file.clone(), format!("{runs}/{name}/summary.json")])?;
    Ok(true)
}

fn settings(
    question: &Question,
    reading: &Reading,
    text: &str,
    quick: bool,
) -> Result<Vec<String>> {
    let seeds: Vec<String> = (0..SEEDS).map(|s| s.to_string()).collect();
    let mut set = vec![
        format!("name={}", slug(question, reading)),
        format!("seeds=[{}]", seeds.join(",")),
        // Accuracy is all that is asked for.
        "evaluate-every=100".into(),
        "full-pass-every=0".into(),
        "telemetry.optimum=false".into(),
        "checkpoint.keep=nothing".into(),
    ];
    set.extend(question.set.iter().map(|s| (*s).to_owned()));
    let estimator = |method: usize| -> &str {
        let part = text.split("[[method]]").nth(method + 1).unwrap_or_default();
        if part.contains("saga") { "saga" } else { "sgd" }
    };
    let factor = reading.set.iter().find_map(|s| s.strip_prefix("rounds="));
    let factor: f64 = factor.unwrap_or("1").parse().context("a factor of the rounds")?;
    let rounds = super::number(text, "rounds = ").context("the experiment file has no rounds")?;
    let rounds = (rounds as f64 * factor) as u64 / if quick { super::QUICK_SHARE } else { 1 };
    set.push(format!("rounds={rounds}"));
    if quick {
        set.push(format!("final-window={}", rounds / 10));
    }
    for s in reading.set {
        match s.split_once('=') {
            Some(("profile" | "rounds", _)) => {}
            Some(("resample-law", law)) => {
                for method in 0..2 {
                    let part = text.split("[[method]]").nth(method + 1).unwrap_or_default();
                    let s = part.split("resample = { s = ").nth(1).and_then(|p| p.chars().next());
                    if let Some(s) = s {
                        let pre = format!("[{{ resample = {{ s = {s}, law = \"{law}\" }} }}]");
                        set.push(format!("method.{method}.pre={pre}"));
                    }
                }
            }
            _ => set.push(s.replace("{0}", estimator(0)).replace("{1}", estimator(1))),
        }
    }
    Ok(set)
}

/// The rows of a question that were run.
fn rows(question: &Question, options: &Options) -> Vec<Row> {
    let mut rows = Vec::new();
    for reading in readings(question) {
        let Some(figure) = figures::find(question.figure) else { continue };
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
        let Some(figure) = figures::find(question.figure) else { continue };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_methods_are_taken_out_of_a_file_the_rival_first() {
        let text = "rounds = 8\n\n[[method]]\nname = \"a\"\nstep = 1\n\n[[method]]\nname = \"b\"\n";
        let two = two_methods(text, "b", "a").unwrap();
        assert_eq!(
            two,
            "rounds = 8\n\n[[method]]\nname = \"b\"\n\n[[method]]\nname = \"a\"\nstep = 1\n"
        );
        assert!(two_methods(text, "c", "a").unwrap_err().to_string().contains("method c"));
    }

    #[test]
    fn a_reading_is_of_one_federation_and_tunes_nothing() {
        let head = "rounds = 8\n\n[sweep]\n\"a.b\" = [1, 2]\n\n[tune]\nmethods = [\"c\"]\n\n[train]\nbatch = 2\n";
        assert_eq!(for_two_methods(head), "rounds = 8\n\n[train]\nbatch = 2");
    }

    #[test]
    fn names_of_readings_are_different_folders() {
        let mut names: Vec<String> =
            QUESTIONS.iter().flat_map(|q| readings(q).map(move |r| slug(q, r))).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')));
    }

    #[test]
    fn settings_follow_the_file_that_they_change() {
        let text = "rounds = 4000\n[[method]]\nestimator = \"sgd\"\npre = [{ resample = { s = 2 } }]\n[[method]]\nestimator = \"saga\"\npre = [{ resample = { s = 3 } }]\n";
        let question = &QUESTIONS[3];
        let of = |how: &str| {
            let reading = READINGS.iter().find(|r| r.how == how).unwrap();
            settings(question, reading, text, false).unwrap()
        };
        assert!(of("twice as many").contains(&"rounds=8000".to_owned()));
        let window = of("a contiguous window");
        assert!(
            window.contains(&"method.1.estimator={ saga = { sampling = \"window\" } }".to_owned())
        );
        let law = of("a permutation of the copies");
        assert!(law.contains(
            &"method.1.pre=[{ resample = { s = 3, law = \"permutation\" } }]".to_owned()
        ));
        assert_eq!(of("authors").len(), of("as drawn").len());
    }
}
