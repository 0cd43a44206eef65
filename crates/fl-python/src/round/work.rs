//! How much a round has to do, in order of magnitude.

use crate::convert::errors;
use fl_core::{PreAggregatorSpec, RuleSpec, Shape};
use pyo3::prelude::*;

/// Operations from which on Ctrl-C is looked for: some tenths of a second.
pub(crate) const LONG: f64 = 3e8;

/// Operations of an aggregation.
///
/// # Errors
/// When a pre-aggregator cannot work on what there is.
pub(crate) fn operations(
    rule: &dyn RuleSpec,
    pre: &[Box<dyn PreAggregatorSpec>],
    shape: Shape,
    dim: usize,
) -> PyResult<f64> {
    let mut inner = shape;
    for stage in pre {
        inner = stage.output(inner).map_err(|e| errors::requirement(&e))?;
    }
    Ok((shape.workers as f64).powi(2) * dim as f64 / 4.0 + rule.cost(inner).operations)
}
