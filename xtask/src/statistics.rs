//! Means over seeds and their 95 % intervals.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean and the interval around it; without width where there is one number only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Numbers that it was made of.
    pub(crate) count: usize,
}

impl Estimate {
    /// The mean with its 95 % interval by Student's t; numbers that are not finite are left out.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let values: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let half = if count < 2 {
            0.0
        } else {
            let square: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
            student_t(count - 1) * (square / (count - 1) as f64 / count as f64).sqrt()
        };
        Some(Self { mean, low: mean - half, high: mean + half, count })
    }

    /// The geometric mean with its interval, for what is drawn on a logarithmic axis.
    pub(crate) fn geometric(values: &[f64]) -> Option<Self> {
        let logarithms: Vec<f64> =
            values.iter().map(|x| if *x > 0.0 { x.ln() } else { f64::NAN }).collect();
        let e = Self::of(&logarithms)?;
        Some(Self { mean: e.mean.exp(), low: e.low.exp(), high: e.high.exp(), count: e.count })
    }

    /// Of the differences of two series, number by number.
    pub(crate) fn paired(a: &[f64], b: &[f64]) -> Option<Self> {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        Self::of(&differences)
    }

    /// `.739 [.738, .740]`, or `.739` for one seed.
    pub(crate) fn text(&self) -> String {
        if self.count < 2 {
            return format!("{:.3}", self.mean);
        }
        format!("{:.3} [{:.3}, {:.3}]", self.mean, self.low, self.high)
    }

    /// The same of a difference, with signs.
    pub(crate) fn signed(&self) -> String {
        // Differences so small that a fourth digit is needed to see their sign.
        let digits = if self.mean.abs() < 0.0095 { 4 } else { 3 };
        if self.count < 2 {
            return format!("{:+.digits$}", self.mean);
        }
        format!("{:+.digits$} [{:+.digits$}, {:+.digits$}]", self.mean, self.low, self.high)
    }
}

/// The 97.5 % quantile of Student's t.
fn student_t(degrees: usize) -> f64 {
    StudentsT::new(0.0, 1.0, degrees as f64).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_agrees_with_a_hand_computed_one() {
        // Differences 0.1, 0.2, 0.3: mean 0.2, standard error 0.1/√3, times 4.303.
        let e = Estimate::paired(&[1.1, 1.2, 1.3], &[1.0, 1.0, 1.0]).unwrap();
        assert_eq!(e.signed(), "+0.200 [-0.048, +0.448]");
        assert_eq!(Estimate::of(&[0.5]).unwrap().text(), "0.500");
        assert_eq!(Estimate::of(&[f64::NAN]), None);
    }

    #[test]
    fn a_geometric_interval_is_symmetric_in_the_logarithm() {
        let e = Estimate::geometric(&[0.1, 0.4]).unwrap();
        assert!((e.mean - 0.2).abs() < 1e-12);
        assert!((e.low * e.high - 0.04).abs() < 1e-12);
    }
}
