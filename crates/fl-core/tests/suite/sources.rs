//! Messages that cannot be read: what a round says then, and that it ends.

use fl_core::{
    AggregateError, ColumnRule, Cx, GeometricRule, Geometry, Inputs, Messages, Needs, Pipeline,
    Rule, RuleSpec, Scalar, Shape, Source, SourceError, SpecError, Streams, Tile, combine,
    combine_from,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

const WORKERS: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Blind {
    /// Looks at nothing but some columns, and refuses messages that are equal there.
    Sampling,
    /// The same with distances to a rule on columns.
    Looking,
    /// The first message's numbers.
    First,
}

impl RuleSpec for Blind {
    fn name(&self) -> &'static str {
        "blind"
    }
    fn check(&self, _: Shape) -> Result<(), SpecError> {
        Ok(())
    }
    fn build(&self, _: Shape) -> Result<Rule, SpecError> {
        Ok(match self {
            Self::First => Rule::coordinate(First),
            _ => Rule::geometric(*self),
        })
    }
}

impl GeometricRule for Blind {
    fn needs(&self) -> Needs {
        let columns = matches!(self, Self::Looking);
        let sample = if columns { 0 } else { 3 };
        Needs { distances: false, columns, sample, ..Needs::default() }
    }
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let mut found = [0.0; WORKERS];
        match self {
            Self::Sampling => {
                let mut geometry = Geometry::with_capacity::<f32>(WORKERS, 3);
                inputs.probe.sample(&[0, 1, 2], &mut geometry);
                (0..WORKERS).for_each(|i| found[i] = geometry.squared_norm(i));
            }
            _ => inputs.probe.distances_to(&First, 0, &mut found),
        }
        weights[0] = 1.0;
        match found.iter().any(|x| *x != 0.0) {
            true => Ok(()),
            false => Err(AggregateError::NonFinite { worker: 0 }),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct First;

impl ColumnRule for First {
    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        out.copy_from_slice(tile.row(0));
    }
}

/// Ones, of which those of worker 0 cannot be read; all other reads wait until somebody has tried.
#[derive(Debug)]
struct Broken {
    dim: usize,
    tried: Mutex<bool>,
    told: Condvar,
    reads: AtomicUsize,
}

impl Broken {
    fn new(dim: usize) -> Self {
        let (tried, told) = (Mutex::new(false), Condvar::new());
        Self { dim, tried, told, reads: AtomicUsize::new(0) }
    }
}

impl Source<f32> for Broken {
    fn workers(&self) -> usize {
        WORKERS
    }
    fn dim(&self) -> usize {
        self.dim
    }
    fn read(&self, worker: usize, from: usize, out: &mut [f32]) -> Result<(), SourceError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut tried = self.tried.lock().expect("no panic");
        if worker == 0 && from == 0 {
            *tried = true;
            self.told.notify_all();
            return Err(SourceError("worker 0 is away".into()));
        }
        while !*tried {
            tried = self.told.wait(tried).expect("no panic");
        }
        out.fill(1.0);
        Ok(())
    }
}

fn round(rule: Blind, source: &Broken) -> AggregateError {
    let shape = Shape { workers: WORKERS, byzantine: 1 };
    let mut server = Pipeline::<f32>::build(Vec::new(), Box::new(rule), shape, source.dim)
        .expect("a valid shape");
    let (streams, sink) = (Streams::new(0), Mutex::new(vec![0.0; source.dim]));
    server.aggregate_from(&Cx::new(&streams, 0), source, &sink, 0).expect_err("worker 0 is away")
}

/// Two threads, of which one reads on until it learns that the other has failed.
fn on_two_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool").install(work)
}

#[test]
fn a_source_that_fails_is_told_before_what_a_rule_says_without_it() {
    for rule in [Blind::Sampling, Blind::Looking] {
        let said = round(rule, &Broken::new(3000));
        assert_eq!(said, AggregateError::Source("worker 0 is away".into()), "{rule:?}");
    }
}

#[test]
fn a_pass_ends_soon_after_a_source_has_failed() {
    // A tile has 2048 columns at least: a whole pass would be a thousand reads of each worker.
    let dim = 1000 * 2048;
    for rule in [Blind::First, Blind::Looking] {
        let source = Broken::new(dim);
        let said = on_two_threads(|| round(rule, &source));
        assert_eq!(said, AggregateError::Source("worker 0 is away".into()));
        let reads = source.reads.load(Ordering::Relaxed);
        assert!(reads < 250 * WORKERS, "{rule:?}: {reads} reads");
    }
}

/// Messages that pretend not to be in memory.
#[derive(Debug)]
pub(crate) struct Elsewhere<'a, T>(pub(crate) &'a Messages<T>);

impl<T: Scalar> Source<T> for Elsewhere<'_, T> {
    fn workers(&self) -> usize {
        self.0.workers()
    }
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn read(&self, worker: usize, from: usize, out: &mut [T]) -> Result<(), SourceError> {
        out.copy_from_slice(&self.0.row(worker)[from..from + out.len()]);
        Ok(())
    }
}

/// The public form of the second pass: the bits of [`combine`], from anywhere.
#[test]
fn a_combination_has_the_same_bits_from_anywhere() {
    for dim in [1, 2047, 5000, 70_001] {
        let messages = crate::common::round::<f64>(6, dim, 5, 0.0, 1.0);
        let (rows, weights) = ([0, 2, 3, 5], [0.5, 0.25, 0.0, 0.375, -0.125]);
        let mut expected = vec![0.0; dim];
        assert!(combine(messages.view(), &rows, &weights, None, &mut expected));
        let source = Elsewhere(&messages);
        for memory in [0, 1 << 20, 1 << 30] {
            let sink = Mutex::new(vec![0.0; dim]);
            let finite = combine_from(&source, &rows, &weights, &sink, memory);
            assert_eq!(finite, Ok(true));
            let found = sink.into_inner().expect("no panic");
            assert!(
                found.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()),
                "{dim} {memory}"
            );
        }
    }
}
