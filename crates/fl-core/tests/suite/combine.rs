//! The combination against exact sums, and the bound on its rounding that certificates rely on.

use crate::common::{Exact, number, round, squared_distance};
use fl_core::{Messages, Scalar, combine, largest, rounding};
use proptest::prelude::*;

/// Positive weights that sum to 1 as closely as rounding lets them; `tilt` makes some tiny.
fn weights(n: usize, salt: u64, tilt: i32) -> Vec<f64> {
    let raw: Vec<f64> =
        (0..n).map(|i| (1.01 + number(salt, i)).powi(1 + tilt * (i as i32 % 3))).collect();
    let total: f64 = raw.iter().sum();
    raw.iter().map(|x| x / total).collect()
}

/// ‖out − (v_r + Σ c_i (v_i − v_r))‖, and its bound.
fn error_and_bound<T: Scalar>(
    messages: &Messages<T>,
    rows: &[u32],
    c: &[f64],
    out: &[T],
) -> (f64, f64) {
    let row = |i: usize| messages.row(rows[i] as usize);
    let r = largest(c);
    let (mut error, mut norm) = (0.0, 0.0);
    for k in 0..messages.dim() {
        let base = row(r)[k].to_f64();
        let mut z = Exact::default();
        z.add(base);
        for i in (0..c.len()).filter(|&i| i != r) {
            z.add_product(c[i], row(i)[k].to_f64());
            z.add_product(-c[i], base);
        }
        error += z.minus(out[k].to_f64()).powi(2);
        norm += z.value().powi(2);
    }
    let share = |i: usize| c[i].abs() * squared_distance(row(i), row(r), 1.0).sqrt();
    (error.sqrt(), rounding(T::EPSILON, c, share, norm.sqrt()))
}

fn check<T: Scalar>(messages: &Messages<T>, c: &[f64]) {
    let rows: Vec<u32> = (0..messages.workers() as u32).collect();
    let mut out = vec![T::ZERO; messages.dim()];
    combine(messages.view(), &rows, c, None, &mut out);
    let (error, bound) = error_and_bound(messages, &rows, c, &out);
    assert!(
        error <= bound,
        "{} × {} in {}: {error:e} beyond the bound {bound:e}",
        messages.workers(),
        messages.dim(),
        T::NAME
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_error_of_a_combination_is_never_beyond_its_bound(
        workers in 1usize..33,
        dim in prop::sample::select(vec![1, 2, 15, 16, 17, 127, 128, 129, 2047, 2048, 2049, 7850]),
        offset in prop::sample::select(vec![0.0, 1.0, 1e6]),
        spread in prop::sample::select(vec![1e-3, 1.0, 1e3]),
        tilt in 0i32..4,
        outliers: bool,
        salt: u64,
    ) {
        let c = weights(workers, salt, tilt);
        let mut single = round::<f32>(workers, dim, salt, offset, spread);
        let mut double = round::<f64>(workers, dim, salt, offset, spread);
        if outliers && workers > 1 {
            single.row_mut(workers - 1).fill(1e8);
            double.row_mut(workers - 1).fill(-1e8);
        }
        check(&single, &c);
        check(&double, &c);
    }

    #[test]
    fn negative_weights_are_within_the_bound_too(
        workers in 2usize..20, dim in 1usize..300, salt: u64,
    ) {
        let mut c: Vec<f64> = (0..workers).map(|i| number(salt, i)).collect();
        c[0] += 1.0 - c.iter().sum::<f64>();
        check(&round::<f32>(workers, dim, salt, 3.0, 1.0), &c);
        check(&round::<f64>(workers, dim, salt, 3.0, 1.0), &c);
    }

    #[test]
    fn a_weight_of_one_gives_the_very_bits(
        workers in 1usize..9, dim in 1usize..200, at in 0usize..9, salt: u64,
    ) {
        let at = at % workers;
        let mut messages = round::<f32>(workers, dim, salt, 1e-3, 1.0);
        messages.row_mut(at)[0] = -0.0;
        messages.row_mut(at)[dim / 2] = f32::from_bits(3);
        messages.row_mut(at)[dim - 1] = f32::MAX;
        let mut c = vec![0.0; workers];
        c[at] = 1.0;
        let rows: Vec<u32> = (0..workers as u32).collect();
        let mut out = vec![f32::NAN; dim];
        combine(messages.view(), &rows, &c, None, &mut out);
        let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&out), bits(messages.row(at)));
        prop_assert_eq!(rounding(f64::from(f32::EPSILON), &c, |_| 1.0, 1.0), 0.0);
    }

    #[test]
    fn equal_messages_combine_to_themselves_whatever_the_weights(
        row in prop::collection::vec(-1e6..1e6, 1..100), workers in 1usize..20, salt: u64,
    ) {
        let messages = Messages::from_rows(&vec![row.clone(); workers]);
        let rows: Vec<u32> = (0..workers as u32).collect();
        let mut out = vec![0.0; row.len()];
        combine(messages.view(), &rows, &weights(workers, salt, 1), None, &mut out);
        prop_assert_eq!(out, row);
    }

    #[test]
    fn rows_without_a_weight_are_not_looked_at(dim in 1usize..200, salt: u64) {
        let mut messages = round::<f64>(5, dim, salt, 0.0, 1.0);
        let c = [0.25, 0.0, 0.5, 0.25];
        let rows = [0, 1, 3, 4];
        let mut expected = vec![0.0; dim];
        combine(messages.view(), &rows, &c, None, &mut expected);
        messages.row_mut(1).fill(f64::NAN);
        messages.row_mut(2).fill(f64::INFINITY);
        let mut out = vec![0.0; dim];
        combine(messages.view(), &rows, &c, None, &mut out);
        prop_assert_eq!(out, expected);
    }
}

#[test]
fn the_bits_of_a_combination_are_the_same_for_any_number_of_threads() {
    let messages = round::<f32>(30, 7850, 1, 0.5, 1.0);
    let rows: Vec<u32> = (0..30).collect();
    let c = weights(30, 9, 1);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let mut out = vec![0.0f32; 7850];
        pool.install(|| combine(messages.view(), &rows, &c, None, &mut out));
        out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let one = run(1);
    for threads in [2, 3, 7] {
        assert_eq!(one, run(threads), "{threads} threads");
    }
}

#[test]
fn the_largest_weight_of_the_lowest_index_is_the_reference() {
    assert_eq!(largest(&[0.2, 0.4, 0.4]), 1);
    assert_eq!(largest(&[1.0]), 0);
    assert_eq!(largest(&[-1.0, -0.5, 2.5]), 2);
}
