//! Shards of classes, dealt at random.

use super::error::PartitionError;
use super::kind::{Kind, kind, setting};
use super::lists::Partition;
use super::rows::{Rows, sorted};
use super::variates::{even, shuffle};
use rand::Rng;
use std::ops::Range;

kind! {
    /// Every worker holds samples of `classes_per_worker` classes. Each class is cut, in file order, into shards as
    /// even as can be. There are `workers · classes_per_worker` shards in all, and the largest is as small as can be.
    /// Shards are dealt at random. A worker gets at most one of a class as long as the class has no more shards than
    /// there are workers.
    ///
    /// # Requirements
    /// At least one shard for each class that occurs, and one sample for each shard.
    ///
    /// # Cost
    /// Two draws a shard.
    ///
    /// # Reference
    /// H. B. McMahan et al., *Communication-efficient learning of deep networks from decentralized data*, AISTATS 2017,
    /// where shards may straddle two classes.
    pub struct Shards {
        /// Shards that a worker gets.
        pub classes_per_worker: usize
    }
}

impl Kind for Shards {
    fn check(&self, _: Option<usize>, _: usize) -> Result<(), PartitionError> {
        let n = self.classes_per_worker;
        setting("classes-per-worker of shards", "at least 1", n as f64, n > 0)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let classes_per_worker = self.classes_per_worker;
        let (samples, classes) = (rows.len(), rows.classes);
        let (indices, starts) = sorted(0..samples as u32, rows.labels, classes);
        let sizes: Vec<usize> = starts.windows(2).map(|s| s[1] - s[0]).collect();
        let occur = sizes.iter().filter(|&&n| n > 0).count();
        let total = workers.checked_mul(classes_per_worker).filter(|&n| n <= samples);
        let Some(total) = total else {
            let each = classes_per_worker;
            return Err(PartitionError::TooFewSamples { workers, each, samples });
        };
        if total < occur {
            return Err(PartitionError::FewShards { workers, classes_per_worker, classes: occur });
        }
        let counts = numbers(&sizes, total);
        // Classes in random order, so that which meet at a worker is not a matter of their numbers.
        let mut order: Vec<u32> = (0..classes as u32).collect();
        shuffle(&mut order, rng);
        let mut pieces = Vec::with_capacity(total);
        for &class in &order {
            let class = class as usize;
            let mut start = starts[class];
            for size in even(sizes[class], counts[class].max(1)).take(counts[class]) {
                pieces.push((class, start..start + size));
                start += size;
            }
        }
        let hands = deal(&pieces, workers, rng);
        let sizes = hands.iter().map(|hand| hand.iter().map(|(_, r)| r.len()).sum());
        let dealt = hands.iter().flatten().flat_map(|(_, range)| &indices[range.clone()]);
        Ok(Partition::from_sizes(sizes, dealt.copied().collect()))
    }
}

/// Shards of each class of these sizes: one for each, and each further one to the class whose shards are largest; ties
/// to the lowest class.
fn numbers(sizes: &[usize], total: usize) -> Vec<usize> {
    let mut counts: Vec<usize> = sizes.iter().map(|&n| usize::from(n > 0)).collect();
    let occur: usize = counts.iter().sum();
    for _ in occur..total {
        let mut best = 0;
        for c in 1..sizes.len() {
            // n_c / k_c above n_b / k_b; a class without samples never is.
            let (c_size, best_size) = (sizes[c] as u128, sizes[best] as u128);
            if c_size * counts[best] as u128 > best_size * counts[c] as u128 || best_size == 0 {
                best = c;
            }
        }
        counts[best] += 1;
    }
    counts
}

/// Deals shards in turns of one for everybody. Only the class that a turn begins with may have been dealt from before, so
/// its shards go to those that have none of it.
fn deal(
    pieces: &[(usize, Range<usize>)],
    workers: usize,
    rng: &mut dyn Rng,
) -> Vec<Vec<(usize, Range<usize>)>> {
    let mut hands: Vec<Vec<(usize, Range<usize>)>> = vec![Vec::new(); workers];
    for turn in pieces.chunks(workers) {
        let mut players: Vec<u32> = (0..workers as u32).collect();
        shuffle(&mut players, rng);
        let first = turn[0].0;
        let holds = |w: u32| hands[w as usize].iter().any(|(class, _)| *class == first);
        let (have, lack): (Vec<u32>, Vec<u32>) = players.into_iter().partition(|&w| holds(w));
        for (player, piece) in lack.into_iter().chain(have).zip(turn) {
            hands[player as usize].push(piece.clone());
        }
    }
    hands
}
