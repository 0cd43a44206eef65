//! Who holds which samples, dealt once for all cells that agree on it.

use super::assign::{Assignment, Shares, assign_from, share_out};
use super::cell::Cell;
use crate::file::{ConfigError, DataConfig, ExperimentText};
use fl_data::Loaded;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Partitions that cells of one process share: dealt when the first of them needs it, dropped after the last.
#[derive(Debug, Default)]
pub struct AssignmentCache {
    held: Mutex<HashMap<String, Arc<Hand>>>,
    /// Cells that still want each.
    wanted: Mutex<HashMap<String, usize>>,
}

/// Partitions that are held without knowing who will want them.
const MOST_HELD: usize = 16;

/// One partition, dealt by whoever comes first while the others wait.
#[derive(Debug, Default)]
struct Hand(Mutex<Option<Shares>>);

impl AssignmentCache {
    /// For these cells, each of which will be dealt to and then [given back](Self::give_back) once.
    pub fn of<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Self {
        let mut wanted = HashMap::new();
        for cell in cells {
            *wanted.entry(key(cell)).or_insert(0) += 1;
        }
        Self { held: Mutex::default(), wanted: Mutex::new(wanted) }
    }

    /// As [`assign`](crate::assign()), but what another cell was dealt already is not dealt again.
    ///
    /// # Errors
    /// As [`assign`](crate::assign()).
    pub fn assign(
        &self,
        cell: &Cell,
        data: &Loaded,
        source: &ExperimentText,
    ) -> Result<Assignment, ConfigError> {
        let hand = self.hand(key(cell));
        let mut shares = lock(&hand.0);
        let shares = match &*shares {
            Some(shares) => shares.clone(),
            None => shares.insert(share_out(cell, data, source)?).clone(),
        };
        assign_from(shares, cell, data, source)
    }

    /// The place of a partition. Where nobody says who will want it, few are held.
    fn hand(&self, key: String) -> Arc<Hand> {
        let mut held = lock(&self.held);
        if held.len() >= MOST_HELD && lock(&self.wanted).is_empty() {
            held.clear();
        }
        Arc::clone(held.entry(key).or_default())
    }

    /// Says that a cell needs its share no longer.
    pub fn give_back(&self, cell: &Cell) {
        let key = key(cell);
        let mut wanted = lock(&self.wanted);
        if let Some(count) = wanted.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                lock(&self.held).remove(&key);
            }
        }
    }

    /// Partitions that are in memory.
    pub fn len(&self) -> usize {
        lock(&self.held).len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A panic elsewhere leaves maps whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What decides who holds which samples.
pub(crate) fn key(cell: &Cell) -> String {
    #[derive(Serialize)]
    struct Key<'a>(&'a DataConfig, usize, u64);
    let experiment = &cell.experiment;
    let key = Key(&experiment.data, experiment.federation.workers, cell.seed);
    serde_json::to_string(&key).expect("plain data")
}
