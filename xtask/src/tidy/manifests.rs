//! Manifests and dependencies.

use crate::book::links;
use crate::cmd;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Crates that depend on `fl-core` and on no other crate of the workspace.
const LEAVES: [&str; 7] =
    ["fl-agg", "fl-attacks", "fl-data", "fl-models", "fl-resample", "fl-saga", "fl-theory"];

/// What a crate must do without, and whose business it is.
const FORBIDDEN: [(&str, &[&str], &str); 2] = [
    ("fl-lab", &["ureq", "rustls", "clap"], "the command line"),
    ("fl-sim", &["toml", "toml_edit", "safetensors", "serde_json", "fl-data"], "fl-lab"),
];

/// All crates of the workspace, by their folders.
pub(crate) fn crates(root: &Path) -> Result<Vec<String>> {
    let mut folders = vec!["xtask".to_owned()];
    for entry in fs::read_dir(root.join("crates"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if root.join("crates").join(&name).join("Cargo.toml").exists() {
            folders.push(format!("crates/{name}"));
        }
    }
    folders.sort();
    Ok(folders)
}

pub(super) fn faults(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    manifest_faults(root, faults)?;
    index_faults(root, faults)?;
    tree_faults(faults)
}

/// The index of examples has them all and nothing else, and the book has all papers.
fn index_faults(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    let read = |name: &str| {
        fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))
    };
    let (examples, book) = (read("examples/README.md")?, read("docs/book/SUMMARY.md")?);
    for link in links(&examples) {
        if !root.join("examples").join(link).exists() {
            faults.push(format!("examples/README.md names {link}, which is not there"));
        }
    }
    for link in links(&book) {
        if !root.join(link).exists() {
            faults.push(format!("docs/book/SUMMARY.md names {link}, which is not there"));
        }
    }
    let mut papers = Vec::new();
    for folder in crates(root)? {
        for entry in fs::read_dir(root.join(&folder).join("examples")).into_iter().flatten() {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let link = format!("(../{folder}/examples/{name})");
            if name.ends_with(".rs") && !examples.contains(&link) {
                faults.push(format!("examples/README.md does not name {folder}/examples/{name}"));
            }
        }
        if folder.starts_with("crates/") {
            papers.push(format!("{folder}/README.md"));
        }
    }
    papers.extend(self::papers(root)?);
    for paper in papers.iter().filter(|paper| !book.contains(&format!("({paper})"))) {
        faults.push(format!("docs/book/SUMMARY.md does not name {paper}"));
    }
    Ok(())
}

/// The documents in the folder `docs`.
pub(super) fn papers(root: &Path) -> Result<Vec<String>> {
    let mut papers = Vec::new();
    for entry in fs::read_dir(root.join("docs"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            papers.push(format!("docs/{name}"));
        }
    }
    papers.sort();
    Ok(papers)
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
    for (of, forbidden, whose) in FORBIDDEN {
        let tree = cmd::output(&["tree", "-p", of, "-e", "normal", "--prefix", "none"])?;
        for name in forbidden {
            if tree.lines().any(|l| l.starts_with(&format!("{name} "))) {
                faults.push(format!("{of} depends on {name}, which belongs to {whose}"));
            }
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
