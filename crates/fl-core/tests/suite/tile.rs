//! Tiles of columns: sorted, mixed and checked as plain code would do it.

use crate::common::{number, round};
use fl_core::{
    ColumnRule, Cx, GeometricRule, Geometry, Inputs, Messages, Mixing, Needs, Pipeline,
    PreAggregator, PreAggregatorSpec, Rule, RuleSpec, Scalar, Shape, SpecError, Streams, Tile,
};
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Mutex;

/// What a rule under test does with a tile.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Gives one row as it is.
    Row(usize),
    /// Gives one row after sorting.
    Sorted(usize),
    /// Gives the mean of the ranks after selecting them.
    Selected(usize, usize),
    /// Gives the mean of ranks that were asked for beforehand.
    Ranks(usize, usize),
}

#[derive(Clone, Copy, Debug)]
struct Acting(Act);

impl ColumnRule for Acting {
    fn ranks(&self, _: usize, _: usize) -> Option<Range<usize>> {
        match self.0 {
            Act::Ranks(from, to) => Some(from..to),
            _ => None,
        }
    }

    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        assert_eq!(out.len(), tile.columns());
        match self.0 {
            Act::Row(i) => out.copy_from_slice(tile.row(i)),
            Act::Sorted(i) => {
                tile.sort();
                out.copy_from_slice(tile.row(i));
            }
            Act::Selected(from, to) => {
                tile.select(from..to);
                tile.mean(from..to, out);
            }
            Act::Ranks(from, to) => tile.mean(from..to, out),
        }
    }
}

impl RuleSpec for Acting {
    fn name(&self) -> &'static str {
        "acting"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::coordinate(*self))
    }
}

fn pipeline<T: Scalar>(
    pre: Vec<Box<dyn PreAggregatorSpec>>,
    rule: impl RuleSpec + 'static,
    workers: usize,
    dim: usize,
) -> Pipeline<T> {
    Pipeline::build(pre, Box::new(rule), Shape { workers, byzantine: 0 }, dim).expect("valid")
}

fn run<T: Scalar>(pipeline: &mut Pipeline<T>, messages: &Messages<T>) -> Vec<T> {
    let mut out = vec![T::from_f64(f64::NAN); messages.dim()];
    let streams = Streams::new(0);
    pipeline.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out).expect("finite messages");
    out
}

fn acting<T: Scalar>(act: Act, messages: &Messages<T>) -> Vec<T> {
    run(&mut pipeline(Vec::new(), Acting(act), messages.workers(), messages.dim()), messages)
}

/// Each column in order.
fn sorted<T: Scalar>(messages: &Messages<T>) -> Vec<Vec<T>> {
    let column = |k| {
        let mut column: Vec<T> = (0..messages.workers()).map(|w| messages.row(w)[k]).collect();
        column.sort_by(|a, b| a.partial_cmp(b).expect("finite"));
        column
    };
    (0..messages.dim()).map(column).collect()
}

/// Messages with duplicates, zeros of both signs, the smallest and the largest numbers of the type.
fn mixed_bag<T: Scalar>(workers: usize, dim: usize, salt: u64) -> Messages<T> {
    let mut messages = round::<T>(workers, dim, salt, 0.0, 1.0);
    let extreme = if size_of::<T>() == 4 { f64::from(f32::MAX) } else { f64::MAX };
    let special = [0.0, -0.0, extreme, -extreme, 0.25, 0.25, 1e-45, -1e-300];
    for w in 0..workers {
        for (k, x) in messages.row_mut(w).iter_mut().enumerate() {
            let dice = number(salt + 1, w * dim + k);
            if dice > 0.0 {
                *x = T::from_f64(special[(dice * special.len() as f64) as usize]);
            }
        }
    }
    messages
}

