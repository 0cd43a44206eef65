//! A download that may be continued.

use super::error::FetchError;
use super::job::PART;
use crate::format::FileError;
use crate::known::KnownFile;
use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

/// A download that may be continued: the bytes so far, and beside them which bytes of what they are.
pub(super) struct Part<'a> {
    pub(super) address: &'a str,
    pub(super) path: PathBuf,
    note: PathBuf,
}

impl<'a> Part<'a> {
    pub(super) fn new(home: &Path, file: &KnownFile, address: &'a str) -> Self {
        let place = |ending: &str| home.join(format!("{PART}{}{ending}", file.name));
        Self { address, path: place(""), note: place(".from") }
    }

    /// How many bytes of this address are here, and by what the server can tell whether they are still good.
    pub(super) fn begun(&self) -> (u64, String) {
        let note = fs::read_to_string(&self.note).unwrap_or_default();
        match note.split_once('\n') {
            Some((address, validator)) if address == self.address && !validator.is_empty() => {
                (fs::metadata(&self.path).map_or(0, |m| m.len()), validator.into())
            }
            _ => (0, String::new()),
        }
    }

    /// Opens the file to write on from byte `have`.
    pub(super) fn open(&self, have: u64, validator: &str) -> Result<File, FetchError> {
        let failed = FileError::io("write", &self.path);
        let open = || {
            let mut options = File::options();
            let mut file = options.write(true).create(true).truncate(false).open(&self.path)?;
            file.set_len(have)?;
            file.seek(io::SeekFrom::Start(have))?;
            // Noted when the file has only bytes of this address.
            fs::write(&self.note, format!("{}\n{validator}", self.address))?;
            Ok(file)
        };
        Ok(open().map_err(failed)?)
    }

    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.note);
        let _ = fs::remove_file(&self.path);
    }
}
