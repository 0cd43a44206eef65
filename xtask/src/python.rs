//! `cargo xtask python`: the wheel in a fresh environment, and its tests there.

use crate::cmd;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "crates/fl-python";
/// What takes gigabytes.
const HEAVY: [&str; 4] = ["torch", "byzfl==0.0.11", "polars", "flwr[simulation]>=1.42,<2"];

/// Builds the wheel, installs it in an environment of its own, and runs types and tests there; with `all` also those that
/// need PyTorch, byzfl and Flower.
pub(crate) fn python(all: bool) -> Result<()> {
    let target = cmd::target();
    let tools = environment(&target.join("python-tools"), &["maturin>=1.16,<2"])?;
    let wheels = target.join("wheels");
    fs::remove_dir_all(&wheels).ok();
    let manifest = format!("{PACKAGE}/Cargo.toml");
    let out = text(&wheels)?;
    run(
        &tools.join("maturin"),
        // The profile of `fl-cli`, whose crates are built already; what is published has `dist`.
        &["build", "--profile", "release", "--manifest-path", &manifest, "--out", out],
        &[],
    )?;
    let wheel = fs::read_dir(&wheels)?.next().context("maturin has built no wheel")??.path();
    tell_size(&wheel)?;
    // Fresh each time: what an older wheel has left is in nobody's way.
    let place = target.join("python");
    fs::remove_dir_all(&place).ok();
    let wheel = format!("{}[test]", text(&wheel)?);
    let mut wanted = vec![wheel.as_str()];
    if all {
        wanted.extend(HEAVY);
    }
    let here = environment(&place, &wanted)?;
    let python = here.join("python");
    let heavy = [("ROBUST_FL_ALL", "1")];
    let env = if all { &heavy[..] } else { &[] };
    let package = cmd::root().join(PACKAGE);
    let inside = |args: &[&str]| run_in(&python, args, env, &package);
    inside(&["-m", "mypy", "--strict", "python/robust_fl", "tests/typed.py"])?;
    // What the stub of the compiled half says is what that half has.
    inside(&["-m", "mypy.stubtest", "robust_fl._native", "--ignore-disjoint-bases"])?;
    inside(&["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"])?;
    inside(&["tests/documents.py"])
}

fn tell_size(wheel: &Path) -> Result<()> {
    let bytes = fs::metadata(wheel)?.len();
    eprintln!("{}: {:.1} MB", wheel.display(), bytes as f64 / 1e6);
    Ok(())
}

/// The programs of a virtual environment that has these packages.
fn environment(place: &Path, packages: &[&str]) -> Result<PathBuf> {
    if !place.exists() {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        run(Path::new(&python), &["-m", "venv", text(place)?], &[])?;
    }
    let programs = place.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let mut args = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    args.extend(packages);
    run(&programs.join("python"), &args, &[])?;
    Ok(programs)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the path of the project is not UTF-8")
}

fn run(program: &Path, args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    run_in(program, args, env, &cmd::root())
}

fn run_in(program: &Path, args: &[&str], env: &[(&str, &str)], folder: &Path) -> Result<()> {
    eprintln!("$ {} {}", program.display(), args.join(" "));
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).envs(env.iter().copied());
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        bail!("`{} {}` ended with {status}", program.display(), args.join(" "));
    }
    Ok(())
}
