//! No attack: Byzantine workers behave.

use fl_core::{Attack, AttackContext, AttackSpec, AttackView, Cx, Scalar, SpecError, spec};

spec! {
    /// Byzantine workers send their true messages, `v_w = v̂_w`: what every defence must not spoil.
    ///
    /// # Requirements
    /// None.
    ///
    /// # Cost
    /// None, but the true messages have to be computed.
    ///
    /// # Reference
    /// The paper's experiments without Byzantine attacks, Figure 4.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, NoAttack, AttackContext};
    ///
    /// let federation = Federation::new(3, &[2])?;
    /// let attack: Box<dyn Attack<f32>> = NoAttack.build(&AttackContext::new(&federation, 10))?;
    /// assert!(attack.needs_true_messages());
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct NoAttack;
}

impl<T: Scalar> AttackSpec<T> for NoAttack {
    fn name(&self) -> &'static str {
        "none"
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(Run))
    }
}

#[derive(Debug)]
struct Run;

impl<T: Scalar> Attack<T> for Run {
    fn corrupt(&mut self, _: &Cx<'_>, _: &mut AttackView<'_, T>) {}
}
