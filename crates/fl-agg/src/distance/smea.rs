//! Smallest maximum eigenvalue averaging.

use crate::shared::eigen::TopEigen;
use crate::shared::select::{average, majority, minority, too_few};
use fl_core::{
    AggregateError, Cost, Cx, GeometricRule, Geometry, Inputs, Rule, RuleSpec, Shape, SpecError,
    spec,
};
use pulp::{Arch, Simd, WithSimd};

spec! {
    /// Smallest maximum eigenvalue averaging: the mean of the `W − f` messages that vary least in the direction in which they
    /// vary most.
    ///
    /// ```text
    /// z = μ_{S*},     S* = argmin_{|S| = W − f} λ_max( (1/|S|) Σ_{w ∈ S} (v_w − μ_S)(v_w − μ_S)ᵀ )
    /// ```
    ///
    /// with `μ_S` the mean of S. Of sets with equal eigenvalues (to 12 digits) the first in lexicographic order of worker
    /// indices is taken.
    ///
    /// # How it is computed
    /// Exactly, by branch and bound. The largest eigenvalue of the scatter matrix does not fall when messages are
    /// added. So a set that has begun worse than the best one known is not continued. Whether it has is one row of a
    /// Cholesky factorisation: with a first message r, the eigenvalue is below b exactly if `b (I + 1 1ᵀ) − G` is
    /// positive definite, `G_ij = ⟨v_i − v_r, v_j − v_r⟩`, and a message more is one row more.
    /// The first set is found by leaving out, f times, the message that stands out most in the top direction.
    ///
    /// # Requirements
    /// `W > 2f`: the regular messages are a majority. A round that takes more than [`max_steps`](Self::max_steps) rows is an
    /// error, not a hang; no round of `W` and `f` takes more than `C(W + 1, f + 1)`, 2.6 million for `W = 30`, `f = 6`.
    ///
    /// # Cost
    /// `O(W²)` a row. Where Byzantine messages stand apart, a few hundred rows, and the distances cost more; where all messages
    /// are alike in many directions, up to the bound above, some tens of milliseconds for `W = 30`, `f = 6`. For
    /// `W = 100`, `f = 20` that is out of reach, and an error after one or two seconds.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2, and (f, κ)-robust with `κ = 4f/(W − 2f)`, even with the largest eigenvalue of the regular
    /// messages' covariance in place of its trace. Proof: two sets of `W − f` share `W − 2f` messages. The mean of a
    /// part α of a set is at most `√(λ (1 − α)/α)` from the mean of all of it. The reference states
    /// `4f/(W − f) (1 + f/(W − 2f))²`, which is larger.
    ///
    /// # Elsewhere
    /// byzfl lists all `C(W, f)` sets, and judges each by one step of the power iteration from a random vector of its own. The
    /// set it takes is then as much a matter of luck as of the data, and two calls differ; that is not offered, since the
    /// luck of half a million vectors is no property of a rule.
    ///
    /// # Reference
    /// Allouah, Guerraoui, Gupta, Pinot, Stephan, *On the privacy-robustness-utility trilemma in distributed learning*, ICML
    /// 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, Smea, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0], [1.0, 1.0], [0.0, 0.0]]);
    /// let (mean, _) = aggregate(Smea::default(), &messages, 1)?;
    /// assert_eq!(mean, [0.5, 0.5]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Smea {
        /// Most rows of a factorisation in a round.
        pub max_steps: u64 = 3_000_000,
    }
}

impl RuleSpec for Smea {
    fn name(&self) -> &'static str {
        "smea"
    }

    fn cost(&self, shape: Shape) -> Cost {
        let w = shape.workers as f64;
        // A row for every way to leave f messages out, as far as the limit lets it.
        let ways =
            (0..shape.byzantine.min(64)).fold(1.0, |c, i| c * (w - i as f64) / (i + 1) as f64);
        Cost::quadratic(shape, 1).with_operations(ways.min(self.max_steps as f64) * w * w)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if self.max_steps == 0 {
            return Err(SpecError::new("max-steps", "at least 1", 0).of("smea"));
        }
        majority("smea", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run {
            max_steps: self.max_steps,
            search: Search::new(shape.workers),
            eigen: TopEigen::new(shape.workers),
        }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        minority(workers)
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        let (n, f) = (shape.workers as f64, shape.byzantine as f64);
        majority("smea", shape).ok().map(|()| 4.0 * f / (n - 2.0 * f))
    }
}

