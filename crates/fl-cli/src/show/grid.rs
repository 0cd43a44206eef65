//! What a picture of a sweep is laid out by.

use super::curves::with_commit;
use super::groups::Key;
use super::words::data;
use fl_lab::{Status, Sweep};

/// How a picture is to look.
#[derive(Clone, Debug)]
pub(crate) struct Looks {
    /// Linear axes only.
    pub(crate) linear: bool,
    pub(crate) title: String,
    /// The commit, for the small print.
    pub(crate) commit: Option<String>,
}

/// The keys of rows and columns: what was asked for, or else the axes in their order.
pub(crate) fn grid(
    sweep: &Sweep,
    rows: Option<Key>,
    columns: Option<Key>,
) -> (Option<Key>, Option<Key>) {
    let taken = [rows.clone(), columns.clone()];
    let axes = sweep.axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1);
    let mut free = axes
        .map(|(i, axis)| Key::Axis(i, axis.name.clone()))
        .filter(|key| !taken.contains(&Some(key.clone())));
    let columns = columns.or_else(|| free.next());
    let rows = rows.or_else(|| free.next());
    (rows, columns)
}

/// The labels of a key among the cells, in the order of the file; one without a name where there is no key.
pub(crate) fn labels(sweep: &Sweep, key: Option<&Key>) -> Vec<String> {
    let Some(key) = key else { return vec![String::new()] };
    let mut labels: Vec<String> = Vec::new();
    let mut order: Vec<usize> = Vec::new();
    for c in &sweep.cells {
        let label = key.label(sweep, c.point, &c.cell);
        if !labels.contains(&label) {
            order.push(key.order(sweep, c.point, &c.cell));
            labels.push(label);
        }
    }
    let mut both: Vec<(usize, String)> = order.into_iter().zip(labels).collect();
    both.sort();
    both.into_iter().map(|(_, label)| label).collect()
}

/// What tells a sweep's cells apart beside these keys, seeds left out.
pub(crate) fn others(sweep: &Sweep, taken: &[Option<&Key>]) -> Vec<Key> {
    let axes = sweep.axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1);
    let mut keys: Vec<Key> = vec![Key::Method];
    keys.extend(axes.map(|(i, axis)| Key::Axis(i, axis.name.clone())));
    keys.retain(|key| !taken.contains(&Some(key)));
    keys
}

/// What a picture of a sweep was drawn from.
pub(crate) fn footer(sweep: &Sweep, statuses: &[Status], looks: &Looks) -> String {
    let done = statuses.iter().filter(|s| s.is_finished()).count();
    let digest = statuses.iter().find_map(|s| s.done()).map_or("", |d| &d.data_digest);
    let text = format!(
        "{}: {} rounds, {} seeds, {done} of {} cells{}; fl-cli {}",
        sweep.base.name,
        sweep.base.rounds,
        sweep.base.seeds.len(),
        statuses.len(),
        data(digest),
        env!("CARGO_PKG_VERSION")
    );
    with_commit(text, looks.commit.as_deref())
}
