//! Hours of use in minutes: files with mistakes, runs that are killed at random moments, a run that is watched for what it
//! holds, and one that goes on until nothing moves.

use crate::cmd;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is run: the quickstart's methods, with a line and a checkpoint every few rounds.
const EXPERIMENT: &str = "configs/quickstart.toml";
const KILLED: [&str; 5] =
    ["rounds=200", "seeds=[0]", "evaluate-every=2", "full-pass-every=50", "checkpoint.rounds=3"];
const WATCHED: [&str; 4] =
    ["rounds=4000000", "seeds=[0]", "evaluate-every=100", "checkpoint.seconds=1.0"];

/// Reads mutated experiment files, kills, watches, then waits.
pub(crate) fn soak(arguments: &[&str]) -> Result<()> {
    let (mut kills, mut minutes, mut seed) = (200, 20.0, std::process::id().into());
    let mut texts: usize = 1_000_000;
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest.next().with_context(|| format!("{flag} needs a number"))?;
        match *flag {
            "--kills" => kills = value.parse()?,
            "--minutes" => minutes = value.parse()?,
            "--seed" => seed = value.parse()?,
            "--texts" => texts = value.parse()?,
            _ => bail!("soak has no {flag}; it has --texts N, --kills N, --minutes N and --seed N"),
        }
    }
    read(texts, seed)?;
    cmd::run(&["build", "--release", "--package", "fl-cli"])?;
    let room = std::env::temp_dir().join(format!("robust-fl-soak-{}", std::process::id()));
    fs::create_dir_all(&room)?;
    let result = kill(&room, kills, seed)
        .and_then(|()| watch(&room, minutes))
        .and_then(|()| crate::fixed_point::check(&room));
    fs::remove_dir_all(&room).with_context(|| format!("cannot remove {}", room.display()))?;
    result
}

/// Reads so many mutated experiment files: none may end in a panic, and memory must be steady.
fn read(texts: usize, seed: u64) -> Result<()> {
    if texts == 0 {
        return Ok(());
    }
    eprintln!("{texts} experiment files with mistakes (--seed {seed})");
    let test =
        ["test", "--package", "fl-lab", "--test", "suite", "mutations::", "--", "--nocapture"];
    let (texts, seed) = (texts.to_string(), seed.to_string());
    cmd::run_with(&test, &[("FL_MUTATIONS", &texts), ("FL_MUTATIONS_SEED", &seed)])
}

fn program(out: &Path, set: &[&str]) -> Command {
    let mut command = Command::new(cmd::target().join("release/fl-cli"));
    command.args(["run", EXPERIMENT, "--quiet", "--out"]).arg(out).current_dir(cmd::root());
    for set in set {
        command.args(["--set", set]);
    }
    command.stdout(Stdio::null());
    command
}

/// Kills runs at random moments until there were so many kills; whenever a run gets to its end, its results must be those
/// of one that nobody killed.
fn kill(room: &Path, kills: usize, seed: u64) -> Result<()> {
    if kills == 0 {
        return Ok(());
    }
    eprintln!("{kills} kills at random moments (--seed {seed})");
    let whole = room.join("whole");
    let begin = Instant::now();
    ensure!(program(&whole, &KILLED).status()?.success(), "the run that nobody kills failed");
    let time = begin.elapsed();
    let whole = results(&whole)?;
    let out = room.join("killed");
    let (mut done, mut compared, mut state) = (0, 0, seed);
    loop {
        let mut child = program(&out, &KILLED).spawn()?;
        // The generator of Numerical Recipes; nothing depends on how good it is.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = (state >> 33) as f64 / f64::from(1u32 << 31);
        // A run that has been killed has less to do, so most moments must be early ones.
        let until = Instant::now() + time.mul_f64(0.5 * moment);
        let ended = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if done < kills && Instant::now() >= until {
                child.kill()?;
                child.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_micros(500));
        };
        match ended {
            None => done += 1,
            Some(status) => {
                ensure!(status.success(), "a run that goes on ended with {status}");
                let found = results(&out)?;
                for (name, bytes) in &whole {
                    ensure!(found.get(name) == Some(bytes), "{name} differs after {done} kills");
                }
                ensure!(found.len() == whole.len(), "there are files that should not be there");
                compared += 1;
                fs::remove_dir_all(&out)?;
                if done >= kills {
                    eprintln!("{done} kills, {compared} runs to the end, all with the same bytes");
                    return Ok(());
                }
            }
        }
    }
}

