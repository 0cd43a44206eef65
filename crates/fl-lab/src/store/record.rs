//! What a run leaves on disk, and how it is read again.
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

use crate::LabError;
use crate::file::{ConfigError, Experiment, Keep};
use crate::plan::{Cell, hash};
use crate::store::checkpoint;
use crate::store::stop::Stop;
use fl_sim::{FullPass, Metrics};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// The file in a cell's folder that says why it failed; it is gone when the cell is tried again.
pub(crate) const FAILURE: &str = "failure.txt";

/// Version of `done.json` and `metrics.jsonl`.
pub(crate) const SCHEMA: u32 = 1;

fn first_schema() -> u32 {
    SCHEMA
}

/// How a cell ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All rounds were done.
    Finished,
    /// Something in `[stop]` ended it early.
    Stopped {
        /// What.
        by: Stop,
        /// The rounds that were done.
        round: u64,
    },
    /// A regular message or the parameters stopped being finite.
    Diverged {
        /// In the run's own words.
        reason: String,
    },
}

/// `done.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Version of this file and of `metrics.jsonl` beside it.
    #[serde(default = "first_schema")]
    pub schema: u32,
    /// How it ended.
    pub ending: Ending,
    /// Rounds asked for.
    pub rounds: u64,
    /// Mean test accuracy over the final window.
    pub final_accuracy: Option<f64>,
    /// The same of the balanced accuracy.
    pub final_balanced_accuracy: Option<f64>,
    /// Test accuracy at the last evaluation.
    pub last_accuracy: Option<f64>,
    /// All that is measured, over the final window.
    #[serde(default)]
    pub finals: Option<Finals>,
    /// Bytes that the workers' estimators keep.
    pub estimator_bytes: u64,
    /// Version of this crate.
    pub version: String,
    /// What the kernels ran on; results are bit-identical for any number of threads on the same one.
    pub instruction_set: String,
    /// The data set.
    pub data: String,
    /// Its SHA-256.
    pub data_digest: String,
    /// What is no result.
    pub resources: Resources,
}

/// Time and memory: they differ from run to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds spent in evaluations and full passes.
    pub evaluation_seconds: f64,
    /// Rounds a second, evaluations apart.
    pub rounds_per_second: f64,
    /// Threads of this cell.
    pub threads: usize,
    /// Peak memory of the whole process in bytes, where the system tells.
    pub peak_memory: Option<u64>,
    /// Where the time of the call that ended the run went, beside its rounds.
    #[serde(rename = "beside", default)]
    pub overhead: Overhead,
}

/// Seconds of a run that are not its rounds'. A checkpoint's are those that the run waits for: the copy of its state, and
/// at the end the disk; another thread writes the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct Overhead {
    /// On the test rows.
    pub evaluations: f64,
    /// Over the training data.
    pub full_passes: f64,
    /// What a round's messages show.
    pub telemetry: f64,
    /// `metrics.jsonl` and `timing.jsonl`.
    pub lines: f64,
    /// Copies of the state.
    pub checkpoints: f64,
    /// How many these were.
    pub saved: u64,
}

impl Overhead {
    /// What comes with every run, whatever is measured: telemetry, lines and checkpoints.
    pub fn of_every_run(&self) -> f64 {
        self.telemetry + self.lines + self.checkpoints
    }
}

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
        let found = match toml::from_str::<Experiment>(&text) {
            Ok(found) => format!("configuration {}", hash(&found)),
            Err(_) => "a config.toml that is no experiment file".to_owned(),
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
        let (seconds, evaluation_seconds) =
            timing.last().map_or((0.0, 0.0), |t| (t.seconds, t.evaluation_seconds));
        self.prepare(cell)?;
        let writer = Writer::open(&self.path, lines, timing_end as u64)?;
        Ok(Ok(Resumed { writer, metrics, seconds, evaluation_seconds }))
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

/// The cells of an experiment that are finished in a folder, in the order of [`crate::cells`]; nothing is run.
///
/// # Errors
/// When a results file is damaged.
pub fn finished_cells(experiment: &Experiment, root: &Path) -> Result<Vec<Outcome>, LabError> {
    let mut outcomes = Vec::new();
    for cell in crate::plan::cells(experiment) {
        outcomes.extend(finished(&root.join(cell.folder()), &cell)?);
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
    /// Seconds that went into them.
    pub(crate) seconds: f64,
    pub(crate) evaluation_seconds: f64,
}

/// The growing files of a running cell.
pub(crate) struct Writer {
    metrics: (File, PathBuf),
    timing: (File, PathBuf),
    /// Of all lines of `metrics.jsonl`.
    hasher: Box<Xxh3>,
}

/// One line of `timing.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// k.
    pub round: u64,
    /// Since the cell began, waiting between an interruption and its end left out.
    pub seconds: f64,
    /// Of these, in evaluations and full passes.
    #[serde(default)]
    pub evaluation_seconds: f64,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("metrics", &self.metrics.1).finish_non_exhaustive()
    }
}

