//! Bands, lines and dots of a panel's curves.

use super::axis::Projection;
use super::clip::{clip_polygon, clip_segment, runs};
use super::page::{Page, Rect};
use super::scene::Shape;
use super::style::{BAND_OPACITY, LINE_WIDTH, Style};
use crate::figure::{Form, Panel};

/// Radius of the dot at a point.
pub(super) const MARK: f64 = 3.4;

/// Points in the unit square, without a gap: `(x, y, low, high)`.
type Run = Vec<[f64; 4]>;

impl Page {
    /// All bands, then all lines, so that no band dims a line.
    pub(super) fn curves(
        &mut self,
        plot: &Rect,
        panel: &Panel,
        axes: &(Projection, Projection),
        styles: &[Style],
    ) {
        let in_runs: Vec<Vec<Run>> =
            panel.curves.iter().map(|c| runs(&c.points, &axes.0, &axes.1)).collect();
        for ((runs, style), curve) in in_runs.iter().zip(styles).zip(&panel.curves) {
            if curve.form == Form::Dots {
                self.bars(plot, runs, style);
            } else {
                self.bands(plot, runs, style);
            }
        }
        for ((runs, style), curve) in in_runs.iter().zip(styles).zip(&panel.curves) {
            let line = runs.iter().filter(|_| curve.form != Form::Dots);
            let mut shapes: Vec<Shape> = line.flat_map(|run| pieces(run, plot, style)).collect();
            if curve.form != Form::Line {
                shapes.extend(runs.iter().flatten().filter_map(|&[x, y, ..]| {
                    clip_segment((x, y), (x, y))?;
                    let (x, y) = plot.at((x, y));
                    Some(Shape::Dot { x, y, radius: MARK, colour: style.colour })
                }));
            }
            self.shapes.push(Shape::Named { name: curve.name.clone(), shapes });
        }
    }

    /// The bands of single points.
    fn bars(&mut self, plot: &Rect, runs: &[Run], style: &Style) {
        for &[x, y, low, high] in runs.iter().flatten() {
            if low != y || high != y {
                self.bar(plot, [x, low, high], style, 1.2);
            }
        }
    }

    fn bar(&mut self, plot: &Rect, [x, low, high]: [f64; 3], style: &Style, width: f64) {
        if let Some((a, b)) = clip_segment((x, low), (x, high)) {
            self.line(vec![plot.at(a), plot.at(b)], style.colour, width);
        }
    }

    /// The bands of lines.
    fn bands(&mut self, plot: &Rect, runs: &[Run], style: &Style) {
        let with_band = |run: &&Run| run.iter().any(|[_, y, low, high]| low != y || high != y);
        for run in runs.iter().filter(with_band) {
            if let [[x, _, low, high]] = run[..] {
                self.bar(plot, [x, low, high], style, 1.0);
                continue;
            }
            let upper = run.iter().map(|[x, _, _, high]| (*x, *high));
            let lower = run.iter().rev().map(|[x, _, low, _]| (*x, *low));
            let points = clip_polygon(upper.chain(lower).collect());
            if points.len() >= 3 {
                self.shapes.push(Shape::Area {
                    points: points.into_iter().map(|p| plot.at(p)).collect(),
                    colour: style.colour,
                    opacity: BAND_OPACITY,
                });
            }
        }
    }
}

/// The visible lines of one run.
fn pieces(run: &[[f64; 4]], plot: &Rect, style: &Style) -> Vec<Shape> {
    if let [[x, y, ..]] = run[..] {
        if clip_segment((x, y), (x, y)).is_none() {
            return Vec::new();
        }
        let (x, y) = plot.at((x, y));
        return vec![Shape::Dot { x, y, radius: 1.4 * LINE_WIDTH, colour: style.colour }];
    }
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    for pair in run.windows(2) {
        let ends = ((pair[0][0], pair[0][1]), (pair[1][0], pair[1][1]));
        let Some((a, b)) = clip_segment(ends.0, ends.1) else { continue };
        let (a, b) = (plot.at(a), plot.at(b));
        match lines.last_mut() {
            Some(line) if line.last() == Some(&a) => line.push(b),
            _ => lines.push(vec![a, b]),
        }
    }
    lines
        .into_iter()
        .map(|points| Shape::Line {
            points,
            colour: style.colour,
            width: LINE_WIDTH,
            dash: style.dash,
        })
        .collect()
}
