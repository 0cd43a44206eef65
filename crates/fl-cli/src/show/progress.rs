//! Progress: bars on a terminal, plain lines elsewhere, or JSON for programs.

use super::words::duration;
use crate::host::say;
use fl_lab::{Ending, Event, Outcome, Tally, Task};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::io::IsTerminal;
use std::sync::Mutex;

/// Shows how far some cells are.
#[derive(Debug)]
pub(crate) struct Display {
    how: How,
    /// What each cell is called, and its rounds.
    cells: Vec<(String, u64)>,
    /// Their folders.
    folders: Vec<String>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Not at all.
    Quiet,
    /// A bar for all rounds, and one for each cell that is running.
    Bars,
    /// A line when something ends.
    Lines,
    /// A JSON object a line, on standard output.
    Json,
}

#[derive(Debug)]
struct State {
    all: ProgressBar,
    bars: MultiProgress,
    /// The bars of the cells that are running.
    running: BTreeMap<usize, ProgressBar>,
    /// Rounds done of each cell.
    done: Vec<u64>,
    finished: usize,
}

/// A bar's looks; `{rate}` is rounds a second.
fn style(template: &str) -> ProgressStyle {
    let key = |bar: &ProgressState, to: &mut dyn fmt::Write| {
        let _ = to.write_str(&rate(bar.per_sec()));
    };
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", key)
}

/// Rounds a second, in few characters.
fn rate(rounds: f64) -> String {
    format!("{rounds:.*}/s", usize::from(rounds < 10.0))
}

/// Bars of cells that are shown at once.
const BARS: usize = 8;

