//! What of a curve lies inside its panel.

use super::axis::Projection;
use crate::figure::Point;

/// The part of the segment `a`–`b` inside the unit square, if any (Liang and Barsky's method).
pub(crate) fn clip_segment(a: (f64, f64), b: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for (step, room) in [(-dx, a.0), (dx, 1.0 - a.0), (-dy, a.1), (dy, 1.0 - a.1)] {
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if step < 0.0 {
            from = from.max(room / step);
        } else {
            to = to.min(room / step);
        }
    }
    let at = |t: f64| (a.0 + t * dx, a.1 + t * dy);
    (from <= to).then(|| (if from > 0.0 { at(from) } else { a }, if to < 1.0 { at(to) } else { b }))
}

/// The part of a polygon inside the unit square (Sutherland and Hodgman's method).
pub(crate) fn clip_polygon(polygon: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    type Room = fn((f64, f64)) -> f64;
    let sides: [Room; 4] = [|p| p.0, |p| 1.0 - p.0, |p| p.1, |p| 1.0 - p.1];
    sides.iter().fold(polygon, |polygon, room| {
        let mut kept = Vec::with_capacity(polygon.len() + 4);
        for i in 0..polygon.len() {
            let (a, b) = (polygon[i], polygon[(i + 1) % polygon.len()]);
            let (in_a, in_b) = (room(a), room(b));
            if in_a >= 0.0 {
                kept.push(a);
            }
            if (in_a >= 0.0) != (in_b >= 0.0) {
                let t = in_a / (in_a - in_b);
                kept.push((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1)));
            }
        }
        kept
    })
}

/// The runs of a curve between its gaps, in the unit square's coordinates: `(x, y, low, high)`.
///
/// Far outside the square positions are held at a bound, so that clipping never meets infinity.
pub(crate) fn runs(points: &[Point], x: &Projection, y: &Projection) -> Vec<Vec<[f64; 4]>> {
    let held = |v: f64| v.clamp(-1e9, 1e9);
    let mut runs = Vec::new();
    let mut run = Vec::new();
    for p in points {
        if let (Some(ux), Some(uy)) = (x.unit(p.x), y.unit(p.y)) {
            let edge = |v: f64| {
                // A finite edge that a logarithm cannot show (≤ 0) lies below everything.
                if v.is_finite() { held(y.unit_or(v, -1e9)) } else { held(uy) }
            };
            run.push([held(ux), held(uy), edge(p.low), edge(p.high)]);
        } else if !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::AxisScale;

    #[test]
    fn segments_and_polygons_are_cut_at_the_unit_square() {
        assert_eq!(clip_segment((-1.0, 0.5), (3.0, 0.5)), Some(((0.0, 0.5), (1.0, 0.5))));
        assert_eq!(clip_segment((0.2, 0.2), (0.4, 0.9)), Some(((0.2, 0.2), (0.4, 0.9))));
        assert_eq!(clip_segment((-1.0, 0.5), (0.5, 3.0)), None);
        assert_eq!(clip_segment((0.5, 1.5), (0.5, 1.5)), None);
        let square = clip_polygon(vec![(-1.0, -1.0), (2.0, -1.0), (2.0, 2.0), (-1.0, 2.0)]);
        let area: f64 = (0..square.len())
            .map(|i| (square[i], square[(i + 1) % square.len()]))
            .map(|(a, b)| 0.5 * (a.0 * b.1 - b.0 * a.1))
            .sum();
        assert!((area - 1.0).abs() < 1e-12, "{square:?}");
        assert!(clip_polygon(vec![(2.0, 0.0), (3.0, 0.0), (3.0, 1.0)]).is_empty());
    }

    #[test]
    fn gaps_divide_a_curve_into_runs() {
        let points = [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 4.0, 5.0]
            .iter()
            .enumerate()
            .map(|(i, &y)| Point::new(i as f64, y))
            .collect::<Vec<_>>();
        let p = Projection::new(AxisScale::Linear, 0.0, 10.0);
        let lengths: Vec<_> = runs(&points, &p, &p).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 1, 2]);
    }
}
