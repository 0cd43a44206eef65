//! Fang's attack on Krum: far against the signs of the mean, and still what Krum picks.

use crate::shared::columns::{self, tiles, total};
use crate::shared::fixed_strength::fixed_strength;
use fl_core::{
    Affine, AffineMessages, AttackContext, AttackView, Cx, Geometry, Knowledge, Known, Scalar,
    SpecError, room, spec,
};

spec! {
    /// Fang's attack on Krum: all Byzantine workers send `v_w = −λ sign(μ)`, with μ the mean of the known honest
    /// messages. λ is the largest in a sequence of halves with which Krum picks them.
    ///
    /// ```text
    /// λ ≤ √( min_i Σ_{j ∈ N_i} ‖x_i − x_j‖² / ((W − 2B − 1) p) ) + max_i ‖x_i‖ / √p
    /// ```
    ///
    /// is where the halves begin, with `N_i` the `W − B − 2` honest messages nearest to `x_i`; a denominator below 1 counts as
    /// 1. They end at the threshold, below which λ is sent as it is, picked or not.
    ///
    /// # Requirements
    /// A positive threshold.
    ///
    /// # Cost
    /// A pass over the known messages, and one that measures all their pairs; each half costs `W²` on these numbers.
    ///
    /// # Elsewhere
    /// In the paper messages are models, and λ is what a model is moved from the last one; here, and in all projects with
    /// gradients, messages are the difference. Its form with little knowledge takes the Byzantine workers' own messages for the
    /// regular ones, which is what happens here under that knowledge.
    ///
    /// # Reference
    /// Fang, Cao, Jia, Gong, *Local model poisoning attacks to Byzantine-robust federated learning*, USENIX Security 2020.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, FangKrum, Federation, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[2.0f32], [1.0], [3.0], [2.5], [0.0], [0.0]]);
    /// let federation = Federation::new(6, &[4, 5])?;
    /// let mut attack = FangKrum::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert!(messages.row(4)[0] < 0.0 && messages.row(4) == messages.row(5));
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct FangKrum {
        /// The least λ that is tried.
        pub threshold: f64 = 1e-5,
    }
}

impl FangKrum {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        if !(self.threshold > 0.0 && self.threshold.is_finite()) {
            let error = SpecError::new("threshold", "positive and finite", self.threshold);
            return Err(error.of("fang-krum"));
        }
        let workers = context.federation.workers();
        let sorted = workers.saturating_mul(workers).saturating_mul(size_of::<f64>());
        let bytes = Geometry::bytes::<T>(workers, context.dim).saturating_add(sorted);
        room("fang-krum's distances between messages", bytes)?;
        Ok(Aim {
            threshold: self.threshold,
            own: context.knowledge == Knowledge::Own,
            geometry: Geometry::with_capacity::<T>(workers, context.dim),
            rows: Vec::with_capacity(workers),
            sums: vec![0.0; (2 * workers + 1) * tiles(context.dim)],
            sorted: vec![0.0; workers * workers],
            row: vec![0.0; workers],
        })
    }
}

fixed_strength!(FangKrum, "fang-krum");

#[derive(Debug)]
struct Aim {
    threshold: f64,
    own: bool,
    geometry: Geometry,
    rows: Vec<u32>,
    sums: Vec<f64>,
    /// For each honest message its squared distances to the others, in rising order.
    sorted: Vec<f64>,
    row: Vec<f64>,
}

