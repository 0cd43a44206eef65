//! What an aggregation tells, and what it is told to do about messages that are not finite.

use crate::{Certificate, Shape};

/// What to do with a message that holds NaN or infinity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFinite {
    /// Leave its sender out of the round: W shrinks by one, and f by one while it is positive.
    #[default]
    Drop,
    /// Refuse the round.
    Error,
}

/// What happened in an aggregation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Messages left out because they were not finite.
    pub dropped: usize,
    /// Messages that were used, and how many of them may be Byzantine.
    pub used: Shape,
    /// What the rule's solver certifies, if it has one.
    pub certificate: Option<Certificate>,
}
