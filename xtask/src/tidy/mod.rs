//! `cargo xtask tidy`: what the compiler does not check about the repository.

mod duplicates;
mod effects;
mod exceptions;
mod finding;
mod imports;
mod manifests;
mod prose;
mod rooms;
mod sizes;
mod source;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use manifests::crates;

use crate::cmd;
use anyhow::{Result, bail};
use exceptions::EXCEPTIONS;
use finding::{Finding, judge};
use source::Source;
use std::path::Path;

/// Checks everything; with `list`, prints the exceptions that today's state needs instead.
pub(crate) fn tidy(list: bool) -> Result<()> {
    let root = cmd::root();
    let findings = structure(&root)?;
    if list {
        for finding in findings {
            println!("    ({:?}, {}, \"\"),", finding.key, finding.size);
        }
        return Ok(());
    }
    let mut faults = Vec::new();
    for path in text::files(&root)? {
        text::faults(&root, &path, &mut faults);
    }
    manifests::faults(&root, &mut faults)?;
    judge(&findings, EXCEPTIONS, &mut faults);
    if faults.is_empty() {
        eprintln!("tidy: no faults, {} exceptions", EXCEPTIONS.len());
        return Ok(());
    }
    bail!("tidy:\n  {}", faults.join("\n  "))
}

/// Import circles, upward imports, sizes, effects of libraries, equal lines and long sentences.
fn structure(root: &Path) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for folder in manifests::crates(root)? {
        let source = Source::read(root, &folder)?;
        let name = folder.rsplit('/').next().unwrap_or(&folder);
        found.extend(imports::findings(&source, rooms::of(name)));
        found.extend(sizes::findings(&source));
        found.extend(effects::findings(&source));
    }
    found.extend(duplicates::findings(root)?);
    found.extend(prose::findings(root)?);
    Ok(found)
}
