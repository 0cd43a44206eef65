//! Randomness that has an address.
//!
//! No generator is stored anywhere. A draw is found by *(seed, role, index, round)*: ChaCha8 with a key made from the
//! seed and the 64-bit stream number `role · 2⁵⁶ + index · 2³² + round`. So any worker's round can be replayed alone,
//! threads cannot matter, adding a draw to one rule changes no other, and two methods under one seed meet the same
//! batches and the same attack noise.

use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The generator behind an address.
pub type Stream = rand_chacha::ChaCha8Rng;

/// What a draw is for. The numbers are part of the results: never change them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Role {
    /// How the samples are dealt to workers.
    Partition = 1,
    /// The first parameters x⁰.
    Initialise = 2,
    /// Which workers are Byzantine.
    Byzantine = 3,
    /// A worker's sample indices; the index is the worker.
    Batch = 4,
    /// What a Byzantine worker sends; the index is the worker.
    Attack = 5,
    /// A pre-aggregator's draws; the index is its place in the chain.
    PreAggregate = 6,
    /// Draws of a rule.
    Aggregate = 7,
    /// Whether an estimator makes a full pass; the index is the worker.
    Refresh = 8,
    /// What becomes of a Byzantine worker's samples; the index is the worker, the round the sample's place.
    Poison = 10,
    /// What the adversary draws for all Byzantine workers at once; the index is the attack's place among nested ones.
    AttackChoice = 11,
    /// Which workers are asked to take part in a round; the index is 0.
    Participate = 12,
    /// Whether a worker that was asked drops out of a round; the index is the worker.
    DropOut = 13,
    /// How the pictures of a worker's batch are moved; the index is the worker.
    Augment = 14,
    /// For programs that extend the laboratory.
    User = 64,
}

/// All random streams of one run.
#[derive(Clone, Debug)]
pub struct Streams {
    seed: u64,
    root: Stream,
    interrupt: Option<Arc<AtomicBool>>,
}

impl Streams {
    /// The streams of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, root: Stream::seed_from_u64(seed), interrupt: None }
    }

    /// The same streams, with a flag that says that what is computed from them will not be used: see
    /// [`Cx::is_interrupted`].
    #[must_use]
    pub fn interrupted_by(self, flag: Arc<AtomicBool>) -> Self {
        Self { interrupt: Some(flag), ..self }
    }

    /// The generator at an address, at its beginning.
    ///
    /// # Panics
    /// When `index ≥ 2²⁴` or `round ≥ 2³²`, which would meet another address.
    pub fn at(&self, role: Role, index: usize, round: u64) -> Stream {
        assert!(index < 1 << 24 && round < 1 << 32, "no stream for index {index}, round {round}");
        let mut stream = self.root.clone();
        stream.set_stream((role as u64) << 56 | (index as u64) << 32 | round);
        stream
    }
}

/// Where in a run a computation stands: the streams and the round.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    streams: &'a Streams,
    round: u64,
}

impl<'a> Cx<'a> {
    /// The context of a round.
    pub fn new(streams: &'a Streams, round: u64) -> Self {
        Self { streams, round }
    }

    /// Whether nobody wants the result any more. Whatever may take long looks at this and ends early with anything; whoever
    /// started it looks too, and uses nothing of it.
    pub fn is_interrupted(&self) -> bool {
        self.streams.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// The context of the round after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { round: self.round + 1, ..*self }
    }

    /// The context of another round.
    #[must_use]
    pub fn at(&self, round: u64) -> Self {
        Self { round, ..*self }
    }

    /// The seed of all streams.
    pub fn seed(&self) -> u64 {
        self.streams.seed
    }

    /// The round k, from 0.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// This round's generator for a role and an index.
    pub fn draw(&self, role: Role, index: usize) -> Stream {
        self.streams.at(role, index, self.round)
    }
}

/// A uniform draw from `0 … n − 1`, without bias (Lemire 2019, multiply and reject).
///
/// # Panics
/// When `n = 0`.
#[inline]
pub fn below(rng: &mut impl Rng, n: u32) -> u32 {
    assert!(n > 0, "no number below 0");
    loop {
        let wide = u64::from(rng.next_u32()) * u64::from(n);
        // The low half is rejected where it would favour some outcomes: below 2³² mod n.
        if wide as u32 >= n.wrapping_neg() % n {
            return (wide >> 32) as u32;
        }
    }
}

