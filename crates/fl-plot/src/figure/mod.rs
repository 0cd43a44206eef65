//! What a picture is made of: plain data with public fields.

mod band;
mod curve;
mod heat_map;
mod panel;
mod point;

pub use band::{band, geometric_band, student_t_975};
pub use curve::{Curve, Form};
pub use heat_map::HeatMap;
pub use panel::{Axis, AxisScale, Panel};
pub use point::Point;

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
