//! `cargo xtask cases`: small inputs that went wrong once, with their right values. Each stands for a kind of mistake;
//! the kinds have tests of their own, and this is the look at all of them from outside.

mod files;
mod numbers;
mod outputs;
mod sizes;
mod state;
mod trial;

use crate::cmd;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use trial::{Seen, Trial};

/// Runs all cases, or those whose names begin as one of the words, and prints a table.
pub(crate) fn cases(words: &[&str]) -> Result<()> {
    let program = program()?;
    let room = std::env::temp_dir().join(format!("robust-fl-cases-{}", std::process::id()));
    let lists = [numbers::CASES, files::CASES, outputs::CASES, sizes::CASES, state::CASES];
    let (mut right, mut count) = (0, 0);
    println!("| case | right value | what happened | |\n|---|---|---|---|");
    for (i, case) in lists.into_iter().flatten().enumerate() {
        if !words.is_empty() && !words.iter().any(|word| case.name.starts_with(word)) {
            continue;
        }
        let folder = room.join(format!("{i}-{}", case.name));
        copy(&cmd::root().join("xtask/cases").join(case.name), &folder)?;
        let trial = Trial::new(folder, program.clone());
        let seen = (case.run)(&trial)
            .unwrap_or_else(|error| Seen { what: format!("{error:#}"), right: false });
        count += 1;
        right += usize::from(seen.right);
        let word = if seen.right { "ok" } else { "**not**" };
        println!("| {} | {} | {} | {word} |", case.name, case.right, cell(&seen.what));
    }
    fs::remove_dir_all(&room).with_context(|| format!("cannot remove {}", room.display()))?;
    println!("\n{right} of {count} are right");
    if right < count {
        bail!("{} of {count} cases are not right", count - right);
    }
    Ok(())
}

/// A text that fits into a cell of a table.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    if line.chars().count() > 160 { line.chars().take(159).chain(['…']).collect() } else { line }
}

/// The program that is tried: the one that FL_CLI names, or the optimised build.
fn program() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("FL_CLI") {
        return Ok(fs::canonicalize(&program)?);
    }
    cmd::run(&["build", "--release", "--package", "fl-cli"])?;
    Ok(cmd::target().join("release/fl-cli"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    // Some cases need no file.
    for entry in fs::read_dir(from).into_iter().flatten() {
        let path = entry?.path();
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
