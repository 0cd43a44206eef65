//! CAF: filtering along the direction in which messages vary most.

use crate::shared::eigen::TopEigen;
use crate::shared::select::{majority, too_few};
use fl_core::{
    AggregateError, Cost, Cx, GeometricRule, Geometry, Inputs, Role, Rule, RuleSpec, Shape,
    SpecError, Stream, choice, spec, streams,
};

spec! {
    /// The covariance bound-agnostic filter lowers the weights of messages that stand out in the direction in which all
    /// vary most. It repeats this, and returns the weighted mean that varied least.
    ///
    /// ```text
    /// c_w = 1;  while Σ_w c_w > W − 2f:
    ///     μ = Σ_w c_w v_w / Σ_w c_w
    ///     λ, u = the top eigenvalue and eigenvector of Σ_w c_w (v_w − μ)(v_w − μ)ᵀ / Σ_w c_w
    ///     τ_w = ⟨v_w − μ, u⟩²
    ///     c_w ← c_w (1 − τ_w / max_{w': c_w' > 0} τ_w')
    /// z = the μ of the smallest λ that was met
    /// ```
    ///
    /// A weight below 10⁻¹² is rounding, and none. Of equal λ the first counts. Where λ = 0 nothing is left to filter, and that μ is the output.
    ///
    /// # Requirements
    /// `W > 2f`: some weight must be left.
    ///
    /// # Cost
    /// `O(W³)` a pass on the distances; a pass takes a message's whole weight, so there are at most W, and f or a few more as a
    /// rule.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// For `W > 3f` it is (f, κ)-robust with
    ///
    /// ```text
    /// κ = (√(2f(W − f)/((W − 3f)(W − 2f))) + √(2f/(W − 3f)))²
    /// ```
    ///
    /// even with `λ_S`, the largest eigenvalue of the regular messages' covariance, in place of its trace.
    /// Proof, with `A_S` and `A_B` for the regular and the Byzantine part of `Σ c`, and μ_S for the regular messages' mean with
    /// the weights c. In any direction the mean of a part α of a weighted set is at most `√(λ (1 − α)/α)` from that of all.
    ///
    /// * While Byzantine messages have the larger part of `Σ c τ`, they lose more weight than regular ones. So the filter
    ///   meets a μ at which they have the smaller part, and `A_S − A_B ≥ W − 2f` until then.
    /// * There `λ (A_S + A_B) = Σ c τ ≤ 2 Σ_S c τ ≤ 2 (W − f) λ_S + 2 A_S ⟨μ_S − μ, u⟩² ≤ 2 (W − f) λ_S + 2 A_B λ`, which is
    ///   `λ ≤ 2 (W − f)/(W − 2f) · λ_S`. The output's λ is no larger.
    /// * At the output `A_B ≤ f` and `A_S > W − 3f`, so z is at most `√(λ f/(W − 3f))` from the regular messages'
    ///   weighted mean. That mean is at most `√(λ_S 2f/(W − 3f))` from their plain mean.
    ///
    /// Its authors need no bound on the regular messages' covariance, which is what the name says.
    ///
    /// # Elsewhere
    /// byzfl takes one step of the power iteration from a random vector for u ([`CafDirection::RandomPowerStep`]): two calls
    /// on one input differ. It divides by the largest τ of all messages, also of those without weight.
    /// So one far message keeps the others' weights from ever falling and the loop from ending.
    /// For `f = 0` it returns nothing.
    /// The variant divides as byzfl does, so that a far message without weight protects one that is less far.
    /// It ends after `16 W` passes with the best μ that it met.
    ///
    /// # Reference
    /// Allouah, Guerraoui, Stephan, *Towards trustworthy federated learning with untrusted participants*, ICML 2025.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Caf, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1e9, -1e9]]);
    /// let (mean, _) = aggregate(Caf::default(), &messages, 1)?;
    /// assert!((mean[0] - 0.5f64).abs() < 0.2 && (mean[1] - 0.5f64).abs() < 0.2);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Caf {
        /// How the direction u is found.
        pub direction: CafDirection = CafDirection::Exact,
    }
}

