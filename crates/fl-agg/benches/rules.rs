//! Rules of the server at the sizes of the paper's models and above, beside a copy of the messages and plain code.
//!
//! `cargo bench -p fl-agg`: each line is the shortest time of a whole call on two threads.

mod rounds;

use criterion::{Criterion, criterion_group, criterion_main};
use fl_agg::{CoordinateMedian, GeometricMedian, Krum, Meamed, TrimmedMean};
use fl_core::{Cx, Geometry, Messages, Mixing, PreAggregator, PreAggregatorSpec, Shape, SpecError};
use rounds::{Bench, Round, SIZES};
use std::hint::black_box;

/// Nearest-neighbour mixing: every message becomes the mean of the W − f nearest to it, itself included.
#[derive(Clone, Debug)]
struct Neighbours {
    order: Vec<u32>,
}

impl PreAggregatorSpec for Neighbours {
    fn name(&self) -> &'static str {
        "nearest-neighbour mixing"
    }
    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        Ok(shape)
    }
    fn nonzeros(&self, shape: Shape) -> usize {
        shape.workers * shape.workers
    }
    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        Ok(Box::new(Self { order: Vec::with_capacity(shape.workers) }))
    }
}

impl PreAggregator for Neighbours {
    fn mixing(&mut self, _: &Cx<'_>, _: usize, g: &Geometry, shape: Shape, out: &mut Mixing) {
        let near = shape.workers - shape.byzantine;
        out.clear(shape.workers);
        for a in 0..shape.workers {
            let row = g.row(a);
            self.order.clear();
            self.order.extend(0..shape.workers as u32);
            self.order.sort_unstable_by(|&i, &j| {
                row[i as usize].total_cmp(&row[j as usize]).then(i.cmp(&j))
            });
            out.push_average(&mut self.order[..near]);
        }
    }
}

/// The textbook's Weiszfeld iteration in the space of messages, as often as it is usually run.
fn weiszfeld(messages: &Messages<f32>, iterations: usize) {
    let mut z = vec![0.0f32; messages.dim()];
    for _ in 0..iterations {
        let (mut next, mut total) = (vec![0.0f32; messages.dim()], 0.0);
        for row in messages.view().rows() {
            let squares = row.iter().zip(&z).map(|(x, z)| (x - z) * (x - z));
            let weight = 1.0 / squares.sum::<f32>().sqrt().max(1e-6);
            total += weight;
            next.iter_mut().zip(row).for_each(|(n, x)| *n += weight * x);
        }
        next.iter_mut().for_each(|x| *x /= total);
        z = next;
    }
    black_box(z);
}

fn all_pairs(messages: &Messages<f32>) {
    for i in 0..messages.workers() {
        for j in 0..i {
            let pairs = messages.row(i).iter().zip(messages.row(j));
            black_box(pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>());
        }
    }
}

fn sort_columns(messages: &Messages<f32>) {
    let mut column = vec![0.0f32; messages.workers()];
    for k in 0..messages.dim() {
        column.iter_mut().zip(messages.view().rows()).for_each(|(x, row)| *x = row[k]);
        column.sort_unstable_by(f32::total_cmp);
        black_box(column[column.len() / 2]);
    }
}

fn rules(criterion: &mut Criterion) {
    for (workers, dim) in SIZES {
        for round in Round::ALL {
            let messages = round.messages::<f32>(workers, dim);
            let f = round.byzantine(workers);
            let mut bench = Bench::new(criterion, &messages, round.name());
            let none = Vec::new;
            let median = GeometricMedian { relative_gap: 1e-6, ..GeometricMedian::default() };
            bench.call("geometric median", f, none(), median, Some(&|| weiszfeld(&messages, 10)));
            bench.call("krum", f, none(), Krum::default(), Some(&|| all_pairs(&messages)));
            let sort = || sort_columns(&messages);
            bench.call("coordinate median", f, none(), CoordinateMedian::default(), Some(&sort));
            bench.call("trimmed mean", f, none(), TrimmedMean::default(), Some(&sort));
            bench.call("meamed", f, none(), Meamed::default(), None);
            let nnm: Vec<Box<dyn PreAggregatorSpec>> =
                vec![Box::new(Neighbours { order: Vec::new() })];
            bench.call("nnm + trimmed mean", f, nnm, TrimmedMean::default(), None);
        }
    }
}

criterion_group! { name = benches; config = rounds::criterion(); targets = rules }
criterion_main!(benches);
