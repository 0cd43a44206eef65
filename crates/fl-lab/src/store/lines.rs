//! `metrics.jsonl` and `timing.jsonl`, which grow while a cell runs.

use crate::LabError;
use fl_sim::Metrics;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// The growing files of a running cell.
pub(crate) struct Writer {
    metrics: (File, PathBuf),
    timing: (File, PathBuf),
    /// Of all lines of `metrics.jsonl`.
    hasher: Box<Xxh3>,
}

/// One line of `timing.jsonl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// k.
    pub round: u64,
    /// Since the cell began, waiting between an interruption and its end left out.
    pub seconds: f64,
    /// Of these, in evaluations and full passes.
    #[serde(default)]
    pub evaluation_seconds: f64,
    /// Sample gradients that the estimators of regular workers have computed together, those of this round included.
    /// After an interruption those between the last line and the checkpoint are missing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gradients: Option<u64>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("metrics", &self.metrics.1).finish_non_exhaustive()
    }
}

impl Writer {
    /// Opens the files of a folder, cut to these lengths.
    pub(super) fn open(folder: &Path, metrics: &[u8], timing: u64) -> Result<Self, LabError> {
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
    pub(crate) fn line(&mut self, metrics: &Metrics, timing: &Timing) -> Result<(), LabError> {
        let text = append(&mut self.metrics, metrics)?;
        self.hasher.update(text.as_bytes());
        append(&mut self.timing, timing)?;
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
pub(super) fn lines_before<L: DeserializeOwned>(
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
                let what = match e.classify() {
                    Category::Eof => "the line is cut off".to_owned(),
                    Category::Io | Category::Syntax => "the line is no JSON".to_owned(),
                    // The parser counts lines of this line alone.
                    Category::Data => format!("the line is of another form ({e})"),
                };
                torn = Some(format!("line {}, column {}: {what}", i + 1, e.column()));
            }
        }
    }
    Ok(lines)
}
