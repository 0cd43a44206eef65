#![doc = include_str!("../README.md")]

mod error;
mod file;
mod format;
mod lowrank;
mod number;
mod pairs;
mod progress;

mod client;
mod inputs;
mod layout;
mod open;

mod adapters;
mod columns;
mod options;
mod output;
mod plan;
mod report;
mod run;

pub use client::is_of_a_client;
pub use error::{Problem, UpdatesError};
pub use format::safetensors::header as safetensors_header;
pub use format::shards::index as shards_index;
pub use format::{Parsed, Tensor};
pub use inputs::{expand, list};
pub use layout::Per;
pub use number::Dtype;
pub use open::{OpenOptions, Updates};
pub use options::Options;
pub use pairs::Adapters;
pub use plan::{Plan, probe};
pub use progress::Progress;
pub use report::{AdapterReport, GroupReport, LeftOut, Share, Summary};
pub use run::aggregate;
