//! The runs of an experiment file: which they are, what they are called, and how they count.

use super::cost;
use crate::host::failure::Failure;
use crate::host::flags::Pick;
use crate::host::say::{self, on_one_line};
use anyhow::anyhow;
use fl_core::Shape;
use fl_lab::{Assignment, Cell, ChangedFile, Status, Sweep, SweepCell};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

/// Runs that are listed without `--all`.
pub(crate) const SHOWN: usize = 60;

/// The cells of a sweep, each folder once, in the order of the file.
pub(crate) fn distinct(sweep: &Sweep) -> Vec<usize> {
    let mut folders = HashSet::new();
    (0..sweep.cells.len()).filter(|&i| folders.insert(sweep.cells[i].cell.folder())).collect()
}

/// Of these cells, in their order, those with one of the first `count` seeds that their point and method have.
pub(crate) fn first_seeds(sweep: &Sweep, cells: &[usize], count: usize) -> Vec<usize> {
    let mut seen: HashMap<(usize, usize), usize> = HashMap::new();
    let mut is_first = |&i: &usize| {
        let SweepCell { point, cell } = &sweep.cells[i];
        let seen = seen.entry((*point, cell.method_index)).or_default();
        *seen += 1;
        *seen <= count
    };
    cells.iter().filter(|i| is_first(i)).copied().collect()
}

/// What people call a cell.
pub(crate) fn name(sweep: &Sweep, cell: usize) -> String {
    let SweepCell { point, cell } = &sweep.cells[cell];
    let mut name: Vec<&str> = sweep.labels(*point).collect();
    name.push(&cell.method.name);
    format!("{} seed {}", on_one_line(&name.join(", ")), cell.seed)
}

/// The cells that `--index` and `--cell` leave of these.
///
/// Shares are assigned by hash, which has nothing to do with how long cells take: neighbours go to different shares, and no
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

/// What takes long on the server of a cell, a line each.
pub(crate) fn long_parts(cell: &Cell, assignment: &Assignment) -> Vec<String> {
    let Some(rule) = &cell.method.rule else { return Vec::new() };
    let Ok(rule) = rule.spec() else { return Vec::new() };
    let pre = cell.method.pre.iter().map(|pre| pre.spec());
    let Ok(pre) = pre.collect::<Result<Vec<_>, _>>() else { return Vec::new() };
    let federation = &assignment.federation;
    let byzantine = federation.byzantine().len();
    cost::long_parts(&pre, &*rule, Shape { workers: federation.workers(), byzantine })
}

/// How the runs stand whose results are to be shown; none of them finished is an error that says what to do.
pub(crate) fn finished(sweep: &Sweep, root: &Path, config: &Path) -> Result<Vec<Status>, Failure> {
    let cells: Vec<&Cell> = sweep.cells.iter().map(|c| &c.cell).collect();
    let statuses = fl_lab::statuses(&cells, root)?;
    let finished = statuses.iter().filter(|s| s.is_finished()).count();
    let beyond = statuses.iter().filter_map(|s| match s {
        Status::Beyond(done) => Some(done.rounds),
        _ => None,
    });
    let beyond: Vec<u64> = beyond.collect();
    let all = cells.len();
    if let Some(most) = beyond.iter().max() {
        let gone = format!(
            "{} of {all} runs of {} have gone on to round {most}, beyond the {} rounds of the file; --set rounds={most} \
             shows them as they are now",
            beyond.len(),
            sweep.base.name,
            sweep.base.rounds
        );
        if finished == 0 {
            return Err(Failure::Failed(anyhow!(gone)));
        }
        say::remark(gone);
    }
    if finished == 0 {
        let (name, place) = (&sweep.base.name, root.display());
        let help = match config.is_dir() {
            true => String::new(),
            false => format!("; `fl-cli run {}` runs them", config.display()),
        };
        return Err(Failure::Failed(anyhow!(
            "none of the {all} runs of {name} is finished in {place}{help}"
        )));
    }
    if finished + beyond.len() < all {
        say::remark(format_args!("{finished} of {all} runs are finished; this is about those"));
    }
    Ok(statuses)
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
