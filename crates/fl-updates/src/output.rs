//! The output: written beside its place, in pieces, and renamed when it is whole.

use crate::client::Client;
use crate::columns::Columns;
use crate::error::UpdatesError;
use crate::file::{Opened, counted, identity_of, write_at};
use crate::format::{Tensor, numpy, safetensors};
use crate::number::encode;
use crate::open::Updates;
use crate::progress::Progress;
use fl_core::{Scalar, Sink, SourceError};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;

/// How an output is written, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Safetensors,
    Npz,
    Npy,
}

/// An output on its way.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    format: Format,
    file: NamedTempFile,
    /// The tensors, where they are in the temporary file.
    tensors: Vec<Tensor>,
    /// What it has of its inputs' metadata.
    metadata: BTreeMap<String, String>,
    /// Names of metadata that it has not: clients differ in them, or a NumPy file has none.
    pub(crate) lost: Vec<String>,
}

/// The entry of the metadata that says how the output was made.
const KEY: &str = "robust-fl";

thread_local! {
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn failed(path: &Path, e: impl std::fmt::Display) -> UpdatesError {
    UpdatesError::File(format!("{}: cannot write it: {e}", path.display()))
}

/// Whether an output can have that name, which must not be that of an input, and can hold those tensors.
pub(crate) fn check(path: &Path, updates: &Updates) -> Result<(), UpdatesError> {
    let choice =
        |what: String| Err(UpdatesError::Choice(format!("output {}: {what}", path.display())));
    if path.is_dir() {
        return choice("it is a folder; name a file in it".into());
    }
    let format = match format_of(path) {
        Some(format) => format,
        None => return choice("expected a name that ends in .safetensors, .npz or .npy".into()),
    };
    if let Some(input) = identity_of(path).and_then(|identity| updates.reads(identity)) {
        return choice(format!("it is the input {input}; name another file"));
    }
    let tensors = &updates.layout.tensors;
    if format == Format::Npy && tensors.len() != 1 {
        return choice(format!("a .npy file holds one array, not {} tensors", tensors.len()));
    }
    let held = |tensor: &Tensor| match format {
        Format::Safetensors if tensor.name == safetensors::METADATA => Err(format!(
            "a safetensors file cannot hold a tensor called {:?}; name the output *.npz, or skip the tensor",
            tensor.name
        )),
        Format::Safetensors => Ok(()),
        Format::Npz => numpy::check_member(tensor),
        Format::Npy => numpy::npy_header(tensor).map(drop),
    };
    tensors.iter().try_for_each(held).or_else(choice)
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "safetensors" => Some(Format::Safetensors),
        "npz" => Some(Format::Npz),
        "npy" => Some(Format::Npy),
        _ => None,
    }
}

impl Output {
    /// Begins a file of tensors, those of the layout or of other shapes. The inputs' metadata go with it as far as it can have them, and `about`.
    pub(crate) fn begin(
        path: &Path,
        updates: &Updates,
        tensors: Vec<Tensor>,
        about: &str,
    ) -> Result<Self, UpdatesError> {
        let format = format_of(path).expect("checked before");
        let (metadata, lost) = metadata(updates, format);
        let file = temporary(folder_of(path)).map_err(|e| failed(path, e))?;
        let mut output = Self { path: path.to_owned(), format, file, tensors, metadata, lost };
        let mut at = output.describe(about)?;
        for tensor in &mut output.tensors {
            tensor.offset = at;
            at += tensor.bytes;
        }
        Ok(output)
    }

    /// Writes what stands before the numbers, and gives its length, which follows from that of `about`.
    pub(crate) fn describe(&self, about: &str) -> Result<u64, UpdatesError> {
        let head = match self.format {
            Format::Safetensors => {
                let mut metadata = self.metadata.clone();
                metadata.insert(KEY.into(), about.into());
                safetensors::write(&self.tensors, &metadata)
            }
            Format::Npy => {
                numpy::npy_header(&self.tensors[0]).map_err(|e| failed(&self.path, e))?
            }
            Format::Npz => Vec::new(),
        };
        write_at(self.file.as_file(), &head, 0).map_err(|e| failed(&self.path, e))?;
        Ok(head.len() as u64)
    }

