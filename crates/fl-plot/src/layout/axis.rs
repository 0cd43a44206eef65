//! From values to positions: the range of an axis and its projection.

use super::ticks::{Tick, linear_ticks, log_ticks, nice_step};
use crate::error::PlotError;
use crate::figure::{Axis, AxisScale, Panel, Point};

/// Values beyond this are not told from infinity, so that differences of values are finite; and on
/// a logarithmic axis values below its inverse are not told from zero, so that their halves are not
/// zero.
const GREATEST: f64 = 1e300;
/// A linear axis narrower than this share of its largest value would have equal labels on its
/// ticks.
const NARROWEST: f64 = 1e-9;

/// Values between 0 and 1 that never reach this are not taken for accuracies.
const LEAST_ACCURACY: f64 = 0.05;

/// A checked axis: `unit` maps `low..high` to `0..1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Projection {
    scale: AxisScale,
    /// Ends, as logarithms to base 10 on a logarithmic axis.
    low: f64,
    high: f64,
}

impl Projection {
    pub(crate) fn new(scale: AxisScale, low: f64, high: f64) -> Self {
        match scale {
            AxisScale::Linear => Self { scale, low, high },
            AxisScale::Log => Self { scale, low: low.log10(), high: high.log10() },
        }
    }

    /// Where a value lies, 0 at the lower and 1 at the upper end; `None` for a gap.
    pub(crate) fn unit(&self, value: f64) -> Option<f64> {
        if !drawable(self.scale, value) {
            return None;
        }
        let value = if self.scale == AxisScale::Log { value.log10() } else { value };
        Some((value - self.low) / (self.high - self.low))
    }

    /// As [`Self::unit`], with everything that a logarithm cannot show at `fallback`.
    pub(crate) fn unit_or(&self, value: f64, fallback: f64) -> f64 {
        self.unit(value).unwrap_or(fallback)
    }

    /// At most `most` (at least 2) round values in the range, with labels.
    pub(crate) fn ticks(&self, most: usize) -> Vec<Tick> {
        let most = most.max(2);
        match self.scale {
            AxisScale::Linear => linear_ticks(self.low, self.high, most),
            AxisScale::Log => log_ticks(self.low, self.high, most),
        }
    }
}

/// Whether a value has a place on such an axis.
fn drawable(scale: AxisScale, value: f64) -> bool {
    value.abs() <= GREATEST && (scale == AxisScale::Linear || value >= 1.0 / GREATEST)
}

/// Checks panel `number` (from 1) and finds the ends of its axes.
pub(crate) fn project(panel: &Panel, number: usize) -> Result<(Projection, Projection), PlotError> {
    if panel.curves.is_empty() {
        return Err(PlotError::NoCurves { panel: number });
    }
    for (i, curve) in panel.curves.iter().enumerate() {
        if !curve.name.is_empty() && panel.curves[..i].iter().any(|c| c.name == curve.name) {
            return Err(PlotError::DuplicateName { panel: number, name: curve.name.clone() });
        }
    }
    let all: Vec<Point> = panel.curves.iter().flat_map(|c| c.points.iter().copied()).collect();
    if all.is_empty() {
        return Err(PlotError::NoPoints { panel: number, curves: panel.curves.len() });
    }
    let points: Vec<Point> = all
        .iter()
        .copied()
        .filter(|p| drawable(panel.x.scale, p.x) && drawable(panel.y.scale, p.y))
        .collect();
    if points.is_empty() {
        return Err(PlotError::NothingToDraw { panel: number, points: all.len() });
    }

    let x = given(&panel.x, number, 'x')?.unwrap_or_else(|| {
        let (low, high) = extent(points.iter().map(|p| p.x));
        widened(panel.x.scale, low, high)
    });
    let y = given(&panel.y, number, 'y')?.unwrap_or_else(|| {
        let (low, high) = extent(points.iter().map(|p| p.y));
        if panel.y.scale == AxisScale::Linear
            && 0.0 <= low
            && (LEAST_ACCURACY..=1.0).contains(&high)
        {
            return (0.0, 1.0);
        }
        // On a logarithmic axis bands often reach below zero; they are cut, not shown down to
        // nothing.
        let with_bands = points.iter().flat_map(|p| match panel.y.scale {
            AxisScale::Linear => [p.y, p.low, p.high],
            AxisScale::Log => [p.y, p.y, p.high],
        });
        let (low, high) = extent(with_bands.filter(|&v| drawable(panel.y.scale, v)));
        let (low, high) = widened(panel.y.scale, low, high);
        rounded(panel.y.scale, low, high)
    });
    Ok((Projection::new(panel.x.scale, x.0, x.1), Projection::new(panel.y.scale, y.0, y.1)))
}

