//! Where a cell begins, or goes on.

use super::cadence::Cadence;
use super::host::{Event, Host};
use crate::LabError;
use crate::file::ExperimentText;
use crate::name::Number;
use crate::plan::{Assignment, AssignmentCache, Cell};
use crate::store::checkpoint::{self, Checkpoint, Contents};
use crate::store::{Folder, Optima, Resumed, Timing};
use fl_core::instruction_set;
use fl_data::Loaded;
use fl_sim::Simulation;
use std::path::Path;
use std::sync::Arc;

/// One cell on its way.
pub(super) struct Run<'a> {
    pub(super) index: usize,
    pub(super) cell: &'a Cell,
    pub(super) source: &'a ExperimentText,
    pub(super) data: &'a Loaded,
    pub(super) digest: String,
    pub(super) folder: &'a Folder,
    pub(super) optima: &'a Optima,
    pub(super) assignments: &'a AssignmentCache,
    pub(super) host: Host<'a>,
    pub(super) watch: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Where a run begins, or goes on.
pub(super) struct Begin {
    /// The round of the checkpoint that it goes on from.
    pub(super) resumed: Option<u64>,
    /// The instruction sets that took part so far.
    pub(super) before: Option<String>,
    pub(super) files: Resumed,
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
    pub(super) fn begin<T: Number>(
        &self,
        simulation: &mut Simulation<'_, T>,
    ) -> Result<Begin, LabError> {
        let mut refused = false;
        for name in [checkpoint::FILE, checkpoint::PREVIOUS] {
            let path = self.folder.path().join(name);
            match self.go_on(&path, simulation)? {
                Ok(Some(begin)) => return Ok(begin),
                Ok(None) => {}
                Err(reason) => {
                    refused = true;
                    self.notice(&format!("{} is not used: {reason}", path.display()));
                }
            }
        }
        if refused {
            self.notice("starts over at round 0");
        } else if self.folder.has_lines() {
            self.notice(
                "no checkpoint is there, although metrics.jsonl has lines: starts over at round 0",
            );
        }
        let writer = self.folder.begin(self.cell)?;
        let files = Resumed { writer, metrics: Vec::new(), spent: Timing::default() };
        Ok(Begin { resumed: None, before: None, files })
    }

    /// Goes on from a checkpoint, if there is one; the inner error says why it is not used.
    fn go_on<T: Number>(
        &self,
        path: &Path,
        simulation: &mut Simulation<'_, T>,
    ) -> Result<Result<Option<Begin>, String>, LabError> {
        let (cell, folder, asked) = (self.cell, self.folder, self.cell.experiment.rounds);
        let found = match Checkpoint::read(path) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Ok(None)),
            Err(reason) => return Ok(Err(reason)),
        };
        let stamp = &found.stamp;
        if stamp.cell != cell.hash {
            return Ok(Err(format!("it is of cell {}, and this is {}", stamp.cell, cell.hash)));
        }
        if stamp.data != self.digest {
            return Err(folder.other_data(&self.digest, &stamp.data));
        }
        if stamp.contents == Contents::Model {
            return Ok(Err("it holds the model alone (checkpoint.keep = \"model\")".to_owned()));
        }
        if stamp.round > asked {
            let (path, done) = (folder.path().to_owned(), stamp.round);
            return Err(LabError::Further { path, done, asked });
        }
        let known = (stamp.round, stamp.metrics.as_deref());
        let files = match folder.resume(cell, known, self.lines_before(stamp.round))? {
            Ok(files) => files,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Err(reason) = found.restore(simulation) {
            return Ok(Err(reason));
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
        Ok(Ok(Some(Begin { resumed: Some(round), before, files })))
    }

    /// x*, where it is measured against.
    pub(super) fn optimum(&self, assignment: &Assignment) -> Result<Option<Arc<[f64]>>, LabError> {
        if !self.cell.experiment.telemetry.optimum {
            return Ok(None);
        }
        let (index, cell) = (self.index, self.cell);
        let say = |what: &str, lasting| {
            (self.watch)(Event::Preparing { index, cell, what, lasting });
        };
        self.optima.of(cell, self.data, assignment, self.source, self.host.stop, &say).map(Some)
    }
}
