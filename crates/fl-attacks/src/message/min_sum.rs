//! Min-sum: as far from the mean as the honest message that is farthest from all others.

use crate::shared::fixed_strength::fixed_strength;
use crate::shared::perturbation::{Measure, Perturbation};
use fl_core::{
    Affine, AffineMessages, AttackContext, AttackView, Cx, Knowledge, Scalar, SpecError, spec,
};

spec! {
    /// Min-sum: every Byzantine worker sends the mean μ of the known honest messages, moved in one direction.
    /// It goes so far that its sum of squared distances to them is the largest that one of them has.
    ///
    /// ```text
    /// v_w = μ + γ d,   γ = max { γ : Σ_i ‖v_w − x_i‖² ≤ max_i Σ_j ‖x_i − x_j‖² } = max_i ‖x_i − μ‖ / ‖d‖
    /// ```
    ///
    /// since sums of squared distances depend on the distance to the mean alone: what is sent is as far from the mean as the
    /// farthest honest message.
    ///
    /// # Requirements
    /// None. With one known message γ is 0.
    ///
    /// # Cost
    /// A pass over the known messages.
    ///
    /// # Elsewhere
    /// Others search for γ, as for min-max.
    ///
    /// # Reference
    /// Shejwalkar, Houmansadr, *Manipulating the Byzantine: optimizing model poisoning attacks and defenses for federated
    /// learning*, NDSS 2021; the closed form is ours.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, MinSum, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [1.0], [4.0], [0.0]]);
    /// let federation = Federation::new(4, &[3])?;
    /// let mut attack = MinSum::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// // As far from the mean 2 as 4 is.
    /// assert!(messages.row(3)[0].abs() < 1e-6);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct MinSum {
        /// The direction d.
        pub deviation: Perturbation = Perturbation::Std,
    }
}

impl MinSum {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let along = Measure::new(context.federation.workers(), context.dim);
        Ok(Aim { deviation: self.deviation, own: context.knowledge == Knowledge::Own, along })
    }
}

fixed_strength!(MinSum, "min-sum");

#[derive(Debug)]
struct Aim {
    deviation: Perturbation,
    own: bool,
    along: Measure,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let seen = self.along.measure(self.deviation, view, affine);
        let farthest = seen.squares.iter().fold(0.0f64, |a, &b| a.max(b));
        if seen.norm > 0.0 { (farthest / seen.norm).sqrt() } else { 0.0 }
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}
