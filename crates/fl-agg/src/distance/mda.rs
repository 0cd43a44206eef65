//! Minimum diameter averaging.

use crate::shared::select::{average, majority, minority, too_few};
use fl_core::{
    AggregateError, Cost, Cx, GeometricRule, Geometry, Inputs, Rule, RuleSpec, Shape, SpecError,
    spec,
};

spec! {
    /// Minimum diameter averaging: the mean of the `W − f` messages that lie closest together.
    ///
    /// ```text
    /// z = (1/(W − f)) Σ_{w ∈ S*} v_w,     S* = argmin_{|S| = W − f} max_{i, j ∈ S} ‖v_i − v_j‖
    /// ```
    ///
    /// Of several such sets the first in lexicographic order of worker indices is taken. That is no rare case: a diameter
    /// belongs to two messages, and where either may go the order of workers decides.
    ///
    /// # How it is computed
    /// Exactly, and without listing the `C(W, f)` sets. The smallest diameter is one of the `W²/2` distances.
    /// Pairs farther apart than δ are the edges of a graph. A set of `W − f` messages of diameter at most δ exists if
    /// leaving out f messages removes every edge: these f are a vertex cover. Branching decides that: either the
    /// message with most far partners is left out, or all its partners are. It ends where every message has at most two
    /// far partners: there the answer can be written down.
    ///
    /// # Requirements
    /// `W > 2f`: the regular messages are a majority. A round that takes more than
    /// [`max_steps`](Self::max_steps) branches is an error, not a hang; see Cost.
    ///
    /// # Cost
    /// `O(log W)` searches for the diameter and at most W for the first set, each of at most `1.47^f` branches of `O(W²/64)`
    /// in the worst case: 10 branches for `f = 6`, 2200 for `f = 20`, 4·10⁵ for `f = 33`.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2: `‖z − v̄‖ ≤ (2f/(W − f)) max ‖v_i − v_j‖` over any `W − f` messages with mean v̄, so it is
    /// (f, κ)-robust with `κ = 8 f²/(W − f)`.
    ///
    /// # Elsewhere
    /// byzfl and ByzantineMomentum list all subsets; byzfl keeps the list in memory, 7.5·10¹⁰ sets for `W = 60`, `f = 10`.
    ///
    /// # Reference
    /// El Mhamdi, Guerraoui, Guirguis, Hoang, Rouault, *Genuinely distributed Byzantine machine learning*, PODC 2020; its
    /// coefficient is in Farhadkhani, Guerraoui, Gupta, Pinot, Stephan, *Byzantine machine learning made easy by resilient
    /// averaging of momentums*, ICML 2022. Before them Rousseeuw, *Multivariate estimation with high breakdown point*, 1985.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Mda, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0], [1.0, 1.0], [0.0, 0.0]]);
    /// let (mean, _) = aggregate(Mda::default(), &messages, 1)?;
    /// assert_eq!(mean, [0.5, 0.5]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Mda {
        /// Most branches in a round.
        pub max_steps: u64 = 10_000_000,
    }
}

impl RuleSpec for Mda {
    fn name(&self) -> &'static str {
        "mda"
    }

    fn cost(&self, shape: Shape) -> Cost {
        let w = shape.workers as f64;
        let branches = 1.47f64.powi(shape.byzantine.min(1000) as i32).min(self.max_steps as f64);
        Cost::quadratic(shape, 1).with_operations(w.log2().max(1.0) * branches * w * w / 64.0)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if self.max_steps == 0 {
            return Err(SpecError::new("max-steps", "at least 1", 0).of("mda"));
        }
        majority("mda", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            cover: Cover::new(shape.workers, shape.byzantine),
            values: Vec::with_capacity(shape.workers * shape.workers / 2 + 1),
            chosen: Vec::with_capacity(shape.workers),
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        let (n, f) = (shape.workers as f64, shape.byzantine as f64);
        majority("mda", shape).ok().map(|()| 8.0 * f * f / (n - f))
    }
}

#[derive(Debug)]
struct Run {
    spec: Mda,
    cover: Cover,
    values: Vec<f64>,
    chosen: Vec<u32>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        self.spec.check(shape).map_err(too_few(shape))?;
        self.cover.steps = self.spec.max_steps;
        let found = self.search(inputs.cx, inputs.geometry, shape.byzantine);
        if found.is_none() {
            return Err(AggregateError::Search {
                rule: "mda".into(),
                limit: self.spec.max_steps,
                setting: "max-steps".into(),
            });
        }
        average(&self.chosen, weights);
        Ok(())
    }
}

