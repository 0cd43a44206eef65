//! The commands: one file each, its flags first, then its work.

mod aggregate;
mod aggregate_args;
mod attack;
mod check;
mod data;
mod data_info;
mod defend;
mod draw;
mod explain;
mod list;
mod paper;
mod plan;
mod plot;
mod report;
mod results;
mod run;
mod status;
mod sweep;
pub(crate) mod tasks;
mod theory;
mod tune;
pub(crate) mod updates;
mod watch;

use crate::host::failure::Failure;
use aggregate_args::AggregateArgs;
use attack::AttackArgs;
use check::CheckArgs;
use clap::{Parser, Subcommand};
use data::DataCommand;
use defend::DefendArgs;
use draw::DrawArgs;
use explain::ExplainArgs;
use fl_lab::Registry;
use list::ListArgs;
use paper::PaperArgs;
use plot::PlotArgs;
use report::ReportArgs;
use results::ResultsArgs;
use run::RunArgs;
use sweep::SweepCommand;
use theory::TheoryArgs;
use tune::TuneArgs;
use watch::WatchArgs;

/// Byzantine-robust federated learning: run experiments, draw their curves, fetch their data
#[derive(Debug, Parser)]
#[command(
    name = "fl-cli",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 data, 4 standard output full or closed, 130 or 143 stopped by a signal"
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
    /// Show the final numbers of an experiment, or of a folder of runs, by any of its keys: mean, interval, best, worst, worst over attacks
    Results(ResultsArgs),
    /// Choose each method's step size, and RSA's λ, on training rows set aside; writes the experiment with them filled in
    Tune(TuneArgs),
    /// Search the defence with the best worst case over attacks, on seeds and rows set aside; writes it as an experiment file
    Defend(DefendArgs),
    /// Draw curves of finished runs, of an experiment or in a folder, as SVG and PNG, accuracy or any metric; for a sweep in panels or as heat maps
    Plot(PlotArgs),
    /// Write runs of any folders as one HTML file that needs nothing else: tables, curves, runs in detail, comparisons
    Report(ReportArgs),
    /// Draw pictures from descriptions in JSON: panels of curves with bands, or a heat map
    Draw(DrawArgs),
    /// Follow the runs in a folder of results, of processes here or elsewhere
    Watch(WatchArgs),
    /// Print what the paper's illustrations, its Figure 3 and its tables say, computed, as JSON
    Paper(PaperArgs),
    /// Aggregate messages: a matrix of W rows of p numbers, or a file of tensors for each client
    Aggregate(AggregateArgs),
    /// Show what Byzantine workers would send in place of the true messages in a file
    Attack(AttackArgs),
    /// List what an experiment file can name, a line each
    List(ListArgs),
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

/// Does what a command line asks for.
pub(crate) fn run(command: &Command, registry: &Registry) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(args, registry),
        Command::Sweep { command } => sweep::sweep(command, registry),
        Command::Results(args) => results::results(args, registry),
        Command::Watch(args) => watch::watch(args),
        Command::Check(args) => check::check(args, registry),
        Command::Tune(args) => tune::tune(args, registry),
        Command::Defend(args) => defend::defend(args, registry),
        Command::Plot(args) => plot::plot(args, registry),
        Command::Report(args) => report::report(args),
        Command::Paper(args) => paper::paper(args),
        Command::Draw(args) => draw::draw(args),
        Command::Aggregate(args) => aggregate::aggregate(args, registry),
        Command::Attack(args) => attack::attack(args, registry),
        Command::List(args) => list::list(args, registry),
        Command::Explain(args) => explain::explain(args, registry),
        Command::Theory(args) => theory::theory(args, registry),
        Command::Data { command } => data::data(command),
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
}
