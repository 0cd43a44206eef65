//! Where the paper is silent: does the verdict depend on how it is read?

mod readings;
mod report;

pub(super) use report::{report, who};

use crate::cmd::{self, duration, write};
use crate::record::{Options, Profile, QUICK_SHARE, Stamp, find, number};
use anyhow::{Context, Result, bail};
use readings::{QUESTIONS, Question, Reading, SEEDS, readings, runs, slug};
use std::fs;
use std::time::Instant;

/// Runs all readings of all figures.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let chosen = || QUESTIONS.iter().flat_map(|q| readings(q).map(move |r| (q, r)));
    let cost = |q: &Question, r: &Reading| {
        let figure =
            find(q.figure).map_or(1.0, |f| f.seconds / if f.varies.is_some() { 5.0 } else { 1.0 });
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
    let rounds = number(text, "rounds = ").context("the experiment file has no rounds")?;
    let rounds = (rounds as f64 * factor) as u64 / if quick { QUICK_SHARE } else { 1 };
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

#[cfg(test)]
mod tests {
    use super::readings::READINGS;
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
