//! `cargo xtask tidy`: what the compiler does not check about the repository.

use crate::cmd;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that depend on `fl-core` and on no other crate of the workspace.
const LEAVES: [&str; 7] =
    ["fl-agg", "fl-attacks", "fl-data", "fl-models", "fl-resample", "fl-saga", "fl-theory"];

pub(crate) fn tidy() -> Result<()> {
    let mut faults = Vec::new();
    let root = cmd::root();
    for path in files(&root)? {
        text_faults(&root, &path, &mut faults);
    }
    manifest_faults(&root, &mut faults)?;
    tree_faults(&mut faults)?;
    if faults.is_empty() {
        eprintln!("tidy: nothing to complain about");
        return Ok(());
    }
    bail!("tidy:\n  {}", faults.join("\n  "))
}

/// Text files of the repository, what cargo and runs leave behind excepted.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
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
            } else if ["rs", "toml", "md", "cff", "yml"]
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

fn text_faults(root: &Path, path: &Path, faults: &mut Vec<String>) {
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

/// Every published crate says what it is; internal dependencies come from the workspace, where they carry versions.
fn manifest_faults(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root.join("crates"))? {
        let folder = entry?.path();
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))
            .with_context(|| format!("crates/{name} has no Cargo.toml"))?;
        for key in [
            "description",
            "keywords",
            "categories",
            "license.workspace",
            "rust-version.workspace",
            "readme",
        ] {
            if !manifest.lines().any(|l| l.starts_with(key)) {
                faults.push(format!("crates/{name}/Cargo.toml: no {key}"));
            }
        }
        if !folder.join("README.md").exists() {
            faults.push(format!("crates/{name}: no README.md"));
        }
        let mut section = String::new();
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line.to_owned();
            }
            let internal = line.starts_with("fl-") && line.contains('=');
            let development = section == "[dev-dependencies]";
            if internal && !development && !line.contains("workspace = true") {
                faults.push(format!(
                    "crates/{name}/Cargo.toml: `{line}` should come from the workspace"
                ));
            }
            if internal && development && !line.contains("path = ") {
                faults.push(format!(
                    "crates/{name}/Cargo.toml: `{line}`: an internal dev-dependency is a path without a version"
                ));
            }
        }
    }
    Ok(())
}

/// Leaves stay leaves: what they know of each other is a trait in `fl-core`.
fn tree_faults(faults: &mut Vec<String>) -> Result<()> {
    for leaf in LEAVES {
        for name in internal_dependencies(leaf)? {
            if name != "fl-core" {
                faults.push(format!("{leaf} depends on {name}; a leaf depends on fl-core only"));
            }
        }
    }
    for name in
        internal_dependencies("fl-core")?.into_iter().chain(internal_dependencies("fl-plot")?)
    {
        faults.push(format!(
            "fl-core and fl-plot depend on no other crate of the workspace, got {name}"
        ));
    }
    let network = cmd::output(&["tree", "-p", "fl-sim", "-e", "normal", "--prefix", "none"])?;
    for heavy in ["ureq", "rustls", "clap"] {
        if network.lines().any(|l| l.starts_with(&format!("{heavy} "))) {
            faults.push(format!("fl-sim depends on {heavy}, which belongs to the command line"));
        }
    }
    Ok(())
}

fn internal_dependencies(of: &str) -> Result<Vec<String>> {
    let tree = cmd::output(&[
        "tree",
        "-p",
        of,
        "-e",
        "normal,build",
        "--prefix",
        "none",
        "--all-features",
    ])?;
    let mut names: Vec<String> = tree
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .filter(|n| n.starts_with("fl-") && *n != of)
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}
