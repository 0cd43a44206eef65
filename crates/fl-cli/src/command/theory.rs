//! `fl-cli theory`: what the paper's theory says about a configuration, or about plain numbers.

use crate::host::failure::Failure;
use crate::host::flags::{DataDir, ExperimentArgs, key_value};
use crate::host::patience::Patience;
use crate::host::say::on_one_line;
use crate::host::{experiment, say};
use crate::show::theory::{consequences, constants};
use crate::show::warnings;
use crate::show::words::right;
use anyhow::anyhow;
use clap::Args as ClapArgs;
use comfy_table::{Table, presets};
use fl_lab::theory::{self, Knowns, Measured, Numbers, Scope, Warning, short as number};
use fl_lab::{BatchSize, Experiment, ExperimentText, MethodConfig, Registry};
use fl_theory::{Problem, Setting};
use serde::Serialize;
use std::path::PathBuf;

/// An experiment file, or numbers.
#[derive(Debug, ClapArgs)]
pub(crate) struct TheoryArgs {
    /// The experiment file (TOML); without one --workers and --byzantine are needed
    pub(crate) config: Option<PathBuf>,
    /// Set a key of the file, for example --set train.step=0.1; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, requires = "config")]
    pub(crate) set: Vec<(String, String)>,
    /// W, all workers
    #[arg(long, value_name = "W", conflicts_with = "config")]
    pub(crate) workers: Option<usize>,
    /// B, the Byzantine ones
    #[arg(long, value_name = "B", conflicts_with = "config")]
    pub(crate) byzantine: Option<usize>,
    /// s, the resampling size; 1 is none, 2 if left out
    #[arg(long, value_name = "S", conflicts_with = "config")]
    pub(crate) s: Option<usize>,
    /// µ, the strong convexity of f
    #[arg(long, value_name = "MU", conflicts_with = "config")]
    pub(crate) mu: Option<f64>,
    /// L, the smoothness of f
    #[arg(long, value_name = "L", conflicts_with = "config")]
    pub(crate) smooth: Option<f64>,
    /// L of every sample's cost, which Theorem 1 needs; as --smooth if left out
    #[arg(long, value_name = "L", conflicts_with = "config")]
    pub(crate) smooth_sample: Option<f64>,
    /// J, samples of a worker
    #[arg(long, value_name = "J", conflicts_with = "config")]
    pub(crate) samples: Option<usize>,
    /// b, samples in a batch; 1 if left out
    #[arg(long, value_name = "B", conflicts_with = "config")]
    pub(crate) batch: Option<usize>,
    /// γ, the step size
    #[arg(long, value_name = "GAMMA", conflicts_with = "config")]
    pub(crate) step: Option<f64>,
    /// δ², the outer variation; measured if left out and there is a file
    #[arg(long, value_name = "X")]
    pub(crate) delta2: Option<f64>,
    /// σ², the inner variation of a message; measured if left out and there is a file
    #[arg(long, value_name = "X")]
    pub(crate) sigma2: Option<f64>,
    /// ‖x⁰ − x*‖²; bounded by (‖∇f(x⁰)‖/µ)² if left out and there is a file
    #[arg(long, value_name = "X")]
    pub(crate) initial: Option<f64>,
    /// ε of an approximate geometric median; 0 if left out
    #[arg(long, value_name = "X")]
    pub(crate) epsilon: Option<f64>,
    /// Rounds of plain averaging after which δ² and σ² are measured, beside x⁰
    #[arg(long, value_name = "K,…", value_delimiter = ',', default_value = "1,10,100")]
    pub(crate) points: Vec<u64>,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: DataDir,
}

impl TheoryArgs {
    /// The file and its edits; the file must be there.
    pub(crate) fn experiment(&self) -> ExperimentArgs {
        ExperimentArgs { config: self.config.clone().unwrap_or_default(), set: self.set.clone() }
    }
}

/// Prints constants, conditions and bounds.
pub(crate) fn theory(args: &TheoryArgs, registry: &Registry) -> Result<(), Failure> {
    if args.config.is_some() { configured(args, registry) } else { plain(args) }
}

