//! `cargo xtask pages`: the report's page in a real browser, with its script's types and style checked.
//!
//! Nothing of this is needed to build or to use the report: Node.js, npm's tools and Chromium are for tests alone.

use crate::cmd;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tools from npm, with their versions.
const TOOLS: [&str; 3] = ["typescript@7.0.2", "eslint@10.15.0", "playwright-core@1.64.1"];

const CRATE: &str = "crates/fl-report";

/// Where all of it happens.
const FOLDER: &str = "target/pages";

/// Checks the page. What cannot be had here is told and skipped, unless everything must be there.
pub(crate) fn pages() -> Result<()> {
    let root = cmd::root();
    let folder = root.join(FOLDER);
    if !answers("node") || !answers("npm") {
        eprintln!("pages: skipped, there is no node and npm");
        return Ok(());
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    if !tools(&folder)? {
        eprintln!("pages: skipped, npm cannot fetch {}", TOOLS.join(", "));
        return Ok(());
    }
    copy(&root.join(CRATE).join("page"), &folder.join("page"))?;
    copy(&root.join(CRATE).join("tests/page"), &folder.join("tests"))?;
    shout(&folder, "node_modules/.bin/tsc", &["-p", "page/tsconfig.json"], &[])?;
    shout(&folder, "node_modules/.bin/eslint", &["-c", "page/eslint.config.mjs", "page"], &[])?;
    let Some(browser) = chromium() else {
        eprintln!("pages: types and style are right; the rest is skipped, there is no Chromium");
        return Ok(());
    };
    make(&folder)?;
    let folder_name = folder.display().to_string();
    let environment = [("PAGES", folder_name.as_str()), ("CHROMIUM", browser.as_str())];
    shout(&folder, "node", &["--test", "--test-reporter=spec", "tests/page.test.mjs"], &environment)
}

fn answers(program: &str) -> bool {
    let quiet =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Fetches the tools, once for these versions.
fn tools(folder: &Path) -> Result<bool> {
    let stamp = folder.join("node_modules/.versions");
    let wanted = TOOLS.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(true);
    }
    let prefix = folder.display().to_string();
    let args = [
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        &prefix,
    ];
    eprintln!("$ npm {} {}", args.join(" "), TOOLS.join(" "));
    let status = Command::new("npm")
        .args(args)
        .args(TOOLS)
        .current_dir(folder)
        .status()
        .context("cannot run npm")?;
    if status.success() {
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(status.success())
}

/// The browser: what the environment variable CHROMIUM names, or what the system has, or what its package is.
fn chromium() -> Option<String> {
    if let Ok(named) = std::env::var("CHROMIUM") {
        return Some(named);
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let find = || names.into_iter().find(|name| answers(name)).and_then(which);
    find().or_else(|| {
        eprintln!("$ apt-get install --yes --no-install-recommends chromium");
        let install = ["install", "--yes", "--no-install-recommends", "chromium"];
        let status = Command::new("apt-get").args(install).stdout(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then(find).flatten()
    })
}

fn which(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let found =
        std::env::split_paths(&path).map(|folder| folder.join(program)).find(|p| p.is_file())?;
    Some(found.display().to_string())
}

/// Runs small experiments and writes the pages that the tests open.
fn make(folder: &Path) -> Result<()> {
    let runs = folder.join("runs");
    let name = |path: &Path| path.display().to_string();
    let config = format!("{CRATE}/tests/page/sweep.toml");
    cmd::fl_cli(&["run", &config, "--out", &name(&runs), "--quiet"])?;
    let report = |runs: &Path, page: &str, more: &[&str]| {
        let page = name(&folder.join(page));
        cmd::fl_cli(&[&["report", &name(runs), "--out", &page][..], more].concat())
    };
    report(&runs.join("sweep"), "sweep.html", &[])?;
    // The same runs give the same bytes.
    report(&runs.join("sweep"), "again.html", &[])?;
    let read =
        |page: &str| fs::read(folder.join(page)).with_context(|| format!("cannot read {page}"));
    if read("sweep.html")? != read("again.html")? {
        bail!("two pages of the same runs differ");
    }
    let damaged = folder.join("damaged");
    damage(&runs.join("sweep"), &damaged)?;
    report(&damaged, "damaged.html", &[])?;
    let empty = folder.join("empty");
    fs::create_dir_all(empty.join("A~none~seed0~000000000000"))?;
    report(&empty, "empty.html", &[])?;
    running(&folder.join("sweep.html"), &folder.join("running.html"))?;
    cmd::run(&["run", "--quiet", "-p", "fl-report", "--example", "made_up", "--", &name(folder)])
}

/// A page that loads itself again, as `report --every 1` writes it: of a page that does not, by its data.
fn running(from: &Path, to: &Path) -> Result<()> {
    let page =
        fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
    let changed = page.replacen("\"reload\":null", "\"reload\":1", 1);
    fs::write(to, changed).with_context(|| format!("cannot write {}", to.display()))
}

/// Copies runs, and damages some: no configuration, half of a result, a line that is none, lines that are gone, a folder
/// that is gone.
fn damage(from: &Path, to: &Path) -> Result<()> {
    fs::remove_dir_all(to).ok();
    fs::create_dir_all(to)?;
    let mut runs: Vec<PathBuf> =
        fs::read_dir(from)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    runs.sort();
    for run in &runs {
        let target = to.join(run.file_name().context("a folder has no name")?);
        if run.is_dir() { copy(run, &target)? } else { fs::copy(run, &target).map(drop)? }
    }
    let mut copies: Vec<PathBuf> =
        fs::read_dir(to)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    copies.retain(|path| path.is_dir());
    copies.sort();
    let [a, b, c, d, e, ..] = &copies[..] else { bail!("the sweep has too few runs") };
    fs::remove_file(a.join("config.toml"))?;
    fs::write(b.join("done.json"), "{\"schema\": 1, \"ending\"")?;
    let lines = fs::read_to_string(c.join("metrics.jsonl"))?;
    let cut: Vec<&str> =
        lines.lines().enumerate().map(|(i, l)| if i == 2 { &l[..40] } else { l }).collect();
    fs::write(c.join("metrics.jsonl"), cut.join("\n"))?;
    fs::remove_file(d.join("metrics.jsonl"))?;
    fs::remove_dir_all(e)?;
    Ok(())
}

/// Copies a folder's files, and those of its folders.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::remove_dir_all(to).ok();
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a file has no name")?);
        if path.is_dir() { copy(&path, &target)? } else { fs::copy(&path, &target).map(drop)? }
    }
    Ok(())
}

/// Runs a program in the folder, and says so.
fn shout(folder: &Path, program: &str, args: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    eprintln!("$ {program} {}", args.join(" "));
    let path = folder.join(program);
    let program = if path.is_file() { path } else { PathBuf::from(program) };
    let mut command = Command::new(&program);
    command.args(args).current_dir(folder).envs(environment.iter().copied());
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        bail!("{} ended with {status}", program.display());
    }
    Ok(())
}
