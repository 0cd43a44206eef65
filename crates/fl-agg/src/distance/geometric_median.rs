//! The geometric median, with a certificate.
//!
//! # Definition
//!
//! ```text
//! geomed({v_w}) = argmin_z F(z),   F(z) = Σ_w a_w ‖z − v_w‖                                  (5)
//! ```
//!
//! with `a_w = 1` in the paper; weights for workers are made to sum to W.
//!
//! # How it is computed
//!
//! The minimiser is an affine combination `z = Σ c_w v_w`, so everything happens in the W coefficients, on the squared
//! distances `D` alone ([`fl_core::Geometry`]): `O(W²)` an iteration whatever the length of a message.
//!
//! 0. Messages that are farther than `0.1/ε` radii of a majority (and than 10⁸ of them), with the machine epsilon of the
//!    distances, are left out of these: in them it is lost which way they pull, and they would hide all else in F.
//!    The pull of such a message v_w is the same everywhere among the others, `a_w (v_w − v_r)/‖v_w − v_r‖` for any one of
//!    them, up to the ratio of their distances. So all of these pulls are one constant vector g, and F is
//!    `Σ_near a_w ‖z − v_w‖ − ⟨g, z − v_r⟩`. One more pass over the messages measures the point `v_r + ρ g / Σ_far a_w`, for a
//!    ρ of the others' size, and with it among the points everything below stays as it is.
//! 1. Messages that coincide become one, whose weight is their sum: their multiplicity, where all weights are 1.
//! 2. The message of the least `F` is tested: it is the median if the unit vectors towards it from the others sum to no
//!    more than its weight. If not, the Vardi–Zhang step leaves it for a point of lower `F`, and since every later
//!    step lowers `F` too, no message is ever met again.
//! 3. Weiszfeld's map `c_w ∝ 1/‖z − v_w‖` is iterated. Where its measured rate says that this would take long, a Newton
//!    step goes before each map. In coefficients it is Weiszfeld's map with other weights: with unit vectors `u_w`,
//!    `K = UᵀU`, `Λ = diag(1/d_w)` and `s = Σ 1/d_w`, solve `(s Λ⁻¹ − K) y = K 1` and use `1 + y` for `1`.
//!    A step that does not lower `F` is not taken.
//!
//! # Certificate
//!
//! Convexity gives `F(z) − F* ≤ ‖Σ a_w u_w‖ · ‖z − z*‖`, and at a message of weight `m` the same with
//! `max(0, ‖R‖ − m)`, `R` the sum over the others. For any set of messages with the weight `n > W/2` together,
//! `‖z − z*‖ ≤ 2 Σ_set a_w d_w / (2n − W)`: a point farther away is worse by at least that much more on the set than it can be
//! better outside. With all messages this is `2F(z)/W`, by which iterations stop: on the gap *relative to F*, never on an
//! absolute one, so scaling all messages changes nothing. The reported ε uses the best set, which outliers cannot spoil,
//! and adds what rounding did: to the distances, and to the output (a displacement δ adds at most
//! `‖Σ a_w u_w‖ δ + Σ a_w min(δ, δ²/2d_w)`).
//! A far message makes F, and with it any gap relative to F, as large as it likes; so what decides when to stop is the gap
//! relative to an F in which no message counts for more than a thousand radii of a majority.

use crate::shared::select::{minority, weights};
use fl_core::{
    AggregateError, Certificate, Cost, GeometricRule, Geometry, Inputs, Probe, Rule, RuleSpec,
    Shape, SpecError, spec,
};
use pulp::{Arch, Simd, WithSimd};