choice! {
    /// How CAF finds the direction in which messages vary most.
    pub enum CafDirection {
        /// The top eigenvector, from the centred Gram matrix.
        Exact,
        /// One step of the power iteration from a Gaussian vector g of p numbers, as byzfl: `u ∝ Σ_c g`, with `‖Σ_c g‖/‖g‖` for
        /// λ. Only the numbers `⟨v_w − μ, g⟩` and `‖g‖` matter, and they are drawn from their joint law: given the distances
        /// these are Gaussian with the centred Gram matrix, and the rest of `‖g‖²` is χ².
        RandomPowerStep,
    }
}

impl RuleSpec for Caf {
    fn name(&self) -> &'static str {
        "caf"
    }

    fn cost(&self, shape: Shape) -> Cost {
        // A pass for every Byzantine message, and one.
        let passes = (shape.byzantine + 1) as f64;
        Cost::quadratic(shape, 2).with_operations(passes * (shape.workers as f64).powi(3))
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        majority("caf", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run { spec: self.clone(), filter: Filter::new(shape.workers) }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        match self.direction {
            CafDirection::Exact => workers.saturating_sub(1) / 3,
            CafDirection::RandomPowerStep => 0,
        }
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        let (n, f) = (shape.workers as f64, shape.byzantine as f64);
        let proven = shape.workers > 0 && shape.byzantine <= self.tolerates(shape.workers);
        let part = 2.0 * f / (n - 3.0 * f);
        let kappa = part * (1.0 + ((n - f) / (n - 2.0 * f)).sqrt()).powi(2);
        Some(kappa).filter(|_| proven)
    }
}

#[derive(Debug)]
struct Run {
    spec: Caf,
    filter: Filter,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        self.spec.check(shape).map_err(too_few(shape))?;
        let filter = &mut self.filter;
        match self.spec.direction {
            // Every pass takes a message's whole weight.
            CafDirection::Exact => {
                filter.run(
                    inputs.cx,
                    inputs.geometry,
                    shape.byzantine,
                    shape.workers,
                    Filter::exact,
                );
            }
            CafDirection::RandomPowerStep => {
                let mut rng = inputs.cx.draw(Role::Aggregate, 0);
                let dim = inputs.probe.dim();
                filter.run(
                    inputs.cx,
                    inputs.geometry,
                    shape.byzantine,
                    16 * shape.workers,
                    |filter, g| {
                        filter.draw(g, dim, &mut rng);
                        filter.power_step(g)
                    },
                );
            }
        }
        weights[..shape.workers].copy_from_slice(&filter.best[..shape.workers]);
        Ok(())
    }
}

/// A weight below this is rounding, and none.
const NOTHING: f64 = 1e-12;

#[derive(Debug)]
struct Filter {
    /// The weights c, and those of the best mean, which sum to 1.
    c: Vec<f64>,
    best: Vec<f64>,
    /// r_i = Σ_j c_j D_ij / Σ c, and t = Σ c_i r_i / Σ c.
    r: Vec<f64>,
    t: f64,
    /// The messages with weight, and their weights.
    support: Vec<u32>,
    of_support: Vec<f64>,
    /// Coefficients of u, and projections on it.
    e: Vec<f64>,
    projections: Vec<f64>,
    /// ⟨v_w − μ, g⟩ / ‖g‖ for a random g.
    y: Vec<f64>,
    root: Vec<f64>,
    eigen: TopEigen,
}

impl Filter {
    fn new(n: usize) -> Self {
        let zeros = || vec![0.0; n];
        Self {
            c: zeros(),
            best: zeros(),
            r: zeros(),
            t: 0.0,
            support: Vec::with_capacity(n),
            of_support: Vec::with_capacity(n),
            e: zeros(),
            projections: zeros(),
            y: zeros(),
            root: vec![0.0; n * n],
            eigen: TopEigen::new(n),
        }
    }

