//! Bucketing: averages of disjoint buckets of messages, drawn at random.

use crate::shared::check::checked_size;
use fl_core::streams::shuffle;
use fl_core::{
    Cx, Geometry, Mixing, PreAggregator, PreAggregatorSpec, Role, Shape, SpecError, choice, spec,
};

choice! {
    /// Where the messages go that are left over when s does not divide W.
    pub enum Rest {
        /// Into a last, smaller bucket: ⌈W/s⌉ buckets of s messages, but for the last, which has `W − s (⌈W/s⌉ − 1)`.
        Apart,
        /// Into the others: ⌊W/s⌋ buckets whose sizes differ by at most one, the larger ones first.
        Spread,
    }
}

spec! {
    /// Bucketing: the messages in random order, cut into buckets of s, each of which is averaged.
    ///
    /// With π a uniform permutation of `1 … W` and `n = ⌈W/s⌉`, from `v_1 … v_W ∈ R^p` to `ṽ_1 … ṽ_n ∈ R^p`:
    ///
    /// ```text
    /// I_a = { π(k) : (a − 1) s < k ≤ min(a s, W) },     ṽ_a = (1/|I_a|) Σ_{i ∈ I_a} v_i,     a = 1 … n
    /// ```
    ///
    /// The last bucket may have fewer than s messages, and is averaged over the number that it has. With
    /// `rest = "spread"` there are `n = ⌊W/s⌋` buckets instead, of sizes `⌈W/n⌉` and `⌊W/n⌋`.
    ///
    /// # Requirements
    /// `1 ≤ s ≤ W`. With `s = 1` the messages are only permuted, with `s = W` a single average is left.
    ///
    /// # Effect
    /// (W, f) → (n, min(f, n)): a Byzantine message is in one bucket.
    /// So the part that is contaminated grows from f/W to at most f/n, about s times as much.
    /// A rule behind it is checked against that.
    ///
    /// # Cost
    /// W draws, and `O(W²/s)` to carry the distances over; no message is touched. The rule behind it has fewer messages to
    /// deal with than arrived.
    ///
    /// # Non-finite
    /// Such messages never get here: [`fl_core::Pipeline`] leaves them out, so that one of them costs a message and not a
    /// bucket, and the requirement must hold for what is left.
    ///
    /// # Randomness
    /// One permutation a round, from the stream of (`PreAggregate`, i, round) for stage i of a chain: the workers in rising
    /// order, shuffled by [`fl_core::streams::shuffle`]. That order is part of the results and will not change.
    /// An attack that probes the server's chain in the same round meets the same buckets.
    ///
    /// # Robustness
    /// Proven in expectation, not for every permutation, so no κ is given. With all buckets of size s, one that holds only
    /// regular messages has the mean of the regular messages `v̄_R` for its expectation, and
    /// `E ‖ṽ_a − v̄_R‖² = (R − s)/(s (R − 1)) · (1/R) Σ_{i ∈ R} ‖v_i − v̄_R‖²`: at most 1/s of the variation.
    /// (Sampling without replacement; resampling with s-replacement has `(R − 1)/(s R − 1)` at best, a little more.)
    /// Karimireddy, He, Jaggi take a rule that withstands a part δ_max of its inputs.
    /// Its error is c δ ρ² on inputs whose pairs differ by ρ² in mean square.
    /// They show that behind buckets with s ≤ δ_max W / f it withstands f, with an error that is a constant times δ ρ².
    ///
    /// # Reference
    /// Karimireddy, He, Jaggi, *Byzantine-robust learning on heterogeneous datasets via bucketing*, ICLR 2022.
    ///
    /// # Elsewhere
    /// byzfl and the authors' code: as here, the last bucket over its true size.
    /// In the authors' code s = 0 means no bucketing, and f is not adapted to the number of buckets.
    /// FL-Byzantine-Library: `rest = "spread"`.
    /// FedML: consecutive messages, without a permutation, so that who shares a bucket depends on who is listed first.
    /// FLPoison: shuffles the rows of a matrix by a routine for lists, which overwrites rows: on average 9.4 of 20 workers
    /// are lost and as many counted double.
    /// byzfl's attacks that probe the defence draw another permutation than the defence then does.
    ///
    /// # Example
    /// ```
    /// use fl_resample::{Bucketing, PreAggregatorSpec, Rest, Shape};
    ///
    /// let shape = Shape { workers: 25, byzantine: 5 };
    /// let output = Bucketing { s: 2, rest: Rest::Apart }.output(shape)?;
    /// assert_eq!(output, Shape { workers: 13, byzantine: 5 });
    /// let output = Bucketing { s: 2, rest: Rest::Spread }.output(shape)?;
    /// assert_eq!(output, Shape { workers: 12, byzantine: 5 });
    /// # Ok::<(), fl_resample::SpecError>(())
    /// ```
    pub struct Bucketing {
        /// s: how many messages are in a bucket.
        pub s: usize = 2,
        /// Where the messages go that are left over when s does not divide W.
        pub rest: Rest = Rest::Apart,
    }
}

