//! What searches have in common: short runs of candidates on rows that no final run is judged by, and what they came to.

use crate::file::{
    ConfigError, EvaluateOn, Experiment, ExperimentText, MethodConfig, StopConfig, TelemetryConfig,
};
use crate::store::{Ending, Finals, Outcome};
use fl_data::Loaded;
use std::mem::discriminant;

/// The rows that candidates are judged by: those asked for, or the set's validation rows, or a tenth of the training rows;
/// never those that the experiment's own runs are judged by.
///
/// # Errors
/// When they are asked for all the same.
pub(super) fn rows(
    asked: Option<EvaluateOn>,
    experiment: &Experiment,
    data: &Loaded,
) -> Result<EvaluateOn, ConfigError> {
    let finals = experiment.data.evaluate_on;
    // Rows of each class are taken from one order: a smaller number of them is not apart from a larger one.
    let are_finals = |on: &EvaluateOn| discriminant(on) == discriminant(&finals);
    if let Some(asked) = asked {
        if are_finals(&asked) {
            let why = "`evaluate-on` names the rows of `data.evaluate-on`, by which the runs that follow are judged; name others";
            return Err(ConfigError::plain("the search", why));
        }
        return Ok(asked);
    }
    let tenth = EvaluateOn::TrainingRows((data.split.train.rows() / 10).max(1));
    let own = data.split.validation.is_some().then_some(EvaluateOn::Validation);
    let free = own.into_iter().chain([tenth]).find(|on| !are_finals(on));
    free.ok_or_else(|| {
        let why = "`data.evaluate-on` has training rows, and the set has no validation rows: a search has none of its own; evaluate on \"test\"";
        ConfigError::plain("the search", why)
    })
}

/// Successive halving: how often candidates are compared, and of how many one goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ladder {
    pub(super) rungs: u32,
    pub(super) keep_one_in: u32,
}

impl Ladder {
    /// Rounds of a rung: the last one has all.
    pub(super) fn rounds(self, experiment: &Experiment, rung: u32) -> u64 {
        experiment.rounds.div_ceil(self.parts(rung)).max(1)
    }

    /// How many times fewer rounds than the last rung a rung has.
    pub(super) fn parts(self, rung: u32) -> u64 {
        u64::from(self.keep_one_in).saturating_pow(self.rungs - 1 - rung)
    }
}

/// The window of a method's final accuracy in a run of so many rounds.
pub(super) fn window(experiment: &Experiment, method: &MethodConfig, rounds: u64) -> u64 {
    let share = rounds as f64 / experiment.rounds as f64;
    (experiment.window(method) as f64 * share).round() as u64
}

/// The experiment that runs these methods for so many rounds and measures nothing but what they are judged by.
pub(super) fn judging(
    experiment: &Experiment,
    name: String,
    rounds: u64,
    seeds: &[u64],
    evaluate_on: EvaluateOn,
    method: Vec<MethodConfig>,
) -> Experiment {
    let mut judging = Experiment { method, ..experiment.clone() };
    judging.name = name;
    judging.rounds = rounds;
    judging.seeds = seeds.to_vec();
    judging.evaluate_every = Some((rounds / 80).max(1));
    judging.full_pass_every = Some(0);
    judging.final_window = None;
    judging.telemetry = TelemetryConfig::default();
    judging.stop = StopConfig::default();
    (judging.tune, judging.defend) = (None, None);
    judging.data.evaluate_on = evaluate_on;
    judging
}

/// Its text, for errors that show their place.
pub(super) fn text(experiment: &Experiment, file: &str) -> Result<ExperimentText, ConfigError> {
    let text = toml::to_string(experiment).map_err(|e| ConfigError::plain(file, e))?;
    ExperimentText::new(&text, file, &[])
}

/// What a candidate's runs came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    /// Final accuracies, or R², in the order of seeds; none for a run that diverged.
    pub(super) accuracies: Vec<Option<f64>>,
    /// Their mean; none where a run diverged.
    pub(super) score: Option<f64>,
    /// Mean loss; none where a run diverged.
    pub(super) loss: Option<f64>,
}

impl Verdict {
    /// Of these runs.
    pub(super) fn of<'o>(runs: impl Iterator<Item = &'o Outcome>) -> Self {
        let finals: Vec<Option<Finals>> = runs
            .map(|run| match run.done.ending {
                Ending::Diverged { .. } => None,
                _ => run.finals(),
            })
            .collect();
        let each = |value: fn(&Finals) -> Option<f64>| -> Vec<Option<f64>> {
            finals.iter().map(|f| value(f.as_ref()?)).collect()
        };
        let accuracies = each(Finals::score);
        let (score, loss) = (mean(&accuracies), mean(&each(|f| f.test_loss)));
        Self { accuracies, score, loss }
    }
}

/// The mean; none where one of them is, or it is not finite.
pub(super) fn mean(values: &[Option<f64>]) -> Option<f64> {
    let sum: Option<f64> = values.iter().copied().sum();
    sum.map(|sum| sum / values.len() as f64).filter(|mean| mean.is_finite())
}