impl Run {
    /// Leaves the first of the best sets in `chosen`; `None` at the limit, or where the round is interrupted.
    fn search(&mut self, cx: &Cx<'_>, geometry: &Geometry, f: usize) -> Option<()> {
        let w = geometry.workers();
        self.chosen.clear();
        if f == 0 {
            self.chosen.extend(0..w as u32);
            return Some(());
        }
        self.values.clear();
        for i in 0..w {
            self.values.extend_from_slice(&geometry.row(i)[i + 1..]);
        }
        self.values.push(0.0);
        self.values.sort_unstable_by(f64::total_cmp);
        // The smallest diameter with a cover; the largest distance needs none.
        let (mut low, mut high) = (0, self.values.len() - 1);
        while low < high {
            let middle = (low + high) / 2;
            self.cover.far(geometry, self.values[middle]);
            if self.cover.exists(cx, f)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.cover.far(geometry, self.values[low]);
        // Worker by worker: keep it if the rest can still be completed. What keeps all its partners out costs their number.
        let mut left = f;
        for i in 0..w {
            if self.chosen.len() == w - f {
                break;
            }
            if !self.cover.is_alive(i) {
                continue;
            }
            let cost = self.cover.degree(i);
            if cost <= left {
                self.cover.push();
                self.cover.remove_partners(i);
                self.cover.remove(i);
                let fits = self.cover.exists(cx, left - cost)?;
                self.cover.pop(fits);
                if fits {
                    left -= cost;
                    self.chosen.push(i as u32);
                    continue;
                }
            }
            self.cover.remove(i);
            left -= 1;
        }
        Some(())
    }
}

/// Which messages are too far apart, and the search for f of them that are in all such pairs.
#[derive(Debug)]
struct Cover {
    workers: usize,
    words: usize,
    /// Far pairs, a row of bits for each message.
    far: Vec<u64>,
    /// The messages that are left at each level of the search, a row of bits each.
    alive: Vec<u64>,
    level: usize,
    /// Branches that may still be taken.
    steps: u64,
}

impl Cover {
    fn new(workers: usize, f: usize) -> Self {
        let words = workers.div_ceil(64);
        // One level for the messages kept so far, one for trying another, and one a branch, each of which leaves one out.
        let levels = f + 3;
        Self {
            workers,
            words,
            far: vec![0; workers * words],
            alive: vec![0; levels * words],
            level: 0,
            steps: 0,
        }
    }

    /// Starts with all messages, and the pairs whose squared distance exceeds `limit`.
    fn far(&mut self, geometry: &Geometry, limit: f64) {
        self.workers = geometry.workers();
        self.words = self.workers.div_ceil(64);
        self.level = 0;
        self.far.fill(0);
        self.alive[..self.words].fill(0);
        for i in 0..self.workers {
            self.alive[i / 64] |= 1 << (i % 64);
            for (j, &d) in geometry.row(i).iter().enumerate() {
                if d > limit {
                    self.far[i * self.words + j / 64] |= 1 << (j % 64);
                }
            }
        }
    }

    fn here(&self) -> &[u64] {
        &self.alive[self.level * self.words..][..self.words]
    }

    fn is_alive(&self, i: usize) -> bool {
        self.here()[i / 64] >> (i % 64) & 1 == 1
    }

