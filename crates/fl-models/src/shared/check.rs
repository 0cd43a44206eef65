//! What a model can be built for.

use fl_core::{Scalar, SpecError};

/// Checks what every model is built for.
pub(crate) fn check_shape(columns: usize, l2: f64) -> Result<(), SpecError> {
    if columns == 0 {
        return Err(SpecError::new("columns", "at least 1", columns));
    }
    // The limit is where `f32` overflows.
    if !(l2 >= 0.0 && l2 <= f64::from(f32::MAX)) {
        return Err(SpecError::new("l2", "a finite number, zero or above", l2));
    }
    Ok(())
}

pub(crate) fn check_classes(classes: usize) -> Result<(), SpecError> {
    if classes < 2 {
        let allowed = "at least 2 (data with real targets have 1, and need a squared loss)";
        return Err(SpecError::new("classes", allowed, classes));
    }
    Ok(())
}

/// Whether p numbers fit into memory: the allocator is asked for them and takes them back. Nothing is written, so that this
/// costs nothing.
pub(crate) fn check_size<T: Scalar>(
    p: u128,
    shape: impl FnOnce() -> String,
) -> Result<(), SpecError> {
    let bytes = p.saturating_mul(size_of::<T>() as u128);
    let fits = usize::try_from(bytes).is_ok_and(|n| Vec::<u8>::new().try_reserve_exact(n).is_ok());
    if fits {
        return Ok(());
    }
    let (scaled, unit) = match bytes {
        0..1_000_000_000_000 => (bytes as f64 / 1e9, "GB"),
        1_000_000_000_000..1_000_000_000_000_000 => (bytes as f64 / 1e12, "TB"),
        _ => (bytes as f64 / 1e15, "PB"),
    };
    Err(SpecError::new(
        "the model",
        "small enough for the memory of this machine",
        format!("{}, whose {p} parameters in {} take {scaled:.1} {unit}", shape(), T::NAME),
    ))
}
