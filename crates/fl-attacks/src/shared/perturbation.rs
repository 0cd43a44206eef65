//! What min-max and min-sum share: the honest mean, a direction away from it, and where the honest messages lie along it.

use crate::shared::columns::{self, tiles, total};
use fl_core::{AffineMessages, AttackView, Scalar, choice};

choice! {
    /// In which direction the mean is left; its length does not matter.
    pub enum Perturbation {
        /// Against the standard deviation of each coordinate, `−σ`.
        Std,
        /// Against the mean itself, `−μ/‖μ‖`.
        Unit,
        /// Against the signs of the mean, `−sign(μ)`.
        Sign,
    }
}

/// Memory for [`Measure::measure`].
#[derive(Debug)]
pub(crate) struct Measure {
    sums: Vec<f64>,
}

/// The honest messages seen from the mean μ, with the direction d.
pub(crate) struct Seen<'a> {
    /// `‖μ − x_i‖²`.
    pub(crate) squares: &'a [f64],
    /// `⟨d, μ − x_i⟩`.
    pub(crate) products: &'a [f64],
    /// `‖d‖²`.
    pub(crate) norm: f64,
}

impl Measure {
    pub(crate) fn new(workers: usize, dim: usize) -> Self {
        Self { sums: vec![0.0; (2 * workers + 1) * tiles(dim)] }
    }

    /// Writes μ and d into the affine messages, and measures, all in one pass.
    pub(crate) fn measure<T: Scalar>(
        &mut self,
        kind: Perturbation,
        view: &AttackView<'_, T>,
        affine: &mut AffineMessages<T>,
    ) -> Seen<'_> {
        let known = view.known();
        let (n, (base, direction)) = (known.count(), affine.shared());
        let per = 2 * n + 1;
        let sums = &mut self.sums[..per * tiles(base.len())];
        columns::each(known, base, direction, sums, |columns, base, direction, sums| {
            let mean = columns.mean();
            match kind {
                Perturbation::Std => {
                    let std = columns.std(&mean, 0);
                    for (d, s) in direction.iter_mut().zip(&std) {
                        *d = T::from_f64(-s);
                    }
                }
                Perturbation::Unit => {
                    for (d, m) in direction.iter_mut().zip(&mean) {
                        *d = T::from_f64(-m);
                    }
                }
                Perturbation::Sign => {
                    for (d, &m) in direction.iter_mut().zip(&mean) {
                        *d = T::from_f64(if m > 0.0 { -1.0 } else { f64::from(u8::from(m < 0.0)) });
                    }
                }
            }
            for (b, m) in base.iter_mut().zip(&mean) {
                *b = T::from_f64(*m);
            }
            let (squares, rest) = sums.split_at_mut(n);
            let (products, norm) = rest.split_at_mut(n);
            for i in 0..n {
                (squares[i], products[i]) = seen(base, direction, columns.row(i));
            }
            norm[0] = direction.iter().map(|d| d.to_f64() * d.to_f64()).sum();
        });
        let total = total(sums, per);
        Seen { squares: &total[..n], products: &total[n..2 * n], norm: total[2 * n] }
    }
}

/// `‖μ − x‖²` and `⟨d, μ − x⟩` over some columns, in eight sums that a processor can work on at a time.
#[inline(always)]
fn seen<T: Scalar>(mean: &[T], direction: &[T], row: &[T]) -> (f64, f64) {
    let (mut squares, mut products) = ([0.0f64; 8], [0.0f64; 8]);
    let (m8, m) = mean.as_chunks::<8>();
    let (d8, d) = direction.as_chunks::<8>();
    let (x8, x) = row.as_chunks::<8>();
    for ((m, d), x) in m8.iter().zip(d8).zip(x8) {
        for k in 0..8 {
            let difference = m[k].to_f64() - x[k].to_f64();
            squares[k] += difference * difference;
            products[k] += d[k].to_f64() * difference;
        }
    }
    for (k, ((m, d), x)) in m.iter().zip(d).zip(x).enumerate() {
        let difference = m.to_f64() - x.to_f64();
        squares[k] += difference * difference;
        products[k] += d.to_f64() * difference;
    }
    (squares.iter().sum(), products.iter().sum())
}
