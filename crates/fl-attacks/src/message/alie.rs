//! ALIE: a little is enough, if it is within the spread.

use crate::shared::columns;
use crate::shared::fixed_strength::{finite, fixed_strength};
use crate::shared::majority::formula;
use fl_core::{
    Affine, AffineMessages, AttackContext, AttackView, Cx, Knowledge, Scalar, SpecError, choice,
    spec,
};

spec! {
    /// ALIE, a little is enough: every Byzantine worker sends the mean moved by z standard deviations in every
    /// coordinate. Mean and deviation are those of the honest messages that are known.
    ///
    /// ```text
    /// v_w = μ ± z σ
    /// z = Φ⁻¹((W − B − s) / (W − B)),   s = ⌊W/2 + 1⌋ − B       unless given
    /// ```
    ///
    /// s is how many regular workers are needed for a majority; by the formula that many are expected to be farther from the
    /// mean than the Byzantine messages. For few Byzantine workers it gives a z below zero, which is used as it is.
    ///
    /// # Requirements
    /// A finite z; by the formula W ≥ 3 and s ≥ 1, that is `B < ⌊W/2 + 1⌋`. Two known messages for an unbiased deviation.
    ///
    /// # Cost
    /// A pass over the known messages.
    ///
    /// # Elsewhere
    /// ByzFL has z = 1.5, a plus sign and the unbiased deviation; Karimireddy et al. a minus and the unbiased one; FLPoison a
    /// plus and the biased one. BRAVO takes z = 2 times the variance. FLANDERS uses the distribution function
    /// in place of its inverse, and the root of the deviation.
    ///
    /// # Reference
    /// Baruch, Baruch, Goldberg, *A little is enough: circumventing defenses for distributed learning*, NeurIPS 2019.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Alie, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [3.0], [0.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = Alie { z: Some(0.5), ..Alie::default() }.build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(2), [2.5]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Alie {
        /// z; by the formula if left out.
        pub z: Option<f64> = None,
        /// How the standard deviation σ is taken.
        pub std: AlieDeviation = AlieDeviation::Biased,
        /// The sign of what is added.
        pub direction: AlieDirection = AlieDirection::Plus,
    }
}

choice! {
    /// The denominator of a variance.
    pub enum AlieDeviation {
        /// As many as there are messages.
        Biased,
        /// One less.
        Unbiased,
    }
}

choice! {
    /// To which side of the mean.
    pub enum AlieDirection {
        /// `μ + z σ`.
        Plus,
        /// `μ − z σ`.
        Minus,
    }
}

impl Alie {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let z = match self.z {
            Some(z) => finite("alie", "z", z)?,
            None => formula("alie", context.federation)?,
        };
        let less = usize::from(self.std == AlieDeviation::Unbiased);
        if less == 1 && context.known() == 1 {
            let allowed = "\"biased\" where only one honest message is known";
            return Err(SpecError::new("std", allowed, "\"unbiased\"").of("alie"));
        }
        let sign = if self.direction == AlieDirection::Plus { 1.0 } else { -1.0 };
        Ok(Aim { z, less, sign, own: context.knowledge == Knowledge::Own })
    }
}

fixed_strength!(Alie, "alie");

#[derive(Debug)]
struct Aim {
    z: f64,
    less: usize,
    sign: f64,
    own: bool,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let (base, direction) = affine.shared();
        let Self { less, sign, .. } = *self;
        columns::each(view.known(), base, direction, &mut [], |columns, base, direction, _| {
            let mean = columns.mean();
            let std = columns.std(&mean, less);
            for (k, (b, d)) in base.iter_mut().zip(direction).enumerate() {
                *b = T::from_f64(mean[k]);
                *d = T::from_f64(sign * std[k]);
            }
        });
        self.z
    }

    fn range(&self, _: f64) -> (f64, f64) {
        (0.0, 10.0)
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}
