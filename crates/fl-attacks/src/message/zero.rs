//! Zero: send nothing but zeros.

use crate::shared::constant::Constant;
use fl_core::{Attack, AttackContext, AttackSpec, Scalar, SpecError, spec};

spec! {
    /// Zero: every Byzantine worker sends `v_w = 0`, as one that has failed or does no work.
    ///
    /// What projects call the zero gradient attack makes the sum zero: that is [`crate::ZeroSum`].
    ///
    /// # Requirements
    /// None.
    ///
    /// # Cost
    /// Writing the Byzantine rows. True messages are not needed.
    ///
    /// # Reference
    /// Folklore.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Zero, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0]]);
    /// let federation = Federation::new(2, &[1])?;
    /// let mut attack = Zero.build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(1), [0.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Zero;
}

impl<T: Scalar> AttackSpec<T> for Zero {
    fn name(&self) -> &'static str {
        "zero"
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(Constant(T::ZERO)))
    }
}
