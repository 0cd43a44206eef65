//! A named line with a band.

use super::band::band;
use super::point::Point;

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
