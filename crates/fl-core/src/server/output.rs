//! Where an output goes.

use crate::Sink;

/// Where an output goes.
#[derive(Debug)]
pub(super) enum Output<'a, T> {
    /// Memory, from messages that are in memory too.
    Slice(&'a mut [T]),
    Sink(&'a dyn Sink<T>),
}
