//! `fl-cli sweep plan`: what a file would run, and the lines that other engines run.

use crate::host::failure::Failure;
use crate::host::flags::{DataDir, ExperimentArgs, Out, Pick};
use crate::host::say::on_one_line;
use crate::host::sets::Sets;
use crate::host::{self, experiment, limits, say};
use crate::show::cells::{SHOWN, alike, counts, distinct, pick};
use crate::show::words::{duration, right, state, tally};
use clap::Args as ClapArgs;
use comfy_table::{Table, presets};
use fl_core::in_units;
use fl_lab::{AssignmentCache, Cell, Host, Registry, Status, Sweep, SweepCell};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) pick: Pick,
    #[command(flatten)]
    pub(crate) data: DataDir,
    #[command(flatten)]
    pub(crate) results: Out,
    /// Print one complete shell command a line for each run that is not done, for GNU parallel or HyperQueue
    #[arg(long)]
    pub(crate) lines: bool,
    /// Threads of each of these commands; 1 if left out
    #[arg(long, value_name = "N", requires = "lines")]
    pub(crate) threads: Option<usize>,
    /// Runs at a time that the time in all is told for; as many as processors if left out
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// List all runs, however many
    #[arg(long)]
    pub(crate) all: bool,
    /// Do not run a few rounds of methods that nothing is known of
    #[arg(long)]
    pub(crate) no_trials: bool,
}

/// Seconds that each cell will take, from cells like it: those that are finished, or else a trial of one of them.
fn seconds(
    sweep: &Sweep,
    cells: &[usize],
    statuses: &[Status],
    trial: impl Fn(usize) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut known: HashMap<String, Vec<f64>> = HashMap::new();
    for (&i, done) in cells.iter().zip(statuses).filter_map(|(i, s)| Some((i, s.done()?))) {
        let rounds = done.rounds.max(1) as f64;
        let key = alike(&sweep.cells[i].cell, true);
        known.entry(key).or_default().push(done.resources.seconds / rounds);
    }
    cells
        .iter()
        .map(|&i| {
            let cell = &sweep.cells[i].cell;
            let per_round =
                known.entry(alike(cell, true)).or_insert_with(|| trial(i).into_iter().collect());
            let mean = per_round.iter().sum::<f64>() / per_round.len() as f64;
            (!per_round.is_empty()).then_some(mean * cell.experiment.rounds as f64)
        })
        .collect()
}

/// Seconds that all trials of a plan may take.
const TRIALS: f64 = 6.0;

/// Shows what a file would run, or with `--lines` a command a line for each cell that is not finished.
pub(crate) fn plan(args: &PlanArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let root = args.results.out.join(&sweep.base.name);
    let cells = pick(&sweep, distinct(&sweep), &args.pick)?;
    let refs: Vec<&Cell> = cells.iter().map(|&i| &sweep.cells[i].cell).collect();
    let statuses = fl_lab::statuses(&refs, &root)?;
    if args.lines {
        let left = refs.iter().zip(&statuses).filter(|(_, status)| is_left(status));
        left.for_each(|(cell, _)| say::result(line(args, cell)));
        return Ok(());
    }
    let locations = args.data.locations();
    let mut sets = Sets::default();
    let assignments = AssignmentCache::default();
    let (stop, abandon) = (AtomicBool::new(false), set_after(TRIALS));
    let system = Host {
        clock: host::clock,
        peak_memory: host::peak_memory,
        stop: &stop,
        abandon: Some(&abandon),
    };
    let begin = host::clock();
    let sets = RefCell::new(&mut sets);
    let trial = |i: usize| -> Option<f64> {
        let left = TRIALS - (host::clock() - begin);
        if args.no_trials || left <= 0.0 {
            return None;
        }
        let SweepCell { point, cell } = &sweep.cells[i];
        let mut sets = sets.borrow_mut();
        let data = sets.present(&cell.experiment.data, &locations)?;
        let source = sweep.source(*point);
        let assignment = assignments.assign(cell, data, &source).ok()?;
        fl_lab::trial(cell, data, &assignment, &source, system, left.min(0.5)).ok()
    };
    let seconds = seconds(&sweep, &cells, &statuses, trial);
    let mut memory: HashMap<String, Option<usize>> = HashMap::new();
    let mut bytes = |i: usize| -> Option<usize> {
        let SweepCell { point, cell } = &sweep.cells[i];
        *memory.entry(alike(cell, true)).or_insert_with(|| {
            let mut sets = sets.borrow_mut();
            let data = sets.present(&cell.experiment.data, &locations)?;
            let source = sweep.source(*point);
            let assignment = assignments.assign(cell, data, &source).ok()?;
            Some(fl_lab::memory(cell, data, &assignment, &source).ok()?.total())
        })
    };
    let needs: Vec<Option<usize>> = cells.iter().map(|&i| bytes(i)).collect();
    let shown = if args.all { usize::MAX } else { SHOWN };
    say::result(table(&sweep, &cells[..cells.len().min(shown)], &statuses, &seconds, &needs));
    if cells.len() > shown {
        say::result(format_args!("… and {} cells more; --all shows them", cells.len() - shown));
    }
    say::result(counts(&sweep));
    say::result(tally(&statuses));
    let jobs = args.jobs.unwrap_or_else(limits::processors).max(1);
    let greatest = needs.into_iter().max().flatten();
    say::result(still_to_run(&seconds, &statuses, jobs, greatest));
    Ok(())
}

