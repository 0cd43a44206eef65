//! What stands at the end of layers.

use crate::kernel::head::Head;
use crate::shared::check::check_classes;
use fl_core::{SpecError, choice};

choice! {
    /// What is minimised.
    pub enum Loss {
        /// `ℓ(z) = −ln softmax(z)_y`, with `∂ℓ/∂z = softmax(z) − onehot(y)`.
        CrossEntropy,
        /// `ℓ(z) = ½‖z − t‖²`, with `∂ℓ/∂z = z − t`: t is onehot(y), or the real target of a set with one class.
        Squared,
    }
}

impl Loss {
    /// The end of a model for `classes` classes.
    pub(crate) fn head(self, classes: usize) -> Result<Head, SpecError> {
        match self {
            Loss::CrossEntropy => {
                check_classes(classes)?;
                Ok(Head::CrossEntropy)
            }
            Loss::Squared => match classes {
                0 => Err(SpecError::new("classes", "at least 1", 0)),
                1 => Ok(Head::Number { classes }),
                _ => Ok(Head::OneHot),
            },
        }
    }
}