spec! {
    /// The geometric median, the point with the least sum of distances to the messages, to a certified relative gap.
    ///
    /// ```text
    /// z = argmin_z F(z),   F(z) = Σ_w a_w ‖z − v_w‖                                        (5)
    /// ```
    ///
    /// with `a_w = 1`, or with weights of the workers that are made to sum to W.
    /// The report carries a [`Certificate`]: how many iterations were taken, and ε with `F(out) − F* ≤ ε` for the output as
    /// rounded to the messages' type; that is the ε of the paper's theorems, in the units of the messages.
    /// Where the minimiser is not unique, the message of the lowest optimal worker is taken if one is optimal.
    ///
    /// # Requirements
    /// At least one message; weights, if there are any, positive and finite, one for each worker.
    /// Any number of Byzantine messages is accepted.
    ///
    /// # Cost
    /// `W²` an iteration on the distances, `W³/6` more for one with a Newton step; ten to twenty iterations are usual,
    /// also where plain Weiszfeld takes hundreds.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Breakdown point 1/2: with `f < W/2` the distance to the regular messages' mean is bounded by the paper's `C_α`,
    /// `α = f/W` (Property 1 and (7)), and the rule is (f, κ)-robust with `κ = 4 (1 + f/(W − 2f))²`.
    /// With weights it is the Byzantine workers' part of the weight that has to stay below one half: with `A` the sum of all
    /// weights, `A_f` that of the f largest, and `Q` the sum of the W − f largest squares,
    /// `κ = 4 (W − f) Q / (A − 2 A_f)²`.
    /// Proof: for W − f messages S with mean v̄, `F(z) ≤ F(v̄)` and the triangle inequality give
    /// `(Σ_S a_w − Σ_rest a_w) ‖z − v̄‖ ≤ 2 Σ_S a_w ‖v_w − v̄‖`; the first factor is at least `A − 2 A_f`, and the sum at most
    /// `√(Q Σ_S ‖v_w − v̄‖²)`.
    ///
    /// # Elsewhere
    /// Other projects run Weiszfeld's iteration a fixed number of times, from the mean or from zero, and keep away from
    /// messages by an absolute number; [`crate::Weiszfeld`] does what they do.
    /// FedML and an old version of Blades multiply the weights of all iterations, which ends at one of the messages; FedML
    /// also collects equal weights in a set, so that only one of the clients that have them counts.
    ///
    /// # Reference
    /// Weber 1909; Weiszfeld, *Sur le point pour lequel la somme des distances de n points donnés est minimum*, 1937; Vardi
    /// and Zhang, *The multivariate L1-median and associated data depth*, PNAS 2000; the paper's (5) and its reference 35.
    /// κ without weights is also in Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan, *Fixing by mixing*, AISTATS 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{GeometricMedian, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0], [1e9, 0.0]]);
    /// let (median, report) = aggregate(GeometricMedian::default(), &messages, 1)?;
    /// assert!(median[0] < 2.0);
    /// assert!(report.certificate.expect("solved with a certificate").relative_gap <= 1e-10);
    ///
    /// // A worker with more than half of all weight is the median.
    /// let rule = GeometricMedian { weights: Some(vec![1.0, 9.0, 2.0, 3.0, 2.0]), ..Default::default() };
    /// assert_eq!(aggregate(rule, &messages, 1)?.0, [2.0, 0.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct GeometricMedian {
        /// Stop when the certified gap is at most this part of F, or what the rounding of the distances leaves to certify:
        /// a tenth of the machine epsilon of the messages' type.
        pub relative_gap: f64 = 1e-10,
        /// Stop at this many iterations with the gap reached, which is reported.
        pub max_iterations: u32 = 1000,
        /// a_w: one positive number for each worker, of which only the ratios matter; without them all weigh the same.
        pub weights: Option<Vec<f64>> = None,
    }
}

impl RuleSpec for GeometricMedian {
    fn name(&self) -> &'static str {
        "geometric-median"
    }

    fn cost(&self, shape: Shape) -> Cost {
        // Some Newton steps.
        Cost::quadratic(shape, 2).with_operations((shape.workers as f64).powi(3) / 2.0)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if !(self.relative_gap > 0.0 && self.relative_gap < 1.0) {
            let error = SpecError::new("relative-gap", "between 0 and 1", self.relative_gap);
            return Err(error.of("geometric-median"));
        }
        if self.max_iterations == 0 {
            return Err(SpecError::new("max-iterations", "at least 1", 0).of("geometric-median"));
        }
        if shape.workers == 0 {
            return Err(
                SpecError::new("the number of messages", "at least 1", 0).of("geometric-median")
            );
        }
        self.weights.as_ref().map_or(Ok(()), |a| weights::check(self.name(), a, shape.workers))
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        if let Some(a) = &self.weights {
            weights::check_all(self.name(), a, shape.workers)?;
        }
        Ok(Rule::geometric(Solver::new(self, shape.workers)))
    }

    fn names_workers(&self) -> bool {
        self.weights.is_some()
    }

    fn tolerates(&self, workers: usize) -> usize {
        match &self.weights {
            None => minority(workers),
            Some(_) => (0..workers)
                .take_while(|&f| self.majority(workers, f).is_some())
                .last()
                .unwrap_or(0),
        }
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        let Shape { workers, byzantine: f } = shape;
        if f > self.tolerates(workers) {
            return None;
        }
        let (n, f) = (workers as f64, f as f64);
        match &self.weights {
            None => Some(4.0 * (1.0 + f / (n - 2.0 * f)).powi(2)),
            Some(a) => {
                let margin = self.majority(workers, shape.byzantine)?;
                let mut squares: Vec<f64> = a.iter().map(|x| x * x).collect();
                squares.sort_by(|x, y| y.total_cmp(x));
                let most: f64 = squares.iter().take(workers - shape.byzantine).sum();
                Some(4.0 * (n - f) * most / (margin * margin))
            }
        }
    }
}

impl GeometricMedian {
    /// By how much the weight of any W − f workers exceeds that of the others, where it does.
    fn majority(&self, workers: usize, byzantine: usize) -> Option<f64> {
        let mut a = self.weights.clone()?;
        a.sort_by(|x, y| y.total_cmp(x));
        let all: f64 = a.iter().take(workers).sum();
        let margin = all - 2.0 * a.iter().take(byzantine).sum::<f64>();
        Some(margin).filter(|&m| m > 0.0)
    }
}

/// Messages closer than this part of the radius that holds a majority count as one; what that may cost enters ε.
const SAME: f64 = 1e-13;
/// The smallest positive number.
const SMALLEST: f64 = f64::from_bits(1);
/// A message farther than this many radii of a majority counts as no farther when it is decided when to stop.
const WIDE: f64 = 1e3;

/// One evaluation of F and its derivatives at `z = Σ c_i v_i`.
#[derive(Clone, Debug, Default)]
struct Point {
    /// Affine coefficients.
    c: Vec<f64>,
    /// D c.
    dc: Vec<f64>,
    /// ½ cᵀ D c.
    half: f64,
    /// Distances to the messages.
    d: Vec<f64>,
    /// F(z).
    f: f64,
}

