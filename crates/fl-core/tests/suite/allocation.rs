//! A round allocates nothing: counted in the allocator, on a pool of one thread.

use crate::common::round;
use crate::sources::Elsewhere;
use allocation_counter::measure;
use fl_core::{
    AggregateError, ColumnRule, Cx, GeometricRule, Geometry, Inputs, Messages, Mixing, Needs,
    Pipeline, PreAggregator, PreAggregatorSpec, Rule, RuleSpec, Scalar, Shape, SpecError, Streams,
    Tile, least_tile_bytes, server_cost,
};
use std::ops::Range;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Equal weights.
    Equal,
    /// In every coordinate the mean of the middle third.
    Columns,
    /// Weights by the distance to that.
    Far,
}

impl RuleSpec for Kind {
    fn name(&self) -> &'static str {
        "kind"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        match self {
            Self::Columns => Ok(Rule::coordinate(Middle)),
            _ => Ok(Rule::geometric(*self)),
        }
    }
}

impl GeometricRule for Kind {
    fn needs(&self) -> Needs {
        Needs { columns: matches!(self, Self::Far), ..Needs::default() }
    }
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let workers = inputs.geometry.workers();
        let weights = &mut weights[..workers];
        weights.fill(1.0);
        if matches!(self, Self::Far) {
            inputs.probe.distances_to(&Middle, 0, weights);
        }
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Middle;

impl ColumnRule for Middle {
    fn ranks(&self, rows: usize, _: usize) -> Option<Range<usize>> {
        Some(rows / 3..rows - rows / 3)
    }
    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        // A rule may also sort by itself.
        tile.sort();
        tile.mean(tile.rows() / 3..tile.rows() - tile.rows() / 3, out);
    }
}

/// Averages of neighbours.
#[derive(Clone, Copy, Debug)]
struct Pairs;

impl PreAggregatorSpec for Pairs {
    fn name(&self) -> &'static str {
        "pairs"
    }
    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        Ok(shape)
    }
    fn nonzeros(&self, shape: Shape) -> usize {
        2 * shape.workers
    }
    fn build(&self, _: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        Ok(Box::new(*self))
    }
}

impl PreAggregator for Pairs {
    fn mixing(&mut self, _: &Cx<'_>, _: usize, _: &Geometry, shape: Shape, out: &mut Mixing) {
        let n = shape.workers as u32;
        out.clear(shape.workers);
        for a in 0..n {
            out.push_average(&mut [a, (a + 1) % n]);
        }
    }
}

fn count<T: Scalar>(rounds: &[Messages<T>], rule: Kind, pairs: usize) -> u64 {
    let (workers, dim) = (rounds[0].workers(), rounds[0].dim());
    let pre = (0..pairs).map(|_| Box::new(Pairs) as Box<dyn PreAggregatorSpec>).collect();
    let shape = Shape { workers, byzantine: 2 };
    let mut server = Pipeline::<T>::build(pre, Box::new(rule), shape, dim).expect("a valid chain");
    let mut out = vec![T::ZERO; dim];
    let streams = Streams::new(0);
    let counted = measure(|| {
        for (k, messages) in rounds.iter().enumerate() {
            server
                .aggregate(&Cx::new(&streams, k as u64), messages.view(), &mut out)
                .expect("enough finite messages");
        }
    });
    counted.count_total
}

#[test]
fn a_round_allocates_nothing_not_even_one_with_messages_that_are_odd() {
    fn rounds<T: Scalar>(workers: usize, dim: usize) -> Vec<Messages<T>> {
        let ordinary = round::<T>(workers, dim, 1, 0.0, 1.0);
        let mut dropped = ordinary.clone();
        dropped.row_mut(1)[dim - 1] = T::from_f64(f64::NAN);
        let tiny = round::<T>(workers, dim, 2, 0.0, 1e-36);
        let mut huge = ordinary.clone();
        huge.row_mut(0).fill(T::from_f64(1e30));
        vec![ordinary.clone(), dropped, tiny, huge, ordinary]
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    // Both below and above the size from which a pass is parallel.
    for (workers, dim) in [(5, 10), (30, 7850)] {
        let (single, double) = (rounds::<f32>(workers, dim), rounds::<f64>(workers, dim));
        for rule in [Kind::Equal, Kind::Columns, Kind::Far] {
            for pairs in 0..3 {
                let name = format!("{rule:?} behind {pairs}, {workers} × {dim}");
                assert_eq!(pool.install(|| count(&single, rule, pairs)), 0, "f32, {name}");
                assert_eq!(pool.install(|| count(&double, rule, pairs)), 0, "f64, {name}");
            }
        }
    }
}

/// Bytes at most that a server takes for messages that are not in memory: found, and said beforehand.
fn taken<T: Scalar>(rounds: &[Messages<T>], rule: Kind, pairs: usize) -> (u64, u64) {
    let (workers, dim) = (rounds[0].workers(), rounds[0].dim());
    let pre: Vec<Arc<dyn PreAggregatorSpec>> = (0..pairs).map(|_| Arc::new(Pairs) as _).collect();
    let (rule, shape): (Arc<dyn RuleSpec>, _) = (Arc::new(rule), Shape { workers, byzantine: 2 });
    let cost = server_cost::<T>(&pre, &*rule, shape, dim).expect("a valid chain");
    let said = cost.bytes + cost.streaming + least_tile_bytes::<T>(workers);
    let (streams, sink) = (Streams::new(0), Mutex::new(vec![T::ZERO; dim]));
    let found = measure(|| {
        let server = Pipeline::<T>::without_memory(&pre, &rule, shape, dim);
        let mut server = server.expect("a valid chain");
        for messages in rounds {
            let cx = Cx::new(&streams, 0);
            server.aggregate_from(&cx, &Elsewhere(messages), &sink, 0).expect("finite messages");
        }
    });
    (found.bytes_max, said as u64)
}

#[test]
fn a_server_takes_what_it_costs() {
    fn check<T: Scalar>(workers: usize, dim: usize) {
        let ordinary = round::<T>(workers, dim, 1, 0.0, 1.0);
        // Their squares vanish, and those of one overflow.
        let tiny = round::<T>(workers, dim, 2, 0.0, T::MAX.to_f64().powf(-0.7));
        let mut far = ordinary.clone();
        far.row_mut(0).fill(T::from_f64(T::MAX.to_f64() * 0.4));
        let rounds = [ordinary, tiny, far];
        for rule in [Kind::Equal, Kind::Columns, Kind::Far] {
            for pairs in 0..4 {
                let (found, said) = taken(&rounds, rule, pairs);
                let name = format!("{rule:?} behind {pairs}, {workers} × {dim}, {}", T::NAME);
                // Lists as long as there are workers are not counted.
                assert!(found <= said + 300 * workers as u64 + 4096, "{found} of {said}, {name}");
                assert!(found * 5 / 4 + 4096 >= said, "{found} of {said}, {name}");
            }
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(|| {
        for (workers, dim) in [(7, 5000), (60, 40), (60, 2500)] {
            check::<f32>(workers, dim);
            check::<f64>(workers, dim);
        }
    });
}
