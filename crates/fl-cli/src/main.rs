//! The laboratory's command line, with all that this workspace has. What it does is in the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    fl_cli::main(fl_lab::Registry::standard())
}