impl Point {
    fn zeros(n: usize) -> Self {
        Self { c: vec![0.0; n], dc: vec![0.0; n], half: 0.0, d: vec![0.0; n], f: f64::INFINITY }
    }

    /// Distances and F from `c` and `D c` on n points; `⟨g, z − v_r⟩` from the place of the reference and g's factor.
    #[inline(always)]
    fn measure(&mut self, a: &[f64], n: usize, (r, pull): (usize, f64)) {
        let half = 0.5 * dot(&self.c[..n], &self.dc[..n]);
        self.half = half;
        let (d, dc) = (&mut self.d[..n], &self.dc[..n]);
        // Far below what cancellation leaves, so that no division by zero can follow.
        let floor = f64::EPSILON * f64::EPSILON * half.abs() + f64::MIN_POSITIVE;
        for i in 0..n {
            d[i] = (dc[i] - half).max(floor).sqrt();
        }
        self.f = dot(&a[..n], d);
        if pull > 0.0 {
            // Up to a constant: twice the inner product is ‖z − v_r‖² − ‖z − P‖² and that.
            self.f -= 0.5 * pull * (d[r] * d[r] - d[n - 1] * d[n - 1]);
        }
    }
}

#[derive(Clone, Debug)]
struct Solver {
    relative_gap: f64,
    max_iterations: u32,
    /// All workers' weights, if they have any, and those of the messages that are there.
    given: Option<Vec<f64>>,
    present: Vec<f64>,
    /// Which messages are so far that their direction is lost in the rounding of the distances, their weight together, and
    /// their part of F.
    far: Vec<bool>,
    far_weight: f64,
    far_f: f64,
    far_gap: f64,
    /// What is not known of their pull, at the reference and for each unit of length away from it.
    far_lost: f64,
    far_bend: f64,
    /// The place of the reference among the different messages, and its worker.
    reference: usize,
    /// `Σ_far a_w / ρ`: g is this times the difference of the point that stands for the far messages and the reference; 0
    /// where there is no such point.
    pull: f64,
    /// The combination that is that point, and the roots of its distances.
    stand_in: Vec<f64>,
    roots: Vec<f64>,
    /// The distance from which on a message does not count for more, infinite where none is farther.
    cap: f64,
    /// Different messages and their weights: multiplicities, where workers have none.
    n: usize,
    /// As many points, or one more, which stands for the far messages and has no weight in F.
    points: usize,
    ids: Vec<u32>,
    a: Vec<f64>,
    /// Squared distances between these points, row-major.
    dd: Vec<f64>,
    here: Point,
    next: Point,
    /// a_i / d_i, its sum, and D times it.
    e: Vec<f64>,
    s: f64,
    de: Vec<f64>,
    y: Vec<f64>,
    h: Vec<f64>,
    dh: Vec<f64>,
    matrix: Vec<f64>,
    /// Messages by rising distance.
    order: Vec<u32>,
    /// The relative gap to stop at.
    target: f64,
    /// What the certificate is made of.
    iterations: u32,
    slope: f64,
    gap: f64,
    merged: f64,
    unit: f64,
}

impl Solver {
    fn new(spec: &GeometricMedian, n: usize) -> Self {
        Self {
            relative_gap: spec.relative_gap,
            max_iterations: spec.max_iterations,
            present: vec![1.0; n],
            given: spec.weights.clone(),
            far: vec![false; n],
            far_weight: 0.0,
            far_f: 0.0,
            far_gap: 0.0,
            far_lost: 0.0,
            far_bend: 0.0,
            reference: 0,
            pull: 0.0,
            stand_in: vec![0.0; n],
            roots: vec![0.0; n],
            cap: f64::INFINITY,
            n: 0,
            points: 0,
            ids: Vec::with_capacity(n),
            a: vec![0.0; n + 1],
            dd: vec![0.0; (n + 1) * (n + 1)],
            here: Point::zeros(n + 1),
            next: Point::zeros(n + 1),
            e: vec![0.0; n + 1],
            s: 0.0,
            de: vec![0.0; n + 1],
            y: vec![0.0; n],
            h: vec![0.0; n + 1],
            dh: vec![0.0; n + 1],
            matrix: vec![0.0; n * n],
            order: Vec::with_capacity(n),
            target: spec.relative_gap,
            iterations: 0,
            slope: 0.0,
            gap: 0.0,
            merged: 0.0,
            unit: 1.0,
        }
    }

    /// The message of the least F among those that are not far.
    #[inline(always)]
    fn least(&mut self, g: &Geometry) -> usize {
        let w = g.workers();
        let mut best = w;
        for i in 0..w {
            if self.far[i] {
                continue;
            }
            // F at each message, in `y`.
            self.y[i] = if self.far_weight > 0.0 {
                let near =
                    g.row(i).iter().zip(&self.present).zip(&self.far).filter(|(_, far)| !**far);
                near.map(|((d, a), _)| a * d.sqrt()).sum()
            } else if self.given.is_some() {
                weighted_sum_of_roots(&self.present[..w], g.row(i))
            } else {
                sum_of_roots(g.row(i))
            };
            if best == w || self.y[i] < self.y[best] {
                best = i;
            }
        }
        best
    }

