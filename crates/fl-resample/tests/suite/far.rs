//! Messages of any size before a rule: distances behind a pre-aggregator are those of the messages that it makes.

use crate::common::{all, form, messages_of};
use fl_core::{
    AggregateError, ColumnRule, Cx, GeometricRule, Geometry, Inputs, Needs, Pipeline, Rule,
    RuleSpec, Scalar, Streams, Tile,
};
use fl_resample::{AdaptiveClipping, Clipping, Nnm, PreAggregatorSpec, Shape, SpecError};
use proptest::prelude::*;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Keeps what geometry it was shown.
#[derive(Clone, Debug, Default)]
struct Witness(Arc<Mutex<Option<Geometry>>>);

impl RuleSpec for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::geometric(self.clone()))
    }
}

impl GeometricRule for Witness {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        *self.0.lock().expect("one thread") = Some(inputs.geometry.clone());
        weights[0] = 1.0;
        Ok(())
    }
}

/// The mean, and the coordinate-wise median.
#[derive(Clone, Copy, Debug)]
struct Mean;
#[derive(Clone, Copy, Debug)]
struct Median;

impl RuleSpec for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::geometric(*self))
    }
}

impl GeometricRule for Mean {
    fn needs(&self) -> Needs {
        Needs { distances: false, ..Needs::default() }
    }
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let workers = inputs.geometry.workers();
        weights[..workers].fill(1.0 / workers as f64);
        Ok(())
    }
}

impl RuleSpec for Median {
    fn name(&self) -> &'static str {
        "median"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::coordinate(*self))
    }
}

impl ColumnRule for Median {
    fn ranks(&self, rows: usize, _: usize) -> Option<Range<usize>> {
        Some((rows - 1) / 2..rows / 2 + 1)
    }
    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        tile.mean((tile.rows() - 1) / 2..tile.rows() / 2 + 1, out);
    }
}

fn chain<T: Scalar>(
    spec: Box<dyn PreAggregatorSpec>,
    rule: impl RuleSpec + 'static,
    rows: &[Vec<f64>],
    byzantine: usize,
) -> (Vec<f64>, Pipeline<T>) {
    let shape = Shape { workers: rows.len(), byzantine };
    let dim = rows[0].len();
    let mut pipeline = Pipeline::<T>::build(vec![spec], Box::new(rule), shape, dim).expect("valid");
    let mut out = vec![T::ZERO; dim];
    let messages = messages_of::<T>(rows);
    pipeline.aggregate(&Cx::new(&Streams::new(0), 0), messages.view(), &mut out).expect("finite");
    (out.into_iter().map(T::to_f64).collect(), pipeline)
}

/// ‖a − b‖, whatever the size of the numbers.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let halves: Vec<f64> = a.iter().zip(b).map(|(x, y)| 0.5 * x - 0.5 * y).collect();
    let most = halves.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    if most == 0.0 {
        return 0.0;
    }
    halves.iter().map(|x| (x / most).powi(2)).sum::<f64>().sqrt() * most * 2.0
}

#[test]
fn regression_clipping_left_a_message_long_beside_one_beyond_1e154() {
    for far in [1e100, 1e154, 1e200, f64::MAX] {
        let rows =
            [[1e6, 0.0], [far, far], [0.9, 1.1], [1.1, 0.9]].map(|row| row.to_vec()).to_vec();
        let (out, _) = chain::<f64>(Box::new(Clipping { tau: 2.0 }), Mean, &rows, 1);
        let off = distance(&out, &[1.35355339059, 0.853553390593]);
        assert!(off < 1e-11, "{far:e}: {out:?}");
    }
}

#[test]
fn regression_neighbours_were_lost_beside_a_message_beyond_1e154() {
    let rows =
        [[1e6, 1e6], [1e200, 1e200], [0.9, 1.1], [1.1, 0.9], [1.0, 1.2], [1.0, 0.8], [1.2, 1.0]]
            .map(|row| row.to_vec());
    let (out, _) = chain::<f64>(Box::new(Nnm), Median, &rows, 2);
    assert!(distance(&out, &[1.04, 1.0]) < 1e-15, "{out:?}");
}

