//! What a statement of the paper can be.

use crate::record::Measure;

/// A method in one of a figure's cases (`""` where there is one).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) case: &'static str,
    pub(crate) method: &'static str,
}

pub(crate) const fn m(method: &'static str) -> Subject {
    Subject { case: "", method }
}

/// A statement that can be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim {
    /// Below 0.5.
    Fails(Subject),
    /// At least three quarters of what is possible.
    PerformsWell(Subject),
    /// Less than that.
    NotRobust(Subject),
    /// Within 0.015 of a value.
    Near(Subject, f64),
    /// No method is above this, by the measure, and these classes are lost to the method named.
    Best(f64, Measure, Subject, &'static [usize]),
    /// Within ± 0.015 of each other.
    Comparable(Subject, Subject),
    /// The paired interval of the difference is above 0, by the measure.
    Outperforms(Subject, Subject, Measure),
    /// The same above 0.015.
    Remarkably(Subject, Subject, Measure),
    /// The first outperforms every other method of the figure but those that are named.
    OutperformsAll(Subject, &'static [&'static str]),
    /// The inner variation of the first one's messages is at most 1 % of the second's.
    Eliminates(Subject, Subject),
    /// All methods lose from the first case to the last.
    AllDegrade,
    /// The method loses from each case to the next.
    Monotone(&'static str),
    /// The method loses less than every other from the first case to the last.
    Insensitive(&'static str),
    /// A statement of numbers that follow from the setting: what they are, and whether it is so.
    Arithmetic(&'static str, bool),
}

/// A claim in the paper's words, shortened, and as it is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub(crate) says: &'static str,
    pub(crate) claim: Claim,
}

pub(super) const fn says(says: &'static str, claim: Claim) -> Statement {
    Statement { says, claim }
}
