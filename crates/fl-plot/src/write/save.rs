//! Both files at once.

use std::ffi::OsString;
use std::io::Write as _;
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
/// A missing folder is made. Each file is written beside its place and then renamed, so that a
/// reader sees the old picture or the new one, never half of one; both are written out before the
/// first is renamed. The endings are appended: `fig7.final` gives `fig7.final.svg`.
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
    let folder = match stem.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)
        .map_err(|source| PlotError::Write { path: folder.to_owned(), source })?;

    let place = |ending: &str| {
        let mut file = OsString::from(name);
        file.push(ending);
        stem.with_file_name(file)
    };
    let (svg_path, png_path) = (place(".svg"), place(".png"));
    let svg_file = write_beside(folder, &svg_path, write_svg(scene).as_bytes())?;
    let png_file = write_beside(folder, &png_path, &write_png(scene, SAVE_SCALE)?)?;
    rename(svg_file, &svg_path)?;
    rename(png_file, &png_path)?;
    Ok([svg_path, png_path])
}

fn write_beside(folder: &Path, path: &Path, bytes: &[u8]) -> Result<NamedTempFile, PlotError> {
    let mut builder = Builder::new();
    let suffix = format!(".{}.part", std::process::id());
    builder.prefix(".fl-plot-").suffix(&suffix);
    // Temporary files are private by default; a picture is as readable as any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let written = builder.tempfile_in(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        Ok(file)
    });
    written.map_err(|source| PlotError::Write { path: path.to_owned(), source })
}

fn rename(file: NamedTempFile, path: &Path) -> Result<(), PlotError> {
    match file.persist(path) {
        Ok(_) => Ok(()),
        // The error holds the temporary file, which goes away with it.
        Err(error) => Err(PlotError::Write { path: path.to_owned(), source: error.error }),
    }
}
