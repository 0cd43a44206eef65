#![doc = include_str!("../README.md")]

mod aggregate;
mod args;
mod board;
mod check;
mod data;
mod display;
mod draw;
mod experiment;
mod explain;
mod failure;
mod host;
mod info;
mod matrix;
mod metric;
mod paper;
mod plot;
mod results;
mod run;
mod say;
mod signals;
mod sweep;
mod tables;
mod theory;
mod tune;

use args::{Args, Command, SweepCommand};
use clap::Parser;
use fl_lab::Registry;
use std::process::ExitCode;

/// The program, with everything that `registry` knows: what the command `fl-cli` does with [`Registry::standard`].
///
/// A program of one's own that adds to the registry is a laboratory with rules of one's own:
///
/// ```no_run
/// fl_cli::main(fl_lab::Registry::standard());
/// ```
///
/// Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 data, 130 and 143 stopped by SIGINT and SIGTERM.
pub fn main(registry: Registry) -> ExitCode {
    let result = match Args::parse().command {
        Command::Run(args) => run::run(&args, &registry),
        Command::Sweep { command: SweepCommand::Plan(args) } => sweep::plan(&args, &registry),
        Command::Sweep { command: SweepCommand::Run(args) } => run::run(&args, &registry),
        Command::Sweep { command: SweepCommand::Status(args) } => sweep::status(&args, &registry),
        Command::Results(args) => tables::results(&args, &registry),
        Command::Watch(args) => board::watch(&args),
        Command::Check(args) => check::check(&args, &registry),
        Command::Tune(args) => tune::tune(&args, &registry),
        Command::Plot(args) => plot::plot(&args, &registry),
        Command::Paper(args) => paper::paper(&args),
        Command::Draw(args) => draw::draw(&args),
        Command::Aggregate(args) => aggregate::aggregate(&args, &registry),
        Command::List { kind, markdown } => explain::list(kind, markdown, &registry),
        Command::Explain(args) => explain::explain(&args, &registry),
        Command::Theory(args) => theory::theory(&args, &registry),
        Command::Data { command } => data::data(&command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for problem in failure.problems() {
                say::remark(format_args!("error: {problem}"));
            }
            failure.code()
        }
    }
}
