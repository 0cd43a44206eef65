//! Resampling with s-replacement: averages of s messages drawn at random, each message used s times in all.

use crate::shared::check::checked_size;
use fl_core::streams::{below, shuffle};
use fl_core::{
    Cx, Geometry, Mixing, PreAggregator, PreAggregatorSpec, Role, Shape, SpecError, choice, spec,
};
use rand::Rng;

choice! {
    /// How the `s W` copies of the messages are dealt out, `s` to each average.
    pub enum Law {
        /// Algorithm 1 as printed: each copy comes from a worker drawn uniformly among the *workers* that have one left.
        Algorithm1,
        /// A uniform permutation of all `s W` copies: each copy is drawn uniformly among the *copies* that are left.
        /// This is the law under which the factor of Lemma 3 is exact.
        Permutation,
    }
}

spec! {
    /// Resampling with s-replacement: `{ṽ_w} = RS({v_w}, s)`, W averages of s messages drawn at random, each message used
    /// s times in all.
    ///
    /// The paper's Algorithm 1, from `v_1 … v_W ∈ R^p` to `ṽ_1 … ṽ_W ∈ R^p`:
    ///
    /// ```text
    /// c_w = 0 for all w
    /// for w = 1 … W:
    ///     for ζ = 1 … s:
    ///         w_ζ uniform over { w' : c_w' < s }
    ///         c_{w_ζ} = c_{w_ζ} + 1
    ///     ṽ_w = (1/s) Σ_ζ v_{w_ζ}
    /// ```
    ///
    /// As printed, each draw is uniform over the *workers* that still have copies, however many these are.
    /// One message may be drawn several times for one average.
    /// With the setting `law = "permutation"` each draw is uniform over the *copies* that are left instead: a list with
    /// each worker s times is shuffled, and cut into W pieces.
    /// After the last draw each message was used exactly `s` times under both, so the mean of all messages stays what it
    /// was.
    ///
    /// # Why the law matters
    /// With `v̄` the mean of the W messages, each average has
    ///
    /// ```text
    /// E ṽ_w = v̄,     E ‖ṽ_w − v̄‖² = F_w · (1/W) Σ_i ‖v_i − v̄‖²
    /// ```
    ///
    /// Lemma 3 gives `F_w = d = (W − 1)/(s W − 1)` for every w. That is exact for the permutation, where any two places
    /// among the `s W` are alike.
    /// Under Algorithm 1 as printed they are not. A worker that was drawn once has fewer copies, and is yet as likely
    /// to be drawn again as one that was not. So the same message meets itself more often, most of all in the last
    /// averages: these must take what is left.
    /// For s = 2 the factor is `F_w = ½ (1 + q_w − (1 − q_w)/(W − 1))` with `q_w` the probability that both draws of average
    /// w are the same message; at W = 30 it is 0.5000 for the first average, 0.5754 for the last and 0.5005 on average,
    /// against d = 0.4915.
    /// So theorems built on d hold for the permutation, and are a few per cent too optimistic for the printed algorithm.
    /// The paper's experiments describe the printed one, and it is the default.
    ///
    /// Let there be B > 0 Byzantine messages and R = W − B regular ones.
    /// An average *that holds only regular messages* has mean `v̄_R`.
    /// Under the permutation its factor on the regular messages' variation is `d_R = (R − 1)/(s R − 1) ≤ d`: there (18)
    /// and (24) of the paper are upper bounds rather than equalities.
    ///
    /// # Requirements
    /// `1 ≤ s ≤ W`. With `s = 1` the messages are only permuted.
    ///
    /// # Effect
    /// (W, f) → (W, min(s f, W)): at most `s f` averages contain a message of a Byzantine worker, and a rule behind it is
    /// checked against that.
    ///
    /// # Cost
    /// `s W` draws in `O(s W)`, and `O(s W²)` to carry the distances over; no message is touched.
    ///
    /// # Non-finite
    /// Such messages never get here: [`fl_core::Pipeline`] leaves them out, and the requirement must hold for what is left.
    ///
    /// # Randomness
    /// The draws of stage `i` of a chain come from the stream of (`PreAggregate`, `i`, round).
    /// Algorithm 1: a draw takes an index into a list of workers with copies left, which begins in rising order; a worker
    /// without copies is removed by putting the last of the list in its place.
    /// Permutation: a list with each worker s times in rising order is shuffled by [`fl_core::streams::shuffle`].
    /// Both orders are part of the results and will not change.
    ///
    /// # Robustness
    /// Of the rule behind it, for `s f` of `W`: a rule with breakdown point 1/2 withstands `f < W / 2s`.
    /// What is gained is the factor above, in expectation; a κ for all messages there is none.
    ///
    /// # Reference
    /// Peng, Wu, Ling, Chen, *Byzantine-robust variance-reduced federated learning over distributed non-i.i.d. data*, Algorithm 1,
    /// (11) and Lemma 3; He, Karimireddy, Jaggi, *Byzantine-robust learning on heterogeneous datasets via resampling*, 2020.
    ///
    /// # Elsewhere
    /// Most libraries have bucketing, to which the authors of resampling went on, and some call it by either name.
    /// Bucketing leaves ⌈W/s⌉ averages with f of them contaminated; resampling leaves W with s f.
    ///
    /// # Example
    /// ```
    /// use fl_resample::{Law, PreAggregatorSpec, Resample, Shape};
    ///
    /// let resample = Resample { s: 2, law: Law::Algorithm1 };
    /// assert_eq!(resample, Resample::default());
    /// let output = resample.output(Shape { workers: 30, byzantine: 6 })?;
    /// assert_eq!(output, Shape { workers: 30, byzantine: 12 });
    /// assert!(resample.output(Shape { workers: 1, byzantine: 0 }).is_err());
    /// # Ok::<(), fl_resample::SpecError>(())
    /// ```
    pub struct Resample {
        /// s: how many messages an average is made of, and how often a message is used.
        pub s: usize = 2,
        /// How the copies are dealt out.
        pub law: Law = Law::Algorithm1,
    }
}