    /// The least distance from message `i` within which there is more than half of all weight.
    #[inline(always)]
    fn majority_radius(&mut self, g: &Geometry, i: usize) -> f64 {
        let (w, row) = (g.workers(), g.row(i));
        self.order.clear();
        self.order.extend(0..w as u32);
        self.order.sort_unstable_by(|&i, &j| row[i as usize].total_cmp(&row[j as usize]));
        let total: f64 = self.present[..w].iter().sum();
        let mut weight = 0.0;
        for &j in &self.order {
            weight += self.present[j as usize];
            if 2.0 * weight > total {
                return row[j as usize].sqrt();
            }
        }
        f64::INFINITY
    }

    /// Finds the different messages, by the sums F(v_i) that step 2 needs anyway. Returns the best message.
    #[inline(always)]
    fn merge(&mut self, g: &Geometry, probe: &mut dyn Probe) -> usize {
        let w = g.workers();
        self.far[..w].fill(false);
        (self.far_weight, self.far_f) = (0.0, 0.0);
        // Beyond this many radii of a majority a message's direction is lost, and its distance hides where the best message
        // is.
        let farthest = g.farthest();
        let (best, radius) = loop {
            let best = self.least(g);
            let radius = self.majority_radius(g, best);
            let row = g.row(best);
            let limit = (farthest * radius).powi(2);
            let before = self.far_weight;
            for i in 0..w {
                if !self.far[i] && row[i] > limit {
                    self.far[i] = true;
                    self.far_weight += self.present[i];
                }
            }
            if self.far_weight == before {
                break (best, radius);
            }
        };
        let row = g.row(best);
        let mut widest = 0.0f64;
        for i in 0..w {
            if self.far[i] {
                self.far_f += self.present[i] * g.distance(best, i);
            } else {
                widest = widest.max(row[i]);
            }
        }
        let wide = widest.sqrt() > WIDE * radius;
        self.cap = if wide { WIDE * radius } else { f64::INFINITY };
        let (size, radius) = (radius, SAME * radius);
        self.ids.clear();
        self.merged = 0.0;
        let mut best_id = 0;
        for i in (0..w).filter(|&i| !self.far[i]) {
            let row = g.row(i);
            let weight = self.present[i];
            let twin = self.ids.iter().position(|&j| row[j as usize] <= radius * radius);
            match twin {
                Some(t) => {
                    self.a[t] += weight;
                    self.merged += weight * row[self.ids[t] as usize].sqrt();
                    if i == best {
                        best_id = t;
                    }
                }
                None => {
                    self.a[self.ids.len()] = weight;
                    if i == best {
                        best_id = self.ids.len();
                    }
                    self.ids.push(i as u32);
                }
            }
        }
        self.n = self.ids.len();
        self.reference = best_id;
        let reference = self.ids[best_id] as usize;
        self.gather_far(g, reference, size, probe);
        let (n, points) = (self.n, self.points);
        for (i, &id) in self.ids.iter().enumerate() {
            let row = g.row(id as usize);
            for (j, &jd) in self.ids.iter().enumerate() {
                self.dd[i * points + j] = row[jd as usize];
            }
            if points > n {
                let square = self.roots[id as usize].powi(4);
                (self.dd[i * points + n], self.dd[n * points + i]) = (square, square);
                self.dd[n * points + n] = 0.0;
            }
        }
        best_id
    }

    /// Makes a point of what is far, a combination of it with the message `best`, `size` from there where all pull in one
    /// direction.
    #[inline(always)]
    fn gather_far(&mut self, g: &Geometry, best: usize, size: f64, probe: &mut dyn Probe) {
        (self.points, self.pull) = (self.n, 0.0);
        (self.far_lost, self.far_bend) = (self.far_weight, 0.0);
        if self.far_weight == 0.0 || self.n == 1 {
            return;
        }
        let w = g.workers();
        let stand_in = &mut self.stand_in[..w];
        stand_in.fill(0.0);
        let (mut lost, mut bend) = (0.0, 0.0);
        for i in (0..w).filter(|&i| self.far[i]) {
            let weight = self.present[i];
            let share = g.ratio(size * (weight / self.far_weight), i, best);
            stand_in[i] = share;
            stand_in[best] -= share;
            // Of a share below the normal numbers digits are lost, and all of it below the smallest.
            lost += weight * (g.relative_error() + (SMALLEST / share).min(1.0));
            bend += g.ratio(weight, i, best);
        }
        stand_in[best] += 1.0;
        if probe.roots_from(stand_in, &mut self.roots[..w]) {
            self.points = self.n + 1;
            self.pull = self.far_weight / size;
            self.a[self.n] = 0.0;
            (self.far_lost, self.far_bend) = (lost, bend);
        }
    }

    /// Adds g to `e`, as weights on the point that stands for the far messages and on the reference.
    #[inline(always)]
    fn add_pull(&mut self) {
        if self.points > self.n {
            self.e[self.n] = self.pull;
            self.e[self.reference] -= self.pull;
        }
    }

    /// How far from g the far messages' pull may be at `here`.
    #[inline(always)]
    fn unknown_pull(&self) -> f64 {
        // The unit vector to a point at N turns by at most d/(N − d) on a way of length d.
        self.far_lost + 1.01 * self.far_bend * self.here.d[self.reference]
    }

    /// Total weight, W.
    fn total(&self) -> f64 {
        self.a[..self.n].iter().sum::<f64>() + self.far_weight
    }

