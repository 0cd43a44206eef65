//! `cargo xtask release`: what must hold before a version is published, and a try of it.

use crate::cmd::{self, run};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of the workspace is the one to be released, and the changelog has it, with a date.
pub(crate) fn check(version: &str) -> Result<()> {
    let root = cmd::root();
    let read = |name: &str| {
        fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))
    };
    for (file, line) in [
        ("Cargo.toml", format!("version = \"{version}\"")),
        ("CITATION.cff", format!("version: {version}")),
    ] {
        ensure!(
            read(file)?.lines().any(|l| l == line),
            "{file} has no line `{line}`: the version to be released must stand there"
        );
    }
    let heading = format!("## [{version}] - ");
    ensure!(
        read("CHANGELOG.md")?.lines().any(|l| l.starts_with(&heading)),
        "CHANGELOG.md has no heading `{heading}` with a date"
    );
    Ok(())
}

/// Packs the crates and builds them from what was packed, in the order of their dependencies, as `cargo publish` does.
///
/// In a folder of its own: cargo unpacks the packed dependencies into its home, by the name of this folder and the version alone,
/// and would build the next crates against what an earlier run left there.
pub(crate) fn try_it() -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let folder = cmd::root().join(format!("target/package-{}", now.as_millis()));
    let name = folder.to_str().context("the path of the project is not UTF-8")?;
    let result = run(&[
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        // It goes to another registry, as a wheel.
        "--exclude",
        "fl-python",
        "--allow-dirty",
        "--target-dir",
        name,
    ]);
    // Gigabytes, and of no use to a later run.
    fs::remove_dir_all(&folder).ok();
    result
}
