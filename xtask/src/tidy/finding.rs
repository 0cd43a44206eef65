//! What is found, and what is put up with.

/// Something that should not be, unless it is among the exceptions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    /// What an exception names.
    pub(super) key: String,
    /// Files of a circle, lines of a file or a function, equal lines of two files; 1 where nothing can be counted.
    pub(super) size: usize,
    pub(super) text: String,
}

/// An exception covers a finding that has not grown; one that covers nothing is a fault itself.
pub(super) fn judge(
    findings: &[Finding],
    exceptions: &[(&str, usize, &str)],
    faults: &mut Vec<String>,
) {
    for finding in findings {
        match exceptions.iter().find(|(key, ..)| *key == finding.key) {
            None => faults.push(finding.text.clone()),
            Some((_, allowed, _)) if finding.size > *allowed => {
                faults.push(format!("{}; its exception allows {allowed}", finding.text));
            }
            Some(_) => {}
        }
    }
    for (key, _, reason) in exceptions {
        if !findings.iter().any(|finding| finding.key == *key) {
            faults.push(format!("the exception `{key}` is no longer needed: remove it"));
        }
        if reason.is_empty() {
            faults.push(format!("the exception `{key}` has no reason"));
        }
    }
}