impl Writer {
    /// Opens the files of a folder, cut to these lengths.
    fn open(folder: &Path, metrics: &[u8], timing: u64) -> Result<Self, LabError> {
        let open = |name: &str, len: u64| -> Result<(File, PathBuf), LabError> {
            let path = folder.join(name);
            let open = || -> std::io::Result<File> {
                let file = File::options().create(true).append(true).open(&path)?;
                file.set_len(len)?;
                Ok(file)
            };
            let file = open().map_err(LabError::io("write", &path))?;
            Ok((file, path))
        };
        let mut hasher = Box::new(Xxh3::new());
        hasher.update(metrics);
        let metrics = open("metrics.jsonl", metrics.len() as u64)?;
        Ok(Self { metrics, timing: open("timing.jsonl", timing)?, hasher })
    }

    /// One line in each file, in one write each, so that a killed run leaves at most a torn last line.
    pub(crate) fn line(
        &mut self,
        metrics: &Metrics,
        seconds: f64,
        evaluation_seconds: f64,
    ) -> Result<(), LabError> {
        let timing = Timing { round: metrics.round, seconds, evaluation_seconds };
        let text = append(&mut self.metrics, metrics)?;
        self.hasher.update(text.as_bytes());
        append(&mut self.timing, &timing)?;
        Ok(())
    }

    /// The file, and what stands for all its lines so far.
    pub(crate) fn metrics(&self) -> (&File, String) {
        (&self.metrics.0, format!("{:032x}", self.hasher.digest128()))
    }
}

fn append((file, path): &mut (File, PathBuf), line: &impl Serialize) -> Result<String, LabError> {
    let mut text = serde_json::to_string(line).expect("plain data");
    text.push('\n');
    file.write_all(text.as_bytes()).map_err(LabError::io("write", &*path))?;
    // Writing to a file that was removed succeeds.
    match path.parent() {
        Some(folder) if !path.exists() => Err(LabError::Gone { path: folder.to_owned() }),
        _ => Ok(text),
    }
}

/// The lines of a file that come before a round, and where they end. The first one that is torn or damaged ends them too.
fn lines_before<L: serde::de::DeserializeOwned>(
    bytes: &[u8],
    round_of: impl Fn(&L) -> u64,
    round: u64,
) -> (Vec<L>, usize) {
    let (mut lines, mut end) = (Vec::new(), 0);
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else { break };
        let Ok(value) = serde_json::from_slice::<L>(text) else { break };
        if round_of(&value) >= round {
            break;
        }
        lines.push(value);
        end += line.len();
    }
    (lines, end)
}

/// Removes a file, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), LabError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(LabError::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// What an error in a cell's folder means: that the folder is gone, or what it says.
pub(crate) fn lost_or(
    folder: &Path,
    action: &'static str,
    path: &Path,
    why: std::io::Error,
) -> LabError {
    if why.kind() == std::io::ErrorKind::NotFound && !folder.exists() {
        return LabError::Gone { path: folder.to_owned() };
    }
    LabError::io(action, path)(why)
}

/// Writes a file beside its place and moves it there: it is never found half written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LabError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    // Somebody who tidies up a shared folder may take a file for that of a process that is no more; once is enough.
    let again = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => write(),
        _ => Err(e),
    };
    write().or_else(again).map_err(|e| {
        let _ = fs::remove_file(&beside);
        LabError::io("write", path)(e)
    })
}

/// A cell's results.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The cell.
    pub cell: Cell,
    /// Its final numbers.
    pub done: Done,
    /// Its evaluations.
    pub metrics: Vec<Metrics>,
    /// Its folder.
    pub path: PathBuf,
    /// Whether it was found finished.
    pub reused: bool,
}

/// Reads `metrics.jsonl`. A torn last line, as a killed run leaves it, is left out.
///
/// # Errors
/// When the file cannot be read, or another line than the last is damaged.
pub fn read_metrics(path: &Path) -> Result<Vec<Metrics>, LabError> {
    read_lines(path)
}

/// Reads `timing.jsonl`, as [`read_metrics`] does its file.
///
/// # Errors
/// As [`read_metrics`].
pub fn read_timing(path: &Path) -> Result<Vec<Timing>, LabError> {
    read_lines(path)
}

