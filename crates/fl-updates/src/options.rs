//! What is done with updates.

use crate::layout::Per;
use fl_core::{NonFinite, PreAggregatorSpec, RuleSpec};
use std::sync::Arc;

/// What is done with updates.
#[derive(Clone, Debug)]
pub struct Options {
    /// The rule.
    pub rule: Arc<dyn RuleSpec>,
    /// What stands before it.
    pub pre: Vec<Arc<dyn PreAggregatorSpec>>,
    /// f: how many clients may be Byzantine.
    pub byzantine: usize,
    /// What happens to a client with a number that is not finite.
    pub non_finite: NonFinite,
    /// Which tensors are one message.
    pub per: Per,
    /// Most bytes of memory; files are read through what headers, distances and tables leave of it.
    pub memory: usize,
    /// Seed and round of random draws.
    pub seed: u64,
    /// The round of random draws.
    pub round: u64,
    /// Whether each tensor's share of the squared distances is measured, in one pass more.
    pub shares: bool,
    /// What the output's metadata say of the rule and the chain.
    pub description: String,
}

impl Options {
    /// The rule alone, within 1 GiB.
    pub fn new(rule: impl RuleSpec + 'static, byzantine: usize) -> Self {
        let description = rule.name().to_owned();
        Self {
            rule: Arc::new(rule),
            pre: Vec::new(),
            byzantine,
            non_finite: NonFinite::Drop,
            per: Per::Whole,
            memory: 1 << 30,
            seed: 0,
            round: 0,
            shares: false,
            description,
        }
    }
}
