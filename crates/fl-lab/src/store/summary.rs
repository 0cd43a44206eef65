//! Numbers over seeds.

use super::done::{Ending, Outcome};
/// A method's final accuracy over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The method.
    pub method: String,
    /// Whether runs are compared by R², as with real targets, and not by accuracy.
    pub r_squared: bool,
    /// Final accuracies, or R², in the order of seeds.
    pub accuracies: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; 0 for one seed.
    pub deviation: f64,
    /// Mean of the final balanced accuracies.
    pub balanced: f64,
    /// Runs that diverged.
    pub diverged: usize,
    /// Mean rounds a second.
    pub rounds_per_second: f64,
}

/// One summary a method, in the order in which methods first appear.
pub fn summarise(outcomes: &[Outcome]) -> Vec<Summary> {
    let mut methods: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !methods.contains(&outcome.cell.method.name.as_str()) {
            methods.push(&outcome.cell.method.name);
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    methods
        .into_iter()
        .map(|method| {
            let of: Vec<&Outcome> =
                outcomes.iter().filter(|o| o.cell.method.name == method).collect();
            let accuracies: Vec<f64> = of.iter().filter_map(|o| o.finals()?.score()).collect();
            let balanced: Vec<f64> =
                of.iter().filter_map(|o| o.finals()?.balanced_accuracy).collect();
            let speeds: Vec<f64> = of.iter().map(|o| o.done.resources.rounds_per_second).collect();
            let average = mean(&accuracies);
            let square: f64 = accuracies.iter().map(|a| (a - average).powi(2)).sum();
            let diverged =
                of.iter().filter(|o| matches!(o.done.ending, Ending::Diverged { .. })).count();
            Summary {
                method: method.to_owned(),
                r_squared: of.iter().any(|o| o.finals().is_some_and(|f| f.r_squared.is_some())),
                mean: average,
                deviation: (square / (accuracies.len().max(2) - 1) as f64).sqrt(),
                balanced: mean(&balanced),
                diverged,
                rounds_per_second: mean(&speeds),
                accuracies,
            }
        })
        .collect()
}
