//! Inner and outer variation: measured, estimated, and how they make up a spread.

use crate::Setting;
use fl_core::SpecError;

/// How much R regular messages `z_w` vary, in squared units of the messages:
///
/// ```text
/// inner = (1/R) Σ_w E ‖z_w − E z_w‖²        outer = (1/R) Σ_w ‖E z_w − z̄‖²        z̄ = (1/R) Σ_w E z_w
/// ```
///
/// For stochastic gradients these are what σ² (16) and δ² (15) bound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variation {
    /// Inner variation: of each message around its own mean. σ² in the theorems.
    pub inner: f64,
    /// Outer variation: of the means around their mean. δ² in the theorems.
    pub outer: f64,
}

impl Variation {
    /// The spread `(1/R) Σ_w E ‖z_w − z̄‖² = inner + outer` (19).
    pub fn spread(&self) -> f64 {
        self.inner + self.outer
    }

    /// The spread of the uncontaminated resampled messages (18):
    ///
    /// ```text
    /// (1/|R'|) Σ_{w' ∈ R'} E ‖z̃_{w'} − z̄‖² = (d + (1 − d)/R) inner + d outer
    /// ```
    ///
    /// An equality with `d = d_R` ([`Setting::d_regular`]) where the copies are dealt by a permutation; there the right-hand side with
    /// the paper's d ([`Setting::d`]) is an upper bound, since it rises with d. Messages must be independent and live in a space
    /// with an inner product (the paper writes "normed vector space", in which the cross terms (27)–(29) would have no meaning).
    ///
    /// ```
    /// use fl_theory::{Setting, Variation};
    ///
    /// // Figure 2: five true messages with variation 8, of which none is random.
    /// let setting = Setting::new(6, 1, 2)?;
    /// let after = Variation { inner: 0.0, outer: 8.0 }.resampled(&setting, setting.d_regular());
    /// assert!((after - 8.0 * 4.0 / 9.0).abs() < 1e-12);
    /// # Ok::<(), fl_theory::SpecError>(())
    /// ```
    pub fn resampled(&self, setting: &Setting, d: f64) -> f64 {
        inner_factor(setting, d) * self.inner + d * self.outer
    }
}

/// `d + (1 − d)/R`.
pub(crate) fn inner_factor(setting: &Setting, d: f64) -> f64 {
    d + (1.0 - d) / setting.regular() as f64
}

/// `(1/n) Σ_i ‖v_i − v̄‖²` of n vectors. Given the local gradients `f'_w(x)` of the regular workers, this is the left-hand side of
/// (15) at x.
///
/// ```
/// use fl_theory::outer_variation;
///
/// assert_eq!(outer_variation(&[[0.0], [2.0], [4.0], [6.0], [8.0]])?, 8.0);
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
///
/// # Errors
/// When there is no vector, or lengths differ.
pub fn outer_variation<V: AsRef<[f64]>>(vectors: &[V]) -> Result<f64, SpecError> {
    let Some(first) = vectors.first() else {
        return Err(SpecError::new("the number of vectors", "at least 1", 0));
    };
    let dim = first.as_ref().len();
    let mut mean = vec![0.0; dim];
    for vector in vectors {
        let vector = vector.as_ref();
        if vector.len() != dim {
            return Err(SpecError::new(
                "a vector's length",
                format!("{dim}, as the first one's"),
                vector.len(),
            ));
        }
        mean.iter_mut().zip(vector).for_each(|(m, x)| *m += x);
    }
    let share = 1.0 / vectors.len() as f64;
    mean.iter_mut().for_each(|m| *m *= share);
    let squares = vectors.iter().map(|v| squared_distance(v.as_ref(), &mean));
    Ok(squares.sum::<f64>() * share)
}

pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// `E ‖m − f'_w(x)‖²` for a message m that is the mean of `batch` distinct samples' gradients at x, drawn uniformly: the left-hand side
/// of (16) for one worker, given the gradients `f'_{w,j}(x)` of its J samples:
///
/// ```text
/// (1/b) (J − b)/(J − 1) · (1/J) Σ_j ‖f'_{w,j}(x) − f'_w(x)‖²
/// ```
///
/// The paper's (16) is `b = 1`.
///
/// # Errors
/// As [`outer_variation`], and when the batch is empty or larger than J.
pub fn inner_variation<V: AsRef<[f64]>>(samples: &[V], batch: usize) -> Result<f64, SpecError> {
    let all = outer_variation(samples)?;
    let count = samples.len();
    if !(1..=count).contains(&batch) {
        return Err(SpecError::new(
            "the batch",
            format!("between 1 and the {count} samples"),
            batch,
        ));
    }
    if batch == count {
        return Ok(0.0);
    }
    Ok(all / batch as f64 * (count - batch) as f64 / (count - 1) as f64)
}

