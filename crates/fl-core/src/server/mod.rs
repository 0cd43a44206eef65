//! The central node: from a round's messages to one.

mod apply;
mod chain;
mod decide;
mod output;
mod pipeline;
mod probe;
mod report;
mod squares;

pub use chain::server_bytes;
pub use pipeline::Pipeline;
pub use report::{NonFinite, Report};
