//! What pre-aggregators are: maps from the messages of a round to others, chosen on the geometry.

use super::{Cost, Shape};
use crate::{Cx, Geometry, Mixing, SpecError};
use std::fmt::Debug;

/// A map from W messages to W', chosen on the geometry.
pub trait PreAggregator: Send + Debug {
    /// Writes the round's mixing: affine rows over the points of the geometry, of which the origin ([`Geometry::origin`])
    /// may be one. `stage` is the place in the chain, the index of its random stream.
    fn mixing(
        &mut self,
        cx: &Cx<'_>,
        stage: usize,
        geometry: &Geometry,
        shape: Shape,
        out: &mut Mixing,
    );
}

/// A pre-aggregator as data.
pub trait PreAggregatorSpec: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// (W, f) → (W', f'): how many messages come out, and how many of them Byzantine workers may touch.
    ///
    /// # Errors
    /// When the shape does not meet the requirement.
    fn output(&self, shape: Shape) -> Result<Shape, SpecError>;

    /// Most nonzeros of a mixing for a shape.
    fn nonzeros(&self, shape: Shape) -> usize;

    /// The pre-aggregator with all its memory.
    ///
    /// # Errors
    /// As [`PreAggregatorSpec::output`].
    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError>;

    /// Whether it looks at distances; without them only the number of messages is known.
    fn needs_distances(&self) -> bool {
        true
    }

    /// Whether output `a` still belongs to the worker of input `a`.
    fn keeps_workers(&self) -> bool {
        false
    }

    /// κ of the chain of this and a rule with `inner` on what this leaves, where one is proven.
    fn kappa(&self, shape: Shape, inner: f64) -> Option<f64> {
        let _ = (shape, inner);
        None
    }

    /// What the pre-aggregator costs for a shape: see [`RuleSpec::cost`](super::RuleSpec::cost).
    fn cost(&self, shape: Shape) -> Cost {
        Cost::quadratic(shape, 0)
    }
}