    /// F at `here`, messages that are far counted as less far: what a gap is compared with, so that no message can make it
    /// look small.
    #[inline(always)]
    fn counted(&self) -> f64 {
        if self.cap == f64::INFINITY {
            return self.here.f;
        }
        let (a, d) = (&self.a[..self.n], &self.here.d);
        a.iter().zip(d).map(|(a, d)| a * d.min(self.cap)).sum()
    }

    /// Tests whether message `k` is the median; else leaves `here` at the Vardi–Zhang step from it.
    #[inline(always)]
    fn try_message(&mut self, k: usize, error: f64) -> bool {
        let (n, points) = (self.n, self.points);
        let row = &self.dd[k * points..][..points];
        let mut s = 0.0;
        let mut f = 0.0;
        for i in 0..n {
            let d = row[i].sqrt();
            self.here.d[i] = d;
            f += self.a[i] * d;
            self.e[i] = if i == k { 0.0 } else { self.a[i] / d };
            s += self.e[i];
        }
        self.here.f = f;
        self.here.c[..points].fill(0.0);
        self.here.c[k] = 1.0;
        self.add_pull();
        let m = self.a[k];
        let total = self.total();
        if n == 1 {
            self.slope = 0.0;
            self.gap = 0.0;
            return true;
        }
        // ‖R‖² = Σ_ij e_i e_j ⟨v_i − v_k, v_j − v_k⟩ with the inner products ½(D_ik + D_jk − D_ij): each difference is
        // taken by itself, so that an outlier costs few digits. Rounding of the distances enters term by term at random.
        let (mut square, mut noise) = (0.0, 0.0);
        for i in 0..points {
            let (row_i, row_k) =
                (&self.dd[i * points..][..points], &self.dd[k * points..][..points]);
            let (near, e) = (row_k[i], self.e[i]);
            let (inner, lost) = inner_products(near, &self.e[..points], row_k, row_i);
            square += 0.5 * e * inner;
            noise += 0.25 * e * e * lost;
        }
        let r = square.max(0.0).sqrt();
        self.slope = (r - m).max(0.0);
        let turned = (error + f64::EPSILON) * noise.sqrt() / (2.0 * r.max(m));
        self.gap = (r + turned - m).max(0.0) * self.reach(total);
        if self.gap <= self.target * self.counted() || self.slope == 0.0 {
            return true;
        }
        // T = Σ_{i≠k} (e_i/s) v_i, and the step (1 − m/r) T + (m/r) v_k.
        let eta = m / r;
        for i in 0..points {
            self.here.c[i] = (1.0 - eta) * self.e[i] / s;
        }
        self.here.c[k] += eta;
        false
    }

    /// Fills in F and the distances at `here.c`.
    #[inline(always)]
    fn evaluate_here(&mut self) {
        times(&self.dd, self.points, &self.here.c, &mut self.here.dc);
        self.here.measure(&self.a, self.points, self.pull_at());
    }

    /// The place of the reference, and g's factor, for F at a point.
    fn pull_at(&self) -> (usize, f64) {
        (self.reference, self.pull)
    }

    /// Weights `e = a/d`, their sum, and `D e` at `here`.
    #[inline(always)]
    fn pull(&mut self) {
        let n = self.n;
        for i in 0..n {
            self.e[i] = self.a[i] / self.here.d[i];
        }
        self.s = sum(&self.e[..n]);
        self.add_pull();
        times(&self.dd, self.points, &self.e, &mut self.de);
    }

    /// ‖Σ a_i u_i‖ at `here`: the vector `Σ h_i v_i` with `h = s c − e`, whose weights sum to zero.
    #[inline(always)]
    fn gradient(&mut self) -> f64 {
        let (n, s) = (self.points, self.s);
        let (c, e, dc, de) = (&self.here.c[..n], &self.e[..n], &self.here.dc[..n], &self.de[..n]);
        let (h, dh) = (&mut self.h[..n], &mut self.dh[..n]);
        for i in 0..n {
            h[i] = s * c[i] - e[i];
            dh[i] = s * dc[i] - de[i];
        }
        (-0.5 * dot(h, dh)).max(0.0).sqrt()
    }

    /// Weiszfeld's map: `here ← Σ (e_i/s) v_i`.
    #[inline(always)]
    fn weiszfeld(&mut self) {
        let (n, inverse) = (self.points, 1.0 / self.s);
        for i in 0..n {
            self.here.c[i] = self.e[i] * inverse;
            self.here.dc[i] = self.de[i] * inverse;
        }
        self.here.measure(&self.a, n, self.pull_at());
    }

