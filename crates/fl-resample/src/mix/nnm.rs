//! Nearest-neighbour mixing: every message is replaced by the mean of those nearest to it.

use crate::shared::check::checked_regular;
use fl_core::{
    Cost, Cx, Geometry, Mixing, PreAggregator, PreAggregatorSpec, Shape, SpecError, spec,
};

spec! {
    /// Nearest-neighbour mixing (NNM): each message becomes the mean of the `W − f` messages nearest to it, itself included.
    ///
    /// From `v_1 … v_W ∈ R^p` to `ṽ_1 … ṽ_W ∈ R^p`:
    ///
    /// ```text
    /// N_i = the W − f indices j of smallest ‖v_j − v_i‖,     ṽ_i = (1/(W − f)) Σ_{j ∈ N_i} v_j
    /// ```
    ///
    /// Of messages at the same distance the one of the lowest worker counts as nearer.
    ///
    /// # Requirements
    /// `f < W`. The theory needs `f < W/2`; with `f = 0` every message becomes the mean of all.
    ///
    /// # Effect
    /// (W, f) → (W, f). Message i still belongs to worker i, and f of them to Byzantine workers.
    /// It does not keep regular rows clean: `ṽ_i` of a regular worker may have up to f Byzantine messages in it, each nearer
    /// to `v_i` than some regular one.
    ///
    /// # Cost
    /// `O(W²)` on the distances, to find the neighbours. Where something behind it looks at distances again, `O(W³)`
    /// multiplications carry them over; a coordinate-wise rule needs none of these, but has `W (W − f)` multiplications in each
    /// column. No message is touched.
    ///
    /// # Non-finite
    /// Such messages never get here: [`fl_core::Pipeline`] leaves them out, and the requirement must hold for what is left.
    ///
    /// # Randomness
    /// None.
    ///
    /// # Robustness
    /// With a rule behind it that is (f, κ)-robust, the chain is (f, κ')-robust with `κ' = 8 f/(W − f) · (κ + 1)` for
    /// `f < W/2`. Proof, for `n = W − f` messages S with mean v̄ and variance σ²:
    ///
    /// * At most f neighbours of `v_i` are not in S. Pair them with as many members of S that are no neighbours: each
    ///   of these is no nearer to `v_i`. So `n ‖ṽ_i − v̄‖ ≤ 2 Σ ‖v_l − v_i‖` over f members l of S, or fewer.
    /// * By Cauchy's inequality `‖ṽ_i − v̄‖² ≤ (4f/n²) Σ_{l ∈ S} ‖v_l − v_i‖²`. The mean of that over i in S is `(8f/n) σ²`.
    /// * It is also the variance V of the `ṽ_i` of S plus the square b² of their mean's distance to v̄. The output is at most
    ///   `√(κ V) + b` from v̄, and the square of that at most `(κ + 1)(V + b²)`.
    ///
    /// So κ' is of order f/W for every rule whose κ is of order 1, which is the best order there is.
    ///
    /// # Reference
    /// Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan, *Fixing by mixing: a recipe for optimal Byzantine ML under
    /// heterogeneity*, AISTATS 2023.
    ///
    /// # Elsewhere
    /// byzfl: the same; ties go by its sorting routine, and one message with NaN makes several outputs NaN.
    ///
    /// # Example
    /// ```
    /// use fl_core::{Cx, Geometry, Messages, Mixing, Streams};
    /// use fl_resample::{Nnm, PreAggregatorSpec, Shape};
    ///
    /// let messages = Messages::from_rows(&[[0.0], [2.0], [3.0], [90.0]]);
    /// let shape = Shape { workers: 4, byzantine: 1 };
    /// assert_eq!(Nnm.output(shape)?, shape);
    ///
    /// let geometry = Geometry::of(messages.view()).expect("all messages are finite");
    /// let mut mixing = Mixing::with_capacity(4, Nnm.nonzeros(shape));
    /// Nnm.build(shape)?.mixing(&Cx::new(&Streams::new(0), 0), 0, &geometry, shape, &mut mixing);
    /// assert_eq!(mixing.row(0).0, [0, 1, 2]);
    /// assert_eq!(mixing.row(3).0, [1, 2, 3]);
    /// # Ok::<(), fl_resample::SpecError>(())
    /// ```
    pub struct Nnm;
}

impl PreAggregatorSpec for Nnm {
    fn name(&self) -> &'static str {
        "nnm"
    }

    fn cost(&self, shape: Shape) -> Cost {
        // Carrying the distances over.
        Cost::quadratic(shape, 0).with_operations((shape.workers as f64).powi(3))
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        checked_regular(self.name(), shape)?;
        Ok(shape)
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        // Not W (W − f): where messages are left out of a round, f may fall faster than W does (behind resampling by s for
        // each), and there are more neighbours than in a whole round.
        shape.workers * shape.workers
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        let room = shape.workers;
        Ok(Box::new(Mixer {
            nearest: Vec::with_capacity(room),
            neighbours: Vec::with_capacity(room),
        }))
    }

    fn keeps_workers(&self) -> bool {
        true
    }

    fn kappa(&self, shape: Shape, inner: f64) -> Option<f64> {
        let Shape { workers, byzantine } = shape;
        let factor = 8.0 * byzantine as f64 / workers.saturating_sub(byzantine) as f64;
        (2 * byzantine < workers).then_some(factor * (inner + 1.0))
    }
}

#[derive(Debug)]
struct Mixer {
    /// Squared distances and whose they are.
    nearest: Vec<(f64, u32)>,
    neighbours: Vec<u32>,
}

impl PreAggregator for Mixer {
    fn mixing(
        &mut self,
        _: &Cx<'_>,
        _: usize,
        geometry: &Geometry,
        shape: Shape,
        out: &mut Mixing,
    ) {
        let Shape { workers, byzantine } = shape;
        let count = workers - byzantine;
        out.clear(workers);
        for i in 0..workers {
            self.nearest.clear();
            self.nearest.extend(geometry.row(i).iter().copied().zip(0..));
            // Pairs are different from each other, so the nearest ones are a set whatever the order of the search.
            self.nearest
                .select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            self.neighbours.clear();
            self.neighbours.extend(self.nearest[..count].iter().map(|&(_, j)| j));
            out.push_average(&mut self.neighbours);
        }
    }
}
