//! Small problems whose answers are known.

pub(crate) mod ridge;
pub(crate) mod small;
