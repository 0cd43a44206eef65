//! Label flipping: learn the wrong class.

use crate::shared::probability::share_is_probability;
use fl_core::data::ClassLabel;
use fl_core::streams::{below, chance};
use fl_core::{
    Change, Parameter, Poison, PoisonContext, PoisonSpec, SpecError, Stream, ValueKind, spec,
};

spec! {
    /// Label flipping: Byzantine workers learn from their own features with other labels, by default `y → C − 1 − y` for C
    /// classes, and send what the protocol asks for.
    ///
    /// ```text
    /// reverse       y → C − 1 − y
    /// next          y → y + 1 mod C
    /// random        y → one of the other classes, drawn once for each sample
    /// least-likely  y → argmin_c p_c(x), the class that the model finds least likely, anew in every round
    /// map           y → map[y]
    /// ```
    ///
    /// `least-likely` is what others call the furthest class (the lowest logit).
    ///
    /// # Requirements
    /// Samples with classes. A map gives every class a class; `reverse` leaves the middle one of an odd number alone.
    /// `least-likely` takes a model with class probabilities (softmax, a perceptron with cross-entropy) and all samples.
    ///
    /// # Cost
    /// A copy of the Byzantine workers' samples before the first round; `least-likely` a comparison for each class and sample.
    ///
    /// # Randomness
    /// Sample i of worker `w` draws from the stream of (`Poison`, `w`, i).
    ///
    /// # Reference
    /// Biggio, Nelson and Laskov 2011; `least-likely` as in Peng, Li and Ling 2024.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{LabelFlip, LabelFlipLabels};
    ///
    /// assert_eq!(LabelFlip::default().labels, LabelFlipLabels::Reverse);
    /// ```
    pub struct LabelFlip {
        /// Which labels are learnt.
        pub labels: LabelFlipLabels = LabelFlipLabels::Reverse,
        /// The probability with which a sample is flipped.
        pub share: f64 = 1.0,
    }
}

/// Which label a sample gets in place of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum LabelFlipLabels {
    /// C − 1 − y.
    Reverse,
    /// y + 1 mod C.
    Next,
    /// One of the other classes.
    Random,
    /// The one that the model finds least likely.
    LeastLikely,
    /// The one that a list has for it: a label for each class, in the order of the classes.
    Map(Vec<ClassLabel>),
}

impl Parameter for LabelFlipLabels {
    const KIND: ValueKind = ValueKind::Plain(
        "reverse | next | random | least-likely | { map = list of labels, one for each class }",
    );
}

impl PoisonSpec for LabelFlip {
    fn name(&self) -> &'static str {
        "label-flip"
    }

    fn build(&self, context: &PoisonContext<'_>) -> Result<Poison, SpecError> {
        let Self { labels, share } = self;
        share_is_probability("label-flip", *share)?;
        let classes = context.data.classes();
        if classes < 2 {
            let allowed = "at least 2, so that there is another label";
            return Err(SpecError::new("classes", allowed, classes).of("label-flip"));
        }
        let mut map = Vec::new();
        match labels {
            LabelFlipLabels::LeastLikely if *share < 1.0 => {
                let allowed = "1 with least-likely, which flips all samples";
                return Err(SpecError::new("share", allowed, share).of("label-flip"));
            }
            LabelFlipLabels::LeastLikely => return Ok(Poison::LeastLikely),
            LabelFlipLabels::Map(map) if map.len() != classes => {
                let allowed = format!("a list of {classes} classes, one for each");
                let got = format!("{} of them", map.len());
                return Err(SpecError::new("map", allowed, got).of("label-flip"));
            }
            LabelFlipLabels::Map(labels) => {
                for label in labels {
                    map.push(context.data.class_of(label).ok_or_else(|| {
                        let allowed = format!(
                            "labels of the classes {}",
                            context.data.class_values().list(classes)
                        );
                        SpecError::new("map", allowed, label).of("label-flip")
                    })?);
                }
            }
            LabelFlipLabels::Reverse | LabelFlipLabels::Next | LabelFlipLabels::Random => {}
        }
        let classes = classes as u32;
        Ok(Poison::Changed(Box::new(Flip { labels: labels.clone(), map, share: *share, classes })))
    }
}

#[derive(Debug)]
struct Flip {
    labels: LabelFlipLabels,
    /// The class of each class's samples, for a map.
    map: Vec<u32>,
    share: f64,
    classes: u32,
}

impl Change for Flip {
    fn change(&self, _: &mut [f64], label: &mut u32, rng: &mut Stream) {
        if !chance(rng, self.share) {
            return;
        }
        *label = match &self.labels {
            LabelFlipLabels::Reverse | LabelFlipLabels::LeastLikely => self.classes - 1 - *label,
            LabelFlipLabels::Next => (*label + 1) % self.classes,
            LabelFlipLabels::Random => (*label + 1 + below(rng, self.classes - 1)) % self.classes,
            LabelFlipLabels::Map(_) => self.map[*label as usize],
        };
    }
}
