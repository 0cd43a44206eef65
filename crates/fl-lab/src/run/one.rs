//! Running cells: one, or all of an experiment in parallel.

use crate::LabError;
use crate::file::{Experiment, ExperimentText, Keep, Precision};
use crate::name::Number;
use crate::plan::{
    AssignedData, Assignment, AssignmentCache, Cell, batch_path, cells, check, setup,
};
use crate::run::schedule::{Task, check_tasks, evaluated, run_each};
use crate::store::checkpoint::{self, Checkpoint, Checkpointer, Contents, Stamp};
use crate::store::optima::Optima;
use crate::store::record::{
    Done, Ending, Finals, Folder, Outcome, Overhead, Resources, Resumed, SCHEMA, Writer,
};
use crate::store::stop::Stop;
use fl_core::{Scalar, instruction_set};
use fl_data::Loaded;
use fl_sim::{Evaluator, Metrics, RoundView, Simulation, View, full_pass, require_finite};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What only a program can know: this crate reads neither clocks nor the system.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Seconds since some fixed moment.
    pub clock: fn() -> f64,
    /// The process's peak memory in bytes.
    pub peak_memory: fn() -> Option<u64>,
    /// Set to stop all cells at their next round.
    pub stop: &'a AtomicBool,
    /// Set to leave rounds unfinished that take too long to be waited for; their cells go on from the checkpoint before.
    pub abandon: Option<&'a Arc<AtomicBool>>,
}

/// Something that a display may want to show.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A cell begins.
    Started {
        /// Its place in the list.
        index: usize,
        /// The cell.
        cell: &'a Cell,
    },
    /// Something goes on before a cell's first round.
    Preparing {
        /// The cell's place in the list.
        index: usize,
        /// The cell.
        cell: &'a Cell,
        /// What, in words.
        what: &'a str,
        /// Whether it is worth a line that stays.
        lasting: bool,
    },
    /// A cell goes on from a checkpoint.
    Resumed {
        /// Its place in the list.
        index: usize,
        /// The cell.
        cell: &'a Cell,
        /// The round that comes next.
        round: u64,
    },
    /// Something about a cell that its user should know, in words.
    Notice {
        /// Its place in the list.
        index: usize,
        /// The cell.
        cell: &'a Cell,
        /// What.
        message: &'a str,
    },
    /// Another process is working at a cell, which is left to it or, if so asked, waited for at the end.
    Busy {
        /// Its place in the list.
        index: usize,
        /// The cell.
        cell: &'a Cell,
    },
    /// A cell has been evaluated.
    Progress {
        /// Its place in the list.
        index: usize,
        /// The cell.
        cell: &'a Cell,
        /// Its newest line.
        metrics: &'a Metrics,
    },
    /// A cell has ended, or was found finished.
    Finished {
        /// Its place in the list.
        index: usize,
        /// What came of it.
        outcome: &'a Outcome,
    },
    /// A cell has failed.
    Failed {
        /// Its place in the list.
        index: usize,
        /// The cell.
        cell: &'a Cell,
        /// Why.
        error: &'a LabError,
    },
}

/// How to run an experiment.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The folder that cells' folders go to.
    pub out: &'a Path,
    /// The folder in which optima are kept, which experiments can share.
    pub optima: &'a Path,
    /// Cells at a time, at most as many as threads.
    pub jobs: usize,
    /// Threads in all.
    pub threads: usize,
    /// Whether to start over what is there, instead of reading what is finished and going on with what is not.
    pub fresh: bool,
    /// What to do with a cell that another process is working at.
    pub busy: Busy,
}

/// What to do with a cell that another process is working at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Busy {
    /// Do the others first, then wait for it.
    #[default]
    Wait,
    /// Leave it to the other process.
    Skip,
}

impl<'a> Options<'a> {
    /// Cells in this folder, one at a time, on as many threads: what is there goes on, and other processes are waited for.
    pub fn new(out: &'a Path, threads: usize) -> Self {
        Self { out, optima: out, jobs: 1, threads, fresh: false, busy: Busy::Wait }
    }
}

