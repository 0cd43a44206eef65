//! NaN: send what is no number.

use crate::shared::constant::Constant;
use fl_core::{Attack, AttackContext, AttackSpec, Scalar, SpecError, spec};

spec! {
    /// NaN: every number of a Byzantine message is NaN, which spoils every sum that it enters.
    ///
    /// # Requirements
    /// None. A server drops such messages or refuses the round, as it is told.
    ///
    /// # Cost
    /// Writing the Byzantine rows. True messages are not needed.
    ///
    /// # Elsewhere
    /// Most rules of other projects return NaN for a single such message.
    ///
    /// # Reference
    /// Folklore.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Nan, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0]]);
    /// let federation = Federation::new(2, &[1])?;
    /// let mut attack = Nan.build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert!(messages.row(1)[0].is_nan());
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Nan;
}

impl<T: Scalar> AttackSpec<T> for Nan {
    fn name(&self) -> &'static str {
        "nan"
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(Constant(T::from_f64(f64::NAN))))
    }
}
