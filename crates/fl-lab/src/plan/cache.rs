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
pub struct AssignmentCache(Mutex<Table>);

/// Both maps are behind one lock, so that nobody holds one of them and waits for the other.
#[derive(Debug, Default)]
struct Table {
    held: HashMap<String, Arc<Hand>>,
    /// Cells that still want each.
    wanted: HashMap<String, usize>,
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
        Self(Mutex::new(Table { held: HashMap::new(), wanted }))
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
        let mut table = lock(&self.0);
        if table.held.len() >= MOST_HELD && table.wanted.is_empty() {
            table.held.clear();
        }
        Arc::clone(table.held.entry(key).or_default())
    }

    /// Says that a cell needs its share no longer.
    pub fn give_back(&self, cell: &Cell) {
        let key = key(cell);
        let Table { held, wanted } = &mut *lock(&self.0);
        if let Some(count) = wanted.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&key);
            }
        }
    }

    /// Partitions that are in memory.
    pub fn len(&self) -> usize {
        lock(&self.0).held.len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Experiment;
    use std::sync::mpsc;
    use std::time::Duration;

    /// Many cells that take a partition while others give theirs back, with more partitions than are held unasked.
    #[test]
    fn taking_and_giving_back_wait_for_nobody() {
        let seeds: Vec<String> = (0..100_000).map(|seed| seed.to_string()).collect();
        let text = format!(
            "name = \"cache\"\nrounds = 1\nseeds = [{}]\ndata = {{ set = \"digits\", partition = \"iid\" }}\n\
             federation = {{ workers = 3, byzantine.count = 0, attack = \"none\" }}\nmodel.softmax.l2 = 0.01\n\
             train = {{ batch = 1, step = 1.0 }}\nmethod = [{{ name = \"mean\", rule = \"mean\" }}]\n",
            seeds.join(", ")
        );
        let (experiment, _) = Experiment::parse(&text, "cache.toml", &[]).expect("an experiment");
        let cells: Arc<Vec<Cell>> = Arc::new(crate::cells(&experiment));
        let cache = Arc::new(AssignmentCache::of(&*cells));
        // Twenty partitions stay.
        cells[..20].iter().for_each(|cell| drop(cache.hand(key(cell))));
        let (done, all) = mpsc::channel();
        for thread in 0..4 {
            let (cells, cache, done) = (Arc::clone(&cells), Arc::clone(&cache), done.clone());
            std::thread::spawn(move || {
                for cell in cells[20..].iter().skip(thread).step_by(4) {
                    drop(cache.hand(key(cell)));
                    cache.give_back(cell);
                }
                done.send(()).expect("the test waits");
            });
        }
        for _ in 0..4 {
            all.recv_timeout(Duration::from_secs(120)).expect("a thread waits for another");
        }
        assert_eq!(cache.len(), 20);
    }
}
