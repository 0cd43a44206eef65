//! `fl-cli sweep status`.

use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Out};
use crate::host::{experiment, say};
use crate::show::board::{self, Row};
use crate::show::cells::{distinct, name};
use clap::Args as ClapArgs;
use fl_lab::{Cell, Registry, Status};
use serde_json::json;

#[derive(Debug, ClapArgs)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) results: Out,
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

/// Shows how a sweep stands, once or until it is done.
pub(crate) fn status(args: &StatusArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let root = args.results.out.join(&sweep.base.name);
    let cells = distinct(&sweep);
    let refs: Vec<&Cell> = cells.iter().map(|&i| &sweep.cells[i].cell).collect();
    let look = || -> Result<Vec<Row>, Failure> {
        let statuses = fl_lab::statuses(&refs, &root)?;
        let row = |(&i, standing): (&usize, Status)| Row {
            name: name(&sweep, i),
            rounds: sweep.cells[i].cell.experiment.rounds,
            standing,
        };
        Ok(cells.iter().zip(statuses).map(row).collect())
    };
    if args.json {
        let rows = look()?;
        for (cell, row) in refs.iter().zip(&rows) {
            say::result(json_row(&cell.folder(), row));
        }
        return Ok(());
    }
    board::follow(&sweep.base.name, args.follow.then_some(args.every), look)
}

/// A cell's state for programs.
fn json_row(folder: &str, row: &Row) -> serde_json::Value {
    let state = match &row.standing {
        Status::Waiting => "waiting",
        Status::Interrupted(_) => "interrupted",
        Status::Running(_) => "running",
        standing @ Status::Finished(_) if standing.has_diverged() => "diverged",
        Status::Finished(_) => "done",
        Status::Beyond(_) => "beyond",
        Status::Failed(_) => "failed",
    };
    let progress = match &row.standing {
        Status::Interrupted(progress) | Status::Running(progress) => Some(progress),
        _ => None,
    };
    let done = row.standing.done();
    json!({
        "cell": folder,
        "state": state,
        "round": progress.map(|p| p.round).or(done.map(|d| d.rounds)),
        "rounds": row.rounds,
        "accuracy": progress.and_then(|p| p.accuracy).or(done.and_then(|d| d.final_accuracy)),
        "reason": match &row.standing { Status::Failed(reason) => Some(reason), _ => None },
    })
}
