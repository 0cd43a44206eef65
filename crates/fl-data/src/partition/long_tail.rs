//! Each class rarer than the one before.

use super::error::PartitionError;
use super::kind::{Kind, kind, setting};
use super::lists::Partition;
use super::rows::{Groups, Rows, sorted};
use super::variates::draw;
use rand::Rng;

kind! {
    /// Of class `c` the share `ratio^(−c / (classes − 1))` is kept, at least one sample, drawn uniformly: the last class
    /// is `ratio` times as rare as it was. What is kept is divided as `of` says; the others are nobody's.
    ///
    /// # Requirements
    /// `ratio ≥ 1`, and those of `of`.
    ///
    /// # Cost
    /// One draw a sample, and those of `of`.
    ///
    /// # Reference
    /// Y. Cui et al., *Class-balanced loss based on effective number of samples*, CVPR 2019.
    pub struct LongTail<P> {
        /// How many times rarer the last class becomes.
        pub ratio: f64,
        /// How the kept samples are divided. Default: `iid`.
        #[is = "any partition"]
        pub of: Box<P> = default
    }
}

impl<P: Kind> Kind for LongTail<P> {
    fn check(&self, classes: Option<usize>, workers: usize) -> Result<(), PartitionError> {
        let good = self.ratio >= 1.0 && self.ratio.is_finite();
        setting("ratio of long-tail", "a number of at least 1", self.ratio, good)?;
        self.of.check(classes, workers)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let kept = thin(rows, self.ratio, rng);
        let labels: Vec<u32> = kept.iter().map(|&i| rows.labels[i as usize]).collect();
        let pick = |all: &[u32]| kept.iter().map(|&i| all[i as usize]).collect::<Vec<_>>();
        let groups = rows.groups.map(|groups| (pick(groups.index), groups.count));
        let places = rows.places.map_or_else(|| kept.clone(), pick);
        let own = Rows {
            labels: &labels,
            groups: groups.as_ref().map(|(index, count)| Groups { index, count: *count }),
            places: Some(&places),
            ..rows
        };
        Ok(self.of.divide(own, workers, rng)?.renamed(&kept))
    }

    fn of(&self) -> Option<&dyn Kind> {
        Some(&*self.of)
    }
}

/// The samples that are kept, in file order.
fn thin(rows: Rows<'_>, ratio: f64, rng: &mut dyn Rng) -> Vec<u32> {
    let (indices, starts) = sorted(0..rows.len() as u32, rows.labels, rows.classes);
    let mut kept = Vec::new();
    for (class, ends) in starts.windows(2).enumerate() {
        let list = &indices[ends[0]..ends[1]];
        let share = ratio.powf(-(class as f64) / (rows.classes.max(2) - 1) as f64);
        let least = usize::from(!list.is_empty());
        kept.extend(draw(list, ((share * list.len() as f64) as usize).max(least), rng));
    }
    kept.sort_unstable();
    kept
}