    /// A Newton step from `here` into `next`; false where the Hessian is not positive definite to working precision.
    #[inline(always)]
    fn newton(&mut self) -> bool {
        let (n, points, d, s) = (self.n, self.points, &self.here.d, self.s);
        let (r, pull) = self.pull_at();
        for i in 0..n {
            let row = &self.dd[i * points..][..points];
            let out = &mut self.matrix[i * n..][..n];
            let (qi, half) = (d[i] * d[i], 0.5 / d[i]);
            let mut sum = 0.0;
            for j in 0..n {
                let k = (qi + d[j] * d[j] - row[j]) * half / d[j];
                out[j] = -k;
            }
            out[i] = -1.0;
            for j in 0..n {
                sum -= self.a[j] * out[j];
            }
            if points > n {
                // ⟨u_i, g⟩ from ⟨v_i − z, P − v_r⟩, with P for the far messages.
                let inner = 0.5 * (row[r] - row[n] + d[n] * d[n] - d[r] * d[r]);
                sum += pull * inner / d[i];
            }
            self.y[i] = sum;
            out[i] += s * d[i] / self.a[i];
        }
        if !cholesky_solve(&mut self.matrix, n, &mut self.y) {
            return false;
        }
        let mut t = 0.0;
        for i in 0..n {
            // (a_i + y_i) / (s d_i): Weiszfeld's map with other weights.
            self.y[i] = (self.a[i] + self.y[i]) / (s * d[i]);
            t += self.y[i];
        }
        for i in 0..n {
            self.next.c[i] = (1.0 - t) * self.here.c[i] + self.y[i];
        }
        if points > n {
            self.next.c[n] = (1.0 - t) * self.here.c[n] + pull / s;
            self.next.c[r] -= pull / s;
        }
        times(&self.dd, points, &self.next.c, &mut self.next.dc);
        self.next.measure(&self.a, points, (r, pull));
        self.next.f < self.here.f
    }

    /// How much of a slope rounding of the distances may hide.
    #[inline(always)]
    fn turned(&self, error: f64) -> f64 {
        let mut turned = 0.0;
        for i in 0..self.n {
            let q = self.here.d[i] * self.here.d[i];
            // q = (Dc)_i − ½cᵀDc cancels where z is near message i, or where an outlier dominates both.
            let lost =
                (error + 8.0 * f64::EPSILON) * (self.here.dc[i].abs() + self.here.half.abs());
            turned += self.a[i] * (0.5 * lost / q).min(1.0);
        }
        turned
    }

    /// A bound on ‖z − z*‖ for `z` at `here`: the least of `2 Σ_set a_i d_i / (2 Σ_set a_i − W)` over the nearest
    /// messages.
    #[inline(always)]
    fn reach(&mut self, total: f64) -> f64 {
        let d = &self.here.d;
        self.order.clear();
        self.order.extend(0..self.n as u32);
        self.order.sort_unstable_by(|&i, &j| d[i as usize].total_cmp(&d[j as usize]));
        let (mut sum, mut count, mut best) = (0.0, 0.0, f64::INFINITY);
        for &i in &self.order {
            sum += self.a[i as usize] * d[i as usize];
            count += self.a[i as usize];
            if 2.0 * count > total {
                best = best.min(2.0 * sum / (2.0 * count - total));
            }
        }
        best
    }

    #[inline(always)]
    fn solve(&mut self, g: &Geometry, probe: &mut dyn Probe) {
        let best = self.merge(g, probe);
        self.unit = g.unit();
        self.iterations = 0;
        let error = g.relative_error();
        // Below a tenth of what rounding has done to the distances there is nothing left to certify.
        self.target = self.relative_gap.max(0.1 * error);
        let (n, total) = (self.n, self.total());
        if self.try_message(best, error) {
            return;
        }
        self.evaluate_here();
        // The mean is the better start where it is lower; either is lower than every message. Beside a wide message only
        // combinations with little of it can be told apart: its squared distances hold the others' in their last digits.
        if self.cap == f64::INFINITY {
            for i in 0..self.points {
                self.next.c[i] = self.a[i] / (total - self.far_weight);
            }
            times(&self.dd, self.points, &self.next.c, &mut self.next.dc);
            self.next.measure(&self.a, self.points, self.pull_at());
            if self.next.f < self.here.f {
                std::mem::swap(&mut self.here, &mut self.next);
            }
        }
        let mut before = f64::INFINITY;
        let mut newton = false;
        let mut reach = self.reach(total);
        loop {
            self.iterations += 1;
            self.pull();
            self.slope = self.gradient();
            let counted = self.counted();
            let mut relative = self.slope * reach / counted;
            if relative <= self.target {
                // The bound on ‖z − z*‖ hardly moves, so it is renewed only where it would decide.
                reach = self.reach(total);
                relative = self.slope * reach / counted;
            }
            // Beside a far message the slope is known less well, and what rounding hides cannot be lowered.
            let hidden = self.cap < f64::INFINITY && self.slope <= 0.5 * self.turned(error);
            if relative <= self.target || hidden || self.iterations >= self.max_iterations {
                break;
            }
            if !newton && self.iterations > 3 {
                // Weiszfeld converges linearly; a Newton step costs about n/6 of its iterations and few are needed.
                let rate = (relative / before).min(0.999_999);
                let left = (self.target / relative).ln() / rate.ln();
                newton = left > 6.0 + 0.5 * n as f64;
            }
            before = relative;
            if newton && self.newton() {
                std::mem::swap(&mut self.here, &mut self.next);
                self.pull();
            }
            self.weiszfeld();
        }
        self.gap = (self.slope + self.turned(error)) * self.reach(total);
        if self.gap > self.target * self.counted() {
            self.retreat(error);
        }
    }

    /// Close to a message, rounding hides where `z` is; that message itself may have the better certificate.
    #[cold]
    fn retreat(&mut self, error: f64) {
        let mut nearest = 0;
        for i in 1..self.n {
            if self.here.d[i] < self.here.d[nearest] {
                nearest = i;
            }
        }
        let (slope, gap) = (self.slope, self.gap);
        std::mem::swap(&mut self.here, &mut self.next);
        if !self.try_message(nearest, error) && self.gap >= gap {
            std::mem::swap(&mut self.here, &mut self.next);
            (self.slope, self.gap) = (slope, gap);
        } else {
            self.here.c[..self.points].fill(0.0);
            self.here.c[nearest] = 1.0;
        }
    }
}

