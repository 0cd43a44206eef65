//! Distances against plain exact sums, for every shape, size and number of threads.

use crate::common::{check_geometry, number, round, squared_distance};
use fl_core::{Geometry, Messages, MessagesRef, Scalar};
use proptest::prelude::*;

/// A tile's sums are in the messages' own type: 512 numbers over the lanes of a register.
fn tolerance<T: Scalar>() -> f64 {
    16.0 * T::EPSILON
}

fn check<T: Scalar>(messages: &Messages<T>) {
    let geometry = Geometry::of(messages.view()).expect("finite");
    let rows: Vec<u32> = (0..messages.workers() as u32).collect();
    check_geometry(&geometry, messages.view(), &rows, tolerance::<T>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn distances_are_those_of_a_plain_loop(
        workers in 1usize..40,
        dim in prop::sample::select(vec![1, 15, 16, 17, 511, 512, 513, 1025, 7850]),
        salt: u64,
    ) {
        check(&round::<f32>(workers, dim, salt, 0.0, 1.0));
        check(&round::<f64>(workers, dim, salt, 0.0, 1.0));
    }

    #[test]
    fn distances_of_chosen_rows_are_those_of_these_rows(
        workers in 2usize..20, dim in 1usize..600, chosen: u32, salt: u64,
    ) {
        let messages = round::<f64>(workers, dim, salt, 0.0, 1.0);
        let mut rows: Vec<u32> = (0..workers as u32).filter(|w| chosen >> w & 1 == 1).collect();
        let expected = rows.clone();
        let mut geometry = Geometry::with_capacity::<f64>(workers, dim);
        geometry.measure(messages.view(), &mut rows);
        prop_assert_eq!(&rows, &expected);
        check_geometry(&geometry, messages.view(), &rows, tolerance::<f64>());
    }

    #[test]
    fn rows_that_are_not_finite_are_dropped_and_the_others_keep_their_indices(
        workers in 1usize..16,
        dim in prop::sample::select(vec![1, 17, 513, 5000]),
        bad: u16,
        kind in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
        salt: u64,
    ) {
        let mut messages = round::<f32>(workers, dim, salt, 0.0, 1.0);
        let is_bad = |w: usize| bad >> w & 1 == 1;
        for w in (0..workers).filter(|&w| is_bad(w)) {
            messages.row_mut(w)[(w * 7919) % dim] = kind;
        }
        let mut rows: Vec<u32> = (0..workers as u32).collect();
        let mut geometry = Geometry::with_capacity::<f32>(workers, dim);
        geometry.measure(messages.view(), &mut rows);
        let good: Vec<u32> = (0..workers as u32).filter(|&w| !is_bad(w as usize)).collect();
        prop_assert_eq!(&rows, &good);
        check_geometry(&geometry, messages.view(), &rows, tolerance::<f32>());
        let refused: Vec<u32> = (0..workers as u32).filter(|&w| is_bad(w as usize)).collect();
        if !refused.is_empty() {
            prop_assert_eq!(Geometry::of(messages.view()).unwrap_err(), refused);
        }
    }

    #[test]
    fn duplicates_are_at_distance_exactly_zero(
        workers in 2usize..24, dim in 1usize..1200, salt: u64, offset in -1e6..1e6,
    ) {
        let mut messages = round::<f32>(workers, dim, salt, offset, 1.0);
        // Every third worker sends what worker 0 sends.
        for w in (3..workers).step_by(3) {
            messages.copy_row(0, w);
        }
        let geometry = Geometry::of(messages.view()).expect("finite");
        for w in (3..workers).step_by(3) {
            prop_assert_eq!(geometry.squared_distance(0, w), 0.0);
            // Equal messages see everybody else at the same bits, wherever in a block they stand.
            for j in 0..workers {
                prop_assert_eq!(geometry.squared_distance(0, j), geometry.squared_distance(w, j));
            }
            prop_assert_eq!(geometry.squared_norm(0), geometry.squared_norm(w));
        }
    }

    #[test]
    fn the_point_formulas_are_those_of_the_points(
        workers in 1usize..12, dim in 1usize..40, salt: u64,
    ) {
        let messages = round::<f64>(workers, dim, salt, 0.0, 1.0);
        let geometry = Geometry::of(messages.view()).expect("finite");
        let raw: Vec<f64> = (0..workers).map(|i| 1.5 + number(salt ^ 1, i)).collect();
        let total: f64 = raw.iter().sum();
        let c: Vec<f64> = raw.iter().map(|x| x / total).collect();
        let z: Vec<f64> =
            (0..dim).map(|k| (0..workers).map(|i| c[i] * messages.row(i)[k]).sum()).collect();
        let mut dc = vec![0.0; workers];
        geometry.times(&c, &mut dc);
        let half: f64 = 0.5 * c.iter().zip(&dc).map(|(a, b)| a * b).sum::<f64>();
        for j in 0..workers {
            let expected = squared_distance(&z, messages.row(j), 1.0);
            prop_assert!((dc[j] - half - expected).abs() < 1e-13 * dim as f64);
        }
        // ‖Σ e_i v_i‖ for e = c − (1, 0, …).
        let mut e = c;
        e[0] -= 1.0;
        let expected = squared_distance(&z, messages.row(0), 1.0).sqrt();
        prop_assert!((geometry.length(&e) - expected).abs() < 1e-7);
    }
}

#[test]
fn the_bits_are_the_same_for_any_number_of_threads() {
    fn bits<T: Scalar>(threads: usize) -> Vec<u64> {
        let messages = round::<T>(31, 7850, 1, 0.0, 1.0);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let geometry = pool.install(|| Geometry::of(messages.view()).expect("finite"));
        let norms = (0..31).map(|i| geometry.squared_norm(i));
        (0..31).flat_map(|i| geometry.row(i)).copied().chain(norms).map(f64::to_bits).collect()
    }
    let (single, double) = (bits::<f32>(1), bits::<f64>(1));
    for threads in [2, 3, 7] {
        assert_eq!(single, bits::<f32>(threads), "f32, {threads} threads");
        assert_eq!(double, bits::<f64>(threads), "f64, {threads} threads");
    }
}

#[test]
fn a_packed_buffer_and_aligned_rows_give_the_same_bits() {
    let messages = round::<f32>(9, 1000, 4, 0.0, 1.0);
    let packed: Vec<f32> = messages.view().rows().flatten().copied().collect();
    let view = MessagesRef::new(&packed, 9, 1000).expect("9 × 1000 numbers");
    let (a, b) = (Geometry::of(messages.view()), Geometry::of(view));
    let (a, b) = (a.expect("finite"), b.expect("finite"));
    assert!((0..9).all(|i| a.row(i) == b.row(i)));
}

#[test]
fn messages_of_any_size_in_f32_have_finite_distances_to_the_same_accuracy() {
    for scale in [1e-44, 1e-38, 1e-30, 1e-20, 1e-12, 1.0, 1e12, 1e18, 1e20, 1e25, 3e38] {
        for dim in [1, 17, 1025] {
            check(&round::<f32>(6, dim, 2, 0.0, scale));
        }
    }
}

#[test]
fn messages_of_any_size_in_f64_have_finite_distances_to_the_same_accuracy() {
    let tiny = f64::MIN_POSITIVE;
    for scale in [1e3 * tiny, 1e-300, 1e-160, 1e-120, 1e120, 1e150, 1e154, 1e200, 1e307, f64::MAX] {
        for dim in [1, 17, 1025] {
            check(&round::<f64>(6, dim, 2, 0.0, scale));
        }
    }
}

#[test]
fn messages_of_the_smallest_and_largest_numbers_have_finite_distances() {
    let smallest = f64::from_bits(1);
    let geometry = Geometry::of(Messages::from_rows(&[[smallest], [0.0], [-smallest]]).view());
    let geometry = geometry.expect("finite");
    let lengths = |i, j| geometry.squared_distance(i, j).sqrt() * geometry.unit();
    assert_eq!((lengths(0, 1), lengths(0, 2)), (smallest, 2.0 * smallest));

    let geometry = Geometry::of(Messages::from_rows(&[[f64::MAX], [f64::MAX / 2.0]]).view());
    let geometry = geometry.expect("finite");
    assert_eq!(geometry.squared_distance(0, 1).sqrt() * geometry.unit(), f64::MAX / 2.0);
}

#[test]
fn every_pair_is_measured_in_its_own_unit_where_no_single_one_does() {
    // Lengths from 1e-320 to the largest number, each alone in a column or together in one.
    let sizes =
        [1e-320, 1e-300, 1e-160, 1e-20, 1.0, 1e3, 1e100, 1e154, 1e155, 1e200, 1e308, f64::MAX];
    for at in 0..sizes.len() {
        // A majority near one size decides on the unit.
        let near = sizes[at];
        let mut rows: Vec<Vec<f64>> =
            (0..sizes.len() + 2).map(|w| vec![near * (0.5 + 0.03 * w as f64), 0.0]).collect();
        rows.extend(sizes.iter().map(|&x| vec![x, 0.0]));
        rows.extend(sizes.iter().map(|&x| vec![0.0, -x]));
        rows.truncate(2 * (sizes.len() + 1));
        let geometry = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
        let origin = geometry.origin();
        for (i, a) in rows.iter().enumerate() {
            let size = a[0].abs().max(a[1].abs());
            // A part of the norm, since that itself may be beyond the largest number of units.
            let part = geometry.ratio(0.25 * near / geometry.unit(), i, origin);
            let expected = 0.25 * near / size;
            if (1e-300..1e300).contains(&expected) {
                let digits = 1e-12 + f64::from_bits(8) / near;
                assert!((part / expected - 1.0).abs() <= digits, "{size:e} {near:e} {part:e}");
            }
            for (j, b) in rows.iter().enumerate() {
                let other = b[0].abs().max(b[1].abs());
                if size > 1.001 * other {
                    assert!(
                        geometry.squared_norm(i) > geometry.squared_norm(j),
                        "{size:e} {other:e}"
                    );
                }
                assert_eq!(geometry.squared_distance(i, j), geometry.squared_distance(j, i));
                assert!(geometry.squared_distance(i, j) <= 1e280);
            }
        }
    }
}

#[test]
fn small_distances_beside_large_ones_do_not_vanish_in_single_precision() {
    let rows: Vec<Vec<f32>> = [1e-30f32, 2e-30, 4e-30, 1e-24, 1e30]
        .iter()
        .map(|&x| (0..70).map(|k| if k % 2 == 0 { x } else { -x }).collect())
        .collect();
    let messages = Messages::from_rows(&rows);
    let all: Vec<u32> = (0..5).collect();
    let geometry = Geometry::of(messages.view()).expect("finite");
    check_geometry(&geometry, messages.view(), &all, 1e-6);
}

#[test]
fn sums_of_distances_stay_finite_for_messages_of_any_size() {
    // A rule adds up distances; largest is 1e307 · W otherwise.
    for scale in [1e152, 5e152, 1e153, 3e153, 1e154] {
        let geometry = Geometry::of(round::<f64>(30, 40, 3, 0.0, scale).view()).expect("finite");
        let sum: f64 = (0..30).flat_map(|i| geometry.row(i)).sum();
        assert!((sum * 1e6).is_finite(), "{scale:e}: {sum:e}");
    }
}

#[test]
fn zeros_and_no_messages_have_a_geometry() {
    let geometry = Geometry::of(Messages::<f32>::zeros(3, 10).view()).expect("finite");
    assert!((0..3).all(|i| geometry.row(i) == [0.0; 3] && geometry.squared_norm(i) == 0.0));
    let geometry = Geometry::of(Messages::<f32>::zeros(0, 10).view()).expect("finite");
    assert_eq!(geometry.workers(), 0);
    let all_bad = Messages::from_rows(&[[f32::NAN; 3], [f32::INFINITY; 3]]);
    assert_eq!(Geometry::of(all_bad.view()).unwrap_err(), [0, 1]);
}

/// Flower computed ‖a‖² + ‖b‖² − 2ab in f32: for near-equal models a true 0.0020 came out as −0.047.
#[test]
fn regression_flower_negative_distances_between_near_equal_models() {
    // Neighbouring numbers of f32 around 10⁶ are 1/16 apart.
    let mut near = Messages::<f32>::zeros(8, 7850);
    for w in 0..8 {
        for (i, x) in near.row_mut(w).iter_mut().enumerate() {
            let steps = (number(5, w * 7850 + i) * 3.0).round() as f32;
            *x = 1e6 + steps / 16.0;
        }
    }
    check(&near);
    // A model of norm 90 whose copies differ by 5e-4 in each coordinate: d² = 0.0020.
    let mut models = Messages::<f32>::zeros(2, 7850);
    for i in 0..7850 {
        let x = number(6, i) as f32;
        models.row_mut(0)[i] = x;
        models.row_mut(1)[i] = x + 5e-4 * number(7, i) as f32;
    }
    check(&models);
    check(&round::<f64>(8, 7850, 8, 1e6, 1e-3));
}
