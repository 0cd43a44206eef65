//! From as many classes apart as there can be to a shuffle.

use super::error::PartitionError;
use super::kind::{Kind, enough, kind, setting};
use super::lists::Partition;
use super::rows::{Rows, sorted};
use super::variates::{even, shuffled};
use rand::Rng;

kind! {
    /// A share `gamma` of all samples is dealt as `iid` deals them, the others sorted by class and dealt in consecutive
    /// parts: 1 is i.i.d., 0 is as many classes apart as there can be. Sizes differ by at most one.
    ///
    /// # Requirements
    /// `0 ≤ gamma ≤ 1`, and at least as many samples as workers.
    ///
    /// # Cost
    /// One draw a sample.
    ///
    /// # Reference
    /// S. P. Karimireddy et al., *SCAFFOLD: stochastic controlled averaging for federated learning*, ICML 2020, where the
    /// share is called similarity.
    pub struct GammaSimilarity {
        /// The share that is dealt at random.
        pub gamma: f64
    }
}

impl Kind for GammaSimilarity {
    fn check(&self, _: Option<usize>, _: usize) -> Result<(), PartitionError> {
        let good = (0.0..=1.0).contains(&self.gamma);
        setting("gamma of gamma-similarity", "from 0 to 1", self.gamma, good)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        enough(&rows, workers, 1)?;
        let all = shuffled(rows.len(), rng);
        let (mixed, rest) = all.split_at((self.gamma * rows.len() as f64).round() as usize);
        let (rest, _) = sorted(rest.iter().copied(), rows.labels, rows.classes);
        // Who had one more of the first kind gets it of the second kind last.
        let first: Vec<usize> = even(mixed.len(), workers).collect();
        let more = mixed.len() % workers;
        let second: Vec<usize> = (0..workers)
            .map(|w| {
                let turn = (w + workers - more) % workers;
                rest.len() / workers + usize::from(turn < rest.len() % workers)
            })
            .collect();
        let mut dealt = Vec::with_capacity(all.len());
        let (mut a, mut b) = (0, 0);
        for (m, n) in first.iter().zip(&second) {
            dealt.extend_from_slice(&mixed[a..a + m]);
            dealt.extend_from_slice(&rest[b..b + n]);
            (a, b) = (a + m, b + n);
        }
        Ok(Partition::from_sizes(first.iter().zip(&second).map(|(m, n)| m + n), dealt))
    }
}
