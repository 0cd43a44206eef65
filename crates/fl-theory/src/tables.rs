//! Tables I and II of the paper as data.

use crate::{Coefficients, Setting, Variation};
use fl_core::SpecError;

/// A row of Table I.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// The paper's name.
    pub name: &'static str,
    /// What it asks of B.
    pub requirement: &'static str,
    /// Its learning error, up to constants.
    pub error: &'static str,
    /// Where the paper takes it from; its own results have none.
    pub source: Option<&'static str>,
    /// Whether messages are resampled; without, s is 1.
    pub resampling: bool,
    /// Whether SAGA corrects the gradients, so that σ² does not occur.
    pub variance_reduced: bool,
}

/// Table I, requirements and learning errors of four algorithms, in the paper's order.
pub const TABLE_1: [Algorithm; 4] = [
    Algorithm {
        name: "Byrd-SGD",
        requirement: "B < W/2",
        error: "O(C_α² σ² + C_α² δ²)",
        source: Some("Wu, Ling, Chen, Giannakis 2020"),
        resampling: false,
        variance_reduced: false,
    },
    Algorithm {
        name: "RS-Byrd-SGD",
        requirement: "B < W/2s",
        error: "O((d + (1−d)/R) C_sα² σ² + d C_sα² δ²)",
        source: None,
        resampling: true,
        variance_reduced: false,
    },
    Algorithm {
        name: "Byrd-SAGA",
        requirement: "B < W/2",
        error: "O(C_α² δ²)",
        source: Some("Wu, Ling, Chen, Giannakis 2020"),
        resampling: false,
        variance_reduced: true,
    },
    Algorithm {
        name: "Proposed",
        requirement: "B < W/2s",
        error: "O(d C_sα² δ²)",
        source: None,
        resampling: true,
        variance_reduced: true,
    },
];

impl Algorithm {
    /// The setting with the s that this algorithm has: its own, or 1.
    pub fn setting(&self, setting: &Setting) -> Setting {
        let s = if self.resampling { setting.s() } else { 1 };
        Setting::new(setting.workers(), setting.byzantine(), s)
            .expect("s = 1 fits where a larger one does")
    }

    /// The learning error of the row as a number, constants left out.
    ///
    /// ```
    /// use fl_theory::{Setting, Variation, tables::TABLE_1};
    ///
    /// let setting = Setting::new(30, 3, 2)?;
    /// let variation = Variation { inner: 1.0, outer: 1.0 };
    /// let errors: Vec<f64> =
    ///     TABLE_1.iter().map(|row| row.error(&setting, variation)).collect::<Result<_, _>>()?;
    /// // With three of thirty Byzantine workers each addition helps.
    /// assert!(errors[0] > errors[1] && errors[2] > errors[3] && errors[1] > errors[3]);
    /// # Ok::<(), fl_theory::SpecError>(())
    /// ```
    ///
    /// # Errors
    /// When the row's requirement is not met.
    pub fn error(&self, setting: &Setting, variation: Variation) -> Result<f64, SpecError> {
        let setting = self.setting(setting);
        let inner = if self.variance_reduced { 0.0 } else { variation.inner };
        Ok(Coefficients::new(&setting, setting.d())?.bound(Variation { inner, ..variation }))
    }
}

/// A row of Table II.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSet {
    /// The paper's name.
    pub name: &'static str,
    /// Rows to learn from.
    pub train: usize,
    /// Rows to test on.
    pub test: usize,
    /// Features.
    pub dimensions: usize,
    /// Classes.
    pub classes: usize,
}

/// Table II, attributes of the data sets.
pub const TABLE_2: [DataSet; 2] = [
    DataSet { name: "MNIST", train: 60_000, test: 10_000, dimensions: 784, classes: 10 },
    DataSet { name: "COVTYPE", train: 11_340, test: 565_892, dimensions: 54, classes: 7 },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_four_combinations_and_saga_never_does_worse() {
        let setting = Setting::new(30, 4, 3).unwrap();
        let variation = Variation { inner: 2.0, outer: 1.0 };
        let [sgd, rs, saga, proposed] = TABLE_1.map(|row| row.error(&setting, variation).unwrap());
        assert!(saga < sgd && proposed < rs);
        let crowded = Setting::new(30, 5, 3).unwrap();
        let kept = TABLE_1.map(|row| row.error(&crowded, variation).is_ok());
        assert_eq!(kept, [true, false, true, false]);
    }
}
