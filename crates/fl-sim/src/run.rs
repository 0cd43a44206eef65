//! Running cells: one, or all of an experiment in parallel.

use crate::cell::{Cell, Dealt, DealtLesson, batch_path, cells, check, deal, setup};
use crate::config::{Experiment, Precision, Source};
use crate::optimum::Optima;
use crate::record::{Done, Ending, Finals, Folder, Outcome, Resources, Writer};
use crate::telemetry::{Evaluator, full_pass};
use crate::{Metrics, Number, SimError, Simulation};
use fl_core::{Scalar, instruction_set};
use fl_data::Loaded;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
}

/// Something that a display may want to show.
#[derive(Clone, Debug)]
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
}

/// Checks an experiment against its data: every cell is built, none is run.
///
/// # Errors
/// The first part that cannot work, at its place in the file.
pub fn check_with_data(
    experiment: &Experiment,
    source: &Source,
    data: &Loaded,
) -> Result<(), SimError> {
    check(experiment, source)?;
    let mut dealt: Option<(u64, Dealt)> = None;
    for cell in &cells(experiment) {
        // Cells of a seed follow each other and share who holds what and who is Byzantine.
        if dealt.as_ref().is_none_or(|(seed, _)| *seed != cell.seed) {
            let new = deal(cell, data, source)?;
            dealt = Some((cell.seed, new));
        }
        let Some((_, dealt)) = &dealt else { continue };
        build_check(cell, data, dealt, source)?;
    }
    Ok(())
}

/// Builds what `Simulation::new` builds and [`check`] could not, because it depends on the data.
fn build_check(cell: &Cell, data: &Loaded, dealt: &Dealt, source: &Source) -> Result<(), SimError> {
    let setup = setup::<f32>(cell, data, dealt, source)?;
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
        let path = match e.what.split_once(": ") {
            Some((decorator @ ("local-steps" | "momentum" | "clip"), setting)) => {
                vec!["method", &*index, decorator, setting]
            }
            _ if e.what == "batch" => batch_path(&cell.method, &index),
            _ => vec!["method", &*index, "estimator"],
        };
        source.error_at(&path, &e)
    })?;
    Ok(())
}

/// Runs all cells of an experiment, several at a time; finished ones are read, not repeated.
///
/// Results do not depend on `jobs` or `threads`, nor on the order of methods. They come back in the order of
/// [`cells`]. A cell that fails does not stop the others; the first failure in that order is returned at the end.
///
/// # Errors
/// Mistakes in the file before anything runs, and whatever a cell failed with. A run that diverges is no failure: it is
/// an [`Ending`].
pub fn run_experiment(
    experiment: &Experiment,
    source: &Source,
    data: &Loaded,
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Vec<Outcome>, SimError> {
    check_with_data(experiment, source, data)?;
    std::fs::create_dir_all(options.out).map_err(SimError::io("make the folder", options.out))?;
    let cells = cells(experiment);
    let jobs = options.jobs.min(options.threads).clamp(1, cells.len());
    let threads = (options.threads / jobs).max(1);
    let optima = Optima::new(options.optima, options.threads);
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<Outcome, SimError>>>> =
        cells.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(index) else { return };
                    let run =
                        || run_cell(index, cell, source, data, options.out, &optima, host, watch);
                    let result = match &pool {
                        Ok(pool) => pool.install(run),
                        // Without threads of its own a cell still runs, on the pool that is there.
                        Err(_) => run(),
                    };
                    if let Ok(mut slot) = results[index].lock() {
                        *slot = Some(result);
                    }
                }
            });
        }
    });
    results
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten().unwrap_or(Err(SimError::Stopped { round: 0 })))
        .collect()
}

