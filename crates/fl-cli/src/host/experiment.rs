//! Reading the experiment file that a command names.

use super::failure::Failure;
use super::flags::ExperimentArgs;
use super::patience::Patience;
use anyhow::Context;
use fl_lab::{Registry, Sweep};

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
