//! Attacks in Python.

use super::function::Function;
use crate::convert::errors::CallbackError;
use crate::convert::matrix::Real;
use fl_core::{Attack, AttackContext, AttackSpec, AttackView, Cx, Role, SpecError};
use fl_lab::AnyAttack;
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::sync::Arc;

/// An attack that sees messages.
pub(super) fn by_messages(function: Function) -> Arc<dyn AnyAttack> {
    Arc::new(Messages(function))
}

#[derive(Clone, Debug)]
struct Messages(Function);

impl<T: Real> AttackSpec<T> for Messages {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(self.clone()))
    }
}

impl<T: Real> Attack<T> for Messages {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let Function { name, call, pending } = &self.0;
        Python::attach(|py| {
            if let Err(error) = write(py, name, call.bind(py), cx, view) {
                pending.keep(py, error, &format!("attack {name}, round {}", cx.round()));
            }
        });
    }
}

fn write<T: Real>(
    py: Python<'_>,
    name: &str,
    call: &Bound<'_, PyAny>,
    cx: &Cx<'_>,
    view: &mut AttackView<'_, T>,
) -> PyResult<()> {
    let known = view.known();
    let honest = matrix(py, known.workers(), view)?;
    let attackers = view.attackers();
    let own = matrix(py, attackers, view)?;
    let seed = rand_seed(cx);
    let made = call.call1((honest, own, seed, cx.round()))?;
    let made: PyReadonlyArray2<'_, f64> = made.extract()?;
    let expected = [attackers.len(), view.dim()];
    if made.shape() != expected {
        return Err(CallbackError::new_err(format!(
            "{name} must return {} messages of {} numbers, got an array of shape {:?}",
            expected[0],
            expected[1],
            made.shape()
        )));
    }
    let made = made.as_slice()?;
    for (row, &w) in made.chunks_exact(expected[1]).zip(attackers) {
        for (x, y) in view.row_mut(w as usize).iter_mut().zip(row) {
            *x = T::from_f64(*y);
        }
    }
    Ok(())
}

/// Some rows of a round.
fn matrix<'py, T: Real>(
    py: Python<'py>,
    workers: &[u32],
    view: &AttackView<'_, T>,
) -> PyResult<Bound<'py, PyArray2<T>>> {
    let rows = PyArray2::<T>::zeros(py, [workers.len(), view.dim()], false);
    let mut numbers = rows.try_readwrite()?;
    for (row, &w) in numbers.as_slice_mut()?.chunks_exact_mut(view.dim()).zip(workers) {
        row.copy_from_slice(view.row(w as usize));
    }
    drop(numbers);
    Ok(rows)
}

/// What a function's own generator is seeded with: a draw of this run and round.
fn rand_seed(cx: &Cx<'_>) -> u64 {
    let mut seed = [0];
    fl_core::streams::distinct(&mut cx.draw(Role::User, 0), u32::MAX, &mut seed);
    u64::from(seed[0])
}
