//! The central node: from a round's messages to one.

mod apply;
mod chain;
mod cost;
mod decide;
mod output;
mod pipeline;
mod probe;
mod report;
mod squares;

pub use cost::{ServerCost, server_cost};
pub use pipeline::Pipeline;
pub use report::{NonFinite, Report};
