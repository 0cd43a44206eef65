//! Numbers and states in words.

use comfy_table::{CellAlignment, Table};
use fl_lab::{EvaluateOn, Status};
use std::ops::Range;

/// How many cells stand how.
pub(crate) fn tally<'a>(statuses: impl IntoIterator<Item = &'a Status>) -> String {
    let mut counts = [0; 7];
    for standing in statuses {
        counts[match standing {
            Status::Finished(_) if standing.has_diverged() => 1,
            Status::Finished(_) => 0,
            Status::Running(_) => 2,
            Status::Interrupted(_) => 3,
            Status::Failed(_) => 4,
            Status::Waiting => 5,
            Status::Beyond(_) => 6,
        }] += 1;
    }
    let names =
        ["done", "diverged", "running", "interrupted", "failed", "waiting", "with more rounds"];
    let parts = names.iter().zip(counts).filter(|(name, n)| *n > 0 || **name == "done");
    parts.map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}

/// A cell's state in a word or two.
pub(crate) fn state(standing: &Status, rounds: u64) -> String {
    match standing {
        Status::Waiting => "waiting".to_owned(),
        Status::Interrupted(p) => format!("interrupted at {} of {rounds}", p.round),
        Status::Running(p) => format!("running, {} of {rounds}", p.round),
        Status::Finished(_) if standing.has_diverged() => "diverged".to_owned(),
        Status::Finished(_) => "done".to_owned(),
        Status::Beyond(done) => format!("done to {}, beyond {rounds}", done.rounds),
        Status::Failed(_) => "failed".to_owned(),
    }
}

/// The data of runs for small print; nothing of a federation in Python, whose data are its own.
pub(crate) fn data(digest: &str) -> String {
    match digest.get(..12) {
        Some(digest) => format!("; data SHA-256 {digest}…"),
        None => String::new(),
    }
}

/// Seconds for people.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 48.0 * 3600.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86400.0),
    }
}

/// Sets columns of numbers to the right, below each other.
pub(crate) fn right(table: &mut Table, columns: Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The rows that a search judges by.
pub(crate) fn judged_on(rows: EvaluateOn) -> String {
    match rows {
        EvaluateOn::Test => "the test rows".to_owned(),
        EvaluateOn::Validation => "the set's validation rows".to_owned(),
        EvaluateOn::TrainingRows(count) => {
            format!("{count} training rows set aside, from which nobody learns meanwhile")
        }
    }
}

/// A list of seeds, as long as anybody reads.
pub(crate) fn seeds(seeds: &[u64]) -> String {
    match seeds {
        [first, .., last] if seeds.len() > 20 => {
            let in_a_row = seeds.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
            let (least, most) = (seeds.iter().min(), seeds.iter().max());
            match (in_a_row, least.zip(most)) {
                (false, Some((least, most))) => {
                    format!("{} from {least} to {most}", seeds.len())
                }
                _ => format!("{first} to {last}"),
            }
        }
        _ => format!("{seeds:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::seeds;

    #[test]
    fn many_seeds_are_told_by_their_ends() {
        assert_eq!(seeds(&[3]), "[3]");
        assert_eq!(seeds(&(0..20).collect::<Vec<_>>())[..9], *"[0, 1, 2,");
        assert_eq!(seeds(&(0..1500).collect::<Vec<_>>()), "0 to 1499");
        let odd: Vec<u64> = (0..50).map(|i| 2 * i + 1).rev().collect();
        assert_eq!(seeds(&odd), "50 from 1 to 99");
    }
}