impl PreAggregatorSpec for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        checked_size("resample", self.s, shape)?;
        let touched = shape.byzantine.saturating_mul(self.s).min(shape.workers);
        Ok(Shape { workers: shape.workers, byzantine: touched })
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        shape.workers * self.s
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        Ok(Box::new(Sampler::new(self.s, self.law, shape.workers)))
    }

    fn needs_distances(&self) -> bool {
        false
    }
}

/// Fills `out` with averages of `s` messages each: row `a` averages `picks[a·s .. (a+1)·s]`, which get sorted.
///
/// This is Algorithm 1's step 6 for draws that are given.
///
/// # Panics
/// When `s = 0`, the picks are no multiple of `s`, or one is not below `inputs`.
pub fn average_picks(inputs: usize, s: usize, picks: &mut [u32], out: &mut Mixing) {
    assert!(picks.len().is_multiple_of(s), "{} picks for averages of {s}", picks.len());
    out.clear(inputs);
    for picks in picks.chunks_exact_mut(s) {
        out.push_average(picks);
    }
}

#[derive(Debug)]
struct Sampler {
    s: usize,
    law: Law,
    /// Workers with c_w < s.
    available: Vec<u32>,
    /// c_w.
    counts: Vec<u32>,
    picks: Vec<u32>,
}

impl Sampler {
    fn new(s: usize, law: Law, workers: usize) -> Self {
        Self {
            s,
            law,
            available: Vec::with_capacity(workers),
            counts: Vec::with_capacity(workers),
            picks: Vec::with_capacity(workers * s),
        }
    }

    /// `s W` picks, the ones of average `a` at `a·s`.
    fn draw(&mut self, rng: &mut impl Rng, workers: usize) {
        match self.law {
            Law::Algorithm1 => self.draw_workers(rng, workers),
            Law::Permutation => {
                self.picks.clear();
                for w in 0..workers as u32 {
                    self.picks.extend((0..self.s).map(|_| w));
                }
                shuffle(rng, &mut self.picks);
            }
        }
    }

    /// Steps 1 to 5 of Algorithm 1 for all w.
    fn draw_workers(&mut self, rng: &mut impl Rng, workers: usize) {
        self.available.clear();
        self.available.extend(0..workers as u32);
        self.counts.clear();
        self.counts.resize(workers, 0);
        self.picks.clear();
        for _ in 0..workers * self.s {
            let at = below(rng, self.available.len() as u32) as usize;
            let pick = self.available[at];
            self.picks.push(pick);
            let count = &mut self.counts[pick as usize];
            *count += 1;
            if *count as usize == self.s {
                self.available.swap_remove(at);
            }
        }
    }
}

