//! What was asked for, and the folders where its results are.

/// Seeds of the record.
pub(crate) const SEEDS: u32 = 10;
/// A quick look has three seeds and a quarter of the rounds.
pub(crate) const QUICK_SEEDS: u32 = 3;
pub(crate) const QUICK_SHARE: u64 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Paper,
    Reference,
    Authors,
}

impl Profile {
    pub(crate) const ALL: [Profile; 3] = [Profile::Reference, Profile::Paper, Profile::Authors];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Paper => "paper",
            Profile::Reference => "reference",
            Profile::Authors => "authors",
        }
    }

    /// The experiment file of a figure.
    pub(crate) fn config(self, figure: &str) -> String {
        match self {
            Profile::Paper => format!("configs/paper/{figure}.toml"),
            other => format!("configs/paper/{}/{figure}.toml", other.name()),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// `fig7`, …, or `all`.
    pub(crate) what: String,
    pub(crate) profile: Profile,
    pub(crate) seeds: u32,
    pub(crate) quick: bool,
    pub(crate) offline: bool,
}

impl Options {
    /// Whether this is what docs/reproduction.md is about.
    pub(crate) fn is_record(&self) -> bool {
        self.profile == Profile::Paper && !self.quick && self.seeds >= SEEDS
    }

    /// The folder of runs.
    pub(crate) fn runs(&self) -> String {
        let quick = if self.quick { "-quick" } else { "" };
        format!("runs/{}{quick}", self.profile.name())
    }

    /// The folder of pictures and reports.
    pub(crate) fn figures(&self) -> String {
        match (self.profile, self.quick) {
            (Profile::Paper, false) => "figures".into(),
            (Profile::Paper, true) => "figures/quick".into(),
            (other, quick) => {
                format!("figures/{}{}", other.name(), if quick { "-quick" } else { "" })
            }
        }
    }
}

/// The whole number of a line of an experiment file.
pub(crate) fn number(text: &str, start: &str) -> Option<u64> {
    text.lines().find_map(|l| l.strip_prefix(start)?.trim().parse().ok())
}
