//! `checkpoint.safetensors`: everything that a run carries from one round to the next.
//!
//! The file is one that NumPy and PyTorch read: the parameters are the tensor `params`, a worker's table is
//! `worker.3.table`, and so on; counts are 64-bit integers. What the file is, of which cell and round, and a checksum of
//! all its bytes stand in the metadata under `robust-fl`. The checksum is XXH3's of 128 bits: files are damaged by accident
//! and not on purpose, and a table of 50 MB takes SHA-256 a third of a second where it has no instructions of its own.
//!
//! A run copies its state into memory of its own, which is all that it waits for. Another thread computes the checksum,
//! writes the file beside its place, waits until the disk has it, and then renames: the checkpoint before becomes
//! [`PREVIOUS`], the new one [`FILE`]. So a process can be killed at any moment, and one of the two is whole.

pub(crate) use super::stamp::{Contents, Stamp};
use super::stamp::{FORMAT, NO_CHECKSUM};
use crate::LabError;
use fl_core::{Part, Scalar};
use fl_sim::Simulation;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// The newest checkpoint.
pub(crate) const FILE: &str = "checkpoint.safetensors";
/// The one before.
pub(crate) const PREVIOUS: &str = "checkpoint.previous.safetensors";

/// The key of our metadata.
const KEY: &str = "robust-fl";

/// A tensor's name, type, shape and length in bytes.
type Piece = (String, Dtype, Vec<usize>, usize);

/// A copy of a run's state; its memory serves again.
#[derive(Debug, Default)]
struct Snapshot {
    /// Numbers of 8 bytes, which come first so that all are aligned, and numbers of 4.
    wide: (Vec<u8>, Vec<Piece>),
    narrow: (Vec<u8>, Vec<Piece>),
}

impl Snapshot {
    fn take<T: Scalar>(&mut self, simulation: &mut Simulation<'_, T>, contents: Contents) {
        for (bytes, pieces) in [&mut self.wide, &mut self.narrow] {
            bytes.clear();
            pieces.clear();
        }
        simulation.state(&mut |name, part| {
            if contents == Contents::Model && name != "params" {
                return;
            }
            let (dtype, shape) = describe(&part);
            let (bytes, pieces) =
                if dtype == Dtype::F32 { &mut self.narrow } else { &mut self.wide };
            let before = bytes.len();
            match part {
                Part::Vector(x) | Part::Matrix(x, _) => append(bytes, x),
                Part::Doubles(x) => append(bytes, x),
                Part::Count(count) => bytes.extend_from_slice(&count.to_le_bytes()),
                _ => {}
            }
            pieces.push((name.to_owned(), dtype, shape, bytes.len() - before));
        });
    }

    /// Length and header, without a checksum.
    fn header(&self, stamp: &Stamp) -> Result<Vec<u8>, String> {
        let (mut infos, mut offset) = (Vec::new(), 0);
        for (name, dtype, shape, len) in self.wide.1.iter().chain(&self.narrow.1) {
            let data_offsets = (offset, offset + len);
            offset += len;
            infos.push((
                name.clone(),
                TensorInfo { dtype: *dtype, shape: shape.clone(), data_offsets },
            ));
        }
        let stamp = serde_json::to_string(stamp).expect("plain data");
        let metadata = Metadata::new(Some(HashMap::from([(KEY.to_owned(), stamp)])), infos)
            .map_err(|e| e.to_string())?;
        let mut header = serde_json::to_vec(&metadata).map_err(|e| e.to_string())?;
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut whole = (header.len() as u64).to_le_bytes().to_vec();
        whole.append(&mut header);
        Ok(whole)
    }