/// Writes the direction, and returns `‖x_i‖²` and `⟨d, x_i⟩` of the known messages, and `‖d‖²`, one after the other.
fn project<'s, T: Scalar>(
    known: Known<'_, T>,
    affine: &mut AffineMessages<T>,
    sums: &'s mut [f64],
) -> &'s [f64] {
    let n = known.count();
    let (base, direction) = affine.shared();
    let sums = &mut sums[..(2 * n + 1) * tiles(base.len())];
    columns::each(known, base, direction, sums, |columns, base, direction, sums| {
        base.fill(T::ZERO);
        let mean = columns.mean();
        for (d, &m) in direction.iter_mut().zip(&mean) {
            *d = T::from_f64(if m > 0.0 { -1.0 } else { f64::from(u8::from(m < 0.0)) });
        }
        let (squares, rest) = sums.split_at_mut(n);
        let (products, norm) = rest.split_at_mut(n);
        for i in 0..n {
            let row = columns.row(i);
            (squares[i], products[i]) = (0.0, 0.0);
            for (x, d) in row.iter().zip(&*direction) {
                squares[i] += x.to_f64() * x.to_f64();
                products[i] += d.to_f64() * x.to_f64();
            }
        }
        norm[0] = direction.iter().map(|d| d.to_f64() * d.to_f64()).sum();
    });
    total(sums, 2 * n + 1)
}

/// Sorts each message's squared distances to the others.
fn sort(geometry: &Geometry, n: usize, sorted: &mut [f64]) {
    let unit = geometry.unit() * geometry.unit();
    let others = n - 1;
    for i in 0..n {
        let sorted = &mut sorted[i * others..(i + 1) * others];
        let (before, after) = geometry.row(i).split_at(i);
        for (s, &d) in sorted.iter_mut().zip(before.iter().chain(&after[1..])) {
            *s = d * unit;
        }
        sorted.sort_unstable_by(f64::total_cmp);
    }
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let known = view.known();
        let (n, byzantine) = (known.count(), view.attackers().len());
        let total = project(known, affine, &mut self.sums);
        let (squares, products, norm) = (&total[..n], &total[n..2 * n], total[2 * n]);
        self.rows.clear();
        self.rows.extend_from_slice(known.workers());
        self.geometry.measure(known.messages(), &mut self.rows);
        if self.rows.len() < n || norm == 0.0 {
            return 0.0;
        }
        sort(&self.geometry, n, &mut self.sorted);
        let others = n - 1;
        let neighbours = (n + byzantine).saturating_sub(byzantine + 2).max(1);
        let nearest = |i: usize| -> f64 {
            self.sorted[i * others..(i + 1) * others].iter().take(neighbours).sum()
        };
        let least = (0..n).map(nearest).fold(f64::INFINITY, f64::min);
        let denominator = (n + byzantine).saturating_sub(2 * byzantine + 1).max(1);
        let farthest = squares.iter().fold(0.0f64, |a, &b| a.max(b));
        let p = view.known().messages().dim() as f64;
        let mut lambda = (least / (denominator as f64 * p)).sqrt() + (farthest / p).sqrt();
        if !lambda.is_finite() {
            return 0.0;
        }
        while lambda >= self.threshold {
            // ‖λ d − x_i‖².
            let row = &mut self.row[..n];
            for (i, d) in row.iter_mut().enumerate() {
                *d = (squares[i] - 2.0 * lambda * products[i] + lambda * lambda * norm).max(0.0);
            }
            let honest = (0..n)
                .map(|i| {
                    let sorted = &self.sorted[i * others..(i + 1) * others];
                    score(sorted, row[i], byzantine, neighbours)
                })
                .fold(f64::INFINITY, f64::min);
            row.sort_unstable_by(f64::total_cmp);
            let own: f64 = row.iter().take(neighbours.saturating_sub(byzantine - 1)).sum();
            if own < honest {
                break;
            }
            lambda *= 0.5;
        }
        lambda
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}

/// Krum's score of an honest message: the sum of the least `count` of its sorted distances and `copies` times `to_attackers`.
fn score(sorted: &[f64], to_attackers: f64, copies: usize, count: usize) -> f64 {
    let closer = sorted.partition_point(|&d| d < to_attackers).min(count);
    let copies = copies.min(count - closer);
    let sum: f64 = sorted.iter().take(count - copies).sum();
    sum + copies as f64 * to_attackers
}
