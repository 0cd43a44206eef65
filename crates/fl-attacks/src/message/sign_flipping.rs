//! Sign flipping: send the opposite, louder.

use crate::shared::columns::scaled_mean;
use crate::shared::fixed_strength::{FixedStrength, finite};
use fl_core::{
    Affine, AffineForm, AffineMessages, Attack, AttackContext, AttackSpec, AttackView, Cx,
    Knowledge, Scalar, SpecError, choice, spec,
};

spec! {
    /// Every Byzantine worker sends `v_w = c · v̂_w`, by default with the paper's `c = −5`.
    ///
    /// `v̂_w` is the worker's own true message, or the mean of all regular messages, `(1/R) Σ_{r regular} v_r`
    /// ([`SignFlippingTarget`]): projects mean either by this name.
    ///
    /// # Requirements
    /// A finite factor.
    ///
    /// # Cost
    /// A pass over the Byzantine rows, or over all rows for the honest mean.
    ///
    /// # Reference
    /// The paper's Section V-B; Li, Xu, Chen, Giannakis, Ling, *RSA*, AAAI 2019.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, AttackView, SignFlipping, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0, 2.0], [3.0, -1.0]]);
    /// let federation = Federation::new(2, &[1])?;
    /// let mut attack = SignFlipping::default().build(&AttackContext::new(&federation, 2))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(1), [-15.0, 5.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct SignFlipping {
        /// c: what the target is multiplied by; below zero for a flipped sign.
        pub factor: f64 = -5.0,
        /// What is multiplied.
        pub target: SignFlippingTarget = SignFlippingTarget::Own,
    }
}

choice! {
    /// Whose message is multiplied.
    pub enum SignFlippingTarget {
        /// The Byzantine worker's own true message, as in the paper.
        Own,
        /// The mean of the regular workers' messages, as far as they are known.
        HonestMean,
    }
}

impl SignFlipping {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let factor = finite("sign-flipping", "factor", self.factor)?;
        let own = context.knowledge == Knowledge::Own;
        Ok(Aim { factor, target: self.target, own, attackers: context.attackers.len() })
    }
}

impl<T: Scalar> AttackSpec<T> for SignFlipping {
    fn name(&self) -> &'static str {
        "sign-flipping"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let aim = self.aim(context)?;
        Ok(match self.target {
            SignFlippingTarget::Own => Box::new(Own { factor: self.factor }),
            SignFlippingTarget::HonestMean => Box::new(FixedStrength::new(aim, context)),
        })
    }

    fn affine(&self, context: &AttackContext<'_, T>) -> AffineForm<T> {
        Ok(Some(Box::new(self.aim(context)?)))
    }
}

/// The worker's own message, in place.
#[derive(Debug)]
struct Own {
    factor: f64,
}

impl<T: Scalar> Attack<T> for Own {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let factor = T::from_f64(self.factor);
        view.write(|_, _, row| row.iter_mut().for_each(|x| *x *= factor));
    }
}

#[derive(Debug)]
struct Aim {
    factor: f64,
    target: SignFlippingTarget,
    own: bool,
    attackers: usize,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let (base, directions) = affine.parts();
        base.fill(T::ZERO);
        match self.target {
            SignFlippingTarget::Own => {
                for (&b, direction) in view.attackers().iter().zip(directions.rows_mut()) {
                    direction.copy_from_slice(view.row(b as usize));
                }
            }
            SignFlippingTarget::HonestMean => scaled_mean(view.known(), 1.0, directions.row_mut(0)),
        }
        self.factor
    }

    fn range(&self, factor: f64) -> (f64, f64) {
        ((2.0 * factor).min(-10.0), 0.0f64.max(2.0 * factor))
    }

    fn directions(&self) -> usize {
        if self.target == SignFlippingTarget::Own { self.attackers } else { 1 }
    }

    fn needs_true_messages(&self) -> bool {
        self.own || self.target == SignFlippingTarget::Own
    }
}
