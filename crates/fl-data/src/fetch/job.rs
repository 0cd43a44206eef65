//! One set being fetched.

use super::error::{Attempt, FetchError, RouteError};
use super::options::{FetchOptions, Route};
use super::progress::Progress;
use crate::format::FileError;
use crate::known::content::check;
use crate::known::{ContentError, KnownFile, KnownSet};
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

/// Temporary files and folders begin so; the holder of the lock removes those of dead processes.
pub(super) const TEMPORARY: &str = ".fetch-";

/// Downloads that are not complete begin so, and stay.
pub(super) const PART: &str = ".part-";

/// What is still missing of a set, and what has been tried.
pub(super) struct Job<'a> {
    pub(super) set: &'a KnownSet,
    pub(super) home: PathBuf,
    pub(super) options: &'a FetchOptions,
    pub(super) progress: &'a mut dyn FnMut(Progress<'_>),
    pub(super) missing: Vec<&'a KnownFile>,
    pub(super) attempts: Vec<Attempt>,
}

impl<'a> Job<'a> {
    pub(super) fn fail(&mut self, route: Route, source: impl Into<String>, why: RouteError) {
        let attempt = Attempt { route, source: source.into(), why };
        (self.progress)(Progress::Failed { attempt: &attempt });
        self.attempts.push(attempt);
    }

    /// Checks and puts a file in its place. The outer error is the disk's and ends everything; the inner one is the
    /// source's. `show` says whether this is where the bytes arrive.
    pub(super) fn store(
        &mut self,
        file: &'a KnownFile,
        packed: impl Read,
        show: bool,
    ) -> Result<Result<(), RouteError>, FetchError> {
        let place = self.home.join(&file.name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any other file, so that a shared cache can be read by all; the umask still applies.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut temporary =
            builder.tempfile_in(&self.home).map_err(FileError::io("create", &self.home))?;
        let mut done = 0;
        let outcome = check(packed, file, |bytes| {
            temporary.write_all(bytes)?;
            done += bytes.len() as u64;
            if show {
                (self.progress)(Progress::Bytes { file: &file.name, done, total: file.bytes });
            }
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(ContentError::Write(why)) => return Err(FileError::io("write", &place)(why).into()),
            Err(why) => return Ok(Err(RouteError::Content(why))),
        }
        temporary.as_file().sync_all().map_err(FileError::io("write", &place))?;
        temporary.persist(&place).map_err(|e| FileError::io("write", &place)(e.error))?;
        self.missing.retain(|f| f.name != file.name);
        (self.progress)(Progress::Stored { file: &file.name });
        Ok(Ok(()))
    }
}
