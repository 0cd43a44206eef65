//! What is divided.

use crate::shape::Loaded;

/// The rows that are divided among workers.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Their classes.
    pub labels: &'a [u32],
    /// Number of classes.
    pub classes: usize,
    /// The groups that they belong to, where that is known.
    pub groups: Option<Groups<'a>>,
    /// Where each of them is in its file, ascending, where that is not its place here.
    pub places: Option<&'a [u32]>,
}

/// The group of each row.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    /// Below `count`, one for each row.
    pub index: &'a [u32],
    /// Number of groups.
    pub count: usize,
}

impl<'a> From<&'a Loaded> for Rows<'a> {
    /// The training rows.
    fn from(data: &'a Loaded) -> Self {
        let train = &data.split.train;
        let groups = data.groups.as_ref();
        Self {
            labels: train.labels(),
            classes: train.classes(),
            groups: groups.map(|g| Groups { index: &g.index, count: g.names.len() }),
            places: data.places.as_deref(),
        }
    }
}

impl Rows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// Indices sorted by class, in their own order inside each, and where each class begins, and one more.
pub(super) fn sorted(
    indices: impl Iterator<Item = u32> + Clone,
    labels: &[u32],
    classes: usize,
) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0; classes + 1];
    indices.clone().for_each(|i| starts[labels[i as usize] as usize + 1] += 1);
    for c in 0..classes {
        starts[c + 1] += starts[c];
    }
    let mut next = starts.clone();
    let mut out = vec![0; starts[classes]];
    for i in indices {
        let place = &mut next[labels[i as usize] as usize];
        out[*place] = i;
        *place += 1;
    }
    (out, starts)
}
