//! Numbers that are finite, and how large they are.

use crate::error::SimError;
use fl_core::Scalar;

/// Whether parameters that are seen at a round are finite.
///
/// # Errors
/// [`SimError::ParametersDiverged`].
pub fn require_finite<T: Scalar>(params: &[T], round: u64) -> Result<(), SimError> {
    if all_finite(params) { Ok(()) } else { Err(SimError::ParametersDiverged { round }) }
}

/// Whether all numbers are finite, without a way out in between: so that several are looked at at once.
pub(crate) fn all_finite<T: Scalar>(x: &[T]) -> bool {
    x.chunks(256).all(|x| x.iter().fold(true, |all, x| all & x.is_finite()))
}

/// ‖x‖, in double precision.
pub(crate) fn norm<T: Scalar>(x: &[T]) -> f64 {
    x.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>().sqrt()
}
