//! Sign flipping: send the opposite, louder.

use crate::honest::write_scaled_mean;
use fl_core::{Attack, AttackSpec, Cx, Scalar, Sight, Site, SpecError, choice, spec};

spec! {
    /// Every Byzantine worker sends `v_w = c · v̂_w`, by default with the paper's `c = −5`.
    ///
    /// `v̂_w` is the worker's own true message, or the mean of all regular messages, `(1/R) Σ_{r regular} v_r`
    /// ([`Target`]): projects mean either by this name.
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
    /// use fl_attacks::{Attack, AttackSpec, Federation, Sight, SignFlip, Site};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0, 2.0], [3.0, -1.0]]);
    /// let federation = Federation::new(2, &[1])?;
    /// let mut attack = SignFlip::default().build(&Site::new(&federation, 2))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut Sight::new(&mut messages, &federation));
    /// assert_eq!(messages.row(1), [-15.0, 5.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct SignFlip {
        /// c: what the target is multiplied by; below zero for a flipped sign.
        pub factor: f64 = -5.0,
        /// What is multiplied.
        pub target: Target = Target::Own,
    }
}

choice! {
    /// Whose message is multiplied.
    pub enum Target {
        /// The Byzantine worker's own true message, as in the paper.
        Own,
        /// The mean of the regular workers' messages.
        HonestMean,
    }
}

impl<T: Scalar> AttackSpec<T> for SignFlip {
    fn name(&self) -> &'static str {
        "sign-flipping"
    }

    fn build(&self, _: &Site<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        if !self.factor.is_finite() {
            return Err(SpecError::new("sign-flipping: factor", "finite", self.factor));
        }
        Ok(Box::new(Run { factor: self.factor, target: self.target }))
    }
}

#[derive(Debug)]
struct Run {
    factor: f64,
    target: Target,
}

impl<T: Scalar> Attack<T> for Run {
    fn corrupt(&mut self, _: &Cx<'_>, sight: &mut Sight<'_, T>) {
        match self.target {
            Target::Own => {
                let factor = T::from_f64(self.factor);
                for &b in sight.federation().byzantine() {
                    sight.row_mut(b as usize).iter_mut().for_each(|x| *x *= factor);
                }
            }
            Target::HonestMean => write_scaled_mean(sight, self.factor),
        }
    }

    fn needs_true_messages(&self) -> bool {
        self.target == Target::Own
    }
}
