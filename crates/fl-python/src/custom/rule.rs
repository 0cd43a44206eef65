//! Rules in Python: distances in and weights out, or columns in and numbers out.

use super::function::Function;
use crate::convert::errors::CallbackError;
use fl_core::{
    AggregateError, ColumnRule, GeometricRule, Inputs, Rule, RuleSpec, Scalar, Shape, SpecError,
    Tile,
};
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

/// How far the weights' sum may be from 1.
const ROUNDING: f64 = 1e-6;

/// A rule that looks at distances.
pub(super) fn by_distances(function: Function) -> Box<dyn RuleSpec> {
    Box::new(Spec { function, columns: false })
}

/// A rule that looks at some columns at a time.
pub(super) fn by_columns(function: Function) -> Box<dyn RuleSpec> {
    Box::new(Spec { function, columns: true })
}

#[derive(Clone, Debug)]
struct Spec {
    function: Function,
    columns: bool,
}

impl RuleSpec for Spec {
    fn name(&self) -> &'static str {
        self.function.name
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        let Shape { workers, byzantine } = shape;
        if byzantine < workers {
            return Ok(());
        }
        let allowed = format!("more than f = {byzantine}");
        Err(SpecError::new("the number of messages", allowed, workers).of(self.name()))
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        let function = self.function.clone();
        Ok(match self.columns {
            true => Rule::coordinate(Columns(function)),
            false => Rule::geometric(Distances(function)),
        })
    }
}

#[derive(Debug)]
struct Distances(Function);

impl GeometricRule for Distances {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let Function { name, call, pending } = &self.0;
        let geometry = inputs.geometry;
        let w = geometry.workers();
        Python::attach(|py| {
            let result = (|| -> PyResult<()> {
                let distances = PyArray2::<f64>::zeros(py, [w, w], false);
                {
                    let mut table = distances.try_readwrite()?;
                    for (i, row) in table.as_slice_mut()?.chunks_exact_mut(w).enumerate() {
                        for (j, d) in row.iter_mut().enumerate() {
                            *d = geometry.distance(i, j);
                        }
                    }
                }
                let made = call.bind(py).call1((distances, inputs.byzantine))?;
                let made: PyReadonlyArray1<'_, f64> = made.extract()?;
                let made = made.as_slice()?;
                let sum: f64 = made.iter().sum();
                // A sum that is NaN is not near 1.
                let is_one = (sum - 1.0).abs() <= ROUNDING;
                if made.len() != w || !is_one {
                    return Err(CallbackError::new_err(format!(
                        "{name} must return {w} weights with sum 1, got {} with sum {sum}",
                        made.len()
                    )));
                }
                weights[..w].copy_from_slice(made);
                Ok(())
            })();
            result.map_err(|error| {
                let why = error.to_string();
                pending.keep(py, error, &format!("rule {name}, round {}", inputs.cx.round()));
                AggregateError::Failed { rule: (*name).to_owned(), why }
            })
        })
    }
}

#[derive(Debug)]
struct Columns(Function);

impl ColumnRule for Columns {
    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, byzantine: usize, out: &mut [T]) {
        let Function { name, call, pending } = &self.0;
        let (rows, columns) = (tile.rows(), tile.columns());
        Python::attach(|py| {
            let result = (|| -> PyResult<()> {
                let numbers = PyArray2::<f64>::zeros(py, [rows, columns], false);
                {
                    let mut table = numbers.try_readwrite()?;
                    for (i, row) in table.as_slice_mut()?.chunks_exact_mut(columns).enumerate() {
                        for (x, y) in row.iter_mut().zip(tile.row(i)) {
                            *x = y.to_f64();
                        }
                    }
                }
                let made = call.bind(py).call1((numbers, byzantine))?;
                let made: PyReadonlyArray1<'_, f64> = made.extract()?;
                let made = made.as_slice()?;
                if made.len() != columns {
                    return Err(CallbackError::new_err(format!(
                        "{name} must return a number for each of {columns} columns, got {}",
                        made.len()
                    )));
                }
                for (x, y) in out.iter_mut().zip(made) {
                    *x = T::from_f64(*y);
                }
                Ok(())
            })();
            if let Err(error) = result {
                pending.keep(py, error, &format!("column rule {name}"));
                // The engine uses no output that is not finite.
                out.fill(T::from_f64(f64::NAN));
            }
        });
    }
}
