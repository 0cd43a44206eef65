//! Folders and files of the user.

use super::failure::Failure;
use anyhow::anyhow;
use etcetera::BaseStrategy;
use fl_data::Locations;
use std::path::{Path, PathBuf};

/// Where an experiment goes that a search has found, with files of other endings beside it: the file that is asked for, or
/// the searched one with another ending.
///
/// # Errors
/// When the evidence would take its name, or it that of the searched file.
pub(crate) fn found_file(
    asked: Option<&Path>,
    searched: &Path,
    ending: &str,
) -> Result<PathBuf, Failure> {
    let Some(path) = asked else { return Ok(searched.with_extension(ending)) };
    let is_searched = || Some(path.canonicalize().ok()? == searched.canonicalize().ok()?);
    let why = if path.extension().is_none_or(|ending| ending != "toml") {
        "it is an experiment file, so its name must end in .toml"
    } else if path == searched || is_searched().unwrap_or(false) {
        "it is the file that is searched; give it another name"
    } else {
        return Ok(path.to_owned());
    };
    Err(Failure::Usage(anyhow!("cannot write the result to {}: {why}", path.display())))
}

/// Where data sets are looked for: the folder given, then FL_DATA_DIR, then the user's cache, to which they are fetched.
pub(crate) fn locations(data_dir: Option<&PathBuf>) -> Locations {
    let mut read_only: Vec<PathBuf> = data_dir.cloned().into_iter().collect();
    read_only.extend(std::env::var_os("FL_DATA_DIR").filter(|v| !v.is_empty()).map(PathBuf::from));
    let cache = etcetera::choose_base_strategy()
        // Never in the current directory: who has no home has a place for what may be lost.
        .map_or_else(|_| std::env::temp_dir(), |s| s.cache_dir())
        .join("robust-fl");
    Locations { read_only, cache }
}

/// Writes a file that the user names, or that lies next to one: through links, devices and pipes, and never by halves
/// where it is a plain file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fl_plot::write_file(path, bytes)
        .map_err(|e| Failure::Failed(anyhow!("cannot write {}: {e}", path.display())))
}

/// Removes what processes that were killed while they wrote have left beside a folder's files (`NAME.PID.part`). Where the
/// system does not tell which processes there are, nothing is removed.
pub(crate) fn remove_leftovers(folder: &Path) {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let id = name.strip_suffix(".part").and_then(|name| name.rsplit('.').next());
        let id = id.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
        if id.is_some_and(|id| !processes.join(id).exists()) {
            // It will be tried again by the next run.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
