//! How cells stand, from what is in their folders: nothing is run, and no process is asked.

use super::done::{Done, Ending, FAILURE, Stop};
use crate::LabError;
use crate::plan::Cell;
use fl_sim::Metrics;
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// How a cell stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Nothing has been done.
    Waiting,
    /// Nobody is at it, and it is not finished: it goes on from its last checkpoint.
    Interrupted(Progress),
    /// A process is at it.
    Running(Progress),
    /// It is finished, has ended early as its file asked for, or has diverged.
    Finished(Box<Done>),
    /// It is finished with more rounds than are asked for.
    Beyond(Box<Done>),
    /// It failed, in its own words; the next run tries it again.
    Failed(String),
}

/// How far a cell is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// The round of its last evaluation.
    pub round: u64,
    /// Test accuracy there.
    pub accuracy: Option<f64>,
    /// Rounds a second since the evaluation before, evaluations included.
    pub rounds_per_second: Option<f64>,
}

impl Status {
    /// Its final numbers, if it is finished.
    pub fn done(&self) -> Option<&Done> {
        match self {
            Status::Finished(done) => Some(done),
            _ => None,
        }
    }

    /// Whether it is a result, and no run needs to do more.
    pub fn is_finished(&self) -> bool {
        matches!(self, Status::Finished(_))
    }

    /// Whether it ended because it diverged.
    pub fn has_diverged(&self) -> bool {
        self.done().is_some_and(|done| matches!(done.ending, Ending::Diverged { .. }))
    }
}

/// How each of these cells stands in a folder of results.
///
/// Cost: some 20 µs a cell that is finished.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn statuses(cells: &[&Cell], root: &Path) -> Result<Vec<Status>, LabError> {
    let mut there = HashSet::new();
    match fs::read_dir(root) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(LabError::io("read", root))?;
                there.insert(entry.file_name());
            }
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(LabError::io("read", root)(e)),
    }
    let stand = |cell: &&Cell| {
        let folder = cell.folder();
        if !there.contains(std::ffi::OsStr::new(&folder)) {
            return Status::Waiting;
        }
        status(&root.join(folder), Some(cell.experiment.rounds))
    };
    Ok(cells.par_iter().map(stand).collect())
}

/// How the cell of a folder stands; `rounds` are those that are asked for, where that is known.
pub fn status(folder: &Path, rounds: Option<u64>) -> Status {
    // Who holds the lock may be about to replace everything.
    let is_running = is_locked(&folder.join("lock"));
    if !is_running {
        match fs::read(folder.join("done.json")) {
            Ok(bytes) => match serde_json::from_slice::<Done>(&bytes) {
                Ok(Done { ending: Ending::Stopped { by: Stop::Seconds, .. }, .. }) => {}
                Ok(done)
                    if rounds.is_none_or(|rounds| rounds == done.rounds)
                        || matches!(done.ending, Ending::Stopped { .. }) =>
                {
                    return Status::Finished(Box::new(done));
                }
                Ok(done) if rounds.is_some_and(|rounds| rounds < done.rounds) => {
                    return Status::Beyond(Box::new(done));
                }
                Ok(_) => {}
                Err(e) => return Status::Failed(format!("done.json is damaged: {e}")),
            },
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Status::Failed(format!("done.json cannot be read: {e}")),
        }
        if let Ok(reason) = fs::read_to_string(folder.join(FAILURE)) {
            return Status::Failed(reason.trim_end().to_owned());
        }
    }
    let progress = progress(folder);
    match (is_running, progress) {
        (true, progress) => Status::Running(progress.unwrap_or_default()),
        (false, Some(progress)) => Status::Interrupted(progress),
        (false, None) => Status::Waiting,
    }
}

/// Whether a process works in the folder of this lock.
fn is_locked(path: &Path) -> bool {
    // A shared lock, so that those who only look do not see each other; it is let go at once.
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// What the last whole lines of the growing files say.
fn progress(folder: &Path) -> Option<Progress> {
    #[derive(Deserialize)]
    struct Timing {
        round: u64,
        seconds: f64,
    }
    let metrics: Vec<Metrics> = last_lines(&folder.join("metrics.jsonl"), 1);
    let last = metrics.last()?;
    let timing: Vec<Timing> = last_lines(&folder.join("timing.jsonl"), 2);
    let speed = match &timing[..] {
        [a, b] if b.seconds > a.seconds && b.round > a.round => {
            Some((b.round - a.round) as f64 / (b.seconds - a.seconds))
        }
        _ => None,
    };
    let accuracy = Some(last.accuracy).filter(|a| a.is_finite());
    Some(Progress { round: last.round, accuracy, rounds_per_second: speed })
}

/// The last whole lines of a file that may be growing.
fn last_lines<L: serde::de::DeserializeOwned>(path: &Path, count: usize) -> Vec<L> {
    const TAIL: u64 = 1 << 15;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(&[][..], |end| &bytes[..end]);
    let mut lines: Vec<L> = whole
        .rsplit(|&b| b == b'\n')
        .take(count)
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    lines.reverse();
    lines
}
