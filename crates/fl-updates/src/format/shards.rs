//! Models in several files, and the index that says which tensor is in which.

use super::Parsed;
use super::safetensors;
use crate::file::Opened;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The index of a folder, if it has one.
pub(crate) fn index_of(folder: &Path) -> Result<Option<PathBuf>, String> {
    let wrong = |e: std::io::Error| format!("cannot list it: {e}");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.to_string_lossy().ends_with(".safetensors.index.json") {
            found.push(path);
        }
    }
    match found.len() {
        0 => Ok(None),
        1 => Ok(found.pop()),
        _ => Err(format!("expected one *.safetensors.index.json, found {}", found.len())),
    }
}

/// Which tensor is in which file of the index's folder, from the index's JSON. A name that leads elsewhere is none of this
/// model's files.
///
/// # Errors
/// What is wrong with it.
pub fn index(json: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let Index { weight_map } =
        serde_json::from_slice(json).map_err(|e| format!("no index of tensors: {e}"))?;
    let plain = |name: &str| Path::new(name).file_name().is_some_and(|plain| plain == name);
    match weight_map.values().find(|name| !plain(name)) {
        Some(name) => Err(format!("{name:?} is no name of a file in the index's folder")),
        None => Ok(weight_map),
    }
}

/// Reads an index and the headers of all files that it names.
pub(crate) fn open(path: &Path) -> Result<(Vec<Opened>, Parsed), String> {
    let file = Opened::open(path)?;
    if file.len > safetensors::LONGEST {
        return Err(format!("an index of {} bytes is none", file.len));
    }
    let mut json = vec![0; file.len as usize];
    file.read(0, &mut json)?;
    let weight_map = index(&json)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let names: BTreeSet<&String> = weight_map.values().collect();
    let (mut files, mut all) = (Vec::new(), Parsed::default());
    for (i, name) in names.into_iter().enumerate() {
        let file = Opened::open(&folder.join(name)).map_err(|e| format!("{name}: {e}"))?;
        let Parsed { tensors, metadata } =
            safetensors::open(&file).map_err(|e| format!("{name}: {e}"))?;
        for mut tensor in tensors {
            if weight_map.get(&tensor.name) != Some(name) {
                return Err(format!("{name}: tensor {:?} is not in the index", tensor.name));
            }
            tensor.file = i;
            all.tensors.push(tensor);
        }
        all.metadata.extend(metadata);
        files.push(file);
    }
    let found: BTreeSet<&String> = all.tensors.iter().map(|tensor| &tensor.name).collect();
    if let Some(missing) = weight_map.keys().find(|name| !found.contains(name)) {
        return Err(format!("tensor {missing:?} of the index is in none of its files"));
    }
    Ok((files, all))
}
