//! `fl-cli watch`.

use crate::host::failure::Failure;
use crate::show::board::{self, Row};
use anyhow::anyhow;
use clap::Args as ClapArgs;
use fl_lab::Status;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

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

/// Follows the folders of results of processes here or elsewhere, from their files alone.
pub(crate) fn watch(args: &WatchArgs) -> Result<(), Failure> {
    let folder = &args.folder;
    if !folder.is_dir() {
        return Err(Failure::Usage(anyhow!("{} is no folder of results", folder.display())));
    }
    // A cell's rounds do not change while it runs, but for a run that asks for more.
    let mut rounds: HashMap<PathBuf, u64> = HashMap::new();
    let look = || -> Result<Vec<Row>, Failure> {
        let cells = cells_below(folder)?;
        if cells.is_empty() && args.once {
            return Err(Failure::Failed(anyhow!("{} holds no cells", folder.display())));
        }
        let row = |path: PathBuf| {
            let standing = fl_lab::status(&path, None);
            let rounds = match &standing {
                Status::Finished(done) => done.rounds,
                _ => *rounds.entry(path.clone()).or_insert_with(|| asked(&path).unwrap_or(0)),
            };
            let name = path.strip_prefix(folder).unwrap_or(&path);
            Row { name: name.display().to_string(), rounds, standing }
        };
        Ok(cells.into_iter().map(row).collect())
    };
    board::follow(&folder.display().to_string(), (!args.once).then_some(args.every), look)
}

/// The cells of an experiment's folder, or of all experiments in a folder, by name.
fn cells_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut cells = Vec::new();
    let list = |folder: &Path| -> Result<Vec<PathBuf>, Failure> {
        let entries = std::fs::read_dir(folder)
            .map_err(|e| Failure::Failed(anyhow!("cannot read {}: {e}", folder.display())))?;
        Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
    };
    if fl_lab::is_run(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    for path in list(folder)? {
        if fl_lab::is_run(&path) {
            cells.push(path);
        } else if path.is_dir() {
            cells.extend(list(&path)?.into_iter().filter(|path| fl_lab::is_run(path)));
        }
    }
    cells.sort();
    Ok(cells)
}

/// The rounds that a cell's `config.toml` asks for.
fn asked(folder: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join("config.toml")).ok()?;
    let table: toml::Table = text.parse().ok()?;
    u64::try_from(table.get("rounds")?.as_integer()?).ok()
}