/// From numbers alone.
fn plain(args: &TheoryArgs) -> Result<(), Failure> {
    let usage = |e: fl_core::SpecError| Failure::Usage(e.into());
    let (Some(workers), Some(byzantine)) = (args.workers, args.byzantine) else {
        return Err(Failure::Usage(anyhow!(
            "name an experiment file, or give --workers and --byzantine"
        )));
    };
    let setting = Setting::new(workers, byzantine, args.s.unwrap_or(2)).map_err(usage)?;
    let problem = match (args.mu, args.smooth, args.samples) {
        (Some(mu), Some(smooth), Some(samples)) => Some(Problem {
            mu,
            smooth,
            smooth_sample: args.smooth_sample.unwrap_or(smooth),
            samples,
            batch: args.batch.unwrap_or(1),
        }),
        (None, None, None) => None,
        _ => {
            return Err(Failure::Usage(anyhow!(
                "--mu, --smooth and --samples belong together: µ, L and J of the problem"
            )));
        }
    };
    let knowns = Knowns {
        problem,
        step: args.step,
        delta2: args.delta2,
        sigma2: args.sigma2,
        initial: args.initial,
        epsilon: args.epsilon,
    };
    let numbers = theory::numbers(&setting, &knowns).map_err(usage)?;
    if args.json {
        return json(&numbers);
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["quantity", "value"]);
    for (label, value) in constants(&numbers).into_iter().chain(consequences(&numbers, true, true))
    {
        table.add_row([label, value]);
    }
    right(&mut table, 1..2);
    say::result(table);
    if !numbers.tolerated {
        say::result(format_args!(
            "B = {byzantine} is not below W/2s = {}: C_sα is infinite, and neither Lemma 1 nor a theorem applies",
            workers as f64 / (2 * setting.s()) as f64
        ));
    } else if problem.is_none() {
        say::result("conditions on the step need --mu, --smooth and --samples (and --step)");
    }
    Ok(())
}

/// The theory of an experiment file.
#[derive(Debug, Serialize)]
struct Report {
    experiment: String,
    problem: Option<ProblemReport>,
    measured: Option<Measured>,
    /// An upper bound on ‖x⁰ − x*‖², or what was given.
    initial: Option<f64>,
    methods: Vec<MethodReport>,
    warnings: Vec<Warning>,
}

#[derive(Debug, Serialize)]
struct ProblemReport {
    mu: f64,
    /// L of f, the mean of the regular workers' f_w.
    smooth: f64,
    /// The mean of the L of each f_w.
    mean_smooth_worker: Option<f64>,
    smooth_sample: f64,
    samples: usize,
}

#[derive(Debug, Serialize)]
struct MethodReport {
    name: String,
    /// "theorem 1" or "theorem 3".
    theorem: Option<&'static str>,
    /// Why neither is about it.
    why_not: Option<String>,
    step: f64,
    batch: BatchSize,
    numbers: Option<Numbers>,
}

fn configured(args: &TheoryArgs, registry: &Registry) -> Result<(), Failure> {
    // Of a sweep, its first point.
    let sweep = experiment::read(&args.experiment(), registry)?;
    let (experiment, source) = (sweep.base.clone(), sweep.source(0));
    let cells = fl_lab::cells(&experiment);
    let Some(cell) = cells.first() else { return Ok(()) };
    let locations = args.data.locations();
    let set = &experiment.data.set;
    let data = match set.load(experiment.data.scale, &locations) {
        Ok(data) => Some(data),
        Err(e) if e.is_missing() => None,
        Err(e) => return Err(Failure::of_data(&set.to_string(), e)),
    };
    let (mut problem, mut measured, mut mean_smooth_worker) = (None, None, None);
    if let Some(data) = &data {
        fl_lab::check_with_data(&experiment, &source, data)?;
        let assignment = fl_lab::assign(cell, data, &source)?;
        let _patience = Patience::with("measuring the problem");
        problem = theory::problem(cell, data, &assignment, &source)?;
        mean_smooth_worker = theory::mean_smoothness(cell, data, &assignment, &source)?;
        measured = Some(theory::measure(cell, data, &assignment, &source, &args.points)?);
    }
    // ‖∇f(x⁰)‖ ≥ µ ‖x⁰ − x*‖ for a strongly convex f.
    let reach = |p: &Problem| measured.map(|m: Measured| (m.gradient_norm / p.mu).powi(2));
    let initial = args.initial.or_else(|| problem.as_ref().and_then(reach));
    let known = Known { problem, measured, initial };
    let methods = experiment.method.iter();
    let methods = methods.map(|method| known.of(args, &experiment, method, &source));
    let methods = methods.collect::<Result<Vec<_>, Failure>>()?;
    let report = Report {
        experiment: experiment.name.clone(),
        problem: problem.map(|p| ProblemReport {
            mu: p.mu,
            smooth: p.smooth,
            mean_smooth_worker,
            smooth_sample: p.smooth_sample,
            samples: p.samples,
        }),
        measured,
        initial,
        methods,
        warnings: theory::warnings(&experiment, &source, problem.as_ref())?,
    };
    if args.json {
        return json(&report);
    }
    print(&report, cell.seed, data.is_some(), &set.to_string());
    Ok(())
}

/// What is known of the problem that all methods solve.
#[derive(Clone, Copy)]
struct Known {
    problem: Option<Problem>,
    measured: Option<Measured>,
    initial: Option<f64>,
}