impl Display {
    pub(crate) fn new(names: Vec<String>, tasks: &[Task<'_>], quiet: bool, json: bool) -> Self {
        let how = match (json, quiet, std::io::stderr().is_terminal()) {
            (true, _, _) => How::Json,
            (_, true, _) => How::Quiet,
            (_, _, true) => How::Bars,
            _ => How::Lines,
        };
        let rounds = tasks.iter().map(|task| task.cell.experiment.rounds);
        let cells: Vec<(String, u64)> = names.into_iter().zip(rounds).collect();
        let bars = MultiProgress::new();
        if how != How::Bars {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        let all = bars.add(ProgressBar::new(cells.iter().map(|(_, rounds)| rounds).sum()));
        all.set_style(style(
            "{bar:14} {percent:>3}%  {rate:>9}  {eta:>4} left  {prefix}  {wide_msg}",
        ));
        all.set_prefix(format!("0/{} runs", cells.len()));
        let done = vec![0; cells.len()];
        let state = State { all, bars, running: BTreeMap::new(), done, finished: 0 };
        let folders = tasks.iter().map(|task| task.cell.folder()).collect();
        Self { how, cells, folders, state: Mutex::new(state) }
    }

    pub(crate) fn show(&self, event: &Event<'_>) {
        let Ok(mut state) = self.state.lock() else { return };
        if self.how == How::Json {
            if let Event::Finished { .. } = event {
                state.finished += 1;
            }
            if let Some(object) = self.object(event, state.finished) {
                say::result(object);
            }
            return;
        }
        match event {
            Event::Started { index, .. } if self.how == How::Bars && state.running.len() < BARS => {
                self.begin(&mut state, *index);
            }
            Event::Preparing { index, what, lasting, .. } => {
                let line = format!("{}: {what}", self.cells[*index].0);
                match lasting {
                    true => self.print(&state, &line),
                    false => state.all.set_message(line),
                }
            }
            Event::Resumed { index, round, .. } => {
                state.advance(*index, *round);
                let line = format!("{}: goes on from round {round}", self.cells[*index].0);
                self.print(&state, &line);
            }
            Event::Notice { index, message, .. } => {
                self.notice(&state, &format!("{}: {message}", self.cells[*index].0));
            }
            Event::Busy { index, .. } => {
                let line = format!("{}: another process is at it", self.cells[*index].0);
                self.print(&state, &line);
            }
            Event::Progress { index, metrics, .. } => {
                state.advance(*index, metrics.round);
                if let Some(bar) = state.running.get(index) {
                    let what = if metrics.r_squared.is_some() { "R²" } else { "accuracy" };
                    bar.set_prefix(format!("{what} {:.3}", metrics.score()));
                }
            }
            Event::Finished { index, outcome } => {
                state.advance(*index, self.cells[*index].1);
                state.end(*index);
                state.finished += 1;
                state.all.set_prefix(format!("{}/{} runs", state.finished, self.cells.len()));
                let line = self.line(*index, outcome, state.finished);
                self.print(&state, &line);
            }
            Event::Failed { index, error, .. } => {
                state.end(*index);
                self.print(&state, &format!("{}: failed: {error}", self.cells[*index].0));
            }
            _ => {}
        }
    }

    /// What a run could not go on from is lost work, which is more than progress: told even where that is not.
    fn notice(&self, state: &State, line: &str) {
        match self.how {
            How::Quiet => say::remark(line),
            _ => self.print(state, line),
        }
    }

    /// A bar for a run.
    fn begin(&self, state: &mut State, index: usize) {
        let (name, rounds) = &self.cells[index];
        let bar = state.bars.add(ProgressBar::new(*rounds));
        // The accuracy stands before the name, so that it is seen however narrow the terminal is.
        let cell = "  {bar:12} {percent:>3}%  {rate:>9}  {eta:>4} left  {prefix:>14}  {wide_msg}";
        bar.set_style(style(cell));
        bar.set_message(name.clone());
        state.running.insert(index, bar);
    }

    fn print(&self, state: &State, line: &str) {
        match self.how {
            How::Lines => say::remark(line),
            How::Bars => {
                let _ = state.bars.println(line);
            }
            How::Quiet | How::Json => {}
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        if let Ok(state) = self.state.lock() {
            state.all.finish_and_clear();
            let _ = state.bars.clear();
        }
    }

    /// The last word, for programs.
    pub(crate) fn end(&self, tally: &Tally, seconds: f64) {
        if self.how == How::Json {
            say::result(json!({
                "event": "end",
                "run": tally.run,
                "found": tally.found,
                "busy": tally.busy,
                "diverged": tally.diverged,
                "stopped": tally.stopped,
                "failed": tally.failed.len(),
                "seconds": seconds,
            }));
        }
    }

    fn line(&self, index: usize, outcome: &Outcome, finished: usize) -> String {
        let done = &outcome.done;
        let finals = outcome.finals();
        let what = match finals.as_ref().and_then(|f| f.r_squared) {
            Some(r) => format!("R² {r:.4}"),
            None => {
                let accuracy = done.final_accuracy.map_or("–".to_owned(), |a| format!("{a:.4}"));
                format!("accuracy {accuracy}")
            }
        };
        let how = match (&done.ending, outcome.reused) {
            (Ending::Diverged { reason }, _) => reason.clone(),
            (Ending::Stopped { by, round }, _) => format!("ended at round {round}: {by}"),
            (Ending::Finished, true) => "finished before".to_owned(),
            (Ending::Finished, false) => {
                let resources = &done.resources;
                let speed = resources.rounds_per_second;
                format!("{speed:.0} rounds/s, {}", duration(resources.seconds))
            }
        };
        let (name, cells) = (&self.cells[index].0, self.cells.len());
        format!("[{finished}/{cells}] {name}: {what} ({how})")
    }

    /// What a run came to, for programs.
    fn finished(&self, outcome: &Outcome, finished: usize) -> Value {
        let done = &outcome.done;
        let (ending, reason) = match &done.ending {
            Ending::Diverged { reason } => ("diverged", Some(reason.clone())),
            Ending::Stopped { by, round } => ("stopped", Some(format!("at round {round}: {by}"))),
            Ending::Finished => ("finished", None),
        };
        json!({
            "ending": ending,
            "reason": reason,
            "found": outcome.reused,
            "final_accuracy": done.final_accuracy,
            "seconds": done.resources.seconds,
            "rounds_per_second": done.resources.rounds_per_second,
            "done": finished,
            "of": self.cells.len(),
        })
    }

    /// An event for programs.
    fn object(&self, event: &Event<'_>, finished: usize) -> Option<Value> {
        let of = |index: usize, event: &str| {
            let (name, rounds) = &self.cells[index];
            json!({ "event": event, "cell": self.folders[index], "name": name, "rounds": rounds })
        };
        let with = |mut object: Value, more: Value| {
            if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
                object.extend(more);
            }
            object
        };
        Some(match event {
            Event::Started { index, .. } => of(*index, "started"),
            Event::Preparing { index, what, .. } => {
                with(of(*index, "preparing"), json!({ "what": what }))
            }
            Event::Resumed { index, round, .. } => {
                with(of(*index, "resumed"), json!({ "round": round }))
            }
            Event::Notice { index, message, .. } => {
                with(of(*index, "notice"), json!({ "message": message }))
            }
            Event::Busy { index, .. } => of(*index, "busy"),
            Event::Progress { index, metrics, .. } => with(
                of(*index, "progress"),
                json!({
                    "round": metrics.round,
                    "accuracy": metrics.accuracy,
                    "balanced_accuracy": metrics.balanced_accuracy,
                    "test_loss": metrics.test_loss,
                }),
            ),
            Event::Finished { index, outcome } => {
                with(of(*index, "finished"), self.finished(outcome, finished))
            }
            Event::Failed { index, error, .. } => {
                with(of(*index, "failed"), json!({ "reason": error.to_string() }))
            }
            _ => return None,
        })
    }
}

impl State {
    fn advance(&mut self, index: usize, round: u64) {
        self.done[index] = round;
        self.all.set_position(self.done.iter().sum());
        if let Some(bar) = self.running.get(&index) {
            bar.set_position(round);
        }
    }

    fn end(&mut self, index: usize) {
        if let Some(bar) = self.running.remove(&index) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_rate_takes_few_characters() {
        let rates = [0.0, 0.25, 67_701.307_652_588_67].map(super::rate);
        assert_eq!(rates, ["0.0/s", "0.2/s", "67701/s"]);
    }
}
