//! Files and functions that are too long to be read at once.

use super::finding::Finding;
use super::source::Source;

const LINES_OF_A_FILE: usize = 400;
const LINES_OF_A_FUNCTION: usize = 60;

/// Files and functions beyond their limits; tests do not count.
pub(super) fn findings(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &source.files {
        let path = &file.path;
        if file.lines > LINES_OF_A_FILE {
            found.push(Finding {
                key: format!("file {path}"),
                size: file.lines,
                text: format!(
                    "{path} has {} lines, at most {LINES_OF_A_FILE} are allowed",
                    file.lines
                ),
            });
        }
        for (name, first, lines) in &file.functions {
            if *lines > LINES_OF_A_FUNCTION {
                found.push(Finding {
                    key: format!("function {path} {name}"),
                    size: *lines,
                    text: format!(
                        "{path}:{first}: `{name}` has {lines} lines, at most {LINES_OF_A_FUNCTION} are allowed"
                    ),
                });
            }
        }
    }
    found
}
