//! The length of a message, where squares may overflow.

use super::spread;
use fl_core::Scalar;

/// Multiplies a finite message so that its length is `tau`, or at most that if `longer` is false. One with NaN or infinity
/// stays as it is, and so does 0.
pub(crate) fn set<T: Scalar>(message: &mut [T], tau: f64, longer: bool) {
    let mut scale = 1.0;
    let mut square = spread::squared_norm(message);
    // Squares may have overflowed although the numbers did not; squares of tiny numbers vanish, which a clip need not see.
    if !square.is_finite() || (longer && square < f64::MIN_POSITIVE) {
        scale = message.iter().fold(0.0, |max: f64, v| max.max(v.to_f64().abs()));
        square = message.iter().map(|v| (v.to_f64() / scale).powi(2)).sum();
    }
    // Without the norm itself, which may be beyond f64. NaN and infinity fail the comparison.
    let factor = tau / square.sqrt();
    if scale.is_finite() && square.is_finite() && (longer || factor / scale < 1.0) {
        message.iter_mut().for_each(|v| *v = T::from_f64(v.to_f64() / scale * factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_finite_message_but_zero_gets_the_length_that_is_wanted() {
        for size in [1e-310, 1e-200, 1.0, 1e200] {
            let mut message = [3.0 * size, -4.0 * size];
            set(&mut message, 5.0, true);
            assert!((message[0] - 3.0).abs() < 1e-9 && (message[1] + 4.0).abs() < 1e-9);
        }
        let mut zero = [0.0f32; 3];
        set(&mut zero, 1.0, true);
        assert_eq!(zero, [0.0; 3]);
        let mut infinite = [f64::INFINITY, 1.0];
        set(&mut infinite, 1.0, true);
        assert_eq!(infinite, [f64::INFINITY, 1.0]);
    }
}
