//! How many messages a part is for.

/// How many messages arrive, and how many of them may be Byzantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// W, the number of messages.
    pub workers: usize,
    /// f, the number of messages that a rule is to withstand.
    pub byzantine: usize,
}

/// What a part of a chain costs beside the passes over the messages, so that it can be said before anything starts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Operations of a round, in order of magnitude; where a search may end early, those of its worst case.
    pub operations: f64,
    /// Bytes of its tables.
    pub bytes: usize,
}

impl Cost {
    /// `W²` operations, and `tables` tables of `W × W` numbers in `f64`.
    pub fn quadratic(shape: Shape, tables: usize) -> Self {
        let points = shape.workers.saturating_add(2);
        let bytes = points.saturating_mul(points).saturating_mul(8).saturating_mul(tables);
        Self { operations: (shape.workers as f64).powi(2), bytes }
    }

    /// The same with other operations.
    #[must_use]
    pub fn with_operations(self, operations: f64) -> Self {
        Self { operations, ..self }
    }
}
