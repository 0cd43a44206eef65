//! A room of its own for each test: home, cache, data folder and working directory, and nothing of the user's.
// Every test binary uses a part of this.
#![allow(dead_code)]

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// An experiment on the embedded digits that runs in a fraction of a second.
pub(crate) const SMALL: &str = r#"# A comment first.
name = "small"
rounds = 20
seeds = [0]
evaluate-every = 10
full-pass-every = 0

[data]
set = "digits"
partition.by-class = { workers-per-class = 1 }

[federation]
workers = 10
byzantine.classes = [8]
attack.sample-duplicating = { worker = 0 }

[model.softmax]
bias = true
l2 = 0.01

[train]
batch = 8
step = 0.5

[[method]]
name = "Mean"
estimator = "sgd"
rule = "mean"

[[method]]
name = "Proposed"
estimator = "saga"
pre = [{ resample = { s = 2 } }]
rule = "geometric-median"

[[method]]
name = "RSA"
protocol.rsa = { lambda = 0.02 }
step = 0.1
"#;

/// `SMALL` with some texts replaced, each of which must be there.
#[track_caller]
pub(crate) fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = SMALL.to_owned();
    for (old, new) in edits {
        assert!(text.contains(old), "{old:?} is not in the experiment");
        text = text.replacen(old, new, 1);
    }
    text
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Fails unless the program ended with `code` and its errors hold all of `texts`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
}

pub(crate) struct Room {
    folder: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A room with an experiment file, `small.toml`.
    pub(crate) fn with(experiment: &str) -> Self {
        let room = Self::new();
        room.write("small.toml", experiment);
        room
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("inside the room")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(name)).expect("a text")
    }

    /// The program, which finds nothing outside the room: `cache`, `data` and `home` are in it.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fl-cli"));
        command
            .current_dir(self.folder.path())
            .env("HOME", self.path("home"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("FL_DATA_DIR", self.path("data"))
            .timeout(Duration::from_secs(60));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Self::said(self.program().args(arguments))
    }

    pub(crate) fn said(command: &mut Command) -> Said {
        let output = command.output().expect("the program runs");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Every file and folder in the room but those whose path begins with one of `but`.
    pub(crate) fn contents(&self, but: &[&str]) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.strip_prefix(root).expect("inside").display().to_string();
                if path.is_dir() {
                    walk(root, &path, found);
                }
                found.push(name);
            }
        }
        let mut found = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut found);
        found.retain(|name| !but.iter().any(|b| name.starts_with(b)));
        found.sort();
        found
    }

    /// The folder of the only cell of a method.
    #[track_caller]
    pub(crate) fn cell(&self, method: &str) -> String {
        let beginning = format!("runs/small/{method}~");
        let cells = self.contents(&[]);
        let mut cells = cells.into_iter().filter(|n| n.starts_with(&beginning));
        let folder = cells.find(|name| self.path(name).is_dir());
        folder.unwrap_or_else(|| panic!("no cell of {method}"))
    }
}
