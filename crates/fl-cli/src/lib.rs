#![doc = include_str!("../README.md")]

mod command;
mod host;
mod show;

use clap::Parser;
use command::Args;
use fl_lab::Registry;
use host::{limits, say, signals};
use std::io::IsTerminal;
use std::process::ExitCode;

/// The program, with everything that `registry` knows: what the command `fl-cli` does with [`Registry::standard`].
///
/// A program of one's own that adds to the registry is a laboratory with rules of one's own:
///
/// ```no_run
/// fl_cli::main(fl_lab::Registry::standard());
/// ```
///
/// Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 data, 4 standard output full or closed, 130 and 143 stopped
/// by SIGINT and SIGTERM.
pub fn main(registry: Registry) -> ExitCode {
    signals::tell_of_aborts();
    limits::limit_memory();
    let code = match Args::try_parse() {
        Ok(args) => match command::run(&args.command, &registry) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                for problem in failure.problems() {
                    say::remark(format_args!("error: {problem}"));
                }
                failure.code()
            }
        },
        Err(message) => grammar(&message),
    };
    match say::lost() {
        None => code,
        Some(why) => {
            say::remark(format_args!("error: {why}"));
            // What failed before says more.
            if code == ExitCode::SUCCESS { ExitCode::from(say::LOST) } else { code }
        }
    }
}

/// Help and version, which go to standard output as all results do; or what is wrong with the arguments.
fn grammar(message: &clap::Error) -> ExitCode {
    if message.use_stderr() {
        // Where standard error is gone there is nobody left to be told.
        let _ = message.print();
    } else if std::io::stdout().is_terminal() {
        // With its colours.
        let _ = message.print();
    } else {
        say::bytes(message.render().to_string().as_bytes());
    }
    ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(2))
}
