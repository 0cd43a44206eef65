//! The folder of a cell: what a run leaves on disk, and how it is read again.
//!
//! ```text
//! runs/NAME/METHOD~ATTACK~seedK~HASH/
//!   config.toml      the cell, complete: running it repeats the cell
//!   metrics.jsonl    one line an evaluation
//!   timing.jsonl     seconds at each of them: not results, so apart
//!   checkpoint.safetensors   all that the run carries to its next round; at the end, to go on with more of them
//!   done.json        final numbers, versions, instruction set, data digest
//!   lock             held by the process that works here; empty
//! ```

use super::checkpoint;
use super::done::{Done, Ending, Outcome, SCHEMA, first_schema};
use super::files::{lost_or, remove, write_whole};
use super::lines::{Timing, Writer, lines_before, read_metrics};
use crate::LabError;
use crate::file::{ConfigError, Experiment, Keep};
use crate::plan::{Cell, cells, hash};
use crate::read::written;
use fl_sim::Metrics;
use serde::Deserialize;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_128;

/// The folder of a cell, held by this process.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked while the cell runs; the system lets go of it however the process ends.
    _lock: File,
}

impl Folder {
    /// Takes the cell's folder. Where another process has it: waits, or gives `None`.
    ///
    /// The system lets go of a lock however its process ends, so the lock of a dead one is simply free.
    pub(crate) fn take(
        root: &Path,
        cell: &Cell,
        wait: bool,
        stop: &AtomicBool,
    ) -> Result<Option<Self>, LabError> {
        let path = root.join(cell.folder());
        fs::create_dir_all(&path).map_err(LabError::io("make the folder", &path))?;
        let lock_path = path.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(LabError::io("write", &lock_path))?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if !wait => return Ok(None),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(LabError::io("lock", &lock_path)(e)),
            }
            if stop.load(Ordering::Relaxed) {
                return Err(LabError::Stopped { round: 0 });
            }
            std::thread::sleep(PATIENCE);
        }
        let folder = Self { path, _lock: lock };
        folder.check(cell)?;
        Ok(Some(folder))
    }

    /// A folder that exists must be this cell's.
    fn check(&self, cell: &Cell) -> Result<(), LabError> {
        let config = self.path.join("config.toml");
        let text = match fs::read_to_string(&config) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(LabError::io("read", config)(e)),
        };
        let found = match written(&text) {
            Some(found) => format!("configuration {}", hash(&found)),
            None => "a config.toml that is no experiment file".to_owned(),
        };
        let expected = format!("configuration {}", cell.hash);
        if found == expected {
            return Ok(());
        }
        Err(LabError::OtherConfiguration { path: self.path.clone(), expected, found })
    }

    /// The finished results, if they are there and answer the question: as many rounds of the same data.
    pub(crate) fn finished(&self, cell: &Cell, digest: &str) -> Result<Option<Outcome>, LabError> {
        let asked = cell.experiment.rounds;
        if let Some(Done { ending: Ending::Finished, rounds, .. }) = done(&self.path)?
            && rounds > asked
        {
            return Err(LabError::Further { path: self.path.clone(), done: rounds, asked });
        }
        let Some(outcome) = finished(&self.path, cell)? else { return Ok(None) };
        if outcome.done.data_digest != digest {
            return Err(self.other_data(digest, &outcome.done.data_digest));
        }
        Ok(Some(outcome))
    }

    /// The same configuration, but the data have changed.
    pub(crate) fn other_data(&self, expected: &str, found: &str) -> LabError {
        LabError::OtherConfiguration {
            path: self.path.clone(),
            expected: format!("data of SHA-256 {}…", beginning(expected)),
            found: format!("results on data of SHA-256 {}…", beginning(found)),
        }
    }

    /// Removes what an earlier run left, finished or not.
    pub(crate) fn clear(&self) -> Result<(), LabError> {
        for name in
            ["done.json", checkpoint::FILE, checkpoint::PREVIOUS, "metrics.jsonl", "timing.jsonl"]
        {
            remove(&self.path.join(name))?;
        }
        Ok(())
    }

    /// Removes the checkpoints that a run has no use for at its end.
    pub(crate) fn prune(&self, keep: Keep) -> Result<(), LabError> {
        remove(&self.path.join(checkpoint::PREVIOUS))?;
        match keep {
            Keep::Nothing => remove(&self.path.join(checkpoint::FILE)),
            _ => Ok(()),
        }
    }

    /// Begins the cell anew: what an unfinished run left is replaced.
    pub(crate) fn begin(&self, cell: &Cell) -> Result<Writer, LabError> {
        self.prepare(cell)?;
        for name in ["metrics.jsonl", "timing.jsonl", checkpoint::FILE, checkpoint::PREVIOUS] {
            remove(&self.path.join(name))?;
        }
        Writer::open(&self.path, &[], 0)
    }

    /// Whether a run that has left no checkpoint has left anything else.
    pub(crate) fn has_lines(&self) -> bool {
        fs::metadata(self.path.join("metrics.jsonl")).is_ok_and(|there| there.len() > 0)
    }

    /// Takes up the files of a run that goes on at a round: its lines before that round, the seconds that it has taken,
    /// and the files cut behind them. `rounds` are those at which there must be lines.
    ///
    /// The inner error says which line there is not.
    pub(crate) fn resume(
        &self,
        cell: &Cell,
        (round, known): (u64, Option<&str>),
        rounds: impl Iterator<Item = u64>,
    ) -> Result<Result<Resumed, String>, LabError> {
        let path = self.path.join("metrics.jsonl");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(LabError::io("read", path)(e)),
        };
        let (metrics, end) = lines_before(&bytes, |m: &Metrics| m.round, round);
        let mut there = metrics.iter().map(|m| m.round);
        for round in rounds {
            if there.next() != Some(round) {
                return Ok(Err(format!(
                    "metrics.jsonl has no whole line for round {round}, or one of another version"
                )));
            }
        }
        if let Some(round) = there.next() {
            return Ok(Err(format!(
                "metrics.jsonl has a line for round {round}, where none is due"
            )));
        }
        let lines = &bytes[..end];
        // Checkpoints of earlier versions do not say.
        let digest = format!("{:032x}", xxh3_128(lines));
        if known.is_some_and(|known| known != digest) {
            return Ok(Err("lines of metrics.jsonl before it have been changed since".to_owned()));
        }
        // Times are no results: lines that are not there are not missed.
        let timing = fs::read(self.path.join("timing.jsonl")).unwrap_or_default();
        let (timing, timing_end) = lines_before(&timing, |t: &Timing| t.round, round);
        let spent = timing.last().copied().unwrap_or_default();
        self.prepare(cell)?;
        let writer = Writer::open(&self.path, lines, timing_end as u64)?;
        Ok(Ok(Resumed { writer, metrics, spent }))
    }

    /// Removes what says that the cell is finished, and what a process left that was killed while it wrote a file beside
    /// its place; says which cell this is.
    fn prepare(&self, cell: &Cell) -> Result<(), LabError> {
        for entry in fs::read_dir(&self.path).map_err(LabError::io("read", &self.path))? {
            let path = entry.map_err(LabError::io("read", &self.path))?.path();
            // This process holds the lock, so nobody is writing it.
            if path.extension().is_some_and(|ending| ending == "part") {
                remove(&path)?;
            }
        }
        remove(&self.path.join("done.json"))?;
        // A program can ask for numbers that TOML has not, a seed of 2⁶³ for example.
        let text = toml::to_string(&cell.experiment)
            .map_err(|e| ConfigError::plain("config.toml", e.to_string()))?;
        write_whole(&self.path.join("config.toml"), text.as_bytes())
    }

    pub(crate) fn finish(&self, done: &Done) -> Result<(), LabError> {
        let text = serde_json::to_string_pretty(done).expect("plain data");
        let path = self.path.join("done.json");
        write_whole(&path, text.as_bytes()).map_err(|e| match e {
            LabError::Io { action, path, why } => lost_or(&self.path, action, &path, why),
            e => e,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What `done.json` in a folder says, if it is there.
fn done(folder: &Path) -> Result<Option<Done>, LabError> {
    let path = folder.join("done.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(LabError::io("read", path)(e)),
    };
    let damaged =
        |e: serde_json::Error| LabError::Results { path: path.clone(), reason: e.to_string() };
    #[derive(Deserialize)]
    struct Schema {
        #[serde(default = "first_schema")]
        schema: u32,
    }
    // Before anything else is read: another version may have other keys.
    let Schema { schema: found } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if found != SCHEMA {
        return Err(LabError::OtherSchema { path, found, expected: SCHEMA });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// A cell's finished results in a folder, if they are there with as many rounds.
fn finished(folder: &Path, cell: &Cell) -> Result<Option<Outcome>, LabError> {
    let Some(done) = done(folder)? else { return Ok(None) };
    let early = matches!(done.ending, Ending::Stopped { .. });
    if done.rounds != cell.experiment.rounds && !early {
        return Ok(None);
    }
    let path = folder.join("metrics.jsonl");
    let metrics = match read_metrics(&path) {
        Err(LabError::Io { why, .. }) if why.kind() == std::io::ErrorKind::NotFound => {
            let reason = "it is not there, although done.json is".to_owned();
            return Err(LabError::Results { path, reason });
        }
        result => result?,
    };
    // done.json is written last, so every line must be there.
    let last = metrics.last();
    let end = last.map(|m| m.round);
    let expected = match done.ending {
        Ending::Finished => Some(done.rounds),
        Ending::Stopped { round, .. } => Some(round),
        Ending::Diverged { .. } => None,
    };
    if expected.is_some_and(|rounds| end != Some(rounds)) {
        let found = end.map_or("without a line".to_owned(), |round| format!("at round {round}"));
        let rounds = expected.unwrap_or(done.rounds);
        let reason = format!("expected lines up to round {rounds}, but it ends {found}");
        return Err(LabError::Results { path, reason });
    }
    if last.map(|m| m.accuracy).filter(|a| a.is_finite()) != done.last_accuracy {
        let reason = "its last line is not the one that done.json tells of".to_owned();
        return Err(LabError::Results { path, reason });
    }
    // What ended it must do so today, and before the rounds that are asked for are done.
    let enough = !early || last.is_some_and(|m| m.round <= cell.experiment.rounds);
    if !enough || !cell.experiment.stop.agrees(&done.ending, &metrics) {
        return Ok(None);
    }
    Ok(Some(Outcome { cell: cell.clone(), done, metrics, path: folder.to_owned(), reused: true }))
}

/// As much of a digest as a message needs.
fn beginning(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The cells of an experiment that are finished in a folder, in the order of [`cells`]; nothing is run.
///
/// # Errors
/// When a results file is damaged.
pub fn finished_cells(experiment: &Experiment, root: &Path) -> Result<Vec<Outcome>, LabError> {
    outcomes(&cells(experiment), root)
}

/// Those of these cells that are finished in a folder, in their order; nothing is run.
///
/// # Errors
/// As [`finished_cells`].
pub fn outcomes<'a>(
    cells: impl IntoIterator<Item = &'a Cell>,
    root: &Path,
) -> Result<Vec<Outcome>, LabError> {
    let mut outcomes = Vec::new();
    for cell in cells {
        outcomes.extend(finished(&root.join(cell.folder()), cell)?);
    }
    Ok(outcomes)
}

/// How long one waits before it looks again whether another process is done with a cell.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a run that goes on finds.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) writer: Writer,
    /// The lines before its round.
    pub(crate) metrics: Vec<Metrics>,
    /// What went into them.
    pub(crate) spent: Timing,
}