impl PreAggregatorSpec for Bucketing {
    fn name(&self) -> &'static str {
        "bucketing"
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        checked_size("bucketing", self.s, shape)?;
        let workers = buckets(shape.workers, self.s, self.rest);
        Ok(Shape { workers, byzantine: shape.byzantine.min(workers) })
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        shape.workers
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        let order = Vec::with_capacity(shape.workers);
        Ok(Box::new(Buckets { s: self.s, rest: self.rest, order }))
    }

    fn needs_distances(&self) -> bool {
        false
    }
}

/// Fills `out` with the averages of buckets of `s` messages: the messages are taken as `order` has them, and within each
/// bucket get sorted.
///
/// This is what [`Bucketing`] does for a permutation that is given.
///
/// # Panics
/// When `s` is 0 or larger than the number of messages, or `order` names a message that is not below its length.
pub fn average_buckets(s: usize, rest: Rest, order: &mut [u32], out: &mut Mixing) {
    assert!((1..=order.len()).contains(&s), "buckets of {s} from {} messages", order.len());
    let workers = order.len();
    out.clear(workers);
    let count = buckets(workers, s, rest);
    let mut left = order;
    for a in 0..count {
        let size = match rest {
            Rest::Apart => s.min(left.len()),
            // What does not divide goes to the first buckets.
            Rest::Spread => workers / count + usize::from(a < workers % count),
        };
        let (bucket, others) = left.split_at_mut(size);
        out.push_average(bucket);
        left = others;
    }
}

fn buckets(workers: usize, s: usize, rest: Rest) -> usize {
    match rest {
        Rest::Apart => workers.div_ceil(s),
        Rest::Spread => workers / s,
    }
}

#[derive(Debug)]
struct Buckets {
    s: usize,
    rest: Rest,
    order: Vec<u32>,
}

impl PreAggregator for Buckets {
    fn mixing(&mut self, cx: &Cx<'_>, stage: usize, _: &Geometry, shape: Shape, out: &mut Mixing) {
        self.order.clear();
        self.order.extend(0..shape.workers as u32);
        shuffle(&mut cx.draw(Role::PreAggregate, stage), &mut self.order);
        average_buckets(self.s, self.rest, &mut self.order, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::{Messages, Streams};
    use std::collections::BTreeMap;

    fn order(workers: usize, seed: u64, stage: usize, round: u64) -> Vec<u32> {
        let geometry = Geometry::of(Messages::<f32>::zeros(workers, 1).view()).expect("finite");
        let mut mixing = Mixing::with_capacity(workers, workers);
        let mut buckets = Buckets { s: 1, rest: Rest::Apart, order: Vec::new() };
        let shape = Shape { workers, byzantine: 0 };
        let streams = Streams::new(seed);
        buckets.mixing(&Cx::new(&streams, round), stage, &geometry, shape, &mut mixing);
        buckets.order
    }

    #[test]
    fn values_are_pinned() {
        // A change here changes every result that was ever obtained with bucketing.
        assert_eq!(order(10, 42, 0, 0), [0, 9, 7, 5, 4, 3, 2, 6, 8, 1]);
        assert_eq!(order(6, 42, 1, 7), [1, 3, 4, 2, 5, 0]);
    }

    #[test]
    fn every_order_is_equally_likely() {
        const TRIALS: u64 = 24_000;
        let mut counts = BTreeMap::<Vec<u32>, u32>::new();
        for round in 0..TRIALS {
            *counts.entry(order(4, 3, 0, round)).or_default() += 1;
        }
        assert_eq!(counts.len(), 24);
        // A thousand each; a deviation of 160 is five standard deviations.
        assert!(counts.values().all(|c| c.abs_diff(1000) < 160), "{counts:?}");
    }
}
