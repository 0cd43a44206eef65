//! Running other programs, visibly.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder of what cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs this.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// A cargo that does not see what the cargo that runs this said about xtask. Build scripts of some dependencies watch
/// these variables, so that otherwise everything is built anew whenever it is built from here after it was built by hand.
fn clean_cargo() -> Command {
    let mut command = Command::new(cargo());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let about_xtask = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if about_xtask.iter().any(|start| name.starts_with(start))
            || name == "CARGO_PRIMARY_PACKAGE"
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a cargo command at the top of the repository.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    run_with(args, &[])
}

/// The same with environment variables.
pub(crate) fn run_with(args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    eprintln!("$ cargo {}", args.join(" "));
    let mut command = clean_cargo();
    command.args(args).current_dir(root()).envs(env.iter().copied());
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("`cargo {}` ended with {status}", args.join(" "));
    }
    Ok(())
}

/// The same without showing the command, whose arguments are many.
pub(crate) fn run_quietly(args: &[&str]) -> Result<()> {
    let status =
        clean_cargo().args(args).current_dir(root()).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("`cargo {} …` ended with {status}", args[..args.len().min(3)].join(" "));
    }
    Ok(())
}

/// Runs a cargo command in another workspace, which shares what is built of other people's crates.
pub(crate) fn run_in(folder: &Path, target: &Path, args: &[&str]) -> Result<()> {
    eprintln!("$ cargo {}", args.join(" "));
    let mut command = clean_cargo();
    command.args(args).current_dir(folder).env("CARGO_TARGET_DIR", target);
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("`cargo {}` ended with {status}", args.join(" "));
    }
    Ok(())
}

/// Runs another program at the top of the repository.
pub(crate) fn program(name: &str, args: &[&str]) -> Result<()> {
    eprintln!("$ {name} {}", args.join(" "));
    let status = Command::new(name).args(args).current_dir(root()).status();
    let status = status
        .with_context(|| format!("cannot run {name}; `cargo install {name}` may install it"))?;
    if !status.success() {
        bail!("`{name} {}` ended with {status}", args.join(" "));
    }
    Ok(())
}

/// What a cargo command prints.
pub(crate) fn output(args: &[&str]) -> Result<String> {
    let output =
        clean_cargo().args(args).current_dir(root()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("`cargo {}`: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// `fl-cli`, optimised: built if need be, or the one that the environment variable FL_CLI names.
fn fl_cli_command(args: &[&str]) -> (Command, String) {
    if let Some(program) = std::env::var_os("FL_CLI") {
        let text = format!("{} {}", program.to_string_lossy(), args.join(" "));
        let mut command = Command::new(program);
        command.args(args);
        return (command, text);
    }
    let mut command = clean_cargo();
    let cargo = ["run", "--quiet", "--release", "--package", "fl-cli", "--"];
    command.args(cargo).args(args);
    (command, format!("cargo {} {}", cargo.join(" "), args.join(" ")))
}

/// Runs `fl-cli`, optimised.
pub(crate) fn fl_cli(args: &[&str]) -> Result<()> {
    let (mut command, text) = fl_cli_command(args);
    eprintln!("$ {text}");
    let status = command.current_dir(root()).status().context("cannot run fl-cli")?;
    if !status.success() {
        bail!("`{text}` ended with {status}");
    }
    Ok(())
}

/// What `fl-cli` prints.
pub(crate) fn fl_cli_output(args: &[&str]) -> Result<String> {
    let (mut command, text) = fl_cli_command(args);
    eprintln!("$ {text}");
    let output = command.current_dir(root()).output().context("cannot run fl-cli")?;
    if !output.status.success() {
        bail!("`{text}`: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The commit that is checked out, with a `+` where files differ from it; empty outside of a repository.
pub(crate) fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(root()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=10", "HEAD"]) else { return "unknown".into() };
    let changed = git(&["status", "--porcelain"]).is_some_and(|text| !text.is_empty());
    if changed { commit + "+" } else { commit }
}

/// Writes a file of the repository; its folder is made if need be.
pub(crate) fn write(path: &str, text: &str) -> Result<()> {
    let path = root().join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// `1 min 5 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("{s} s"),
        (m, s) => format!("{m} min {s} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_in_minutes_and_seconds() {
        assert_eq!(duration(59.4), "59 s");
        assert_eq!(duration(65.0), "1 min 5 s");
    }
}
