//! What becomes of a laid-out picture: documents, files, and characters on a terminal.

mod heat_map;
mod png;
mod save;
mod svg;
mod terminal;

pub use png::png;
pub use save::{SAVE_SCALE, save, write_file};
pub use svg::svg;
pub use terminal::{Charset, Terminal, terminal};
