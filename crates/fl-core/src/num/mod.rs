//! Number types, aligned buffers, memory asked for ahead of time, and addressed randomness.

mod aligned;
mod prefetch;
mod scalar;
pub mod streams;

pub use aligned::AlignedVec;
pub use prefetch::prefetch;
pub(crate) use prefetch::prefetch_line;
#[cfg(test)]
pub(crate) use scalar::instruction_sets;
pub use scalar::{Scalar, instruction_set};
pub use streams::{Cx, Role, Stream, Streams};
