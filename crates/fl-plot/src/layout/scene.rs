//! What both writers draw: a flat list of shapes in pixels, y downwards.

use super::font;
use super::style::Colour;

/// Where a text's `x` lies on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) x: f64,
    /// Of the baseline.
    pub(crate) y: f64,
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    /// Turned to read from bottom to top, about `(x, y)`.
    pub(crate) upwards: bool,
    pub(crate) colour: Colour,
}

impl Text {
    /// How far the text reaches before `x` along its own direction.
    pub(crate) fn before(&self) -> f64 {
        let width = font::width(&self.text, self.size);
        match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        }
    }

    /// Left, top, right and bottom of the space that the text may use.
    pub(crate) fn bounds(&self) -> [f64; 4] {
        let (before, width) = (self.before(), font::width(&self.text, self.size));
        let (up, down) = (font::ASCENT * self.size, font::DESCENT * self.size);
        if self.upwards {
            [self.x - up, self.y + before - width, self.x + down, self.y + before]
        } else {
            [self.x - before, self.y - up, self.x - before + width, self.y + down]
        }
    }
}

/// One thing to draw.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Line {
        points: Vec<(f64, f64)>,
        colour: Colour,
        width: f64,
        dash: &'static [f64],
    },
    Area {
        points: Vec<(f64, f64)>,
        colour: Colour,
        opacity: f64,
    },
    Dot {
        x: f64,
        y: f64,
        radius: f64,
        colour: Colour,
    },
    Text(Text),
    /// Shapes that belong to a curve; the SVG tells its name.
    Named {
        name: String,
        shapes: Vec<Shape>,
    },
}

/// A picture.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// For readers that cannot see the picture.
    pub(crate) title: String,
    pub(crate) shapes: Vec<Shape>,
}
