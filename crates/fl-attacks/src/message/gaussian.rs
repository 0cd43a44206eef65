//! Gaussian attacks: send noise.

use crate::shared::columns::scaled_mean;
use crate::shared::gaussian_spread::GaussianSpread;
use fl_core::{
    Affine, AffineForm, AffineMessages, AlignedVec, Attack, AttackContext, AttackSpec, AttackView,
    Cx, Knowledge, Role, Scalar, SpecError, choice, spec,
};
use rand_distr::{Distribution, StandardNormal};

spec! {
    /// Every Byzantine worker sends a message whose elements are independent and `N(μ, σ²)`, a draw of its own for each
    /// worker and round; by default `μ = 0` and the paper's `σ² = 10000`.
    ///
    /// Projects write the bare number 10000 for a variance and for a standard deviation, a factor of 100 apart, so
    /// [`GaussianSpread`] goes by name.
    ///
    /// # Requirements
    /// A finite spread of at least 0.
    ///
    /// # Cost
    /// A normal draw for every number of every Byzantine row; one more pass over all rows for the honest mean.
    ///
    /// # Randomness
    /// Worker `w` draws from the stream of (`Attack`, `w`, round), in `f64`, column by column.
    ///
    /// # Reference
    /// The paper's Section V-B.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Gaussian, AttackView, AttackContext, GaussianSpread};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::<f32>::zeros(2, 10_000);
    /// let federation = Federation::new(2, &[1])?;
    /// assert_eq!(Gaussian::default().spread, GaussianSpread::Variance(10_000.0));
    /// let mut attack = Gaussian::default().build(&AttackContext::new(&federation, 10_000))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// let variance = messages.row(1).iter().map(|x| x * x).sum::<f32>() / 10_000.0;
    /// assert!((variance - 10_000.0).abs() < 1_000.0);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Gaussian {
        /// How far the elements lie from their mean.
        pub spread: GaussianSpread = GaussianSpread::default(),
        /// The mean μ.
        pub mean: GaussianCentre = GaussianCentre::Zero,
    }
}

choice! {
    /// Where noise is centred.
    pub enum GaussianCentre {
        /// At zero, as in the paper.
        Zero,
        /// At the mean of the regular workers' messages.
        HonestMean,
    }
}

impl Gaussian {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let (setting, value) = match self.spread {
            GaussianSpread::Variance(variance) => ("spread.variance", variance),
            GaussianSpread::Std(std) => ("spread.std", std),
        };
        if !(value >= 0.0 && value.is_finite()) {
            return Err(SpecError::new(setting, "finite and at least 0", value).of("gaussian"));
        }
        let std = match self.spread {
            GaussianSpread::Variance(variance) => variance.sqrt(),
            GaussianSpread::Std(std) => std,
        };
        let centred = self.mean == GaussianCentre::HonestMean;
        let own = centred && context.knowledge == Knowledge::Own;
        Ok(Aim { std, centred, own, attackers: context.attackers.len() })
    }
}

impl<T: Scalar> AttackSpec<T> for Gaussian {
    fn name(&self) -> &'static str {
        "gaussian"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let aim = self.aim(context)?;
        let mean = aim.centred.then(|| AlignedVec::zeros(context.dim));
        Ok(Box::new(Run { std: aim.std, mean, own: aim.own }))
    }

    fn affine(&self, context: &AttackContext<'_, T>) -> AffineForm<T> {
        Ok(Some(Box::new(self.aim(context)?)))
    }
}

/// Draws in place, without room for the noise.
#[derive(Debug)]
struct Run<T> {
    std: f64,
    mean: Option<AlignedVec<T>>,
    own: bool,
}

impl<T: Scalar> Attack<T> for Run<T> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        if view.attackers().is_empty() {
            return;
        }
        if let Some(mean) = &mut self.mean {
            scaled_mean(view.known(), 1.0, mean);
        }
        let (std, mean) = (self.std, self.mean.as_deref());
        view.write(|_, worker, row| {
            let mut rng = cx.draw(Role::Attack, worker);
            for (i, x) in row.iter_mut().enumerate() {
                let normal: f64 = StandardNormal.sample(&mut rng);
                *x = T::from_f64(mean.map_or(0.0, |mean| mean[i].to_f64()) + std * normal);
            }
        });
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}

#[derive(Debug)]
struct Aim {
    std: f64,
    centred: bool,
    own: bool,
    attackers: usize,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(
        &mut self,
        cx: &Cx<'_>,
        view: &AttackView<'_, T>,
        affine: &mut AffineMessages<T>,
    ) -> f64 {
        let (base, directions) = affine.parts();
        match self.centred {
            true => scaled_mean(view.known(), 1.0, base),
            false => base.fill(T::ZERO),
        }
        for (&b, direction) in view.attackers().iter().zip(directions.rows_mut()) {
            let mut rng = cx.draw(Role::Attack, b as usize);
            for x in direction {
                let normal: f64 = StandardNormal.sample(&mut rng);
                *x = T::from_f64(normal);
            }
        }
        self.std
    }

    fn directions(&self) -> usize {
        self.attackers
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::{Federation, Messages, Streams};

    fn noise(spec: Gaussian, seed: u64, round: u64) -> Messages<f64> {
        let mut messages = Messages::from_rows(&vec![vec![7.0; 20_000]; 4]);
        let federation = Federation::new(4, &[1, 3]).expect("valid");
        let mut attack = AttackSpec::<f64>::build(&spec, &AttackContext::new(&federation, 20_000))
            .expect("valid");
        let streams = Streams::new(seed);
        attack.corrupt(&Cx::new(&streams, round), &mut AttackView::new(&mut messages, &federation));
        messages
    }

    #[test]
    fn values_are_pinned() {
        let messages = noise(Gaussian::default(), 42, 3);
        assert_eq!(messages.row(1)[..4], PINNED);
    }
    const PINNED: [f64; 4] =
        [-135.57869638948785, -40.7087822996379, 50.32481161339154, -17.876700755904626];

    #[test]
    fn the_spread_is_a_variance_or_a_standard_deviation_by_name() {
        let moments = |spread, mean| {
            let messages = noise(Gaussian { spread, mean }, 0, 0);
            let n = 20_000.0;
            let mean = messages.row(3).iter().sum::<f64>() / n;
            (mean, messages.row(3).iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
        };
        // Standard errors: of a mean σ/√n, of a variance σ² √(2/n).
        for (spread, std) in [
            (GaussianSpread::Variance(10_000.0), 100.0),
            (GaussianSpread::Std(30.0), 30.0),
            (GaussianSpread::Std(0.0), 0.0),
        ] {
            for (centre, expected) in
                [(GaussianCentre::Zero, 0.0), (GaussianCentre::HonestMean, 7.0)]
            {
                let (mean, variance) = moments(spread, centre);
                assert!((mean - expected).abs() <= 5.0 * std / 20_000f64.sqrt(), "{mean}");
                assert!((variance - std * std).abs() <= 0.05 * std * std, "{variance}");
            }
        }
    }

    #[test]
    fn every_byzantine_worker_draws_for_itself() {
        // A known defect elsewhere: one draw that all Byzantine workers send.
        let messages = noise(Gaussian::default(), 0, 0);
        assert_ne!(messages.row(1), messages.row(3));
    }
}