fn check_sorting<T: Scalar>(workers: usize, dim: usize, salt: u64, rank: usize, width: usize) {
    let messages = mixed_bag::<T>(workers, dim, salt);
    let expected = sorted(&messages);
    let rank = rank % workers;
    let at: Vec<T> = expected.iter().map(|column| column[rank]).collect();
    assert_eq!(acting(Act::Sorted(rank), &messages), at, "rank {rank} of {workers}");
    // Which of the rows of a range is wrong can be seen from the ends of smaller ranges.
    assert_eq!(acting(Act::Ranks(rank, rank + 1), &messages), at, "rank {rank} of {workers}");
    let end = (rank + 1 + width).min(workers);
    let calm = round::<T>(workers, dim, salt, 0.0, 1.0);
    let expected = sorted(&calm);
    let means = acting(Act::Ranks(rank, end), &calm);
    assert_eq!(acting(Act::Selected(rank, end), &calm), means);
    for (x, column) in means.iter().zip(&expected) {
        let mean = column[rank..end].iter().map(|x| x.to_f64()).sum::<f64>() / (end - rank) as f64;
        assert!((x.to_f64() - mean).abs() <= 4.0 * T::EPSILON, "ranks {rank}..{end} of {workers}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_sorted_tile_is_a_plain_sort_of_each_column(
        workers in 1usize..=130,
        dim in 1usize..=200,
        salt in 0u64..1 << 40,
        rank in 0usize..130,
        width in 0usize..130,
    ) {
        check_sorting::<f32>(workers, dim, salt, rank, width);
        check_sorting::<f64>(workers, dim, salt, rank, width);
    }
}

#[test]
fn an_unsorted_tile_has_the_messages_bits() {
    let messages = mixed_bag::<f32>(5, 333, 7);
    for w in 0..5 {
        let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&acting(Act::Row(w), &messages)), bits(messages.row(w)));
    }
}

/// Mixings given in advance, one a round.
#[derive(Debug)]
struct Given {
    rows: Vec<(Vec<u32>, Vec<f64>)>,
}

impl PreAggregatorSpec for Given {
    fn name(&self) -> &'static str {
        "given"
    }
    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        Ok(Shape { workers: self.rows.len(), ..shape })
    }
    fn nonzeros(&self, shape: Shape) -> usize {
        self.rows.len() * (shape.workers + 1)
    }
    fn build(&self, _: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        Ok(Box::new(Self { rows: self.rows.clone() }))
    }
    fn needs_distances(&self) -> bool {
        false
    }
}

impl PreAggregator for Given {
    fn mixing(&mut self, _: &Cx<'_>, _: usize, geometry: &Geometry, _: Shape, out: &mut Mixing) {
        out.clear(geometry.workers());
        for (points, weights) in &self.rows {
            out.push_row(points, weights);
        }
    }
}

/// Rows of random support and weights that sum to 1, the origin among the points, some rows equal.
fn rows(inputs: usize, outputs: usize, salt: u64) -> Vec<(Vec<u32>, Vec<f64>)> {
    let mut rows: Vec<(Vec<u32>, Vec<f64>)> = Vec::new();
    for a in 0..outputs {
        if a > 2 && number(salt, a) > 0.6 {
            rows.push(rows[a / 2].clone());
            continue;
        }
        let density = number(salt + 1, a);
        let mut points: Vec<u32> = (0..=inputs as u32)
            .filter(|&i| number(salt + 2, a * 1000 + i as usize) <= density)
            .collect();
        if points.is_empty() {
            points.push((a % inputs) as u32);
        }
        let weights: Vec<f64> =
            points.iter().map(|&i| 1.5 + number(salt + 3, a * 1000 + i as usize)).collect();
        let total: f64 = weights.iter().sum();
        rows.push((points, weights.iter().map(|w| w / total).collect()));
    }
    rows
}

