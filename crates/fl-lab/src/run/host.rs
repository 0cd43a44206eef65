//! What a program lends to runs, how it asks for them, and what it is told.

use crate::LabError;
use crate::plan::Cell;
use crate::store::Outcome;
use fl_sim::Metrics;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
