//! The largest eigenvalue of a symmetric matrix and its vector, without allocation.
//!
//! Householder's reflections make the matrix tridiagonal, bisection on Sturm sequences finds the eigenvalue to the last
//! bits, and inverse iteration finds its vector: `4/3 n³` operations in all. Where the largest eigenvalue is multiple, the
//! vector is one of its space, always the same one.

use fl_core::Geometry;

/// What is no longer than this beside a largest number of 1 is rounding of rounding: of many equal messages, each reflection
/// would leave a still shorter rest, until the square of its length is 0 and the vector NaN.
const NOTHING: f64 = f64::EPSILON * f64::EPSILON;

/// Memory for matrices of up to n × n.
#[derive(Debug)]
pub(crate) struct TopEigen {
    matrix: Vec<f64>,
    diagonal: Vec<f64>,
    beside: Vec<f64>,
    /// 2 / vᵀv of each reflection, 0 where there was nothing to reflect.
    reflect: Vec<f64>,
    product: Vec<f64>,
    vector: Vec<f64>,
    /// The factors of T − λ: three diagonals of U, and the multipliers.
    upper: [Vec<f64>; 3],
    lower: Vec<f64>,
    swapped: Vec<bool>,
}

impl TopEigen {
    pub(crate) fn new(n: usize) -> Self {
        let zeros = || vec![0.0; n];
        Self {
            matrix: vec![0.0; n * n],
            diagonal: zeros(),
            beside: zeros(),
            reflect: zeros(),
            product: zeros(),
            vector: zeros(),
            upper: [zeros(), zeros(), zeros()],
            lower: zeros(),
            swapped: vec![false; n],
        }
    }

    /// The eigenvector that [`TopEigen::solve`] found, of length 1.
    pub(crate) fn vector(&self) -> &[f64] {
        &self.vector
    }

    /// The largest eigenvalue of `Σ_{i ∈ set} a_i (v_i − μ)(v_i − μ)ᵀ`, where μ is the mean with the weights `a`; `a_i` is 1
    /// without weights.
    ///
    /// It is that of the Gram matrix `√a_i √a_j ⟨v_i − μ, v_j − μ⟩`, whose eigenvector has for each message of the set
    /// `√a_i ⟨v_i − μ, u⟩ / √λ`, with the direction u in which the messages vary most.
    pub(crate) fn scatter(&mut self, g: &Geometry, set: &[u32], a: Option<&[f64]>) -> f64 {
        let n = set.len();
        let weight = |i: usize| a.map_or(1.0, |a| a[i]);
        let total: f64 = (0..n).map(weight).sum();
        // ⟨v_i − μ, v_j − μ⟩ = −½ (D_ij − r_i − r_j + t) with r_i = Σ_j a_j D_ij / A and t = Σ a_i r_i / A.
        let mut t = 0.0;
        for (i, &wi) in set.iter().enumerate() {
            let row = g.row(wi as usize);
            let sum: f64 =
                set.iter().enumerate().map(|(j, &wj)| weight(j) * row[wj as usize]).sum();
            self.product[i] = sum / total;
            t += weight(i) * self.product[i] / total;
        }
        for (i, &wi) in set.iter().enumerate() {
            let row = g.row(wi as usize);
            let out = &mut self.matrix[i * n..][..n];
            for (j, &wj) in set.iter().enumerate() {
                let inner = self.product[i] + self.product[j] - row[wj as usize] - t;
                out[j] = 0.5 * (weight(i) * weight(j)).sqrt() * inner;
            }
        }
        self.solve(n)
    }

    /// The largest eigenvalue of the n × n matrix that was filled in (row-major), which is destroyed.
    fn solve(&mut self, n: usize) -> f64 {
        let largest = self.matrix[..n * n].iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        self.vector.clear();
        self.vector.resize(n, 1.0 / (n.max(1) as f64).sqrt());
        if largest == 0.0 || n == 0 {
            return 0.0;
        }
        for x in &mut self.matrix[..n * n] {
            *x /= largest;
        }
        self.tridiagonalise(n);
        let lambda = self.bisect(n);
        self.inverse_iteration(n, lambda);
        // Back through the reflections.
        for k in (0..n.saturating_sub(2)).rev() {
            let v = &self.matrix[k * n + k + 1..(k + 1) * n];
            let y = &mut self.vector[k + 1..n];
            let inner: f64 = v.iter().zip(&*y).map(|(a, b)| a * b).sum();
            for (y, v) in y.iter_mut().zip(v) {
                *y -= self.reflect[k] * inner * v;
            }
        }
        lambda * largest
    }

