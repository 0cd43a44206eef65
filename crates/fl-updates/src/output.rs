//! The output: written beside its place, in pieces, and renamed when it is whole.

use crate::client::Client;
use crate::columns::Columns;
use crate::error::UpdatesError;
use crate::file::{Opened, identity_of, write_at};
use crate::format::{Tensor, numpy, safetensors};
use crate::number::encode;
use crate::open::Updates;
use fl_core::{Scalar, Sink, SourceError};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
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
}

thread_local! {
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn failed(path: &Path, e: impl std::fmt::Display) -> UpdatesError {
    UpdatesError::File(format!("{}: cannot write it: {e}", path.display()))
}

/// Whether an output can have that name, which must not be that of an input.
pub(crate) fn check(path: &Path, updates: &Updates) -> Result<(), UpdatesError> {
    let choice =
        |what: String| Err(UpdatesError::Choice(format!("output {}: {what}", path.display())));
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
    if format != Format::Safetensors {
        for tensor in tensors {
            numpy::npy_header(tensor).map_err(UpdatesError::Choice)?;
        }
    }
    Ok(())
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
    /// Begins a file of the layout's tensors. A copy of the reference's metadata goes with it, and `about`.
    pub(crate) fn begin(
        path: &Path,
        updates: &Updates,
        about: BTreeMap<String, String>,
    ) -> Result<Self, UpdatesError> {
        let mut tensors = updates.layout.tensors.clone();
        let head = head(&tensors, updates, about);
        let mut at = head.len() as u64;
        for tensor in &mut tensors {
            tensor.offset = at;
            at += tensor.bytes;
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = temporary(folder).map_err(|e| failed(path, e))?;
        write_at(file.as_file(), &head, 0).map_err(|e| failed(path, e))?;
        let format = format_of(path).expect("checked before");
        Ok(Self { path: path.to_owned(), format, file, tensors })
    }

    /// Says other things about the output, which must be as long as those that it began with.
    pub(crate) fn describe(
        &self,
        updates: &Updates,
        about: BTreeMap<String, String>,
    ) -> Result<(), UpdatesError> {
        let head = head(&self.tensors, updates, about);
        write_at(self.file.as_file(), &head, 0).map_err(|e| failed(&self.path, e))
    }

    /// Bytes of all tensors.
    pub(crate) fn bytes(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.bytes).sum()
    }

    /// Copies tensors that are not averaged: from the model before, or from the first client, to whose all others are equal.
    pub(crate) fn copy(&self, updates: &Updates) -> Result<(), UpdatesError> {
        let mut differing = Vec::new();
        for &place in &updates.layout.copied {
            let to = &self.tensors[place];
            let others: &[Client] =
                if updates.base.is_some() { &[] } else { &updates.clients[1..] };
            let from = updates.base.as_ref().unwrap_or(&updates.clients[0]);
            if let Some(other) = self.copy_one(from, others, to)? {
                differing.push(crate::Problem::new(
                    &other.path,
                    format!(
                        "tensor {:?} of type {} is not averaged and differs from {}'s; --base takes it from a model, --skip \
                         leaves it out",
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
    ) -> Result<Option<&'a Client>, UpdatesError> {
        let (mut piece, mut other) = (vec![0; PIECE], vec![0; PIECE]);
        let source = from.tensor(&to.name).expect("compared");
        for at in (0..to.bytes).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min((to.bytes - at) as usize)];
            from.bytes(source, at, piece).map_err(UpdatesError::File)?;
            for client in others {
                let other = &mut other[..piece.len()];
                let tensor = client.tensor(&to.name).expect("compared");
                client.bytes(tensor, at, other).map_err(UpdatesError::File)?;
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
    pub(crate) fn finish(self) -> Result<(), UpdatesError> {
        let Self { path, format, file, tensors } = self;
        let wrong = |e: std::io::Error| failed(&path, e);
        let file = match format {
            Format::Safetensors => file,
            _ => {
                let folder = file.path().parent().unwrap_or(Path::new("."));
                let mut packed = temporary(folder).map_err(wrong)?;
                let read = Opened::open(file.path()).map_err(|e| failed(&path, e))?;
                let copy = |tensor: &Tensor, to: &mut dyn Write| copy_out(&read, tensor, to);
                if format == Format::Npz {
                    numpy::write_npz(packed.as_file_mut(), &tensors, copy)
                        .map_err(|e| failed(&path, e))?;
                } else {
                    let header = numpy::npy_header(&tensors[0]).map_err(|e| failed(&path, e))?;
                    packed
                        .write_all(&header)
                        .and_then(|()| copy(&tensors[0], &mut packed))
                        .map_err(wrong)?;
                }
                packed
            }
        };
        file.as_file().sync_all().map_err(wrong)?;
        file.persist(&path).map_err(|e| failed(&path, e.error))?;
        Ok(())
    }
}

/// A file that vanishes unless it is given a name, with the permissions of other new files.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// A header with the reference's metadata and what is added to them.
fn head(tensors: &[Tensor], updates: &Updates, about: BTreeMap<String, String>) -> Vec<u8> {
    let reference = updates.base.as_ref().unwrap_or(&updates.clients[0]);
    let metadata = reference.metadata.clone().into_iter().chain(about).collect();
    safetensors::write(tensors, &metadata)
}

fn copy_out(from: &Opened, tensor: &Tensor, to: &mut dyn Write) -> std::io::Result<()> {
    let mut piece = vec![0; PIECE];
    for at in (0..tensor.bytes).step_by(PIECE) {
        let piece = &mut piece[..PIECE.min((tensor.bytes - at) as usize)];
        from.read(tensor.offset + at, piece).map_err(std::io::Error::other)?;
        to.write_all(piece)?;
    }
    Ok(())
}

/// Where a group's output goes.
#[derive(Debug)]
pub(crate) struct Pieces<'a, T> {
    pub(crate) output: &'a Output,
    pub(crate) columns: &'a Columns<'a, T>,
}

impl<T: Scalar> Pieces<'_, T> {
    fn put(&self, from: usize, numbers: &[T]) -> Result<(), String> {
        let Output { path, file, tensors, .. } = self.output;
        for (place, first, within) in self.columns.parts(from..from + numbers.len()) {
            let tensor = &tensors[place];
            BYTES.with_borrow_mut(|bytes| {
                encode(&tensor.dtype, &numbers[within], bytes).map_err(|k| {
                    format!(
                        "tensor {:?}: number {} of the output is too large for {}",
                        tensor.name,
                        first + k,
                        tensor.dtype
                    )
                })?;
                let at = tensor.offset + (first * tensor.dtype.bits() / 8) as u64;
                write_at(file.as_file(), bytes, at)
                    .map_err(|e| format!("{}: cannot write it: {e}", path.display()))
            })?;
        }
        Ok(())
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
