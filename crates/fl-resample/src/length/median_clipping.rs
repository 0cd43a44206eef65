//! Clipping by the median: the longer half of the messages is shortened to the median length.

use crate::shared::check::checked_regular;
use crate::shared::shorten::ToRank;
use fl_core::{PreAggregator, PreAggregatorSpec, Shape, SpecError, spec};

spec! {
    /// Clipping by the median norm: a message longer than the median of all lengths is shortened to it, in its direction.
    ///
    /// From `v_1 … v_W ∈ R^p` to `ṽ_1 … ṽ_W ∈ R^p`:
    ///
    /// ```text
    /// τ = the ⌈W/2⌉-th smallest of ‖v_1‖ … ‖v_W‖, the lower median
    /// ṽ_i = min(1, τ / ‖v_i‖) · v_i
    /// ```
    ///
    /// Unlike adaptive robust clipping it needs no f, and shortens up to half of the messages even where none is Byzantine.
    ///
    /// # Requirements
    /// `f < W`. The bound below needs `f < W/2`.
    ///
    /// # Effect
    /// (W, f) → (W, f). Every message still belongs to its worker.
    ///
    /// # Cost
    /// `O(W)` on the norms, which the distances bring with them, and `O(W²)` to carry the distances over; no message is
    /// touched.
    ///
    /// # Non-finite
    /// Such messages never get here: [`fl_core::Pipeline`] leaves them out, and the median is that of what is left.
    ///
    /// # Randomness
    /// None.
    ///
    /// # Robustness
    /// With a rule behind it that is (f, κ)-robust, the chain is (f, κ')-robust for `f < W/2` with
    ///
    /// ```text
    /// κ' = (√κ + √(⌊W/2⌋ / (⌈W/2⌉ − f)))²
    /// ```
    ///
    /// Proof: let S be R = W − f messages with mean v̄ and variance σ² = (1/R) Σ_S ‖v_i − v̄‖².
    /// Let U be those of them with a length of at most τ.
    /// At least ⌈W/2⌉ messages are that short, so |U| ≥ ⌈W/2⌉ − f, and |S ∖ U| ≤ ⌊W/2⌋.
    /// For i in S ∖ U and j in U, `‖v_i − ṽ_i‖ = ‖v_i‖ − τ ≤ ‖v_i‖ − ‖v_j‖ ≤ ‖v_i − v_j‖`.
    /// The mean over S is moved by at most `(1/R) Σ_{S∖U} ‖v_i − ṽ_i‖ ≤ (1/(R |U|)) Σ_{i,j} ‖v_i − v_j‖`, by Cauchy and Schwarz at
    /// most `(1/R) √(|S∖U|/|U|) √(Σ_{i,j} ‖v_i − v_j‖²)`.
    /// The last sum is at most that over all pairs of S, which is R² σ²: so the mean moves by at most √(|S∖U|/|U|) σ.
    /// Clipping projects to a ball and lengthens no distance. So the variance of the ṽ_i in S is at most σ².
    /// The rule stays within √κ σ of their mean.
    ///
    /// # Reference
    /// The median of norms as a clipping length is folklore in federated learning; the bound is proven above.
    ///
    /// # Example
    /// ```
    /// use fl_core::{Cx, Geometry, Messages, Mixing, Streams};
    /// use fl_resample::{MedianClipping, PreAggregatorSpec, Shape};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [2.0], [-3.0], [16.0]]);
    /// let shape = Shape { workers: 4, byzantine: 1 };
    /// let geometry = Geometry::of(messages.view()).expect("all messages are finite");
    /// let mut mixing = Mixing::with_capacity(4, MedianClipping.nonzeros(shape));
    /// let mut clipping = MedianClipping.build(shape)?;
    /// clipping.mixing(&Cx::new(&Streams::new(0), 0), 0, &geometry, shape, &mut mixing);
    /// // All but the two shortest are shortened to 2; the origin is point 4.
    /// assert_eq!(mixing.row(1), (&[1][..], &[1.0][..]));
    /// assert_eq!(mixing.row(3), (&[3, 4][..], &[0.125, 0.875][..]));
    /// # Ok::<(), fl_resample::SpecError>(())
    /// ```
    pub struct MedianClipping;
}

impl PreAggregatorSpec for MedianClipping {
    fn name(&self) -> &'static str {
        "median-clipping"
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
        Ok(ToRank::boxed(shape, |shape| shape.workers.div_ceil(2)))
    }

    fn keeps_workers(&self) -> bool {
        true
    }

    fn kappa(&self, shape: Shape, inner: f64) -> Option<f64> {
        let Shape { workers, byzantine } = shape;
        let short = workers.div_ceil(2).checked_sub(byzantine).filter(|&short| short > 0)?;
        let moved = (workers / 2) as f64 / short as f64;
        (2 * byzantine < workers).then(|| (inner.sqrt() + moved.sqrt()).powi(2))
    }
}
