//! `fl-cli sweep`: what a file with `[sweep]` would run, how it stands, and the lines that other engines run.

use crate::args::{Pick, PlanArgs, StatusArgs};
use crate::board::{self, Row};
use crate::data::Sets;
use crate::failure::Failure;
use crate::{experiment, host, say};
use anyhow::anyhow;
use comfy_table::{CellAlignment, Table, presets};
use fl_lab::{AssignmentCache, Cell, ChangedFile, Host, Registry, Status, Sweep, SweepCell};
use serde_json::json;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The cells of a sweep, each folder once, in the order of the file.
pub(crate) fn distinct(sweep: &Sweep) -> Vec<usize> {
    let mut folders = HashSet::new();
    (0..sweep.cells.len()).filter(|&i| folders.insert(sweep.cells[i].cell.folder())).collect()
}

/// What people call a cell.
pub(crate) fn name(sweep: &Sweep, cell: usize) -> String {
    let SweepCell { point, cell } = &sweep.cells[cell];
    let mut name: Vec<&str> = sweep.labels(*point).collect();
    name.push(&cell.method.name);
    format!("{} seed {}", name.join(", "), cell.seed)
}

/// The cells that `--index` and `--cell` leave of these.
///
/// Shares are dealt by hash, which has nothing to do with how long cells take: neighbours go to different shares, and no
/// share gets all cells of the slowest method.
pub(crate) fn pick(sweep: &Sweep, cells: Vec<usize>, pick: &Pick) -> Result<Vec<usize>, Failure> {
    let mut cells = cells;
    if !pick.cell.is_empty() {
        let mut picked = Vec::new();
        for wanted in &pick.cell {
            let is = |&&i: &&usize| {
                let cell = &sweep.cells[i].cell;
                cell.hash == *wanted || cell.folder() == *wanted
            };
            match cells.iter().find(is) {
                Some(&i) => picked.push(i),
                None => {
                    return Err(Failure::Usage(anyhow!(
                        "{} has no cell {wanted:?}; was the file edited since its lines were written?",
                        sweep.base.name
                    )));
                }
            }
        }
        cells = picked;
    }
    if let Some((index, count)) = pick.index {
        let mut by_hash = cells.clone();
        by_hash.sort_by_key(|&i| &sweep.cells[i].cell.hash);
        let mine: HashSet<usize> = by_hash.into_iter().skip(index % count).step_by(count).collect();
        cells.retain(|i| mine.contains(i));
    }
    Ok(cells)
}

/// Why runs begin anew beside results of a file that has been edited since, a line for each way in which it has.
pub(crate) fn edited(sweep: &Sweep, cells: &[usize], root: &Path) -> Result<Vec<String>, Failure> {
    let refs: Vec<&Cell> = cells.iter().map(|&i| &sweep.cells[i].cell).collect();
    let mut ways: Vec<(ChangedFile, usize)> = Vec::new();
    for one in fl_lab::edited(&refs, root)? {
        match ways.iter_mut().find(|(way, _)| way.differences == one.differences) {
            Some((_, count)) => *count += 1,
            None => ways.push((one, 1)),
        }
    }
    let line = |(way, count): (ChangedFile, usize)| {
        let differences: Vec<String> = way.differences.iter().map(ToString::to_string).collect();
        let who = match count {
            1 => name(sweep, cells[way.index]),
            _ => format!("{count} runs"),
        };
        let mut line = format!(
            "{who}: not what is in {}, of other settings, which stays as it is: {}",
            root.join(&way.folder).display(),
            differences.join("; ")
        );
        if let Some(intervals) = way.intervals() {
            let _ = write!(
                line,
                "; these follow from rounds where a file leaves them out, so to go on with what is there write \
                 {intervals}"
            );
        }
        line
    };
    Ok(ways.into_iter().map(line).collect())
}

/// What a cell's time depends on, among the cells of one file.
pub(crate) fn alike(cell: &Cell, method: bool) -> String {
    let (e, m) = (&cell.experiment, &cell.method);
    let batch = m.batch.unwrap_or(e.train.batch);
    let (w, model) = (e.federation.workers, &e.model);
    let mut key = format!("{} {w} {model:?} {batch} {:?}", e.data.set, e.precision);
    if method {
        let chain: Vec<&str> = m.pre.iter().map(|p| p.name.as_str()).collect();
        let rule = m.rule.as_ref().map_or("", |rule| rule.name.as_str());
        key += &format!(" {} {chain:?} {rule} {}", m.estimator.name, m.protocol.is_some());
    }
    key
}

