//! `fl-cli results`.

use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Out};
use crate::host::{experiment, say};
use crate::show::cells::finished;
use crate::show::groups::{Measure, groups, keys};
use crate::show::report::{Report, TableFormat};
use clap::Args as ClapArgs;
use fl_lab::Registry;

#[derive(Debug, ClapArgs)]
pub(crate) struct ResultsArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) results: Out,
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

/// Shows what is finished of an experiment, by the keys that are asked for.
pub(crate) fn results(args: &ResultsArgs, registry: &Registry) -> Result<(), Failure> {
    let (sweep, root) = experiment::with_runs(&args.experiment, &args.results, registry)?;
    let keys = keys(&sweep, &args.by)?;
    let statuses = finished(&sweep, &root, &args.experiment.config)?;
    let groups = groups(&sweep, &statuses, &keys, args.measure);
    let report = Report { keys: &keys, groups, measure: args.measure, sweep: &sweep };
    let text = report.text(args.format)?;
    say::result(text.trim_end());
    Ok(())
}
