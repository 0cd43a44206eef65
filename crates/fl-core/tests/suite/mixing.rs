//! Mixed geometries against the geometries of mixed messages that are really formed.

use crate::common::{Exact, number, round, squared_norm};
use fl_core::{Geometry, Messages, Mixing, Scalar};
use proptest::prelude::*;

/// `outputs` averages of `s` messages each.
fn picks(inputs: usize, outputs: usize, s: usize, salt: u64) -> Vec<Vec<u32>> {
    let pick = |k| ((number(salt, k) + 1.0) / 2.0 * inputs as f64) as u32;
    (0..outputs).map(|a| (0..s).map(|z| pick(a * s + z)).collect()).collect()
}

/// Any rows over the messages and the origin that sum to 1: `dense` of them long, the others short, some with the origin.
fn rows_of(inputs: usize, outputs: usize, dense: bool, signed: bool, salt: u64) -> Mixing {
    let mut mixing = Mixing::with_capacity(outputs, outputs * (inputs + 1));
    mixing.clear(inputs);
    for a in 0..outputs {
        let keep = |i: usize| {
            let x = number(salt ^ 5, a * (inputs + 1) + i).abs();
            // The first message is in every row, so that none is empty.
            i == 0 || if dense { x < 0.9 } else { x < 2.0 / (inputs + 1) as f64 }
        };
        let points: Vec<u32> = (0..=inputs).filter(|&i| keep(i)).map(|i| i as u32).collect();
        let mut weights: Vec<f64> = points
            .iter()
            .map(|&i| number(salt ^ 6, a * (inputs + 1) + i as usize))
            .map(|x| if signed { x } else { x.abs() + 0.01 })
            .collect();
        if signed {
            weights[0] = 1.0 - weights[1..].iter().sum::<f64>();
        } else {
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|w| *w /= sum);
        }
        mixing.push_row(&points, &weights);
    }
    mixing
}

fn mixing_of(inputs: usize, picks: &[Vec<u32>]) -> Mixing {
    let mut mixing = Mixing::with_capacity(picks.len(), picks.iter().map(Vec::len).sum());
    mixing.clear(inputs);
    for row in picks {
        mixing.push_average(&mut row.clone());
    }
    mixing
}

/// The averages themselves, in `f64`.
fn materialise<T: Scalar>(messages: &Messages<T>, mixing: &Mixing) -> Messages<f64> {
    let mut out = Messages::zeros(mixing.outputs(), messages.dim());
    for a in 0..mixing.outputs() {
        let (indices, weights) = mixing.row(a);
        for (k, x) in out.row_mut(a).iter_mut().enumerate() {
            *x = indices
                .iter()
                .zip(weights)
                .map(|(&i, w)| w * messages.row(i as usize)[k].to_f64())
                .sum();
        }
    }
    out
}

/// Compares with what is formed. What two averages share cancels without a trace; the rest is as good as the distances
/// between the messages that only one of them has.
fn check<T: Scalar>(messages: &Messages<T>, mixing: &Mixing) {
    let geometry = Geometry::of(messages.view()).expect("finite");
    let mut mixed = Geometry::mixed_with_capacity(mixing.outputs());
    geometry.mix(mixing, &mut mixed);
    assert_eq!(mixed.workers(), mixing.outputs());
    let formed = materialise(messages, mixing);
    for a in 0..mixing.outputs() {
        assert_eq!(mixed.squared_distance(a, a), 0.0);
        for b in 0..mixing.outputs() {
            let unshared: Vec<usize> = (0..messages.workers())
                .filter(|&i| weight(mixing, a, i) != weight(mixing, b, i))
                .collect();
            let far = unshared
                .iter()
                .flat_map(|&i| unshared.iter().map(move |&j| (i, j)))
                .fold(0.0f64, |far, (i, j)| far.max(geometry.squared_distance(i, j)));
            let expected = between(messages, mixing, a, b);
            let measured = mixed.squared_distance(a, b);
            assert!(
                (measured - expected).abs() <= 1e-9 * expected + 16.0 * T::EPSILON * far,
                "{a}, {b}: {measured:e} against {expected:e}, messages as far as {far:e}"
            );
            assert_eq!(measured, mixed.squared_distance(b, a));
        }
        let far = (0..messages.workers())
            .filter(|&i| weight(mixing, a, i) != 0.0)
            .fold(0.0f64, |far, i| far.max(geometry.squared_norm(i)));
        let error = (mixed.squared_norm(a) - squared_norm(formed.row(a), 1.0)).abs();
        assert!(error <= 16.0 * T::EPSILON * far, "norm of {a}: error {error:e} of {far:e}");
    }
}

