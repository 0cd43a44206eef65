//! Which run a checkpoint is of, and where it stands.

use fl_core::instruction_set;
use serde::{Deserialize, Serialize};

/// Version of what the files hold.
pub(super) const FORMAT: u32 = 2;
/// What stands in place of the checksum while it is computed.
pub(super) const NO_CHECKSUM: &str = "00000000000000000000000000000000";

/// What a checkpoint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contents {
    /// All that a run needs to go on.
    State,
    /// The parameters alone.
    Model,
}

/// Which run a checkpoint is of, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Stamp {
    pub(crate) format: u32,
    pub(crate) contents: Contents,
    /// The hash of the cell.
    pub(crate) cell: String,
    /// The round that comes next.
    pub(crate) round: u64,
    pub(crate) version: String,
    pub(crate) instruction_set: String,
    /// SHA-256 of the data set.
    pub(crate) data: String,
    /// Stands for the lines of `metrics.jsonl` before the round.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) metrics: Option<String>,
    /// XXH3 of 128 bits of the whole file with zeros in place of this number.
    pub(crate) xxh3: String,
}

impl Stamp {
    pub(crate) fn new(cell: &str, data: &str) -> Self {
        Self {
            format: FORMAT,
            contents: Contents::State,
            cell: cell.to_owned(),
            round: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instruction_set: instruction_set().to_owned(),
            data: data.to_owned(),
            metrics: None,
            xxh3: NO_CHECKSUM.to_owned(),
        }
    }

    /// The same for a run on which these instruction sets took part before: each is named once, the newest last.
    pub(crate) fn after(mut self, before: Option<&str>) -> Self {
        let now = &self.instruction_set;
        let others =
            before.unwrap_or_default().split(", ").filter(|set| !set.is_empty() && set != now);
        let all: Vec<&str> = others.chain([now.as_str()]).collect();
        self.instruction_set = all.join(", ");
        self
    }
}
