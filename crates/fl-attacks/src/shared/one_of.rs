//! Several attacks of which one acts in a round.

use super::numbered::numbered;
use fl_core::{Attack, AttackView, Cx, Scalar, Visit};
use std::fmt::Debug;

/// Which part acts in a round.
pub(crate) trait Choice: Debug + Send + Sync {
    /// The place of the part, below `parts`.
    fn choose(&self, cx: &Cx<'_>, parts: usize) -> usize;
}

/// Attacks, and which of them acts.
#[derive(Debug)]
pub(crate) struct OneOf<T, C> {
    pub(crate) parts: Vec<Box<dyn Attack<T>>>,
    pub(crate) choice: C,
}

impl<T: Scalar, C: Choice> Attack<T> for OneOf<T, C> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let chosen = self.choice.choose(cx, self.parts.len());
        self.parts[chosen].corrupt(cx, view);
    }

    fn needs_true_messages(&self) -> bool {
        self.parts.iter().any(|part| part.needs_true_messages())
    }

    fn looks_back(&self) -> bool {
        self.parts.iter().any(|part| part.looks_back())
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        for (i, part) in self.parts.iter_mut().enumerate() {
            numbered(i, &mut **part, visit);
        }
    }
}
