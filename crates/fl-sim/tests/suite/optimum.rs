//! x* of problem (1): what is found is one.

use crate::problem::ridge::Ridge;
use fl_sim::{Problem, TOLERANCE, minimise};

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn the_optimum_of_ridge_regression_is_the_one_that_the_normal_equations_have() {
    let set = fl_data::digits::load().split.train;
    for l2 in [1.0, 1e-3] {
        let model = Ridge::new(set.columns(), l2);
        let (expected, _) = model.optimum(&set);
        let all: Vec<u32> = (0..set.rows() as u32).collect();
        let problem = Problem::new(&model, &set, [&*all].into_iter());
        let found = minimise(set.columns(), |x| problem.gradient(x), TOLERANCE, |_, _| {})
            .expect("a convex problem");
        assert!(found.gradient_norm <= 1e-8);
        let off: Vec<f64> = found.params.iter().zip(&expected).map(|(a, b)| a - b).collect();
        // The gradient is no less than µ times the distance, and µ ≥ λ.
        assert!(norm(&off) <= 1.01e-8 / l2, "l2 = {l2}: {}", norm(&off));
    }
}

#[test]
fn a_problem_that_is_none_ends_with_an_error() {
    // f(x) = x, which has no minimum.
    let error = minimise(1, |_| vec![1.0], 1e-8, |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("it is 1.0e0 after"), "{error}");
    let error = minimise(1, |_| vec![f64::NAN], 1e-8, |_, _| {}).unwrap_err();
    assert_eq!(error.steps, 0);
}

#[test]
fn a_minimum_is_found_where_curvature_differs_by_a_million() {
    let gradient =
        |x: &[f64]| vec![1e3 * (x[0] - 1.0), 1e-3 * (x[1] + 2.0), (x[2] - 3.0).exp() - 1.0];
    let found = minimise(3, gradient, 1e-12, |_, _| {}).expect("a convex problem");
    for (x, expected) in found.params.iter().zip([1.0, -2.0, 3.0]) {
        assert!((x - expected).abs() < 1e-8, "{found:?}");
    }
    assert!(found.steps < 60, "{} steps", found.steps);
}
