//! What attacks share that are affine in a strength.

use fl_core::{Affine, AffineMessages, Attack, AttackContext, AttackView, Cx, Scalar};

/// An attack with its own strength: `base + t · direction`.
#[derive(Debug)]
pub(crate) struct FixedStrength<A, T> {
    attack: A,
    rays: AffineMessages<T>,
}

impl<A: Affine<T>, T: Scalar> FixedStrength<A, T> {
    pub(crate) fn new(attack: A, site: &AttackContext<'_, T>) -> Self {
        let directions = attack.directions();
        Self { attack, rays: AffineMessages::new(site.dim, directions) }
    }
}

impl<A: Affine<T>, T: Scalar> Attack<T> for FixedStrength<A, T> {
    fn corrupt(&mut self, cx: &Cx<'_>, sight: &mut AttackView<'_, T>) {
        if sight.attackers().is_empty() {
            return;
        }
        let t = self.attack.aim(cx, sight, &mut self.rays);
        let rays = &self.rays;
        sight.write(|place, _, row| rays.write(place, t, row));
    }

    fn needs_true_messages(&self) -> bool {
        self.attack.needs_true_messages()
    }

    fn looks_back(&self) -> bool {
        self.attack.looks_back()
    }
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
                site: &fl_core::AttackContext<'_, T>,
            ) -> Result<Box<dyn fl_core::Attack<T>>, fl_core::SpecError> {
                Ok(Box::new(crate::shared::fixed_strength::FixedStrength::new(
                    self.aim(site)?,
                    site,
                )))
            }

            fn affine(
                &self,
                site: &fl_core::AttackContext<'_, T>,
            ) -> Result<Option<Box<dyn fl_core::Affine<T>>>, fl_core::SpecError> {
                Ok(Some(Box::new(self.aim(site)?)))
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
