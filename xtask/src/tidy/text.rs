//! What holds of every text.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Text files of the repository, what cargo and runs leave behind excepted.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            let name =
                path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                if !["target", ".git", "runs", "figures"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if ["rs", "toml", "md", "cff", "yml", "py", "pyi"]
                .iter()
                .any(|e| name.ends_with(&format!(".{e}")))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn faults(root: &Path, path: &Path, faults: &mut Vec<String>) {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let Ok(text) = fs::read_to_string(path) else {
        faults.push(format!("{name} is not UTF-8"));
        return;
    };
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push(format!("{name}: no newline at the end"));
    }
    for (i, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            faults.push(format!("{name}:{}: trailing space", i + 1));
        }
        if line.contains('\t') {
            faults.push(format!("{name}:{}: tab", i + 1));
        }
        // Written in parts, so that this file does not find itself.
        for mark in [concat!("todo", "!("), concat!("unimple", "mented!("), concat!("dbg", "!(")] {
            if line.contains(mark) {
                faults.push(format!("{name}:{}: {mark}", i + 1));
            }
        }
    }
}
