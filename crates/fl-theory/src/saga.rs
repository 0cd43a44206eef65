//! S^k and Lemma 5: how stale SAGA's tables are, and what that costs.

use crate::Problem;
use crate::variation::squared_distance;
use fl_core::SpecError;

/// `S^k = (1/R) Σ_w (1/J) Σ_j ‖x^k − φ^k_{w,j}‖²` (38), given the points `φ_{w,j}` at which the tables' gradients were taken,
/// `tables[w][j]`, regular workers only. It is 0 at the start, where all `φ⁰_{w,j} = x⁰`.
///
/// ```
/// use fl_theory::table_distance;
///
/// assert_eq!(table_distance(&[1.0], &[[[1.0], [3.0]], [[0.0], [1.0]]])?, (2.0 + 0.5) / 2.0);
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
///
/// # Errors
/// When there is no worker, a table is empty, or lengths differ.
pub fn table_distance<S: AsRef<[V]>, V: AsRef<[f64]>>(
    x: &[f64],
    tables: &[S],
) -> Result<f64, SpecError> {
    if tables.is_empty() {
        return Err(SpecError::new("the number of tables", "at least 1", 0));
    }
    let mut sum = 0.0;
    for table in tables {
        let table = table.as_ref();
        if table.is_empty() {
            return Err(SpecError::new("a table", "with a point for each sample", "none"));
        }
        let mut own = 0.0;
        for point in table {
            let point = point.as_ref();
            if point.len() != x.len() {
                return Err(SpecError::new(
                    "a point's length",
                    format!("{}, as x's", x.len()),
                    point.len(),
                ));
            }
            own += squared_distance(x, point);
        }
        sum += own / table.len() as f64;
    }
    Ok(sum / tables.len() as f64)
}

/// Lemma 5's bound on SAGA's inner variation, (36) and (37):
///
/// ```text
/// E ‖v_w − f'_w(x)‖² ≤ L² (1/J) Σ_j ‖x − φ_{w,j}‖²        (1/R) Σ_w E ‖v_w − f'_w(x)‖² ≤ L² S
/// ```
///
/// `distance` is the mean over one worker's table for (36), S for (37).
/// L is that of each *sample's* cost ([`Problem::smooth_sample`]): the difference `f'_{w,j}(x) − f'_{w,j}(φ)` is one sample's.
/// The paper's Assumption 1 speaks of f only, whose L may be smaller. It also writes "for all w ∈ 𝒲", but a Byzantine worker's message
/// is under no such bound.
/// A batch of b distinct samples only makes the left-hand sides smaller.
pub fn message_variation(problem: &Problem, distance: f64) -> f64 {
    problem.smooth_sample.powi(2) * distance
}

/// Lemma 5's bound on the next table distance (39):
///
/// ```text
/// E S^{k+1} ≤ 4J E‖x^{k+1} − x^k + γ f'(x^k)‖² + 4J γ² L² ‖x^k − x*‖² + (1 − 1/J²) S^k
/// ```
///
/// * `gamma`: γ
/// * `distance`: `‖x^k − x*‖²`
/// * `step_error`: `E‖x^{k+1} − x^k + γ f'(x^k)‖²`, γ² times the error of the aggregate
/// * `table`: `S^k`
///
/// With batches of b distinct samples J stands for J/b throughout ([`Problem::slots`]): `1 − b/J` of the slots keep their point, and
/// `‖x^{k+1} − φ‖² ≤ (1 + J/b) ‖x^{k+1} − x^k‖² + (1 + b/J) ‖x^k − φ‖²` gives the rest as for b = 1. L is that of f.
pub fn next_table_distance(
    problem: &Problem,
    gamma: f64,
    distance: f64,
    step_error: f64,
    table: f64,
) -> f64 {
    let j = problem.slots();
    4.0 * j * step_error
        + 4.0 * j * (gamma * problem.smooth).powi(2) * distance
        + (1.0 - 1.0 / (j * j)) * table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One worker, f_j(x) = h_j/2 (x − a_j)²: every draw of one round enumerated.
    #[test]
    fn lemma_5_holds_draw_by_draw() {
        let (h, a) = ([1.0, 1.5, 0.5], [0.0, 2.0, -3.0]);
        let problem = Problem { mu: 1.0, smooth: 1.0, smooth_sample: 1.5, samples: 3, batch: 1 };
        let gradient = |j: usize, x: f64| h[j] * (x - a[j]);
        let full = |x: f64| (0..3).map(|j| gradient(j, x)).sum::<f64>() / 3.0;
        let optimum = h.iter().zip(a).map(|(h, a)| h * a).sum::<f64>() / h.iter().sum::<f64>();
        for phi in [[0.0, 0.0, 0.0], [1.0, -1.0, 4.0], [-3.0, 5.0, 0.1]] {
            for x in [-2.0, 0.3, 7.0] {
                for gamma in [0.01, 0.1, 0.5] {
                    let table: Vec<[f64; 1]> = phi.iter().map(|&p| [p]).collect();
                    let s = table_distance(&[x], &[table]).unwrap();
                    let mean = (0..3).map(|j| gradient(j, phi[j])).sum::<f64>() / 3.0;
                    let (mut variation, mut step_error, mut next) = (0.0, 0.0, 0.0);
                    for i in 0..3 {
                        let v = gradient(i, x) - gradient(i, phi[i]) + mean;
                        variation += (v - full(x)).powi(2) / 3.0;
                        let new = x - gamma * v;
                        step_error += (new - x + gamma * full(x)).powi(2) / 3.0;
                        let mut points = phi;
                        points[i] = x;
                        let table: Vec<[f64; 1]> = points.iter().map(|&p| [p]).collect();
                        next += table_distance(&[new], &[table]).unwrap() / 3.0;
                    }
                    assert!(variation <= message_variation(&problem, s) + 1e-12);
                    let distance = (x - optimum).powi(2);
                    let bound = next_table_distance(&problem, gamma, distance, step_error, s);
                    assert!(next <= bound + 1e-12, "{phi:?} {x} {gamma}: {next} {bound}");
                }
            }
        }
    }

    /// Two samples, f_{1,2}(x) = ±(k/2) x² + x²/2: f has L = 1, its samples have 1 + k.
    #[test]
    fn lemma_5_fails_with_the_constant_of_the_mean_alone() {
        let k = 3.0;
        let h: [f64; 2] = [1.0 + k, 1.0 - k];
        let (x, phi) = (1.0f64, [0.0, 0.0]);
        let mean = 0.0;
        let full = (h[0] + h[1]) / 2.0 * x;
        let variation: f64 =
            (0..2).map(|i| (h[i] * (x - phi[i]) + mean - full).powi(2) / 2.0).sum();
        let s = 1.0;
        assert!(variation > 1.0 * s, "with L = 1, that of f");
        let problem =
            Problem { mu: 1.0, smooth: 1.0, smooth_sample: 1.0 + k, samples: 2, batch: 1 };
        assert!(variation <= message_variation(&problem, s));
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        let none: [[[f64; 1]; 1]; 0] = [];
        assert!(table_distance(&[1.0], &none).is_err());
        let empty: [Vec<[f64; 1]>; 1] = [Vec::new()];
        assert!(table_distance(&[1.0], &empty).is_err());
        assert!(table_distance(&[1.0, 2.0], &[[[1.0]]]).is_err());
    }
}
