//! The size of Gaussian noise, for attacks on messages and on data.

use fl_core::{Parameter, ValueKind};

/// The size of noise, by name.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", try_from = "with_serde::Either")
)]
pub enum GaussianSpread {
    /// The variance σ² of an element.
    Variance(f64),
    /// The standard deviation σ of an element.
    Std(f64),
}

impl Default for GaussianSpread {
    /// The paper's `N(0, 10000)`.
    fn default() -> Self {
        Self::Variance(10_000.0)
    }
}

#[cfg(feature = "serde")]
mod with_serde {
    use super::GaussianSpread;

    /// Either name may stand in a file, and only one of them.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Either {
        variance: Option<f64>,
        std: Option<f64>,
    }

    impl TryFrom<Either> for GaussianSpread {
        type Error = String;

        fn try_from(either: Either) -> Result<Self, String> {
            match (either.variance, either.std) {
                (Some(variance), None) => Ok(GaussianSpread::Variance(variance)),
                (None, Some(std)) => Ok(GaussianSpread::Std(std)),
                (None, None) => Err("a spread needs `variance` or `std`".into()),
                (Some(variance), Some(std)) => Err(format!(
                    "a spread has a variance or a std, which is its root, not both: got variance = {variance} and std = {std}"
                )),
            }
        }
    }
}

impl Parameter for GaussianSpread {
    const KIND: ValueKind = ValueKind::Plain("{ variance = number } or { std = number }");
}
