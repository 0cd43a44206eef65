#![doc = include_str!("../README.md")]

mod command;
mod host;
mod show;

use clap::Parser;
use command::Args;
use fl_data::Loaded;
use fl_lab::{DataConfig, Event, Host, Registry, Sweep};
use host::failure::Failure;
use host::{limits, say, sets, signals};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

pub use command::tasks::RunOptions;
pub use fl_updates::Progress;
pub use host::say::Said;

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
    ExitCode::from(main_with(&registry, std::env::args_os().skip(1)))
}

/// The same with arguments that are given, without the program's own name; the exit code as a number.
pub fn main_with(registry: &Registry, args: impl IntoIterator<Item = OsString>) -> u8 {
    signals::tell_of_aborts();
    limits::limit_memory();
    let name = std::iter::once(OsString::from("fl-cli"));
    let code = match Args::try_parse_from(name.chain(args)) {
        Ok(args) => match command::run(&args.command, registry) {
            Ok(()) => 0,
            Err(failure) => {
                for problem in failure.problems() {
                    say::remark(format_args!("error: {problem}"));
                }
                failure.number()
            }
        },
        Err(message) => grammar(&message),
    };
    match say::lost() {
        None => code,
        Some(why) => {
            say::remark(format_args!("error: {why}"));
            // What failed before says more.
            if code == 0 { say::LOST } else { code }
        }
    }
}

/// Does what a command line asks for inside of a program, which is told what it printed.
///
/// Commands that catch signals are for [`main`]: `tune`, `defend` and `report --every`; and for [`run`] and
/// [`aggregate_files`], which do what these do.
///
/// # Errors
/// The exit code and all problems, in the words of the command.
pub fn call(registry: &Registry, args: &[OsString]) -> Result<Said, (u8, String)> {
    let name = OsString::from("fl-cli");
    let args = Args::try_parse_from(std::iter::once(&name).chain(args));
    let args = args.map_err(|message| (2, message.to_string()))?;
    let (result, said) = say::listen(|| command::run(&args.command, registry));
    result.map(|()| said).map_err(|failure| (failure.number(), failure.problems().join("\n")))
}

/// Seconds since some fixed moment.
pub fn clock() -> f64 {
    host::clock()
}

/// Runs inside of a program what `fl-cli run` runs, in the same way, and returns what was remarked. `tell` is called with all
/// that happens, from any thread; nothing is an error about runs that `host` has stopped.
///
/// # Errors
/// The exit code of the command and the first problem, in its words.
pub fn run(
    sweep: &Sweep,
    options: &RunOptions,
    host: Host<'_>,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<String, (u8, String)> {
    let (result, said) = say::listen(|| command::tasks::run(sweep, options, host, tell));
    let told = |failure: Failure| (failure.number(), failure.problems().join("\n"));
    result.map(|()| said.remarks).map_err(told)
}

/// Loads the data that an experiment names, and fetches them first where they are missing and `options` do not forbid it.
///
/// # Errors
/// The exit code of the command and the problem, in its words.
pub fn data(config: &DataConfig, options: &RunOptions) -> Result<Loaded, (u8, String)> {
    let locations = host::locations(options.data_dir.as_ref());
    let load = || sets::obtain(&config.set, config.scale, &locations, options.offline, false);
    let told = |failure: Failure| (failure.number(), failure.problems().join("\n"));
    say::listen(load).0.map_err(told)
}

/// Aggregates files of one client each inside of a program, as `fl-cli aggregate` does with these arguments, and returns what
/// that prints but for rates. `progress` says how far it is, and ends it.
///
/// # Errors
/// As [`call`].
pub fn aggregate_files(
    registry: &Registry,
    args: &[OsString],
    progress: &Progress,
) -> Result<Said, (u8, String)> {
    let (result, said) = say::listen(|| command::updates::aggregate_for(progress, args, registry));
    result.map(|()| said).map_err(|failure| (failure.number(), failure.problems().join("\n")))
}

/// Help and version, which go to standard output as all results do; or what is wrong with the arguments.
fn grammar(message: &clap::Error) -> u8 {
    if message.use_stderr() {
        // Where standard error is gone there is nobody left to be told.
        let _ = message.print();
    } else if std::io::stdout().is_terminal() {
        // With its colours.
        let _ = message.print();
    } else {
        say::bytes(message.render().to_string().as_bytes());
    }
    u8::try_from(message.exit_code()).unwrap_or(2)
}