#[derive(Debug)]
struct Run {
    max_steps: u64,
    search: Search,
    eigen: TopEigen,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        Smea { max_steps: self.max_steps }.check(shape).map_err(too_few(shape))?;
        self.search.steps = self.max_steps;
        let Self { search, eigen, .. } = self;
        search.start(inputs.cx, inputs.geometry, shape.byzantine, eigen);
        let done =
            Arch::new().dispatch(Go { search, cx: inputs.cx, geometry: inputs.geometry, eigen });
        if !done {
            return Err(AggregateError::Search {
                rule: "smea".into(),
                limit: self.max_steps,
                setting: "max-steps".into(),
            });
        }
        average(&self.search.best, weights);
        Ok(())
    }
}

/// Equal to 12 digits.
const SAME: f64 = 1e-12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Fresh,
    Skipped,
    Taken,
}

#[derive(Debug)]
struct Search {
    /// |S|.
    size: usize,
    /// Messages in the order in which they are decided on, those that stand out first: they are skipped first, and where
    /// they are taken the eigenvalue grows soonest.
    order: Vec<u32>,
    /// The place in `order` of the equal message decided on before this one.
    twin: Vec<Option<u32>>,
    choices: Vec<Choice>,
    taken: Vec<u32>,
    /// The factorisation for the messages taken: columns of L as rows. The first message is the reference and has none.
    factor: Vec<f64>,
    row: Vec<f64>,
    /// How many of the messages taken are in the factorisation for the present bound.
    factored: usize,
    /// The best set, rising, and the largest eigenvalue of its scatter matrix.
    best: Vec<u32>,
    value: f64,
    set: Vec<u32>,
    counts: Vec<u32>,
    /// Rows that may still be computed.
    steps: u64,
}

impl Search {
    fn new(n: usize) -> Self {
        let list = || Vec::with_capacity(n);
        Self {
            size: n,
            order: list(),
            twin: Vec::with_capacity(n),
            choices: vec![Choice::Fresh; n + 1],
            taken: list(),
            factor: vec![0.0; n * n],
            row: vec![0.0; n],
            factored: 0,
            best: list(),
            value: f64::INFINITY,
            set: list(),
            counts: vec![0; n],
            steps: 0,
        }
    }

    /// The first set, and the order.
    fn start(&mut self, cx: &Cx<'_>, g: &Geometry, f: usize, eigen: &mut TopEigen) {
        let w = g.workers();
        self.size = w - f;
        self.order.clear();
        self.set.clear();
        self.set.extend(0..w as u32);
        for _ in 0..f {
            // What an interrupted round leaves is used by nobody.
            if cx.is_interrupted() {
                break;
            }
            eigen.scatter(g, &self.set, None);
            let u = eigen.vector();
            let mut most = 0;
            for i in 1..u.len() {
                if u[i].abs() > u[most].abs() {
                    most = i;
                }
            }
            self.order.push(self.set.remove(most));
        }
        self.value = eigen.scatter(g, &self.set, None);
        // The rest by falling sum of squared distances to the set.
        self.row.fill(0.0);
        for &i in &self.set {
            let row = g.row(i as usize);
            self.row[i as usize] = self.set.iter().map(|&j| row[j as usize]).sum();
        }
        self.order.extend_from_slice(&self.set);
        let key = &self.row;
        self.order[f..].sort_unstable_by(|&i, &j| {
            key[j as usize].total_cmp(&key[i as usize]).then_with(|| i.cmp(&j))
        });
        self.twin.clear();
        for (place, &i) in self.order.iter().enumerate() {
            let row = g.row(i as usize);
            let before = self.order[..place].iter().rposition(|&j| row[j as usize] == 0.0);
            self.twin.push(before.map(|p| p as u32));
        }
        self.lowest_twins(g);
        self.best.clear();
        self.best.extend_from_slice(&self.set);
    }

    /// Of equal messages in `set`, takes those of the lowest worker indices.
    fn lowest_twins(&mut self, g: &Geometry) {
        let w = g.workers();
        let leader = |i: usize| g.row(i).iter().position(|&d| d == 0.0).unwrap_or(i);
        self.counts[..w].fill(0);
        for &i in &self.set {
            self.counts[leader(i as usize)] += 1;
        }
        self.set.clear();
        for i in 0..w {
            let count = &mut self.counts[leader(i)];
            if *count > 0 {
                *count -= 1;
                self.set.push(i as u32);
            }
        }
    }

