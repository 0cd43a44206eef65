//! From one series a seed to a mean with a band.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::point::Point;

/// Mean over seeds with its 95 % Student-t interval.
///
/// `series` holds one list of `(x, y)` a seed. At an `x` with values `y_1 … y_n`:
///
/// ```text
/// ȳ = (1/n) Σ y_i      s² = 1/(n−1) Σ (y_i − ȳ)²
/// low, high = ȳ ∓ t · s / √n        t = 0.975 quantile of Student's t, n − 1 degrees of freedom
/// ```
///
/// This is the interval for the *mean* over seeds (seeds being independent and values about
/// normal), not the range in which single runs lie, and it is not cut at 0 or 1.
///
/// - **Which x.** Those that occur in every series; so of runs that differ in length the common
///   part is drawn. If a series has an `x` twice, the later value counts (a resumed run wrote it
///   again). Points come out in ascending order of `x`.
/// - **One seed** (or one finite value): `low = high = y`, no band, since one value says nothing of
///   the spread.
/// - **Non-finite.** A pair whose `x` is not finite is ignored. A `y` that is not finite is left
///   out at its `x` and `n` there is smaller by one; where no seed has a finite value, `y` is NaN,
///   which is drawn as a gap.
/// - **Cost.** O(N log N) for N pairs in all.
///
/// # Example
/// ```
/// let seeds = [vec![(0.0, 0.1), (50.0, 0.6)], vec![(0.0, 0.1), (50.0, 0.8)]];
/// let points = fl_plot::band(&seeds);
/// assert!((points[1].y - 0.7).abs() < 1e-12);
/// // s = √0.02, n = 2, t = 12.7062: the half width is 12.7062 · 0.1.
/// assert!((points[1].high - points[1].y - 1.270_620_5).abs() < 1e-6);
/// ```
#[must_use]
pub fn band(series: &[Vec<(f64, f64)>]) -> Vec<Point> {
    // The key is the order-preserving integer image of x, so that equal means equal bits.
    let mut at: BTreeMap<i64, (f64, Vec<f64>)> = BTreeMap::new();
    for run in series {
        let mut own: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
        for &(x, y) in run.iter().filter(|(x, _)| x.is_finite()) {
            let x = x + 0.0; // −0 and 0 are one place.
            own.insert(order_key(x), (x, y));
        }
        for (key, (x, y)) in own {
            at.entry(key).or_insert_with(|| (x, Vec::with_capacity(series.len()))).1.push(y);
        }
    }
    at.into_values()
        .filter(|(_, ys)| ys.len() == series.len())
        .map(|(x, mut ys)| {
            ys.retain(|y| y.is_finite());
            mean_with_band(x, &ys)
        })
        .collect()
}

/// Geometric mean over seeds with its 95 % Student-t interval: [`band`] of the logarithms, taken
/// back.
///
/// For quantities that are positive and spread over powers of ten (a squared distance, a loss gap),
/// drawn on a logarithmic axis: the band is symmetric there and never reaches zero.
/// A `y` that is not positive is left out as one that is not finite.
///
/// # Example
/// ```
/// let points = fl_plot::geometric_band(&[vec![(0.0, 1e-2)], vec![(0.0, 1e-4)]]);
/// assert!((points[0].y - 1e-3).abs() < 1e-15);
/// ```
#[must_use]
pub fn geometric_band(series: &[Vec<(f64, f64)>]) -> Vec<Point> {
    let log = |&(x, y): &(f64, f64)| (x, if y > 0.0 { y.ln() } else { f64::NAN });
    let logs: Vec<Vec<_>> = series.iter().map(|run| run.iter().map(log).collect()).collect();
    band(&logs)
        .into_iter()
        .map(|p| Point::with_band(p.x, p.y.exp(), p.low.exp(), p.high.exp()))
        .collect()
}

fn mean_with_band(x: f64, ys: &[f64]) -> Point {
    let n = ys.len();
    if n == 0 {
        return Point::new(x, f64::NAN);
    }
    let mean = ys.iter().sum::<f64>() / n as f64;
    if n == 1 {
        return Point::new(x, mean);
    }
    let variance = ys.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    let half = student_t_975(n - 1) * (variance / n as f64).sqrt();
    // Equal values have a mean that rounding may set beside them; that is no spread.
    let half = if half <= 1e-14 * mean.abs() { 0.0 } else { half };
    Point::with_band(x, mean, mean - half, mean + half)
}

