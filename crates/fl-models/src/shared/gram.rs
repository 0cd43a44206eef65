//! Extreme eigenvalues of the second moments of a data set, in `f64`.

use fl_core::data::TILE;
use fl_core::{Batch, Dataset};
use nalgebra::{DMatrix, DMatrixView};

/// Up to this many columns, a 1 for the bias included, G is formed and all its eigenvalues are computed.
const FORMED: usize = 1024;
/// Rows that are gathered at once.
const CHUNK: usize = 256;

/// Of G = (1/R) Σ_w (1/n_w) Σ_j x̃_j x̃_jᵀ over groups of rows; of one group, plain second moments.
pub(crate) struct Extremes {
    /// λ_min(G), or a bound below it; 0 where nobody asked.
    pub(crate) least: f64,
    /// λ_max(G).
    pub(crate) largest: f64,
    /// max_j ‖x̃_j‖².
    pub(crate) longest: f64,
    /// Whether `least` is λ_min(G) to rounding.
    pub(crate) exact: bool,
}

/// Of some rows of a data set, each with a 1 behind it where there is a bias.
///
/// Up to 1 024 columns all eigenvalues of G are computed, rounding being taken off the least: `2 n D²` operations and
/// `(4/3) D³` for the eigenvalues. Beyond, λ_max comes from power iteration, at most 1 000 passes over the data; λ_min is then 0, which is exact where n < D and a bound otherwise.
pub(crate) fn extremes(
    data: &Dataset,
    groups: &[&[u32]],
    bias: bool,
    with_least: bool,
) -> Extremes {
    let count: usize = groups.iter().map(|rows| rows.len()).sum();
    let mut batch = Batch::<f64>::new(data, CHUNK.min(count));
    let mut longest = 0.0f64;
    for rows in groups.iter().flat_map(|rows| rows.chunks(CHUNK)) {
        batch.gather(data, rows);
        for j in 0..batch.len() {
            let square: f64 = batch.values(j).iter().map(|x| x * x).sum();
            longest = longest.max(square + f64::from(u8::from(bias)));
        }
    }
    let d = data.columns() + usize::from(bias);
    if count == 0 {
        return Extremes { least: 0.0, largest: 0.0, longest: 0.0, exact: true };
    }
    if d > FORMED {
        let largest = by_power(data, groups, bias, &mut batch);
        // Fewer rows than columns leave a direction that no row sees.
        return Extremes { least: 0.0, largest, longest, exact: !with_least || count < d };
    }
    let values = formed(data, groups, bias, &mut batch).symmetric_eigenvalues();
    let largest = values.max().max(0.0);
    // What the eigenvalues may be off by: that much of the largest one.
    let rounding = largest * f64::EPSILON * (d as f64 + (count as f64).sqrt());
    let least = match (with_least, count < d) {
        (true, false) => (values.min() - rounding).max(0.0),
        _ => 0.0,
    };
    Extremes { least, largest, longest, exact: true }
}

/// G itself.
fn formed(data: &Dataset, groups: &[&[u32]], bias: bool, batch: &mut Batch<f64>) -> DMatrix<f64> {
    let columns = data.columns();
    let d = columns + usize::from(bias);
    let mut gram = DMatrix::zeros(d, d);
    let mut dense = vec![1.0; d * CHUNK];
    for (rows_now, weight) in chunks(groups) {
        batch.gather(data, rows_now);
        for (j, row) in dense.chunks_exact_mut(d).take(rows_now.len()).enumerate() {
            batch.dense(j, &mut row[..columns]);
        }
        // Row-major rows are the columns of Xᵀ.
        let x = DMatrixView::from_slice(&dense[..d * rows_now.len()], d, rows_now.len());
        gram.gemm(weight, &x, &x.transpose(), 1.0);
    }
    gram
}

/// The groups in chunks, with what each of their rows weighs in the mean.
fn chunks<'a>(groups: &'a [&'a [u32]]) -> impl Iterator<Item = (&'a [u32], f64)> {
    groups.iter().flat_map(|rows| {
        let weight = 1.0 / (groups.len() * rows.len().max(1)) as f64;
        rows.chunks(CHUNK).map(move |chunk| (chunk, weight))
    })
}

