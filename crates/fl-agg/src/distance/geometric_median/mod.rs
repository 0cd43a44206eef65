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

mod answer;
mod gather;
mod kernel;
mod point;
mod solver;

use crate::shared::select::{minority, weights};
use fl_core::{Cost, Rule, RuleSpec, Shape, SpecError, spec};
use solver::Solver;

spec! {
    /// The geometric median, the point with the least sum of distances to the messages, to a certified relative gap.
    ///
    /// ```text
    /// z = argmin_z F(z),   F(z) = Σ_w a_w ‖z − v_w‖                                        (5)
    /// ```
    ///
    /// with `a_w = 1`, or with weights of the workers that are made to sum to W.
    /// The report carries a [`fl_core::Certificate`]: how many iterations were taken, and ε with `F(out) − F* ≤ ε` for the output as
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
    /// Breakdown point 1/2: with `f < W/2` the paper's `C_α`, `α = f/W`, bounds the distance to the regular messages'
    /// mean (Property 1 and (7)). The rule is then (f, κ)-robust with `κ = 4 (1 + f/(W − 2f))²`.
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
        let Self { relative_gap, max_iterations, weights } = self.clone();
        Ok(Rule::geometric(Solver::new(relative_gap, max_iterations, weights, shape.workers)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::{Certificate, Cx, Messages, MessagesRef, NonFinite, Pipeline, Scalar, Streams};

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
