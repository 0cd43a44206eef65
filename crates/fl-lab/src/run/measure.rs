//! What is measured while a cell runs, and written down.

use super::begin::Run;
use super::cadence::Cadence;
use super::host::Event;
use super::stopwatch::Stopwatch;
use crate::LabError;
use crate::store::{Overhead, Stop, Timing, Writer};
use fl_core::Scalar;
use fl_sim::{Evaluator, Metrics, RoundView, View, full_pass, held_out, require_finite};

/// What measures a run, and writes its lines.
pub(super) struct Measuring<'a, T> {
    pub(super) run: &'a Run<'a>,
    pub(super) evaluator: Evaluator<'a, T>,
    /// On the triggered test rows, where a backdoor is planted.
    pub(super) backdoor: Option<Evaluator<'a, T>>,
    /// The samples that workers have set aside, where they have.
    pub(super) held_out: Option<&'a [Vec<u32>]>,
    pub(super) cadence: Cadence,
    pub(super) writer: Writer,
    pub(super) metrics: Vec<Metrics>,
    pub(super) watch: Stopwatch,
    /// Seconds that evaluations and full passes took, in all parts of the run and in this one.
    pub(super) evaluating: f64,
    pub(super) evaluated_here: f64,
    /// Sample gradients of earlier parts of the run.
    pub(super) gradients: u64,
    pub(super) overhead: Overhead,
    /// What ends the run, as its last line says.
    pub(super) ended: Option<Stop>,
}

impl<T: Scalar> Measuring<'_, T> {
    /// A line in the middle of a run, where one is due.
    pub(super) fn look(
        &mut self,
        seen: &RoundView<'_, T>,
        view: &View<'_, '_, T>,
    ) -> Result<(), LabError> {
        if !self.cadence.line(seen.round) {
            return Ok(());
        }
        let before = self.watch.seconds();
        seen.require_finite()?;
        let mut last = self.watch.seconds();
        self.overhead.telemetry += last - before;
        let mut lap = |watch: &mut Stopwatch| {
            let now = watch.seconds();
            let taken = now - last;
            last = now;
            taken
        };
        let mut line = self.evaluator.evaluate(view.objective(), seen.params, seen.round);
        self.overhead.evaluations += lap(&mut self.watch);
        self.evaluator.messages(&mut line, seen);
        self.overhead.telemetry += lap(&mut self.watch);
        if self.cadence.full(seen.round) {
            line.full = Some(full_pass(view, seen.params));
            self.overhead.full_passes += lap(&mut self.watch);
        }
        self.of_workers(&mut line, view, seen.params);
        self.overhead.evaluations += lap(&mut self.watch);
        self.write(line, before, view.gradients())?;
        // The round is finished first, so that what is measured last is what is kept.
        self.ended = self.run.cell.experiment.stop.at_end(&self.metrics);
        Ok(())
    }

    /// The line after the last round, whose measuring began at `before`.
    pub(super) fn last(
        &mut self,
        view: &View<'_, '_, T>,
        params: &[T],
        (round, skipped): (u64, Option<u64>),
        before: f64,
    ) -> Result<(), LabError> {
        require_finite(params, round)?;
        let mut line = self.evaluator.evaluate_all(view.objective(), params, round);
        self.of_workers(&mut line, view, params);
        line.skipped = skipped;
        let evaluated = self.watch.seconds();
        self.overhead.evaluations += evaluated - before;
        if self.cadence.full_at_end() {
            line.full = Some(full_pass(view, params));
            self.overhead.full_passes += self.watch.seconds() - evaluated;
        }
        self.write(line, before, view.gradients())
    }

    /// What is measured where it is asked for: the share of the triggered test rows that the model takes for what the backdoor
    /// wants, and accuracies on what workers have set aside.
    fn of_workers(&mut self, line: &mut Metrics, view: &View<'_, '_, T>, params: &[T]) {
        let success =
            |door: &mut Evaluator<'_, T>| door.evaluate(view.objective(), params, 0).accuracy;
        line.backdoor_success = self.backdoor.as_mut().map(success);
        line.held_out = self.held_out.and_then(|rows| held_out(view, params, rows));
    }

    /// Writes a line whose measuring began at `before`.
    fn write(&mut self, line: Metrics, before: f64, gradients: u64) -> Result<(), LabError> {
        let now = self.watch.seconds();
        self.evaluating += now - before;
        let (round, evaluation_seconds) = (line.round, self.evaluating);
        let gradients = Some(self.gradients + gradients);
        self.writer.line(&line, &Timing { round, seconds: now, evaluation_seconds, gradients })?;
        self.overhead.lines += self.watch.seconds() - now;
        let (index, cell) = (self.run.index, self.run.cell);
        (self.run.watch)(Event::Progress { index, cell, metrics: &line });
        self.metrics.push(line);
        self.evaluated_here += now - before;
        Ok(())
    }
}
