#![doc = include_str!("../README.md")]
//!
//! # How it is built, and why it draws for itself
//!
//! ```text
//! figure ─► layout ─► scene (lines, areas, dots, texts) ─┬─► svg
//!              │                                         └─► png
//!              └─► projection, runs of points ───────────► terminal
//! ```
//!
//! Three rooms, each of which uses those before it: `figure` is plain data, `layout` decides every
//! position once, with the real widths of the typeface, and `write` only translates.
//! So the SVG and the PNG are the same picture.
//! A heat map has its own layout, because its size follows from its table.
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

mod error;
mod figure;
mod layout;
mod write;

pub use error::PlotError;
pub use figure::{
    Axis, AxisScale, Curve, Figure, Form, HeatMap, Legend, Panel, Point, band, geometric_band,
    student_t_975,
};
pub use write::{Charset, SAVE_SCALE, Terminal, png, save, svg, terminal, write_file};