/// ‖ṽ_a − ṽ_b‖² from what differs: averages formed in `f64` would lose eight digits to a shared outlier of 1e8.
fn between<T: Scalar>(messages: &Messages<T>, mixing: &Mixing, a: usize, b: usize) -> f64 {
    let mut square = Exact::default();
    for k in 0..messages.dim() {
        let mut difference = Exact::default();
        for i in 0..messages.workers() {
            let e = weight(mixing, a, i) - weight(mixing, b, i);
            difference.add_product(e, messages.row(i)[k].to_f64());
        }
        square.add_product(difference.value(), difference.value());
    }
    square.value()
}

fn weight(mixing: &Mixing, a: usize, i: usize) -> f64 {
    let (indices, weights) = mixing.row(a);
    indices.iter().position(|&k| k as usize == i).map_or(0.0, |at| weights[at])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_mixed_geometry_is_that_of_the_mixed_messages(
        workers in 1usize..20, outputs in 1usize..20, s in 1usize..5, dim in 1usize..600, salt: u64,
    ) {
        let mixing = mixing_of(workers, &picks(workers, outputs, s, salt));
        check(&round::<f32>(workers, dim, salt, 0.0, 1.0), &mixing);
        check(&round::<f64>(workers, dim, salt, 0.0, 1.0), &mixing);
    }

    #[test]
    fn outliers_of_1e8_that_two_outputs_share_cost_nothing(
        workers in 4usize..16, s in 2usize..5, dim in 1usize..300, salt: u64,
    ) {
        let mut chosen = picks(workers - 1, 12, s, salt);
        // Every second average holds the outlier.
        for row in chosen.iter_mut().step_by(2) {
            row[0] = workers as u32 - 1;
        }
        let mixing = mixing_of(workers, &chosen);
        let mut single = round::<f32>(workers, dim, salt, 0.0, 1.0);
        let mut double = round::<f64>(workers, dim, salt, 0.0, 1.0);
        single.row_mut(workers - 1).fill(1e8);
        double.row_mut(workers - 1).fill(-1e8);
        check(&single, &mixing);
        check(&double, &mixing);
        let geometry = Geometry::of(double.view()).expect("finite");
        let mut mixed = Geometry::mixed_with_capacity(12);
        geometry.mix(&mixing, &mut mixed);
        for a in (0..12).step_by(2) {
            for b in (0..12).step_by(2).filter(|&b| weight(&mixing, a, workers - 1) == weight(&mixing, b, workers - 1)) {
                // The outlier is never among what differs, so it must not appear in the distance.
                prop_assert!(mixed.squared_distance(a, b) <= 4.0 * dim as f64);
            }
        }
    }

    #[test]
    fn outputs_of_the_same_messages_coincide(workers in 2usize..10, s in 1usize..6, salt: u64) {
        let mut chosen = picks(workers, 3, s, salt);
        let mut reversed = chosen[0].clone();
        reversed.reverse();
        chosen.push(reversed);
        let mixing = mixing_of(workers, &chosen);
        let geometry = Geometry::of(round::<f64>(workers, 50, salt, 1e6, 1.0).view()).expect("finite");
        let mut mixed = Geometry::mixed_with_capacity(4);
        geometry.mix(&mixing, &mut mixed);
        prop_assert_eq!(mixed.squared_distance(0, 3), 0.0);
    }

    #[test]
    fn a_permutation_moves_distances_and_changes_none(workers in 1usize..20, shift in 0usize..20, salt: u64) {
        let geometry = Geometry::of(round::<f32>(workers, 300, salt, 0.0, 1.0).view()).expect("finite");
        let order: Vec<Vec<u32>> =
            (0..workers).map(|a| vec![((a + shift) % workers) as u32]).collect();
        let mut mixed = Geometry::mixed_with_capacity(workers);
        geometry.mix(&mixing_of(workers, &order), &mut mixed);
        for a in 0..workers {
            let from = order[a][0] as usize;
            prop_assert_eq!(mixed.squared_norm(a), geometry.squared_norm(from));
            for b in 0..workers {
                let expected = geometry.squared_distance(from, order[b][0] as usize);
                prop_assert_eq!(mixed.squared_distance(a, b), expected);
            }
        }
    }

    #[test]
    fn weights_pulled_back_give_the_point_that_they_give_on_the_mixed_messages(
        workers in 1usize..12, outputs in 1usize..12, s in 1usize..4, salt: u64,
    ) {
        let messages = round::<f64>(workers, 9, salt, 0.0, 1.0);
        let mixing = mixing_of(workers, &picks(workers, outputs, s, salt));
        let formed = materialise(&messages, &mixing);
        let mixed: Vec<f64> = (0..outputs).map(|a| number(salt ^ 2, a)).collect();
        let mut c = vec![f64::NAN; workers];
        mixing.pull_back(&mixed, &mut c);
        for k in 0..9 {
            let before: f64 = (0..outputs).map(|a| mixed[a] * formed.row(a)[k]).sum();
            let after: f64 = (0..workers).map(|i| c[i] * messages.row(i)[k]).sum();
            prop_assert!((before - after).abs() < 1e-13);
        }
        prop_assert!((c.iter().sum::<f64>() - mixed.iter().sum::<f64>()).abs() < 1e-13);
    }

    #[test]
    fn rows_with_the_origin_are_measured_beside_the_origin_and_the_previous_output(
        workers in 1usize..24, outputs in 1usize..24, dim in 1usize..200, dense: bool, signed: bool, salt: u64,
    ) {
        let messages = round::<f64>(workers, dim, salt, 0.3, 1.0);
        let previous: Vec<f64> = (0..dim).map(|k| 2.0 * number(salt ^ 9, k)).collect();
        let mixing = rows_of(workers, outputs, dense, signed, salt);
        let mut geometry = Geometry::with_capacity::<f64>(workers, dim);
        let mut rows: Vec<u32> = (0..workers as u32).collect();
        geometry.measure_with(messages.view(), &mut rows, Some(&previous));
        // One that was used for something else, and is larger than needed.
        let mut mixed = geometry.clone();
        geometry.mix(&mixing, &mut mixed);
        prop_assert_eq!(mixed.points(), outputs + 2);
        prop_assert_eq!(mixed.previous(), Some(outputs + 1));

        // All points, formed; the origin has no row among the messages.
        let mut formed: Vec<Vec<f64>> = (0..outputs).map(|a| {
            let (points, weights) = mixing.row(a);
            let message = |i: u32, k| if i as usize == workers { 0.0 } else { messages.row(i as usize)[k] };
            (0..dim).map(|k| points.iter().zip(weights).map(|(&i, w)| w * message(i, k)).sum()).collect()
        }).collect();
        formed.push(vec![0.0; dim]);
        formed.push(previous);
        let size = |a: usize| match a {
            a if a < outputs => mixing.row(a).1.iter().map(|w| w.abs()).sum::<f64>(),
            _ => 1.0,
        };
        for a in 0..outputs + 2 {
            for b in 0..outputs + 2 {
                let expected = crate::common::squared_distance(&formed[a], &formed[b], 1.0);
                let measured = mixed.squared_distance(a, b);
                // Points reach 2 in each coordinate.
                let scale = 4.0 * dim as f64 * (size(a) + size(b)).powi(2);
                prop_assert!((measured - expected).abs() <= 1e-14 * scale, "{a}, {b}: {measured:e} against {expected:e}");
                prop_assert_eq!(measured, mixed.squared_distance(b, a));
            }
            prop_assert_eq!(mixed.squared_distance(a, a), 0.0);
            prop_assert_eq!(mixed.squared_norm(a), mixed.squared_distance(a, outputs));
        }
    }

    #[test]
    fn averages_of_all_but_a_few_keep_their_digits_beside_a_shared_message_far_away(
        workers in 6usize..60, missing in 1usize..4, far in 0i32..9, dim in 1usize..60, salt: u64,
    ) {
        // As nearest-neighbour mixing leaves them: every row has most of the messages, and here all have the last one.
        let mut messages = round::<f64>(workers, dim, salt, 0.0, 1.0);
        messages.row_mut(workers - 1).fill(10f64.powi(far));
        let mut mixing = Mixing::with_capacity(workers, workers * workers);
        mixing.clear(workers);
        for a in 0..workers {
            let without: Vec<u32> = (0..missing).map(|k| ((a + k * k) % (workers - 1)) as u32).collect();
            let mut row: Vec<u32> = (0..workers as u32).filter(|i| !without.contains(i)).collect();
            mixing.push_average(&mut row);
        }
        check(&messages, &mixing);
        let geometry = Geometry::of(messages.view()).expect("finite");
        let mut mixed = Geometry::mixed_with_capacity(workers);
        geometry.mix(&mixing, &mut mixed);
        for a in 0..workers {
            for b in (0..a).filter(|&b| mixing.row(a).0.len() == mixing.row(b).0.len()) {
                let expected = between(&messages, &mixing, a, b);
                let error = (mixed.squared_distance(a, b) - expected).abs();
                // Rounding is that of the few messages in which the two averages differ, which may cancel.
                let share = 2.0 * missing as f64 / (workers - missing) as f64;
                let rounding = 1e-15 * 4.0 * dim as f64 * share * share;
                prop_assert!(error <= 1e-10 * expected + rounding, "{error:e} of {expected:e}");
            }
        }
    }
}
