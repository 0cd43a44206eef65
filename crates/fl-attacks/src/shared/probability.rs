//! The share of samples that an attack on data changes.

use fl_core::SpecError;

/// A probability above 0.
pub(crate) fn share_is_probability(part: &str, share: f64) -> Result<(), SpecError> {
    if share > 0.0 && share <= 1.0 {
        return Ok(());
    }
    Err(SpecError::new("share", "above 0 and at most 1", share).of(part))
}
