//! The whole laboratory with one model more, a network in burn: experiment files, `list` and `explain` know it.
//!
//! ```sh
//! cargo run --release -- run experiment.toml
//! cargo run --release -- explain burn
//! ```

mod flat;
mod model;
mod network;

use fl_lab::Registry;
use std::process::ExitCode;

fn main() -> ExitCode {
    fl_cli::main(Registry::standard().with_model::<model::Burn>())
}
