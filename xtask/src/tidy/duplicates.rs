//! Equal lines in two places.

use super::finding::Finding;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// So many equal lines are one thing in two places.
const LINES: usize = 6;
/// Lines that stand in more places than this are idiom.
const PLACES: usize = 8;

/// A line that counts: its number and its text without the space around it.
type Line = (usize, String);

/// A run of equal lines: the two files, the lines where it begins, and how many lines it has.
#[derive(Debug, PartialEq)]
pub(super) struct Run {
    pub(super) files: (usize, usize),
    pub(super) begin: (usize, usize),
    pub(super) lines: usize,
}

/// Pairs of files with equal lines, tests and benches included; generated files are not.
pub(super) fn findings(root: &Path) -> Result<Vec<Finding>> {
    let mut names = Vec::new();
    let mut texts = Vec::new();
    for path in super::text::files(root)? {
        if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            names.push(name.replace('\\', "/"));
            texts.push(counted(&text));
        }
    }
    let mut pairs: BTreeMap<(usize, usize), Vec<Run>> = BTreeMap::new();
    for run in runs(&texts) {
        pairs.entry(run.files).or_default().push(run);
    }
    let finding = |((a, b), runs): ((usize, usize), Vec<Run>)| {
        let longest = runs.iter().max_by_key(|run| run.lines)?;
        let size = runs.iter().map(|run| run.lines).sum();
        let text = format!(
            "{} equal lines at {}:{} and {}:{} ({size} in all in these files)",
            longest.lines, names[a], longest.begin.0, names[b], longest.begin.1
        );
        Some(Finding { key: format!("equal {} {}", names[a], names[b]), size, text })
    };
    Ok(pairs.into_iter().filter_map(finding).collect())
}

/// The lines that count: no comments, no imports, nothing without a letter or a digit. A function's header is one line
/// however it is broken: that of a trait's method is given by the trait, and cannot be merged with another.
pub(super) fn counted(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let (mut import, mut header) = (false, false);
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        import |=
            starts(&["use ", "pub use ", "pub(crate) use ", "pub(super) use ", "mod ", "pub mod "]);
        let counts = !import && !line.starts_with("//") && line.contains(char::is_alphanumeric);
        match lines.last_mut() {
            Some((_, before)) if header => {
                before.push(' ');
                before.push_str(line);
            }
            _ if counts => lines.push((i + 1, line.to_owned())),
            _ => {}
        }
        let ends = line.ends_with([';', '{', '}']);
        header |= starts(&["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn "]);
        import &= !line.ends_with([';', '{']);
        header &= !ends;
    }
    lines
}

/// All runs of at least six equal lines, each as long as it can be.
pub(super) fn runs(texts: &[Vec<Line>]) -> Vec<Run> {
    let mut places: HashMap<Vec<&str>, Vec<(usize, usize)>> = HashMap::new();
    for (file, lines) in texts.iter().enumerate() {
        for (at, window) in lines.windows(LINES).enumerate() {
            let key = window.iter().map(|(_, text)| text.as_str()).collect();
            places.entry(key).or_default().push((file, at));
        }
    }
    let mut found = Vec::new();
    for places in places.values().filter(|places| (2..=PLACES).contains(&places.len())) {
        for (i, &a) in places.iter().enumerate() {
            for &b in &places[i + 1..] {
                let line = |place: (usize, usize), k: usize| {
                    texts[place.0].get(place.1 + k).map(|(_, text)| text)
                };
                let before =
                    |place: (usize, usize)| place.1.checked_sub(1).map(|at| &texts[place.0][at].1);
                // Only the first window of a run counts; in one file a run must not overlap itself.
                let goes_on = before(a).is_some() && before(a) == before(b);
                let overlaps = a.0 == b.0 && b.1 - a.1 < LINES;
                if goes_on || overlaps {
                    continue;
                }
                let lines = (0..).take_while(|&k| line(a, k).is_some() && line(a, k) == line(b, k));
                found.push(Run {
                    files: (a.0, b.0),
                    begin: (texts[a.0][a.1].0, texts[b.0][b.1].0),
                    lines: lines.count(),
                });
            }
        }
    }
    found.sort_by_key(|run| (run.files, run.begin));
    found
}
