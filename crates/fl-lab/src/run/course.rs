//! A cell while it runs: rounds, lines and checkpoints, until something ends it.

use super::begin::{Begin, Run};
use super::cadence::Cadence;
use super::measure::Measuring;
use super::stopwatch::Stopwatch;
use crate::LabError;
use crate::file::Keep;
use crate::name::Number;
use crate::plan::{AssignedData, Assignment, setup};
use crate::store::checkpoint::{Checkpointer, Contents, Stamp};
use crate::store::{Done, Ending, Finals, Outcome, Overhead, Resources, Resumed, SCHEMA, Stop};
use fl_core::Scalar;
use fl_sim::{Evaluator, SimError, Simulation};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Runs a cell to its end.
pub(super) fn simulate<T: Number>(run: &Run<'_>) -> Result<Outcome, LabError> {
    let assignment = run.assignments.assign(run.cell, run.data, run.source)?;
    let optimum = run.optimum(&assignment)?;
    let mut course = Course::<T>::begin(run, &assignment, optimum)?;
    let by = course.rounds();
    let ended = by.and_then(|by| Ok((by, course.end(by)?)));
    let reached = course.simulation.round();
    let (ending, keep) = match ended {
        Ok((None, keep)) => (Ending::Finished, keep),
        Ok((Some(by), keep)) => (Ending::Stopped { by, round: reached }, keep),
        Err(e) if e.is_divergence() => {
            (Ending::Diverged { reason: e.to_string() }, run.cell.experiment.checkpoint.keep)
        }
        Err(e) => return Err(e),
    };
    course.finish(ending, keep)
}

/// A cell while it runs.
struct Course<'a, T: Scalar> {
    run: &'a Run<'a>,
    simulation: Simulation<'a, T>,
    measuring: Measuring<'a, T>,
    checkpoints: Checkpointer,
    /// The seconds at which the state was saved last.
    saved: f64,
    /// The round that this part of the run began at.
    begun: u64,
    estimator_bytes: u64,
    /// Those that took part, the one of this part of the run last.
    instruction_sets: String,
}

impl<'a> Run<'a> {
    /// What measures the test rows as the experiment asks for it.
    fn evaluator<T: Number>(
        &self,
        simulation: &Simulation<'_, T>,
        optimum: Option<Arc<[f64]>>,
    ) -> Evaluator<'a, T> {
        let telemetry = &self.cell.experiment.telemetry;
        let mut evaluator = Evaluator::new(simulation.view().objective(), &self.data.split.test);
        if let Some(rows) = telemetry.evaluate_rows {
            evaluator = evaluator.with_rows(rows);
        }
        if telemetry.weights {
            evaluator = evaluator.with_weights();
        }
        if let Some(optimum) = optimum {
            evaluator = evaluator.with_optimum(optimum);
        }
        evaluator
    }
}

impl<'a, T: Number> Course<'a, T> {
    fn begin(
        run: &'a Run<'a>,
        assignment: &'a Assignment,
        optimum: Option<Arc<[f64]>>,
    ) -> Result<Self, LabError> {
        let Run { cell, source, data, folder, host, .. } = *run;
        let experiment = &cell.experiment;
        // Searching x* is no part of the run.
        let mut watch = Stopwatch::start(host.clock);
        let mut simulation = Simulation::new(setup::<T>(cell, data, assignment, source)?)?;
        if let Some(flag) = host.abandon {
            simulation = simulation.interrupted_by(Arc::clone(flag));
        }
        let estimator_bytes = simulation.estimator_memory() as u64;
        let evaluator = run.evaluator(&simulation, optimum);
        let backdoor = match &assignment.byzantine_data {
            Some(AssignedData::Changed { triggered: Some(test), .. }) => {
                Some(Evaluator::new(simulation.view().objective(), test))
            }
            _ => None,
        };
        let held_out = assignment.held_out.as_deref().map(|rows| &rows[..]);
        let Begin { resumed, before, files } = run.begin(&mut simulation)?;
        let Resumed { writer, metrics, spent } = files;
        watch.add(spent.seconds);
        let stamp = Stamp::new(&cell.hash, &run.digest).after(before.as_deref());
        let instruction_sets = stamp.instruction_set.clone();
        let checkpoints = Checkpointer::new(folder.path(), stamp, resumed);
        let saved = watch.seconds();
        // A checkpoint may have been made right after the line that ends the run.
        let ended = experiment.stop.at_end(&metrics);
        let (cadence, overhead) = (Cadence::new(experiment), Overhead::default());
        let evaluated_here = 0.0;
        let measuring = Measuring {
            run,
            evaluator,
            backdoor,
            held_out,
            cadence,
            writer,
            metrics,
            watch,
            evaluating: spent.evaluation_seconds,
            gradients: spent.gradients.unwrap_or(0),
            evaluated_here,
            overhead,
            ended,
        };
        let begun = simulation.round();
        Ok(Self {
            run,
            simulation,
            measuring,
            checkpoints,
            saved,
            begun,
            estimator_bytes,
            instruction_sets,
        })
    }

