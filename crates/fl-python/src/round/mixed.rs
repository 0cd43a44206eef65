//! What pre-aggregators make of messages, as the matrix that mixes them.

use super::work::{LONG, operations};
use crate::convert::matrix::{self, OnMatrix, Real};
use crate::convert::watched::watched;
use crate::convert::{errors, fork};
use crate::parts;
use fl_core::{Cx, MessagesRef, Pipeline, Shape, SpecError, Streams};
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The matrix S of a chain of pre-aggregators, outputs × W: what comes out of it is S times the messages. The columns of
/// messages that are not finite are zero.
#[pyfunction]
fn mixing<'py>(
    pre: Vec<Bound<'py, PyAny>>,
    rule: &Bound<'py, PyAny>,
    messages: &Bound<'py, PyAny>,
    byzantine: usize,
    seed: u64,
    round: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    fork::check()?;
    matrix::with(messages, Mixed { pre, rule, byzantine, seed, round })
}

struct Mixed<'a, 'py> {
    pre: Vec<Bound<'py, PyAny>>,
    /// A rule that takes whatever comes out.
    rule: &'a Bound<'py, PyAny>,
    byzantine: usize,
    seed: u64,
    round: u64,
}

impl<'py> OnMatrix<'py> for Mixed<'_, 'py> {
    type Output = Bound<'py, PyArray2<f64>>;

    fn single(self, matrix: &PyReadonlyArray2<'py, f32>) -> PyResult<Self::Output> {
        self.call(matrix)
    }

    fn double(self, matrix: &PyReadonlyArray2<'py, f64>) -> PyResult<Self::Output> {
        self.call(matrix)
    }
}

impl<'py> Mixed<'_, 'py> {
    fn call<T: Real>(
        self,
        matrix: &PyReadonlyArray2<'py, T>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let py = matrix.py();
        let requirement = |e: SpecError| errors::requirement(&e);
        let (workers, dim) = matrix::shape(matrix);
        let (rule, pre) = (parts::rule(self.rule)?, parts::chain(&self.pre)?);
        let shape = Shape { workers, byzantine: self.byzantine };
        let long = operations(&*rule, &pre, shape, dim)? >= LONG;
        let mut server = Pipeline::<T>::build(pre, rule, shape, dim).map_err(requirement)?;
        let messages = MessagesRef::new(matrix.as_slice()?, workers, dim).expect("a packed matrix");
        let (seed, round) = (self.seed, self.round);
        let mut out = vec![T::ZERO; dim];
        let stop = Arc::new(AtomicBool::new(false));
        let streams = Streams::new(seed).interrupted_by(Arc::clone(&stop));
        let work = || server.aggregate(&Cx::new(&streams, round), messages, &mut out);
        let end = || stop.store(true, Relaxed);
        let result = if long { watched(py, end, |_| Ok(()), work)? } else { py.detach(work) };
        result.map_err(|e| errors::aggregation(&e))?;
        // One row a message that arrived; each stage mixes what the one before it has made.
        let mut rows: Vec<Vec<f64>> =
            server.rows().iter().map(|&w| unit(w as usize, workers)).collect();
        for stage in server.mixings() {
            let mixed = |a: usize| {
                let mut sum = vec![0.0; workers];
                let (points, weights) = stage.row(a);
                for (&point, &weight) in points.iter().zip(weights) {
                    // The point behind the messages is the origin.
                    let row = rows.get(point as usize).into_iter().flatten();
                    sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x);
                }
                sum
            };
            rows = (0..stage.outputs()).map(mixed).collect();
        }
        let made = PyArray2::zeros(py, [rows.len(), workers], false);
        let mut numbers = made.try_readwrite()?;
        for (to, from) in numbers.as_slice_mut()?.chunks_exact_mut(workers).zip(&rows) {
            to.copy_from_slice(from);
        }
        drop(numbers);
        Ok(made)
    }
}

fn unit(w: usize, workers: usize) -> Vec<f64> {
    (0..workers).map(|i| f64::from(u8::from(i == w))).collect()
}

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(mixing, module)?)
}