    /// Whether the messages taken and one more can still be better than the best set. Adds it to the factorisation if so.
    #[inline(always)]
    fn push(&mut self, g: &Geometry, message: u32) -> bool {
        self.taken.push(message);
        // Enough more that no better set is lost to rounding.
        let bound = self.value * (1.0 + 4.0 * SAME);
        let (n, reference) = (self.size, self.taken[0] as usize);
        let near = g.row(reference);
        for k in self.factored..self.taken.len() {
            if k == 0 {
                self.factored = 1;
                continue;
            }
            let i = self.taken[k] as usize;
            let (row, di) = (g.row(i), near[i]);
            let x = &mut self.row[..k];
            for (x, &j) in x.iter_mut().zip(&self.taken[1..=k]) {
                let j = j as usize;
                *x = bound - 0.5 * (di + near[j] - row[j]);
            }
            x[k - 1] += bound;
            for j in 0..k - 1 {
                let column = &self.factor[j * n..][..k - 1];
                let factor = x[j] / column[j];
                x[j] = factor;
                let (known, rest) = x.split_at_mut(j + 1);
                let last = rest.len() - 1;
                for (x, l) in rest[..last].iter_mut().zip(&column[j + 1..]) {
                    *x -= factor * l;
                }
                rest[last] -= known[j] * factor;
            }
            let pivot = x[k - 1];
            if pivot.is_nan() || pivot <= 0.0 {
                self.taken.pop();
                self.factored = self.factored.min(k);
                return false;
            }
            let root = pivot.sqrt();
            for j in 0..k - 1 {
                self.factor[j * n + k - 1] = x[j];
            }
            self.factor[(k - 1) * n + k - 1] = root;
            self.factored = k + 1;
        }
        true
    }

    fn pop(&mut self) {
        self.taken.pop();
        self.factored = self.factored.min(self.taken.len());
    }

    /// Compares a complete set with the best one.
    #[cold]
    #[inline(never)]
    fn leaf(&mut self, g: &Geometry, eigen: &mut TopEigen) {
        self.set.clear();
        self.set.extend_from_slice(&self.taken);
        self.lowest_twins(g);
        let value = eigen.scatter(g, &self.set, None);
        let better = value < self.value * (1.0 - SAME);
        let tie = value <= self.value * (1.0 + SAME) && self.set < self.best;
        if better || tie {
            self.best.clear();
            self.best.extend_from_slice(&self.set);
        }
        if better {
            self.value = value;
            self.factored = 0;
        }
    }

    /// Decides on one message after the other; false at the limit, or where the round is interrupted.
    #[inline(always)]
    fn run(&mut self, cx: &Cx<'_>, g: &Geometry, eigen: &mut TopEigen) -> bool {
        let w = g.workers();
        let f = w - self.size;
        self.taken.clear();
        self.factored = 0;
        let (mut place, mut skipped) = (0, 0);
        self.choices[0] = Choice::Fresh;
        // All of the best set are equal: there is none better, and its twins are the lowest.
        if f == 0 || self.value == 0.0 {
            return true;
        }
        loop {
            let mut forward = false;
            match self.choices[place] {
                Choice::Fresh if self.taken.len() == self.size => self.leaf(g, eigen),
                Choice::Fresh if skipped < f => {
                    self.choices[place] = Choice::Skipped;
                    skipped += 1;
                    forward = true;
                }
                choice @ (Choice::Fresh | Choice::Skipped) => {
                    skipped -= usize::from(choice == Choice::Skipped);
                    // Of equal messages those decided on first are taken first.
                    let twin = self.twin[place].map(|t| self.choices[t as usize]);
                    if twin != Some(Choice::Skipped) {
                        if self.steps == 0 || cx.is_interrupted() {
                            return false;
                        }
                        self.steps -= 1;
                        forward = self.push(g, self.order[place]);
                    }
                    if forward {
                        self.choices[place] = Choice::Taken;
                    }
                }
                Choice::Taken => self.pop(),
            }
            if forward {
                place += 1;
                self.choices[place] = Choice::Fresh;
            } else if place == 0 || self.value == 0.0 {
                return true;
            } else {
                place -= 1;
            }
        }
    }
}

