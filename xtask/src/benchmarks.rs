//! `cargo xtask benchmarks`: docs/benchmarks.md, what byzfl and Blades publish, and what their settings give here.

use crate::cmd;
use crate::record::{Measure, Results};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt::Write;
use std::fs;

const PATH: &str = "docs/benchmarks.md";
/// Accuracies that differ by less are taken for equal: a seed moves them by as much.
const MARGIN: f64 = 0.01;
/// Below this nothing was learnt: there are ten classes.
const CHANCE: f64 = 0.2;

/// An experiment file and its section of the document.
struct Part {
    /// Of the file in configs/benchmarks, of its folder of runs, and of its picture.
    name: &'static str,
    /// What is set so that all parts together take an hour on two cores.
    reduced: &'static [&'static str],
    title: &'static str,
    text: &'static str,
    shows: Shows,
}

/// What stands below a section's text.
enum Shows {
    /// Published numbers of one run, round by round, beside ours.
    Published(&'static [(u64, f64)]),
    /// Final accuracies by these keys.
    Table(&'static [&'static str]),
    /// Final accuracies with SAGA beside those with momentum, curves, and what follows.
    Verdict,
}

/// byzfl 0.0.11, README: the test accuracy that its example prints.
const BYZFL_EXAMPLE: &[(u64, f64)] = &[
    (0, 0.0600),
    (100, 0.6375),
    (200, 0.8148),
    (300, 0.9318),
    (400, 0.8588),
    (500, 0.9537),
    (600, 0.9185),
    (700, 0.9511),
    (800, 0.9400),
    (900, 0.9781),
    (1000, 0.9733),
];

/// A defence, its method with momentum, and its method with SAGA.
const PAIRS: [(&str, &str, &str); 4] = [
    ("mean", "mean, momentum", "mean, SAGA"),
    ("geometric median", "geometric median, momentum", "geometric median, SAGA"),
    ("NNM + trimmed mean", "NNM + trimmed mean, momentum", "NNM + trimmed mean, SAGA"),
    ("RS + geometric median (proposed)", "RS + geometric median, momentum", "Proposed"),
];
const ATTACKS: [&str; 3] = ["ALIE", "IPM", "sign flipping"];

/// In the order in which they are run: the cheap one first.
const PARTS: &[Part] = &[
    Part {
        name: "byzfl_example",
        reduced: &[],
        title: "byzfl's worked example",
        text: "\
MNIST, three honest clients and a Byzantine one, Dirichlet 0.5, batch 25, step 0.1, weight decay 10⁻⁴, momentum 0.9.
Messages are clipped to the norm 2 and mixed by NNM; the rule is the trimmed mean.
The Byzantine client sends −3 times the honest mean.
byzfl prints one run; ours are runs with different seeds.
byzfl's honest clients hold all the data; here the Byzantine worker holds a share that nobody learns from.
Both deal the data by random draws, so single runs differ by several hundredths.",
        shows: Shows::Published(BYZFL_EXAMPLE),
    },
    Part {
        name: "variance_reduction",
        reduced: &[],
        title: "Does variance reduction pay for a convolutional network?",
        text: "\
Fashion-MNIST, 20 workers of which 4 are Byzantine, Dirichlet 0.3, byzfl's network of 431 080 parameters, 1 500 rounds.
Each of four defences has SGD with momentum 0.9, or SAGA; both have batch 32 and the step 0.1.
ALIE has byzfl's z = 1.5, IPM its ε = 2; sign flipping is the paper's, −5 times the worker's own message.
The final accuracy is the mean over the evaluations in the last 300 rounds.
A run stops once its test loss is above 1 000.
SAGA's tables take 2.1 GB; momentum takes 35 MB.
The verdict counts pairs in which one of the two reaches an accuracy of 0.2.
Variance reduction pays if SAGA is ahead by more than 0.01 in three quarters of them; it does not in a quarter or less.",
        shows: Shows::Verdict,
    },
    Part {
        name: "byzfl_mnist",
        reduced: &["seeds=[0]", "sweep.federation.byzantine.count.values=[2]"],
        title: "byzfl's benchmark for MNIST",
        text: "\
Ten workers, 800 rounds, batch 25, step 0.1, weight decay 10⁻⁴, momentum 0.9.
Messages are clipped to the norm 2 and mixed by NNM before the rule.
Similarity is the share of the data that is dealt at random; the rest is dealt by class.
byzfl's attacks are sign flipping, and IPM and ALIE whose strength is searched in every round.
byzfl publishes pictures of this benchmark and no numbers, so there is nothing to put beside ours.
byzfl sets a fifth of the training data aside, chooses steps on it and shows the worst attack; here the step is fixed.",
        shows: Shows::Table(&["Byzantine", "similarity", "method"]),
    },
    Part {
        name: "blades_fashion_mnist",
        reduced: &[
            "rounds=100",
            "final-window=1",
            "sweep.federation.byzantine.count.values=[12]",
            "sweep.federation.attack={ name = \"attack\", values = [{ alie = { std = \"unbiased\" } }, \
             { sign-flipping = { factor = -1.0 } }, \"min-max\"], labels = [\"ALIE\", \"sign flipping\", \"min-max\"] }",
        ],
        title: "Blades' example for Fashion-MNIST",
        text: "\
Sixty clients with i.i.d. data, batch 64, step 0.1, no momentum.
Blades trains 2 000 rounds, with a tenth of the step from round 1 501 on.
Such a run takes 20 to 40 minutes of a core, and the file has 144; so the hour has the first 100 rounds of a few.
These say how fast a rule begins to learn, and nothing about where it ends.
Blades publishes a picture of this example and no numbers, so there is nothing to put beside ours.",
        shows: Shows::Table(&["Byzantine", "attack", "method"]),
    },
    Part {
        name: "blades_mnist",
        reduced: &["rounds=1000"],
        title: "Blades' example for MNIST",
        text: "\
Sixty clients with i.i.d. data, a perceptron with layers of 128 and 256, nobody Byzantine, five rules.
Blades trains 4 000 rounds; the hour has the first 1 000.
No published numbers of this example were found.",
        shows: Shows::Table(&["method"]),
    },
];

