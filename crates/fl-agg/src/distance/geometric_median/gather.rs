//! Before the iteration: which messages are far, which coincide, and the point that stands for the far ones.

use super::kernel::{sum_of_roots, weighted_sum_of_roots};
use super::solver::Solver;
use fl_core::{Geometry, Probe};

/// Messages closer than this part of the radius that holds a majority count as one; what that may cost enters ε.
const SAME: f64 = 1e-13;
/// The smallest positive number.
const SMALLEST: f64 = f64::from_bits(1);
/// A message farther than this many radii of a majority counts as no farther when it is decided when to stop.
const WIDE: f64 = 1e3;

impl Solver {
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

    /// Finds which messages are far; returns the best of the others, and the radius around it that holds a majority.
    #[inline(always)]
    fn find_far(&mut self, g: &Geometry) -> (usize, f64) {
        let w = g.workers();
        self.far[..w].fill(false);
        (self.far_weight, self.far_f) = (0.0, 0.0);
        // Beyond this many radii of a majority a message's direction is lost, and its distance hides where the best message
        // is.
        let farthest = g.farthest();
        loop {
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
                return (best, radius);
            }
        }
    }

    /// Finds the different messages, by the sums F(v_i) that step 2 needs anyway. Returns the best message.
    #[inline(always)]
    pub(super) fn merge(&mut self, g: &Geometry, probe: &mut dyn Probe) -> usize {
        let w = g.workers();
        let (best, radius) = self.find_far(g);
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
    pub(super) fn add_pull(&mut self) {
        if self.points > self.n {
            self.e[self.n] = self.pull;
            self.e[self.reference] -= self.pull;
        }
    }

    /// How far from g the far messages' pull may be at `here`.
    #[inline(always)]
    pub(super) fn unknown_pull(&self) -> f64 {
        // The unit vector to a point at N turns by at most d/(N − d) on a way of length d.
        self.far_lost + 1.01 * self.far_bend * self.here.d[self.reference]
    }
}
