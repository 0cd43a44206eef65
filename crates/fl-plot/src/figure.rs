//! What a picture is made of: plain data with public fields.

use crate::band::band;

/// One picture: a grid of panels with a common legend, a title above and a footer below.
///
/// A curve's colour and dashes follow its name: the first name met gets the first style, and the
/// same name in another panel gets the same style and one common entry in the legend. Names in
/// [`styles`](Self::styles) come before all others, so that they look the same in several pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Text above everything.
    pub title: Option<String>,
    /// Panels, row by row.
    pub panels: Vec<Panel>,
    /// Panels in a row, at least 1.
    pub columns: usize,
    /// Small print under everything: a configuration hash, the digest of the data.
    pub footer: Option<String>,
    /// Names that have the first styles, in this order, drawn or not.
    pub styles: Vec<String>,
    /// Where the names of the curves stand.
    pub legend: Legend,
    /// Width in pixels at scale 1 (CSS pixels in the SVG).
    pub width: u32,
    /// Height in pixels at scale 1.
    pub height: u32,
}

impl Figure {
    /// A figure of these panels, at most three in a row, in a size that suits a page.
    ///
    /// ```
    /// use fl_plot::{Axis, Curve, Figure, Panel, Point};
    ///
    /// let curve = Curve::new("Proposed", vec![Point::new(0.0, 0.1), Point::new(50.0, 0.7)]);
    /// let panel = Panel::new(Axis::new("round"), Axis::new("accuracy"), vec![curve]);
    /// let figure = Figure::new(vec![panel]);
    /// assert_eq!((figure.columns, figure.width, figure.height), (1, 760, 440));
    /// ```
    #[must_use]
    pub fn new(panels: Vec<Panel>) -> Self {
        let columns = panels.len().clamp(1, 3);
        let rows = panels.len().div_ceil(columns).max(1) as u32;
        let (width, height) = match columns {
            1 => (760, 440 * rows),
            2 => (900, 60 + 340 * rows),
            _ => (1140, 60 + 320 * rows),
        };
        Self {
            title: None,
            panels,
            columns,
            footer: None,
            styles: Vec::new(),
            legend: Legend::Auto,
            width,
            height,
        }
    }
}

/// Where the legend stands. It never lies over the curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Legend {
    /// To the right of a single panel if its names are short enough, else under the panels.
    #[default]
    Auto,
    /// To the right; names wider than two fifths of the picture are cut off with an ellipsis.
    Right,
    /// Under the panels, in as many columns as fit.
    Bottom,
    /// None.
    Hidden,
}

/// One system of axes with its curves.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Text above this panel.
    pub title: Option<String>,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Curves, drawn in this order: a later one lies over an earlier one. Names are unique.
    pub curves: Vec<Curve>,
}

impl Panel {
    /// A panel without a title.
    #[must_use]
    pub fn new(x: Axis, y: Axis, curves: Vec<Curve>) -> Self {
        Self { title: None, x, y, curves }
    }
}

/// One axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What is measured, with its unit; empty for none.
    pub label: String,
    /// How values become positions.
    pub scale: Scale,
    /// Ends of the axis; what lies outside is cut off.
    ///
    /// `None` takes them from the points: on x exactly the values that occur, on a linear y `(0,
    /// 1)` if all values lie in it and the greatest is at least 0.05 (an accuracy), otherwise all
    /// values and bands, extended to round numbers.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis whose ends follow from the points.
    #[must_use]
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: None }
    }

    /// The same axis with a logarithmic scale.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.scale = Scale::Log;
        self
    }

    /// The same axis from `low` to `high`.
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }
}

/// How values become positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// In proportion.
    #[default]
    Linear,
    /// In proportion to the logarithm to base 10. Values that are not positive are gaps.
    Log,
}

/// A named line with a band around it.
///
/// A point whose `x` or `y` is NaN, infinite or beyond ±1e300 (or, on a logarithmic axis, below
/// 1e-300) is a gap: the line ends before it and starts again behind it. A point between two gaps
/// is drawn as a dot.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Name in the legend; an empty one has no entry there.
    pub name: String,
    /// Points in the order in which they are joined.
    pub points: Vec<Point>,
    /// What is drawn of them.
    pub form: Form,
}

/// What is drawn of a curve's points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// The line through them.
    #[default]
    Line,
    /// The line, and a dot at every point: for a curve of few points that were measured one by one.
    Marked,
    /// Dots alone: for points that have no order. A band is a vertical line at its point.
    Dots,
}

impl Curve {
    /// A curve of these points, drawn as a line.
    #[must_use]
    pub fn new(name: impl Into<String>, points: Vec<Point>) -> Self {
        Self { name: name.into(), points, form: Form::Line }
    }

    /// The same curve in another form.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// The mean over seeds with its 95 % band: [`band`] of the series.
    #[must_use]
    pub fn from_seeds(name: impl Into<String>, series: &[Vec<(f64, f64)>]) -> Self {
        Self::new(name, band(series))
    }
}

/// A point of a curve and the band above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Horizontal value.
    pub x: f64,
    /// Vertical value.
    pub y: f64,
    /// Lower edge of the band; equal to `y` for none. A value that is not finite counts as `y`.
    pub low: f64,
    /// Upper edge of the band; equal to `y` for none. A value that is not finite counts as `y`.
    pub high: f64,
}

impl Point {
    /// A point without a band.
    #[must_use]
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, low: y, high: y }
    }

    /// A point with a band from `low` to `high`.
    #[must_use]
    pub fn with_band(x: f64, y: f64, low: f64, high: f64) -> Self {
        Self { x, y, low, high }
    }
}