/// Seconds that each cell will take, from cells like it: those that are finished, or else a trial of one of them.
fn seconds(
    sweep: &Sweep,
    cells: &[usize],
    standings: &[Status],
    trial: impl Fn(usize) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut known: HashMap<String, Vec<f64>> = HashMap::new();
    for (&i, done) in cells.iter().zip(standings).filter_map(|(i, s)| Some((i, s.done()?))) {
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
    let root = args.out.join(&sweep.base.name);
    let cells = pick(&sweep, distinct(&sweep), &args.pick)?;
    let refs: Vec<&Cell> = cells.iter().map(|&i| &sweep.cells[i].cell).collect();
    let standings = fl_lab::statuses(&refs, &root)?;
    if args.lines {
        for (cell, _) in refs.iter().zip(&standings).filter(|(_, s)| !s.is_finished()) {
            say::result(line(args, cell));
        }
        return Ok(());
    }
    let locations = host::locations(args.data_dir.as_ref());
    let mut sets = Sets::default();
    let assignments = AssignmentCache::default();
    let stop = AtomicBool::new(false);
    let system = Host { clock: host::clock, peak_memory: host::peak_memory, stop: &stop };
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
    let seconds = seconds(&sweep, &cells, &standings, trial);
    let mut memory: HashMap<String, Option<usize>> = HashMap::new();
    let mut bytes = |i: usize| -> Option<usize> {
        let SweepCell { point, cell } = &sweep.cells[i];
        *memory.entry(alike(cell, true)).or_insert_with(|| {
            let mut sets = sets.borrow_mut();
            let data = sets.present(&cell.experiment.data, &locations)?;
            let source = sweep.source(*point);
            let assignment = assignments.assign(cell, data, &source).ok()?;
            let memory = fl_lab::memory(cell, data, &assignment, &source).ok()?;
            Some(memory.messages + memory.estimators?)
        })
    };
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let mut header: Vec<&str> = sweep.axes.iter().map(|axis| axis.name.as_str()).collect();
    header.extend(["method", "seed", "state", "time", "memory", "folder"]);
    table.set_header(header);
    let shown = if args.all { usize::MAX } else { SHOWN };
    let mut greatest = None;
    for (k, (&i, standing)) in cells.iter().zip(&standings).enumerate() {
        let SweepCell { point, cell } = &sweep.cells[i];
        let bytes = bytes(i);
        greatest = greatest.max(bytes);
        if k >= shown {
            continue;
        }
        let mut row: Vec<String> = sweep.labels(*point).map(str::to_owned).collect();
        row.push(cell.method.name.clone());
        row.push(cell.seed.to_string());
        row.push(state(standing, cell.experiment.rounds));
        row.push(seconds[k].map_or("?".to_owned(), duration));
        row.push(bytes.map_or("?".to_owned(), megabytes));
        row.push(cell.folder());
        table.add_row(row);
    }
    let first = sweep.axes.len();
    for column in [first + 1, first + 3, first + 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say::result(&table);
    if cells.len() > shown {
        say::result(format_args!("… and {} cells more; --all shows them", cells.len() - shown));
    }
    say::result(counts(&sweep));
    say::result(tally(&standings));
    let left: Vec<Option<f64>> = seconds
        .iter()
        .zip(&standings)
        .filter(|(_, standing)| !standing.is_finished())
        .map(|(seconds, _)| *seconds)
        .collect();
    let unknown = left.iter().filter(|s| s.is_none()).count();
    let sum: f64 = left.iter().flatten().sum();
    let mut text = format!("still to run: about {} on one thread", duration(sum));
    if unknown > 0 {
        let _ = write!(text, ", and {unknown} cells of which nothing is known");
    }
    let jobs = args.jobs.unwrap_or_else(host::processors).max(1);
    if jobs > 1 {
        let _ = write!(text, "; {} with {jobs} at a time", duration(sum / jobs as f64));
    }
    if let Some(bytes) = greatest {
        let _ = write!(text, "; at most {} a cell, and the data", megabytes(bytes));
    }
    say::result(text);
    Ok(())
}

/// Cells that a plan lists without `--all`.
const SHOWN: usize = 60;

/// The points, methods and seeds that a file's cells come from.
pub(crate) fn counts(sweep: &Sweep) -> String {
    let base = &sweep.base;
    let cells = distinct(sweep).len();
    let mut text = format!("{}: ", base.name);
    for axis in &sweep.axes {
        let _ = write!(text, "{} {} × ", axis.values.len(), axis.name);
    }
    let (methods, seeds) = (base.method.len(), base.seeds.len());
    let of = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let _ = write!(text, "{} × {}", of(methods, "method"), of(seeds, "seed"));
    let all: usize = sweep.axes.iter().map(|a| a.values.len()).product::<usize>() * methods * seeds;
    if all > sweep.cells.len() {
        let _ = write!(text, ", {} excluded", all - sweep.cells.len());
    }
    if sweep.cells.len() > cells {
        let _ = write!(text, ", {} shared", sweep.cells.len() - cells);
    }
    let _ = write!(text, " = {} of {} rounds", of(cells, "run"), base.rounds);
    text
}

/// How many cells stand how.
pub(crate) fn tally<'a>(standings: impl IntoIterator<Item = &'a Status>) -> String {
    let mut counts = [0; 6];
    for standing in standings {
        counts[match standing {
            Status::Finished(_) if standing.has_diverged() => 1,
            Status::Finished(_) => 0,
            Status::Running(_) => 2,
            Status::Interrupted(_) => 3,
            Status::Failed(_) => 4,
            Status::Waiting => 5,
        }] += 1;
    }
    let names = ["done", "diverged", "running", "interrupted", "failed", "waiting"];
    let parts = names.iter().zip(counts).filter(|(name, n)| *n > 0 || **name == "done");
    parts.map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}

/// A cell's state in a word or two.
pub(crate) fn state(standing: &Status, rounds: u64) -> String {
    match standing {
        Status::Waiting => "waiting".to_owned(),
        Status::Interrupted(p) => format!("interrupted at {} of {rounds}", p.round),
        Status::Running(p) => format!("running, {} of {rounds}", p.round),
        Status::Finished(_) if standing.has_diverged() => "diverged".to_owned(),
        Status::Finished(_) => "done".to_owned(),
        Status::Failed(_) => "failed".to_owned(),
    }
}

/// Seconds for people.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 48.0 * 3600.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86400.0),
    }
}