    /// Writes the whole file beside its place and moves it there, the metrics it goes with before it.
    fn write(&self, folder: &Path, stamp: &Stamp, metrics: Option<&File>) -> Result<(), LabError> {
        let path = folder.join(FILE);
        let mut header = self.header(stamp).map_err(|reason| LabError::Io {
            action: "write",
            path: path.clone(),
            why: std::io::Error::other(reason),
        })?;
        let mut hasher = Xxh3::new();
        for bytes in [&header, &self.wide.0, &self.narrow.0] {
            hasher.update(bytes);
        }
        let checksum = hex(hasher.digest128());
        let place = find(&header, NO_CHECKSUM.as_bytes()).expect("the stamp has room for it");
        header[place..place + checksum.len()].copy_from_slice(checksum.as_bytes());
        let beside = folder.join(format!("{FILE}.{}.part", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&beside)?;
            for bytes in [&header, &self.wide.0, &self.narrow.0] {
                file.write_all(bytes)?;
            }
            file.sync_all()?;
            if let Some(metrics) = metrics {
                metrics.sync_data()?;
            }
            match fs::rename(&path, folder.join(PREVIOUS)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            fs::rename(&beside, &path)
        };
        write().map_err(|why| {
            let _ = fs::remove_file(&beside);
            super::files::lost_or(folder, "write", &path, why)
        })
    }
}

/// Type and shape of a part in a file.
fn describe<T: Scalar>(part: &Part<'_, T>) -> (Dtype, Vec<usize>) {
    let number = if size_of::<T>() == 4 { Dtype::F32 } else { Dtype::F64 };
    match part {
        Part::Vector(x) => (number, vec![x.len()]),
        Part::Matrix(x, row) => (number, vec![x.len() / (*row).max(1), *row]),
        Part::Doubles(x) => (Dtype::F64, vec![x.len()]),
        _ => (Dtype::I64, vec![]),
    }
}

/// Whether all numbers of N bytes are finite.
fn finite<const N: usize>(bytes: &[u8], is_finite: impl Fn([u8; N]) -> bool) -> bool {
    bytes.as_chunks::<N>().0.iter().all(|number| is_finite(*number))
}

/// Files hold the low byte first.
fn append<N: bytemuck::Pod>(bytes: &mut Vec<u8>, numbers: &[N]) {
    let raw: &[u8] = bytemuck::cast_slice(numbers);
    if cfg!(target_endian = "little") {
        bytes.extend_from_slice(raw);
    } else {
        raw.chunks_exact(size_of::<N>()).for_each(|one| bytes.extend(one.iter().rev()));
    }
}

fn overwrite<N: bytemuck::Pod>(numbers: &mut [N], bytes: &[u8]) {
    let raw: &mut [u8] = bytemuck::cast_slice_mut(numbers);
    raw.copy_from_slice(bytes);
    if cfg!(target_endian = "big") {
        raw.chunks_exact_mut(size_of::<N>()).for_each(<[u8]>::reverse);
    }
}

fn hex(checksum: u128) -> String {
    format!("{checksum:032x}")
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}

/// Writes checkpoints behind a run's back, one at a time.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    folder: PathBuf,
    stamp: Stamp,
    spare: Option<Snapshot>,
    writing: Option<JoinHandle<(Snapshot, Result<(), LabError>)>>,
    /// The round of the newest checkpoint, on disk or on the way.
    round: Option<u64>,
}

impl Checkpointer {
    /// For a run that begins, or goes on from a checkpoint at a round.
    pub(crate) fn new(folder: &Path, stamp: Stamp, round: Option<u64>) -> Self {
        Self { folder: folder.to_owned(), stamp, spare: None, writing: None, round }
    }

    /// Whether the checkpoint before is still being written.
    pub(crate) fn is_busy(&self) -> bool {
        self.writing.as_ref().is_some_and(|writing| !writing.is_finished())
    }

    /// Copies the state, and lets another thread write it; `metrics` is brought to the disk before the file is in its
    /// place. Does nothing if this round's is there or on the way.
    pub(crate) fn save<T: Scalar>(
        &mut self,
        simulation: &mut Simulation<'_, T>,
        contents: Contents,
        metrics: Option<(&File, String)>,
    ) -> Result<(), LabError> {
        let round = simulation.round();
        if contents == Contents::State && self.round == Some(round) {
            return Ok(());
        }
        self.wait()?;
        let mut snapshot = self.spare.take().unwrap_or_default();
        snapshot.take(simulation, contents);
        self.round = Some(round);
        let (metrics, digest) = metrics.unzip();
        let stamp = Stamp { round, contents, metrics: digest, ..self.stamp.clone() };
        let folder = self.folder.clone();
        // Without a second handle the run waits for the disk instead.
        let metrics = metrics.and_then(|file| match file.try_clone() {
            Ok(file) => Some(file),
            Err(_) => {
                let _ = file.sync_data();
                None
            }
        });
        self.writing = Some(std::thread::spawn(move || {
            let result = snapshot.write(&folder, &stamp, metrics.as_ref());
            (snapshot, result)
        }));
        Ok(())
    }

