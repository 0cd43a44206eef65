//! Runs that differ in their seeds alone, and what they came to together.

use crate::factors::Factor;
use crate::report::{Better, Report};
use fl_plot::student_t_975;
use std::collections::BTreeMap;

/// Runs that are repetitions of each other.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The value of each factor.
    pub(crate) values: Vec<usize>,
    /// Places of runs.
    pub(crate) runs: Vec<usize>,
}

/// The groups of all runs, in the order of their factors' values.
pub(crate) fn groups(factors: &[Factor], runs: usize) -> Vec<Group> {
    let mut found: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for run in 0..runs {
        found.entry(factors.iter().map(|f| f.of[run]).collect()).or_default().push(run);
    }
    found.into_iter().map(|(values, runs)| Group { values, runs }).collect()
}

/// A mean over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    pub(crate) mean: f64,
    /// Half of its 95 % interval; none for a single seed.
    pub(crate) half: Option<f64>,
    /// The seed that came to the worst.
    pub(crate) worst: f64,
}

/// The mean of one value a seed; `None` where one of them is missing or is no number, or there are none.
///
/// ```text
/// m = (1/n) Σ y_i        half = t · s / √n, t the 0.975 quantile of Student's t with n − 1 degrees of freedom
/// ```
pub(crate) fn mean(by_seed: &BTreeMap<u64, Vec<Option<f64>>>, better: Better) -> Option<Mean> {
    let of_seed = |values: &Vec<Option<f64>>| {
        let sum: Option<f64> = values.iter().copied().sum();
        Some(sum? / values.len() as f64).filter(|v| v.is_finite())
    };
    let values: Vec<f64> = by_seed.values().map(of_seed).collect::<Option<_>>()?;
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let worst = values.iter().copied().reduce(|a, b| if better.is_worse(b, a) { b } else { a })?;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0);
    let half = (n > 1).then(|| student_t_975(n - 1) * (variance / n as f64).sqrt());
    Some(Mean { mean, half, worst })
}

impl Better {
    /// Whether `a` is worse than `b`.
    pub(crate) fn is_worse(self, a: f64, b: f64) -> bool {
        match self {
            Better::High => a < b,
            Better::Low => a > b,
        }
    }
}

/// The mean of one of a report's quantities over a group.
pub(crate) fn mean_of(report: &Report, group: &Group, quantity: usize) -> Option<Mean> {
    let mut by_seed: BTreeMap<u64, Vec<Option<f64>>> = BTreeMap::new();
    for &run in &group.runs {
        let run = &report.runs[run];
        by_seed.entry(run.seed).or_default().push(run.finals.get(quantity).copied().flatten());
    }
    mean(&by_seed, report.quantities[quantity].better)
}

/// Methods by the least of what attacks leave of them, best first, within one value of all other factors.
#[derive(Clone, Debug)]
pub(crate) struct WorstCase<'a> {
    pub(crate) group: &'a Group,
    pub(crate) mean: Mean,
}

/// The worst cases among these groups. A method that has not met every attack that another has met is left out.
pub(crate) fn worst_cases<'a>(
    report: &Report,
    groups: &[&'a Group],
    quantity: usize,
) -> Vec<WorstCase<'a>> {
    let better = report.quantities[quantity].better;
    let mut by_method: BTreeMap<usize, (usize, Option<WorstCase<'a>>)> = BTreeMap::new();
    for &group in groups {
        let Some(mean) = mean_of(report, group, quantity) else { continue };
        let (attacks, worst) = by_method.entry(group.values[0]).or_default();
        *attacks += 1;
        if worst.as_ref().is_none_or(|w| better.is_worse(mean.mean, w.mean.mean)) {
            *worst = Some(WorstCase { group, mean });
        }
    }
    let attacks = by_method.values().map(|(attacks, _)| *attacks).max().unwrap_or(0);
    let complete = by_method.into_values().filter(|(n, _)| *n == attacks);
    let mut cases: Vec<WorstCase<'a>> = complete.filter_map(|(_, case)| case).collect();
    cases.sort_by(|a, b| match better {
        Better::High => b.mean.mean.total_cmp(&a.mean.mean),
        Better::Low => a.mean.mean.total_cmp(&b.mean.mean),
    });
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(values: &[Option<f64>]) -> BTreeMap<u64, Vec<Option<f64>>> {
        (0..).zip(values).map(|(seed, &value)| (seed, vec![value])).collect()
    }

    #[test]
    fn the_interval_is_students() {
        let found = mean(&seeds(&[Some(0.6), Some(0.8)]), Better::High).unwrap();
        assert!((found.mean - 0.7).abs() < 1e-12);
        // s = √0.02, n = 2, t = 12.7062.
        assert!((found.half.unwrap() - 1.270_620_5).abs() < 1e-6);
        assert_eq!(found.worst, 0.6);
        assert_eq!(mean(&seeds(&[Some(0.6), Some(0.8)]), Better::Low).unwrap().worst, 0.8);
        assert_eq!(mean(&seeds(&[Some(0.6)]), Better::High).unwrap().half, None);
    }

    #[test]
    fn a_seed_without_a_value_leaves_no_mean() {
        assert_eq!(mean(&seeds(&[Some(0.6), None]), Better::High), None);
        assert_eq!(mean(&seeds(&[Some(f64::NAN)]), Better::High), None);
        assert_eq!(mean(&seeds(&[]), Better::High), None);
    }
}
