//! Adaptive robust clipping: the longest messages are shortened to the length of the longest one that is left alone.

use crate::shared::check::checked_regular;
use crate::shared::shorten::ToRank;
use fl_core::{PreAggregator, PreAggregatorSpec, Shape, SpecError, spec};

spec! {
    /// Adaptive robust clipping (ARC): static clipping with a length chosen each round, so that a fixed number k of the
    /// longest messages is shortened.
    ///
    /// From `v_1 … v_W ∈ R^p` to `ṽ_1 … ṽ_W ∈ R^p`:
    ///
    /// ```text
    /// k = ⌊2 f (W − f) / W⌋
    /// τ = the (W − k)-th smallest of ‖v_1‖ … ‖v_W‖
    /// ṽ_i = min(1, τ / ‖v_i‖) · v_i
    /// ```
    ///
    /// `k ≤ W/2`, so τ is never shorter than the (lower) median length; with `f = 0` nothing is clipped.
    /// The floor is taken of whole numbers.
    ///
    /// # Requirements
    /// `f < W`. The theory needs `f < W/2`.
    ///
    /// # Effect
    /// (W, f) → (W, f). Every message still belongs to its worker.
    ///
    /// # Cost
    /// `O(W)` on the norms, which the distances bring with them, and `O(W²)` to carry the distances over; no message is
    /// touched.
    ///
    /// # Non-finite
    /// Such messages never get here: [`fl_core::Pipeline`] leaves them out, and k follows what is left.
    ///
    /// # Randomness
    /// None.
    ///
    /// # Robustness
    /// With a rule behind it that is (f, κ)-robust, the chain is (f, κ')-robust with `κ' = κ + 2 f/(W − 2 f)`, for
    /// `f < W/2` (the reference's theorem on what ARC preserves).
    /// As `k ≥ f` then, no message that comes out is longer than the longest regular one that went in.
    ///
    /// # Reference
    /// Allouah, Guerraoui, Gupta, Jellouli, Rizk, Stephan, *Adaptive gradient clipping for robust federated learning*, ICLR 2025.
    ///
    /// # Elsewhere
    /// byzfl: the same, with k from `int((2.0 * f / n) * (n - f))` in floating point, which falls one short where the
    /// product is a whole number and rounding takes it below: 56 instead of 57 at (W, f) = (242, 33). It *writes the clipped
    /// messages into the caller's array*.
    ///
    /// # Example
    /// ```
    /// use fl_core::{Cx, Geometry, Messages, Mixing, Streams};
    /// use fl_resample::{AdaptiveClipping, PreAggregatorSpec, Shape};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [-3.0], [16.0]]);
    /// let shape = Shape { workers: 4, byzantine: 1 };
    /// let geometry = Geometry::of(messages.view()).expect("all messages are finite");
    /// let mut mixing = Mixing::with_capacity(4, AdaptiveClipping.nonzeros(shape));
    /// let mut arc = AdaptiveClipping.build(shape)?;
    /// arc.mixing(&Cx::new(&Streams::new(0), 0), 0, &geometry, shape, &mut mixing);
    /// // k = 1 message is shortened, from 16 to 3; the origin is point 4.
    /// assert_eq!(mixing.row(2), (&[2][..], &[1.0][..]));
    /// assert_eq!(mixing.row(3), (&[3, 4][..], &[0.1875, 0.8125][..]));
    /// # Ok::<(), fl_resample::SpecError>(())
    /// ```
    pub struct AdaptiveClipping;
}

impl PreAggregatorSpec for AdaptiveClipping {
    fn name(&self) -> &'static str {
        "arc"
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        checked_regular(self.name(), shape)?;
        Ok(shape)
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        2 * shape.workers
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        Ok(ToRank::boxed(shape, |shape| shape.workers - count(shape)))
    }

    fn keeps_workers(&self) -> bool {
        true
    }

    fn kappa(&self, shape: Shape, inner: f64) -> Option<f64> {
        let Shape { workers, byzantine } = shape;
        let regular = workers.checked_sub(2 * byzantine).filter(|&more| more > 0)?;
        Some(inner + 2.0 * byzantine as f64 / regular as f64)
    }
}

/// k: how many messages are shortened.
fn count(shape: Shape) -> usize {
    2 * shape.byzantine * (shape.workers - shape.byzantine) / shape.workers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_that_of_whole_numbers() {
        // In floating point 2.0 · 33/242 · 209 is just below 57.
        let cases = [(4, 1, 1), (30, 6, 9), (24, 5, 7), (10, 0, 0), (1, 0, 0), (242, 33, 57)];
        for (workers, byzantine, expected) in cases {
            assert_eq!(count(Shape { workers, byzantine }), expected, "{workers}, {byzantine}");
        }
    }
}
