//! Files for users: both pictures of a figure, or any bytes.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::png::write_png;
use super::svg::write_svg;
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Scene, lay_out};

/// Pixels of a saved PNG for each pixel of the figure.
pub const SAVE_SCALE: f32 = 2.0;

/// Writes `STEM.svg` and `STEM.png` (at [`SAVE_SCALE`]) and returns their paths in this order.
///
/// A missing folder is made.
/// Each file is written as [`write_file`] writes; both are written out before the first is moved to its place.
/// The endings are appended: `fig7.final` gives `fig7.final.svg`.
///
/// # Errors
/// Those of [`svg()`](crate::svg()) and [`png()`](crate::png()), [`PlotError::Stem`] and
/// [`PlotError::Write`].
pub fn save(figure: &Figure, stem: &Path) -> Result<[PathBuf; 2], PlotError> {
    // A stem that is none is told before the figure is looked at.
    if stem.file_name().is_none() {
        return Err(PlotError::Stem { path: stem.to_owned() });
    }
    save_scene(&lay_out(figure)?, stem)
}

pub(crate) fn save_scene(scene: &Scene, stem: &Path) -> Result<[PathBuf; 2], PlotError> {
    let Some(name) = stem.file_name() else {
        return Err(PlotError::Stem { path: stem.to_owned() });
    };
    if let Some(folder) = stem.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .map_err(|source| PlotError::Write { path: folder.to_owned(), source })?;
    }
    let place = |ending: &str| {
        let mut file = OsString::from(name);
        file.push(ending);
        stem.with_file_name(file)
    };
    let paths = [place(".svg"), place(".png")];
    let bytes = [write_svg(scene).into_bytes(), write_png(scene, SAVE_SCALE)?];
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| PlotError::Write { path, source }
    };
    let mut files = Vec::with_capacity(2);
    for (path, bytes) in paths.iter().zip(&bytes) {
        files.push(Output::prepare(path, bytes).map_err(failed(path))?);
    }
    for (path, file) in paths.iter().zip(files) {
        file.finish().map_err(failed(path))?;
    }
    Ok(paths)
}

/// Writes a file that a user has named.
///
/// - A new file, and an existing plain one, is written next to its place and then renamed.
///   A reader sees the old contents or the new ones, never a half.
///   The mode of an existing file stays, and a symbolic link stays a link: its target is written.
/// - A device, a pipe, a socket, a file with several names (hard links) or of another owner is
///   written through, because a rename would put another file in its place.
///   So is everything below `/dev` and `/proc`, whose names stand for open files.
///
/// # Errors
/// What the operating system says; a file that may not be written to is not replaced.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Output::prepare(path, bytes)?.finish()
}

/// Contents on their way to a file.
enum Output<'a> {
    /// Written out, to be renamed to a path.
    Renamed(NamedTempFile, PathBuf),
    /// To be written through to whatever the path names.
    Through(&'a Path, &'a [u8]),
}

impl<'a> Output<'a> {
    fn prepare(path: &'a Path, bytes: &'a [u8]) -> io::Result<Self> {
        let through = Output::Through(path, bytes);
        let there = match fs::metadata(path) {
            Ok(there) => there,
            // A link to nothing: the file that it names is made.
            Err(_) if fs::symlink_metadata(path).is_ok() => return Ok(through),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Output::Renamed(write_next_to(path, bytes)?, path.to_owned()));
            }
            Err(e) => return Err(e),
        };
        let stands_for_another = path.starts_with("/dev") || path.starts_with("/proc");
        if !there.is_file() || stands_for_another {
            return Ok(through);
        }
        // A rename asks the folder for permission; what counts is the file's.
        File::options().write(true).open(path)?;
        let path = fs::canonicalize(path)?;
        match write_next_to(&path, bytes) {
            Ok(file) if is_replaceable(&there, &file.as_file().metadata()?) => {
                file.as_file().set_permissions(there.permissions())?;
                Ok(Output::Renamed(file, path))
            }
            // Of another kind, or in a folder that takes no new file.
            Ok(_) => Ok(through),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(through),
            Err(e) => Err(e),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Output::Renamed(file, path) => {
                file.persist(path).map(drop).map_err(|failed| failed.error)
            }
            Output::Through(path, bytes) => {
                let mut file =
                    File::options().write(true).create(true).truncate(true).open(path)?;
                file.write_all(bytes)?;
                // Pipes and devices cannot be brought to a disk.
                if file.metadata()?.is_file() { file.sync_all() } else { Ok(()) }
            }
        }
    }
}

/// Whether a rename leaves everything but the contents: one name, and the owner of new files.
#[cfg(unix)]
fn is_replaceable(there: &Metadata, new: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    there.nlink() == 1 && there.uid() == new.uid() && there.gid() == new.gid()
}

#[cfg(not(unix))]
fn is_replaceable(_: &Metadata, _: &Metadata) -> bool {
    true
}

fn write_next_to(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    let suffix = format!(".{}.part", std::process::id());
    builder.prefix(".fl-plot-").suffix(&suffix);
    // Temporary files are private by default; this one is as readable as any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}
