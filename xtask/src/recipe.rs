//! `cargo xtask recipe`: CONTRIBUTING's recipe, followed to the letter.
//!
//! The medoid is taken out of CONTRIBUTING.md, one file and one line, and put into a copy of the workspace. There its own tests,
//! its example, the laws, `explain` and an experiment have to know it.

use crate::cmd;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::Path;

/// Where the text says that the file is, and in which list the line stands.
struct Recipe {
    file: String,
    source: String,
    room: String,
    list: String,
    line: String,
}

pub(crate) fn recipe() -> Result<()> {
    let root = cmd::root();
    let text = fs::read_to_string(root.join("CONTRIBUTING.md")).context("CONTRIBUTING.md")?;
    let recipe = read(&text)?;
    let copy = root.join("target/recipe");
    match fs::remove_dir_all(&copy) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
        _ => (),
    }
    for name in ["Cargo.toml", "Cargo.lock", "rustfmt.toml"] {
        fs::create_dir_all(&copy)?;
        fs::copy(root.join(name), copy.join(name))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    for name in ["crates", "xtask", "configs", "docs"] {
        copy_folder(&root.join(name), &copy.join(name))?;
    }
    fs::write(copy.join(&recipe.file), &recipe.source)?;
    let list = copy.join(&recipe.list);
    fs::write(&list, with_line(&fs::read_to_string(&list)?, &recipe.room, &recipe.line)?)?;
    for arguments in [
        // Its own tests and the laws, which run through the list; its example.
        &["test", "-p", "fl-agg", "--all-features", "--lib", "--", "medoid"][..],
        &["test", "-p", "fl-agg", "--all-features", "--test", "suite", "--", "listed"],
        &["test", "-p", "fl-agg", "--all-features", "--doc", "--", "medoid"],
        &["run", "-p", "fl-cli", "--", "explain", "medoid", "--workers", "30", "--byzantine", "6"],
        &[
            "run",
            "-p",
            "fl-cli",
            "--",
            "run",
            "configs/quickstart.toml",
            "--set",
            "name=medoid",
            "--set",
            "rounds=20",
            "--set",
            "method.3.rule=medoid",
            "--set",
            "method.3.name=Medoid",
            "--out",
            "runs",
        ],
    ] {
        cmd::run_in(&copy, &root.join("target"), arguments)?;
    }
    Ok(fs::remove_dir_all(&copy)?)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// The two blocks of code behind `**The file, `PATH`.**` and `**The line, in the room `ROOM` of `LIST`.**`.
fn read(text: &str) -> Result<Recipe> {
    let (before, rest) = text.split_once("**The file, ").context("CONTRIBUTING.md has no file")?;
    ensure!(before.contains("## Add a part"), "the file stands before its section");
    let (file, rest) = quoted(rest)?;
    let (source, rest) = block(rest)?;
    let (_, rest) = rest.split_once("**The line, ").context("CONTRIBUTING.md has no line")?;
    let (room, rest) = quoted(rest)?;
    let (list, rest) = quoted(rest)?;
    let (line, _) = block(rest)?;
    ensure!(line.lines().count() == 1, "one line is one line, not {line:?}");
    Ok(Recipe {
        file: file.into(),
        source: source.into(),
        room: room.into(),
        list: list.into(),
        line: line.trim().into(),
    })
}

fn quoted(text: &str) -> Result<(&str, &str)> {
    let (_, rest) = text.split_once('`').context("a name in backticks is missing")?;
    rest.split_once('`').context("a name in backticks does not end")
}

fn block(text: &str) -> Result<(&str, &str)> {
    let (_, rest) = text.split_once("```rust\n").context("a block of Rust is missing")?;
    // Fences inside of documentation are not at the beginning of a line.
    rest.split_once("\n```\n").context("a block of Rust does not end")
}

/// The list with a line at the end of one of its rooms.
fn with_line(list: &str, room: &str, line: &str) -> Result<String> {
    let mut out = String::new();
    let mut inside = false;
    let mut done = false;
    for old in list.lines() {
        inside |= old.trim().starts_with(&format!("{room}: "));
        if inside && old.trim() == "}" {
            out += &format!("        {line}\n");
            (inside, done) = (false, true);
        }
        out += old;
        out.push('\n');
    }
    if !done {
        bail!("the list has no room {room}");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_in_the_papers_is_one_file_and_one_line() {
        let text = include_str!("../../CONTRIBUTING.md");
        let recipe = read(text).expect("a recipe");
        assert!(recipe.source.contains("impl RuleSpec for Medoid"));
        let list = cmd::root().join(&recipe.list);
        let list = fs::read_to_string(list).expect("the list that the text names");
        let longer = with_line(&list, &recipe.room, &recipe.line).expect("the room that it names");
        assert_eq!(longer.lines().count(), list.lines().count() + 1);
        assert!(cmd::root().join(&recipe.file).parent().expect("a folder").is_dir());
    }
}
