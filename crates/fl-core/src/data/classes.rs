//! What the classes of a set are: numbers, or names.

use crate::{Parameter, ValueKind};

/// What the classes of a set are as numbers, for models of real targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassValues {
    /// Class `c` is the number c.
    #[default]
    Places,
    /// Class `c` is this number.
    Numbers(Vec<f64>),
    /// Classes have these names, which are no numbers.
    Names(Vec<String>),
}

impl ClassValues {
    /// The place of the class that files call so, of `classes`; `None` if there is none.
    pub fn place(&self, label: &ClassLabel, classes: usize) -> Option<u32> {
        let number = match label {
            ClassLabel::Number(number) => Some(*number as f64),
            ClassLabel::Text(text) => text.parse().ok(),
        };
        let place = match self {
            ClassValues::Places => number
                .filter(|n| n.fract() == 0.0 && (0.0..classes as f64).contains(n))
                .map(|n| n as usize),
            ClassValues::Numbers(numbers) => numbers.iter().position(|n| Some(*n) == number),
            ClassValues::Names(names) => {
                let text = match label {
                    ClassLabel::Number(number) => number.to_string(),
                    ClassLabel::Text(text) => text.clone(),
                };
                names.iter().position(|name| *name == text)
            }
        };
        place.map(|place| place as u32)
    }

    /// What there is, for an error: `0 to 9`, `1, 2, 4` or `"cat", "dog"`.
    pub fn list(&self, classes: usize) -> String {
        const SHOWN: usize = 12;
        let mut shown: Vec<String> = match self {
            ClassValues::Places => return format!("0 to {}", classes.saturating_sub(1)),
            ClassValues::Numbers(numbers) => {
                if let [first, .., last] = numbers[..]
                    && numbers.windows(2).all(|n| n[1] - n[0] == 1.0)
                {
                    return format!("{first} to {last}");
                }
                numbers.iter().take(SHOWN).map(ToString::to_string).collect()
            }
            ClassValues::Names(names) => {
                let short = |name: &String| name.chars().take(32).collect::<String>();
                names.iter().take(SHOWN).map(|name| format!("{:?}", short(name))).collect()
            }
        };
        if classes > SHOWN {
            shown.push("…".into());
        }
        shown.join(", ")
    }
}

/// A class as files name it: by its label in the data, a number or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(untagged, expecting = "a class as the data name it: a whole number or a text")
)]
pub enum ClassLabel {
    /// A label that is a whole number.
    Number(i64),
    /// Any label.
    Text(String),
}

impl Parameter for ClassLabel {
    const KIND: ValueKind = ValueKind::Plain("class as the data name it");
}

impl From<u32> for ClassLabel {
    fn from(number: u32) -> Self {
        ClassLabel::Number(i64::from(number))
    }
}

impl From<&str> for ClassLabel {
    fn from(text: &str) -> Self {
        ClassLabel::Text(text.into())
    }
}

impl std::fmt::Display for ClassLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClassLabel::Number(number) => write!(f, "{number}"),
            ClassLabel::Text(text) => write!(f, "{text:?}"),
        }
    }
}