    /// Leaves the weights of the best mean of at most `limit` passes in `best`. `direction` gives λ, and leaves the
    /// projections on u in `projections`, in units of its own.
    fn run(
        &mut self,
        cx: &Cx<'_>,
        g: &Geometry,
        f: usize,
        limit: usize,
        mut direction: impl FnMut(&mut Self, &Geometry) -> f64,
    ) {
        let n = g.workers();
        let floor = (n - 2 * f) as f64;
        self.c[..n].fill(1.0);
        let mut least = f64::INFINITY;
        for _ in 0..limit {
            // What an interrupted round leaves is used by nobody.
            if cx.is_interrupted() {
                return;
            }
            let sum: f64 = self.c[..n].iter().sum();
            // Without Byzantine messages the mean is met all the same.
            if sum <= floor + NOTHING * n as f64 && least < f64::INFINITY || sum == 0.0 {
                return;
            }
            self.centre(g, sum);
            let lambda = direction(self, g);
            if lambda < least {
                least = lambda;
                for (best, c) in self.best.iter_mut().zip(&self.c[..n]) {
                    *best = c / sum;
                }
            }
            let most = self.projections[..n].iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            if most == 0.0 || least == 0.0 {
                return;
            }
            // Divided by a power of two, since squares of projections may be beyond the largest number.
            let unit = power_of_two(most);
            let most = (most / unit) * (most / unit);
            for (c, x) in self.c.iter_mut().zip(&self.projections[..n]) {
                let x = x / unit;
                *c *= 1.0 - x * x / most;
                // Of two that stand out alike to rounding both are gone.
                *c = if *c < NOTHING { 0.0 } else { *c };
            }
        }
    }

    /// What inner products of `v_i − μ` are made of.
    fn centre(&mut self, g: &Geometry, sum: f64) {
        let n = g.workers();
        self.support.clear();
        self.of_support.clear();
        for (i, &c) in self.c[..n].iter().enumerate() {
            if c > 0.0 {
                self.support.push(i as u32);
                self.of_support.push(c);
            }
        }
        self.t = 0.0;
        for i in 0..n {
            let row = g.row(i);
            // Over those with weight alone: what has none may be very far.
            let products = self.support.iter().zip(&self.of_support);
            self.r[i] = products.map(|(&j, c)| c * row[j as usize]).sum::<f64>() / sum;
            self.t += self.c[i] * self.r[i] / sum;
        }
    }

    /// ⟨v_i − μ, v_j − μ⟩.
    fn inner(&self, g: &Geometry, i: usize, j: usize) -> f64 {
        0.5 * (self.r[i] + self.r[j] - g.squared_distance(i, j) - self.t)
    }

    fn exact(&mut self, g: &Geometry) -> f64 {
        let lambda = self.eigen.scatter(g, &self.support, Some(&self.of_support));
        self.e.fill(0.0);
        for ((&i, c), u) in self.support.iter().zip(&self.of_support).zip(self.eigen.vector()) {
            self.e[i as usize] = c.sqrt() * u;
        }
        // A message without weight may stand out more, and does not count.
        self.projections.fill(0.0);
        for at in 0..self.support.len() {
            let i = self.support[at] as usize;
            self.projections[i] = self.project(g, i);
        }
        lambda / self.of_support.iter().sum::<f64>()
    }

    /// `⟨v_i − μ, Σ_j e_j (v_j − μ)⟩`.
    fn project(&self, g: &Geometry, i: usize) -> f64 {
        self.support.iter().map(|&j| self.e[j as usize] * self.inner(g, i, j as usize)).sum()
    }

    /// u from `y`: `Σ_c g = Σ_j (c_j y_j / Σ c) (v_j − μ)`, whose length is λ.
    fn power_step(&mut self, g: &Geometry) -> f64 {
        let sum: f64 = self.of_support.iter().sum();
        self.e.fill(0.0);
        let most = self.y.iter().fold(0.0, |m: f64, y| m.max(y.abs()));
        let unit = if most > 0.0 { power_of_two(most) } else { 1.0 };
        for &i in &self.support {
            self.e[i as usize] = self.c[i as usize] * (self.y[i as usize] / unit) / sum;
        }
        for i in 0..g.workers() {
            self.projections[i] = self.project(g, i);
        }
        let square: f64 = self.e.iter().zip(&self.projections).map(|(e, x)| e * x).sum();
        unit * square.max(0.0).sqrt()
    }

