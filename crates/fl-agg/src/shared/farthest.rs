//! What rules share that take out the message farthest from the mean, again and again.

use fl_core::Shape;

/// Sums that differ by less are equal.
pub(crate) const SAME: f64 = 1e-13;

/// κ of [`crate::Faba`], and of [`crate::Ios`] without weights and an own message.
pub(crate) fn kappa(shape: Shape) -> Option<f64> {
    let (n, f) = (shape.workers as f64, shape.byzantine as f64);
    let proven = shape.workers > 2 * shape.byzantine;
    Some(16.0 * f * f * (n - f) / (n - 2.0 * f).powi(2)).filter(|_| proven)
}
