//! Values as files have them become the parts of a set.

use super::{Scale, Scaling};
use crate::format::labels::numbers;
use fl_core::Dataset;
use fl_core::data::{ClassValues, DatasetError, Layout, Values};
use std::borrow::Cow;

/// Values as a file has them.
#[derive(Clone, Debug)]
pub(crate) enum Numbers<'a> {
    /// Bytes; scaled its own way a set multiplies them by `unit`.
    Bytes { values: &'a [u8], unit: f64 },
    /// Numbers.
    Floats(Cow<'a, [f32]>),
}

/// Numbers that are scaled already, or not to be.
pub(crate) fn packed(values: &[f32]) -> Numbers<'_> {
    Numbers::Floats(Cow::Borrowed(values))
}

/// What rows are answered by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answers {
    /// Classes, which are these numbers or none.
    Classes(ClassValues),
    /// Real targets.
    Targets,
}

impl Answers {
    /// Classes of these names.
    pub(crate) fn of(names: &[String]) -> Self {
        Answers::Classes(match numbers(names) {
            None => ClassValues::Names(names.to_vec()),
            Some(n) if n.iter().enumerate().all(|(i, n)| *n == i as f64) => ClassValues::Places,
            Some(numbers) => ClassValues::Numbers(numbers),
        })
    }
}

/// Makes the parts of a set, the training part first: scaling is measured on the first part made.
#[derive(Debug)]
pub(crate) struct Shaper {
    scale: Option<Scale>,
    fitted: Option<Option<Scaling>>,
    columns: usize,
    classes: usize,
    layout: Layout,
    answers: Answers,
}

impl Shaper {
    pub(crate) fn new(
        scale: Option<Scale>,
        columns: usize,
        classes: usize,
        layout: Layout,
    ) -> Self {
        let answers = Answers::Classes(ClassValues::Places);
        Self { scale, fitted: None, columns, classes, layout, answers }
    }

    /// Says what rows are answered by; classes that are their places if left out.
    pub(crate) fn answering(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// A part with its targets, if it has such.
    pub(crate) fn part_of(
        &mut self,
        numbers: Numbers<'_>,
        labels: Vec<u32>,
        targets: Option<Vec<f64>>,
    ) -> Result<Dataset, DatasetError> {
        let set = self.part(numbers, labels)?;
        match (&self.answers, targets) {
            (Answers::Targets, Some(targets)) => set.targeting(targets),
            (Answers::Classes(values), _) => set.with_class_values(values.clone()),
            (Answers::Targets, None) => Ok(set),
        }
    }

    pub(crate) fn part(
        &mut self,
        numbers: Numbers<'_>,
        labels: Vec<u32>,
    ) -> Result<Dataset, DatasetError> {
        let (columns, classes, layout) = (self.columns, self.classes, self.layout);
        let bytes = |values, scale| {
            let values = Values::Bytes { values, scale };
            Dataset::new(values, columns, labels.clone(), classes, layout)
        };
        let values = match (self.scale, numbers) {
            (None, Numbers::Bytes { values, unit }) => return bytes(values, unit),
            (Some(Scale::Raw), Numbers::Bytes { values, .. }) => return bytes(values, 1.0),
            (_, Numbers::Bytes { values, unit }) => {
                // The scalings that measure see what the set's own way gives, so that a mean is that of pixels in 0 … 1.
                Cow::Owned(values.iter().map(|&b| (f64::from(b) * unit) as f32).collect())
            }
            (_, Numbers::Floats(values)) => values,
        };
        if columns == 0 || values.len() % columns != 0 {
            return Dataset::new(Values::F32(&values), columns, labels, classes, layout);
        }
        let scale = self.scale.unwrap_or(Scale::Raw);
        match self.fitted.get_or_insert_with(|| scale.fit(&values, columns)) {
            None => Dataset::new(Values::F32(&values), columns, labels, classes, layout),
            Some(scaling) => {
                let mut values = values.into_owned();
                scaling.apply(&mut values);
                Dataset::new(Values::F32(&values), columns, labels, classes, layout)
            }
        }
    }
}
