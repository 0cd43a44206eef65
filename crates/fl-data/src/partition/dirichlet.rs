//! Class shares from a Dirichlet distribution.

use super::error::PartitionError;
#[cfg(feature = "serde")]
use super::kind::defaults;
use super::kind::{Kind, enough, kind, positive, setting};
use super::lists::Partition;
use super::rows::{Rows, sorted};
use super::variates::{cuts, shuffle};
use rand::Rng;

kind! {
    /// Of each class, worker `w` holds the share `q_w`, where `q` is drawn for the class from a symmetric Dirichlet
    /// distribution on the workers. A small `alpha` gives a class to few workers, a large one to all evenly.
    ///
    /// Drawn anew until every worker has `min_size` samples, at most `tries` times; then it is an error that tells the
    /// best try. A class's samples are shuffled before they are cut; a list is in the order of classes.
    ///
    /// # Requirements
    /// `alpha > 0`, and at least `min_size` samples for each worker.
    ///
    /// # Cost
    /// One draw a sample, and some four a worker and class for each try. Shares are computed by logarithms, so that no
    /// `alpha` is too small for them.
    ///
    /// # Reference
    /// T.-M. H. Hsu, H. Qi, M. Brown, *Measuring the effects of non-identical data distribution for federated visual
    /// classification*, 2019; M. Yurochkin et al., ICML 2019, for the shares by class.
    pub struct Dirichlet {
        /// The concentration α.
        pub alpha: f64,
        /// The least number of samples of a worker. Default: 1.
        #[default = "defaults::one"]
        pub min_size: usize,
        /// Draws before giving up. Default: 100.
        #[default = "defaults::hundred"]
        pub tries: usize
    }
}

impl Kind for Dirichlet {
    fn check(&self, _: Option<usize>, _: usize) -> Result<(), PartitionError> {
        positive("alpha of dirichlet", self.alpha)?;
        setting("tries of dirichlet", "at least 1", self.tries as f64, self.tries > 0)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let (alpha, min_size, tries) = (self.alpha, self.min_size.max(1), self.tries);
        enough(&rows, workers, min_size)?;
        let (mut indices, starts) = sorted(0..rows.len() as u32, rows.labels, rows.classes);
        for class in starts.windows(2) {
            shuffle(&mut indices[class[0]..class[1]], rng);
        }
        let mut best = 0;
        for _ in 0..tries {
            let ends: Vec<Vec<usize>> =
                starts.windows(2).map(|s| cuts(s[1] - s[0], alpha, workers, rng)).collect();
            let size = |w: usize| ends.iter().map(|e| e[w + 1] - e[w]).sum::<usize>();
            let smallest = (0..workers).map(size).min().unwrap_or(0);
            best = best.max(smallest);
            if smallest < min_size {
                continue;
            }
            let mut dealt = Vec::with_capacity(indices.len());
            for w in 0..workers {
                for (ends, start) in ends.iter().zip(&starts) {
                    dealt.extend_from_slice(&indices[start + ends[w]..start + ends[w + 1]]);
                }
            }
            return Ok(Partition::from_sizes((0..workers).map(size), dealt));
        }
        Err(PartitionError::Tries { tries, alpha, min_size, best })
    }
}