    /// Leaves T in `diagonal` and `beside`, and the reflections' vectors in the rows of the matrix right of its diagonal.
    fn tridiagonalise(&mut self, n: usize) {
        let a = &mut self.matrix[..n * n];
        for k in 0..n {
            self.diagonal[k] = a[k * n + k];
            if k + 1 == n {
                break;
            }
            let (head, tail) = a.split_at_mut((k + 1) * n);
            let v = &mut head[k * n + k + 1..];
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            let nothing = norm <= NOTHING;
            if k + 2 == n || nothing {
                self.beside[k] = if nothing { 0.0 } else { v[0] };
                self.reflect[k] = 0.0;
                continue;
            }
            let to = if v[0] > 0.0 { -norm } else { norm };
            self.beside[k] = to;
            v[0] -= to;
            let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
            self.reflect[k] = scale;
            // A ← A − v wᵀ − w vᵀ with w = p − ½ scale (pᵀv) v and p = scale A v.
            let m = n - k - 1;
            let p = &mut self.product[..m];
            p.fill(0.0);
            for (i, row) in tail.chunks_exact(n).enumerate() {
                let row = &row[k + 1..];
                for (p, x) in p.iter_mut().zip(row) {
                    *p += v[i] * x;
                }
            }
            let inner: f64 = p.iter().zip(&*v).map(|(p, v)| scale * p * v).sum();
            for (p, v) in p.iter_mut().zip(&*v) {
                *p = scale * *p - 0.5 * scale * inner * v;
            }
            for (i, row) in tail.chunks_exact_mut(n).enumerate() {
                let (vi, pi) = (v[i], p[i]);
                for ((x, v), p) in row[k + 1..].iter_mut().zip(&*v).zip(&*p) {
                    *x -= vi * p + pi * v;
                }
            }
        }
    }

