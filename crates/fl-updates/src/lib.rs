#![doc = include_str!("../README.md")]

mod error;
mod file;
mod format;
mod number;
mod progress;

mod client;
mod inputs;
mod layout;
mod open;

mod columns;
mod output;
mod plan;
mod run;

pub use error::{Problem, UpdatesError};
pub use format::safetensors::header as safetensors_header;
pub use format::{Parsed, Tensor};
pub use inputs::{expand, list};
pub use layout::Per;
pub use number::Dtype;
pub use open::{OpenOptions, Updates};
pub use plan::{Plan, disk_rate};
pub use progress::Progress;
pub use run::{GroupReport, LeftOut, Options, Share, Summary, aggregate};
