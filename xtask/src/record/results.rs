//! What runs left on disk, read again.

use super::figures::{Figure, Varies};
use super::options::Options;
use super::stamp::digest;
use crate::cmd;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// All of a figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) figure: &'static str,
    pub(crate) cases: Vec<Case>,
    pub(crate) rounds: u64,
    pub(crate) seeds: usize,
    pub(crate) data: String,
    pub(crate) data_digest: String,
    /// Stands for the configurations of all runs.
    pub(crate) configuration: String,
    /// Seconds of all runs together, as if one had followed the other.
    pub(crate) seconds: f64,
}

/// One federation; a figure has several where it varies one number.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// `B = 3`, or empty where there is one.
    pub(crate) name: String,
    /// The number that varies.
    pub(crate) x: f64,
    pub(crate) methods: Vec<Method>,
}

#[derive(Clone, Debug)]
pub(crate) struct Method {
    pub(crate) name: String,
    /// In the order of seeds.
    pub(crate) runs: Vec<Run>,
}

/// A method under one seed. Numbers that do not exist are NaN.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) diverged: bool,
    /// Means over the final window.
    pub(crate) accuracy: f64,
    pub(crate) balanced: f64,
    pub(crate) classes: Vec<f64>,
    /// One an evaluation.
    pub(crate) lines: Vec<Value>,
    /// Seconds at each of them.
    pub(crate) seconds: Vec<f64>,
}

/// A number that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Accuracy,
    Balanced,
    Class(usize),
    TrainAccuracy,
    OuterVariation,
    InnerVariation,
    MessageVariation,
    ByzantineWeight,
    Distance,
}

impl Measure {
    /// Its value in a line of `metrics.jsonl`.
    pub(crate) fn of(self, line: &Value) -> f64 {
        let value = match self {
            Measure::Accuracy => &line["accuracy"],
            Measure::Balanced => &line["balanced_accuracy"],
            Measure::Class(c) => &line["class_accuracy"][c],
            Measure::TrainAccuracy => &line["full"]["train_accuracy"],
            Measure::OuterVariation => &line["full"]["outer_variation"],
            Measure::InnerVariation => &line["full"]["inner_variation"],
            Measure::MessageVariation => &line["full"]["message_variation"],
            Measure::ByzantineWeight => &line["byzantine_weight"],
            Measure::Distance => &line["squared_distance_to_optimum"],
        };
        value.as_f64().unwrap_or(f64::NAN)
    }
}

impl Results {
    /// A figure's results, if all of its cases were run.
    pub(crate) fn of(figure: &Figure, options: &Options) -> Option<Self> {
        Self::read(figure, &cmd::root().join(options.runs()).join(figure.name)).ok()
    }

    pub(crate) fn find(&self, case: &str, method: &str) -> Option<&Method> {
        let case = self.cases.iter().find(|c| c.name == case)?;
        case.methods.iter().find(|m| m.name == method)
    }

    /// Reads the folder that `fl-cli run` left for a figure.
    pub(crate) fn read(figure: &Figure, folder: &Path) -> Result<Self> {
        let mut results = Self { figure: figure.name, ..Self::default() };
        match figure.varies {
            None => results.add("", 0.0, folder)?,
            Some(varies) => results.add_sweep(&varies, folder)?,
        }
        Ok(results)
    }

    /// Adds a case, that of an experiment without a sweep.
    pub(crate) fn add(&mut self, name: &str, x: f64, folder: &Path) -> Result<()> {
        let summary = summary(folder)?;
        let mut methods = Vec::new();
        let mut hashes = self.configuration.clone();
        for method in list(&summary["methods"]) {
            let name = method["name"].as_str().unwrap_or_default();
            let window = method["final_window"].as_u64().unwrap_or(0);
            let mut runs = Vec::new();
            for cell in list(&method["runs_by_seed"]) {
                runs.push(self.run(folder, cell, window, &mut hashes)?);
            }
            // Differences are paired by seed.
            runs.sort_by_key(|run| run.seed);
            methods.push(Method { name: name.to_owned(), runs });
        }
        self.settle(&summary, hashes);
        self.cases.push(Case { name: name.to_owned(), x, methods });
        Ok(())
    }