/// True with probability `p`, to 2⁻⁵³.
#[inline]
pub fn chance(rng: &mut impl Rng, p: f64) -> bool {
    let unit = (rng.next_u64() >> 11) as f64 * (-53f64).exp2();
    unit < p
}

/// `out.len()` different indices of `0 … n − 1`: every subset equally likely (Floyd's algorithm).
///
/// Cost: `b` draws and `b²/2` comparisons, without allocation.
///
/// # Panics
/// When `out.len() > n`.
pub fn distinct(rng: &mut impl Rng, n: u32, out: &mut [u32]) {
    let b = out.len() as u32;
    assert!(b <= n, "{b} different indices below {n}");
    for i in 0..b {
        let top = n - b + i;
        let t = below(rng, top + 1);
        let (taken, rest) = out.split_at_mut(i as usize);
        // A fold, not `contains`: without an early exit the comparison vectorises.
        let seen = taken.iter().fold(false, |seen, &u| seen | (u == t));
        rest[0] = if seen { top } else { t };
    }
}

/// A uniform permutation of `items` (Fisher–Yates).
pub fn shuffle<I>(rng: &mut impl Rng, items: &mut [I]) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i as u32 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_always_gives_the_same_numbers() {
        let draw = |seed, role, index, round| Streams::new(seed).at(role, index, round).next_u32();
        let first = draw(0, Role::Batch, 3, 7);
        assert_eq!(first, draw(0, Role::Batch, 3, 7));
        assert_ne!(first, draw(1, Role::Batch, 3, 7));
        assert_ne!(first, draw(0, Role::Attack, 3, 7));
        assert_ne!(first, draw(0, Role::Batch, 4, 7));
        assert_ne!(first, draw(0, Role::Batch, 3, 8));
    }

    #[test]
    fn values_are_pinned() {
        // A change here changes every result that anyone has ever published with this crate.
        let mut rng = Streams::new(42).at(Role::Batch, 5, 9);
        let mut out = [0; 8];
        distinct(&mut rng, 2000, &mut out);
        assert_eq!(out, PINNED);
    }
    const PINNED: [u32; 8] = [1159, 131, 1555, 576, 276, 1378, 653, 647];

    #[test]
    fn subsets_are_different_and_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        let mut rng = Streams::new(1).at(Role::User, 0, 0);
        for _ in 0..60_000 {
            let mut out = [0; 3];
            distinct(&mut rng, 6, &mut out);
            out.sort_unstable();
            assert!(out[0] < out[1] && out[1] < out[2] && out[2] < 6);
            *counts.entry(out).or_insert(0u32) += 1;
        }
        // Twenty subsets, 3000 each; a deviation of 300 is 5.6 standard deviations.
        assert_eq!(counts.len(), 20);
        assert!(counts.values().all(|c| c.abs_diff(3000) < 300), "{counts:?}");
        let mut all = [0; 6];
        distinct(&mut rng, 6, &mut all);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn bounded_draws_are_uniform() {
        let mut rng = Streams::new(2).at(Role::User, 0, 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut rng, 7) as usize] += 1;
        }
        assert!(counts.iter().all(|c| c.abs_diff(10_000) < 500), "{counts:?}");
    }

    #[test]
    fn a_chance_comes_as_often_as_it_says() {
        let mut rng = Streams::new(3).at(Role::User, 0, 0);
        let count = (0..100_000).filter(|_| chance(&mut rng, 0.3)).count();
        assert!(count.abs_diff(30_000) < 700, "{count}");
        assert!((0..1000).all(|_| chance(&mut rng, 1.0) && !chance(&mut rng, 0.0)));
    }

    #[test]
    fn another_round_has_the_streams_of_that_round() {
        let streams = Streams::new(4);
        let draw = |cx: Cx<'_>| cx.draw(Role::Batch, 2).next_u32();
        let cx = Cx::new(&streams, 3);
        assert_eq!(draw(cx.at(9)), draw(Cx::new(&streams, 9)));
        assert_eq!(draw(cx.next()), draw(cx.at(4)));
    }
}