const HEAD: &str = "\
# The field's benchmarks

Written by `cargo xtask benchmarks`; do not edit.

byzfl and Blades are libraries with benchmarks of their own.
[configs/benchmarks](../configs/benchmarks) has their published settings for MNIST and Fashion-MNIST as experiment files.
This page has what they publish, beside what these files give here.
`cargo xtask benchmarks` runs a share of them that fits into an hour on two cores, by estimate, and `--whole` all of them.
Two runs at a time with SAGA need 5 GB of memory.
`--write` runs nothing and writes this page from the runs that are finished.

| setting | what is published | where | file |
|---|---|---|---|
| byzfl's worked example | accuracy every 100 rounds, of one run | README of byzfl 0.0.11 | [byzfl_example](../configs/benchmarks/byzfl_example.toml) |
| byzfl's benchmark, MNIST | pictures | LPD-EPFL/byzfl, `byzfl/benchmark/README.md`, commit 366e925 | [byzfl_mnist](../configs/benchmarks/byzfl_mnist.toml) |
| Blades' example, Fashion-MNIST | a picture | lishenghui/blades, `blades/tuned_examples/fedsgd_cnn_fashion_mnist.yaml`, commit f212a86 | [blades_fashion_mnist](../configs/benchmarks/blades_fashion_mnist.toml) |
| Blades' example, MNIST | nothing that was found | lishenghui/blades, `blades/tuned_examples/fedavg_60_mnist.yaml`, commit f212a86 | [blades_mnist](../configs/benchmarks/blades_mnist.toml) |

No number here is read off a picture.
Of the papers on byzfl (arXiv 2505.24802) and Blades (arXiv 2206.05359) only the abstracts could be looked up, and they have no accuracies.

## What cannot be compared

- Random draws: partitions, batches and first parameters follow the same laws, but are not PyTorch's.
- byzfl shares the data among the honest clients alone; here all workers have a share.
- No settings of byzfl for Fashion-MNIST were found; its network has a setting of our own there.
- Blades' network for Fashion-MNIST has dropout, and no activation between dense layers; ours has no dropout, and ReLU.
- Blades' perceptron for MNIST has dropout; ours has none.
- Blades' rules Clippedclustering and Signguard are not here; its example with non-i.i.d. data has only the latter.
- Blades' noise has the mean 0.1 and the deviation 0.1; ours has the same deviation and the mean 0.
- Blades' min-max finds its strength to 0.01 and up to 5; ours solves for it exactly.
- Blades' i.i.d. clients take the file's rows in order; ours are dealt them at random.
- Blades' examples with twenty local steps a round take hours for each run, and have no file here.
";

pub(crate) fn benchmarks(words: &[&str]) -> Result<()> {
    let (run, whole) = match words {
        [] => (true, false),
        ["--whole"] => (true, true),
        ["--write"] => (false, false),
        ["--write", "--whole"] | ["--whole", "--write"] => (false, true),
        other => bail!("benchmarks takes --whole, --write or both, and not {}", other.join(" ")),
    };
    let mut text = HEAD.to_owned();
    for part in PARTS {
        let asked = Asked::new(part, whole);
        if run {
            cmd::fl_cli(&asked.words(&["run"], &["--jobs", "2"]))?;
        }
        text += &format!("\n## {}\n\n{}\n\n{}", part.title, part.text, asked.section()?);
    }
    cmd::write(PATH, &(text.trim_end().to_owned() + "\n"))?;
    println!("{PATH}");
    Ok(())
}