fn any_number() -> impl Strategy<Value = f64> {
    let sizes =
        prop_oneof![4 => (-323.0..308.0f64).prop_map(|e| 10f64.powf(e)), 1 => Just(f64::MAX)];
    (sizes, -1.0..1.0f64).prop_map(|(size, part)| size * part)
}

/// Seven messages near each other, and two of any size: of one, or of another in every coordinate.
fn any_round() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let near = prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 5), 7);
    let far = prop::collection::vec(prop::collection::vec(any_number(), 5), 1);
    let along = (prop::collection::vec(-1.0..1.0f64, 5), any_number());
    let along = along.prop_map(|(v, size)| v.into_iter().map(|x| x * size).collect());
    (near, far, along, 0..7usize).prop_map(
        |(mut near, far, along, at): (_, Vec<_>, Vec<f64>, _)| {
            near.extend(far);
            near.insert(at, along);
            near
        },
    )
}

proptest! {
    #[test]
    fn distances_behind_a_pre_aggregator_are_those_of_its_messages(rows in any_round(), tau in 0.01..100.0f64) {
        for spec in all(2, tau) {
            let name = format!("{spec:?}");
            let witness = Witness::default();
            let (_, pipeline) = chain::<f64>(spec, witness.clone(), &rows, 2);
            let made = form(pipeline.mixings().next().expect("one"), &rows);
            let geometry = witness.0.lock().expect("one thread").take().expect("shown");
            let size = made.iter().map(|row| distance(row, &[0.0; 5])).collect::<Vec<_>>();
            for i in 0..made.len() {
                for j in 0..i {
                    let seen = geometry.distance(i, j) * geometry.unit();
                    let expected = distance(&made[i], &made[j]);
                    // The messages were formed with rounding, as they would be anywhere.
                    let rounding = 1e-14 * size[i].max(size[j]);
                    prop_assert!(
                        (seen - expected).abs() <= 1e-5 * expected + rounding
                            || (seen.is_infinite() && expected > 1e300)
                            || (seen == 0.0 && expected < 1e-300 * geometry.unit()),
                        "{name}: {i} {j} {seen:e} {expected:e}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_message_that_was_clipped_is_longer_than_its_bound(rows in any_round(), tau in -30.0..30.0f64) {
        let tau = 10f64.powf(tau);
        let zeros = vec![0.0; 5];
        let (_, pipeline) = chain::<f64>(Box::new(Clipping { tau }), Witness::default(), &rows, 2);
        for row in form(pipeline.mixings().next().expect("one"), &rows) {
            prop_assert!(distance(&row, &zeros) <= tau * (1.0 + 1e-12), "{row:?} {tau:e}");
        }
        // k = ⌊2 · 2 · 7 / 9⌋ = 3 are shortened to the sixth.
        let mut norms: Vec<f64> = rows.iter().map(|row| distance(row, &zeros)).collect();
        norms.sort_by(f64::total_cmp);
        let (_, pipeline) = chain::<f64>(Box::new(AdaptiveClipping), Witness::default(), &rows, 2);
        for row in form(pipeline.mixings().next().expect("one"), &rows) {
            prop_assert!(distance(&row, &zeros) <= norms[5] * (1.0 + 1e-12), "{row:?} {norms:?}");
        }
    }

    #[test]
    fn what_is_clipped_is_as_short_in_single_precision(rows in any_round(), tau in -20.0..20.0f64) {
        let tau = 10f64.powf(tau);
        let most = f64::from(f32::MAX);
        let rows: Vec<Vec<f64>> =
            rows.iter().map(|r| r.iter().map(|x| f64::from(x.clamp(-most, most) as f32)).collect()).collect();
        // The mean of messages no longer than τ is none longer.
        let (out, _) = chain::<f32>(Box::new(Clipping { tau }), Mean, &rows, 2);
        prop_assert!(distance(&out, &[0.0; 5]) <= tau * (1.0 + 1e-5), "{out:?} {tau:e}");
    }
}
