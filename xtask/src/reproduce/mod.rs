//! `cargo xtask reproduce`: the figures and tables of the paper, and a verdict on each of its claims.

mod document;
mod findings;
mod parts;
mod picture;
mod reference;
mod report;
mod sensitivity;
mod theory;
mod tune;

use crate::cmd::{self, duration, write};
use crate::record::{
    FIGURES, Figure, Options, Profile, QUICK_SEEDS, QUICK_SHARE, Results, SEEDS, figure_stamp,
    number,
};
use anyhow::{Context, Result, bail, ensure};
use parts::{PARTS, Part};
use std::fs;
use std::time::Instant;

/// What can be asked for.
#[derive(Clone, Copy)]
enum Item {
    Part(&'static Part),
    Figure(&'static Figure),
}

impl Item {
    /// In the paper's order.
    fn all() -> Vec<Item> {
        let mut items: Vec<Item> = PARTS.iter().map(Item::Part).collect();
        items.extend(FIGURES.iter().map(Item::Figure));
        items
    }

    fn name(self) -> &'static str {
        match self {
            Item::Part(part) => part.name,
            Item::Figure(figure) => figure.name,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Item::Part(part) => part.title,
            Item::Figure(figure) => figure.title,
        }
    }

    fn expected(self, options: &Options) -> f64 {
        match self {
            Item::Part(_) => 1.0,
            Item::Figure(figure) => expected(figure, options),
        }
    }
}

/// What can be asked for beside single figures and parts: `page` makes the page of the runs that are there.
const OTHERS: [&str; 4] = ["all", "sensitivity", "tune", "page"];

/// The runs of all figures as one page, beside the document.
const PAGE: &str = "docs/reproduction.html";

pub(crate) fn reproduce(args: &[&str]) -> Result<()> {
    let options = parse(args)?;
    let begin = Instant::now();
    if options.what == "tune" {
        return tune::run(&options);
    }
    if options.what == "page" {
        ensure!(
            options.is_record(),
            "the page shows the record: leave out --quick, --seeds and --profile"
        );
        return page(&options);
    }
    let idle = if options.what == "sensitivity" {
        !sensitivity::run(&options)?
    } else {
        run_items(&options)?
    };
    let documented = match (options.is_record(), &*options.what) {
        (true, "all" | "sensitivity") => document::write_all(&options)?,
        _ => false,
    };
    if documented {
        page(&options)?;
    }
    if idle && !documented {
        println!("\neverything is up to date; nothing was run and nothing drawn");
    } else {
        println!("\n{} in all", duration(begin.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// The runs of all figures as one page.
fn page(options: &Options) -> Result<()> {
    let mut folders: Vec<String> =
        FIGURES.iter().map(|figure| format!("{}/{}", options.runs(), figure.name)).collect();
    folders.retain(|folder| cmd::root().join(folder).is_dir());
    let mut args = vec!["report", "--out", PAGE, "--title", "The paper, reproduced"];
    args.extend(folders.iter().map(String::as_str));
    cmd::fl_cli(&args)
}

/// Runs what was asked for; true if all was there.
fn run_items(options: &Options) -> Result<bool> {
    let mut chosen = Item::all();
    chosen.retain(|item| options.what == "all" || options.what == item.name());
    let mut left: f64 = chosen.iter().map(|item| item.expected(options)).sum();
    // Predictions of what is done and what it took, which tell how fast this machine is.
    let (mut idle, mut predicted, mut taken) = (true, 0.0, 0.0);
    for (i, &item) in chosen.iter().enumerate() {
        let pace = if predicted > 0.0 { taken / predicted } else { 1.0 };
        let title = item.title();
        eprintln!(
            "\n[{} of {}] {title}; about {} left",
            i + 1,
            chosen.len(),
            duration(pace * left)
        );
        left -= item.expected(options);
        let since = Instant::now();
        let ran = match item {
            Item::Part(part) => theory::run(part, options)?,
            Item::Figure(figure) => run(figure, options)?,
        };
        if ran {
            idle = false;
            predicted += item.expected(options);
            taken += since.elapsed().as_secs_f64();
        }
    }
    Ok(idle)
}

fn expected(figure: &Figure, options: &Options) -> f64 {
    let share = if options.quick { 1.0 / QUICK_SHARE as f64 } else { 1.0 };
    4.0 + figure.seconds * f64::from(options.seeds) * share
}

/// Runs, draws and judges a figure; false if all was there.
fn run(figure: &Figure, options: &Options) -> Result<bool> {
    let config = options.profile.config(figure.name);
    let text = fs::read_to_string(cmd::root().join(&config))
        .with_context(|| format!("cannot read {config}"))?;
    let folder = options.figures();
    let stamp = figure_stamp(&folder, figure.name, &text, options);
    if stamp.is_current() {
        println!("{folder}/{}: up to date", figure.name);
        return Ok(false);
    }
    let out = options.runs();
    let set = settings(&text, options)?;
    let mut args = vec!["run", &config, "--out", &out];
    for s in &set {
        args.extend(["--set", s]);
    }
    if options.offline {
        args.push("--offline");
    }
    cmd::fl_cli(&args)?;
    let results = Results::read(figure, &cmd::root().join(&out).join(figure.name))?;
    let mut files = vec![format!("{out}/{}/summary.json", figure.name)];
    files.extend(draw(figure, &results, options)?);
    let report = report::figure(figure, &results, options);
    println!("\n{report}");
    let path = format!("{folder}/{}.md", figure.name);
    write(&path, &report)?;
    files.push(path);
    stamp.write(&files)?;
    Ok(true)
}

/// What the options change in an experiment file.
fn settings(text: &str, options: &Options) -> Result<Vec<String>> {
    let seeds: Vec<String> = (0..options.seeds).map(|s| s.to_string()).collect();
    let mut set = vec![format!("seeds=[{}]", seeds.join(","))];
    if options.quick {
        let rounds = number(text, "rounds = ").context("the experiment file has no rounds")?;
        let rounds = rounds / QUICK_SHARE;
        set.push(format!("rounds={rounds}"));
        // Windows shrink with the rounds, those of single methods too.
        set.push(format!("final-window={}", rounds / 10));
        let mut method = None::<usize>;
        for line in text.lines() {
            if line.starts_with("[[method]]") {
                method = Some(method.map_or(0, |m| m + 1));
            } else if let (true, Some(m)) = (line.starts_with("final-window = "), method) {
                set.push(format!("method.{m}.final-window={}", rounds / 4));
            }
        }
    }
    Ok(set)
}

/// Writes the descriptions and the CSV, and has the pictures drawn.
fn draw(figure: &Figure, results: &Results, options: &Options) -> Result<Vec<String>> {
    let footer = format!(
        "{} rounds, {} seeds, mean and 95 % interval; profile {}; commit {}; configuration {}; data SHA-256 {}…",
        results.rounds,
        results.seeds,
        options.profile.name(),
        cmd::commit(),
        results.configuration,
        results.data_digest.get(..12).unwrap_or(&results.data_digest),
    );
    let (pictures, csv) = picture::pictures(figure, results, &footer);
    let folder = options.figures();
    let path = format!("{folder}/{}.csv", figure.name);
    write(&path, &csv)?;
    let mut files = vec![path];
    let mut descriptions = Vec::new();
    for picture in pictures {
        let dash = if picture.suffix.is_empty() { "" } else { "-" };
        let stem = format!("{folder}/{}{dash}{}", figure.name, picture.suffix);
        write(&format!("{stem}.json"), &(picture.description.to_string() + "\n"))?;
        descriptions.push(format!("{stem}.json"));
        files.extend(["svg", "png"].map(|ending| format!("{stem}.{ending}")));
    }
    let mut args = vec!["draw"];
    args.extend(descriptions.iter().map(String::as_str));
    cmd::fl_cli(&args)?;
    Ok(files)
}

fn parse(args: &[&str]) -> Result<Options> {
    let names = || {
        let mut names: Vec<&str> = Item::all().iter().map(|item| item.name()).collect();
        names.extend(OTHERS);
        names.join(", ")
    };
    let (mut what, mut seeds, mut quick, mut offline) = (None, None, false, false);
    let mut profile = Profile::Paper;
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        match arg {
            "--quick" => quick = true,
            "--offline" => offline = true,
            "--seeds" => {
                let n = args.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                let hint = "--seeds needs a number of at least 1, for example --seeds 3";
                seeds = Some(n.context(hint)?);
            }
            "--profile" => {
                let name = args.next().copied().unwrap_or_default();
                let all = || Profile::ALL.map(Profile::name).join(", ");
                profile = Profile::ALL
                    .into_iter()
                    .find(|p| p.name() == name)
                    .with_context(|| format!("--profile {name}: a profile is one of {}", all()))?;
            }
            flag if flag.starts_with('-') => bail!(
                "{flag} is no flag of reproduce: there are --seeds N, --quick, --offline and --profile NAME"
            ),
            name if what.is_some() => bail!("one at a time, or `all`; got {name} as well"),
            name if OTHERS.contains(&name)
                || Item::all().iter().any(|item| item.name() == name) =>
            {
                what = Some(name.to_owned());
            }
            name => bail!("{name} cannot be reproduced; what can is one of {}", names()),
        }
    }
    let what = what.with_context(|| format!("what? One of {}", names()))?;
    let seeds = seeds.unwrap_or(if quick { QUICK_SEEDS } else { SEEDS });
    Ok(Options { what, profile, seeds, quick, offline })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_understood_and_mistakes_are_named() {
        let options = parse(&["fig7", "--seeds", "2", "--quick"]).unwrap();
        assert_eq!((&*options.what, options.seeds, options.quick), ("fig7", 2, true));
        assert!(!options.is_record());
        assert!(parse(&["all"]).unwrap().is_record());
        assert!(!parse(&["all", "--profile", "reference"]).unwrap().is_record());
        let error = |args: &[&str]| parse(args).err().unwrap().to_string();
        assert!(error(&["fig99"]).contains("fig10"));
        assert!(error(&[]).contains("what?"));
        assert!(error(&["fig7", "--seeds", "0"]).contains("at least 1"));
        assert!(error(&["fig7", "--profile", "mine"]).contains("authors"));
        assert!(error(&["fig7", "--sedes", "3"]).contains("--seeds"));
        assert!(error(&["fig7", "fig8"]).contains("one at a time"));
    }

    #[test]
    fn every_figure_has_an_experiment_file_of_its_own_name_in_every_profile() {
        for figure in FIGURES {
            for profile in Profile::ALL {
                let path = profile.config(figure.name);
                let text = fs::read_to_string(cmd::root().join(&path)).unwrap_or_default();
                assert!(text.contains(&format!("name = \"{}\"", figure.name)), "{path}");
                assert!(number(&text, "rounds = ").is_some_and(|r| r > 0), "{path}");
            }
        }
    }

    #[test]
    fn a_quick_look_shrinks_rounds_and_windows_alike() {
        let text =
            "rounds = 4000\nfinal-window = 400\n[[method]]\n[[method]]\nfinal-window = 1000\n";
        let options = parse(&["fig7", "--quick"]).unwrap();
        let set = settings(text, &options).unwrap();
        assert_eq!(
            set,
            ["seeds=[0,1,2]", "rounds=1000", "final-window=100", "method.1.final-window=250"]
        );
    }

    #[test]
    fn every_figure_has_claims() {
        for figure in FIGURES {
            assert!(!crate::claims::statements(figure.name).is_empty(), "{}", figure.name);
        }
    }
}
