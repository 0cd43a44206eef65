//! What libraries leave to their callers: the clock, the environment, the network, other programs, and the terminal.

use super::finding::Finding;
use super::source::Source;

/// Programs, which may do all of this.
const PROGRAMS: &[&str] = &["crates/fl-cli", "xtask"];
/// Folders that may, since this is what they are for.
const ALLOWED: &[&str] = &["crates/fl-data/src/fetch/"];

/// Whether a path names something outside of the program. A length of time is no clock, and the process's number makes names
/// of temporary files different.
fn is_outside(path: &[&str]) -> bool {
    match path {
        ["std", "time", "Duration", ..] | ["std", "process", "id"] => false,
        ["std", "env" | "net" | "process" | "time", ..] => true,
        ["std", "io", "stdin" | "stdout" | "stderr", ..] => true,
        ["print" | "println" | "eprint" | "eprintln"] => true,
        _ => false,
    }
}

/// Files of a library that reach for the outside, outside of tests.
pub(super) fn findings(source: &Source) -> Vec<Finding> {
    if PROGRAMS.contains(&source.folder.as_str()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for file in &source.files {
        if ALLOWED.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        for reference in file.references.iter().chain(&file.macros) {
            let path: Vec<&str> = reference.path.iter().map(String::as_str).collect();
            if is_outside(&path) {
                let (name, line) = (path.join("::"), reference.line);
                found.push(Finding {
                    key: format!("effect {} {name}", file.path),
                    size: 1,
                    text: format!(
                        "{}:{line}: a library uses `{name}`; its caller is to lend or to do that",
                        file.path
                    ),
                });
            }
        }
    }
    found
}