/// λ_max(G) by power iteration: the Rayleigh quotient θ of a unit vector v, until `‖G v − θ v‖ ≤ 10⁻⁷ θ`, which leaves an
/// error of order 10⁻¹⁴ θ² over the gap to the next eigenvalue.
fn by_power(data: &Dataset, groups: &[&[u32]], bias: bool, batch: &mut Batch<f64>) -> f64 {
    let (columns, width) = (data.columns(), data.columns().next_multiple_of(TILE));
    // The columns, padding to whole tiles, and the 1 of the bias at the very end. The start has no symmetry that an
    // eigenvector might lack.
    let mut v: Vec<f64> = (0..=width).map(|i| 1.0 + 0.5 * (1.7 * i as f64).sin()).collect();
    v[columns..width].fill(0.0);
    v[width] = f64::from(u8::from(bias));
    let one = v[width];
    let mut image = vec![0.0; v.len()];
    let mut quotient = 0.0;
    for _ in 0..1000 {
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        v.iter_mut().for_each(|x| *x /= norm);
        image.fill(0.0);
        for (rows, weight) in chunks(groups) {
            batch.gather(data, rows);
            for j in 0..batch.len() {
                let mut product = one * v[width];
                for (at, x) in tiles(batch, j) {
                    product += x.iter().zip(&v[at..]).map(|(x, v)| x * v).sum::<f64>();
                }
                product *= weight;
                for (at, x) in tiles(batch, j) {
                    for (i, x) in image[at..].iter_mut().zip(x) {
                        *i += product * x;
                    }
                }
                image[width] += one * product;
            }
        }
        quotient = v.iter().zip(&image).map(|(v, i)| v * i).sum();
        let rest: f64 = v.iter().zip(&image).map(|(v, i)| (i - quotient * v).powi(2)).sum();
        if rest.sqrt() <= 1e-7 * quotient {
            break;
        }
        std::mem::swap(&mut v, &mut image);
    }
    quotient
}

/// The tiles that sample `j` has, with their first columns.
fn tiles(batch: &Batch<f64>, j: usize) -> impl Iterator<Item = (usize, &[f64; TILE])> {
    let mask = batch.mask(j);
    (0..batch.tiles())
        .filter(|t| mask[t / 64] >> (t % 64) & 1 == 1)
        .map(|t| t * TILE)
        .zip(batch.values(j).as_chunks::<TILE>().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::data::{Layout, Values};

    #[test]
    fn power_iteration_finds_the_largest_eigenvalue_of_the_formed_matrix() {
        let (n, columns) = (300, 70);
        let values: Vec<f64> = (0..n * columns)
            .map(|i| if i / 16 % 3 == 0 { 0.0 } else { (i as f64 * 0.37).sin() + 0.2 })
            .collect();
        let data =
            Dataset::new(Values::F64(&values), columns, vec![0; n], 1, Layout::Flat).unwrap();
        let rows: Vec<u32> = (0..n as u32).collect();
        let mut batch = Batch::new(&data, CHUNK);
        for bias in [false, true] {
            let right = extremes(&data, &[&rows], bias, true).largest;
            let found = by_power(&data, &[&rows], bias, &mut batch);
            assert!((found / right - 1.0).abs() < 1e-11, "{found} {right}");
        }
    }

    #[test]
    fn the_mean_of_unequal_groups_is_that_of_their_second_moments() {
        // Two groups on two axes: G = ½ diag(1, 0) + ½ diag(0, 4), whatever their numbers of rows.
        let values = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 2.0];
        let data = Dataset::new(Values::F64(&values), 2, vec![0; 4], 1, Layout::Flat).unwrap();
        let groups: [&[u32]; 2] = [&[0, 1, 2], &[3]];
        let found = extremes(&data, &groups, false, true);
        assert!((found.largest - 2.0).abs() < 1e-12, "{}", found.largest);
        assert!((found.least - 0.5).abs() < 1e-12, "{}", found.least);
        let power = by_power(&data, &groups, false, &mut Batch::new(&data, CHUNK));
        assert!((power - 2.0).abs() < 1e-11, "{power}");
    }
}
