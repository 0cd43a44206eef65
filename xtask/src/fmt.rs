//! `cargo xtask fmt`: formats all sources, those too that crates list in `fl_core::parts!`.
//!
//! `cargo fmt` follows `mod` items and does not look into macros for them.

use crate::cmd;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Formats, or refuses what is not formatted.
pub(crate) fn fmt(check: bool) -> Result<()> {
    let root = cmd::root();
    let mut files = Vec::new();
    for krate in fs::read_dir(root.join("crates"))? {
        sources(&root, &krate?.path().join("src"), &mut files)?;
    }
    files.sort();
    let mut arguments = vec!["fmt", "--all", "--"];
    if check {
        arguments.push("--check");
    }
    arguments.extend(files.iter().map(String::as_str));
    cmd::run_quietly(&arguments)
}

fn sources(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            sources(root, &path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            let path = path.strip_prefix(root).unwrap_or(&path);
            files.push(path.to_str().context("a path that is not UTF-8")?.to_owned());
        }
    }
    Ok(())
}