/// A flag that is set after some seconds: a round that takes longer than all trials may is left.
fn set_after(seconds: f64) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let late = Arc::clone(&flag);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs_f64(seconds));
        late.store(true, Ordering::Relaxed);
    });
    flag
}

/// Whether a command would have something to do for a run.
fn is_left(status: &Status) -> bool {
    !matches!(status, Status::Finished(_) | Status::Beyond(_))
}

/// A row for each of these runs.
fn table(
    sweep: &Sweep,
    cells: &[usize],
    statuses: &[Status],
    seconds: &[Option<f64>],
    needs: &[Option<usize>],
) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let mut header: Vec<String> = sweep.axes.iter().map(|a| on_one_line(&a.name).into()).collect();
    header.extend(["method", "seed", "state", "time", "memory", "folder"].map(String::from));
    table.set_header(header);
    for (k, &i) in cells.iter().enumerate() {
        let SweepCell { point, cell } = &sweep.cells[i];
        let mut row: Vec<String> =
            sweep.labels(*point).map(|label| on_one_line(label).into()).collect();
        row.push(on_one_line(&cell.method.name).into());
        row.push(cell.seed.to_string());
        row.push(state(&statuses[k], cell.experiment.rounds));
        row.push(seconds[k].map_or("?".to_owned(), duration));
        row.push(needs[k].map_or("?".to_owned(), in_units));
        row.push(cell.folder());
        table.add_row(row);
    }
    let first = sweep.axes.len();
    right(&mut table, first + 1..first + 2);
    right(&mut table, first + 3..first + 5);
    table
}

/// What all runs that are left will take.
fn still_to_run(
    seconds: &[Option<f64>],
    statuses: &[Status],
    jobs: usize,
    greatest: Option<usize>,
) -> String {
    let left: Vec<Option<f64>> = seconds
        .iter()
        .zip(statuses)
        .filter(|(_, status)| is_left(status))
        .map(|(seconds, _)| *seconds)
        .collect();
    let unknown = left.iter().filter(|s| s.is_none()).count();
    // The sum of no numbers is −0.
    let sum = 0.0 + left.iter().flatten().sum::<f64>();
    let mut text = format!("still to run: about {} on one thread", duration(sum));
    if unknown > 0 {
        let _ = write!(text, ", and {unknown} cells of which nothing is known");
    }
    if jobs > 1 {
        let _ = write!(text, "; {} with {jobs} at a time", duration(sum / jobs as f64));
    }
    if let Some(bytes) = greatest {
        let _ = write!(text, "; at most {} a cell, and the data", in_units(bytes));
    }
    text
}

/// The command that runs one cell, for a shell.
fn line(args: &PlanArgs, cell: &Cell) -> String {
    let program = std::env::args().next().unwrap_or_else(|| "fl-cli".to_owned());
    let mut words = vec![program, "run".to_owned(), args.experiment.config.display().to_string()];
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    flag("--cell", cell.hash.clone());
    for (key, value) in &args.experiment.set {
        flag("--set", format!("{key}={value}"));
    }
    flag("--out", args.results.out.display().to_string());
    if let Some(folder) = &args.data.data_dir {
        flag("--data-dir", folder.display().to_string());
    }
    flag("--threads", args.threads.unwrap_or(1).to_string());
    words.push("--quiet".to_owned());
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word_to_a_shell() {
        for (word, expected) in [
            ("runs/a-b_c.toml", "runs/a-b_c.toml"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("$HOME;rm", "'$HOME;rm'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
