//! `cargo xtask ci`: everything that a change must pass after `cargo test --workspace`.

use crate::cmd::{self, run, run_with};
use crate::{book, cluster, fmt, pages, python, recipe, release, tidy};
use anyhow::Result;
use std::process::Command;

/// The examples that are programs of their own.
const OUTSIDE: [&str; 2] = ["own-model", "own-rule"];

pub(crate) fn ci() -> Result<()> {
    fmt::fmt(true)?;
    tidy::tidy(false)?;
    // What is no member of the workspace has a lock file of its own, which a new dependency of a crate makes stale.
    for name in OUTSIDE {
        let manifest = format!("examples/{name}/Cargo.toml");
        run(&["tree", "--locked", "--quiet", "--depth", "0", "--manifest-path", &manifest])?;
    }
    run(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    run_with(
        &["doc", "--workspace", "--no-deps", "--all-features"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    // The same results on one and on two threads are a test of their own; here, that features do not lean on each other.
    for folder in tidy::crates(&cmd::root())? {
        if let Some(name) = folder.strip_prefix("crates/") {
            run(&["check", "--quiet", "-p", name])?;
            run(&["check", "--quiet", "-p", name, "--all-features"])?;
        }
    }
    // A new rule is one file and one line, as CONTRIBUTING.md says.
    recipe::recipe()?;
    // Benches are proven to run, in the profile of the tests, whose crates are built already; nothing judges their times.
    run(&["test", "--workspace", "--bench", "*"])?;
    // The packed crates build on their own, in the order of their dependencies.
    release::try_it()?;
    // The public workflow installs these; here they are run where they are.
    if is_there("mdbook", &["--version"]) {
        book::book()?;
    }
    if is_there("typos", &["--version"]) {
        cmd::program("typos", &[])?;
    }
    if is_there("cargo", &["deny", "--version"]) {
        run(&["deny", "check", "bans", "licenses", "sources"])?;
    }
    // The Python package in an environment of its own.
    if is_there("python3", &["-m", "venv", "--help"]) {
        python::python(false)?;
    }
    // The report's page in a browser.
    pages::pages()?;
    // A sweep by the engines that run many machines.
    cluster::cluster()?;
    programs()
}

/// What a newcomer runs: a program with a rule of its own, and the README's first command.
fn programs() -> Result<()> {
    example("own-rule")?;
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

/// Builds an example that is no member of the workspace, and runs its experiment. `own-model` is a verb of its own: burn takes
/// longer to build than the checks may.
pub(crate) fn example(name: &str) -> Result<()> {
    let folder = format!("examples/{name}");
    run(&[
        "run",
        "--release",
        "--locked",
        "--manifest-path",
        &format!("{folder}/Cargo.toml"),
        "--target-dir",
        "target",
        "--",
        "run",
        &format!("{folder}/experiment.toml"),
        "--out",
        "target/ci-runs",
    ])
}

/// Whether a program is installed; if it is not, that is said.
fn is_there(program: &str, version: &[&str]) -> bool {
    let there = Command::new(program).args(version).output().is_ok_and(|o| o.status.success());
    if !there {
        let name = [&[program], &version[..version.len() - 1]].concat().join(" ");
        eprintln!("{name} is left out: it is not installed");
    }
    there
}
