//! `fl-cli check`.

use crate::host::failure::Failure;
use crate::host::flags::{DataDir, ExperimentArgs, Out};
use crate::host::patience::Patience;
use crate::host::say::on_one_line;
use crate::host::sets::{Sets, warn as warn_of};
use crate::host::{experiment, limits, say};
use crate::show::cells::{SHOWN, alike, counts, distinct, edited, first_seeds};
use crate::show::facts::facts;
use crate::show::words::right;
use crate::show::{cells, cost, warnings};
use anyhow::anyhow;
use clap::Args as ClapArgs;
use comfy_table::{Table, presets};
use fl_core::in_units;
use fl_data::Locations;
use fl_lab::{
    AssignmentCache, ByzantineConfig, Cell, DataConfig, ExperimentText, Memory, Registry,
    SEEDS_CHECKED, Sweep, SweepCell, Task,
};
use std::collections::{BTreeSet, HashMap, HashSet};

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Show this run in full, by the hash at the end of its folder's name
    #[arg(long, value_name = "HASH")]
    pub(crate) cell: Option<String>,
    /// List all runs, however many
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) results: Out,
}

/// Checks an experiment, or all that a sweep makes of it, as far as the data that are present allow; shows its runs, the
/// memory that they need, and what the first of them, or one that is asked for, says in full.
pub(crate) fn check(args: &CheckArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let cells = distinct(&sweep);
    let (sets, missing) = load(&sweep, &cells, &args.data.locations())?;
    let checked = first_seeds(&sweep, &cells, SEEDS_CHECKED);
    let assignments = AssignmentCache::default();
    let patience = Patience::with("checking the runs against their data");
    fl_lab::check_tasks(&tasks(&sweep, &checked, &sets), &assignments)?;
    drop(patience);
    if let Some(wanted) = &args.cell {
        return show(&sweep.cells[find(&sweep, &cells, wanted)?]);
    }
    say::result(counts(&sweep));
    // Neither memory nor theory asks for the seed.
    let alone = first_seeds(&sweep, &cells, 1);
    let tasks = tasks(&sweep, &alone, &sets);
    let memory = Needs::new(&tasks, &assignments)?;
    list(&sweep, &cells, &memory, args.all);
    if let Some(memory) = memory.greatest {
        say::result(format_args!(
            "memory: at most {} a run, and the data",
            in_units(memory.total())
        ));
    }
    tell_of_memory(&sets, memory.greatest);
    cost::tell(memory.long.iter().cloned());
    if checked.len() < cells.len() {
        say::result(format_args!(
            "data: compared with the first {SEEDS_CHECKED} seeds of each method; the others are when their runs begin"
        ));
    }
    tell_of_classes(&tasks, &assignments)?;
    warn(&args.experiment, &sweep, &alone, &tasks, &assignments)?;
    let out = args.results.out.join(&sweep.base.name);
    edited(&sweep, &cells, &out)?.iter().for_each(say::result);
    for data in sets.loaded() {
        say::result(format_args!("data: {}, SHA-256 {}", data.name, data.digest()));
        // Of files of one's own, how they were understood.
        if !data.notes.is_empty() {
            facts(data);
            warn_of(data);
        }
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

/// The run of this hash, or of this folder.
fn find(sweep: &Sweep, cells: &[usize], wanted: &str) -> Result<usize, Failure> {
    let is = |i: &usize| {
        let cell = &sweep.cells[*i].cell;
        cell.hash == wanted || cell.folder() == wanted
    };
    let name = &sweep.base.name;
    let found = cells.iter().copied().find(is);
    found.ok_or_else(|| Failure::Usage(anyhow!("{name} has no cell {wanted:?}")))
}

/// The data that are here, and the names of those that are not.
fn load(
    sweep: &Sweep,
    cells: &[usize],
    locations: &Locations,
) -> Result<(Sets, Vec<String>), Failure> {
    let mut sets = Sets::default();
    let mut missing: Vec<String> = Vec::new();
    let mut before: Option<&DataConfig> = None;
    for &i in cells {
        let config = &sweep.cells[i].cell.experiment.data;
        let same = |b: &DataConfig| b.set == config.set && b.scale == config.scale;
        if before.replace(config).is_some_and(same) {
            continue;
        }
        let set = config.set.to_string();
        match sets.look(config, locations) {
            Ok(()) => {}
            Err(e) if e.is_missing() && missing.contains(&set) => {}
            Err(e) if e.is_missing() => missing.push(set),
            Err(e) => return Err(Failure::of_data(&set, e)),
        }
    }
    Ok((sets, missing))
}

/// What these cells are checked and measured from; those whose data are missing are left out.
fn tasks<'a>(sweep: &'a Sweep, cells: &[usize], sets: &'a Sets) -> Vec<Task<'a>> {
    let mut source: Option<(usize, ExperimentText)> = None;
    let mut tasks = Vec::with_capacity(cells.len());
    for &i in cells {
        let SweepCell { point, cell } = &sweep.cells[i];
        let Some(data) = sets.get(&cell.experiment.data) else { continue };
        let source = match &source {
            Some((known, source)) if known == point => source.clone(),
            _ => source.insert((*point, sweep.source(*point))).1.clone(),
        };
        tasks.push(Task { cell, source, data });
    }
    tasks
}

/// What runs need in memory.
struct Needs {
    by_kind: HashMap<String, Memory>,
    greatest: Option<Memory>,
    /// What takes long on the server.
    long: BTreeSet<String>,
}

impl Needs {
    fn new(tasks: &[Task<'_>], assignments: &AssignmentCache) -> Result<Self, Failure> {
        let mut needs = Self { by_kind: HashMap::new(), greatest: None, long: BTreeSet::new() };
        for Task { cell, source, data } in tasks {
            let kind = alike(cell, true);
            if needs.by_kind.contains_key(&kind) {
                continue;
            }
            let assignment = assignments.assign(cell, data, source)?;
            let memory = fl_lab::memory(cell, data, &assignment, source)?;
            needs.by_kind.insert(kind, memory);
            needs.long.extend(cells::long_parts(cell, &assignment));
            let greatest = needs.greatest.map_or(0, |m| m.total());
            if memory.total() > greatest {
                needs.greatest = Some(memory);
            }
        }
        Ok(needs)
    }

    fn of(&self, cell: &Cell) -> Option<Memory> {
        self.by_kind.get(&alike(cell, true)).copied()
    }
}

/// The runs, a row each.
fn list(sweep: &Sweep, cells: &[usize], memory: &Needs, all: bool) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let mut header: Vec<String> = sweep.axes.iter().map(|a| on_one_line(&a.name).into()).collect();
    header.extend(["method", "seed", "estimators' memory", "messages", "folder"].map(String::from));
    table.set_header(header);
    let shown = if all { usize::MAX } else { SHOWN };
    for &i in cells.iter().take(shown) {
        let SweepCell { point, cell } = &sweep.cells[i];
        let memory = memory.of(cell);
        let told = |bytes: Option<usize>| bytes.map_or("?".to_owned(), in_units);
        let mut row: Vec<String> = sweep.labels(*point).map(|l| on_one_line(l).into()).collect();
        row.extend([on_one_line(&cell.method.name).into(), cell.seed.to_string()]);
        row.push(told(memory.and_then(|m| m.estimators)));
        row.push(told(memory.map(|m| m.messages)));
        row.push(cell.folder());
        table.add_row(row);
    }
    let first = sweep.axes.len();
    right(&mut table, first + 1..first + 4);
    say::result(table);
    if cells.len() > shown {
        say::result(format_args!("… and {} runs more; --all shows them", cells.len() - shown));
    }
}

/// Says which workers hold the classes that make them Byzantine: classes are named by their labels, not by their places.
fn tell_of_classes(tasks: &[Task<'_>], assignments: &AssignmentCache) -> Result<(), Failure> {
    let named = |task: &&Task<'_>| {
        matches!(task.cell.experiment.federation.byzantine, ByzantineConfig::Classes(_))
    };
    let Some(Task { cell, source, data }) = tasks.iter().find(named) else { return Ok(()) };
    let ByzantineConfig::Classes(labels) = &cell.experiment.federation.byzantine else {
        return Ok(());
    };
    let assignment = assignments.assign(cell, data, source)?;
    let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
    let labels = labels.join(", ");
    let workers: Vec<String> =
        assignment.federation.byzantine().iter().map(ToString::to_string).collect();
    say::result(format_args!(
        "Byzantine: the workers {}, who hold the classes with the labels {}",
        workers.join(", "),
        on_one_line(&labels)
    ));
    Ok(())
}

/// Warns where a run alone needs more than there is: it may be meant for another machine.
fn tell_of_memory(sets: &Sets, greatest: Option<Memory>) {
    let Some((needed, limit)) = limits::beyond(sets, greatest, 1) else { return };
    say::remark(format_args!(
        "warning: a run needs {} of memory with its data, and {} {}; `fl-cli run` would refuse it here",
        in_units(needed),
        limit.by,
        in_units(limit.bytes)
    ));
}

/// Says in a line whether methods go beyond what is proven. Steps are compared with the theory's where data, federation and
/// model are those of the first run: the constants of one problem take a pass over its data.
fn warn(
    args: &ExperimentArgs,
    sweep: &Sweep,
    cells: &[usize],
    tasks: &[Task<'_>],
    assignments: &AssignmentCache,
) -> Result<(), Failure> {
    let Some(&first) = cells.first() else { return Ok(()) };
    let first = &sweep.cells[first].cell;
    let problem = match tasks.first().filter(|task| task.cell.hash == first.hash) {
        Some(task) => {
            let assignment = assignments.assign(first, task.data, &task.source)?;
            fl_lab::theory::problem(first, task.data, &assignment, &task.source)?
        }
        None => None,
    };
    let mut found = Vec::new();
    let mut known = HashSet::new();
    for &i in cells {
        let SweepCell { point, cell } = &sweep.cells[i];
        let (one, other) = (&cell.experiment, &first.experiment);
        let alike = one.data == other.data
            && one.federation == other.federation
            && one.model == other.model
            && one.train.batch == other.train.batch;
        let problem = problem.as_ref().filter(|_| alike);
        for warning in fl_lab::theory::warnings(one, &sweep.source(*point), problem)? {
            if known.insert((warning.method.clone(), warning.message.clone())) {
                found.push(warning);
            }
        }
    }
    warnings::count(&found, &args.config);
    Ok(())
}

/// A cell's complete configuration.
fn show(cell: &SweepCell) -> Result<(), Failure> {
    let text = toml::to_string(&cell.cell.experiment).map_err(|e| Failure::Failed(e.into()))?;
    say::result(format_args!("\n{}", text.trim_end()));
    Ok(())
}
