//! A geometry of mixed messages, from that of the messages.

use super::{Geometry, Mixing};

impl Geometry {
    /// The geometry of the mixed messages `ṽ_a = Σ_i S_ai v_i`, without touching a message: `D̃_ab = −½ eᵀ D e` with
    /// `e = S_a − S_b`. The origin and the previous output pass unmixed.
    ///
    /// Cost: `O(n (W + W'))` for `n` nonzeros in all, as the product `S D Sᵀ`; `O(k²)` more for each pair of combinations
    /// that nearly coincide but for `k` messages.
    pub fn mix(&self, mixing: &Mixing, out: &mut Geometry) {
        let m = mixing.outputs();
        let n = m + self.points - self.workers;
        out.workers = m;
        out.points = n;
        out.unit = self.unit;
        out.relative_error = self.relative_error;
        out.many_scales = false;
        if out.d.len() < n * n {
            out.d.resize(n * n, 0.0);
        }
        if out.buffer.len() < self.points {
            out.buffer.resize(self.points, 0.0);
        }
        let Geometry { d, buffer, support, .. } = out;
        let products = &mut buffer[..self.points];
        let unmixed = [self.workers as u32, self.workers as u32 + 1];
        let row = |a: usize| {
            if a < m { mixing.row(a) } else { (&unmixed[a - m..=a - m], &[1.0][..]) }
        };
        // Weights of both signs cancel within a combination, so that what cancels between two cannot be told from the sums.
        let signed = (0..m).any(|a| mixing.row(a).1.iter().any(|&w| w < 0.0));
        // −½ eᵀDe = S_aᵀ D S_b − ½ S_aᵀ D S_a − ½ S_bᵀ D S_b; the last two wait on the diagonal.
        for a in 0..n {
            let (ia, wa) = row(a);
            products.fill(0.0);
            for (&i, &w) in ia.iter().zip(wa) {
                for (product, &x) in products.iter_mut().zip(self.point(i as usize)) {
                    *product += w * x;
                }
            }
            let within = 0.5 * dot(ia, wa, products);
            for b in 0..a {
                let (ib, wb) = row(b);
                let cross = dot(ib, wb, products);
                let plain = cross - within - d[b * n + b];
                // The plain form cancels where combinations nearly coincide or share a far message; then their difference
                // is taken first.
                let x = if plain > 1e-4 * cross && !signed {
                    plain
                } else {
                    self.between(ia, wa, ib, wb, support)
                };
                d[a * n + b] = x;
                d[b * n + a] = x;
            }
            d[a * n + a] = within;
        }
        for a in 0..n {
            d[a * n + a] = 0.0;
        }
    }

    /// −½ eᵀDe for e the difference of two sparse affine combinations. Rows of a mixing have sorted indices, so the
    /// difference is a merge; what both share drops out exactly.
    fn between(
        &self,
        ia: &[u32],
        wa: &[f64],
        ib: &[u32],
        wb: &[f64],
        support: &mut Vec<(u32, f64)>,
    ) -> f64 {
        if ia == ib && wa == wb {
            return 0.0;
        }
        support.clear();
        merge(ia, wa, ib, wb, |i, e| support.push((i, e)));
        let mut sum = 0.0;
        for (k, &(i, e)) in support.iter().enumerate() {
            let row = self.point(i as usize);
            sum += e * support[..k].iter().map(|&(j, f)| f * row[j as usize]).sum::<f64>();
        }
        (-sum).max(0.0)
    }
}

/// Σ_k weights_k · values[indices_k], in four sums that a processor can work on at a time.
fn dot(indices: &[u32], weights: &[f64], values: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (four, rest) = indices.as_chunks::<4>();
    let (four_weights, rest_weights) = weights.as_chunks::<4>();
    for (i, w) in four.iter().zip(four_weights) {
        for k in 0..4 {
            sums[k] += w[k] * values[i[k] as usize];
        }
    }
    for (k, (&i, &w)) in rest.iter().zip(rest_weights).enumerate() {
        sums[k] += w * values[i as usize];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

fn merge(ia: &[u32], wa: &[f64], ib: &[u32], wb: &[f64], mut visit: impl FnMut(u32, f64)) {
    let (mut a, mut b) = (0, 0);
    while a < ia.len() || b < ib.len() {
        let i = ia.get(a).copied().unwrap_or(u32::MAX);
        let j = ib.get(b).copied().unwrap_or(u32::MAX);
        let mut e = 0.0;
        if i <= j {
            e += wa[a];
            a += 1;
        }
        if j <= i {
            e -= wb[b];
            b += 1;
        }
        if e != 0.0 {
            visit(i.min(j), e);
        }
    }
}