    /// Draws `y`: Gaussian with the Gram matrix of the messages with weight, over the length of all of g.
    fn draw(&mut self, g: &Geometry, dim: usize, rng: &mut Stream) {
        let n = self.support.len();
        let (mut square, mut rank) = (0.0, 0);
        let largest =
            self.support.iter().map(|&i| self.inner(g, i as usize, i as usize)).fold(0.0, f64::max);
        self.y.fill(0.0);
        // A Cholesky factorisation, of which every column is used up as soon as it is there.
        for k in 0..n {
            let i = self.support[k] as usize;
            let row = &self.root[k * n..][..k];
            let pivot = self.inner(g, i, i) - row.iter().map(|x| x * x).sum::<f64>();
            if pivot <= 1e-13 * largest {
                for j in k..n {
                    self.root[j * n + k] = 0.0;
                }
                continue;
            }
            let (root, draw) = (pivot.sqrt(), normal(rng));
            square += draw * draw;
            rank += 1;
            for j in k..n {
                let w = self.support[j] as usize;
                let known: f64 = (0..k).map(|l| self.root[j * n + l] * self.root[k * n + l]).sum();
                let x = (self.inner(g, i, w) - known) / root;
                self.root[j * n + k] = x;
                self.y[w] += x * draw;
            }
        }
        square += chi_squared(rng, dim.saturating_sub(rank));
        if square > 0.0 {
            let length = square.sqrt();
            self.y.iter_mut().for_each(|y| *y /= length);
        }
    }
}

/// The power of two at or below a positive number, as far as it is normal.
fn power_of_two(x: f64) -> f64 {
    2f64.powi(x.log2().floor().clamp(-1022.0, 1022.0) as i32)
}

/// A uniform number in (0, 1).
fn uniform(rng: &mut Stream) -> f64 {
    let high = f64::from(streams::below(rng, 1 << 26));
    let low = f64::from(streams::below(rng, 1 << 26));
    (high + (low + 0.5) / f64::from(1 << 26)) / f64::from(1 << 26)
}

/// A standard normal number (Box and Muller 1958).
fn normal(rng: &mut Stream) -> f64 {
    let radius = (-2.0 * uniform(rng).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(rng)).cos()
}

