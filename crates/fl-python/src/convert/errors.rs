//! The crates' errors as exceptions of `robust_fl.errors`.

use fl_core::{AggregateError, SpecError};
use fl_lab::ChoiceError;
use pyo3::PyErr;

mod classes {
    use pyo3::import_exception;

    import_exception!(robust_fl.errors, CallbackError);
    import_exception!(robust_fl.errors, ChoiceError);
    import_exception!(robust_fl.errors, DataError);
    import_exception!(robust_fl.errors, DtypeError);
    import_exception!(robust_fl.errors, ExperimentError);
    import_exception!(robust_fl.errors, ForkError);
    import_exception!(robust_fl.errors, NonFiniteError);
    import_exception!(robust_fl.errors, RequirementError);
    import_exception!(robust_fl.errors, RunError);
    import_exception!(robust_fl.errors, ShapeError);
}

pub(crate) use classes::{
    CallbackError, DtypeError, ExperimentError, ForkError, RunError, ShapeError,
};

/// A name or a setting that is none.
pub(crate) fn choice(error: &ChoiceError) -> PyErr {
    classes::ChoiceError::new_err(error.to_string())
}

/// A choice that is written as no choice can be.
pub(crate) fn no_choice(message: String) -> PyErr {
    classes::ChoiceError::new_err(message)
}

/// A part that cannot work for this shape.
pub(crate) fn requirement(error: &SpecError) -> PyErr {
    classes::RequirementError::new_err(error.to_string())
}

/// Options that cannot work, together or for these messages.
pub(crate) fn options(why: String) -> PyErr {
    classes::RequirementError::new_err(why)
}

/// Messages that do not allow the rule.
pub(crate) fn aggregation(error: &AggregateError) -> PyErr {
    let text = error.to_string();
    match error {
        AggregateError::Shape { .. } => ShapeError::new_err(text),
        AggregateError::NonFinite { .. }
        | AggregateError::TooFew { .. }
        | AggregateError::Missing { .. } => classes::NonFiniteError::new_err(text),
        _ => RunError::new_err(text),
    }
}

/// What a command of `fl-cli` ended with.
pub(crate) fn exit(code: u8, why: String) -> PyErr {
    match code {
        2 => ExperimentError::new_err(why),
        3 => classes::DataError::new_err(why),
        _ => RunError::new_err(why),
    }
}

/// All mistakes of an experiment.
pub(crate) fn configuration(error: &fl_lab::ConfigError) -> PyErr {
    ExperimentError::new_err(error.to_string())
}
