//! Every pre-aggregator in every variant, and messages as they leave it.
// Each test binary uses a part of this.
#![allow(dead_code)]

use fl_core::{
    AggregateError, ColumnRule, Cx, GeometricRule, Geometry, Inputs, Messages, Mixing, Rule,
    RuleSpec, Scalar, Streams, Tile,
};
use fl_resample::{
    AdaptiveClipping, Bucketing, Clipping, Identity, Law, MedianClipping, Nnm, PreAggregator,
    PreAggregatorSpec, Resample, Rest, Shape, SpecError,
};

pub(crate) type Spec = Box<dyn PreAggregatorSpec>;

/// All of them, with `s` and `tau` where they take one.
pub(crate) fn all(s: usize, tau: f64) -> [Spec; 9] {
    [
        Box::new(Resample { s, law: Law::Algorithm1 }),
        Box::new(Resample { s, law: Law::Permutation }),
        Box::new(Bucketing { s, rest: Rest::Apart }),
        Box::new(Bucketing { s, rest: Rest::Spread }),
        Box::new(Nnm),
        Box::new(Clipping { tau }),
        Box::new(AdaptiveClipping),
        Box::new(MedianClipping),
        Box::new(Identity),
    ]
}

/// A number in [−1, 1) for every address, the same on every machine.
pub(crate) fn number(salt: u64, index: usize) -> f64 {
    let mut x = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index as u64;
    for _ in 0..2 {
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

pub(crate) fn messages_of<T: Scalar>(rows: &[Vec<f64>]) -> Messages<T> {
    let mut messages = Messages::zeros(rows.len(), rows[0].len());
    for (w, row) in rows.iter().enumerate() {
        for (to, &x) in messages.row_mut(w).iter_mut().zip(row) {
            *to = T::from_f64(x);
        }
    }
    messages
}

/// This round's mixing of a built pre-aggregator, in room that suffices for it as `build` was told.
pub(crate) fn mix(
    run: &mut dyn PreAggregator,
    seed: u64,
    geometry: &Geometry,
    shape: Shape,
    mixing: &mut Mixing,
) {
    run.mixing(&Cx::new(&Streams::new(seed), 0), 0, geometry, shape, mixing);
}

/// The mixing of a fresh object.
pub(crate) fn fresh(
    spec: &dyn PreAggregatorSpec,
    seed: u64,
    geometry: &Geometry,
    shape: Shape,
) -> Mixing {
    let output = spec.output(shape).expect("a valid shape");
    let mut mixing = Mixing::with_capacity(output.workers, spec.nonzeros(shape));
    mix(&mut *spec.build(shape).expect("a valid shape"), seed, geometry, shape, &mut mixing);
    mixing
}

/// The messages that a mixing stands for. The origin is behind the rows, and adds nothing.
pub(crate) fn form(mixing: &Mixing, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let average = |a| {
        let (indices, weights) = mixing.row(a);
        let mut sum = vec![0.0; rows[0].len()];
        for (&i, w) in indices.iter().zip(weights) {
            if let Some(row) = rows.get(i as usize) {
                sum.iter_mut().zip(row).for_each(|(s, x)| *s += w * x);
            }
        }
        sum
    };
    (0..mixing.outputs()).map(average).collect()
}

/// What a pre-aggregator makes of messages of `f64`.
pub(crate) fn apply(
    spec: &dyn PreAggregatorSpec,
    seed: u64,
    rows: &[Vec<f64>],
    byzantine: usize,
) -> Vec<Vec<f64>> {
    let geometry = Geometry::of(messages_of::<f64>(rows).view()).expect("finite");
    let shape = Shape { workers: rows.len(), byzantine };
    form(&fresh(spec, seed, &geometry, shape), rows)
}

/// ∝ 1, 2, 3, … on the messages that a rule sees, so that none can take another's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rising;

impl RuleSpec for Rising {
    fn name(&self) -> &'static str {
        "rising"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::geometric(*self))
    }
}

impl GeometricRule for Rising {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let workers = inputs.geometry.workers();
        let sum = (workers * (workers + 1) / 2) as f64;
        for (i, w) in weights[..workers].iter_mut().enumerate() {
            *w = (i + 1) as f64 / sum;
        }
        Ok(())
    }
}

/// The same by columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RisingColumns;

impl RuleSpec for RisingColumns {
    fn name(&self) -> &'static str {
        "rising-columns"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::coordinate(*self))
    }
}

impl ColumnRule for RisingColumns {
    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        let sum = (tile.rows() * (tile.rows() + 1) / 2) as f64;
        for (k, out) in out.iter_mut().enumerate() {
            let x: f64 = (0..tile.rows()).map(|i| (i + 1) as f64 * tile.row(i)[k].to_f64()).sum();
            *out = T::from_f64(x / sum);
        }
    }
}

/// The weighted sum that both of them are.
pub(crate) fn rising(rows: &[Vec<f64>]) -> Vec<f64> {
    let sum = (rows.len() * (rows.len() + 1) / 2) as f64;
    let column =
        |k| rows.iter().zip(1..).map(|(row, i): (_, u32)| f64::from(i) * row[k]).sum::<f64>() / sum;
    (0..rows[0].len()).map(column).collect()
}