/// Maps finite doubles to integers in the same order, as `f64::total_cmp` does.
fn order_key(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The 0.975 quantile of Student's t distribution with `dof` degrees of freedom (12.7062 for 1,
/// 4.3027 for 2, 1.9600 in the limit), by [statrs](https://docs.rs/statrs), with twelve digits for
/// up to a thousand degrees.
///
/// With `dof` 0 there is no distribution and the answer is infinite.
#[must_use]
pub fn student_t_975(dof: usize) -> f64 {
    StudentsT::new(0.0, 1.0, dof as f64).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::FRAC_PI_2;

    #[test]
    fn equal_seeds_have_no_band() {
        let seeds: Vec<Vec<(f64, f64)>> = (0..3).map(|_| vec![(0.0, 0.098)]).collect();
        let points = band(&seeds);
        assert_eq!((points[0].low, points[0].high), (points[0].y, points[0].y));
    }

    #[track_caller]
    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }

    #[test]
    fn quantiles_agree_with_the_printed_table() {
        // Abramowitz and Stegun, table 26.10, to the digits printed there.
        for (dof, expected) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (9, 2.262),
            (10, 2.228),
            (29, 2.045),
            (30, 2.042),
            (40, 2.021),
            (120, 1.980),
        ] {
            close(student_t_975(dof), expected, 5.1e-4);
        }
        close(student_t_975(1), (0.95 * FRAC_PI_2).tan(), 1e-10);
        close(student_t_975(2), 0.95 * (2.0_f64 / (1.0 - 0.95 * 0.95)).sqrt(), 1e-12);
        close(student_t_975(100_000), 1.959_988, 1e-5);
        assert_eq!(student_t_975(0), f64::INFINITY);
    }

    #[test]
    fn a_band_of_three_seeds_is_the_hand_computed_one() {
        // 0.5, 0.6, 0.7: mean 0.6, s = 0.1, t₂ = 4.302653, half width 4.302653 · 0.1/√3 =
        // 0.2484138.
        let points = band(&[vec![(10.0, 0.5)], vec![(10.0, 0.6)], vec![(10.0, 0.7)]]);
        assert_eq!(points.len(), 1);
        close(points[0].x, 10.0, 0.0);
        close(points[0].y, 0.6, 1e-12);
        close(points[0].low, 0.6 - 0.248_413_8, 1e-6);
        close(points[0].high, 0.6 + 0.248_413_8, 1e-6);
    }

    #[test]
    fn one_seed_has_no_band() {
        assert_eq!(
            band(&[vec![(0.0, 0.25), (1.0, 0.5)]]),
            [Point::new(0.0, 0.25), Point::new(1.0, 0.5)]
        );
    }

    #[test]
    fn only_the_x_of_every_seed_is_kept_in_ascending_order() {
        let points = band(&[
            vec![(-5.0, 1.0), (-0.0, 1.0), (2.0, 1.0), (3.0, 1.0)],
            vec![(2.0, 3.0), (0.0, 3.0), (-5.0, 3.0), (f64::NAN, 9.0)],
        ]);
        assert_eq!(points.iter().map(|p| p.x).collect::<Vec<_>>(), [-5.0, 0.0, 2.0]);
        assert!(points.iter().all(|p| p.y == 2.0));
    }

    #[test]
    fn a_value_that_is_not_finite_leaves_the_mean_of_the_others() {
        let points = band(&[
            vec![(0.0, 0.5), (1.0, f64::NAN), (2.0, f64::NAN)],
            vec![(0.0, 0.7), (1.0, 0.4), (2.0, f64::INFINITY)],
        ]);
        close(points[0].y, 0.6, 1e-12);
        assert_eq!(points[1], Point::new(1.0, 0.4));
        assert!(points[2].x == 2.0 && points[2].y.is_nan());
    }

    #[test]
    fn a_round_that_was_written_twice_counts_once_with_its_later_value() {
        let points = band(&[vec![(0.0, 0.1), (0.0, 0.3)], vec![(0.0, 0.3)]]);
        assert_eq!(points, [Point::with_band(0.0, 0.3, 0.3, 0.3)]);
    }

    #[test]
    fn a_geometric_band_is_symmetric_in_the_logarithm_and_leaves_out_what_is_not_positive() {
        let p = geometric_band(&[vec![(0.0, 0.1)], vec![(0.0, 0.4)], vec![(0.0, -1.0)]])[0];
        close(p.y, 0.2, 1e-12);
        // ln 0.1 and ln 0.4 differ by ln 4: s = ln 4/√2, half width t₁ · s/√2 = 12.7062 · ln 2.
        close((p.high / p.y).ln(), 12.706_205 * 2f64.ln(), 1e-5);
        close(p.low * p.high, p.y * p.y, 1e-12);
    }

    #[test]
    fn no_series_gives_no_points() {
        assert!(band(&[]).is_empty());
        assert!(band(&[vec![], vec![(0.0, 1.0)]]).is_empty());
    }
}
