//! What lies between Python and the crates: errors, values, matrices, signals.

pub(crate) mod errors;
pub(crate) mod fork;
pub(crate) mod matrix;
pub(crate) mod value;
pub(crate) mod watched;