/// δ² and σ² from finitely many points.
///
/// Assumptions 2 and 3 ask for bounds that hold at *every* x. What finitely many points show is at most that: the estimates are
/// bounds from below on the constants, good where the points are those that a run visits, and finite even where the constants are
/// not (δ² is infinite for least squares whose second moments differ between workers: the gradients then differ by a linear
/// function of x).
///
/// ```
/// use fl_theory::Estimate;
///
/// let mut estimate = Estimate::default();
/// // f'_{w,j} at two points, two workers with two samples each.
/// estimate.point(&[[[1.0], [3.0]], [[4.0], [4.0]]], 1)?;
/// estimate.point(&[[[0.0], [0.0]], [[4.0], [4.0]]], 1)?;
/// assert_eq!((estimate.delta2, estimate.sigma2, estimate.points), (4.0, 1.0, 2));
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// δ², the largest left-hand side of (15) over the points.
    pub delta2: f64,
    /// σ², the largest left-hand side of (16) over points and regular workers.
    pub sigma2: f64,
    /// The number of points.
    pub points: usize,
}

impl Estimate {
    /// Adds a point, given the gradients of all samples of all regular workers there, `gradients[w][j]`, and the batch that a
    /// message is the mean of.
    ///
    /// # Errors
    /// As [`inner_variation`].
    pub fn point<S: AsRef<[V]>, V: AsRef<[f64]>>(
        &mut self,
        gradients: &[S],
        batch: usize,
    ) -> Result<(), SpecError> {
        let mut sigma2 = 0.0f64;
        let mut local = Vec::with_capacity(gradients.len());
        for samples in gradients {
            let samples = samples.as_ref();
            sigma2 = sigma2.max(inner_variation(samples, batch)?);
            let share = 1.0 / samples.len() as f64;
            let mut mean = vec![0.0; samples[0].as_ref().len()];
            for sample in samples {
                mean.iter_mut().zip(sample.as_ref()).for_each(|(m, x)| *m += share * x);
            }
            local.push(mean);
        }
        self.measured(outer_variation(&local)?, sigma2);
        Ok(())
    }

    /// Adds a point at which both variations were measured elsewhere: the left-hand sides of (15), and of (16) for the worst worker.
    pub fn measured(&mut self, outer: f64, worst_inner: f64) {
        self.delta2 = self.delta2.max(outer);
        self.sigma2 = self.sigma2.max(worst_inner);
        self.points += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_after_resampling_is_smaller_and_equal_for_s_1() {
        let variation = Variation { inner: 3.0, outer: 5.0 };
        for s in 1..6 {
            let setting = Setting::new(20, 3, s).unwrap();
            let after = variation.resampled(&setting, setting.d());
            assert!(after <= variation.spread());
            assert_eq!(after == variation.spread(), s == 1);
            assert!(variation.resampled(&setting, setting.d_regular()) <= after);
        }
    }

    #[test]
    fn inner_variation_of_a_batch_is_that_of_all_batches_enumerated() {
        let samples = [[1.0, 0.0], [2.0, -1.0], [5.0, 3.0], [-2.0, 0.5]];
        let mean = [1.5, 0.625];
        let mut sum = 0.0;
        let mut count = 0.0;
        for a in 0..4 {
            for b in 0..a {
                let m: Vec<f64> =
                    samples[a].iter().zip(samples[b]).map(|(x, y)| 0.5 * (x + y)).collect();
                sum += squared_distance(&m, &mean);
                count += 1.0;
            }
        }
        assert!((inner_variation(&samples, 2).unwrap() - sum / count).abs() < 1e-12);
        assert_eq!(inner_variation(&samples, 4).unwrap(), 0.0);
        assert_eq!(inner_variation(&samples, 1), outer_variation(&samples));
    }

    #[test]
    fn vectors_that_do_not_fit_are_refused() {
        let none: [[f64; 1]; 0] = [];
        assert!(outer_variation(&none).is_err());
        assert!(outer_variation(&[vec![1.0], vec![1.0, 2.0]]).is_err());
        assert!(inner_variation(&[[1.0]], 0).is_err());
        assert!(inner_variation(&[[1.0]], 2).is_err());
    }
}
