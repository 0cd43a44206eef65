//! Errors that carry their numbers.

/// A setting that cannot work, found by `build` before round 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part}{}{setting} must be {allowed}, got {got}", if part.is_empty() { "" } else { ": " })]
pub struct SpecError {
    /// The part that has the setting, by its name in files; empty where it belongs to none, as a shape does.
    pub part: String,
    /// The setting, as a user writes it.
    pub setting: String,
    /// What would be accepted.
    pub allowed: String,
    /// What was found.
    pub got: String,
}

impl SpecError {
    /// A setting, what would be accepted, and what was found.
    pub fn new(setting: impl ToString, allowed: impl ToString, got: impl ToString) -> Self {
        let [setting, allowed, got] = [setting.to_string(), allowed.to_string(), got.to_string()];
        Self { part: String::new(), setting, allowed, got }
    }

    /// The same, with the part that has the setting.
    #[must_use]
    pub fn of(self, part: impl ToString) -> Self {
        Self { part: part.to_string(), ..self }
    }
}

/// Why a round's messages could not be aggregated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// Messages of another number or length than the server was built for.
    #[error("the server was built for {expected}, got {got}")]
    Shape {
        /// What it was built for.
        expected: String,
        /// What arrived.
        got: String,
    },
    /// The messages could not be read, or the output not be kept.
    #[error("{0}")]
    Source(String),
    /// A worker sent NaN or infinity, and the policy refuses that.
    #[error("the message of worker {worker} is not finite; the policy is to refuse such a round")]
    NonFinite {
        /// The lowest such worker.
        worker: usize,
    },
    /// Too little is left after non-finite messages were dropped.
    #[error("{left} of {workers} messages are finite, which is not enough: {requirement}")]
    TooFew {
        /// Finite messages.
        left: usize,
        /// Messages that arrived.
        workers: usize,
        /// What the rule needs.
        requirement: String,
    },
    /// A rule relies on one worker's message, and that message was left out of the round.
    #[error(
        "{rule} relies on worker {worker}, whose message was left out because it is not finite"
    )]
    Missing {
        /// The rule.
        rule: String,
        /// The worker whose message it cannot do without.
        worker: usize,
    },
    /// A rule that searches for the best set of messages met the limit that it was given.
    #[error(
        "{rule}: no set of messages was proven best within {limit} steps; raise {setting}, or choose a rule that does \
         not search"
    )]
    Search {
        /// The rule.
        rule: String,
        /// How many steps it was allowed.
        limit: u64,
        /// The setting that holds the limit.
        setting: String,
    },
    /// Whoever started the round does not want it any more ([`Cx::is_interrupted`](crate::Cx::is_interrupted)).
    #[error("the round was interrupted")]
    Interrupted,
    /// A rule from elsewhere, as one in another language, gave up.
    #[error("{rule} failed: {why}")]
    Failed {
        /// The rule.
        rule: String,
        /// In its own words.
        why: String,
    },
}
