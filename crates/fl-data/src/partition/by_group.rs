//! Rows of a group stay together.

use super::error::PartitionError;
use super::kind::{Kind, kind};
use super::lists::Partition;
use super::rows::Rows;
use rand::Rng;

kind! {
    /// All rows of a group are at one worker: a writer, a hospital, a machine. Groups are told by the column that `group`
    /// names in a file of comma-separated values, or by the `qid` of LIBSVM's text. With as many workers as groups each has
    /// one, in the order of the groups' names; with fewer, the largest group left goes to the worker with the fewest rows,
    /// ties to the first.
    ///
    /// # Requirements
    /// The group of each row, and at least as many groups as workers.
    ///
    /// # Cost
    /// One pass, and `groups · workers`. No draws.
    ///
    /// # Reference
    /// S. Caldas et al., *LEAF: a benchmark for federated settings*, 2018, where data are divided by writer, user or device.
    pub struct ByGroup {}
}

impl Kind for ByGroup {
    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        _: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let Some(groups) = rows.groups else { return Err(PartitionError::NoGroups) };
        let mut sizes = vec![0usize; groups.count];
        groups.index.iter().for_each(|&g| sizes[g as usize] += 1);
        // In a part of the data not every group need occur.
        let mut order: Vec<usize> = (0..groups.count).filter(|&g| sizes[g] > 0).collect();
        if order.len() < workers {
            return Err(PartitionError::FewGroups { workers, groups: order.len() });
        }
        let mut owner = vec![0; groups.count];
        if order.len() == workers {
            order.iter().enumerate().for_each(|(worker, &group)| owner[group] = worker);
        } else {
            order.sort_by_key(|&group| std::cmp::Reverse(sizes[group]));
            let mut held = vec![0usize; workers];
            for group in order {
                let least = (0..workers).min_by_key(|&w| held[w]).unwrap_or(0);
                owner[group] = least;
                held[least] += sizes[group];
            }
        }
        let mut lists = vec![Vec::new(); workers];
        for (row, &group) in (0..).zip(groups.index) {
            lists[owner[group as usize]].push(row);
        }
        Partition::from_lists(&lists, rows.len())
    }
}
