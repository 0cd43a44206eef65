//! Pictures that are moved before gradients are taken.

use crate::shared::decorated::{Decorated, decorates, delegates, keeps_inner, without_formula};
use fl_core::data::Augmentation;
use fl_core::{
    Cx, Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, Visit, Workspace, spec,
};

spec! {
    /// Augmentation: each picture of a batch is moved by a few pixels, and mirrored or not, before its gradient is taken.
    ///
    /// ```text
    /// a'(c, y, x) = a(c, y − d, x' − r),   d, r uniform in −shift … shift,   x' = x or width − 1 − x
    /// ```
    ///
    /// Pixels from beyond the edge are 0. With `shift = 0` and `flip = false`, which is the default, nothing is changed.
    ///
    /// # Requirements
    /// Pictures, a shift smaller than their sides, and an estimator that keeps nothing between rounds: `sgd`, also with
    /// momentum, clipping and local steps. What others keep is of samples that do not change.
    ///
    /// # Effect
    /// What is learned is the mean loss over all moved pictures. Accuracy is measured on pictures as they are, and so are
    /// full passes. No formula of the inner variation of messages is known: it is NaN.
    ///
    /// # Cost
    /// Three passes over the pixels of a batch.
    ///
    /// # Memory
    /// Two pictures, and a number a pixel, for each worker; the estimator's memory does not count them.
    ///
    /// # Non-finite
    /// Those of the estimator.
    ///
    /// # Randomness
    /// Worker w draws from the stream of (`Augment`, w, round), for one sample of its batch after the other. Batches stay what they
    /// are without it.
    ///
    /// # Bias
    /// Biased with respect to the pictures as they are.
    ///
    /// # Reference
    /// LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition*, 1998, moves digits.
    pub struct Augment {
        /// The most pixels that a picture is moved, up or down and left or right.
        pub shift: u32 = 0,
        /// Whether every other picture is mirrored from left to right.
        pub flip: bool = false,
    }
}

decorates!(Augment, "augment");

impl Augment {
    /// Whether pictures stay as they are.
    pub fn is_nothing(&self) -> bool {
        self.shift == 0 && !self.flip
    }

    fn check<T>(&self, local: &Local<'_, T>) -> Result<Augmentation<T>, SpecError>
    where
        T: Scalar,
    {
        let Some(picture) = local.data.picture() else {
            let got = format!("{} columns that are no pixels", local.data.columns());
            return Err(SpecError::new("the data", "pictures", got).of("augment"));
        };
        let least = picture.height.min(picture.width);
        if self.shift as usize >= least {
            let allowed = format!("less than {least}, as pictures are {picture}");
            return Err(SpecError::new("shift", allowed, self.shift).of("augment"));
        }
        Ok(Augmentation::new(picture, self.shift, self.flip))
    }
}

impl<T: Scalar> EstimatorSpec<T> for Decorated<T, Augment> {
    delegates!();

    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        self.inner.memory(objective, samples)
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        let inner = self.inside(local)?;
        if self.decorator.is_nothing() {
            return Ok(inner);
        }
        if !self.inner.keeps_nothing() {
            let allowed = "sgd, which keeps nothing of samples that change from round to round";
            return Err(SpecError::new("the estimator", allowed, self.inner.name()).of("augment"));
        }
        let augmentation = self.decorator.check(local)?;
        Ok(Box::new(State { inner, augmentation: Some(Box::new(augmentation)) }))
    }
}

#[derive(Debug)]
struct State<T> {
    inner: Box<dyn Estimator<T>>,
    /// Lent to the workspace while a message is computed.
    augmentation: Option<Box<Augmentation<T>>>,
}

impl<T: Scalar> Estimator<T> for State<T> {
    keeps_inner!();
    without_formula!();

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        work.augmentation = self.augmentation.take();
        self.inner.message(cx, local, params, out, work);
        self.augmentation = work.augmentation.take();
    }
}
