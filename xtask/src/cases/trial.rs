//! One try of the program, in a folder of its own.

use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One case: the folder of its inputs in `xtask/cases`, what is right, and how to find out.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) right: &'static str,
    pub(super) run: fn(&Trial) -> Result<Seen>,
}

/// What happened, and whether it is right.
pub(super) struct Seen {
    pub(super) what: String,
    pub(super) right: bool,
}

pub(super) const fn case(
    name: &'static str,
    right: &'static str,
    run: fn(&Trial) -> Result<Seen>,
) -> Case {
    Case { name, right, run }
}

/// A copy of a case's inputs, and the program.
pub(super) struct Trial {
    pub(super) folder: PathBuf,
    program: PathBuf,
}

/// What a try left.
pub(super) struct Output {
    /// `None` after a signal, or where it took too long.
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
    pub(super) seconds: f64,
}

impl Trial {
    pub(super) fn new(folder: PathBuf, program: PathBuf) -> Self {
        Self { folder, program }
    }

    /// Runs the program with these words.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        self.wait(command, 120.0)
    }

    /// Runs the program, with its memory limited to so many MiB of addresses.
    pub(super) fn run_within(&self, mebibytes: u64, arguments: &str) -> Result<Output> {
        self.shell(&format!("ulimit -v {}; exec \"$F\" {arguments}", mebibytes << 10), 120.0)
    }

    /// Runs a shell script in which `$F` is the program; longer than the time in seconds is too long.
    pub(super) fn shell(&self, script: &str, seconds: f64) -> Result<Output> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("F", &self.program);
        self.wait(command, seconds)
    }

    /// What `data info` shows of a set that two workers share.
    pub(super) fn info(&self, set: &str) -> Result<Output> {
        self.run(&["data", "info", set, "--workers", "2", "--partition", "iid"])
    }

    /// The vector that `aggregate` writes.
    pub(super) fn aggregate(
        &self,
        rule: &str,
        byzantine: usize,
        more: &[&str],
    ) -> Result<Vec<f64>> {
        let byzantine = byzantine.to_string();
        let words = ["aggregate", "--rule", rule, "--byzantine", &byzantine];
        let output = self.run(&[&words, more, &["--output", "-"]].concat())?;
        let numbers = output.out.split([',', '\n', ' ']).filter(|t| !t.trim().is_empty());
        let numbers: Option<Vec<f64>> = numbers.map(|t| t.trim().parse().ok()).collect();
        numbers.filter(|n| output.code == Some(0) && !n.is_empty()).with_context(|| output.told())
    }

    /// Writes a file into the folder.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.folder.join(name), text).with_context(|| format!("cannot write {name}"))
    }

    fn wait(&self, mut command: Command, seconds: f64) -> Result<Output> {
        // Into files, so that a full pipe never blocks.
        let (out, err) = (self.folder.join(".out"), self.folder.join(".err"));
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(&out)?)
            .stderr(fs::File::create(&err)?);
        let begin = Instant::now();
        let mut child = command.spawn().context("cannot run the program")?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if begin.elapsed() > Duration::from_secs_f64(seconds) {
                child.kill()?;
                child.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |path| fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned());
        Ok(Output {
            code: status.and_then(|status| status.code()),
            out: text(&out)?,
            err: text(&err)?,
            seconds: begin.elapsed().as_secs_f64(),
        })
    }
}

impl Output {
    /// Whether the output or the messages have all of these.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        words.iter().all(|word| self.out.contains(word) || self.err.contains(word))
    }

    /// Whether a message warns or refuses and has one of these words.
    pub(super) fn warns(&self, words: &[&str]) -> bool {
        let text = format!("{}{}", self.out, self.err).to_lowercase();
        words.iter().any(|word| text.contains(&word.to_lowercase()))
    }

    /// Whether the data's table gives so many rows to a class, for training and test together.
    pub(super) fn has_class(&self, name: &str, rows: usize) -> bool {
        let cells = |line: &str| -> Vec<String> {
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let mut lines =
            self.out.lines().map(cells).skip_while(|line| line.get(1).is_none_or(|c| c != "part"));
        let Some(header) = lines.next() else { return false };
        let Some(column) = header.iter().position(|cell| *cell == format!("class {name}")) else {
            return false;
        };
        let of = |part: Vec<String>| part.get(column).and_then(|cell| cell.parse::<usize>().ok());
        let parts = lines
            .skip(1)
            .take_while(|line| line.get(1).is_some_and(|c| c == "train" || c == "test"));
        parts.filter_map(of).sum::<usize>() == rows
    }

    /// Refused with one of the codes and a message, without a panic.
    pub(super) fn refused(&self, codes: &[i32]) -> bool {
        self.code.is_some_and(|code| codes.contains(&code))
            && !self.err.trim().is_empty()
            && !self.err.contains("panicked")
            && !self.err.contains("RUST_BACKTRACE")
    }

    /// The code and the beginning of what was said.
    pub(super) fn told(&self) -> String {
        let code =
            self.code.map_or("a signal or too long".to_owned(), |code| format!("code {code}"));
        let said = if self.err.trim().is_empty() { &self.out } else { &self.err };
        format!("{code} in {:.1} s: {}", self.seconds, said.trim())
    }

    pub(super) fn seen(&self, right: bool) -> Seen {
        Seen { what: self.told(), right }
    }
}

/// Whether all numbers are as they should be, to a relative error.
pub(super) fn close(found: &[f64], right: &[f64], tolerance: f64) -> bool {
    found.len() == right.len()
        && found.iter().zip(right).all(|(a, b)| (a - b).abs() <= tolerance * b.abs().max(1.0))
}

/// Several findings as one.
pub(super) fn all(seen: Vec<Seen>) -> Seen {
    let wrong: Vec<&str> = seen.iter().filter(|s| !s.right).map(|s| s.what.as_str()).collect();
    if wrong.is_empty() {
        return Seen { what: "as it should be".into(), right: true };
    }
    Seen { what: wrong.join("; "), right: false }
}