    /// Runs rounds until something ends them: the number that is asked for, or what is said.
    fn rounds(&mut self) -> Result<Option<Stop>, LabError> {
        let experiment = &self.run.cell.experiment;
        loop {
            let round = self.simulation.round();
            let stop = self.run.host.stop.load(Ordering::Relaxed);
            if round > self.begun && (stop || (self.is_due(round) && round < experiment.rounds)) {
                self.save()?;
            }
            if stop {
                self.checkpoints.wait()?;
                return Err(LabError::Stopped { round });
            }
            if round >= experiment.rounds {
                return Ok(None);
            }
            if let Some(by) = self.measuring.ended {
                return Ok(Some(by));
            }
            let budget = experiment.stop.seconds;
            if round > self.begun && budget.is_some_and(|s| self.measuring.watch.here() >= s) {
                return Ok(Some(Stop::Seconds));
            }
            let measuring = &mut self.measuring;
            self.simulation
                .run(round + 1, |seen, view| measuring.look(seen, view).map_err(SimError::from))?;
        }
    }

    /// Whether a checkpoint is due. A slow disk makes those by the clock rarer, those by rounds are waited for.
    fn is_due(&mut self, round: u64) -> bool {
        let settings = &self.run.cell.experiment.checkpoint;
        settings.rounds.is_some_and(|n| round.is_multiple_of(n))
            || (settings
                .seconds()
                .is_some_and(|s| self.measuring.watch.seconds() - self.saved >= s)
                && !self.checkpoints.is_busy())
    }

    fn save(&mut self) -> Result<(), LabError> {
        let Self { simulation, measuring, checkpoints, saved, .. } = self;
        let before = measuring.watch.seconds();
        checkpoints.save(simulation, Contents::State, Some(measuring.writer.metrics()))?;
        *saved = measuring.watch.seconds();
        measuring.overhead.checkpoints += *saved - before;
        measuring.overhead.saved += 1;
        Ok(())
    }

    /// What is saved and measured after the last round.
    fn end(&mut self, by: Option<Stop>) -> Result<Keep, LabError> {
        let Self { run, simulation, measuring, checkpoints, .. } = self;
        let before = measuring.watch.seconds();
        // Whatever is kept in the end, a run that ran out of time has to go on.
        let keep = match by {
            Some(Stop::Seconds) => Keep::State,
            _ => run.cell.experiment.checkpoint.keep,
        };
        match keep {
            Keep::State => {
                let metrics = Some(measuring.writer.metrics());
                checkpoints.save(simulation, Contents::State, metrics)?;
            }
            Keep::Model => checkpoints.save(simulation, Contents::Model, None)?,
            Keep::Nothing => {}
        }
        measuring.overhead.saved += u64::from(keep != Keep::Nothing);
        let saved = measuring.watch.seconds();
        measuring.overhead.checkpoints += saved - before;
        let at = (simulation.round(), simulation.skipped());
        let params = simulation.params().to_vec();
        measuring.last(&simulation.view(), &params, at, saved)?;
        Ok(keep)
    }

    /// Leaves `done.json`, and what is kept.
    fn finish(mut self, ending: Ending, keep: Keep) -> Result<Outcome, LabError> {
        let Run { cell, data, folder, host, .. } = *self.run;
        let experiment = &cell.experiment;
        let mut measuring = self.measuring;
        let before = measuring.watch.seconds();
        self.checkpoints.wait()?;
        folder.prune(keep)?;
        let seconds = measuring.watch.seconds();
        measuring.overhead.checkpoints += seconds - before;
        let Measuring { metrics, mut watch, evaluating, evaluated_here, overhead, .. } = measuring;
        let finals = Finals::of(&metrics, experiment.window(&experiment.method[0]));
        let done = Done {
            schema: SCHEMA,
            ending,
            rounds: experiment.rounds,
            final_accuracy: finals.as_ref().and_then(|f| f.accuracy),
            final_balanced_accuracy: finals.as_ref().and_then(|f| f.balanced_accuracy),
            last_accuracy: metrics.last().map(|m| m.accuracy).filter(|a| a.is_finite()),
            finals,
            estimator_bytes: self.estimator_bytes,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instruction_set: self.instruction_sets,
            data: data.name.clone(),
            data_digest: self.run.digest.clone(),
            resources: Resources {
                seconds,
                evaluation_seconds: evaluating,
                rounds_per_second: (self.simulation.round() - self.begun) as f64
                    / (watch.here() - evaluated_here).max(1e-9),
                threads: rayon::current_num_threads(),
                peak_memory: (host.peak_memory)(),
                overhead,
            },
        };
        folder.finish(&done)?;
        let path = folder.path().to_owned();
        Ok(Outcome { cell: cell.clone(), done, metrics, path, reused: false })
    }
}
