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
    let entries = std::fs::read_dir(folder).map_err(|e| format!("cannot list it: {e}"))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".safetensors.index.json"))
        .collect();
    found.sort();
    match found.len() {
        0 => Ok(None),
        1 => Ok(found.pop()),
        _ => Err(format!("expected one *.safetensors.index.json, found {}", found.len())),
    }
}

/// Reads an index and the headers of all files that it names.
pub(crate) fn open(path: &Path) -> Result<(Vec<Opened>, Parsed), String> {
    let length = std::fs::metadata(path).map_err(|e| format!("cannot read it: {e}"))?.len();
    if length > safetensors::LONGEST {
        return Err(format!("an index of {length} bytes is none"));
    }
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read it: {e}"))?;
    let Index { weight_map } =
        serde_json::from_slice(&bytes).map_err(|e| format!("no index of tensors: {e}"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let names: BTreeSet<&String> = weight_map.values().collect();
    let (mut files, mut all) = (Vec::new(), Parsed::default());
    for (i, name) in names.into_iter().enumerate() {
        // A name that leads elsewhere is none of this model's files.
        let plain = Path::new(name).file_name().is_some_and(|plain| plain == name.as_str());
        if !plain {
            return Err(format!("{name:?} is no name of a file in the index's folder"));
        }
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
