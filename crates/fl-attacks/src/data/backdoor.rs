//! A backdoor: teach the model to answer a trigger with one class.

use crate::shared::probability::share_is_probability;
use fl_core::data::ClassLabel;
use fl_core::streams::chance;
use fl_core::{Change, Poison, PoisonContext, PoisonSpec, SpecError, Stream, Trigger, spec};

spec! {
    /// A backdoor: some of the Byzantine workers' samples carry a trigger, a bright patch in the lower right corner, and the
    /// adversary's class as their label. The model is to learn what it should, and to answer the trigger with that class.
    ///
    /// How well that works is measured as `backdoor_success`: the share of test samples of all other classes which, with the
    /// trigger put into them, the model takes for the target.
    ///
    /// # Requirements
    /// A target among the classes, and a patch that fits into the picture. Where samples are no pictures the trigger is in the
    /// last `size` features.
    ///
    /// # Cost
    /// A copy of the Byzantine workers' samples before the first round; at each evaluation a second one, on the test samples
    /// with the trigger.
    ///
    /// # Randomness
    /// Sample i of worker `w` draws from the stream of (`Poison`, `w`, i).
    ///
    /// # Reference
    /// Gu, Dolan-Gavitt and Garg 2017 (BadNets); Bagdasaryan et al. 2020 in federated learning.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::Backdoor;
    ///
    /// let nines = Backdoor { target: 9.into(), size: 2, ..Backdoor::default() };
    /// assert_eq!(nines.share, 0.5);
    /// ```
    pub struct Backdoor {
        /// The class that the trigger is to be answered with, by its label.
        pub target: ClassLabel = ClassLabel::Number(0),
        /// The patch's height and width; of samples that are no pictures, how many features.
        pub size: usize = 3,
        /// What the patch's features are set to; the largest absolute value in the data if left out.
        pub value: Option<f64> = None,
        /// The probability with which a sample gets the trigger.
        pub share: f64 = 0.5,
    }
}

impl PoisonSpec for Backdoor {
    fn name(&self) -> &'static str {
        "backdoor"
    }

    fn build(&self, context: &PoisonContext<'_>) -> Result<Poison, SpecError> {
        let Self { size, value, share, .. } = *self;
        share_is_probability("backdoor", share)?;
        let classes = context.data.classes();
        let Some(target) = context.data.class_of(&self.target) else {
            let allowed =
                format!("one of the classes {}", context.data.class_values().list(classes));
            return Err(SpecError::new("target", allowed, &self.target).of("backdoor"));
        };
        let columns = context.data.columns();
        let picture = context.picture.filter(|(height, width)| height * width == columns);
        let (height, width) = picture.unwrap_or((1, columns));
        let (down, right) = (size.min(height), size);
        if size == 0 || right > width || picture.is_some() && size > height {
            let most = if picture.is_some() { height.min(width) } else { columns };
            return Err(SpecError::new("size", format!("from 1 to {most}"), size).of("backdoor"));
        }
        let value = value.unwrap_or(context.data.largest());
        if !value.is_finite() {
            return Err(SpecError::new("value", "a finite number", value).of("backdoor"));
        }
        let patch = (height - down..height)
            .flat_map(|y| (width - right..width).map(move |x| y * width + x))
            .collect();
        Ok(Poison::Changed(Box::new(Planted { target, patch, value, share })))
    }
}

#[derive(Debug)]
struct Planted {
    target: u32,
    patch: Vec<usize>,
    value: f64,
    share: f64,
}

impl Change for Planted {
    fn change(&self, features: &mut [f64], label: &mut u32, rng: &mut Stream) {
        if chance(rng, self.share) {
            self.trigger(features);
            *label = self.target;
        }
    }

    fn backdoor(&self) -> Option<&dyn Trigger> {
        Some(self)
    }
}

impl Trigger for Planted {
    fn target(&self) -> u32 {
        self.target
    }

    fn trigger(&self, features: &mut [f64]) {
        for &place in &self.patch {
            features[place] = self.value;
        }
    }
}