    /// Bytes of all tensors.
    pub(crate) fn bytes(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.bytes).sum()
    }

    /// Bytes that are read again to give the file its name.
    pub(crate) fn packed_bytes(&self) -> u64 {
        if self.format == Format::Npz { self.bytes() } else { 0 }
    }

    /// Writes numbers of a tensor, from its `first` one on.
    pub(crate) fn put<T: Scalar>(
        &self,
        place: usize,
        first: usize,
        numbers: &[T],
    ) -> Result<(), String> {
        let tensor = &self.tensors[place];
        BYTES.with_borrow_mut(|bytes| {
            encode(&tensor.dtype, numbers, bytes).map_err(|k| {
                format!(
                    "tensor {:?}: number {} of the output is too large for {}",
                    tensor.name,
                    first + k,
                    tensor.dtype
                )
            })?;
            let at = tensor.offset + (first * tensor.dtype.bits() / 8) as u64;
            write_at(self.file.as_file(), bytes, at)
                .map_err(|e| format!("{}: cannot write it: {e}", self.path.display()))
        })
    }

    /// Copies tensors that are not averaged: from the model before, or from the first client, to whose all others are equal.
    pub(crate) fn copy(&self, updates: &Updates, progress: &Progress) -> Result<(), UpdatesError> {
        let mut differing = Vec::new();
        for &place in &updates.layout.copied {
            let to = &self.tensors[place];
            let others: &[Client] =
                if updates.base.is_some() { &[] } else { &updates.clients[1..] };
            let from = updates.base.as_ref().unwrap_or(&updates.clients[0]);
            if let Some(other) = self.copy_one(from, others, to, progress)? {
                differing.push(crate::Problem::new(
                    &other.path,
                    format!(
                        "tensor {:?} of type {} is not averaged and differs from {}'s; the option `base` takes it from a model, \
                         and `skip` leaves it out",
                        to.name, to.dtype, from.name()
                    ),
                ));
            }
        }
        if differing.is_empty() { Ok(()) } else { Err(UpdatesError::Problems(differing)) }
    }

    /// Copies a tensor; gives the first client in which it differs.
    fn copy_one<'a>(
        &self,
        from: &Client,
        others: &'a [Client],
        to: &Tensor,
        progress: &Progress,
    ) -> Result<Option<&'a Client>, UpdatesError> {
        let (mut piece, mut other) = (vec![0; PIECE], vec![0; PIECE]);
        let read = |client: &Client, at: u64, piece: &mut [u8]| {
            counted(progress, piece.len())?;
            client.bytes(client.tensor(&to.name).expect("compared"), at, piece)
        };
        for at in (0..to.bytes).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min((to.bytes - at) as usize)];
            read(from, at, piece).map_err(UpdatesError::File)?;
            for client in others {
                let other = &mut other[..piece.len()];
                read(client, at, other).map_err(UpdatesError::File)?;
                if *other != *piece {
                    return Ok(Some(client));
                }
            }
            write_at(self.file.as_file(), piece, to.offset + at)
                .map_err(|e| failed(&self.path, e))?;
        }
        Ok(None)
    }

    /// Gives the file its name.
    pub(crate) fn finish(self, progress: &Progress) -> Result<(), UpdatesError> {
        let Self { path, format, file, tensors, .. } = self;
        let file = match format {
            Format::Npz => pack(&path, &file, &tensors, progress).map_err(|e| failed(&path, e))?,
            _ => file,
        };
        file.as_file().sync_all().map_err(|e| failed(&path, e))?;
        file.persist(&path).map_err(|e| failed(&path, e.error))?;
        Ok(())
    }
}

/// The metadata that an output has: those of the model before, or those in which all clients agree. And the names of others.
fn metadata(updates: &Updates, format: Format) -> (BTreeMap<String, String>, Vec<String>) {
    let all = match &updates.base {
        Some(base) => std::slice::from_ref(base),
        None => &updates.clients,
    };
    let names: BTreeSet<&String> = all.iter().flat_map(|client| client.metadata.keys()).collect();
    let (mut kept, mut lost) = (BTreeMap::new(), Vec::new());
    for name in names.into_iter().filter(|name| *name != KEY) {
        let text = all[0].metadata.get(name);
        let agreed = all.iter().all(|client| client.metadata.get(name) == text);
        match text {
            Some(text) if agreed && format == Format::Safetensors => {
                kept.insert(name.clone(), text.clone());
            }
            _ => lost.push(name.clone()),
        }
    }
    (kept, lost)
}

/// An archive of the tensors in a file. A member's checksum stands before its numbers, so it is written when all of them are
/// known: for a moment the disk holds both.
fn pack(
    path: &Path,
    file: &NamedTempFile,
    tensors: &[Tensor],
    progress: &Progress,
) -> Result<NamedTempFile, String> {
    let mut packed = temporary(folder_of(path)).map_err(|e| e.to_string())?;
    let from = Opened::open(file.path())?;
    let mut piece = vec![0; PIECE];
    numpy::write_npz(packed.as_file_mut(), tensors, |tensor, to| {
        for at in (0..tensor.bytes).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min((tensor.bytes - at) as usize)];
            counted(progress, piece.len())
                .and_then(|()| from.read(tensor.offset + at, piece))
                .map_err(std::io::Error::other)?;
            to.write_all(piece)?;
        }
        Ok(())
    })?;
    Ok(packed)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file that vanishes unless it is given a name, with the permissions of other new files. Where the process is killed it
/// stays, and its name says whose it was.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let suffix = format!(".{}.part", std::process::id());
    builder.prefix(".fl-updates-").suffix(&suffix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Where a group's output goes.
#[derive(Debug)]
pub(crate) struct Pieces<'a, T> {
    pub(crate) output: &'a Output,
    pub(crate) columns: &'a Columns<'a, T>,
}

impl<T: Scalar> Pieces<'_, T> {
    fn put(&self, from: usize, numbers: &[T]) -> Result<(), String> {
        let mut parts = self.columns.parts(from..from + numbers.len());
        parts.try_for_each(|(place, first, within)| self.output.put(place, first, &numbers[within]))
    }
}

impl<T: Scalar> Sink<T> for Pieces<'_, T> {
    fn write(&self, from: usize, numbers: &[T]) -> Result<(), SourceError> {
        if !self.columns.is_difference() {
            return self.put(from, numbers).map_err(SourceError);
        }
        let mut model = Vec::with_capacity(numbers.len());
        self.columns
            .with_before(from, numbers.len(), |before| {
                model.extend(numbers.iter().zip(before).map(|(&x, &before)| before + x));
            })
            .and_then(|()| self.put(from, &model))
            .map_err(SourceError)
    }
}
