//! How the first parameters are drawn.

use fl_core::{Parameter, Scalar, SpecError, Stream, ValueKind, Variant};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// How the first parameters x⁰ of a layer with `n` inputs and `m` outputs are drawn. A convolution of k×k pixels from c to o
/// channels has `n = c k²` and `m = o k²`.
///
/// | name | weights | biases | source |
/// |---|---|---|---|
/// | `zeros` | 0 | 0 | where the loss is convex, as good as any |
/// | `fan-in` | uniform in ±1/√n | as weights | PyTorch's default for dense and convolutional layers |
/// | `glorot` | uniform in ±√(6/(n + m)) | 0 | Glorot, Bengio, 2010 |
/// | `lecun` | normal, variance 1/n | 0 | LeCun, Bottou, Orr, Müller, 1998 |
/// | `he` | normal, variance 2/n | 0 | He, Zhang, Ren, Sun, 2015; for ReLU |
/// | `normal` | normal, standard deviation `deviation` | 0 | |
///
/// `f32` and `f64` start from the same numbers, rounded. A perceptron with hidden layers that starts at zeros stays where
/// its hidden units are all alike, so `zeros` is for models without them.
///
/// In files: a name, or `{ normal = { deviation = 0.1 } }`; the bare name `normal` has deviation 0.01.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Initialise {
    /// All zero.
    Zeros,
    /// Weights and biases uniform in ±1/√n.
    #[default]
    FanIn,
    /// Weights uniform in ±√(6/(n + m)), biases zero.
    Glorot,
    /// Weights normal with variance 1/n, biases zero.
    Lecun,
    /// Weights normal with variance 2/n, biases zero.
    He,
    /// Weights normal, biases zero.
    Normal {
        /// The standard deviation, zero or above.
        deviation: f64,
    },
}

impl Parameter for Initialise {
    const KIND: ValueKind = ValueKind::Choice(&[
        Variant { name: "Zeros", doc: &["All zero."] },
        Variant { name: "FanIn", doc: &["Weights and biases uniform in ±1/√n, for n inputs."] },
        Variant { name: "Glorot", doc: &["Weights uniform in ±√(6/(n + m)), biases zero."] },
        Variant { name: "Lecun", doc: &["Weights normal with variance 1/n, biases zero."] },
        Variant { name: "He", doc: &["Weights normal with variance 2/n, biases zero."] },
        Variant { name: "Normal", doc: &["Weights normal with a deviation, biases zero."] },
    ]);
}

impl Initialise {
    /// The standard deviation behind the bare name `normal`.
    pub const DEVIATION: f64 = 0.01;

    pub(crate) fn check(self) -> Result<(), SpecError> {
        match self {
            Initialise::Normal { deviation } if !(deviation >= 0.0 && deviation.is_finite()) => {
                let allowed = "a finite number, zero or above";
                Err(SpecError::new("initialise.normal.deviation", allowed, deviation))
            }
            _ => Ok(()),
        }
    }

    /// One layer: weights first, then biases, from one stream.
    pub(crate) fn draw<T: Scalar>(
        self,
        rng: &mut Stream,
        (inputs, outputs): (usize, usize),
        weights: &mut [T],
        biases: &mut [T],
    ) {
        let (n, m) = (inputs as f64, outputs as f64);
        biases.fill(T::ZERO);
        match self {
            Initialise::Zeros => weights.fill(T::ZERO),
            Initialise::FanIn => {
                uniform(rng, 1.0 / n.sqrt(), weights);
                uniform(rng, 1.0 / n.sqrt(), biases);
            }
            Initialise::Glorot => uniform(rng, (6.0 / (n + m)).sqrt(), weights),
            Initialise::Lecun => normal(rng, (1.0 / n).sqrt(), weights),
            Initialise::He => normal(rng, (2.0 / n).sqrt(), weights),
            Initialise::Normal { deviation } => normal(rng, deviation, weights),
        }
    }
}

fn uniform<T: Scalar>(rng: &mut Stream, bound: f64, out: &mut [T]) {
    for x in out {
        // 53 random bits, so that f32 and f64 start from the same numbers.
        let unit = (rng.next_u64() >> 11) as f64 * (-53f64).exp2();
        *x = T::from_f64((2.0 * unit - 1.0) * bound);
    }
}

fn normal<T: Scalar>(rng: &mut Stream, deviation: f64, out: &mut [T]) {
    for x in out {
        let z: f64 = StandardNormal.sample(rng);
        *x = T::from_f64(deviation * z);
    }
}

#[cfg(feature = "serde")]
mod read {
    use super::Initialise;
    use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
    use std::fmt;

    const NAMES: &[&str] = &["zeros", "fan-in", "glorot", "lecun", "he", "normal"];

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Normal {
        deviation: f64,
    }

    impl Default for Normal {
        fn default() -> Self {
            Self { deviation: Initialise::DEVIATION }
        }
    }

    /// A name alone; where it is that of a table, the table's defaults.
    struct NameOrTable;

    impl<'de> Visitor<'de> for NameOrTable {
        type Value = Initialise;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "one of {}, or a table with the name normal", NAMES.join(", "))
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<Initialise, E> {
            match name {
                "zeros" => Ok(Initialise::Zeros),
                "fan-in" => Ok(Initialise::FanIn),
                "glorot" => Ok(Initialise::Glorot),
                "lecun" => Ok(Initialise::Lecun),
                "he" => Ok(Initialise::He),
                "normal" => Ok(Initialise::Normal { deviation: Initialise::DEVIATION }),
                _ => Err(E::unknown_variant(name, NAMES)),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Initialise, A::Error> {
            let Some(name) = map.next_key::<String>()? else {
                return Err(A::Error::custom("expected a table with one name in it, found none"));
            };
            if name != "normal" {
                return Err(match NAMES.contains(&&*name) {
                    true => A::Error::custom(format_args!("`{name}` is a name without a table")),
                    false => A::Error::unknown_variant(&name, NAMES),
                });
            }
            let Normal { deviation } = map.next_value()?;
            match map.next_key::<String>()? {
                None => Ok(Initialise::Normal { deviation }),
                Some(second) => Err(A::Error::custom(format_args!(
                    "expected a table with one name in it, found a second: `{second}`"
                ))),
            }
        }
    }

    impl<'de> Deserialize<'de> for Initialise {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(NameOrTable)
        }
    }
}