/// `D x` for a symmetric row-major n × n matrix, as a sum of rows, which vectorises.
#[inline(always)]
fn times(d: &[f64], n: usize, x: &[f64], out: &mut [f64]) {
    let out = &mut out[..n];
    out.fill(0.0);
    for i in 0..n {
        let (w, row) = (x[i], &d[i * n..][..n]);
        for j in 0..n {
            out[j] += w * row[j];
        }
    }
}

/// Sums in eight interleaved parts: one after the other, each addition would wait for the last.
#[inline(always)]
fn lanes<const N: usize>(
    slices: [&[f64]; N],
    mut add: impl FnMut(&mut [f64; 8], [&[f64; 8]; N]),
    mut rest: impl FnMut([f64; N]) -> f64,
) -> f64 {
    let mut sums = [0.0; 8];
    let chunks = slices.map(|s| s.as_chunks::<8>());
    let whole = chunks.iter().map(|c| c.0.len()).min().unwrap_or(0);
    for i in 0..whole {
        add(&mut sums, chunks.map(|c| &c.0[i]));
    }
    let tail = chunks.iter().map(|c| c.1.len()).min().unwrap_or(0);
    let mut total = sums.iter().sum::<f64>();
    for i in 0..tail {
        total += rest(chunks.map(|c| c.1[i]));
    }
    total
}

#[inline(always)]
fn sum(a: &[f64]) -> f64 {
    lanes([a], |s, [a]| (0..8).for_each(|l| s[l] += a[l]), |[a]| a)
}

#[inline(always)]
fn sum_of_roots(a: &[f64]) -> f64 {
    lanes([a], |s, [a]| (0..8).for_each(|l| s[l] += a[l].sqrt()), |[a]| a.sqrt())
}

#[inline(always)]
fn weighted_sum_of_roots(w: &[f64], a: &[f64]) -> f64 {
    lanes(
        [w, a],
        |s, [w, a]| (0..8).for_each(|l| s[l] += w[l] * a[l].sqrt()),
        |[w, a]| w * a.sqrt(),
    )
}

#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    lanes([a, b], |s, [a, b]| (0..8).for_each(|l| s[l] += a[l] * b[l]), |[a, b]| a * b)
}

/// `Σ_j e_j (near + k_j − i_j)`, and the sum of squares of the same terms with all signs positive.
#[inline(always)]
fn inner_products(near: f64, e: &[f64], k: &[f64], i: &[f64]) -> (f64, f64) {
    let inner = lanes(
        [e, k, i],
        |s, [e, k, i]| (0..8).for_each(|l| s[l] += e[l] * (near + k[l] - i[l])),
        |[e, k, i]| e * (near + k - i),
    );
    let lost = lanes(
        [e, k, i],
        |s, [e, k, i]| (0..8).for_each(|l| s[l] += (e[l] * (near + k[l] + i[l])).powi(2)),
        |[e, k, i]| (e * (near + k + i)).powi(2),
    );
    (inner, lost)
}

/// Solves `M x = b` in place for a symmetric positive definite M (row-major, destroyed); false if it is not.
#[inline(always)]
fn cholesky_solve(m: &mut [f64], n: usize, b: &mut [f64]) -> bool {
    // Right-looking, on the upper triangle: each step subtracts a multiple of one row from the rows below it.
    for k in 0..n {
        let (head, tail) = m.split_at_mut((k + 1) * n);
        let pivot_row = &head[k * n..];
        let pivot = pivot_row[k];
        if pivot.is_nan() || pivot <= 0.0 {
            return false;
        }
        let inverse = 1.0 / pivot;
        for i in k + 1..n {
            let factor = pivot_row[i] * inverse;
            let row = &mut tail[(i - k - 1) * n..][..n];
            for j in i..n {
                row[j] -= factor * pivot_row[j];
            }
            b[i] -= factor * b[k];
        }
    }
    for k in (0..n).rev() {
        let row = &m[k * n..][..n];
        let mut sum = b[k];
        for j in k + 1..n {
            sum -= row[j] * b[j];
        }
        b[k] = sum / row[k];
    }
    true
}

struct Solve<'a>(&'a mut Solver, &'a Geometry, &'a mut dyn Probe);

impl WithSimd for Solve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.solve(self.1, self.2);
    }
}