    fn bisect(&self, n: usize) -> f64 {
        let (d, e) = (&self.diagonal[..n], &self.beside[..n - 1]);
        // Gershgorin's circles; the diagonal is a bound from below.
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for i in 0..n {
            let left = if i > 0 { e[i - 1].abs() } else { 0.0 };
            let right = e.get(i).map_or(0.0, |x| x.abs());
            low = low.max(d[i]);
            high = high.max(d[i] + left + right);
        }
        // Whether all eigenvalues are below x.
        let above = |x: f64| {
            let mut q = d[0] - x;
            for i in 1..n {
                if q >= 0.0 {
                    return false;
                }
                q = d[i] - x - e[i - 1] * e[i - 1] / q;
            }
            q < 0.0
        };
        loop {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                return high;
            }
            if above(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
    }

    /// Solves (T − λ) x = b a few times over, by Gaussian elimination with row exchanges.
    fn inverse_iteration(&mut self, n: usize, lambda: f64) {
        let Self { diagonal: d, beside: e, upper: [u0, u1, u2], lower, swapped, vector, .. } = self;
        let norm = (0..n).fold(0.0, |m: f64, i| m.max(d[i].abs()).max(e[i.min(n - 1)].abs()));
        let tiny = f64::EPSILON * norm.max(f64::MIN_POSITIVE);
        let (mut pivot, mut next) = (d[0] - lambda, if n > 1 { e[0] } else { 0.0 });
        for i in 0..n - 1 {
            let below = (e[i], d[i + 1] - lambda, if i + 2 < n { e[i + 1] } else { 0.0 });
            swapped[i] = below.0.abs() > pivot.abs();
            if swapped[i] {
                let factor = pivot / below.0;
                (u0[i], u1[i], u2[i]) = below;
                lower[i] = factor;
                (pivot, next) = (next - factor * below.1, -factor * below.2);
            } else {
                if pivot.abs() < tiny {
                    pivot = tiny;
                }
                let factor = below.0 / pivot;
                (u0[i], u1[i], u2[i]) = (pivot, next, 0.0);
                lower[i] = factor;
                (pivot, next) = (below.1 - factor * next, below.2);
            }
        }
        u0[n - 1] = if pivot.abs() < tiny { tiny } else { pivot };
        // An irregular start, so that it is orthogonal to no vector that a regular matrix could have.
        for (i, x) in vector.iter_mut().enumerate() {
            *x = 1.0 + 0.3 * (1.0 + 2.4 * i as f64).sin();
        }
        for round in 0..4 {
            if round > 0 {
                for i in 0..n - 1 {
                    if swapped[i] {
                        vector.swap(i, i + 1);
                    }
                    vector[i + 1] -= lower[i] * vector[i];
                }
            }
            for i in (0..n).rev() {
                let mut x = vector[i];
                if i + 1 < n {
                    x -= u1[i] * vector[i + 1];
                }
                if i + 2 < n {
                    x -= u2[i] * vector[i + 2];
                }
                vector[i] = x / u0[i];
            }
            let most = vector.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            let length = vector.iter().map(|x| (x / most) * (x / most)).sum::<f64>().sqrt() * most;
            for x in vector.iter_mut() {
                *x /= length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Messages;
    use fl_core::{Role, Streams, streams};

    /// The largest eigenvalue of a full matrix, and how far `A u = λ u` is from true.
    fn top(a: &[Vec<f64>]) -> (f64, f64) {
        let n = a.len();
        let mut eigen = TopEigen::new(n + 2);
        for (i, row) in a.iter().enumerate() {
            eigen.matrix[i * n..][..n].copy_from_slice(row);
        }
        let lambda = eigen.solve(n);
        let u = eigen.vector();
        assert!((u.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
        let off = a.iter().enumerate().map(|(i, row)| {
            (row.iter().zip(u).map(|(x, y)| x * y).sum::<f64>() - lambda * u[i]).powi(2)
        });
        (lambda, off.sum::<f64>().sqrt())
    }

    #[test]
    fn many_equal_messages_leave_a_vector_that_is_finite() {
        for a in [1.0_f64, 3.0, 1e-9, 1e9] {
            let mut y = vec![-a / 13.0; 24];
            y.extend([a - a / 13.0; 2]);
            y.extend([0.0; 4]);
            let matrix: Vec<Vec<f64>> =
                y.iter().map(|x| y.iter().map(|z| x * z).collect()).collect();
            let (lambda, off) = top(&matrix);
            let exact: f64 = y.iter().map(|x| x * x).sum();
            assert!((lambda - exact).abs() < 1e-12 * exact && off < 1e-12 * exact, "{a}: {off}");
        }
    }

    #[test]
    fn known_spectra_are_found() {
        assert_eq!(top(&[vec![3.0]]), (3.0, 0.0));
        let (lambda, off) = top(&[vec![2.0, 1.0], vec![1.0, 2.0]]);
        assert!((lambda - 3.0).abs() < 1e-15 && off < 1e-14);
        // Diagonal, with a largest value that is double.
        let diagonal: Vec<Vec<f64>> = (0..5)
            .map(|i| {
                (0..5).map(|j| if i == j { [1.0, 7.0, 2.0, 7.0, 0.0][i] } else { 0.0 }).collect()
            })
            .collect();
        let (lambda, off) = top(&diagonal);
        assert!((lambda - 7.0).abs() < 1e-14 && off < 1e-13);
        // The second difference: 2 − 2 cos(nπ/(n+1)).
        let n = 40;
        let second: Vec<Vec<f64>> = (0..n)
            .map(|i: usize| {
                (0..n).map(|j| [2.0, -1.0].get(i.abs_diff(j)).copied().unwrap_or(0.0)).collect()
            })
            .collect();
        let (lambda, off) = top(&second);
        let expected = 2.0 - 2.0 * (n as f64 * std::f64::consts::PI / (n as f64 + 1.0)).cos();
        assert!((lambda - expected).abs() < 1e-13 && off < 1e-12, "{lambda} {expected} {off}");
        assert_eq!(top(&vec![vec![0.0; 4]; 4]).0, 0.0);
    }

    #[test]
    fn random_gram_matrices_of_any_scale_have_the_vector_that_no_other_exceeds() {
        let mut rng = Streams::new(8).at(Role::User, 0, 0);
        let mut unit = || f64::from(streams::below(&mut rng, 1 << 24)) / f64::from(1 << 23) - 1.0;
        for trial in 0..200 {
            let (n, p) = (1 + trial % 31, 1 + trial % 7);
            let scale = [1.0, 1e-40, 1e40][trial % 3];
            let rows: Vec<Vec<f64>> = (0..n)
                .map(|i| (0..p).map(|_| unit() * scale * if i == 0 { 1e6 } else { 1.0 }).collect())
                .collect();
            let gram: Vec<Vec<f64>> = rows
                .iter()
                .map(|a| rows.iter().map(|b| a.iter().zip(b).map(|(x, y)| x * y).sum()).collect())
                .collect();
            let (lambda, off) = top(&gram);
            assert!(off <= 1e-12 * lambda, "trial {trial}: {off:e} {lambda:e}");
            for _ in 0..20 {
                let x: Vec<f64> = (0..n).map(|_| unit()).collect();
                let square: f64 = x.iter().map(|x| x * x).sum();
                let form: f64 =
                    (0..n).map(|i| (0..n).map(|j| x[i] * gram[i][j] * x[j]).sum::<f64>()).sum();
                assert!(form <= lambda * square * (1.0 + 1e-12));
            }
        }
    }

    #[test]
    fn the_scatter_of_messages_is_that_of_their_covariance() {
        // Along (1, 2): weights 1, 2, 1 at −1, 0, 1 times (1, 2): scatter 2 · 5.
        let g = Geometry::of(
            Messages::from_rows(&[[4.0f64, 5.0], [5.0, 7.0], [80.0, -3.0], [6.0, 9.0]]).view(),
        )
        .expect("finite");
        let mut eigen = TopEigen::new(4);
        let lambda = eigen.scatter(&g, &[0, 1, 3], Some(&[1.0, 2.0, 1.0]));
        assert!((lambda - 10.0).abs() < 1e-13);
        let u = eigen.vector();
        assert!((u[0] + u[2]).abs() < 1e-13 && u[1].abs() < 1e-13);
        assert!((eigen.scatter(&g, &[0, 1, 3], None) - 10.0).abs() < 1e-13);
    }
}