/// Checks an experiment against its data: every cell is built, none is run.
///
/// # Errors
/// Every part that cannot work, at its place in the file.
pub fn check_with_data(
    experiment: &Experiment,
    source: &ExperimentText,
    data: &Loaded,
) -> Result<(), LabError> {
    check(experiment, source)?;
    let cells = cells(experiment);
    let tasks: Vec<Task<'_>> =
        cells.iter().map(|cell| Task { cell, source: source.clone(), data }).collect();
    check_tasks(&tasks, &AssignmentCache::default())
}

/// Builds what `Simulation::new` builds and [`check`] could not, because it depends on the data.
pub(crate) fn build_check(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<(), LabError> {
    let setup = setup::<f32>(cell, data, assignment, source)?;
    // The worker with the fewest samples, so that what is suggested suits all of them.
    let Some((worker, samples)) =
        setup.samples.iter().enumerate().min_by_key(|(_, samples)| samples.len())
    else {
        return Ok(());
    };
    let local = fl_core::Local {
        worker,
        workers: setup.samples.len(),
        objective: &*setup.objective,
        data: setup.train,
        samples,
    };
    let index = cell.method_index.to_string();
    setup.estimator.build(&local).map_err(|e| {
        // Where the setting that it names stands in the file.
        let path = match &*e.part {
            decorator @ ("local-steps" | "momentum" | "clip") => {
                vec!["method", &*index, decorator, &*e.setting]
            }
            _ if e.setting == "batch" => batch_path(&cell.method, &index),
            _ => vec!["method", &*index, "estimator"],
        };
        let error = source.error_at(&path, &e);
        if e.setting != "batch" {
            return error;
        }
        error.with_help(format!(
            "this is so under seed {}; train.small-workers = \"take-all\" lets a small worker take what it has",
            cell.seed
        ))
    })?;
    Ok(())
}

/// Runs all cells of an experiment, several at a time. Those that are finished are read, not repeated; those that were
/// interrupted go on from their last checkpoint.
///
/// Results do not depend on `jobs` or `threads`, nor on the order of methods, nor on interruptions. They come back in the
/// order of [`cells`], without those that were left to other processes ([`Busy::Skip`]). A cell that fails does not stop
/// the others; the first failure in that order is returned at the end.
///
/// # Errors
/// Mistakes in the file before anything runs, and whatever a cell failed with. A run that diverges is no failure: it is
/// an [`Ending`].
pub fn run_experiment(
    experiment: &Experiment,
    source: &ExperimentText,
    data: &Loaded,
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Vec<Outcome>, LabError> {
    check(experiment, source)?;
    let cells = cells(experiment);
    let tasks: Vec<Task<'_>> =
        cells.iter().map(|cell| Task { cell, source: source.clone(), data }).collect();
    type Slot = Mutex<Option<Result<Option<Outcome>, LabError>>>;
    let results: Vec<Slot> = cells.iter().map(|_| Mutex::new(None)).collect();
    run_each(&tasks, options, host, watch, &|index, result| {
        if let Ok(mut slot) = results[index].lock() {
            *slot = Some(result);
        }
    })?;
    let mut outcomes = Vec::with_capacity(cells.len());
    for slot in results {
        let result = slot.into_inner().ok().flatten();
        outcomes.extend(result.unwrap_or(Err(LabError::Stopped { round: 0 }))?);
    }
    Ok(outcomes)
}

/// Runs one cell, on the rayon pool that this is called in (`jobs` and `threads` do not matter): reads it if it is
/// finished, goes on from its last checkpoint if there is one, begins it otherwise. `index` is what events tell.
///
/// `None` where another process is working at it and [`Busy::Skip`] is asked for.
///
/// The experiment is not checked as a whole: [`check_with_data`] does that.
///
/// # Errors
/// Whatever the cell failed with; [`LabError::Stopped`], with a checkpoint of the round that it names, when the host asked
/// to stop.
pub fn run_cell(
    index: usize,
    cell: &Cell,
    source: &ExperimentText,
    data: &Loaded,
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Option<Outcome>, LabError> {
    let data = &*evaluated(&cell.experiment, source, data)?;
    let optima = Optima::new(options.optima, options.threads);
    let assignments = AssignmentCache::of([cell]);
    run_with(&optima, &assignments, index, cell, source, data, options, host, watch)
}

/// The same, with what cells of a process share.
pub(crate) fn run_with(
    optima: &Optima,
    assignments: &AssignmentCache,
    index: usize,
    cell: &Cell,
    source: &ExperimentText,
    data: &Loaded,
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Option<Outcome>, LabError> {
    if host.stop.load(Ordering::Relaxed) {
        return Err(LabError::Stopped { round: 0 });
    }
    let folder = match Folder::take(options.out, cell, false, host.stop)? {
        Some(folder) => folder,
        None => {
            watch(Event::Busy { index, cell });
            let wait = options.busy == Busy::Wait;
            match Folder::take(options.out, cell, wait, host.stop)? {
                Some(folder) => folder,
                None => return Ok(None),
            }
        }
    };
    let digest = data.digest();
    if options.fresh {
        folder.clear()?;
    }
    let outcome = match folder.finished(cell, &digest)? {
        Some(outcome) => outcome,
        None => {
            watch(Event::Started { index, cell });
            let folder = &folder;
            let run =
                Run { index, cell, source, data, digest, folder, optima, assignments, host, watch };
            match cell.experiment.precision {
                Precision::F32 => run.simulate::<f32>()?,
                Precision::F64 => run.simulate::<f64>()?,
            }
        }
    };
    watch(Event::Finished { index, outcome: &outcome });
    Ok(Some(outcome))
}

/// One cell on its way.
struct Run<'a> {
    index: usize,
    cell: &'a Cell,
    source: &'a ExperimentText,
    data: &'a Loaded,
    digest: String,
    folder: &'a Folder,
    optima: &'a Optima,
    assignments: &'a AssignmentCache,
    host: Host<'a>,
    watch: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Where a run begins, or goes on.
struct Begin {
    /// The round of the checkpoint that it goes on from.
    resumed: Option<u64>,
    /// The instruction sets that took part so far.
    before: Option<String>,
    files: Resumed,
}

impl Run<'_> {
    fn notice(&self, message: &str) {
        (self.watch)(Event::Notice { index: self.index, cell: self.cell, message });
    }

    /// The rounds before one at which there are lines.
    fn lines_before(&self, round: u64) -> impl Iterator<Item = u64> + use<> {
        let due = Cadence::new(&self.cell.experiment);
        (0..round).filter(move |&k| due.line(k))
    }

    /// Restores the newest checkpoint that can be trusted, or begins at round 0.
    fn begin<T: Number>(&self, simulation: &mut Simulation<'_, T>) -> Result<Begin, LabError> {
        let (cell, folder) = (self.cell, self.folder);
        let asked = cell.experiment.rounds;
        let mut refused = false;
        for name in [checkpoint::FILE, checkpoint::PREVIOUS] {
            let path = folder.path().join(name);
            let mut refuse = |reason: &str| {
                refused = true;
                self.notice(&format!("{} is not used: {reason}", path.display()));
            };
            let found = match Checkpoint::read(&path) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(reason) => {
                    refuse(&reason);
                    continue;
                }
            };
            let stamp = &found.stamp;
            if stamp.cell != cell.hash {
                refuse(&format!("it is of cell {}, and this is {}", stamp.cell, cell.hash));
                continue;
            }
            if stamp.data != self.digest {
                return Err(folder.other_data(&self.digest, &stamp.data));
            }
            if stamp.contents == Contents::Model {
                refuse("it holds the model alone (checkpoint.keep = \"model\")");
                continue;
            }
            if stamp.round > asked {
                let (path, done) = (folder.path().to_owned(), stamp.round);
                return Err(LabError::Further { path, done, asked });
            }
            let files = match folder.resume(
                cell,
                (stamp.round, stamp.metrics.as_deref()),
                self.lines_before(stamp.round),
            )? {
                Ok(files) => files,
                Err(reason) => {
                    refuse(&reason);
                    continue;
                }
            };
            if let Err(reason) = found.restore(simulation) {
                refuse(&reason);
                continue;
            }
            for (what, before, now) in [
                ("version", &*stamp.version, env!("CARGO_PKG_VERSION")),
                ("instruction set", &*stamp.instruction_set, instruction_set()),
            ] {
                if before.rsplit(", ").next() != Some(now) {
                    self.notice(&format!(
                        "goes on with {what} {now} what {before} began: the results need not be the same bits as \
                         those of a run on one of them"
                    ));
                }
            }
            let round = stamp.round;
            (self.watch)(Event::Resumed { index: self.index, cell, round });
            let before = Some(found.stamp.instruction_set);
            return Ok(Begin { resumed: Some(round), before, files });
        }
        if refused {
            self.notice("starts over at round 0");
        } else if folder.has_lines() {
            self.notice(
                "no checkpoint is there, although metrics.jsonl has lines: starts over at round 0",
            );
        }
        let writer = folder.begin(cell)?;
        let files = Resumed { writer, metrics: Vec::new(), seconds: 0.0, evaluation_seconds: 0.0 };
        Ok(Begin { resumed: None, before: None, files })
    }

    fn simulate<T: Number>(&self) -> Result<Outcome, LabError> {
        let Self { cell, source, data, folder, host, .. } = *self;
        let experiment = &cell.experiment;
        let assignment = self.assignments.assign(cell, data, source)?;
        let optimum = match experiment.telemetry.optimum {
            true => {
                let index = self.index;
                let say = |what: &str, lasting| {
                    (self.watch)(Event::Preparing { index, cell, what, lasting });
                };
                Some(self.optima.of(cell, data, &assignment, source, host.stop, &say)?)
            }
            false => None,
        };
        // Searching is no part of the run.
        let mut watch = Stopwatch::start(host.clock);
        let mut simulation = Simulation::new(setup::<T>(cell, data, &assignment, source)?)?;
        if let Some(flag) = host.abandon {
            simulation = simulation.interrupted_by(Arc::clone(flag));
        }
        let estimator_bytes = simulation.estimator_memory() as u64;
        let mut evaluator = Evaluator::new(simulation.view().objective(), &data.split.test);
        if let Some(rows) = experiment.telemetry.evaluate_rows {
            evaluator = evaluator.with_rows(rows);
        }
        if let Some(optimum) = optimum {
            evaluator = evaluator.with_optimum(optimum);
        }
        let mut backdoor = match &assignment.byzantine_data {
            Some(AssignedData::Changed { triggered: Some(test), .. }) => {
                Some(Evaluator::new(simulation.view().objective(), test))
            }
            _ => None,
        };
        let Begin { resumed, before, files } = self.begin(&mut simulation)?;
        let Resumed { writer, metrics, seconds, evaluation_seconds } = files;
        watch.add(seconds);
        let begun = simulation.round();
        let mut notes = Notes { run: self, writer, metrics, watch, evaluating: evaluation_seconds };
        let mut beside = Overhead::default();
        let mut evaluated_here = 0.0;

        let stamp = Stamp::new(&cell.hash, &self.digest).after(before.as_deref());
        let instruction_sets = stamp.instruction_set.clone();
        let mut checkpoints = Checkpointer::new(folder.path(), stamp, resumed);
        let mut saved = notes.watch.seconds();
        let due = Cadence::new(experiment);
        let rounds = experiment.rounds;
        // A checkpoint may have been made right after the line that ends the run.
        let mut ended = experiment.stop.at_end(&notes.metrics);
        let result = loop {
            let round = simulation.round();
            let stop = host.stop.load(Ordering::Relaxed);
            let settings = &experiment.checkpoint;
            let interval = settings.seconds();
            // A slow disk makes checkpoints by the clock rarer, those by rounds are waited for.
            let is_due = settings.rounds.is_some_and(|n| round.is_multiple_of(n))
                || (interval.is_some_and(|s| notes.watch.seconds() - saved >= s)
                    && !checkpoints.is_busy());
            if round > begun && (stop || (is_due && round < rounds)) {
                let before = notes.watch.seconds();
                checkpoints.save(&mut simulation, Contents::State, Some(notes.writer.metrics()))?;
                saved = notes.watch.seconds();
                beside.checkpoints += saved - before;
                beside.saved += 1;
            }
            if stop {
                checkpoints.wait()?;
                return Err(LabError::Stopped { round });
            }
            if round >= rounds {
                break Ok(None);
            }
            if let Some(by) = ended {
                break Ok(Some(by));
            }
            let budget = experiment.stop.seconds;
            if round > begun && budget.is_some_and(|s| notes.watch.here() >= s) {
                break Ok(Some(Stop::Seconds));
            }
            let result = simulation.run(round + 1, |seen, view| {
                if !due.line(seen.round) {
                    return Ok(());
                }
                let before = notes.watch.seconds();
                let watch = &mut notes.watch;
                let full = due.full(seen.round);
                let mut line = measure(&mut evaluator, seen, view, full, watch, &mut beside)?;
                let measured = watch.seconds();
                line.backdoor_success = success(&mut backdoor, view, seen.params);
                beside.evaluations += watch.seconds() - measured;
                evaluated_here += notes.line(line, before, &mut beside)?;
                // The round is finished first, so that what is measured last is what is kept.
                ended = experiment.stop.at_end(&notes.metrics);
                Ok(())
            });
            if let Err(e) = result {
                break Err(LabError::from(e));
            }
        };
        let reached = simulation.round();
        let result = result.and_then(|by| {
            // Whatever is kept in the end, a run that ran out of time has to go on.
            let before = notes.watch.seconds();
            let keep =
                if by == Some(Stop::Seconds) { Keep::State } else { experiment.checkpoint.keep };
            match keep {
                Keep::State => {
                    let metrics = Some(notes.writer.metrics());
                    checkpoints.save(&mut simulation, Contents::State, metrics)?;
                }
                Keep::Model => checkpoints.save(&mut simulation, Contents::Model, None)?,
                Keep::Nothing => {}
            }
            beside.saved += u64::from(keep != Keep::Nothing);
            let saved = notes.watch.seconds();
            beside.checkpoints += saved - before;
            let before = saved;
            let params = simulation.params().to_vec();
            require_finite(&params, reached)?;
            let skipped = simulation.skipped();
            let view = simulation.view();
            let mut line = evaluator.evaluate_all(view.objective(), &params, reached);
            line.backdoor_success = success(&mut backdoor, &view, &params);
            line.skipped = skipped;
            let evaluated = notes.watch.seconds();
            beside.evaluations += evaluated - before;
            if due.full_at_end() {
                line.full = Some(full_pass(&view, &params));
                beside.full_passes += notes.watch.seconds() - evaluated;
            }
            evaluated_here += notes.line(line, before, &mut beside)?;
            Ok((by, keep))
        });
        let (ending, keep) = match result {
            Ok((None, keep)) => (Ending::Finished, keep),
            Ok((Some(by), keep)) => (Ending::Stopped { by, round: reached }, keep),
            Err(e) if e.is_divergence() => {
                (Ending::Diverged { reason: e.to_string() }, experiment.checkpoint.keep)
            }
            Err(e) => return Err(e),
        };
        let Notes { metrics, mut watch, evaluating, .. } = notes;
        let before = watch.seconds();
        checkpoints.wait()?;
        folder.prune(keep)?;
        let seconds = watch.seconds();
        beside.checkpoints += seconds - before;
        let finals = Finals::of(&metrics, experiment.window(&experiment.method[0]));
        let done = Done {
            schema: SCHEMA,
            ending,
            rounds,
            final_accuracy: finals.as_ref().and_then(|f| f.accuracy),
            final_balanced_accuracy: finals.as_ref().and_then(|f| f.balanced_accuracy),
            last_accuracy: metrics.last().map(|m| m.accuracy).filter(|a| a.is_finite()),
            finals,
            estimator_bytes,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instruction_set: instruction_sets,
            data: data.name.clone(),
            data_digest: self.digest.clone(),
            resources: Resources {
                seconds,
                evaluation_seconds: evaluating,
                rounds_per_second: (simulation.round() - begun) as f64
                    / (watch.here() - evaluated_here).max(1e-9),
                threads: rayon::current_num_threads(),
                peak_memory: (host.peak_memory)(),
                overhead: beside,
            },
        };
        folder.finish(&done)?;
        let path = folder.path().to_owned();
        Ok(Outcome { cell: cell.clone(), done, metrics, path, reused: false })
    }
}

/// A line in the middle of a run.
fn measure<T: Scalar>(
    evaluator: &mut Evaluator<'_, T>,
    seen: &RoundView<'_, T>,
    view: &View<'_, '_, T>,
    full: bool,
    watch: &mut Stopwatch,
    beside: &mut Overhead,
) -> Result<Metrics, LabError> {
    let mut last = watch.seconds();
    let mut lap = || {
        let now = watch.seconds();
        let taken = now - last;
        last = now;
        taken
    };
    seen.require_finite()?;
    beside.telemetry += lap();
    let mut line = evaluator.evaluate(view.objective(), seen.params, seen.round);
    beside.evaluations += lap();
    evaluator.messages(&mut line, seen);
    beside.telemetry += lap();
    if full {
        line.full = Some(full_pass(view, seen.params));
        beside.full_passes += lap();
    }
    Ok(line)
}

/// Share of the triggered test rows that the model takes for what the backdoor wants.
fn success<T: Scalar>(
    backdoor: &mut Option<Evaluator<'_, T>>,
    view: &View<'_, '_, T>,
    params: &[T],
) -> Option<f64> {
    let door = backdoor.as_mut()?;
    Some(door.evaluate(view.objective(), params, 0).accuracy)
}

/// At which rounds something is measured.
#[derive(Clone, Copy, Debug)]
struct Cadence {
    rounds: u64,
    every: u64,
    full_every: u64,
}

impl Cadence {
    fn new(experiment: &Experiment) -> Self {
        Self {
            rounds: experiment.rounds,
            every: experiment.evaluation_interval(),
            full_every: experiment.full_pass_interval(),
        }
    }

    fn full(self, round: u64) -> bool {
        self.full_every > 0 && (round.is_multiple_of(self.full_every) || round == self.rounds)
    }

    fn full_at_end(self) -> bool {
        self.full_every > 0
    }

    fn line(self, round: u64) -> bool {
        round.is_multiple_of(self.every) || self.full(round)
    }
}

/// What a run writes down.
struct Notes<'a> {
    run: &'a Run<'a>,
    writer: Writer,
    metrics: Vec<Metrics>,
    watch: Stopwatch,
    /// Seconds that evaluations and full passes took.
    evaluating: f64,
}

impl Notes<'_> {
    /// Writes a line whose measuring began at `before`; gives the seconds that it took.
    fn line(&mut self, line: Metrics, before: f64, beside: &mut Overhead) -> Result<f64, LabError> {
        let now = self.watch.seconds();
        self.evaluating += now - before;
        self.writer.line(&line, now, self.evaluating)?;
        beside.lines += self.watch.seconds() - now;
        let (index, cell) = (self.run.index, self.run.cell);
        (self.run.watch)(Event::Progress { index, cell, metrics: &line });
        self.metrics.push(line);
        Ok(now - before)
    }
}