impl GeometricRule for Solver {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let Inputs { geometry, senders, probe, .. } = inputs;
        let workers = geometry.workers();
        if let Some(given) = &self.given {
            weights::of_senders(given, senders, workers as f64, &mut self.present[..workers]);
        }
        Arch::new().dispatch(Solve(self, geometry, probe));
        self.far_gap = match self.far_weight > 0.0 {
            true => self.unknown_pull() * self.reach(self.total()),
            false => 0.0,
        };
        // A merged message's weight goes to its lowest worker: the others differ from it by less than rounding.
        for (&id, &c) in self.ids.iter().zip(&self.here.c) {
            weights[id as usize] = c;
        }
        if self.points > self.n {
            let c = self.here.c[self.n];
            let size = self.far_weight / self.pull;
            for (i, &share) in self.stand_in[..workers].iter().enumerate() {
                weights[i] += c * share;
                if self.far[i] && weights[i] == 0.0 {
                    // Too little for a number: the output stays behind by that much.
                    self.far_gap += self.total() * c * size;
                }
            }
        }
        Ok(())
    }

    fn certificate(&self, displacement: f64) -> Option<Certificate> {
        let f = self.here.f;
        // The geometry's unit scales every length.
        let displacement = displacement / self.unit;
        let moved: f64 = self.a[..self.n]
            .iter()
            .zip(&self.here.d)
            .map(|(a, d)| a * displacement.min(0.5 * displacement * displacement / d))
            .sum();
        let slope = self.slope
            + if self.far_weight > 0.0 {
                self.unknown_pull() + self.far_bend * displacement
            } else {
                0.0
            };
        let epsilon = self.gap + self.far_gap + slope * displacement + moved + 2.0 * self.merged;
        let f = f + self.far_f;
        let relative_gap = if f > 0.0 { epsilon / f } else { 0.0 };
        Some(Certificate {
            iterations: self.iterations,
            relative_gap,
            epsilon: epsilon * self.unit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::{Cx, Messages, MessagesRef, NonFinite, Pipeline, Scalar, Streams};

    fn solve<T: Scalar>(messages: MessagesRef<'_, T>) -> (Vec<T>, Certificate) {
        let shape = Shape { workers: messages.workers(), byzantine: 0 };
        let rule = Box::new(GeometricMedian::default());
        let mut server = Pipeline::<T>::build(vec![], rule, shape, messages.dim())
            .unwrap()
            .with_policy(NonFinite::Error);
        let mut out = vec![T::ZERO; messages.dim()];
        let report = server.aggregate(&Cx::new(&Streams::new(0), 0), messages, &mut out).unwrap();
        (out, report.certificate.unwrap())
    }

    fn objective<T: Scalar>(messages: MessagesRef<'_, T>, z: &[T]) -> f64 {
        messages
            .rows()
            .map(|v| {
                let square = v.iter().zip(z).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2));
                square.sum::<f64>().sqrt()
            })
            .sum()
    }

    #[test]
    fn the_median_of_a_square_is_its_centre() {
        let m = Messages::from_rows(&[[0.0f64, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]]);
        let (z, certificate) = solve(m.view());
        assert!((z[0] - 1.0).abs() < 1e-7 && (z[1] - 1.0).abs() < 1e-7, "{z:?}");
        assert!(certificate.relative_gap < 1e-9);
    }

    #[test]
    fn a_majority_is_the_median_to_the_bit() {
        let m =
            Messages::from_rows(&[[0.1f32, 0.7], [9.0, 1.0], [0.1, 0.7], [0.1, 0.7], [-5.0, 3.0]]);
        let (z, certificate) = solve(m.view());
        assert_eq!(z, [0.1, 0.7]);
        assert_eq!(certificate.epsilon, 0.0);
    }

    #[test]
    fn one_message_and_equal_messages_are_their_own_median() {
        for w in 1..4 {
            let m = Messages::from_rows(&vec![[3.5f32, -1.0]; w]);
            let (z, certificate) = solve(m.view());
            assert_eq!(z, [3.5, -1.0]);
            assert_eq!((certificate.epsilon, certificate.relative_gap), (0.0, 0.0));
        }
    }

    #[test]
    fn scaling_the_messages_scales_the_median_at_the_same_relative_gap() {
        let rows = [[0.3f32, 1.0], [2.0, -0.5], [0.1, 2.0], [2.5, 2.0], [40.0, 3.0]];
        for scale in [1e-30f32, 1e-12, 1.0, 1e12, 1e30] {
            let m = Messages::from_rows(&rows.map(|r| r.map(|x| x * scale)));
            let (z, certificate) = solve(m.view());
            let (one, _) = solve(Messages::from_rows(&rows).view());
            for i in 0..2 {
                assert!((z[i] / scale - one[i]).abs() < 1e-5, "{scale}: {z:?} {one:?}");
            }
            assert!(certificate.relative_gap < 1e-6, "{scale}: {certificate:?}");
        }
    }

    #[test]
    fn many_duplicates_short_of_a_majority_take_tens_of_iterations() {
        // Figure 7 in small: 24 different messages, one of them seven times.
        let mut rng = Streams::new(3).at(fl_core::Role::User, 0, 0);
        let mut unit =
            || fl_core::streams::below(&mut rng, 1 << 20) as f64 / f64::from(1 << 19) - 1.0;
        let mut rows: Vec<Vec<f64>> = (0..24)
            .map(|w| {
                (0..60).map(|k| unit() * 0.1 + if k / 6 == w / 3 { 1.0 } else { 0.0 }).collect()
            })
            .collect();
        for _ in 0..6 {
            rows.push(rows[0].clone());
        }
        let m = Messages::from_rows(&rows);
        let (z, certificate) = solve(m.view());
        assert!(certificate.iterations < 40, "{certificate:?}");
        let f = objective(m.view(), &z);
        // Shaking the median never lowers F by more than ε.
        for k in 0..60 {
            let mut shaken = z.clone();
            shaken[k] += 1e-4;
            assert!(objective(m.view(), &shaken) >= f - certificate.epsilon);
        }
    }
}
