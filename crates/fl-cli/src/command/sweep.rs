//! `fl-cli sweep`.

use super::plan::{self, PlanArgs};
use super::run::{self, RunArgs};
use super::status::{self, StatusArgs};
use crate::host::failure::Failure;
use clap::Subcommand;
use fl_lab::Registry;

#[derive(Debug, Subcommand)]
pub(crate) enum SweepCommand {
    /// Show the runs of a sweep, which are done, and what the others will take
    Plan(PlanArgs),
    /// Run a sweep or a share of it; as `fl-cli run`
    Run(RunArgs),
    /// Show how many runs are done, running, failed and waiting
    Status(StatusArgs),
}

pub(crate) fn sweep(command: &SweepCommand, registry: &Registry) -> Result<(), Failure> {
    match command {
        SweepCommand::Plan(args) => plan::plan(args, registry),
        SweepCommand::Run(args) => run::run(args, registry),
        SweepCommand::Status(args) => status::status(args, registry),
    }
}
