//! As many samples for everybody.

use super::error::PartitionError;
use super::kind::{Kind, kind};
use super::lists::Partition;
use super::rows::Rows;
use super::variates::{draw, even};
use rand::Rng;

kind! {
    /// As `of` divides, but everybody keeps as many samples as the smallest worker has, drawn uniformly from its own and
    /// kept in their order; the others are nobody's.
    ///
    /// # Requirements
    /// Those of `of`.
    ///
    /// # Cost
    /// One draw a sample, and those of `of`.
    ///
    /// # Reference
    /// The paper's Section II assumes the same number J of samples for all workers.
    pub struct EqualSizes<P> {
        /// How the samples are divided before.
        #[is = "any partition"]
        pub of: Box<P>
    }
}

impl<P: Kind> Kind for EqualSizes<P> {
    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let whole = self.of.divide(rows, workers, rng)?;
        let least = (0..workers).map(|w| whole.worker(w).len()).min().unwrap_or(0);
        let mut indices = Vec::with_capacity(workers * least);
        for w in 0..workers {
            indices.extend(draw(whole.worker(w), least, rng));
        }
        Ok(Partition::from_sizes(even(workers * least, workers), indices))
    }

    fn of(&self) -> Option<&dyn Kind> {
        Some(&*self.of)
    }
}
