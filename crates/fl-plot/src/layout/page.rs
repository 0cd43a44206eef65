//! The page: sizes of texts, and what every part of a picture is drawn with.

use super::font::{ASCENT, LINE, wrap};
use super::scene::{Anchor, Scene, Shape, Text};
use super::style::{Colour, INK};

pub(super) const GREATEST_SIDE: u32 = 8192;
pub(super) const MARGIN: f64 = 14.0;

// Sizes of the texts.
pub(super) const TITLE: f64 = 15.0;
pub(super) const LABEL: f64 = 12.5;
pub(super) const TICK: f64 = 11.0;
pub(super) const FOOTER: f64 = 9.0;
/// From the middle of a line of text down to its baseline, in ems.
pub(super) const HALF_LETTER: f64 = 0.36;

/// A part of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rect {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rect {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub(super) fn centre(&self) -> f64 {
        0.5 * (self.left + self.right)
    }

    /// From the unit square, whose y points upwards.
    pub(super) fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.left + x * self.width(), self.bottom - y * self.height())
    }
}

/// The picture in the making.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) shapes: Vec<Shape>,
}

impl Page {
    pub(super) fn text(
        &mut self,
        text: &str,
        (x, y): (f64, f64),
        size: f64,
        anchor: Anchor,
        colour: Colour,
    ) {
        let text = Text { text: text.to_owned(), x, y, size, anchor, upwards: false, colour };
        self.shapes.push(Shape::Text(text));
    }

    /// A text that reads from bottom to top.
    pub(super) fn upright(&mut self, text: &str, (x, y): (f64, f64), size: f64, anchor: Anchor) {
        let text = Text { text: text.to_owned(), x, y, size, anchor, upwards: true, colour: INK };
        self.shapes.push(Shape::Text(text));
    }

    /// Lines of text downwards from `top`.
    pub(super) fn block(
        &mut self,
        lines: &[String],
        (x, top): (f64, f64),
        size: f64,
        anchor: Anchor,
        colour: Colour,
    ) {
        for (i, line) in lines.iter().enumerate() {
            let baseline = top + (i as f64 * LINE + ASCENT) * size;
            self.text(line, (x, baseline), size, anchor, colour);
        }
    }

    /// A thin line through these points.
    pub(super) fn line(&mut self, points: Vec<(f64, f64)>, colour: Colour, width: f64) {
        self.shapes.push(Shape::Line { points, colour, width, dash: &[] });
    }

    /// The finished picture. A text that would stick out is moved back: better near its place than cut off.
    pub(super) fn finish(self, width: u32, height: u32, title: String) -> Scene {
        let mut scene = Scene { width, height, title, shapes: self.shapes };
        for shape in &mut scene.shapes {
            if let Shape::Text(text) = shape {
                let [left, top, right, bottom] = text.bounds();
                text.x += (-left).max(0.0) - (right - f64::from(width)).max(0.0);
                text.y += (-top).max(0.0) - (bottom - f64::from(height)).max(0.0);
            }
        }
        scene
    }
}

pub(super) fn block_height(lines: &[String], size: f64) -> f64 {
    lines.len() as f64 * LINE * size
}

/// The lines of a text that may be missing.
pub(super) fn wrapped(text: Option<&str>, size: f64, room: f64) -> Vec<String> {
    wrap(text.unwrap_or_default(), size, room)
}
