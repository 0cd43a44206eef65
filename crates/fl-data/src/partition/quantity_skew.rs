//! A shuffle, cut unevenly.

use super::error::PartitionError;
#[cfg(feature = "serde")]
use super::kind::defaults;
use super::kind::{Kind, enough, kind, positive};
use super::lists::Partition;
use super::rows::Rows;
use super::variates::{cuts, shuffled};
use rand::Rng;

kind! {
    /// All samples, shuffled, in parts of uneven sizes: everybody has `min_size`, and the others are shared as one draw
    /// from a symmetric Dirichlet distribution says.
    ///
    /// # Requirements
    /// `alpha > 0`, and `min_size` samples for each worker.
    ///
    /// # Cost
    /// One draw a sample.
    ///
    /// # Reference
    /// Q. Li et al., *Federated learning on non-IID data silos: an experimental study*, ICDE 2022.
    pub struct QuantitySkew {
        /// The concentration α: small ones make some workers large.
        pub alpha: f64,
        /// The least number of samples of a worker. Default: 1.
        #[default = "defaults::one"]
        pub min_size: usize
    }
}

impl Kind for QuantitySkew {
    fn check(&self, _: Option<usize>, _: usize) -> Result<(), PartitionError> {
        positive("alpha of quantity-skew", self.alpha)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let least = self.min_size.max(1);
        enough(&rows, workers, least)?;
        let indices = shuffled(rows.len(), rng);
        let ends = cuts(rows.len() - workers * least, self.alpha, workers, rng);
        let sizes = ends.windows(2).map(|e| least + e[1] - e[0]);
        Ok(Partition::from_sizes(sizes, indices))
    }
}
