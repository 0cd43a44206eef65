//! Progress: a bar on a terminal, plain lines elsewhere.

use fl_sim::{Cell, Ending, Event, Experiment, Outcome};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;

/// Shows how far an experiment is.
#[derive(Debug)]
pub(crate) struct Display {
    bar: ProgressBar,
    plain: bool,
    cells: usize,
    rounds: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Rounds done of each cell.
    done: Vec<u64>,
    finished: usize,
}

impl Display {
    pub(crate) fn new(experiment: &Experiment, cells: usize, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::new(cells as u64 * experiment.rounds);
        if quiet || !terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template(
            "{bar:24} {percent:>3}%  {prefix}  {per_sec:>14}  {eta:>4} left  {wide_msg}",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(format!("0/{cells} runs"));
        let state = Mutex::new(State { done: vec![0; cells], finished: 0 });
        Self { bar, plain: !quiet && !terminal, cells, rounds: experiment.rounds, state }
    }

    pub(crate) fn show(&self, event: &Event<'_>) {
        let Ok(mut state) = self.state.lock() else { return };
        match event {
            Event::Started { cell, .. } => {
                self.bar.set_message(format!("{} seed {}", cell.method.name, cell.seed));
            }
            Event::Preparing { cell, what, lasting, .. } => {
                let line = format!("{}: {what}", name(cell));
                match lasting {
                    true => self.print(&line),
                    false => self.bar.set_message(line),
                }
            }
            Event::Resumed { cell, round, .. } => {
                self.print(&format!("{}: goes on from round {round}", name(cell)));
            }
            Event::Notice { cell, message, .. } => {
                self.print(&format!("{}: {message}", name(cell)));
            }
            Event::Busy { cell, .. } => {
                self.print(&format!("{}: another process is at it", name(cell)));
            }
            Event::Progress { index, cell, metrics } => {
                state.done[*index] = metrics.round;
                self.bar.set_position(state.done.iter().sum());
                let (name, seed) = (&cell.method.name, cell.seed);
                self.bar
                    .set_message(format!("{name} seed {seed}: accuracy {:.3}", metrics.accuracy));
            }
            Event::Finished { index, outcome } => {
                state.done[*index] = self.rounds;
                state.finished += 1;
                self.bar.set_position(state.done.iter().sum());
                self.bar.set_prefix(format!("{}/{} runs", state.finished, self.cells));
                let line = line(outcome, state.finished, self.cells);
                self.print(&line);
            }
            _ => {}
        }
    }

    fn print(&self, line: &str) {
        if self.plain {
            crate::say::remark(line);
        } else {
            self.bar.println(line);
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn name(cell: &Cell) -> String {
    format!("{} seed {}", cell.method.name, cell.seed)
}

fn line(outcome: &Outcome, finished: usize, cells: usize) -> String {
    let (cell, done) = (&outcome.cell, &outcome.done);
    let accuracy = done.final_accuracy.map_or("–".to_owned(), |a| format!("{a:.4}"));
    let how = match (&done.ending, outcome.reused) {
        (Ending::Diverged { reason }, _) => reason.clone(),
        (Ending::Stopped { by, round }, _) => format!("ended at round {round}: {by}"),
        (Ending::Finished, true) => "finished before".to_owned(),
        (Ending::Finished, false) => {
            format!(
                "{:.0} rounds/s, {:.1} s",
                done.resources.rounds_per_second, done.resources.seconds
            )
        }
    };
    format!(
        "[{finished}/{cells}] {} seed {}: accuracy {accuracy} ({how})",
        cell.method.name, cell.seed
    )
}
