//! Which files are clients: paths, folders, patterns and lists of them.

use crate::client::{Kind, kind_of};
use crate::error::{Problem, UpdatesError};
use crate::format::shards;
use std::path::{Path, PathBuf};

/// The clients that a path means: itself; of a folder without an index what is in it; of a pattern with `*`, `?` or `[…]`
/// whatever matches.
///
/// # Errors
/// When nothing is there, or a pattern is none; what in a folder might be a client and cannot be read.
pub fn expand(input: &Path) -> Result<Vec<PathBuf>, UpdatesError> {
    let wrong = |what: &str| Err(Problem::new(input, what).into());
    if input.is_dir() {
        return folder(input);
    }
    if input.exists() {
        return Ok(vec![input.to_owned()]);
    }
    let text = input.to_string_lossy();
    if !text.contains(['*', '?', '[']) {
        return wrong("there is no such file or folder");
    }
    let paths = match glob::glob(&text) {
        Ok(paths) => paths,
        Err(e) => return wrong(&format!("no pattern of file names: {e}")),
    };
    let mut found = Vec::new();
    for path in paths {
        match path {
            Ok(path) if path.is_dir() => found.extend(folder(&path)?),
            Ok(path) => found.push(path),
            Err(e) => return wrong(&format!("cannot look for files: {e}")),
        }
    }
    if found.is_empty() { wrong("no file matches the pattern") } else { Ok(found) }
}

/// The clients of a folder: itself if it has an index, else files of a known kind and folders that have an index.
fn folder(path: &Path) -> Result<Vec<PathBuf>, UpdatesError> {
    let wrong = |what: String| UpdatesError::from(Problem::new(path, what));
    if shards::index_of(path).map_err(wrong)?.is_some() {
        return Ok(vec![path.to_owned()]);
    }
    let mut inside = list_of(path).map_err(wrong)?;
    inside.sort();
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in inside {
        match is_client(&path) {
            Ok(true) => found.push(path),
            Ok(false) => {}
            Err(what) => problems.push(Problem::new(&path, what)),
        }
    }
    if !problems.is_empty() {
        return Err(UpdatesError::Problems(problems));
    }
    match found.is_empty() {
        true => Err(wrong(
            "the folder has no *.safetensors, *.npz, *.npy or folder with an index".into(),
        )),
        false => Ok(found),
    }
}

fn list_of(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|e| format!("cannot list it: {e}"))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}

/// Whether what is in a folder is a client. What might be one and cannot be read is an error: nobody is left out unsaid.
fn is_client(path: &Path) -> Result<bool, String> {
    if !path.is_dir() {
        let kind = kind_of(path);
        return match kind.refused() {
            _ if kind == Kind::Other => Ok(false),
            Some(why) => Err(why.into()),
            None => Ok(true),
        };
    }
    if shards::index_of(path)?.is_some() {
        return Ok(true);
    }
    let is_model = |path: &PathBuf| !path.is_dir() && kind_of(path) != Kind::Other;
    match list_of(path)?.iter().any(is_model) {
        true => Err("it has files of models and no *.safetensors.index.json; a pattern such as \
                     'FOLDER/*/model.safetensors' names files within folders"
            .into()),
        false => Ok(false),
    }
}

/// The lines of a list: a path each, taken from the list's folder; blank lines and those that begin with `#` are none.
///
/// # Errors
/// When the list cannot be read, or names what is not there.
pub fn list(file: &Path) -> Result<Vec<PathBuf>, UpdatesError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Problem::new(file, format!("cannot read it: {e}")))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let mut found = Vec::new();
    for line in lines {
        found.extend(expand(&folder.join(line))?);
    }
    if found.is_empty() {
        return Err(Problem::new(file, "expected a path a line, found none").into());
    }
    Ok(found)
}