    /// Waits until the disk has what was saved.
    pub(crate) fn wait(&mut self) -> Result<(), LabError> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        match writing.join() {
            Ok((snapshot, result)) => {
                self.spare = Some(snapshot);
                result
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Checkpointer {
    /// Nobody else may have the folder while something is written to it.
    fn drop(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
    }
}

/// A checkpoint that was read and found whole.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    bytes: Vec<u8>,
    pub(crate) stamp: Stamp,
}

impl Checkpoint {
    /// Reads a checkpoint; `None` if there is no such file.
    ///
    /// # Errors
    /// Why it cannot be trusted, or read.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, String> {
        let mut bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.to_string()),
        };
        let words = |e: safetensors::SafeTensorError| format!("it is damaged or cut off ({e})");
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(words)?;
        let stamp = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let stamp = stamp.ok_or("it is no checkpoint of this laboratory")?;
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let format: Format = serde_json::from_str(stamp).map_err(|e| format!("its stamp: {e}"))?;
        if format.format != FORMAT {
            return Err(format!(
                "it is of format {}, and this version reads format {FORMAT}",
                format.format
            ));
        }
        let stamp: Stamp = serde_json::from_str(stamp).map_err(|e| format!("its stamp: {e}"))?;
        let sum = stamp.xxh3.as_bytes();
        let place = find(&bytes[..8 + header], sum).filter(|_| sum.len() == NO_CHECKSUM.len());
        let place = place.ok_or("it has no checksum")?;
        bytes[place..place + NO_CHECKSUM.len()].copy_from_slice(NO_CHECKSUM.as_bytes());
        if hex(xxh3_128(&bytes)) != stamp.xxh3 {
            return Err("it is damaged: its bytes have another checksum than it says".to_owned());
        }
        let checkpoint = Self { bytes, stamp };
        checkpoint.agrees_with_itself()?;
        Ok(Some(checkpoint))
    }

    /// What a sound checksum does not say: the state is of the round that the stamp names, and its parameters are numbers.
    fn agrees_with_itself(&self) -> Result<(), String> {
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(|e| e.to_string())?;
        if let Ok(round) = tensors.tensor("round") {
            let stamped = self.stamp.round.to_le_bytes();
            if round.data() != stamped {
                let found = <[u8; 8]>::try_from(round.data()).map_or(0, u64::from_le_bytes);
                return Err(format!(
                    "its parts disagree: its stamp is of round {}, and its state of round {found}",
                    self.stamp.round
                ));
            }
        }
        let params = tensors.tensor("params").map_err(|_| "it has no params".to_owned())?;
        let is_finite = match params.dtype() {
            Dtype::F32 => finite::<4>(params.data(), |b| f32::from_le_bytes(b).is_finite()),
            _ => finite::<8>(params.data(), |b| f64::from_le_bytes(b).is_finite()),
        };
        if is_finite { Ok(()) } else { Err("its params hold NaN or infinity".to_owned()) }
    }

    /// Overwrites a simulation's state. Nothing is overwritten unless everything fits.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn restore<T: Scalar>(
        &self,
        simulation: &mut Simulation<'_, T>,
    ) -> Result<(), String> {
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(|e| e.to_string())?;
        let (mut parts, mut wrong) = (0, None);
        simulation.state(&mut |name, part| {
            parts += 1;
            let expected = describe(&part);
            match tensors.tensor(name) {
                Err(_) => wrong = Some(format!("it has no {name}")),
                Ok(found) if (found.dtype(), found.shape()) != (expected.0, &*expected.1) => {
                    wrong = Some(format!(
                        "its {name} is {:?} of shape {:?}, expected {:?} of shape {:?}",
                        found.dtype(),
                        found.shape(),
                        expected.0,
                        expected.1
                    ));
                }
                Ok(_) => {}
            }
        });
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        if tensors.len() != parts {
            return Err(format!("it has {} parts, expected {parts}", tensors.len()));
        }
        simulation.state(&mut |name, part| {
            let Ok(found) = tensors.tensor(name) else { return };
            match part {
                Part::Vector(x) | Part::Matrix(x, _) => overwrite(x, found.data()),
                Part::Doubles(x) => overwrite(x, found.data()),
                Part::Count(count) => overwrite(std::slice::from_mut(count), found.data()),
                _ => {}
            }
        });
        Ok(())
    }
}
