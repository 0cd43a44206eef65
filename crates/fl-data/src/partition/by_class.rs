//! Classes of their own for groups of workers.

use super::error::PartitionError;
use super::kind::{Kind, kind};
use super::lists::Partition;
use super::rows::{Rows, sorted};
use super::variates::even;
use rand::Rng;

kind! {
    /// Each class is shared by `workers_per_class` workers and by nobody else: workers `k·c … k·c + k − 1` hold class
    /// `c`, in consecutive parts in file order whose sizes differ by at most one, the larger ones first.
    ///
    /// # Requirements
    /// `workers = classes · workers_per_class`, and of each class at least one sample for each of its workers.
    ///
    /// # Cost
    /// One pass. No draws.
    ///
    /// # Reference
    /// The non-i.i.d. experiments of the paper (Section V): every three workers evenly share one class.
    pub struct ByClass {
        /// Workers that share a class.
        pub workers_per_class: usize
    }
}

impl Kind for ByClass {
    fn check(&self, classes: Option<usize>, workers: usize) -> Result<(), PartitionError> {
        let workers_per_class = self.workers_per_class;
        if workers_per_class == 0 {
            return Err(PartitionError::NoWorkersPerClass);
        }
        match classes {
            Some(classes) if classes.checked_mul(workers_per_class) != Some(workers) => {
                Err(PartitionError::WorkersPerClass { workers, classes, workers_per_class })
            }
            _ => Ok(()),
        }
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        _: usize,
        _: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let workers_per_class = self.workers_per_class;
        let (indices, starts) = sorted(0..rows.len() as u32, rows.labels, rows.classes);
        let sizes: Vec<usize> = starts.windows(2).map(|s| s[1] - s[0]).collect();
        if let Some(class) = sizes.iter().position(|&n| n < workers_per_class) {
            let samples = sizes[class];
            return Err(PartitionError::SmallClass { class, samples, workers_per_class });
        }
        let parts = sizes.iter().flat_map(|&n| even(n, workers_per_class));
        Ok(Partition::from_sizes(parts, indices))
    }

    fn workers_per_class(&self) -> Option<usize> {
        Some(self.workers_per_class)
    }
}