/// The bytes of all files that no interruption may change.
fn results(out: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for cell in fs::read_dir(out.join("quickstart"))? {
        let cell = cell?.path();
        for name in ["metrics.jsonl", "checkpoint.safetensors", "config.toml"] {
            let path = cell.join(name);
            if cell.is_dir() {
                let place = path.strip_prefix(out)?.display().to_string();
                files.insert(place, fs::read(&path).with_context(|| path.display().to_string())?);
            }
        }
    }
    Ok(files)
}

/// Watches a run's memory and its open files.
///
/// A run keeps its lines until its end, so its memory may grow by as much as `metrics.jsonl` does. Checkpoints open files
/// for a moment, so that the number that counts is the usual one, not the greatest.
fn watch(room: &Path, minutes: f64) -> Result<()> {
    if minutes <= 0.0 {
        return Ok(());
    }
    eprintln!("{minutes} minutes of one run");
    let out = room.join("watched");
    let mut child = program(&out, &WATCHED).spawn()?;
    let result = observe(&mut child, &out, Duration::from_secs_f64(60.0 * minutes));
    let ended = child.try_wait()?;
    Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status()?;
    let status = child.wait()?;
    result?;
    ensure!(ended.is_none(), "the run ended by itself, with {status}");
    ensure!(status.code() == Some(143), "after SIGTERM the run ended with {status}");
    Ok(())
}

fn observe(child: &mut Child, out: &Path, time: Duration) -> Result<()> {
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let begin = Instant::now();
    let (mut memory, mut files, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    while begin.elapsed() < time && child.try_wait()?.is_none() {
        let status = fs::read_to_string(process.join("status"))
            .context("this system does not tell about processes in /proc")?;
        let resident = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
        memory.push(kib.context("no VmRSS")? / 1024.0);
        files.push(fs::read_dir(process.join("fd"))?.count());
        lines.push(length_of_lines(out) as f64 / f64::from(1 << 20));
        std::thread::sleep(Duration::from_millis(200).min(time / 20));
    }
    // The first fifth is for getting started.
    let n = memory.len();
    ensure!(n >= 10, "the run was too short to judge");
    let most = |x: &[f64]| x.iter().copied().fold(0.0, f64::max);
    let (early, late) = (most(&memory[n / 5..3 * n / 5]), most(&memory[3 * n / 5..]));
    let written = most(&lines) - most(&lines[..3 * n / 5]);
    let usual = |files: &mut [usize]| {
        files.sort_unstable();
        files[files.len() / 2]
    };
    let (fewer, more) = (usual(&mut files[n / 5..3 * n / 5]), usual(&mut files[3 * n / 5..]));
    eprintln!(
        "memory {early:.1} MiB, later {late:.1} MiB with {written:.1} MiB more of lines; open files {fewer}, later {more}"
    );
    let allowed = 1.05 * early + 2.0 + written;
    ensure!(late <= allowed, "memory grows: {early:.1} MiB, then {late:.1} MiB");
    ensure!(more <= fewer, "open files grow: {fewer}, then {more}");
    Ok(())
}

/// Bytes of the results of all runs so far.
fn length_of_lines(out: &Path) -> u64 {
    let cells = fs::read_dir(out.join("quickstart")).into_iter().flatten().flatten();
    cells.filter_map(|cell| Some(fs::metadata(cell.path().join("metrics.jsonl")).ok()?.len())).sum()
}
