//! Shapes that no pre-aggregator can work with.

use fl_core::{Shape, SpecError};

/// Refuses averages of nothing, and of more messages than there are.
pub(crate) fn checked_size(name: &str, s: usize, shape: Shape) -> Result<(), SpecError> {
    if (1..=shape.workers).contains(&s) {
        return Ok(());
    }
    let allowed = format!("between 1 and the number of messages, {}", shape.workers);
    Err(SpecError::new("s", allowed, s).of(name))
}

/// Refuses a shape without a message, or with none that could be regular.
pub(crate) fn checked_regular(name: &str, shape: Shape) -> Result<(), SpecError> {
    checked_messages(name, shape)?;
    if shape.byzantine < shape.workers {
        return Ok(());
    }
    let allowed = format!("below the {} messages", shape.workers);
    Err(SpecError::new("the number of Byzantine messages", allowed, shape.byzantine).of(name))
}

/// Refuses a shape without a message.
pub(crate) fn checked_messages(name: &str, shape: Shape) -> Result<(), SpecError> {
    if shape.workers > 0 {
        return Ok(());
    }
    Err(SpecError::new("the number of messages", "at least 1", 0).of(name))
}
