//! What accuracy is measured on: the test rows, or rows that settings are tuned on.

use crate::file::{ConfigError, EvaluateOn, Experiment, ExperimentText};
use fl_data::{Loaded, Split};
use std::borrow::Cow;
use std::cmp::Reverse;

impl EvaluateOn {
    /// The data of a run: the same set with what accuracy is measured on in the place of the test rows.
    ///
    /// # Errors
    /// When the set has no validation rows, or not more training rows than are asked for; in words.
    pub fn of(self, data: &Loaded) -> Result<Cow<'_, Loaded>, String> {
        let Split { train, validation, .. } = &data.split;
        let (mut groups, mut places) = (data.groups.clone(), data.places.clone());
        let (train, test) = match (self, validation) {
            (EvaluateOn::Test, _) => return Ok(Cow::Borrowed(data)),
            (EvaluateOn::Validation, Some(validation)) => (train.clone(), validation.clone()),
            (EvaluateOn::Validation, None) => {
                return Err(format!(
                    "{} has no validation rows; evaluate-on.training-rows = 1000 sets training rows aside",
                    data.name
                ));
            }
            (EvaluateOn::TrainingRows(count), _) => {
                let (kept, aside) = set_aside(train.labels(), train.classes(), count);
                if kept.is_empty() || aside.is_empty() {
                    return Err(format!(
                        "training-rows must be from 1 to {}, one less than there are, got {count}",
                        train.rows() - 1
                    ));
                }
                let part = |rows: &[u32]| train.subset(rows).map_err(|e| e.to_string());
                let pick = |all: &[u32]| kept.iter().map(|&row| all[row as usize]).collect();
                if let Some(groups) = &mut groups {
                    groups.index = pick(&groups.index);
                }
                places = Some(places.map_or_else(|| kept.clone(), |places| pick(&places)));
                (part(&kept)?, part(&aside)?)
            }
        };
        Ok(Cow::Owned(Loaded {
            name: data.name.clone(),
            split: Split { train, validation: None, test },
            classes: data.classes.clone(),
            groups,
            places,
            picture: data.picture,
            checksums: data.checksums.clone(),
            notes: data.notes.clone(),
        }))
    }
}

/// Rows that stay, and `count` that do not: of each class its share by largest remainders, evenly spaced.
pub(super) fn set_aside(labels: &[u32], classes: usize, count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut sizes = vec![0; classes];
    for &label in labels {
        sizes[label as usize] += 1;
    }
    let total = labels.len();
    let count = count.min(total);
    let mut shares: Vec<usize> = sizes.iter().map(|&n: &usize| n * count / total).collect();
    let mut order: Vec<usize> = (0..classes).collect();
    order.sort_by_key(|&class| Reverse(sizes[class] * count % total));
    let missing = count - shares.iter().sum::<usize>();
    for &class in &order[..missing] {
        shares[class] += 1;
    }
    let mut seen = vec![0; classes];
    (0..total as u32).partition(|&row| {
        let class = labels[row as usize] as usize;
        let (i, n, m) = (seen[class], sizes[class], shares[class]);
        seen[class] += 1;
        (i + 1) * m / n == i * m / n
    })
}

/// The data of an experiment's runs: those given, or with other rows in the place of the test rows ([`EvaluateOn`]). What
/// runs or checks cells does this itself.
///
/// [`EvaluateOn`]: crate::EvaluateOn
///
/// # Errors
/// When the set does not have these rows, at the place in the file.
pub fn evaluated<'d>(
    experiment: &Experiment,
    source: &ExperimentText,
    data: &'d Loaded,
) -> Result<Cow<'d, Loaded>, ConfigError> {
    experiment
        .data
        .evaluate_on
        .of(data)
        .map_err(|why| source.error_at(&["data", "evaluate-on"], why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_gives_its_share_and_every_row_is_in_one_part() {
        let labels: Vec<u32> = (0..1000).map(|i| [0, 1, 1, 2, 1][i % 5]).chain([3]).collect();
        for count in [1, 7, 100, 999] {
            let (kept, aside) = set_aside(&labels, 4, count);
            assert_eq!((kept.len(), aside.len()), (1001 - count, count));
            let mut all = [kept, aside.clone()].concat();
            all.sort_unstable();
            assert!(all.iter().copied().eq(0..1001));
            for (class, size) in [200, 600, 200, 1].into_iter().enumerate() {
                let of = aside.iter().filter(|&&r| labels[r as usize] == class as u32).count();
                let share = size as f64 * count as f64 / 1001.0;
                assert!((of as f64 - share).abs() < 1.0, "{of} of class {class}, {share} expected");
            }
        }
    }

    #[test]
    fn sets_without_such_rows_say_so() {
        let digits = fl_data::digits::load();
        let rows = digits.split.train.rows();
        assert!(matches!(EvaluateOn::Test.of(&digits), Ok(Cow::Borrowed(_))));
        assert!(EvaluateOn::Validation.of(&digits).unwrap_err().contains("no validation rows"));
        for count in [0, rows, rows + 1] {
            let error = EvaluateOn::TrainingRows(count).of(&digits).unwrap_err();
            assert!(error.contains(&format!("from 1 to {}", rows - 1)), "{error}");
        }
        let data = EvaluateOn::TrainingRows(100).of(&digits).expect("rows enough");
        assert_eq!((data.split.train.rows(), data.split.test.rows()), (rows - 100, 100));
        assert_eq!(data.digest(), digits.digest());
    }
}