fn run_cell(
    index: usize,
    cell: &Cell,
    source: &Source,
    data: &Loaded,
    root: &Path,
    optima: &Optima,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Outcome, SimError> {
    if host.stop.load(Ordering::Relaxed) {
        return Err(SimError::Stopped { round: 0 });
    }
    let folder = Folder::take(root, cell)?;
    let digest = data.digest();
    let outcome = match folder.finished(cell, &digest)? {
        Some(outcome) => outcome,
        None => {
            watch(Event::Started { index, cell });
            let writer = folder.begin(cell)?;
            let dealt = deal(cell, data, source)?;
            let optimum = match cell.experiment.telemetry.optimum {
                true => {
                    let say = |what: &str, lasting| {
                        watch(Event::Preparing { index, cell, what, lasting });
                    };
                    Some(optima.of(cell, data, &dealt, source, &say)?)
                }
                false => None,
            };
            let progress = |metrics: &Metrics| watch(Event::Progress { index, cell, metrics });
            let (metrics, ending, estimator_bytes, resources) = match cell.experiment.precision {
                Precision::F32 => {
                    simulate::<f32>(cell, source, data, &dealt, optimum, writer, host, &progress)?
                }
                Precision::F64 => {
                    simulate::<f64>(cell, source, data, &dealt, optimum, writer, host, &progress)?
                }
            };
            let window = cell.experiment.window(&cell.experiment.method[0]);
            let finals = Finals::of(&metrics, window);
            let done = Done {
                ending,
                rounds: cell.experiment.rounds,
                final_accuracy: finals.as_ref().and_then(|f| f.accuracy),
                final_balanced_accuracy: finals.as_ref().and_then(|f| f.balanced_accuracy),
                last_accuracy: metrics.last().map(|m| m.accuracy),
                finals,
                estimator_bytes,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                instruction_set: instruction_set().to_owned(),
                data: data.name.clone(),
                data_digest: digest,
                resources,
            };
            folder.finish(&done)?;
            let path = folder.path().to_owned();
            Outcome { cell: cell.clone(), done, metrics, path, reused: false }
        }
    };
    watch(Event::Finished { index, outcome: &outcome });
    Ok(outcome)
}

type Simulated = (Vec<Metrics>, Ending, u64, Resources);

fn simulate<T: Number>(
    cell: &Cell,
    source: &Source,
    data: &Loaded,
    dealt: &Dealt,
    optimum: Option<Arc<[f64]>>,
    mut writer: Writer,
    host: Host<'_>,
    progress: &dyn Fn(&Metrics),
) -> Result<Simulated, SimError> {
    let experiment = &cell.experiment;
    let begin = (host.clock)();
    let mut simulation = Simulation::new(setup::<T>(cell, data, dealt, source)?)?;
    let estimator_bytes = simulation.estimator_memory() as u64;
    let mut evaluator = Evaluator::new(simulation.view().objective(), &data.split.test);
    if let Some(rows) = experiment.telemetry.evaluate_rows {
        evaluator = evaluator.with_rows(rows);
    }
    if let Some(optimum) = optimum {
        evaluator = evaluator.with_optimum(optimum);
    }
    let mut backdoor = match &dealt.lesson {
        Some(DealtLesson::Changed { triggered: Some(test), .. }) => {
            Some(Evaluator::new(simulation.view().objective(), test))
        }
        _ => None,
    };
    let (every, full_every) = (experiment.evaluation_interval(), experiment.full_pass_interval());
    let rounds = experiment.rounds;
    let mut metrics: Vec<Metrics> = Vec::new();
    let mut evaluating = 0.0;
    let mut record = |m: Metrics, metrics: &mut Vec<Metrics>| -> Result<(), SimError> {
        writer.line(&m, (host.clock)() - begin)?;
        progress(&m);
        metrics.push(m);
        Ok(())
    };
    let wants_full =
        |round: u64| full_every > 0 && (round.is_multiple_of(full_every) || round == rounds);
    let result = simulation.run(rounds, |moment, view| {
        if host.stop.load(Ordering::Relaxed) {
            return Err(SimError::Stopped { round: moment.round });
        }
        if !moment.round.is_multiple_of(every) && !wants_full(moment.round) {
            return Ok(());
        }
        let before = (host.clock)();
        finite(moment.params, moment.round)?;
        // RSA's server survives models that are not finite, so nothing else would tell of them.
        let diverged = |&&w: &&u32| moment.messages.row(w as usize).iter().any(|x| !x.is_finite());
        if let Some(&w) = view.federation.regular().iter().find(diverged) {
            let (round, worker) = (moment.round, w as usize);
            let norm = crate::protocol::norm(moment.params);
            return Err(SimError::Diverged { round, worker, norm });
        }
        let mut m = evaluator.evaluate(view.objective(), moment.params, moment.round);
        m.backdoor_success = backdoor
            .as_mut()
            .map(|door| door.evaluate(view.objective(), moment.params, moment.round).accuracy);
        evaluator.messages(&mut m, moment, view);
        if wants_full(moment.round) {
            m.full = Some(full_pass(view, moment.params));
        }
        record(m, &mut metrics)?;
        evaluating += (host.clock)() - before;
        Ok(())
    });
    let result = result.and_then(|()| {
        let before = (host.clock)();
        let params = simulation.params().to_vec();
        finite(&params, rounds)?;
        let mut view = simulation.view();
        let mut m = evaluator.evaluate_all(view.objective(), &params, rounds);
        m.backdoor_success =
            backdoor.as_mut().map(|door| door.evaluate(view.objective(), &params, rounds).accuracy);
        if wants_full(rounds) {
            m.full = Some(full_pass(&mut view, &params));
        }
        record(m, &mut metrics)?;
        evaluating += (host.clock)() - before;
        Ok(())
    });
    let ending = match result {
        Ok(()) => Ending::Finished,
        Err(e) if e.is_divergence() => Ending::Diverged { reason: e.to_string() },
        Err(e) => return Err(e),
    };
    let seconds = (host.clock)() - begin;
    let resources = Resources {
        seconds,
        evaluation_seconds: evaluating,
        rounds_per_second: simulation.round() as f64 / (seconds - evaluating).max(1e-9),
        threads: rayon::current_num_threads(),
        peak_memory: (host.peak_memory)(),
    };
    Ok((metrics, ending, estimator_bytes, resources))
}

fn finite<T: Scalar>(params: &[T], round: u64) -> Result<(), SimError> {
    if params.iter().all(|x| x.is_finite()) {
        Ok(())
    } else {
        Err(SimError::ParametersDiverged { round })
    }
}
