//! What has been made already, and from what: so that a second call does nothing.

use super::options::Options;
use crate::cmd;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// The parts of this program that decide how pictures and reports look.
const PROGRAM: [&str; 10] = [
    include_str!("../claims/judge.rs"),
    include_str!("../claims/paper.rs"),
    include_str!("../reproduce/parts.rs"),
    include_str!("../reproduce/picture.rs"),
    include_str!("../reproduce/reference.rs"),
    include_str!("../reproduce/report.rs"),
    include_str!("../reproduce/theory.rs"),
    include_str!("../statistics.rs"),
    include_str!("figures.rs"),
    include_str!("results.rs"),
];

/// FNV-1a in 64 bits: tells whether something changed, not whether somebody cheats.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // The length keeps ("ab", "c") from being ("a", "bc").
        for &byte in (part.len() as u64).to_le_bytes().iter().chain(*part) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

/// A thing that is made from inputs, and the files that it consists of.
pub(crate) struct Stamp {
    path: PathBuf,
    inputs: String,
}

impl Stamp {
    /// `name` is the stamp's path without ending, relative to the repository.
    pub(crate) fn new(name: &str, inputs: &[&[u8]]) -> Self {
        let mut all: Vec<&[u8]> = PROGRAM.iter().map(|text| text.as_bytes()).collect();
        all.extend(inputs);
        Self { path: cmd::root().join(format!("{name}.stamp")), inputs: digest(&all) }
    }

    /// Whether all is as it was left: same inputs, same files.
    pub(crate) fn is_current(&self) -> bool {
        let Ok(text) = fs::read_to_string(&self.path) else { return false };
        let Ok(stamp) = serde_json::from_str::<Value>(&text) else { return false };
        let same = |(file, known): (&String, &Value)| {
            fs::read(cmd::root().join(file)).is_ok_and(|bytes| *known == digest(&[&bytes]))
        };
        stamp["inputs"] == self.inputs
            && stamp["files"].as_object().is_some_and(|files| files.iter().all(same))
    }

    /// Remembers the files, given relative to the repository.
    pub(crate) fn write(&self, files: &[String]) -> Result<()> {
        let mut known = serde_json::Map::new();
        for file in files {
            let path = cmd::root().join(file);
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            known.insert(file.clone(), digest(&[&bytes]).into());
        }
        let text = serde_json::to_string_pretty(&json!({"inputs": self.inputs, "files": known}))?;
        fs::write(&self.path, text + "\n")
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The stamp of a figure or table: made from its experiment file and what was asked for.
pub(crate) fn figure_stamp(folder: &str, name: &str, text: &str, options: &Options) -> Stamp {
    let asked = format!("{:?} {} {}", options.profile, options.seeds, options.quick);
    Stamp::new(&format!("{folder}/{name}"), &[text.as_bytes(), asked.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_where_parts_end() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        // FNV-1a of nothing is its offset.
        assert_eq!(digest(&[]), "cbf29ce484222325");
    }

    #[test]
    fn what_was_made_is_current_until_an_input_or_a_file_changes() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("picture").display().to_string();
        fs::write(&file, "a").unwrap();
        let name = folder.join("fig").display().to_string();
        let stamp = Stamp::new(&name, &[b"seeds 10"]);
        assert!(!stamp.is_current());
        stamp.write(std::slice::from_ref(&file)).unwrap();
        assert!(stamp.is_current());
        assert!(!Stamp::new(&name, &[b"seeds 3"]).is_current());
        fs::write(&file, "b").unwrap();
        assert!(!stamp.is_current());
        fs::remove_dir_all(&folder).unwrap();
    }
}
