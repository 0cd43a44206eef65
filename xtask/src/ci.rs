//! `cargo xtask ci`: everything that a change must pass after `cargo test --workspace`.

use crate::cmd::{self, run, run_with};
use crate::{cluster, tidy};
use anyhow::{Context, Result};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn ci() -> Result<()> {
    run(&["fmt", "--all", "--check"])?;
    tidy::tidy()?;
    run(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    run_with(
        &["doc", "--workspace", "--no-deps", "--all-features"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    // The same results on one and on two threads are a test of their own; here, that features do not lean on each other.
    for leaf in [
        "fl-core",
        "fl-agg",
        "fl-resample",
        "fl-saga",
        "fl-attacks",
        "fl-models",
        "fl-data",
        "fl-theory",
        "fl-plot",
        "fl-sim",
    ] {
        run(&["check", "--quiet", "-p", leaf])?;
        run(&["check", "--quiet", "-p", leaf, "--all-features"])?;
    }
    // Benches are proven to run; nothing judges their times.
    run(&["bench", "--workspace", "--benches", "--", "--test"])?;
    // The packed crates build on their own, in the order of their dependencies.
    package()?;
    // A sweep by the engines that run many machines.
    cluster::cluster()?;
    // A program of one's own with a rule of its own, which is no member of the workspace.
    run(&[
        "run",
        "--release",
        "--manifest-path",
        "examples/own-rule/Cargo.toml",
        "--target-dir",
        "target",
        "--",
        "run",
        "examples/own-rule/experiment.toml",
        "--out",
        "target/ci-runs",
    ])?;
    // The README's first command.
    run(&[
        "run",
        "--release",
        "-p",
        "fl-cli",
        "--",
        "run",
        "configs/quickstart.toml",
        "--out",
        "target/ci-runs",
    ])
}

/// Packs the crates and builds them from what was packed.
///
/// In a folder of its own: cargo unpacks the packed dependencies into its home, by the name of this folder and the version alone,
/// and would build the next crates against what an earlier run left there.
fn package() -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let folder = cmd::root().join(format!("target/package-{}", now.as_millis()));
    let name = folder.to_str().context("the path of the project is not UTF-8")?;
    let result = run(&[
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--allow-dirty",
        "--target-dir",
        name,
    ]);
    // Gigabytes, and of no use to a later run.
    fs::remove_dir_all(&folder).ok();
    result
}