/// Bytes for people.
pub(crate) fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
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
    flag("--out", args.out.display().to_string());
    if let Some(folder) = &args.data_dir {
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

/// Shows how a sweep stands, once or until it is done.
pub(crate) fn status(args: &StatusArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let root = args.out.join(&sweep.base.name);
    let cells = distinct(&sweep);
    let refs: Vec<&Cell> = cells.iter().map(|&i| &sweep.cells[i].cell).collect();
    let look = || -> Result<Vec<Row>, Failure> {
        let standings = fl_lab::statuses(&refs, &root)?;
        let row = |(&i, standing): (&usize, Status)| Row {
            name: name(&sweep, i),
            rounds: sweep.cells[i].cell.experiment.rounds,
            standing,
        };
        Ok(cells.iter().zip(standings).map(row).collect())
    };
    if args.json {
        let rows = look()?;
        for (cell, row) in refs.iter().zip(&rows) {
            say::result(json_row(&cell.folder(), row));
        }
        return Ok(());
    }
    board::follow(&sweep.base.name, args.follow.then_some(args.every), look)
}

/// A cell's state for programs.
fn json_row(folder: &str, row: &Row) -> serde_json::Value {
    let state = match &row.standing {
        Status::Waiting => "waiting",
        Status::Interrupted(_) => "interrupted",
        Status::Running(_) => "running",
        standing @ Status::Finished(_) if standing.has_diverged() => "diverged",
        Status::Finished(_) => "done",
        Status::Failed(_) => "failed",
    };
    let progress = match &row.standing {
        Status::Interrupted(progress) | Status::Running(progress) => Some(progress),
        _ => None,
    };
    let done = row.standing.done();
    json!({
        "cell": folder,
        "state": state,
        "round": progress.map(|p| p.round).or(done.map(|d| d.rounds)),
        "rounds": row.rounds,
        "accuracy": progress.and_then(|p| p.accuracy).or(done.and_then(|d| d.final_accuracy)),
        "reason": match &row.standing { Status::Failed(reason) => Some(reason), _ => None },
    })
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