/// A χ² number with k degrees of freedom (Marsaglia and Tsang 2000).
fn chi_squared(rng: &mut Stream, k: usize) -> f64 {
    if k < 2 {
        return if k == 0 { 0.0 } else { normal(rng).powi(2) };
    }
    let d = 0.5 * k as f64 - 1.0 / 3.0;
    let scale = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + scale * x).powi(3);
        if v > 0.0 && uniform(rng).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return 2.0 * d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};
    use fl_core::{Cx, Pipeline, Streams};
    use serde_json::Value;

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect()
    }

    fn rows(value: &Value) -> Vec<Vec<f64>> {
        value.as_array().expect("rows").iter().map(numbers).collect()
    }

    #[test]
    fn with_its_start_vectors_the_random_variant_gives_what_byzfl_gives() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/suite/golden/byzfl_spectral.json"))
                .expect("JSON");
        let cases: Vec<&Value> = golden["cases"]
            .as_array()
            .expect("cases")
            .iter()
            .filter(|c| c["op"] == "CAF")
            .collect();
        assert_eq!(cases.len(), 15);
        for case in cases {
            let (input, starts) = (rows(&case["input"]), rows(&case["start_vectors"]));
            let f = case["params"]["f"].as_u64().expect("f") as usize;
            let g = Geometry::of(Messages::from_rows(&input).view()).expect("finite");
            let mut filter = Filter::new(input.len());
            let mut starts = starts.into_iter();
            let streams = Streams::new(0);
            filter.run(&Cx::new(&streams, 0), &g, f, usize::MAX, |filter, g| {
                let start = starts.next().expect("a start vector for every pass");
                let length = start.iter().map(|x| x * x).sum::<f64>().sqrt();
                let products: Vec<f64> = input
                    .iter()
                    .map(|v| v.iter().zip(&start).map(|(a, b)| a * b / length).sum())
                    .collect();
                let sum: f64 = filter.c.iter().sum();
                let mean: f64 = products.iter().zip(&filter.c).map(|(x, c)| x * c / sum).sum();
                for (y, x) in filter.y.iter_mut().zip(products) {
                    *y = x - mean;
                }
                filter.power_step(g)
            });
            let expected = numbers(&case["output"]);
            let size = input.iter().flatten().fold(0.0, |m: f64, x| m.max(x.abs()));
            for (k, expected) in expected.iter().enumerate() {
                let out: f64 = input.iter().zip(&filter.best).map(|(v, c)| c * v[k]).sum();
                assert!((out - expected).abs() <= 1e-9 * size, "{} {out} {expected}", case["case"]);
            }
        }
    }

    #[test]
    fn byzfl_caf_never_ends_with_a_far_message_and_ours_does() {
        let mut rows = vec![[1e8, 0.0]];
        rows.extend((0..9).map(|i| [f64::from(i % 3), f64::from(i / 3)]));
        for direction in [CafDirection::Exact, CafDirection::RandomPowerStep] {
            let (out, _) =
                aggregate(Caf { direction }, &Messages::from_rows(&rows), 3).expect("valid");
            assert!(out[0].abs() < 3.0 && out[1].abs() < 3.0, "{direction:?} {out:?}");
        }
    }

    #[test]
    fn byzfl_caf_returns_nothing_without_byzantine_messages_and_ours_the_mean() {
        let (out, _) = aggregate(Caf::default(), &Messages::from_rows(&[[1.0], [2.0], [6.0]]), 0)
            .expect("valid");
        assert!((out[0] - 3.0f64).abs() < 1e-15);
    }

    #[test]
    fn byzfl_caf_differs_from_call_to_call_and_ours_draws_by_address() {
        let rows: Vec<Vec<f64>> = (0..12)
            .map(|i| (0..5).map(|k| f64::from((i * 7 + k * 5 + i * i * k) % 11)).collect())
            .collect();
        let messages = Messages::from_rows(&rows);
        let shape = Shape { workers: 12, byzantine: 3 };
        let run = |direction, seed, round| {
            let rule = Box::new(Caf { direction });
            let mut pipeline = Pipeline::<f64>::build(Vec::new(), rule, shape, 5).expect("valid");
            let mut out = [0.0; 5];
            let streams = Streams::new(seed);
            pipeline
                .aggregate(&Cx::new(&streams, round), messages.view(), &mut out)
                .expect("valid");
            out
        };
        assert_eq!(run(CafDirection::Exact, 0, 0), run(CafDirection::Exact, 1, 7));
        let random = CafDirection::RandomPowerStep;
        assert_eq!(run(random, 3, 5), run(random, 3, 5));
        assert!((0..20).any(|seed| run(random, seed, 0) != run(random, 99, 0)));
    }

    #[test]
    fn the_projections_of_the_random_variant_have_the_law_of_a_gaussian_vector() {
        // p = 3 numbers a message: the squared length of a projected unit vector has mean ‖v − μ‖² / 3.
        let rows = [[1.0, 2.0, 0.5], [0.0, -1.0, 1.0], [2.0, 0.3, -1.0], [4.0, 1.0, 1.0]];
        let g = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
        let mut filter = Filter::new(4);
        filter.c.fill(1.0);
        filter.centre(&g, 4.0);
        let mut rng = Streams::new(4).at(Role::User, 0, 0);
        let (mut squares, mut product) = ([0.0; 4], 0.0);
        let draws = 20_000;
        for _ in 0..draws {
            filter.draw(&g, 3, &mut rng);
            for (s, y) in squares.iter_mut().zip(&filter.y) {
                *s += y * y / f64::from(draws);
            }
            product += filter.y[0] * filter.y[2] / f64::from(draws);
        }
        for (i, s) in squares.iter().enumerate() {
            let expected = filter.inner(&g, i, i) / 3.0;
            assert!((s - expected).abs() < 0.04 * expected, "{i}: {s} {expected}");
        }
        assert!((product - filter.inner(&g, 0, 2) / 3.0).abs() < 0.05);
    }
}
