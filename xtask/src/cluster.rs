//! `cargo xtask cluster`: the templates of `scripts/cluster` with real engines.

use crate::cmd;
use anyhow::{Context, Result};
use std::process::Command;

/// The version that the template was tried with.
const PACKAGE: &str = "hyperqueue==0.27.0";

/// Gets HyperQueue's Python package into `target/hyperqueue`, if it can be had, and runs the tests of the templates.
/// GNU parallel is used where it is installed.
pub(crate) fn cluster() -> Result<()> {
    let folder = cmd::root().join("target/hyperqueue");
    let python = folder.join("bin/python");
    let (python, folder) = (python.to_str(), folder.to_str());
    let (python, folder) = python.zip(folder).context("the path of the project is not UTF-8")?;
    let has = |args: &[&str], program: &str| {
        eprintln!("$ {program} {}", args.join(" "));
        Command::new(program).args(args).status().is_ok_and(|status| status.success())
    };
    let is_there = has(&["-c", "import hyperqueue"], python)
        || has(&["-m", "venv", folder], "python3")
            && has(&["-m", "pip", "install", "--quiet", PACKAGE], python);
    if !is_there {
        eprintln!(
            "HyperQueue is left out: it needs python3 with venv, and pip has to find {PACKAGE}"
        );
    }
    let test = ["test", "--package", "fl-cli", "--test", "suite", "cluster::", "--", "--nocapture"];
    let with = [("FL_HYPERQUEUE_PYTHON", python)];
    cmd::run_with(&test, if is_there { &with } else { &[] })
}