impl Known {
    /// What the theory says about a method.
    fn of(
        &self,
        args: &TheoryArgs,
        experiment: &Experiment,
        method: &MethodConfig,
        source: &ExperimentText,
    ) -> Result<MethodReport, Failure> {
        let scope = theory::scope(experiment, method, source)?;
        let step = method.step.unwrap_or(experiment.train.step);
        let Known { problem, measured, initial } = *self;
        let batch = method.batch.unwrap_or(experiment.train.batch);
        let samples = problem.map_or(1, |problem| problem.samples);
        let numbers = match scope.setting() {
            None => None,
            Some(setting) => {
                // σ² of a mean of b distinct samples.
                let share = |p: Problem| {
                    let batch = batch.of(p.samples);
                    let rest =
                        p.samples.saturating_sub(batch) as f64 / (p.samples.max(2) - 1) as f64;
                    rest / batch as f64
                };
                let sigma2 =
                    args.sigma2.or_else(|| Some(measured?.sigma2 * problem.map_or(1.0, share)));
                let knowns = Knowns {
                    problem: problem.map(|p| Problem { batch: batch.of(samples), ..p }),
                    step: Some(step),
                    delta2: args.delta2.or(measured.map(|m| m.delta2)),
                    sigma2,
                    initial,
                    epsilon: args.epsilon,
                };
                let numbers = theory::numbers(&setting, &knowns);
                Some(numbers.map_err(|e| Failure::Usage(e.into()))?)
            }
        };
        let (theorem, why_not) = match scope {
            Scope::Theorem1(_) => (Some("theorem 1"), None),
            Scope::Theorem3(_) => (Some("theorem 3"), None),
            Scope::Neither(why) => (None, Some(why)),
        };
        let name = method.name.clone();
        Ok(MethodReport { name, theorem, why_not, step, batch, numbers })
    }
}

/// A method that a theorem is about, the theorem, and its numbers.
type Covered<'a> = (&'a MethodReport, &'static str, &'a Numbers);

/// A column for each of these methods.
fn columns(experiment: &str, covered: &[Covered<'_>]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let names = covered.iter().map(|(m, ..)| on_one_line(&m.name).into());
    table.set_header(std::iter::once(experiment.to_owned()).chain(names));
    let columns: Vec<Vec<(String, String)>> = covered
        .iter()
        .map(|(method, theorem, numbers)| {
            let mut column = vec![("covered by".to_owned(), (*theorem).to_owned())];
            column.extend(constants(numbers));
            column.push(("γ, step size".into(), number(method.step)));
            column.push(("b, batch".into(), method.batch.to_string()));
            let first = *theorem == "theorem 1";
            column.extend(consequences(numbers, first, !first));
            column
        })
        .collect();
    // Columns differ in what is known of them; rows go by their labels, in the order of the longest column.
    let mut labels: Vec<&String> = Vec::new();
    for (label, _) in columns.iter().flatten() {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    for label in labels {
        let value = |column: &Vec<(String, String)>| {
            column.iter().find(|(l, _)| l == label).map_or("–".into(), |(_, v)| v.clone())
        };
        table.add_row(std::iter::once(label.clone()).chain(columns.iter().map(value)));
    }
    right(&mut table, 1..covered.len() + 1);
    table
}

fn print(report: &Report, seed: u64, with_data: bool, set: &str) {
    let covered: Vec<Covered<'_>> =
        report.methods.iter().filter_map(|m| Some((m, m.theorem?, m.numbers.as_ref()?))).collect();
    if !covered.is_empty() {
        say::result(columns(&report.experiment, &covered));
    }
    for method in &report.methods {
        if let Some(why) = &method.why_not {
            say::result(format_args!(
                "{}: no theorem is about it, {why}",
                on_one_line(&method.name)
            ));
        }
    }
    match &report.problem {
        Some(p) => say::result(format_args!(
            "problem (1), seed {seed}: µ = {}, L = {} of f ({} of a worker's own f_w on average) and {} of a sample, \
             J = {}",
            number(p.mu),
            number(p.smooth),
            p.mean_smooth_worker.map_or("?".into(), number),
            number(p.smooth_sample),
            p.samples
        )),
        None if with_data => say::result(
            "problem (1) is not strongly convex (a perceptron, or no ℓ₂ term), so that neither theorem applies",
        ),
        None => say::result(format_args!(
            "data: {set} is not here yet, so that µ, L, δ² and σ² are unknown; `fl-cli data fetch {set}` fetches it"
        )),
    }
    if let Some(m) = &report.measured {
        say::result(format_args!(
            "measured at {} points: δ² ≥ {}, σ² ≥ {} for one sample (the assumptions ask for all x)",
            m.points,
            number(m.delta2),
            number(m.sigma2)
        ));
    }
    if let Some(initial) = report.initial {
        say::result(format_args!("‖x⁰ − x*‖² ≤ {}", number(initial)));
    }
    warnings::list(&report.warnings);
}

fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::Failed(e.into()))?;
    say::result(text);
    Ok(())
}
