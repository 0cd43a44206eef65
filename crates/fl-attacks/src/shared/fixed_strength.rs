//! What attacks share that are affine in a strength.

use fl_core::{Affine, AffineMessages, Attack, AttackContext, AttackView, Cx, Scalar};

/// An attack with its own strength: `base + t · direction`.
#[derive(Debug)]
pub(crate) struct FixedStrength<A, T> {
    attack: A,
    affine: AffineMessages<T>,
}

impl<A: Affine<T>, T: Scalar> FixedStrength<A, T> {
    pub(crate) fn new(attack: A, context: &AttackContext<'_, T>) -> Self {
        let directions = attack.directions();
        Self { attack, affine: AffineMessages::new(context.dim, directions) }
    }
}

impl<A: Affine<T>, T: Scalar> Attack<T> for FixedStrength<A, T> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        if view.attackers().is_empty() {
            return;
        }
        let t = self.attack.aim(cx, view, &mut self.affine);
        send(&self.affine, t, view);
    }

    fn needs_true_messages(&self) -> bool {
        self.attack.needs_true_messages()
    }

    fn looks_back(&self) -> bool {
        self.attack.looks_back()
    }
}

/// Every attacker sends `base + t · direction`.
pub(crate) fn send<T: Scalar>(affine: &AffineMessages<T>, t: f64, view: &mut AttackView<'_, T>) {
    view.write(|place, _, row| affine.write(place, t, row));
}

/// The two ways in which an attack with a strength is built, from a method `aim` of its spec.
macro_rules! fixed_strength {
    ($spec:ty, $name:literal) => {
        impl<T: fl_core::Scalar> fl_core::AttackSpec<T> for $spec {
            fn name(&self) -> &'static str {
                $name
            }

            fn build(
                &self,
                context: &fl_core::AttackContext<'_, T>,
            ) -> Result<Box<dyn fl_core::Attack<T>>, fl_core::SpecError> {
                Ok(Box::new(crate::shared::fixed_strength::FixedStrength::new(
                    self.aim(context)?,
                    context,
                )))
            }

            fn affine(&self, context: &fl_core::AttackContext<'_, T>) -> fl_core::AffineForm<T> {
                Ok(Some(Box::new(self.aim(context)?)))
            }
        }
    };
}
pub(crate) use fixed_strength;

/// A number that must be finite.
pub(crate) fn finite(part: &str, setting: &str, value: f64) -> Result<f64, fl_core::SpecError> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(fl_core::SpecError::new(setting, "finite", value).of(part)),
    }
}
