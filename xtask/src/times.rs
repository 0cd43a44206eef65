//! `cargo xtask times`: the times of the benches that were run last, one line each, for a table by commit.

use crate::cmd;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Prints `commit,bench,nanoseconds`, the mean of each bench.
pub(crate) fn times() -> Result<()> {
    let folder = cmd::root().join("target/criterion");
    let mut rows = Vec::new();
    collect(&folder, &folder, &mut rows)?;
    ensure!(!rows.is_empty(), "no times in {}: run `cargo bench` first", folder.display());
    rows.sort();
    let commit = cmd::commit();
    println!("commit,bench,nanoseconds");
    for row in rows {
        println!("{commit},{row}");
    }
    Ok(())
}

/// Criterion writes the last times of a bench to `NAME/new/estimates.json`.
fn collect(top: &Path, folder: &Path, rows: &mut Vec<String>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let estimates = path.join("new/estimates.json");
        if estimates.is_file() {
            let text = fs::read_to_string(&estimates)?;
            let value: Value = serde_json::from_str(&text)
                .with_context(|| format!("{} is not JSON", estimates.display()))?;
            let mean = value["mean"]["point_estimate"].as_f64().context("no mean")?;
            let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            rows.push(format!("{},{mean:.0}", name.replace(['\\', ','], "/")));
        } else {
            collect(top, &path, rows)?;
        }
    }
    Ok(())
}
