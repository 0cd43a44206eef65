//! The iteration.

use super::kernel::{cholesky_solve, dot, inner_products, sum, times};
use super::point::Point;
use fl_core::{Geometry, Probe};

#[derive(Clone, Debug)]
pub(super) struct Solver {
    pub(super) relative_gap: f64,
    pub(super) max_iterations: u32,
    /// All workers' weights, if they have any, and those of the messages that are there.
    pub(super) given: Option<Vec<f64>>,
    pub(super) present: Vec<f64>,
    /// Which messages are so far that their direction is lost in the rounding of the distances, their weight together, and
    /// their part of F.
    pub(super) far: Vec<bool>,
    pub(super) far_weight: f64,
    pub(super) far_f: f64,
    pub(super) far_gap: f64,
    /// What is not known of their pull, at the reference and for each unit of length away from it.
    pub(super) far_lost: f64,
    pub(super) far_bend: f64,
    /// The place of the reference among the different messages, and its worker.
    pub(super) reference: usize,
    /// `Σ_far a_w / ρ`: g is this times the difference of the point that stands for the far messages and the reference; 0
    /// where there is no such point.
    pub(super) pull: f64,
    /// The combination that is that point, and the roots of its distances.
    pub(super) stand_in: Vec<f64>,
    pub(super) roots: Vec<f64>,
    /// The distance from which on a message does not count for more, infinite where none is farther.
    pub(super) cap: f64,
    /// Different messages and their weights: multiplicities, where workers have none.
    pub(super) n: usize,
    /// As many points, or one more, which stands for the far messages and has no weight in F.
    pub(super) points: usize,
    pub(super) ids: Vec<u32>,
    pub(super) a: Vec<f64>,
    /// Squared distances between these points, row-major.
    pub(super) dd: Vec<f64>,
    pub(super) here: Point,
    pub(super) next: Point,
    /// a_i / d_i, its sum, and D times it.
    pub(super) e: Vec<f64>,
    pub(super) s: f64,
    pub(super) de: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) h: Vec<f64>,
    pub(super) dh: Vec<f64>,
    pub(super) matrix: Vec<f64>,
    /// Messages by rising distance.
    pub(super) order: Vec<u32>,
    /// The relative gap to stop at.
    pub(super) target: f64,
    /// What the certificate is made of.
    pub(super) iterations: u32,
    pub(super) slope: f64,
    pub(super) gap: f64,
    pub(super) merged: f64,
    pub(super) unit: f64,
}

impl Solver {
    /// Room for `n` messages, with the settings of the rule.
    pub(super) fn new(
        relative_gap: f64,
        max_iterations: u32,
        weights: Option<Vec<f64>>,
        n: usize,
    ) -> Self {
        Self {
            relative_gap,
            max_iterations,
            present: vec![1.0; n],
            given: weights,
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
            target: relative_gap,
            iterations: 0,
            slope: 0.0,
            gap: 0.0,
            merged: 0.0,
            unit: 1.0,
        }
    }

    /// Total weight, W.
    pub(super) fn total(&self) -> f64 {
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
    pub(super) fn reach(&mut self, total: f64) -> f64 {
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

    /// The mean is the better start where it is lower; either is lower than every message. Beside a wide message only
    /// combinations with little of it can be told apart: its squared distances hold the others' in their last digits.
    #[inline(always)]
    fn start_at_mean(&mut self, total: f64) {
        if self.cap < f64::INFINITY {
            return;
        }
        for i in 0..self.points {
            self.next.c[i] = self.a[i] / (total - self.far_weight);
        }
        times(&self.dd, self.points, &self.next.c, &mut self.next.dc);
        self.next.measure(&self.a, self.points, self.pull_at());
        if self.next.f < self.here.f {
            std::mem::swap(&mut self.here, &mut self.next);
        }
    }

    #[inline(always)]
    pub(super) fn solve(&mut self, g: &Geometry, probe: &mut dyn Probe) {
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
        self.start_at_mean(total);
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
