//! Lists of rows made elsewhere.

use super::error::PartitionError;
use super::kind::{Kind, kind};
use super::lists::Partition;
use super::rows::Rows;
use rand::Rng;
use std::fs;

kind! {
    /// Each line of a file is a worker: the numbers of its rows in the training file, from 0, between blanks or commas. What
    /// follows a `#` is a comment, and blank lines are skipped. A row may be in several lists or in none.
    ///
    /// # Requirements
    /// A line for each worker with at least one row; no row that is for testing or left out.
    ///
    /// # Cost
    /// One pass over the file. No draws.
    ///
    /// # Reference
    /// Ours.
    ///
    /// # Example
    /// ```toml
    /// partition.from-file = { path = "rows.txt" }
    /// ```
    pub struct FromFile {
        /// The file; a path that is not absolute is taken from the current directory.
        pub path: String
    }
}

impl Kind for FromFile {
    fn file(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        _: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        let wrong = |why: String| PartitionError::File { path: self.path.clone(), why };
        let text = fs::read_to_string(&self.path).map_err(|e| wrong(e.to_string()))?;
        let lists = lists(&text, rows).map_err(wrong)?;
        if lists.len() != workers {
            return Err(wrong(format!(
                "expected a line for each of {workers} workers, found {}",
                lists.len()
            )));
        }
        Partition::from_lists(&lists, rows.len())
    }
}

/// The lists in a text, by the rows' places among the training rows.
fn lists(text: &str, rows: Rows<'_>) -> Result<Vec<Vec<u32>>, String> {
    let mut lists = Vec::new();
    for (line, text) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let text = text.split('#').next().unwrap_or_default();
        let mut list = Vec::new();
        for token in text.split([',', ' ', '\t', '\r']).filter(|token| !token.is_empty()) {
            let short: String = token.chars().take(32).collect();
            let Ok(number) = token.parse::<u32>() else {
                return Err(format!("line {line}: expected the number of a row, found {short:?}"));
            };
            let place = match rows.places {
                Some(places) => places.binary_search(&number).ok().map(|place| place as u32),
                None => Some(number).filter(|n| (*n as usize) < rows.len()),
            };
            list.push(place.ok_or_else(|| {
                let last = rows.places.map_or(rows.len().saturating_sub(1), |p| p.last().map_or(0, |l| *l as usize));
                format!("line {line}: row {number} is no training row; those are among 0 to {last}, without rows for testing")
            })?);
        }
        if !list.is_empty() {
            lists.push(list);
        }
    }
    Ok(lists)
}
