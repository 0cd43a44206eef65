//! Static clipping: messages longer than a fixed length are shortened to it.

use crate::shared::check::checked_messages;
use crate::shared::shorten::shorten;
use fl_core::{Cx, Geometry, Mixing, PreAggregator, PreAggregatorSpec, Shape, SpecError, spec};

spec! {
    /// Static clipping: a message longer than τ is shortened to length τ, in its direction.
    ///
    /// From `v_1 … v_W ∈ R^p` to `ṽ_1 … ṽ_W ∈ R^p`:
    ///
    /// ```text
    /// ṽ_i = min(1, τ / ‖v_i‖) · v_i
    /// ```
    ///
    /// As a mixing: weight `τ / ‖v_i‖` on the message and the rest on the origin. Nothing is divided where `‖v_i‖ ≤ τ`, so a
    /// zero message stays zero.
    ///
    /// # Requirements
    /// τ is finite and above 0, `W ≥ 1`.
    ///
    /// # Effect
    /// (W, f) → (W, f). Every message still belongs to its worker.
    ///
    /// # Cost
    /// `O(W)` on the norms, which the distances bring with them, and `O(W²)` to carry the distances over; no message is
    /// touched.
    ///
    /// # Non-finite
    /// Such messages never get here: [`fl_core::Pipeline`] leaves them out. Norms are finite for every finite message, even
    /// where squares of its numbers are not.
    ///
    /// # Randomness
    /// None.
    ///
    /// # Robustness
    /// None of its own: for no τ is the chain of static clipping and a robust rule (f, κ)-robust for any κ.
    /// It moves the output even where all messages agree, if they agree on something longer than τ.
    /// That depends on how τ compares with the regular messages, which change in the course of training.
    /// Adaptive clipping chooses τ each round.
    ///
    /// # Reference
    /// Clipping before aggregation is folklore; Allouah, Guerraoui, Gupta, Jellouli, Rizk, Stephan, *Adaptive gradient
    /// clipping for robust federated learning*, ICLR 2025, compare the static form with theirs.
    ///
    /// # Elsewhere
    /// byzfl: `Clipping(c)` with c = 2, the same formula, but it *writes the clipped messages into the caller's array* and
    /// turns double precision into single for torch.
    /// Not to be confused with centered clipping, a rule, which clips differences from its last output.
    ///
    /// # Example
    /// ```
    /// use fl_core::{Cx, Geometry, Messages, Mixing, Streams};
    /// use fl_resample::{Clipping, PreAggregatorSpec, Shape};
    ///
    /// let messages = Messages::from_rows(&[[0.6, 0.8], [3.0, 4.0]]);
    /// let shape = Shape { workers: 2, byzantine: 0 };
    /// let spec = Clipping { tau: 2.0 };
    /// let geometry = Geometry::of(messages.view()).expect("all messages are finite");
    /// let mut mixing = Mixing::with_capacity(2, spec.nonzeros(shape));
    /// spec.build(shape)?.mixing(&Cx::new(&Streams::new(0), 0), 0, &geometry, shape, &mut mixing);
    /// assert_eq!(mixing.row(0), (&[0][..], &[1.0][..]));
    /// // Of length 5: two fifths of the message, three fifths of the origin, which is point 2.
    /// assert_eq!(mixing.row(1), (&[1, 2][..], &[0.4, 0.6][..]));
    /// # Ok::<(), fl_resample::SpecError>(())
    /// ```
    pub struct Clipping {
        /// τ: the longest that a message may be, in its own units.
        pub tau: f64 = 2.0,
    }
}

impl PreAggregatorSpec for Clipping {
    fn name(&self) -> &'static str {
        "clipping"
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        if !(self.tau > 0.0 && self.tau.is_finite()) {
            return Err(SpecError::new("tau", "a finite number above 0", self.tau).of("clipping"));
        }
        checked_messages(self.name(), shape)?;
        Ok(shape)
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        2 * shape.workers
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        Ok(Box::new(Clip { tau: self.tau }))
    }

    fn keeps_workers(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Clip {
    tau: f64,
}

impl PreAggregator for Clip {
    fn mixing(
        &mut self,
        _: &Cx<'_>,
        _: usize,
        geometry: &Geometry,
        shape: Shape,
        out: &mut Mixing,
    ) {
        clip(geometry, shape.workers, self.tau / geometry.unit(), out);
    }
}

/// Shortens what is longer than `tau`, which is in units of the geometry's.
fn clip(geometry: &Geometry, workers: usize, tau: f64, out: &mut Mixing) {
    shorten(workers, out, |i| {
        (geometry.distance(i, workers) > tau).then(|| geometry.ratio(tau, i, workers))
    });
}
