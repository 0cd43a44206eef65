//! Angles between messages, from their distances.

use fl_core::Geometry;

/// `1 − cos` of the angle between two messages; 1 where one of them is 0, or so much longer that its direction is lost among
/// rounded distances.
///
/// ```text
/// 1 − cos = (δ² − (1 − r)²) / 2r,     r = ‖short‖/‖long‖,  δ = ‖v_i − v_j‖/‖long‖
/// ```
pub(crate) fn cosine_distance(geometry: &Geometry, i: usize, j: usize) -> f64 {
    if i == j {
        return 0.0;
    }
    let ratio = geometry.norm_ratio(i, j);
    let (r, long) = if ratio > 1.0 { (1.0 / ratio, i) } else { (ratio, j) };
    let delta = geometry.distance(i, j) / geometry.distance(long, geometry.origin());
    // NaN, of two messages that are 0 or beyond the largest number, fails the comparison.
    if !(r * geometry.farthest() > 1.0 && delta.is_finite()) {
        return 1.0;
    }
    ((delta * delta - (1.0 - r) * (1.0 - r)) / (2.0 * r)).clamp(0.0, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::Messages;

    fn of(rows: &[[f64; 2]]) -> f64 {
        let messages = Messages::from_rows(rows);
        let mut geometry = Geometry::with_capacity::<f64>(2, 2);
        geometry.measure(messages.view(), &mut vec![0, 1]);
        cosine_distance(&geometry, 0, 1)
    }

    #[test]
    fn angles_are_those_of_the_directions() {
        assert!((of(&[[1.0, 0.0], [0.0, 5.0]]) - 1.0).abs() < 1e-12);
        assert!((of(&[[1.0, 0.0], [-3.0, 0.0]]) - 2.0).abs() < 1e-12);
        assert!((of(&[[1.0, 1.0], [7.0, 0.0]]) - (1.0 - 0.5f64.sqrt())).abs() < 1e-12);
        assert_eq!(of(&[[1.5, -2.5], [1.5, -2.5]]), 0.0);
    }

    #[test]
    fn what_has_no_direction_is_at_a_right_angle_to_all() {
        assert_eq!(of(&[[0.0, 0.0], [1.0, 2.0]]), 1.0);
        assert_eq!(of(&[[0.0, 0.0], [0.0, 0.0]]), 1.0);
        assert_eq!(of(&[[1e-200, 0.0], [1e200, 0.0]]), 1.0);
    }
}
