//! A system of axes with its curves.

use super::curve::Curve;

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
    pub scale: AxisScale,
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
        Self { label: label.into(), scale: AxisScale::Linear, range: None }
    }

    /// The same axis with a logarithmic scale.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.scale = AxisScale::Log;
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
pub enum AxisScale {
    /// In proportion.
    #[default]
    Linear,
    /// In proportion to the logarithm to base 10. Values that are not positive are gaps.
    Log,
}
