//! Scaling features, by name, from what the training rows show.

use rayon::prelude::*;

/// Values that one task scales.
const PART: usize = 1 << 16;

/// How features are scaled. What a column needs is measured on the training rows and applied to all.
///
/// In an experiment file (feature `serde`): `scale = "standardise"`. Left out, a set is scaled its own way: pictures to
/// 0 … 1 by the greatest value that a pixel can have, COVTYPE standardised, files of one's own not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Scale {
    /// The numbers as they are in the file.
    Raw,
    /// `(x − mean) / std` of each column; a constant column becomes 0. Columns that hold only 0 and 1 stay as they are:
    /// of COVTYPE's 54, this leaves the ten numeric ones.
    Standardise,
    /// `(x − min) / (max − min)` of each column; a constant column becomes 0. Columns of 0 and 1 stay as they are.
    MinMax,
    /// `(x − mean) / std` with one mean and one standard deviation of all columns together, as is usual for pictures
    /// (MNIST in 0 … 1: 0.1307 and 0.3081).
    Normalise,
}

impl Scale {
    /// Every scaling with its name.
    pub const ALL: [(&'static str, Scale); 4] = [
        ("raw", Scale::Raw),
        ("standardise", Scale::Standardise),
        ("min-max", Scale::MinMax),
        ("normalise", Scale::Normalise),
    ];

    /// Measures the training rows, row-major with `columns` values each; standard deviations are those of the rows
    /// themselves (÷ n), in `f64`. `None` for [`Scale::Raw`].
    ///
    /// Cost: two passes.
    pub fn fit(self, train: &[f32], columns: usize) -> Option<Scaling> {
        let rows = || train.chunks_exact(columns).map(|row| row.iter().map(|&x| f64::from(x)));
        let count = (train.len() / columns).max(1) as f64;
        let mut lines = vec![(0.0, 1.0); columns];
        match self {
            Scale::Raw => return None,
            Scale::Standardise | Scale::MinMax => {
                let (mut low, mut high) = (vec![f64::MAX; columns], vec![f64::MIN; columns]);
                let (mut sum, mut flags) = (vec![0.0; columns], vec![true; columns]);
                for row in rows() {
                    for (c, x) in row.enumerate() {
                        low[c] = x.min(low[c]);
                        high[c] = x.max(high[c]);
                        sum[c] += x;
                        flags[c] &= x == 0.0 || x == 1.0;
                    }
                }
                let mut square = vec![0.0; columns];
                if self == Scale::Standardise {
                    for row in rows() {
                        for (c, x) in row.enumerate() {
                            square[c] += (x - sum[c] / count).powi(2);
                        }
                    }
                }
                for (c, line) in lines.iter_mut().enumerate().filter(|(c, _)| !flags[*c]) {
                    *line = match self {
                        Scale::Standardise => (sum[c] / count, (square[c] / count).sqrt()),
                        _ => (low[c], high[c] - low[c]),
                    };
                }
            }
            Scale::Normalise => {
                let count = train.len().max(1) as f64;
                // Rows first, so that the sums of many small numbers stay exact enough.
                let mean = rows().map(|r| r.sum::<f64>()).sum::<f64>() / count;
                let square: f64 = rows().map(|r| r.map(|x| (x - mean).powi(2)).sum::<f64>()).sum();
                lines.fill((mean, (square / count).sqrt()));
            }
        }
        let lines = lines.into_iter().map(|(shift, spread)| {
            // A spread that is no number to divide by belongs to a constant.
            (shift, if spread > 0.0 && spread.is_finite() { 1.0 / spread } else { 1.0 })
        });
        Some(Scaling { lines: lines.collect() })
    }
}

/// A shift and a factor for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    lines: Vec<(f64, f64)>,
}

impl Scaling {
    /// `(shift, factor)` of each column: x becomes `(x − shift) · factor`.
    pub fn lines(&self) -> &[(f64, f64)] {
        &self.lines
    }

    /// Scales rows in place. Cost: one pass, in parallel.
    pub fn apply(&self, rows: &mut [f32]) {
        let columns = self.lines.len();
        let part = (PART / columns).max(1) * columns;
        rows.par_chunks_mut(part).for_each(|rows| {
            for row in rows.chunks_exact_mut(columns) {
                for (x, (shift, factor)) in row.iter_mut().zip(&self.lines) {
                    *x = ((f64::from(*x) - shift) * factor) as f32;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns: numbers, truth values, a constant.
    const ROWS: [f32; 12] = [1.0, 0.0, 7.0, 3.0, 1.0, 7.0, 5.0, 1.0, 7.0, 7.0, 0.0, 7.0];

    fn scaled(scale: Scale, rows: &[f32]) -> Vec<f32> {
        let mut out = rows.to_vec();
        if let Some(scaling) = scale.fit(&ROWS, 3) {
            scaling.apply(&mut out);
        }
        out
    }

    #[test]
    fn each_name_does_what_it_says() {
        assert_eq!(scaled(Scale::Raw, &ROWS), ROWS);
        let s = 5f64.sqrt();
        let expected =
            [-3.0 / s, 0.0, 0.0, -1.0 / s, 1.0, 0.0, 1.0 / s, 1.0, 0.0, 3.0 / s, 0.0, 0.0];
        assert_eq!(scaled(Scale::Standardise, &ROWS), expected.map(|x| x as f32));
        let third = (1.0 / 3.0) as f32;
        let found = scaled(Scale::MinMax, &ROWS);
        let expected = [0.0, 0.0, 0.0, third, 1.0, 0.0, 2.0 * third, 1.0, 0.0, 1.0, 0.0, 0.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        let all = scaled(Scale::Normalise, &ROWS);
        let mean = all.iter().sum::<f32>() / 12.0;
        let square = all.iter().map(|x| x * x).sum::<f32>() / 12.0;
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-6);
    }

    #[test]
    fn other_rows_are_scaled_as_the_training_rows_were() {
        assert_eq!(scaled(Scale::MinMax, &[13.0, 5.0, 8.0]), [2.0, 5.0, 1.0]);
    }
}