/// The range that the user gave, checked.
fn given(axis: &Axis, panel: usize, name: char) -> Result<Option<(f64, f64)>, PlotError> {
    let Some((low, high)) = axis.range else { return Ok(None) };
    let usable = drawable(axis.scale, low)
        && drawable(axis.scale, high)
        && low < high
        && high - low > NARROWEST * low.abs().max(high.abs());
    if usable {
        Ok(Some((low, high)))
    } else {
        Err(PlotError::Range { panel, axis: name, low, high })
    }
}

fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// Makes room around values that are all (nearly) one.
fn widened(scale: AxisScale, low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if high - low > NARROWEST * size {
        return (low, high);
    }
    match scale {
        AxisScale::Log => (low / 2.0, high * 2.0),
        AxisScale::Linear if size < f64::MIN_POSITIVE / NARROWEST => (-0.5, 0.5),
        AxisScale::Linear => (low - 0.1 * size, high + 0.1 * size),
    }
}

/// Extends a range to round numbers.
fn rounded(scale: AxisScale, low: f64, high: f64) -> (f64, f64) {
    match scale {
        AxisScale::Linear => {
            let step = nice_step(high - low, 8);
            ((low / step).floor() * step, (high / step).ceil() * step)
        }
        AxisScale::Log => {
            // 1, 2 or 5 times a power of ten; powers alone would waste up to a decade at each end.
            let down = (low.log10().floor() as i32, [5.0, 2.0, 1.0]);
            let up = (high.log10().floor() as i32, [1.0, 2.0, 5.0, 10.0]);
            let near = 1e-9;
            let bottom =
                down.1.iter().map(|m| m * 10f64.powi(down.0)).find(|v| *v <= low * (1.0 + near));
            let top = up.1.iter().map(|m| m * 10f64.powi(up.0)).find(|v| *v >= high * (1.0 - near));
            // Powers of ten near the ends of f64 may round past the value: then the value itself is
            // the end.
            let (bottom, top) = (bottom.unwrap_or(low), top.unwrap_or(high));
            if bottom > 0.0 && top.is_finite() && bottom < top {
                (bottom, top)
            } else {
                (low, high)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Curve;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[track_caller]
    fn check(scale: AxisScale, low: f64, high: f64, most: usize, expected: &[&str]) {
        let ticks = Projection::new(scale, low, high).ticks(most);
        assert_eq!(labels(&ticks), expected);
        assert!(ticks.windows(2).all(|t| t[0].unit < t[1].unit), "{ticks:?}");
    }

    #[test]
    fn linear_ticks_are_round_numbers_without_needless_digits() {
        let linear = AxisScale::Linear;
        check(linear, 0.0, 1.0, 6, &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(linear, 0.0, 1.0, 5, &["0.00", "0.25", "0.50", "0.75", "1.00"]);
        check(linear, 0.0, 4000.0, 5, &["0", "1000", "2000", "3000", "4000"]);
        check(linear, -1.5, 1.5, 7, &["−1.5", "−1.0", "−0.5", "0.0", "0.5", "1.0", "1.5"]);
        check(linear, 0.0, 3e6, 4, &["0", "10⁶", "2×10⁶", "3×10⁶"]);
        check(linear, 0.0, 2e-5, 3, &["0", "10⁻⁵", "2×10⁻⁵"]);
        check(linear, 0.0, 1.2e7, 4, &["0", "0.5×10⁷", "1.0×10⁷"]);
        check(linear, 0.0, 2.5e6, 3, &["0", "2×10⁶"]);
        check(linear, 0.31, 0.33, 3, &["0.31", "0.32", "0.33"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_or_1_2_5_between_them() {
        let log = AxisScale::Log;
        check(log, 1e-3, 1.0, 8, &["10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        check(log, 1e-12, 1.0, 4, &["10⁻¹²", "10⁻⁸", "10⁻⁴", "10⁰"]);
        check(log, 0.2, 5.0, 8, &["0.2", "0.5", "1", "2", "5"]);
        check(log, 2500.0, 1e5, 6, &["5000", "10000", "20000", "50000", "100000"]);
        check(log, 2500.0, 1e5, 4, &["10⁴", "10⁵"]);
        check(log, 2.2, 2.4, 4, &["2.2", "2.3", "2.4"]);
        check(log, 20.0, 80.0, 4, &["20", "50"]);
    }

    #[test]
    fn every_range_has_between_one_and_the_asked_number_of_ticks_with_different_labels() {
        let ends = [1e-300, 1e-9, 0.02, 0.3, 1.0, 7.7, 60.0, 4000.0, 123_456.0, 9.99e8, 1e300];
        for (i, &low) in ends.iter().enumerate() {
            for &high in &ends[i + 1..] {
                for scale in [AxisScale::Linear, AxisScale::Log] {
                    for most in 2..12 {
                        let ticks = Projection::new(scale, low, high).ticks(most);
                        let mut names = labels(&ticks);
                        assert!(!ticks.is_empty(), "{low} {high} {scale:?} {most}");
                        // 1, 2, 5 over less than two decades may exceed a very small wish.
                        assert!(
                            ticks.len() <= most.max(7),
                            "{low} {high} {scale:?} {most}: {ticks:?}"
                        );
                        names.dedup();
                        assert_eq!(names.len(), ticks.len(), "{ticks:?}");
                    }
                }
            }
        }
    }

    fn panel(values: &[f64], y: Axis) -> Panel {
        let points = values.iter().enumerate().map(|(i, &v)| Point::new(i as f64, v)).collect();
        Panel::new(Axis::new("x"), y, vec![Curve::new("a", points)])
    }

    #[track_caller]
    fn y_range(values: &[f64], y: Axis) -> (f64, f64) {
        let (_, y) = project(&panel(values, y), 1).unwrap();
        (y.low, y.high)
    }

    #[test]
    fn accuracies_get_zero_to_one_and_other_values_round_ends() {
        assert_eq!(y_range(&[0.1, 0.73], Axis::new("")), (0.0, 1.0));
        assert_eq!(y_range(&[0.0, 1.0], Axis::new("")), (0.0, 1.0));
        assert_eq!(y_range(&[0.0, 0.004], Axis::new("")), (0.0, 0.004));
        assert_eq!(y_range(&[0.3, 2.2], Axis::new("")), (0.0, 2.5));
        assert_eq!(y_range(&[-3.0, f64::NAN, 3.0], Axis::new("")), (-3.0, 3.0));
        let (low, high) = y_range(&[5.0, 5.0], Axis::new(""));
        assert!(low < 5.0 && 5.0 < high);
        let (low, high) = y_range(&[0.003, 40.0, -1.0], Axis::new("").log());
        assert!((10f64.powf(low) - 0.002).abs() < 1e-9 && (10f64.powf(high) - 50.0).abs() < 1e-9);
        assert_eq!(y_range(&[0.5, 0.6], Axis::new("").range(0.4, 0.8)), (0.4, 0.8));
    }

    #[test]
    fn ranges_of_extreme_values_stay_finite() {
        for values in [
            [1e308, -1e308, 1.0],
            [1e300, -1e300, 0.0],
            [5e-324, 5e-324, 5e-324],
            [0.0, 5e-324, 1e-320],
            [1e15, 1e15, 1e15 + 1.0],
            [-1e-310, 0.0, 1e-310],
        ] {
            for y in [Axis::new(""), Axis::new("").log()] {
                let Ok((_, y)) = project(&panel(&values, y), 1) else { continue };
                assert!(
                    y.low.is_finite() && y.high.is_finite() && y.low < y.high,
                    "{values:?} {y:?}"
                );
                assert!(!y.ticks(6).is_empty(), "{values:?} {y:?}");
            }
        }
    }
}
