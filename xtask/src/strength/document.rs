//! The record as a document and a page.

use super::federation::{FEDERATIONS, Federation, MNIST, RUNS, config, recorded};
use super::{conclusions, expected, picture, tables};
use crate::cmd;
use anyhow::{Context, Result};
use std::fmt::Write as _;

const PATH: &str = "docs/strength.md";
/// The same runs as a page.
const PAGE: &str = "docs/strength.html";
const TITLE: &str = "How strong the attacks are";

const SLOW: &str = "SAGA + SMEA";

const MNIST_IS_SHORTER: &str = "
On MNIST the Byzantine workers hold classes 8 and 9, as in the paper's Figure 7.
So that all of it takes minutes, it has fewer rounds than Figure 7's 4 000, fewer attacks, and steps chosen under six of them.
";

/// What is proven of the unproven: true of the chain, whatever the runs come to.
const CHAIN: &str = "\
## What is proven of ARC, resampling and DnC

ARC makes no message longer than the longest regular one.
It shortens the k ≥ f longest messages to the next length, and of k + 1 messages one is regular.
Resampling and DnC average messages.
So the aggregate is no longer than the longest regular message M, and at most 2M from the regular mean, whatever is sent.

More is not proven, and no κ exists.
Let all 24 regular messages be v, so that a (f, κ)-robust chain must return v.
Two Byzantine workers send v + a e, and four v + (2a/11) e, with a length of e for which ARC shortens nothing.
Let resampling with s = 2 put the six into twelve different averages, as it does with positive probability.
Eight averages are then v + (a/11) e, which is the mean of all thirty.
DnC gives these eight the least scores.
It leaves out twelve: the four of the two workers, and eight averages of regular messages.
The output is v + (8/18)(a/11) e, which is not v.
Resampling has a law in expectation: its averages vary about half as much.
The mean over draws of what DnC then returns is not proven to be near the regular mean.
";

/// Runs all federations and writes the record.
pub(crate) fn strength() -> Result<()> {
    let mut federations = Vec::new();
    let recorded = recorded();
    for &(name, title) in &recorded {
        cmd::fl_cli(&["sweep", "run", &config(name), "--out", RUNS, "--jobs", "2"])?;
        federations.push(Federation::read(name, title)?);
    }
    picture::draw(&federations)?;
    cmd::write(PATH, &document(&federations)?)?;
    println!("{PATH}");
    let folders: Vec<String> = recorded.iter().map(|(name, _)| format!("{RUNS}/{name}")).collect();
    let mut args = vec!["report", "--out", PAGE, "--title", TITLE];
    args.extend(folders.iter().map(String::as_str));
    cmd::fl_cli(&args)
}

fn document(federations: &[Federation]) -> Result<String> {
    let mut text = head(federations)?;
    let _ = write!(text, "\n## Conclusions\n\n{}", conclusions::conclusions(federations)?);
    text += "\nIntervals are 95 % intervals by Student's t over seeds; differences are paired by seed.\n";
    let _ = write!(
        text,
        "\n## The first look\n\nA first look by hand, before this record, gave these numbers.\nIt did not note its attacks and seeds; the worst cases and means below are over the attacks of the search.\nA number is confirmed where it lies in the interval.\n\n{}",
        expected::table(federations)
    );
    let _ = write!(text, "\n{CHAIN}");
    for federation in federations {
        let Federation { title, name, .. } = federation;
        let _ = write!(
            text,
            "\n## {title}\n\n![Accuracy of {} pipelines under {} attacks, {title}](figures/strength-{name}.png)\n\n{}{}{}",
            federation.methods.len(),
            attacks(federation),
            tables::board(federation),
            tables::not_met(federation),
            tables::diverged(federation),
        );
    }
    text += "\n## All numbers\n\nMeans over seeds; each pipeline's worst case is in bold.\n";
    for federation in federations {
        let _ =
            write!(text, "\n### {}, all attacks\n\n{}", federation.title, tables::all(federation));
    }
    Ok(text)
}

fn attacks(federation: &Federation) -> usize {
    federation.attacks.iter().filter(|attack| attack.is_one()).count()
}

/// The federations with their files.
fn list(federations: &[Federation]) -> String {
    let mut text = "| federation | data are dealt | rounds | seeds | experiment file |\n|---|---|---:|---|---|\n".to_owned();
    for federation in federations {
        let dealt = match &*federation.name {
            "digits-iid" => "at random",
            "digits-dirichlet" => "by a mixture of classes for each worker, α = 0.3",
            _ => "by class, three workers to a class",
        };
        let seeds: Vec<String> = federation.seeds.iter().map(u64::to_string).collect();
        let file = config(&federation.name);
        let _ = writeln!(
            text,
            "| {} | {dealt} | {} | {} | [{file}](../{file}) |",
            federation.title,
            federation.rounds,
            seeds.join(", "),
        );
    }
    text
}

/// What was run, and how.
fn head(federations: &[Federation]) -> Result<String> {
    let first = federations.first().context("no federations")?;
    let held_out = first.attacks.iter().filter(|attack| attack.held_out).count();
    let mut text = format!(
        "# {TITLE}\n\nEvery pipeline's step is tuned for each federation: it is the one with the best worst case in a search on other seeds, and on rows set aside.\n\nWritten by `cargo xtask strength`; do not edit.\n`cargo xtask strength tune` repeats the search for the steps, which is that of `fl-cli defend`.\n\n"
    );
    let _ = write!(
        text,
        "The tables have {} pipelines under {} attacks, and without one (`none`).\nSteps were chosen under {} of these attacks; {held_out} are held out.\nThe model is softmax regression.\nSix of thirty workers are Byzantine and know everything.\nOn the 1 797 digits that the program carries they are drawn anew for each seed.\n\n",
        federations.iter().map(|federation| federation.methods.len()).max().unwrap_or(0),
        attacks(first),
        attacks(first) - held_out,
    );
    text += &list(federations);
    for (name, title) in FEDERATIONS {
        if federations.iter().all(|federation| federation.name != name) {
            let file = config(name);
            let _ = write!(
                text,
                "\n{title} ([{file}](../{file})) is not part of the record yet: its steps are not searched.\n"
            );
        } else if name == MNIST {
            text += MNIST_IS_SHORTER;
        }
    }
    text += match federations.iter().any(|federation| federation.method(SLOW).is_some()) {
        true => {
            "\nSAGA + SMEA runs on digits by class alone: one evaluation of SMEA takes up to 100 ms.\n"
        }
        false => "\nSAGA + SMEA is not run: one evaluation of SMEA takes up to 100 ms.\n",
    };
    text += "
A cell is the final test accuracy: the mean over the evaluations in the last rounds, and over seeds.
A *worst case* is the least cell of a pipeline: what is left under the strongest of these attacks.
A stronger attack can leave less.
*Search: worst* is the worst case by which the step was chosen, on the seeds and rows of the search.
κ is that of (f, κ)-robustness of chain and rule, and f ≤ the largest f that is proven to be withstood.
RS is resampling with s = 2; *Proposed* is the paper's method.

A line search chooses the strength of its attack anew in every round.
It takes the strength that moves the server's decision farthest from the mean of the regular messages, and knows the defence's random draws.
*Two directions* divide the Byzantine workers among two line searches, one after the other.
*Decoys* are two workers that are far out, behind which four search.

[strength.html](strength.html) has the runs in one file, to open in a browser: curves, classes, configurations, comparisons.
";
    Ok(text)
}
