//! Reading the experiment file that a command names.

use super::failure::Failure;
use super::flags::{ExperimentArgs, Out};
use super::patience::Patience;
use anyhow::{Context, anyhow};
use fl_lab::{Registry, Sweep};
use std::path::PathBuf;

/// Reads the experiment file, with or without a sweep, and with its `--set` edits; every cell is checked as far as that is
/// possible without data.
pub(crate) fn read(args: &ExperimentArgs, registry: &Registry) -> Result<Sweep, Failure> {
    let mut name = args.config.display().to_string();
    let text = std::fs::read_to_string(&args.config)
        .with_context(|| format!("cannot read the experiment file {name}"))
        .map_err(Failure::Usage)?;
    if !args.set.is_empty() {
        name += " (with --set)";
    }
    let _patience = Patience::with(format!("reading {name}"));
    Ok(Sweep::parse_with(registry, &text, &name, &args.set)?)
}

/// An experiment file and the folder of its runs; or a folder of runs in place of the file, and the sweep that they could be of.
pub(crate) fn with_runs(
    args: &ExperimentArgs,
    results: &Out,
    registry: &Registry,
) -> Result<(Sweep, PathBuf), Failure> {
    if args.config.is_dir() {
        if !args.set.is_empty() {
            return Err(Failure::Usage(anyhow!(
                "--set changes an experiment file, and {} is a folder of runs",
                args.config.display()
            )));
        }
        return Ok(fl_lab::runs_there(&args.config)?);
    }
    let sweep = read(args, registry)?;
    let root = results.out.join(&sweep.base.name);
    Ok((sweep, root))
}
