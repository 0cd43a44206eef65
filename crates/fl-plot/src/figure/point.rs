//! A point of a curve.

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
