//! Products of low-rank factors that are never formed: their inner products, sums of them, and the nearest ones of a rank.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;

/// A product `B A` by its factors: B, of m × r numbers, and the transpose of A, of n × r.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) left: DMatrix<f64>,
    pub(crate) right: DMatrix<f64>,
}

impl Product {
    /// From the numbers of A and B row by row, as files have them.
    pub(crate) fn of_rows(a: Vec<f64>, b: &[f64], rank: usize) -> Self {
        let left = DMatrix::from_row_slice(b.len() / rank, rank, b);
        // The rows of A are the columns of its transpose.
        Self { right: DMatrix::from_vec(a.len() / rank, rank, a), left }
    }

    pub(crate) fn zeros(height: usize, width: usize, rank: usize) -> Self {
        Self { left: DMatrix::zeros(height, rank), right: DMatrix::zeros(width, rank) }
    }

    /// A and B row by row.
    pub(crate) fn into_rows(self) -> (Vec<f64>, Vec<f64>) {
        (self.right.as_slice().to_vec(), self.left.transpose().as_slice().to_vec())
    }

    /// The inner product of two products, by matrices of r × r alone:
    /// `⟨B_i A_i, B_j A_j⟩ = tr(A_iᵀ B_iᵀ B_j A_j) = Σ_kl (B_iᵀ B_j)_kl (A_i A_jᵀ)_kl`.
    fn inner(&self, other: &Self) -> f64 {
        self.left.tr_mul(&other.left).dot(&self.right.tr_mul(&other.right))
    }

    /// `Σ c_i B_i A_i` as one product of rank Σ r: the B's side by side, each times its weight, and the A's below each other.
    pub(crate) fn stack(terms: &[(f64, Self)]) -> Self {
        let columns = |factor: fn(&Self) -> &DMatrix<f64>, weighted: bool| {
            let all = terms.iter().flat_map(|(weight, term)| {
                let weight = if weighted { *weight } else { 1.0 };
                factor(term).column_iter().map(move |column| column * weight)
            });
            DMatrix::from_columns(&all.collect::<Vec<DVector<f64>>>())
        };
        Self { left: columns(|term| &term.left, true), right: columns(|term| &term.right, false) }
    }

    /// The nearest product of a rank in the Frobenius norm, both factors of the same length; and the squares of what is lost
    /// and of all.
    ///
    /// With `B = Q S` and `Aᵀ = P T` by Householder's reflections, `B A = Q (S Tᵀ) Pᵀ`. So the singular values of the small
    /// `S Tᵀ` are those of the product (Eckart and Young: its first ones are the nearest of that rank).
    pub(crate) fn nearest(self, rank: usize) -> (Self, [f64; 2]) {
        let (q, s) = self.left.qr().unpack();
        let (p, t) = self.right.qr().unpack();
        let svd = (s * t.transpose()).svd(true, true);
        let (u, v) = (svd.u.expect("asked for"), svd.v_t.expect("asked for").transpose());
        let kept = rank.min(svd.singular_values.len());
        let factor = |q: DMatrix<f64>, vectors: DMatrix<f64>| {
            let mut out = q * vectors.columns(0, kept);
            for (mut column, value) in out.column_iter_mut().zip(&svd.singular_values) {
                column *= value.sqrt();
            }
            // Of a product of lower rank the rest is 0.
            out.resize_horizontally(rank, 0.0)
        };
        let squares = |from: usize| svd.singular_values.iter().skip(from).map(|x| x * x).sum();
        let lost = [squares(kept), squares(0)];
        (Self { left: factor(q, u), right: factor(p, v) }, lost)
    }
}

/// Adds the inner products of all pairs to a symmetric matrix.
pub(crate) fn add_inner(products: &[Product], gram: &mut DMatrix<f64>) {
    let rows: Vec<Vec<f64>> = products
        .par_iter()
        .enumerate()
        .map(|(i, one)| products[..=i].iter().map(|other| one.inner(other)).collect())
        .collect();
    for (i, row) in rows.iter().enumerate() {
        for (j, inner) in row.iter().enumerate() {
            gram[(i, j)] += inner;
            if i != j {
                gram[(j, i)] += inner;
            }
        }
    }
}

/// Points, one a row, whose inner products are those of a matrix `G = V Λ Vᵀ`: the rows of `V √Λ`. So their distances and norms
/// are those of the products, up to rounding of the largest.
pub(crate) fn points(gram: DMatrix<f64>) -> DMatrix<f64> {
    let SymmetricEigen { mut eigenvectors, eigenvalues } = SymmetricEigen::new(gram);
    for (mut column, value) in eigenvectors.column_iter_mut().zip(&eigenvalues) {
        column *= value.max(0.0).sqrt();
    }
    eigenvectors
}
