//! Files that are never found half written.

use crate::LabError;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

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
