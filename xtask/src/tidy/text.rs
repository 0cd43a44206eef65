//! What holds of every text.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Text files of the repository, what cargo and runs leave behind excepted.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            let name =
                path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() {
                if !["target", ".git", "runs", "figures"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if ["rs", "toml", "md", "cff", "yml", "py", "pyi"]
                .iter()
                .any(|e| name.ends_with(&format!(".{e}")))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn faults(root: &Path, path: &Path, faults: &mut Vec<String>) {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let Ok(text) = fs::read_to_string(path) else {
        faults.push(format!("{name} is not UTF-8"));
        return;
    };
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push(format!("{name}: no newline at the end"));
    }
    let library = name.starts_with("crates/")
        && !name.starts_with("crates/fl-cli/")
        && name.contains("/src/");
    for (i, line) in text.lines().enumerate() {
        if library && name.ends_with(".rs") && names_a_flag(line) {
            faults.push(format!(
                "{name}:{}: a library speaks of a flag, which only fl-cli has",
                i + 1
            ));
        }
        if line.ends_with([' ', '\t']) {
            faults.push(format!("{name}:{}: trailing space", i + 1));
        }
        if line.contains('\t') {
            faults.push(format!("{name}:{}: tab", i + 1));
        }
        // Written in parts, so that this file does not find itself.
        for mark in [concat!("todo", "!("), concat!("unimple", "mented!("), concat!("dbg", "!(")] {
            if line.contains(mark) {
                faults.push(format!("{name}:{}: {mark}", i + 1));
            }
        }
    }
}

/// Whether a line that is no comment has a flag within words. An argument of another program is a text of its own.
fn names_a_flag(line: &str) -> bool {
    let line = line.trim_start();
    let flag = |from: &str| from.starts_with(|c: char| c.is_ascii_lowercase());
    let mut parts = line.split("--");
    let mut before = parts.next().unwrap_or_default();
    let mut found = false;
    for part in parts {
        let within = before.is_empty() || before.ends_with([' ', '(', '`', '\'']);
        found |= flag(part)
            && (within
                || part.split_once(':').is_some_and(|(name, _)| {
                    name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
                }));
        before = part;
    }
    found && !line.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::names_a_flag;

    #[test]
    fn flags_within_words_are_found_and_arguments_of_programs_are_not() {
        for line in
            ["\"see --base\"", "    --skip leaves it out\"", "\"--per: no\"", "\"with `--per`\""]
        {
            assert!(names_a_flag(line), "{line}");
        }
        for line in
            ["\"--quiet\",", "\"--only-binary=:all:\",", "// see --base", "a - -b", "\"a -- b\""]
        {
            assert!(!names_a_flag(line), "{line}");
        }
    }
}