/// Adds up the time that passes. A clock that is set back, or says nonsense, adds nothing.
#[derive(Debug)]
struct Stopwatch {
    clock: fn() -> f64,
    last: f64,
    here: f64,
    before: f64,
}

impl Stopwatch {
    fn start(clock: fn() -> f64) -> Self {
        Self { clock, last: clock(), here: 0.0, before: 0.0 }
    }

    /// Counts seconds of an earlier part of the run.
    fn add(&mut self, seconds: f64) {
        self.before += seconds;
    }

    /// Seconds since the start.
    fn here(&mut self) -> f64 {
        let now = (self.clock)();
        self.here += (now - self.last).max(0.0);
        self.last = now;
        self.here
    }

    /// Seconds since the run began, in all its parts.
    fn seconds(&mut self) -> f64 {
        self.before + self.here()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_clock_that_is_set_back_takes_no_time_away() {
        static AT: AtomicUsize = AtomicUsize::new(0);
        const TIMES: [f64; 6] = [100.0, 101.0, 41.0, 43.0, f64::NAN, 44.0];
        let mut watch = Stopwatch::start(|| TIMES[AT.fetch_add(1, Ordering::Relaxed)]);
        let seconds: Vec<f64> = (0..5).map(|_| watch.seconds()).collect();
        assert_eq!(seconds, [1.0, 1.0, 3.0, 3.0, 3.0]);
    }
}
