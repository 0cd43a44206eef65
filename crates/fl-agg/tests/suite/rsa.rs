//! RSA's steps against the formula written plainly, for every length and thread count.

use fl_agg::{Messages, Scalar, rsa};
use proptest::prelude::*;

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// A number that often equals its neighbours, and sometimes is none.
fn number(salt: u64) -> f64 {
    let x = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    match x % 17 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => -0.0,
        _ => (x % 7) as f64 - 3.0,
    }
}

fn models<T: Scalar>(workers: usize, dim: usize, salt: u64) -> Messages<T> {
    let mut models = Messages::zeros(workers, dim);
    for w in 0..workers {
        for (i, x) in models.row_mut(w).iter_mut().enumerate() {
            *x = T::from_f64(number(salt + (w * dim + i) as u64));
        }
    }
    models
}

fn start<T: Scalar>(dim: usize) -> Vec<T> {
    (0..dim).map(|i| T::from_f64((i % 5) as f64 - 2.0)).collect()
}

fn check<T: Scalar>(workers: usize, dim: usize, salt: u64) {
    let sent = models::<T>(workers, dim, salt);
    // Powers of two: the formula is then exact in both types.
    let (gamma, lambda) = (0.25, 0.125);
    let mut x0 = start::<T>(dim);
    rsa::server_step(&mut x0, sent.view(), gamma, lambda);
    for (i, (new, old)) in x0.iter().zip(start::<T>(dim)).enumerate() {
        let signs: f64 = (0..workers).map(|w| sign(old.to_f64() - sent.row(w)[i].to_f64())).sum();
        let expected = old.to_f64() - gamma * lambda * signs;
        assert_eq!(new.to_f64(), expected, "{workers} × {dim}, column {i}");
    }
    if workers > 0 {
        let (mut model, old) = (start::<T>(dim), sent.row(0));
        let gradient: Vec<T> = (0..dim).map(|i| T::from_f64((i % 3) as f64)).collect();
        rsa::worker_step(&mut model, &gradient, old, gamma, lambda);
        for (i, (new, x)) in model.iter().zip(start::<T>(dim)).enumerate() {
            let penalty = lambda * sign(x.to_f64() - old[i].to_f64());
            let expected = x.to_f64() - gamma * (gradient[i].to_f64() + penalty);
            assert_eq!(new.to_f64(), expected, "{dim}, column {i}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_steps_are_the_formulas_for_any_shape_and_nan_contributes_nothing(
        workers in 0usize..12,
        dim in prop::sample::select(vec![0, 1, 15, 16, 63, 64, 65, 127, 1023, 1024, 1025, 3000]),
        salt: u32,
    ) {
        check::<f32>(workers, dim, u64::from(salt));
        check::<f64>(workers, dim, u64::from(salt));
    }
}

#[test]
fn the_server_step_has_the_same_bits_for_any_number_of_threads() {
    let sent = models::<f32>(30, 7850, 3);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let mut x0: Vec<f32> = (0..7850).map(|i| (i as f32 * 0.37).sin()).collect();
        pool.install(|| rsa::server_step(&mut x0, sent.view(), 0.1, 0.02));
        x0.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let one = run(1);
    for threads in [2, 3, 7] {
        assert_eq!(one, run(threads), "{threads} threads");
    }
}

#[test]
fn a_columns_result_does_not_depend_on_where_it_stands() {
    let sent = models::<f32>(7, 131, 5);
    let mut x0: Vec<f32> = (0..131).map(|i| (i as f32).cos()).collect();
    let columns = x0.clone();
    rsa::server_step(&mut x0, sent.view(), 0.1, 0.03);
    for i in 0..131 {
        let alone: Vec<[f32; 1]> = (0..7).map(|w| [sent.row(w)[i]]).collect();
        let mut x = [columns[i]];
        rsa::server_step(&mut x, Messages::from_rows(&alone).view(), 0.1, 0.03);
        assert_eq!(x[0].to_bits(), x0[i].to_bits(), "column {i}");
    }
}

#[test]
fn no_worker_moves_a_coordinate_by_more_than_gamma_lambda() {
    let mut honest = [0.5f64];
    rsa::server_step(&mut honest, Messages::from_rows(&[[0.0], [1.0], [0.0]]).view(), 1.0, 0.1);
    let mut attacked = [0.5f64];
    let sent = Messages::from_rows(&[[0.0], [1.0], [f64::MAX]]);
    rsa::server_step(&mut attacked, sent.view(), 1.0, 0.1);
    assert!((attacked[0] - honest[0]).abs() <= 2.0 * 0.1 + 1e-15);
}