fn read_lines<L: DeserializeOwned>(path: &Path) -> Result<Vec<L>, LabError> {
    let bytes = fs::read(path).map_err(LabError::io("read", path))?;
    let mut lines = Vec::new();
    let mut torn: Option<String> = None;
    for (i, line) in bytes.split(|&b| b == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        if let Some(reason) = torn {
            return Err(LabError::Results { path: path.to_owned(), reason });
        }
        match serde_json::from_slice(line) {
            Ok(line) => lines.push(line),
            Err(e) => {
                // Each line is a document of its own, so the parser's line is always the first.
                let words = e.to_string();
                let what = words.split(" at line ").next().unwrap_or(&words);
                torn = Some(format!("line {}, column {}: {what}", i + 1, e.column()));
            }
        }
    }
    Ok(lines)
}

/// What a run came to: means over the evaluations in its last rounds, the last evaluation always among them.
///
/// A value that some of these evaluations lack is the mean over the others; one that all of them lack, as a short window
/// does what a round's messages show, is that of the last evaluation before them which has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finals {
    /// The last rounds that this is about.
    pub window: u64,
    /// As in [`Metrics`], and so are the others; null where no such evaluation has it, or where it is not finite.
    pub accuracy: Option<f64>,
    /// Mean over classes.
    pub balanced_accuracy: Option<f64>,
    /// By class.
    pub class_accuracy: Vec<Option<f64>>,
    /// Without the ℓ₂ term.
    pub test_loss: Option<f64>,
    /// R², for real targets, which have no accuracy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub r_squared: Option<f64>,
    /// Mean of |z − t|, for real targets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean_absolute_error: Option<f64>,
    /// ‖x − x*‖².
    pub squared_distance_to_optimum: Option<f64>,
    /// ‖aggregate − mean of the regular messages‖².
    pub aggregate_error: Option<f64>,
    /// (1/R) Σ ‖v_w − mean of the regular messages‖².
    pub regular_spread: Option<f64>,
    /// Weight given to Byzantine messages.
    pub byzantine_weight: Option<f64>,
    /// Outputs of the pre-aggregation that a Byzantine message takes part in.
    pub contaminated: Option<f64>,
    /// As in [`FullPass`], and so are the others: over the full passes in the window.
    pub train_accuracy: Option<f64>,
    /// f(x).
    pub honest_loss: Option<f64>,
    /// ‖∇f(x)‖.
    pub gradient_norm: Option<f64>,
    /// (15).
    pub outer_variation: Option<f64>,
    /// (16), for one sample.
    pub inner_variation: Option<f64>,
    /// (16), of the messages that estimators send.
    pub message_variation: Option<f64>,
}

impl Finals {
    /// What runs are compared by: the accuracy, and R² with real targets.
    pub fn score(&self) -> Option<f64> {
        self.r_squared.or(self.accuracy)
    }

    /// Of these evaluations, for a window of so many rounds; `None` without an evaluation.
    pub fn of(metrics: &[Metrics], window: u64) -> Option<Self> {
        let last = metrics.last()?;
        let begin = metrics.partition_point(|m| m.round + window < last.round);
        let tail = &metrics[begin..];
        let mean = |value: &dyn Fn(&Metrics) -> Option<f64>| {
            let known: Vec<f64> = tail.iter().filter_map(value).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let mean = if known.is_empty() { metrics.iter().rev().find_map(value)? } else { mean };
            mean.is_finite().then_some(mean)
        };
        let full = |value: &dyn Fn(&FullPass) -> f64| mean(&|m| m.full.as_ref().map(value));
        Some(Self {
            window,
            accuracy: mean(&|m| Some(m.accuracy)),
            balanced_accuracy: mean(&|m| Some(m.balanced_accuracy)),
            class_accuracy: (0..last.class_accuracy.len())
                .map(|class| mean(&|m| *m.class_accuracy.get(class)?))
                .collect(),
            test_loss: mean(&|m| Some(m.test_loss)),
            r_squared: mean(&|m| m.r_squared),
            mean_absolute_error: mean(&|m| m.mean_absolute_error),
            squared_distance_to_optimum: mean(&|m| m.squared_distance_to_optimum),
            aggregate_error: mean(&|m| m.aggregate_error),
            regular_spread: mean(&|m| m.regular_spread),
            byzantine_weight: mean(&|m| m.byzantine_weight),
            contaminated: mean(&|m| m.contaminated.map(|n| n as f64)),
            train_accuracy: full(&|f| f.train_accuracy),
            honest_loss: full(&|f| f.honest_loss),
            gradient_norm: full(&|f| f.gradient_norm),
            outer_variation: full(&|f| f.outer_variation),
            inner_variation: full(&|f| f.inner_variation),
            message_variation: full(&|f| f.message_variation),
        })
    }
}

impl Outcome {
    /// What it came to, over its method's final window.
    pub fn finals(&self) -> Option<Finals> {
        let experiment = &self.cell.experiment;
        Finals::of(&self.metrics, experiment.window(&experiment.method[0]))
    }
}
