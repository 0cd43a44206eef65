//! Feature noise: learn from what can hardly be seen.

use crate::shared::gaussian_spread::GaussianSpread;
use fl_core::{Change, Poison, PoisonContext, PoisonSpec, SpecError, Stream, spec};
use rand_distr::{Distribution, StandardNormal};

spec! {
    /// Feature noise: Byzantine workers learn their own labels from features with noise on them, `x → x + N(0, σ²)` in each
    /// feature, drawn once for each sample.
    ///
    /// # Requirements
    /// A finite spread above 0, in units of the features as models see them (after scaling).
    ///
    /// # Cost
    /// A copy of the Byzantine workers' samples and a normal draw for each feature, before the first round. Features that were
    /// zero are so no longer, so that Byzantine workers compute longer.
    ///
    /// # Randomness
    /// Sample i of worker `w` draws from the stream of (`Poison`, `w`, i).
    ///
    /// # Reference
    /// Ours.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{FeatureNoise, GaussianSpread};
    ///
    /// assert_eq!(FeatureNoise::default().spread, GaussianSpread::Std(1.0));
    /// ```
    pub struct FeatureNoise {
        /// How far features are moved.
        pub spread: GaussianSpread = GaussianSpread::Std(1.0),
    }
}

impl PoisonSpec for FeatureNoise {
    fn name(&self) -> &'static str {
        "feature-noise"
    }

    fn build(&self, _: &PoisonContext<'_>) -> Result<Poison, SpecError> {
        let (setting, value, std) = match self.spread {
            GaussianSpread::Variance(v) => ("spread.variance", v, v.sqrt()),
            GaussianSpread::Std(std) => ("spread.std", std, std),
        };
        if !(value > 0.0 && value.is_finite()) {
            return Err(SpecError::new(setting, "finite and above 0", value).of("feature-noise"));
        }
        Ok(Poison::Changed(Box::new(Noise { std })))
    }
}

#[derive(Debug)]
struct Noise {
    std: f64,
}

impl Change for Noise {
    fn change(&self, features: &mut [f64], _: &mut u32, rng: &mut Stream) {
        for x in features {
            let normal: f64 = StandardNormal.sample(rng);
            *x += self.std * normal;
        }
    }
}