fn check_mixing<T: Scalar>(inputs: usize, outputs: usize, dim: usize, salt: u64) {
    let messages = round::<T>(inputs, dim, salt, 3.0, 1.0);
    let rows = rows(inputs, outputs, salt);
    for (a, (points, weights)) in rows.iter().enumerate() {
        let pre: Vec<Box<dyn PreAggregatorSpec>> = vec![Box::new(Given { rows: rows.clone() })];
        let out = run(&mut pipeline(pre, Acting(Act::Row(a)), inputs, dim), &messages);
        for (k, x) in out.iter().enumerate() {
            let terms = points.iter().zip(weights).filter(|(i, _)| (**i as usize) < inputs);
            let exact: f64 = terms.map(|(&i, w)| w * messages.row(i as usize)[k].to_f64()).sum();
            let bound = (points.len() + 2) as f64 * T::EPSILON * 4.0;
            assert!((x.to_f64() - exact).abs() <= bound, "row {a}, column {k}: {x} {exact}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_mixed_tile_holds_the_sums_of_the_mixing(
        inputs in 1usize..40,
        outputs in 1usize..40,
        dim in 1usize..150,
        salt in 0u64..1 << 40,
    ) {
        check_mixing::<f32>(inputs, outputs, dim, salt);
        check_mixing::<f64>(inputs, outputs, dim, salt);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let messages = mixed_bag::<f32>(37, 5003, 11);
    let rows = rows(37, 21, 5);
    let all = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let pre = || -> Vec<Box<dyn PreAggregatorSpec>> {
                vec![Box::new(Given { rows: rows.clone() })]
            };
            let calm = round::<f32>(37, 5003, 3, 0.0, 1.0);
            let plain = acting(Act::Ranks(5, 30), &messages);
            let mixed = run(&mut pipeline(pre(), Acting(Act::Ranks(3, 18)), 37, 5003), &calm);
            let mut looked = pipeline(pre(), Looking::default(), 37, 5003);
            let distances = run(&mut looked, &calm);
            [plain, mixed, distances].concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        })
    };
    let one = all(1);
    for threads in [2, 3, 8] {
        assert!(all(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_message_that_is_not_finite_is_left_out_wherever_it_is_not() {
    for dim in [1usize, 63, 64, 65, 130] {
        for column in (0..dim).step_by(7).chain([dim - 1]) {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut messages = round::<f32>(9, dim, 1, 0.0, 1.0);
                messages.row_mut(4)[column] = bad;
                let left: Vec<&[f32]> =
                    (0..9).filter(|&w| w != 4).map(|w| messages.row(w)).collect();
                let expected = acting(Act::Ranks(2, 6), &Messages::from_rows(&left));
                let mut server = pipeline(Vec::new(), Acting(Act::Ranks(2, 6)), 9, dim);
                let mut out = vec![0.0; dim];
                let streams = Streams::new(0);
                let cx = &Cx::new(&streams, 0);
                let report = server.aggregate(cx, messages.view(), &mut out).expect("enough");
                assert_eq!((report.dropped, out), (1, expected), "{bad} at {column} of {dim}");
            }
        }
    }
}

#[test]
fn the_largest_numbers_are_finite_and_their_means_too() {
    for x in [f32::MAX, -f32::MAX] {
        let messages = Messages::from_rows(&[[x; 70], [x; 70], [-x; 70]]);
        assert_eq!(acting(Act::Ranks(0, 2), &messages)[69], if x > 0.0 { 0.0 } else { x });
        let thirds = acting(Act::Ranks(0, 3), &messages)[69];
        assert!((thirds / x - 1.0 / 3.0).abs() < 1e-6, "{thirds:e}");
    }
}

/// A rule on weights that asks how far the messages are from their coordinate-wise middle.
#[derive(Debug, Default)]
struct Looking {
    seen: std::sync::Arc<Mutex<Vec<f64>>>,
}

impl RuleSpec for Looking {
    fn name(&self) -> &'static str {
        "looking"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(Rule::geometric(Self { seen: self.seen.clone() }))
    }
}

impl GeometricRule for Looking {
    fn needs(&self) -> Needs {
        Needs { columns: true, ..Needs::default() }
    }
    fn weights(
        &mut self,
        inputs: Inputs<'_>,
        weights: &mut [f64],
    ) -> Result<(), fl_core::AggregateError> {
        let n = inputs.geometry.workers();
        let mut far = vec![0.0; n];
        inputs.probe.distances_to(&Acting(Act::Sorted(n / 2)), 0, &mut far);
        let total: f64 = far.iter().sum();
        for (w, far) in weights.iter_mut().zip(&far) {
            *w = if total > 0.0 { far / total } else { 1.0 / n as f64 };
        }
        *self.seen.lock().expect("no panic") = far;
        Ok(())
    }
}

fn check_distances<T: Scalar>(scale: f64, tolerance: f64) {
    for (workers, dim) in [(1, 1), (3, 10), (9, 333), (12, 5000)] {
        let messages = round::<T>(workers, dim, 2, scale, 0.5 * scale);
        let looking = Looking::default();
        let seen = looking.seen.clone();
        let mut server = pipeline(Vec::new(), looking, workers, dim);
        run(&mut server, &messages);
        let unit = server.geometry().expect("measured").unit();
        let middle: Vec<T> = sorted(&messages).iter().map(|column| column[workers / 2]).collect();
        for (w, &seen) in seen.lock().expect("no panic").iter().enumerate() {
            let expected = crate::common::squared_distance(messages.row(w), &middle, unit);
            assert!((seen - expected).abs() <= tolerance * expected, "{seen:e} {expected:e}");
        }
    }
}

#[test]
fn distances_to_what_a_rule_makes_of_the_messages_are_those_of_the_definition() {
    for scale in [1.0, 1e-30, 1e30] {
        check_distances::<f32>(scale, 1e-14);
        check_distances::<f64>(scale, 1e-14);
    }
    check_distances::<f64>(1e200, 1e-14);
    check_distances::<f64>(1e-200, 1e-14);
}
