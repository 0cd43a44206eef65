//! Sums and small linear algebra on W numbers, in parts that a processor can work on at a time.

/// `D x` for a symmetric row-major n × n matrix, as a sum of rows, which vectorises.
#[inline(always)]
pub(super) fn times(d: &[f64], n: usize, x: &[f64], out: &mut [f64]) {
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
pub(super) fn lanes<const N: usize>(
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
pub(super) fn sum(a: &[f64]) -> f64 {
    lanes([a], |s, [a]| (0..8).for_each(|l| s[l] += a[l]), |[a]| a)
}

#[inline(always)]
pub(super) fn sum_of_roots(a: &[f64]) -> f64 {
    lanes([a], |s, [a]| (0..8).for_each(|l| s[l] += a[l].sqrt()), |[a]| a.sqrt())
}

#[inline(always)]
pub(super) fn weighted_sum_of_roots(w: &[f64], a: &[f64]) -> f64 {
    lanes(
        [w, a],
        |s, [w, a]| (0..8).for_each(|l| s[l] += w[l] * a[l].sqrt()),
        |[w, a]| w * a.sqrt(),
    )
}

#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    lanes([a, b], |s, [a, b]| (0..8).for_each(|l| s[l] += a[l] * b[l]), |[a, b]| a * b)
}

/// `Σ_j e_j (near + k_j − i_j)`, and the sum of squares of the same terms with all signs positive.
#[inline(always)]
pub(super) fn inner_products(near: f64, e: &[f64], k: &[f64], i: &[f64]) -> (f64, f64) {
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
pub(super) fn cholesky_solve(m: &mut [f64], n: usize, b: &mut [f64]) -> bool {
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