/// A part, and whether the whole of it is asked for.
struct Asked<'a> {
    part: &'a Part,
    config: String,
    sets: &'a [&'a str],
}

impl<'a> Asked<'a> {
    fn new(part: &'a Part, whole: bool) -> Self {
        let sets = if whole { &[] } else { part.reduced };
        Self { part, config: format!("configs/benchmarks/{}.toml", part.name), sets }
    }

    /// A command of `fl-cli` about this part.
    fn words<'b>(&'b self, verb: &[&'b str], more: &[&'b str]) -> Vec<&'b str> {
        let mut words = [verb, &[self.config.as_str()]].concat();
        words.extend(self.sets.iter().flat_map(|set| ["--set", *set]));
        words.extend(more);
        words
    }

    /// How many runs are finished, of how many.
    fn standing(&self) -> Result<(usize, usize)> {
        let text = cmd::fl_cli_output(&self.words(&["sweep", "status"], &["--json"]))?;
        let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        let finished = rows
            .iter()
            .filter(|row| ["done", "diverged", "beyond"].iter().any(|s| row["state"] == *s));
        Ok((finished.count(), rows.len()))
    }

    fn section(&self) -> Result<String> {
        let (done, of) = self.standing()?;
        let mut text = match (done, of) {
            (0, of) => return Ok(format!("None of {of} runs is finished yet.\n")),
            (done, of) if done < of => format!("{done} of {of} runs are finished.\n"),
            (_, of) => format!("All {of} runs are finished.\n"),
        };
        for set in self.sets {
            writeln!(text, "Set for the hour: `{set}`.")?;
        }
        text.push('\n');
        text += &match self.part.shows {
            Shows::Published(numbers) => self.beside(numbers)?,
            Shows::Table(keys) => self.table(keys, "markdown")?,
            Shows::Verdict => self.verdict()?,
        };
        Ok(text)
    }

    fn table(&self, keys: &[&str], format: &str) -> Result<String> {
        let by: Vec<&str> = keys.iter().flat_map(|key| ["--by", *key]).collect();
        cmd::fl_cli_output(&self.words(&["results"], &[&by[..], &["--format", format]].concat()))
    }

    /// Published numbers beside the mean, the least and the largest of our runs.
    fn beside(&self, published: &[(u64, f64)]) -> Result<String> {
        let mut results = Results::default();
        results.add("", 0.0, &cmd::root().join("runs").join(self.part.name))?;
        let methods = results.cases.iter().flat_map(|case| &case.methods);
        let runs: Vec<_> = methods.flat_map(|method| &method.runs).collect();
        let mut text = format!(
            "| round | published | here, mean of {} seeds | least | largest |\n|---:|---:|---:|---:|---:|\n",
            runs.len()
        );
        for &(round, theirs) in published {
            let lines = runs.iter().flat_map(|run| &run.lines);
            let at = lines.filter(|line| line["round"] == round);
            let ours: Vec<f64> = at.map(|line| Measure::Accuracy.of(line)).collect();
            let mean = ours.iter().sum::<f64>() / ours.len().max(1) as f64;
            let least = ours.iter().copied().fold(f64::INFINITY, f64::min);
            let most = ours.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            writeln!(text, "| {round} | {theirs:.4} | {mean:.4} | {least:.4} | {most:.4} |")?;
        }
        Ok(text)
    }

    /// Pairs of final accuracies, what follows from them, and the curves.
    fn verdict(&self) -> Result<String> {
        let rows: Vec<Value> = serde_json::from_str(&self.table(&["attack", "method"], "json")?)?;
        let accuracy = |attack: &str, method: &str| {
            let here = |keys: &Value| keys["attack"] == attack && keys["method"] == method;
            rows.iter().find(|row| here(&row["keys"]))?["mean"].as_f64()
        };
        let mut text =
            "| attack | defence | momentum | SAGA | SAGA − momentum |\n|---|---|---:|---:|---:|\n"
                .to_owned();
        let mut pairs = Vec::new();
        for attack in ATTACKS {
            for (defence, momentum, saga) in PAIRS {
                let pair = (accuracy(attack, momentum), accuracy(attack, saga));
                let cell = |x: Option<f64>| x.map_or("not run".to_owned(), |x| format!("{x:.4}"));
                let difference = match pair {
                    (Some(momentum), Some(saga)) => {
                        pairs.push((momentum, saga));
                        format!("{:+.4}", saga - momentum)
                    }
                    _ => String::new(),
                };
                let (momentum, saga) = (cell(pair.0), cell(pair.1));
                writeln!(text, "| {attack} | {defence} | {momentum} | {saga} | {difference} |")?;
            }
        }
        text += &format!("\n{}\n\n", told(&pairs, ATTACKS.len() * PAIRS.len()));
        text += &self.picture()?;
        Ok(text)
    }

    /// Draws the curves. The drawing as SVG can be had from the runs.
    fn picture(&self) -> Result<String> {
        let stem = format!("docs/figures/benchmarks-{}", self.part.name);
        let title = ["--title", self.part.title, "--columns", "attack"];
        cmd::fl_cli(&self.words(&["plot"], &[&["--figure", stem.as_str()][..], &title].concat()))?;
        let svg = cmd::root().join(format!("{stem}.svg"));
        fs::remove_file(&svg).with_context(|| format!("cannot remove {}", svg.display()))?;
        Ok(format!(
            "![Test accuracy over rounds, a panel for each attack](figures/benchmarks-{}.png)\n",
            self.part.name
        ))
    }
}

