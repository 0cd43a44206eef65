//! `fl-cli check`.

use crate::args::CheckArgs;
use crate::data::Sets;
use crate::failure::Failure;
use crate::sweep::{counts, distinct, megabytes};
use crate::{experiment, host, say, theory};
use anyhow::anyhow;
use comfy_table::{CellAlignment, Table, presets};
use fl_lab::{AssignmentCache, Memory, Registry, Sweep, SweepCell, Task};
use std::collections::HashMap;

/// Runs that are listed without `--all`.
const SHOWN: usize = 60;

/// Checks an experiment, or all that a sweep makes of it, as far as the data that are present allow; shows its runs, the
/// memory that they need, and what the first of them, or one that is asked for, says in full.
pub(crate) fn check(args: &CheckArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let locations = host::locations(args.data_dir.as_ref());
    let cells = distinct(&sweep);
    let mut sets = Sets::default();
    let mut missing: Vec<String> = Vec::new();
    for &i in &cells {
        let config = &sweep.cells[i].cell.experiment.data;
        let set = config.set.to_string();
        match sets.look(config, &locations) {
            Ok(()) => {}
            Err(fl_data::Error::Missing { .. }) if missing.contains(&set) => {}
            Err(fl_data::Error::Missing { .. }) => missing.push(set),
            Err(e) => return Err(Failure::of_data(&set, e)),
        }
    }
    let tasks: Vec<Task<'_>> = cells
        .iter()
        .filter_map(|&i| {
            let SweepCell { point, cell } = &sweep.cells[i];
            let data = sets.get(&cell.experiment.data)?;
            Some(Task { cell, source: sweep.source(*point), data })
        })
        .collect();
    let assignments = AssignmentCache::default();
    fl_lab::check_tasks(&tasks, &assignments)?;
    if let Some(wanted) = &args.cell {
        let is = |i: &&usize| {
            let cell = &sweep.cells[**i].cell;
            cell.hash == *wanted || cell.folder() == *wanted
        };
        let Some(&i) = cells.iter().find(is) else {
            let name = &sweep.base.name;
            return Err(Failure::Usage(anyhow!("{name} has no cell {wanted:?}")));
        };
        return show(&sweep.cells[i]);
    }
    say::result(counts(&sweep));
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let mut header: Vec<&str> = sweep.axes.iter().map(|axis| axis.name.as_str()).collect();
    header.extend(["method", "seed", "estimators' memory", "messages", "folder"]);
    table.set_header(header);
    // Seeds and attacks do not change what is kept.
    let mut known: HashMap<String, Memory> = HashMap::new();
    let by_folder: HashMap<String, &Task<'_>> =
        tasks.iter().map(|task| (task.cell.folder(), task)).collect();
    let mut greatest = None;
    for (k, &i) in cells.iter().enumerate() {
        let SweepCell { point, cell } = &sweep.cells[i];
        let memory = match by_folder.get(&cell.folder()) {
            None => None,
            Some(task) => {
                let key = crate::sweep::alike(cell, true);
                Some(match known.get(&key) {
                    Some(memory) => *memory,
                    None => {
                        let assignment = assignments.assign(cell, task.data, &task.source)?;
                        let memory = fl_lab::memory(cell, task.data, &assignment, &task.source)?;
                        known.insert(key, memory);
                        memory
                    }
                })
            }
        };
        let total = memory.and_then(|m| Some(m.estimators? + m.messages));
        greatest = greatest.max(total);
        if k >= SHOWN && !args.all {
            continue;
        }
        let shown = |bytes: Option<usize>| bytes.map_or("?".to_owned(), megabytes);
        let mut row: Vec<String> = sweep.labels(*point).map(str::to_owned).collect();
        row.extend([cell.method.name.clone(), cell.seed.to_string()]);
        row.push(shown(memory.and_then(|m| m.estimators)));
        row.push(shown(memory.map(|m| m.messages)));
        row.push(cell.folder());
        table.add_row(row);
    }
    let first = sweep.axes.len();
    for column in first + 1..first + 4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say::result(table);
    if cells.len() > SHOWN && !args.all {
        say::result(format_args!("… and {} runs more; --all shows them", cells.len() - SHOWN));
    }
    if let Some(bytes) = greatest {
        say::result(format_args!("memory: at most {} a run, and the data", megabytes(bytes)));
    }
    warn(&sweep, &cells, &by_folder, &assignments)?;
    let out = args.out.join(&sweep.base.name);
    crate::sweep::edited(&sweep, &cells, &out)?.iter().for_each(say::result);
    for data in sets.loaded() {
        say::result(format_args!("data: {}, SHA-256 {}", data.name, data.digest()));
    }
    for set in missing {
        say::result(format_args!(
            "data: {set} is not here yet, so that what depends on it is unchecked; `fl-cli data fetch {set}` fetches it"
        ));
    }
    if let Some(&i) = cells.first() {
        let hash = &sweep.cells[i].cell.hash;
        say::result(format_args!("the first run in full (--cell {hash}; others likewise):"));
        show(&sweep.cells[i])?;
    }
    Ok(())
}

/// Says where methods go beyond what is proven. Steps are compared with the theory's where data, federation and model are
/// those of the first run: the constants of one problem take a pass over its data.
fn warn(
    sweep: &Sweep,
    cells: &[usize],
    by_folder: &HashMap<String, &Task<'_>>,
    assignments: &AssignmentCache,
) -> Result<(), Failure> {
    let Some(&first) = cells.first() else { return Ok(()) };
    let first = &sweep.cells[first].cell;
    let problem = match by_folder.get(&first.folder()) {
        Some(task) => {
            let assignment = assignments.assign(first, task.data, &task.source)?;
            fl_lab::theory::problem(first, task.data, &assignment, &task.source)?
        }
        None => None,
    };
    let mut told = Vec::new();
    for &i in cells {
        let SweepCell { point, cell } = &sweep.cells[i];
        let (one, other) = (&cell.experiment, &first.experiment);
        let alike = one.data == other.data
            && one.federation == other.federation
            && one.model == other.model
            && one.train.batch == other.train.batch;
        let problem = problem.as_ref().filter(|_| alike);
        for warning in fl_lab::theory::warnings(one, &sweep.source(*point), problem)? {
            if !told.contains(&warning) {
                told.push(warning);
            }
        }
    }
    theory::warn(&told);
    Ok(())
}

/// A cell's complete configuration.
fn show(cell: &SweepCell) -> Result<(), Failure> {
    let text = toml::to_string(&cell.cell.experiment).map_err(|e| Failure::Failed(e.into()))?;
    say::result(format_args!("\n{}", text.trim_end()));
    Ok(())
}
