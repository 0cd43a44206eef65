//! A shuffle, cut evenly.

use super::error::PartitionError;
use super::kind::{Kind, enough};
use super::lists::Partition;
use super::rows::Rows;
use super::variates::{even, shuffled};
use fl_core::{Described, Doc};
use rand::Rng;

/// All samples, shuffled, in parts whose sizes differ by at most one; the first workers have the larger ones.
///
/// # Requirements
/// At least as many samples as workers.
///
/// # Cost
/// One draw a sample.
///
/// # Reference
/// The paper's Section V: the data of the i.i.d. experiments are spread evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Iid;

impl Described for Iid {
    const DOC: Doc = Doc {
        lines: &[
            " All samples, shuffled, in parts whose sizes differ by at most one; the first workers have the larger ones.",
            "",
            " # Requirements",
            " At least as many samples as workers.",
            "",
            " # Cost",
            " One draw a sample.",
            "",
            " # Reference",
            " The paper's Section V: the data of the i.i.d. experiments are spread evenly.",
        ],
        settings: &[],
    };
}

impl Kind for Iid {
    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        enough(&rows, workers, 1)?;
        let indices = shuffled(rows.len(), rng);
        Ok(Partition::from_sizes(even(rows.len(), workers), indices))
    }
}
