//! Infinity: send what is too large to be a number.

use crate::shared::constant::Constant;
use fl_core::{Attack, AttackContext, AttackSpec, Scalar, SpecError, choice, spec};

spec! {
    /// Infinity: every number of a Byzantine message is `+∞`, or `−∞`.
    ///
    /// # Requirements
    /// None. A server drops such messages or refuses the round, as it is told.
    ///
    /// # Cost
    /// Writing the Byzantine rows. True messages are not needed.
    ///
    /// # Reference
    /// As in ByzFL.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Infinity, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0]]);
    /// let federation = Federation::new(2, &[1])?;
    /// let mut attack = Infinity::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(1), [f32::INFINITY]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Infinity {
        /// Which of the two.
        pub sign: InfinitySign = InfinitySign::Positive,
    }
}

choice! {
    /// The sign of what is sent.
    pub enum InfinitySign {
        /// Above zero.
        Positive,
        /// Below zero.
        Negative,
    }
}

impl<T: Scalar> AttackSpec<T> for Infinity {
    fn name(&self) -> &'static str {
        "infinity"
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(Constant(T::from_f64(match self.sign {
            InfinitySign::Positive => f64::INFINITY,
            InfinitySign::Negative => f64::NEG_INFINITY,
        }))))
    }
}
