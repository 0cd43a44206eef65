#![doc = include_str!("../README.md")]
//!
//! # How it is built, and why it draws for itself
//!
//! ```text
//! Figure ─► layout ─► scene (lines, areas, dots, texts) ─┬─► svg
//!    │         ▲                                         └─► png
//!    │    axis, font, style
//!    └──────────────────► terminal
//! ```
//!
//! The layout decides every position once, with the real widths of the typeface; the two writers
//! only translate, so the SVG and the PNG are the same picture.
//! A heat map has a layout of its own, in `heat`, because its size follows from its table; what it
//! lays out is drawn by the same writers.
//!
//! No plotting crate is used.
//! The one tried first (kuva 0.6) restarts its dash pattern at every data point in PNG output, so
//! that dashed curves of 81 points came out solid or nearly so; it smooths edges in one direction
//! only, which turns a nearly level curve into a staircase, and it takes a `$` in a name for
//! mathematics. What remains when those are worked around is a list of lines and letters, and that
//! is short enough to write down: [tiny-skia](https://docs.rs/tiny-skia) turns outlines into
//! pixels, [ttf-parser](https://docs.rs/ttf-parser) reads the glyphs,
//! [dejavu](https://docs.rs/dejavu) carries the typeface.
//! All three are pure Rust without system libraries, 19 packages in all, and build in less than
//! half of the time of the plotting crate.

mod axis;
mod band;
mod error;
mod figure;
mod font;
mod heat;
mod layout;
mod png;
mod save;
mod scene;
mod style;
mod svg;
mod terminal;

pub use band::{band, geometric_band, student_t_975};
pub use error::PlotError;
pub use figure::{Axis, Curve, Figure, Form, Legend, Panel, Point, Scale};
pub use heat::HeatMap;
pub use png::png;
pub use save::{SAVE_SCALE, save};
pub use svg::svg;
pub use terminal::{Charset, Terminal, terminal};