struct Go<'a> {
    search: &'a mut Search,
    cx: &'a Cx<'a>,
    geometry: &'a Geometry,
    eigen: &'a mut TopEigen,
}

impl WithSimd for Go<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        self.search.run(self.cx, self.geometry, self.eigen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};
    use fl_core::{Cx, Role, Streams, streams};

    fn chosen(g: &Geometry, f: usize, max_steps: u64) -> Result<Vec<u32>, AggregateError> {
        let shape = Shape { workers: g.workers(), byzantine: f };
        let mut rule = Smea { max_steps }.build(shape).expect("a valid shape");
        let mut weights = vec![0.0; g.points()];
        rule.on_geometry(&Cx::new(&Streams::new(0), 0), g, f, &mut weights)?;
        Ok((0..g.workers() as u32).filter(|&i| weights[i as usize] > 0.0).collect())
    }

    /// The first of the best sets, by listing all.
    fn brute(g: &Geometry, f: usize) -> Vec<u32> {
        let w = g.workers();
        let mut eigen = TopEigen::new(w);
        let mut all = Vec::new();
        for mask in 0u32..1 << w {
            if mask.count_ones() as usize == w - f {
                let set: Vec<u32> = (0..w as u32).filter(|i| mask >> i & 1 == 1).collect();
                all.push((eigen.scatter(g, &set, None), set));
            }
        }
        let least = all.iter().map(|a| a.0).fold(f64::INFINITY, f64::min);
        let best = all.into_iter().filter(|a| a.0 <= least * (1.0 + 1e-11)).map(|a| a.1).min();
        best.expect("at least one set")
    }

    #[test]
    fn the_first_of_the_best_sets_is_found_also_among_many_ties() {
        let mut rng = Streams::new(15).at(Role::User, 0, 0);
        for trial in 0..400 {
            let w: usize = 3 + trial % 10;
            let f = streams::below(&mut rng, w.div_ceil(2) as u32) as usize;
            let p = [1, 2, 3, 20][trial % 4];
            // Small whole numbers, so that many sets are equal.
            let side = if trial % 2 == 0 { 3 } else { 1 << 20 };
            let rows: Vec<Vec<f64>> = (0..w)
                .map(|_| (0..p).map(|_| f64::from(streams::below(&mut rng, side))).collect())
                .collect();
            let g = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
            assert_eq!(chosen(&g, f, 1_000_000), Ok(brute(&g, f)), "{rows:?} {f}");
        }
    }

    #[test]
    fn thirty_messages_with_six_byzantine_stay_below_the_stated_bound_whatever_they_are() {
        let mut rng = Streams::new(16).at(Role::User, 0, 0);
        // C(31, 7).
        let bound = 2_629_575;
        for p in [1, 2, 8, 200] {
            let mut rows: Vec<Vec<f64>> = (0..30)
                .map(|_| (0..p).map(|_| f64::from(streams::below(&mut rng, 1 << 20))).collect())
                .collect();
            let g = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
            assert_eq!(chosen(&g, 6, bound).map(|s| s.len()), Ok(24), "{p}");
            // Six that stand apart: a few rows decide.
            for row in &mut rows[4..10] {
                row.iter_mut().for_each(|x| *x = -5.0 * *x - 1e7);
            }
            let g = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
            let regular: Vec<u32> = (0..30).filter(|i| !(4..10).contains(i)).collect();
            assert_eq!(chosen(&g, 6, 2_000), Ok(regular), "{p}");
        }
    }

    #[test]
    fn past_the_limit_it_is_an_error_that_says_what_to_do() {
        let rows: Vec<[f64; 2]> =
            (0..30).map(|i| [f64::from(i * i % 17), f64::from(i * i * i % 23)]).collect();
        let g = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
        let error = chosen(&g, 6, 10).unwrap_err().to_string();
        assert!(error.starts_with("smea: no set of messages was proven best within 10 steps"));
    }

    #[test]
    fn equal_messages_that_are_enough_are_the_answer() {
        let rows = [[5.0], [1.0], [7.0], [1.0], [1.0], [1.0], [1.0]];
        let (out, _) = aggregate(Smea::default(), &Messages::from_rows(&rows), 3).expect("valid");
        assert_eq!(out, [1.0]);
        let g = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
        assert_eq!(chosen(&g, 3, 1_000), Ok(vec![1, 3, 4, 5]));
    }
}