/// The verdict on pairs of accuracies, with momentum and with SAGA: it pays where SAGA is ahead in three quarters of the
/// pairs in which anything was learnt, and does not where it is ahead in a quarter or less.
fn told(pairs: &[(f64, f64)], of: usize) -> String {
    let learnt: Vec<f64> =
        pairs.iter().filter(|(m, s)| m.max(*s) > CHANCE).map(|(m, s)| s - m).collect();
    let (n, lost) = (learnt.len(), pairs.len() - learnt.len());
    let ahead = learnt.iter().filter(|d| **d > MARGIN).count();
    let behind = learnt.iter().filter(|d| **d < -MARGIN).count();
    let mean = learnt.iter().sum::<f64>() / n.max(1) as f64;
    let verdict = match (n, ahead) {
        (0, _) => {
            return "No pair is there yet in which anything was learnt, so there is no verdict."
                .to_owned();
        }
        (n, ahead) if 4 * ahead >= 3 * n => "pays here",
        (n, ahead) if 4 * ahead <= n => "does not pay here",
        _ => "pays under some attacks and defences, and not under others",
    };
    let rest = n - ahead - behind;
    let mut text = format!(
        "SAGA is ahead by more than {MARGIN} in {ahead} of {n} pairs, behind by more in {behind}, and within it in {rest}.\n\
         The mean difference is {mean:+.4}.\n"
    );
    if lost > 0 {
        text += &format!("In {lost} more pairs neither learns anything.\n");
    }
    text += &format!("Verdict: variance reduction *{verdict}*.\n");
    if pairs.len() < of {
        text += &format!("It is preliminary: {} of {of} pairs are run.\n", pairs.len());
    }
    text + "There is one seed and one step for all, so differences near the margin say little."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_the_pairs_in_which_anything_was_learnt() {
        let verdict = |pairs: &[(f64, f64)]| told(pairs, pairs.len());
        assert!(verdict(&[(0.5, 0.6), (0.1, 0.1)]).contains("*pays here*"));
        assert!(verdict(&[(0.5, 0.6), (0.1, 0.1)]).contains("In 1 more pairs"));
        assert!(verdict(&[(0.6, 0.5), (0.6, 0.605)]).contains("*does not pay here*"));
        assert!(verdict(&[(0.5, 0.6), (0.6, 0.5)]).contains("*pays under some"));
        assert!(verdict(&[(0.1, 0.1)]).contains("no verdict"));
        assert!(told(&[(0.5, 0.6)], 12).contains("preliminary: 1 of 12"));
    }

    #[test]
    fn every_part_has_its_file_and_every_file_its_part() {
        let folder = cmd::root().join("configs/benchmarks");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".toml", ""))
            .collect();
        files.sort();
        let mut parts: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        parts.sort_unstable();
        assert_eq!(files, parts);
    }
    /// A name that the file does not have would stand there as a run that is missing.
    #[test]
    fn the_pairs_are_methods_and_attacks_of_their_file() {
        let path = cmd::root().join("configs/benchmarks/variance_reduction.toml");
        let text = fs::read_to_string(path).unwrap();
        let methods = PAIRS.iter().flat_map(|(_, momentum, saga)| [momentum, saga]);
        for method in methods {
            assert!(text.contains(&format!("\nname = \"{method}\"\n")), "{method}");
        }
        for attack in ATTACKS {
            assert!(text.contains(&format!("\"{attack}\"")), "{attack}");
        }
    }
}
