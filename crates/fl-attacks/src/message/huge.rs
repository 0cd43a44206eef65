//! Huge: send numbers that are finite, and whose squares are not.

use crate::shared::constant::Constant;
use fl_core::{Attack, AttackContext, AttackSpec, Scalar, SpecError, spec};

spec! {
    /// Huge but finite: every number of a Byzantine message is the same, by default 10³⁸, a third of what single precision can
    /// hold.
    ///
    /// No check for finite numbers sees it, and squares and sums of it overflow: a rule that does not mind becomes infinite or
    /// NaN.
    ///
    /// # Requirements
    /// A value that the messages' type can hold.
    ///
    /// # Cost
    /// Writing the Byzantine rows. True messages are not needed.
    ///
    /// # Reference
    /// Ours.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Huge, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0]]);
    /// let federation = Federation::new(2, &[1])?;
    /// let mut attack = Huge { value: -1e30 }.build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(1), [-1e30]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Huge {
        /// What is sent.
        pub value: f64 = 1e38,
    }
}

impl<T: Scalar> AttackSpec<T> for Huge {
    fn name(&self) -> &'static str {
        "huge"
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let value = T::from_f64(self.value);
        if !value.is_finite() {
            let allowed = format!("finite in {}, at most {:e}", T::NAME, T::MAX.to_f64());
            return Err(SpecError::new("value", allowed, format!("{:e}", self.value)).of("huge"));
        }
        Ok(Box::new(Constant(value)))
    }
}