    /// Adds the cases of a sweep over one key.
    fn add_sweep(&mut self, varies: &Varies, folder: &Path) -> Result<()> {
        let summary = summary(folder)?;
        let mut hashes = String::new();
        for cell in list(&summary["cells"]) {
            let label = cell["labels"][0].as_str().unwrap_or_default();
            let name = format!("{} = {label}", varies.name);
            let window = cell["final_window"].as_u64().unwrap_or(0);
            let run = self.run(folder, cell, window, &mut hashes)?;
            let case = match self.cases.iter().position(|c| c.name == name) {
                Some(place) => place,
                None => {
                    let x = label.parse::<f64>().unwrap_or(f64::NAN) / varies.by;
                    self.cases.push(Case { name, x, methods: Vec::new() });
                    self.cases.len() - 1
                }
            };
            let methods = &mut self.cases[case].methods;
            let method = cell["method"].as_str().unwrap_or_default();
            match methods.iter_mut().find(|m| m.name == method) {
                Some(known) => known.runs.push(run),
                None => methods.push(Method { name: method.to_owned(), runs: vec![run] }),
            }
        }
        for method in self.cases.iter_mut().flat_map(|c| &mut c.methods) {
            method.runs.sort_by_key(|run| run.seed);
        }
        self.settle(&summary, hashes);
        Ok(())
    }

    fn run(
        &mut self,
        folder: &Path,
        cell: &Value,
        window: u64,
        hashes: &mut String,
    ) -> Result<Run> {
        let name = cell["folder"].as_str().unwrap_or_default();
        hashes.push_str(name.rsplit('~').next().unwrap_or_default());
        let (run, done) = Run::read(&folder.join(name), cell, window)?;
        self.seconds += done["resources"]["seconds"].as_f64().unwrap_or(0.0);
        self.data = done["data"].as_str().unwrap_or_default().to_owned();
        self.data_digest = done["data_digest"].as_str().unwrap_or_default().to_owned();
        Ok(run)
    }

    fn settle(&mut self, summary: &Value, hashes: String) {
        self.rounds = self.rounds.max(summary["rounds"].as_u64().unwrap_or(0));
        self.seeds = self.seeds.max(list(&summary["seeds"]).len());
        self.configuration = digest(&[hashes.as_bytes()]);
    }
}

fn summary(folder: &Path) -> Result<Value> {
    let path = folder.join("summary.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Method {
    /// The number at the end of each run: a mean over the final window where it is measured at every evaluation.
    pub(crate) fn final_values(&self, measure: Measure) -> Vec<f64> {
        self.runs
            .iter()
            .map(|run| match measure {
                Measure::Accuracy => run.accuracy,
                Measure::Balanced => run.balanced,
                Measure::Class(c) => run.classes.get(c).copied().unwrap_or(f64::NAN),
                other => {
                    let mut values = run.lines.iter().map(|line| other.of(line));
                    values.rfind(|x| x.is_finite()).unwrap_or(f64::NAN)
                }
            })
            .collect()
    }
}

impl Run {
    fn read(folder: &Path, cell: &Value, window: u64) -> Result<(Self, Value)> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let parse = |text: &str| -> Vec<Value> {
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
        };
        let lines = parse(&read("metrics.jsonl")?);
        let seconds: Vec<f64> = parse(&read("timing.jsonl").unwrap_or_default())
            .iter()
            .map(|t| t["seconds"].as_f64().unwrap_or(f64::NAN))
            .collect();
        let done: Value = serde_json::from_str(&read("done.json")?)?;
        let last = lines.last().and_then(|l| l["round"].as_u64()).unwrap_or(0);
        let tail: Vec<&Value> =
            lines.iter().filter(|l| l["round"].as_u64().unwrap_or(0) + window >= last).collect();
        let mean = |measure: Measure| {
            tail.iter().map(|l| measure.of(l)).sum::<f64>() / tail.len().max(1) as f64
        };
        let classes = tail.last().map_or(0, |l| l["class_accuracy"].as_array().map_or(0, Vec::len));
        let run = Self {
            seed: cell["seed"].as_u64().unwrap_or(0),
            diverged: cell["ending"] != "finished",
            accuracy: done["final_accuracy"].as_f64().unwrap_or(f64::NAN),
            balanced: done["final_balanced_accuracy"].as_f64().unwrap_or(f64::NAN),
            classes: (0..classes).map(|c| mean(Measure::Class(c))).collect(),
            lines: lines.clone(),
            seconds,
        };
        Ok((run, done))
    }
}
