//! Same value: send one number everywhere.

use crate::shared::fixed_strength::{finite, fixed_strength};
use fl_core::{Affine, AffineMessages, AttackContext, AttackView, Cx, Scalar, SpecError, spec};

spec! {
    /// Same value: every Byzantine worker sends `v_w = c · 1`, a message whose numbers are all c = 100.
    ///
    /// # Requirements
    /// A finite value.
    ///
    /// # Cost
    /// Writing the Byzantine rows. True messages are not needed.
    ///
    /// # Reference
    /// Li, Xu, Chen, Giannakis, Ling, *RSA*, AAAI 2019.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, SameValue, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0]]);
    /// let federation = Federation::new(2, &[1])?;
    /// let mut attack = SameValue::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(1), [100.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct SameValue {
        /// c.
        pub value: f64 = 100.0,
    }
}

impl SameValue {
    fn aim<T: Scalar>(&self, _: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        Ok(Aim { value: finite("same-value", "value", self.value)? })
    }
}

fixed_strength!(SameValue, "same-value");

#[derive(Debug)]
struct Aim {
    value: f64,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, _: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let (base, direction) = affine.shared();
        base.fill(T::ZERO);
        direction.fill(T::ONE);
        self.value
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}
