//! No pre-aggregation, as a pre-aggregator.

use crate::shared::check::checked_messages;
use fl_core::{Cx, Geometry, Mixing, PreAggregator, PreAggregatorSpec, Shape, SpecError, spec};

spec! {
    /// The messages as they are: `ṽ_i = v_i`.
    ///
    /// For tables in which "none" is one of several pre-aggregators. A chain without stages does the same for less.
    ///
    /// # Requirements
    /// `W ≥ 1`.
    ///
    /// # Effect
    /// (W, f) → (W, f). Every message still belongs to its worker.
    ///
    /// # Cost
    /// `O(W²)`, to carry the distances over.
    ///
    /// # Non-finite
    /// Such messages never get here: [`fl_core::Pipeline`] leaves them out.
    ///
    /// # Randomness
    /// None.
    ///
    /// # Robustness
    /// That of the rule behind it: κ stays what it is.
    ///
    /// # Reference
    /// None is needed.
    ///
    /// # Elsewhere
    /// An empty list of pre-aggregators (byzfl), or bucketing with s = 0 or 1. Here s = 0 is an error, and s = 1 permutes.
    ///
    /// # Example
    /// ```
    /// use fl_resample::{Identity, PreAggregatorSpec, Shape};
    ///
    /// let shape = Shape { workers: 30, byzantine: 6 };
    /// assert_eq!(Identity.output(shape)?, shape);
    /// # Ok::<(), fl_resample::SpecError>(())
    /// ```
    pub struct Identity;
}

impl PreAggregatorSpec for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        checked_messages(self.name(), shape)?;
        Ok(shape)
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        shape.workers
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        Ok(Box::new(*self))
    }

    fn needs_distances(&self) -> bool {
        false
    }

    fn keeps_workers(&self) -> bool {
        true
    }

    fn kappa(&self, _: Shape, inner: f64) -> Option<f64> {
        Some(inner)
    }
}

impl PreAggregator for Identity {
    fn mixing(&mut self, _: &Cx<'_>, _: usize, _: &Geometry, shape: Shape, out: &mut Mixing) {
        out.clear(shape.workers);
        for i in 0..shape.workers as u32 {
            out.push_row(&[i], &[1.0]);
        }
    }
}
