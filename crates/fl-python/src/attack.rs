//! What Byzantine workers send, given what all workers would honestly send.

use crate::convert::matrix::{self, OnMatrix, Real};
use crate::convert::{errors, fork};
use crate::{custom, parts};
use fl_core::{
    AttackContext, AttackView, Cx, Federation, Knowledge, Messages, Pipeline, Shape, SpecError,
    Streams,
};
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;

/// The messages of the last `count` workers as an attack makes them: W × p in, count × p out.
#[pyfunction]
#[pyo3(signature = (attack, messages, count, own, rule, pre, seed, round))]
fn corrupt<'py>(
    attack: &Bound<'py, PyAny>,
    messages: &Bound<'py, PyAny>,
    count: usize,
    own: bool,
    rule: Option<&Bound<'py, PyAny>>,
    pre: Vec<Bound<'py, PyAny>>,
    seed: u64,
    round: u64,
) -> PyResult<Bound<'py, PyAny>> {
    fork::check()?;
    matrix::with(messages, Corrupt { attack, count, own, rule, pre, seed, round })
}

struct Corrupt<'a, 'py> {
    attack: &'a Bound<'py, PyAny>,
    count: usize,
    own: bool,
    rule: Option<&'a Bound<'py, PyAny>>,
    pre: Vec<Bound<'py, PyAny>>,
    seed: u64,
    round: u64,
}

impl<'py> OnMatrix<'py> for Corrupt<'_, 'py> {
    type Output = Bound<'py, PyAny>;

    fn single(self, matrix: &PyReadonlyArray2<'py, f32>) -> PyResult<Self::Output> {
        self.call(matrix)
    }

    fn double(self, matrix: &PyReadonlyArray2<'py, f64>) -> PyResult<Self::Output> {
        self.call(matrix)
    }
}

impl<'py> Corrupt<'_, 'py> {
    fn call<T: Real>(self, matrix: &PyReadonlyArray2<'py, T>) -> PyResult<Bound<'py, PyAny>> {
        let py = matrix.py();
        let requirement = |e: SpecError| errors::requirement(&e);
        let (workers, dim) = matrix::shape(matrix);
        let first = workers.saturating_sub(self.count);
        let byzantine: Vec<u32> = (first as u32..workers as u32).collect();
        let federation = Federation::new(workers, &byzantine).map_err(requirement)?;
        let shape = Shape { workers, byzantine: self.count };
        let defence = match self.rule {
            Some(rule) => {
                let (rule, pre) = (parts::rule(rule)?, parts::chain(&self.pre)?);
                Some(Pipeline::<T>::build(pre, rule, shape, dim).map_err(requirement)?)
            }
            None => None,
        };
        let knowledge = if self.own { Knowledge::Own } else { Knowledge::Omniscient };
        let spec = T::attack(&*parts::attack(self.attack)?);
        let mut all = Messages::<T>::zeros(workers, dim);
        for (w, row) in matrix.as_slice()?.chunks_exact(dim).enumerate() {
            all.row_mut(w).copy_from_slice(row);
        }
        let (seed, round) = (self.seed, self.round);
        let all = py.detach(move || {
            let mut context = AttackContext::new(&federation, dim).with_knowledge(knowledge);
            context.defence = defence.as_ref();
            let mut attack = spec.build(&context)?;
            // As in the first round of a run, in which the server has made nothing yet.
            let previous = defence.is_some().then(|| vec![T::ZERO; dim]);
            let mut view = AttackView::new(&mut all, &federation)
                .with_knowledge(knowledge)
                .with_defence(defence.as_ref())
                .with_previous(previous.as_deref());
            attack.corrupt(&Cx::new(&Streams::new(seed), round), &mut view);
            Ok(all)
        });
        custom::raise_pending(py)?;
        let all = all.map_err(requirement)?;
        let sent = PyArray2::<T>::zeros(py, [self.count, dim], false);
        let mut rows = sent.try_readwrite()?;
        for (row, w) in rows.as_slice_mut()?.chunks_exact_mut(dim).zip(first..) {
            row.copy_from_slice(all.row(w));
        }
        drop(rows);
        Ok(sent.into_any())
    }
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(corrupt, module)?)
}