    /// How many of the messages that are left are too far from `i`.
    fn degree(&self, i: usize) -> usize {
        let far = &self.far[i * self.words..][..self.words];
        far.iter().zip(self.here()).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// The lowest message left that is too far from `i`.
    fn partner(&self, i: usize) -> Option<usize> {
        let far = &self.far[i * self.words..][..self.words];
        let both = far.iter().zip(self.here()).enumerate();
        both.map(|(w, (a, b))| (w, a & b))
            .find(|&(_, bits)| bits != 0)
            .map(|(w, bits)| w * 64 + bits.trailing_zeros() as usize)
    }

    fn remove(&mut self, i: usize) {
        self.alive[self.level * self.words + i / 64] &= !(1 << (i % 64));
    }

    fn remove_partners(&mut self, i: usize) {
        for w in 0..self.words {
            self.alive[self.level * self.words + w] &= !self.far[i * self.words + w];
        }
    }

    /// A level more, with the same messages.
    fn push(&mut self) {
        let (from, words) = (self.level * self.words, self.words);
        self.alive.copy_within(from..from + words, from + words);
        self.level += 1;
    }

    /// Back to the level before, with the messages of this one or of that.
    fn pop(&mut self, keep: bool) {
        let (from, words) = (self.level * self.words, self.words);
        if keep {
            self.alive.copy_within(from..from + words, from - words);
        }
        self.level -= 1;
    }

    /// Whether leaving out `k` of the messages that are left separates all far pairs; `None` at the limit.
    fn exists(&mut self, cx: &Cx<'_>, k: usize) -> Option<bool> {
        self.steps = self.steps.checked_sub(1)?;
        self.push();
        let answer = self.decide(cx, k);
        self.pop(false);
        answer
    }

    fn decide(&mut self, cx: &Cx<'_>, mut k: usize) -> Option<bool> {
        loop {
            if cx.is_interrupted() {
                return None;
            }
            let (mut most, mut sum) = ((0, 0), 0);
            for i in 0..self.workers {
                if self.is_alive(i) {
                    let degree = self.degree(i);
                    sum += degree;
                    if degree > most.1 {
                        most = (i, degree);
                    }
                }
            }
            let (i, degree) = most;
            if degree == 0 {
                return Some(true);
            }
            // Each message that is left out separates at most `degree` pairs.
            if k == 0 || sum > 2 * k * degree {
                return Some(false);
            }
            if degree <= 2 {
                return Some(self.paths_and_cycles() <= k);
            }
            if degree > k {
                // Its partners are too many, so it must go itself.
                self.remove(i);
                k -= 1;
                continue;
            }
            // Without it, or else without all its partners.
            self.push();
            self.remove(i);
            let first = self.branch(cx, k - 1);
            self.pop(false);
            if first? {
                return Some(true);
            }
            self.remove_partners(i);
            k -= degree;
        }
    }

    fn branch(&mut self, cx: &Cx<'_>, k: usize) -> Option<bool> {
        self.steps = self.steps.checked_sub(1)?;
        self.decide(cx, k)
    }

    /// How many must go where no message has more than two partners: of a path of n messages ⌊n/2⌋, of a cycle ⌈n/2⌉.
    fn paths_and_cycles(&mut self) -> usize {
        let mut needed = 0;
        // Paths first, each from an end of it; what then still has partners is on cycles.
        for ends_only in [true, false] {
            for start in 0..self.workers {
                let degree = self.degree(start);
                if !self.is_alive(start) || degree == 0 || (ends_only && degree != 1) {
                    continue;
                }
                let (mut at, mut length) = (start, 1);
                while let Some(next) = self.partner(at) {
                    self.remove(at);
                    length += 1;
                    at = next;
                }
                self.remove(at);
                needed += if ends_only { length / 2 } else { usize::div_ceil(length, 2) };
            }
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};
    use fl_core::{Role, Streams, streams};

    /// The first of the best sets, by listing all.
    fn brute(d: &Geometry, f: usize) -> Vec<usize> {
        let w = d.workers();
        let mut best = (f64::INFINITY, vec![]);
        for mask in 0u32..1 << w {
            if mask.count_ones() as usize != w - f {
                continue;
            }
            let set: Vec<usize> = (0..w).filter(|i| mask >> i & 1 == 1).collect();
            let pairs = set.iter().flat_map(|&i| set.iter().map(move |&j| (i, j)));
            let diameter = pairs.map(|(i, j)| d.squared_distance(i, j)).fold(0.0, f64::max);
            if (diameter, &set) < (best.0, &best.1) {
                best = (diameter, set);
            }
        }
        best.1
    }

    fn chosen(d: &Geometry, f: usize, max_steps: u64) -> Result<Vec<usize>, AggregateError> {
        let shape = Shape { workers: d.workers(), byzantine: f };
        let mut rule = Mda { max_steps }.build(shape).expect("a valid shape");
        let mut weights = vec![0.0; d.points()];
        rule.on_geometry(&fl_core::Cx::new(&Streams::new(0), 0), d, f, &mut weights)?;
        Ok((0..d.workers()).filter(|&i| weights[i] > 0.0).collect())
    }

    #[test]
    fn the_first_of_the_best_sets_is_found_also_among_many_ties() {
        let mut rng = Streams::new(5).at(Role::User, 0, 0);
        for trial in 0..400 {
            let w: usize = 3 + trial % 10;
            let f = streams::below(&mut rng, w.div_ceil(2) as u32) as usize;
            let p = 1 + trial % 3;
            // Small whole numbers, so that many distances are equal.
            let side = if trial % 2 == 0 { 4 } else { 1 << 20 };
            let rows: Vec<Vec<f64>> = (0..w)
                .map(|_| (0..p).map(|_| f64::from(streams::below(&mut rng, side))).collect())
                .collect();
            let d = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
            assert_eq!(chosen(&d, f, 1_000_000), Ok(brute(&d, f)), "{rows:?} {f}");
        }
    }

    #[test]
    fn thirty_messages_with_six_byzantine_take_few_steps_and_a_hundred_with_thirty_a_few_thousand()
    {
        let mut rng = Streams::new(6).at(Role::User, 0, 0);
        for (w, f, limit) in [(30, 6, 400), (60, 10, 2_000), (100, 30, 300_000)] {
            for p in [2, 50] {
                let rows: Vec<Vec<f64>> = (0..w)
                    .map(|_| (0..p).map(|_| f64::from(streams::below(&mut rng, 1 << 20))).collect())
                    .collect();
                let d = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
                assert_eq!(chosen(&d, f, limit).map(|s| s.len()), Ok(w - f), "{w} {f} {p}");
            }
        }
    }

    #[test]
    fn past_the_limit_it_is_an_error_that_says_what_to_do() {
        let rows: Vec<[f64; 2]> =
            (0..30).map(|i| [f64::from(i * i % 17), f64::from(i * i * i % 23)]).collect();
        let d = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
        assert_eq!(
            chosen(&d, 6, 2).unwrap_err().to_string(),
            "mda: no set of messages was proven best within 2 steps; raise max-steps, or choose a rule that does not search"
        );
    }

    #[test]
    fn half_of_the_messages_is_too_many() {
        let error = aggregate(Mda::default(), &Messages::from_rows(&[[1.0]; 6]), 3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "mda: the number of messages must be at least 7 (2f + 1, for f = 3 Byzantine), got 6"
        );
    }
}
