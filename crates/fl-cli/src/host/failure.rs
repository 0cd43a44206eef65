//! Failures, and the exit codes they end in.

use fl_lab::{ChoiceError, ConfigError, LabError};
use std::fmt;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something failed: exit code 1.
    Failed(anyhow::Error),
    /// Wrong usage or configuration: exit code 2.
    Usage(anyhow::Error),
    /// Data are missing or damaged: exit code 3.
    Data(anyhow::Error),
    /// A signal asked the program to end: exit code 128 and the signal's number.
    Stopped(u8, anyhow::Error),
}

impl Failure {
    /// The exit code.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Data(_) => 3,
            Failure::Stopped(code, _) => *code,
        }
    }

    /// What is to be told, one by one: every mistake of an experiment file, or the only thing that failed.
    pub(crate) fn problems(&self) -> Vec<String> {
        let (Failure::Failed(e) | Failure::Usage(e) | Failure::Data(e) | Failure::Stopped(_, e)) =
            self;
        let config = e.chain().find_map(|cause| cause.downcast_ref::<ConfigError>());
        match config.map(ConfigError::mistakes) {
            Some(mistakes) if mistakes.len() > 1 => {
                let count = format!("{} mistakes; nothing was run", mistakes.len());
                mistakes.iter().map(|m| in_short_lines(&m.to_string())).chain([count]).collect()
            }
            _ => vec![in_short_lines(&self.to_string())],
        }
    }

    /// What a data set's error means to someone who asked for `set`.
    pub(crate) fn of_data(set: &str, e: fl_data::Error) -> Self {
        use fl_data::{Error as E, FileError as F, KnownError as K};
        let known = fl_data::find(set).is_ok();
        let help = match &e {
            E::Known(K::UnknownSet { .. }) => return Failure::Usage(e.into()),
            E::Known(K::Missing { set, looked, by_hand }) => {
                let looked = looked.join(", ");
                return Failure::Data(anyhow::anyhow!(
                    "data set {set} is not on this machine; looked in {looked}\nfetch it with `fl-cli data fetch {set}`, or {by_hand}"
                ));
            }
            E::Known(K::Content { set, .. }) => {
                return Failure::Data(anyhow::anyhow!(
                    "{e}; remove it and run `fl-cli data fetch {set}`"
                ));
            }
            E::Known(K::File(F::Io { doing: "read", .. })) => {
                "--data-dir and FL_DATA_DIR name folders to look in".to_owned()
            }
            E::Known(K::File(F::Io { .. })) => {
                "data sets are kept in the user's cache folder; XDG_CACHE_HOME names another one"
                    .to_owned()
            }
            E::Known(
                K::File(F::Idx { .. } | F::Gzip { .. })
                | K::Counts { .. }
                | K::Pixels { .. }
                | K::Dataset { .. },
            ) if known => {
                format!("move the file away and run `fl-cli data fetch {set}`, which gets it anew")
            }
            E::File(F::Io { .. }) => {
                "paths in an experiment file are taken from the current directory".to_owned()
            }
            // The others say themselves what to do.
            _ => return Failure::Data(e.into()),
        };
        Failure::Data(anyhow::anyhow!("{e}\n  help: {help}"))
    }

    /// What it means that `set` could not be fetched.
    pub(crate) fn of_fetch(set: &str, e: fl_data::fetch::FetchError) -> Self {
        use fl_data::fetch::FetchError as E;
        match e {
            E::Known(e) => Failure::of_data(set, e.into()),
            E::File(e) => Failure::of_data(set, fl_data::KnownError::from(e).into()),
            e => Failure::Data(e.into()),
        }
    }
}

/// Characters of a line that are told. What is longer holds something that was found, and nobody reads all of that.
const LONGEST: usize = 700;

/// Text without the middles of very long lines.
fn in_short_lines(text: &str) -> String {
    let short = |line: &str| {
        let count = line.chars().count();
        if count <= LONGEST {
            return line.to_owned();
        }
        let begin: String = line.chars().take(LONGEST / 2).collect();
        let end: String = line.chars().skip(count - LONGEST / 4).collect();
        format!("{begin} … {end} ({count} characters)")
    };
    text.split('\n').map(short).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::Failed(e) | Failure::Usage(e) | Failure::Data(e) | Failure::Stopped(_, e)) =
            self;
        // Some errors tell their causes themselves; those of others are added.
        let mut text = e.to_string();
        for cause in e.chain().skip(1).map(ToString::to_string) {
            if !text.contains(&cause) {
                text += ": ";
                text += &cause;
            }
        }
        f.write_str(&text)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(e: anyhow::Error) -> Self {
        Failure::Failed(e)
    }
}

impl From<ConfigError> for Failure {
    fn from(e: ConfigError) -> Self {
        Failure::Usage(e.into())
    }
}

impl From<ChoiceError> for Failure {
    fn from(e: ChoiceError) -> Self {
        Failure::Usage(e.into())
    }
}

impl From<LabError> for Failure {
    fn from(e: LabError) -> Self {
        match e {
            LabError::Config(_) | LabError::Spec(_) => Failure::Usage(e.into()),
            LabError::OtherConfiguration { .. } => Failure::Usage(anyhow::anyhow!(
                "{e}\n  help: --out names another folder for results"
            )),
            LabError::Further { .. } => Failure::Usage(anyhow::anyhow!(
                "{e}\n  help: --out names another folder for results, --fresh starts the cell over"
            )),
            LabError::OtherSchema { .. } => {
                Failure::Failed(anyhow::anyhow!("{e}\n  help: --fresh starts the cell over"))
            }
            LabError::Data(e) => e.into(),
            LabError::Io { .. } => Failure::Failed(anyhow::anyhow!(
                "{e}\n  help: --out names another folder for results"
            )),
            _ => Failure::Failed(e.into()),
        }
    }
}

impl From<fl_data::KnownError> for Failure {
    fn from(e: fl_data::KnownError) -> Self {
        fl_data::Error::from(e).into()
    }
}

impl From<fl_data::Error> for Failure {
    fn from(e: fl_data::Error) -> Self {
        Failure::of_data("NAME", e)
    }
}

impl From<fl_plot::PlotError> for Failure {
    fn from(e: fl_plot::PlotError) -> Self {
        Failure::Failed(e.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_longer_than_somebody_reads() {
        let long = format!("first\n{}the end", "ä".repeat(1_000_000));
        let short = in_short_lines(&long);
        assert!(short.chars().count() < 800, "{short}");
        assert!(short.starts_with("first\n") && short.contains("the end (1000007 characters)"));
        assert_eq!(in_short_lines("a\nb"), "a\nb");
    }
}
