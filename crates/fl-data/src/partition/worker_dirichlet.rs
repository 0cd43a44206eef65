//! A mixture of classes for each worker, from a Dirichlet distribution.

use super::error::PartitionError;
#[cfg(feature = "serde")]
use super::kind::defaults;
use super::kind::{Kind, enough, kind, positive};
use super::lists::Partition;
use super::rows::{Rows, sorted};
use super::variates::{even, shares, shuffle, unit};
use rand::Rng;

kind! {
    /// Worker `w` holds `sizes[w]` samples, whose classes follow a mixture of its own: shares of the classes drawn from a
    /// symmetric Dirichlet distribution. A small `alpha` gives a worker few classes, a large one all evenly.
    ///
    /// Each sample's class is drawn from the mixture among the classes that have samples left, and the sample itself without
    /// replacement. Samples beyond the sum of the sizes are nobody's.
    ///
    /// # Requirements
    /// `alpha > 0`; a size of at least 1 for each worker, which together are at most the number of samples.
    ///
    /// # Cost
    /// Two draws a sample, four a worker and class, and `classes` operations a sample.
    ///
    /// # Reference
    /// T.-M. H. Hsu, H. Qi, M. Brown, *Measuring the effects of non-identical data distribution for federated visual
    /// classification*, 2019.
    pub struct WorkerDirichlet {
        /// The concentration α.
        pub alpha: f64,
        /// Samples of each worker; all samples as evenly as can be if left out.
        #[default = "defaults::none"]
        pub sizes: Vec<usize>
    }
}

impl Kind for WorkerDirichlet {
    fn check(&self, _: Option<usize>, workers: usize) -> Result<(), PartitionError> {
        positive("alpha of worker-dirichlet", self.alpha)?;
        if self.sizes.is_empty() {
            return Ok(());
        }
        if self.sizes.len() != workers {
            return Err(PartitionError::Sizes { workers, sizes: self.sizes.len() });
        }
        match self.sizes.iter().position(|&n| n == 0) {
            Some(worker) => Err(PartitionError::EmptyWorker { worker }),
            None => Ok(()),
        }
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        enough(&rows, workers, 1)?;
        let sizes: Vec<usize> = match self.sizes.as_slice() {
            [] => even(rows.len(), workers).collect(),
            sizes => sizes.to_vec(),
        };
        let wanted = sizes.iter().try_fold(0, |sum: usize, &n| sum.checked_add(n));
        let Some(wanted) = wanted.filter(|n| *n <= rows.len()) else {
            let wanted = wanted.unwrap_or(usize::MAX);
            return Err(PartitionError::TooMuch { wanted, samples: rows.len() });
        };
        let (mut indices, starts) = sorted(0..rows.len() as u32, rows.labels, rows.classes);
        let mut pools: Vec<&[u32]> = Vec::with_capacity(rows.classes);
        for class in starts.windows(2) {
            shuffle(&mut indices[class[0]..class[1]], rng);
        }
        pools.extend(starts.windows(2).map(|class| &indices[class[0]..class[1]]));
        let mut dealt = Vec::with_capacity(wanted);
        for &size in &sizes {
            let mixture = shares(self.alpha, rows.classes, rng);
            for _ in 0..size {
                let class = draw(&mixture, &pools, rng);
                if let Some((&first, rest)) = pools[class].split_first() {
                    dealt.push(first);
                    pools[class] = rest;
                }
            }
        }
        Ok(Partition::from_sizes(sizes.into_iter(), dealt))
    }
}

/// A class from a mixture, of those that have samples left; from these by their numbers where the mixture has none of them.
fn draw(mixture: &[f64], pools: &[&[u32]], rng: &mut dyn Rng) -> usize {
    let here = |weight: &dyn Fn(usize) -> f64| -> f64 {
        (0..pools.len()).filter(|&c| !pools[c].is_empty()).map(weight).sum()
    };
    let own = here(&|c| mixture[c]);
    let weight = |c: usize| if own > 0.0 { mixture[c] } else { pools[c].len() as f64 };
    let mut left = unit(rng) * if own > 0.0 { own } else { here(&weight) };
    let mut last = 0;
    for class in (0..pools.len()).filter(|&c| !pools[c].is_empty() && weight(c) > 0.0) {
        last = class;
        left -= weight(class);
        if left <= 0.0 {
            break;
        }
    }
    last
}