impl PreAggregator for Sampler {
    fn mixing(&mut self, cx: &Cx<'_>, stage: usize, _: &Geometry, shape: Shape, out: &mut Mixing) {
        self.draw(&mut cx.draw(Role::PreAggregate, stage), shape.workers);
        average_picks(shape.workers, self.s, &mut self.picks, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::Streams;
    use std::collections::BTreeMap;

    fn picks(law: Law, s: usize, workers: usize, seed: u64, stage: usize, round: u64) -> Vec<u32> {
        let mut sampler = Sampler::new(s, law, workers);
        sampler.draw(&mut Streams::new(seed).at(Role::PreAggregate, stage, round), workers);
        sampler.picks
    }

    #[test]
    fn values_are_pinned() {
        // A change here changes every result that was ever obtained with resampling.
        assert_eq!(picks(Law::Algorithm1, 2, 5, 42, 0, 0), [0, 4, 4, 1, 2, 3, 3, 2, 1, 0]);
        assert_eq!(picks(Law::Algorithm1, 3, 4, 42, 1, 7), [0, 0, 2, 0, 3, 3, 2, 1, 2, 1, 3, 1]);
        assert_eq!(picks(Law::Permutation, 2, 5, 42, 0, 0), [0, 4, 3, 2, 2, 1, 1, 3, 4, 0]);
        assert_eq!(picks(Law::Permutation, 3, 4, 42, 1, 7), [3, 3, 1, 1, 2, 1, 2, 0, 0, 2, 3, 0]);
    }

    #[test]
    fn stages_rounds_and_seeds_draw_differently() {
        for law in [Law::Algorithm1, Law::Permutation] {
            let first = picks(law, 2, 30, 0, 0, 0);
            assert_eq!(first, picks(law, 2, 30, 0, 0, 0));
            assert_ne!(first, picks(law, 2, 30, 0, 1, 0));
            assert_ne!(first, picks(law, 2, 30, 0, 0, 1));
            assert_ne!(first, picks(law, 2, 30, 1, 0, 0));
        }
    }

    /// χ² of two hundred thousand draws of (s, W) = (2, 3) against the probabilities of their sequences of picks.
    fn chi_squared(law: Law, probability: impl Fn(&[u32]) -> f64) -> f64 {
        const TRIALS: usize = 200_000;
        let mut counts = BTreeMap::<Vec<u32>, usize>::new();
        let mut sampler = Sampler::new(2, law, 3);
        let mut rng = Streams::new(5).at(Role::User, 0, 0);
        for _ in 0..TRIALS {
            sampler.draw(&mut rng, 3);
            *counts.entry(sampler.picks.clone()).or_default() += 1;
        }
        // 6!/(2!)³ orders of the multiset {0, 0, 1, 1, 2, 2}.
        assert_eq!(counts.len(), 90);
        let term = |(picks, count): (Vec<u32>, usize)| {
            let expected = probability(&picks) * TRIALS as f64;
            (count as f64 - expected).powi(2) / expected
        };
        counts.into_iter().map(term).sum()
    }

    /// 89 degrees of freedom: mean 89, standard deviation 13.3.
    const TOO_FAR: f64 = 89.0 + 5.0 * 13.3;

    fn by_workers(picks: &[u32]) -> f64 {
        let mut used = [0; 3];
        let mut probability = 1.0;
        for &pick in picks {
            probability /= used.iter().filter(|&&c| c < 2).count() as f64;
            used[pick as usize] += 1;
        }
        probability
    }

    #[test]
    fn every_sequence_of_picks_has_the_probability_that_algorithm_1_gives_it() {
        let distance = chi_squared(Law::Algorithm1, by_workers);
        assert!(distance < TOO_FAR, "{distance}");
    }

    #[test]
    fn every_order_of_the_copies_is_equally_likely_under_the_permutation() {
        let distance = chi_squared(Law::Permutation, |_| 1.0 / 90.0);
        assert!(distance < TOO_FAR, "{distance}");
    }

    #[test]
    fn the_two_laws_are_two() {
        assert!(chi_squared(Law::Permutation, by_workers) > 10.0 * TOO_FAR);
    }
}
