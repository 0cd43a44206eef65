//! What `fl-cli aggregate` is told: a rule, its messages, and where the output goes.

use crate::host::given::GivenDraws;
use clap::{Args as ClapArgs, Parser};
use fl_updates::Adapters;
use regex::Regex;
use std::path::PathBuf;

/// A rule and what stands before it.
#[derive(Debug, Parser)]
pub(crate) struct AggregateArgs {
    /// The rule, as NAME or NAME:KEY=VALUE,…; `fl-cli list rules` lists them
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: String,
    /// A pre-aggregator before it, as NAME or NAME:KEY=VALUE,…, for example resample:s=2; may be repeated, in order
    #[arg(long, value_name = "PRE")]
    pub(crate) pre: Vec<String>,
    /// How many of the messages may be Byzantine
    #[arg(long, value_name = "F", default_value_t = 0)]
    pub(crate) byzantine: usize,
    /// The messages: a .npy file of shape W×p in f32 or f64, or text with a message a line, numbers between commas or blanks; - for standard input. Or a file for each client: *.safetensors, *.npz, several *.npy, folders of them or with an index, patterns
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "list")]
    pub(crate) input: Vec<PathBuf>,
    /// Whether the first line of a text holds names [default: it does if it has no number]
    #[arg(long, value_name = "true|false")]
    pub(crate) header: Option<bool>,
    /// Where the output goes, .npy or .csv by its name; - for standard output, in the format of the input. For files of one client each: .safetensors, .npz or .npy
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Print what happened as JSON: weights, messages left out, iterations and certified gap
    #[arg(long)]
    pub(crate) json: bool,
    /// Refuse messages with NaN or infinity instead of leaving them out
    #[arg(long)]
    pub(crate) refuse_non_finite: bool,
    /// Seed of what is drawn at random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The round whose random draws are made
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) round: u64,
    #[command(flatten)]
    pub(crate) draws: GivenDraws,
    #[command(flatten)]
    pub(crate) update: UpdateArgs,
}

/// What is about files of one client each.
#[derive(Debug, ClapArgs)]
pub(crate) struct UpdateArgs {
    /// A text with a client's file a line, instead of or beside --input
    #[arg(long, value_name = "FILE", help_heading = "Files of one client each")]
    pub(crate) list: Option<PathBuf>,
    /// The model before: files are models, messages are their differences from it, and the output is a model
    #[arg(long, value_name = "MODEL", help_heading = "Files of one client each")]
    pub(crate) base: Option<PathBuf>,
    /// Which tensors the rule decides on together: whole, tensor, or a pattern whose match names the group [default: whole]
    #[arg(long, value_name = "whole|tensor|REGEX", help_heading = "Files of one client each")]
    pub(crate) per: Option<String>,
    /// Tensors that are no part of messages: copied from --base, or without one left out of the output
    #[arg(long, value_name = "REGEX", help_heading = "Files of one client each")]
    pub(crate) skip: Option<Regex>,
    /// The rule's weights: a text with a client's file and its weight a line
    #[arg(long, value_name = "FILE", help_heading = "Files of one client each")]
    pub(crate) weights: Option<PathBuf>,
    /// Most memory, as in 512MiB or 2GB [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Files of one client each")]
    pub(crate) memory: Option<usize>,
    /// Print what would be read, written and held, from headers; at most 64 MiB of the first client are read to say how long it takes
    #[arg(long, help_heading = "Files of one client each")]
    pub(crate) plan: bool,
    /// The files are low-rank adapters, of factors A and B: messages are the products BA. The output is all factors in one stack, or the nearest adapter of a rank
    #[arg(long, value_name = "stack|RANK", value_parser = adapters, help_heading = "Files of one client each")]
    pub(crate) adapters: Option<Adapters>,
    /// Measure each tensor's share of the distances, in one pass more, for --json
    #[arg(long, help_heading = "Files of one client each")]
    pub(crate) shares: bool,
}

impl UpdateArgs {
    /// The first flag that makes no sense for a matrix.
    pub(super) fn flag(&self) -> Option<&'static str> {
        let flags = [
            ("--list", self.list.is_some()),
            ("--base", self.base.is_some()),
            ("--per", self.per.is_some()),
            ("--skip", self.skip.is_some()),
            ("--weights", self.weights.is_some()),
            ("--memory", self.memory.is_some()),
            ("--plan", self.plan),
            ("--shares", self.shares),
            ("--adapters", self.adapters.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

fn adapters(text: &str) -> Result<Adapters, String> {
    match text {
        "stack" => Ok(Adapters::Stacked),
        _ => match text.parse() {
            Ok(rank) if rank > 0 => Ok(Adapters::Rank(rank)),
            _ => Err(format!("expected stack or a rank of at least 1, got {text:?}")),
        },
    }
}

/// A number of bytes: digits, perhaps with a unit.
fn size(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, f64); 7] = [
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("", 1.0),
    ];
    let wrong = || format!("expected bytes as in 512MiB or 2GB, got {text:?}");
    let (number, unit) =
        text.split_at(text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len()));
    let known = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(wrong)?;
    let bytes = number.trim().parse::<f64>().map_err(|_| wrong())? * known.1;
    if bytes >= 1.0 && bytes < usize::MAX as f64 { Ok(bytes as usize) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_are_bytes() {
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("1.5 MB"), Ok(1_500_000));
        assert_eq!(size("4096"), Ok(4096));
        for wrong in ["", "GiB", "-1MB", "2 parsecs", "0", "1e30GB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
