//! IPM: point the inner product with the honest mean backwards.

use crate::shared::columns::scaled_mean;
use crate::shared::fixed_strength::{finite, fixed_strength};
use fl_core::{
    Affine, AffineMessages, AttackContext, AttackView, Cx, Knowledge, Scalar, SpecError, spec,
};

spec! {
    /// Inner product manipulation: every Byzantine worker sends `v_w = −ε μ`, with μ the mean of the honest messages that are
    /// known and ε = 2.
    ///
    /// Where enough is sent, the aggregate and μ have a negative inner product, and the model moves uphill. A small ε
    /// (0.1) hides among messages that are small against their spread; a large one is what the mean cannot stand.
    ///
    /// # Requirements
    /// A finite ε.
    ///
    /// # Cost
    /// A pass over the known messages.
    ///
    /// # Elsewhere
    /// ByzFL has ε = 2, Blades 1 and in its experiments 0.1 and 100, Karimireddy et al. 0.1, CRYPTO-KU 0.2.
    ///
    /// # Reference
    /// Xie, Koyejo, Gupta, *Fall of empires: breaking Byzantine-tolerant SGD by inner product manipulation*, UAI 2019.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Ipm, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0], [0.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = Ipm::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(2), [-3.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Ipm {
        /// ε.
        pub epsilon: f64 = 2.0,
    }
}

impl Ipm {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let epsilon = finite("ipm", "epsilon", self.epsilon)?;
        Ok(Aim { epsilon, own: context.knowledge == Knowledge::Own })
    }
}

fixed_strength!(Ipm, "ipm");

#[derive(Debug)]
struct Aim {
    epsilon: f64,
    own: bool,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let (base, direction) = affine.shared();
        base.fill(T::ZERO);
        scaled_mean(view.known(), -1.0, direction);
        self.epsilon
    }

    fn range(&self, _: f64) -> (f64, f64) {
        (0.0, 10.0)
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}
