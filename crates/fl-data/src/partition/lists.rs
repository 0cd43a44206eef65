//! Who holds what.

use super::error::PartitionError;

/// Lists of sample indices, one a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Worker `w` holds `indices[offsets[w]..offsets[w + 1]]`.
    offsets: Vec<usize>,
    indices: Vec<u32>,
}

impl Partition {
    /// A partition from lists made elsewhere. A sample may be in several lists or in none.
    ///
    /// # Errors
    /// When there are no workers, one has no samples, or an index is not below `samples`.
    pub fn from_lists(lists: &[Vec<u32>], samples: usize) -> Result<Self, PartitionError> {
        if lists.is_empty() {
            return Err(PartitionError::NoWorkers);
        }
        for (worker, list) in lists.iter().enumerate() {
            if list.is_empty() {
                return Err(PartitionError::EmptyWorker { worker });
            }
            if let Some(&index) = list.iter().find(|&&i| i as usize >= samples) {
                return Err(PartitionError::Index { worker, index, samples });
            }
        }
        let ends = lists.iter().scan(0, |end, list| {
            *end += list.len();
            Some(*end)
        });
        Ok(Self { offsets: [0].into_iter().chain(ends).collect(), indices: lists.concat() })
    }

    /// Consecutive parts of `indices`, one for each of `sizes`.
    pub(super) fn from_sizes(sizes: impl Iterator<Item = usize>, indices: Vec<u32>) -> Self {
        let ends = sizes.scan(0, |end, n| {
            *end += n;
            Some(*end)
        });
        let offsets: Vec<_> = [0].into_iter().chain(ends).collect();
        debug_assert_eq!(offsets.last(), Some(&indices.len()));
        Self { offsets, indices }
    }

    /// Calls every sample by another number: `names[i]` for `i`.
    pub(super) fn renamed(mut self, names: &[u32]) -> Self {
        self.indices.iter_mut().for_each(|i| *i = names[*i as usize]);
        self
    }

    /// Number of workers.
    pub fn workers(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The samples of worker `w`.
    ///
    /// # Panics
    /// When `w` is not below [`workers`](Self::workers).
    pub fn worker(&self, w: usize) -> &[u32] {
        &self.indices[self.offsets[w]..self.offsets[w + 1]]
    }

    /// Samples in all lists together.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether no worker has a sample.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// How many samples of each class each worker holds: `workers × classes`, row-major.
    ///
    /// # Panics
    /// When `labels` are not those of the set that was divided, or one is not below `classes`.
    pub fn class_counts(&self, labels: &[u32], classes: usize) -> Vec<usize> {
        let mut counts = vec![0; self.workers() * classes];
        for w in 0..self.workers() {
            let row = &mut counts[w * classes..(w + 1) * classes];
            for &i in self.worker(w) {
                row[labels[i as usize] as usize] += 1;
            }
        }
        counts
    }

    /// Whether each of `0 … samples − 1` is in exactly one list.
    pub fn uses_each_once(&self, samples: usize) -> bool {
        let mut seen = vec![false; samples];
        self.indices.len() == samples
            && self.indices.iter().all(|&i| {
                let place = seen.get_mut(i as usize);
                place.is_some_and(|seen| !std::mem::replace(seen, true))
            })
    }
}
