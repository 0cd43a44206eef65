//! Choosing each method's step size, and RSA's λ, by successive halving on rows that no final run is judged by.

use super::judge::{Ladder, Verdict, judging, rows, text, window};
use crate::check::unknown_method;
use crate::file::{
    ConfigError, EvaluateOn, Experiment, ExperimentText, MethodConfig, ProtocolConfig, TuneConfig,
};
use crate::store::Outcome;
use fl_data::Loaded;
use serde::Serialize;

/// A step, with λ where the method is RSA.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// γ.
    pub step: f64,
    /// λ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<f64>,
}

/// A candidate's runs on one rung.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// What was tried.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Final accuracies on the rows set aside, in the order of seeds; null for a run that diverged.
    pub accuracies: Vec<Option<f64>>,
    /// Their mean; null where a run diverged.
    pub score: Option<f64>,
    /// Mean loss on these rows, which decides between equal scores; null where a run diverged.
    pub loss: Option<f64>,
    /// Whether it went on, or on the last rung was chosen.
    pub kept: bool,
}

/// A comparison of candidates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// Rounds that each ran.
    pub rounds: u64,
    /// Last rounds over which accuracies are averaged.
    pub window: u64,
    /// All that were compared, in the order of the grid.
    pub trials: Vec<Trial>,
}

/// What was chosen for a method, with the evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choosing {
    /// The method.
    pub method: String,
    /// What was chosen; none where every candidate diverged.
    pub chosen: Option<Candidate>,
    /// Whether a chosen value is the least or the greatest of its grid, so that a better one may lie outside.
    pub at_edge: bool,
    /// From the first rung to the last.
    pub rungs: Vec<Rung>,
    #[serde(skip)]
    index: usize,
    #[serde(skip)]
    left: Vec<Candidate>,
}

/// A search for step sizes: asks for experiments, is told their outcomes.
///
/// ```text
/// while let Some((experiment, source)) = tuning.next()? { tuning.tell(&run_experiment(…)?) }
/// ```
#[derive(Debug)]
pub struct Tuning<'a> {
    experiment: &'a Experiment,
    config: TuneConfig,
    evaluate_on: EvaluateOn,
    rung: u32,
    methods: Vec<Choosing>,
}

impl<'a> Tuning<'a> {
    /// A search for the methods named, or else those of the table `[tune]`.
    ///
    /// # Errors
    /// When a name is no method's.
    pub fn new(
        experiment: &'a Experiment,
        data: &Loaded,
        methods: &[String],
    ) -> Result<Self, ConfigError> {
        let config = experiment.tune.clone().unwrap_or_default();
        for name in methods {
            if experiment.method.iter().all(|m| m.name != *name) {
                return Err(ConfigError::plain("the search", unknown_method(experiment, name)));
            }
        }
        let named = if methods.is_empty() { config.methods.as_deref() } else { Some(methods) };
        let wanted = |method: &MethodConfig| named.is_none_or(|n| n.contains(&method.name));
        let evaluate_on = rows(config.evaluate_on, experiment, data)?;
        let methods = experiment
            .method
            .iter()
            .enumerate()
            .filter(|(_, method)| wanted(method))
            .map(|(index, method)| Choosing {
                method: method.name.clone(),
                chosen: None,
                at_edge: false,
                rungs: Vec::new(),
                index,
                left: candidates(method, &config),
            })
            .collect();
        Ok(Self { experiment, config, evaluate_on, rung: 0, methods })
    }

    /// The number of the rung that comes next, from 0, and of all.
    pub fn rung(&self) -> (u32, u32) {
        (self.rung, self.config.rungs)
    }

    /// Seeds, and the rows that candidates are judged by.
    pub fn conditions(&self) -> (&[u64], EvaluateOn) {
        (&self.config.seeds, self.evaluate_on)
    }

    fn rounds(&self, rung: u32) -> u64 {
        let TuneConfig { rungs, keep_one_in, .. } = self.config;
        Ladder { rungs, keep_one_in }.rounds(self.experiment, rung)
    }

    /// The next rung as an experiment, whose methods are the candidates that are left; none after the last rung.
    ///
    /// # Errors
    /// When the experiment cannot be written out.
    pub fn next(&self) -> Result<Option<(Experiment, ExperimentText)>, ConfigError> {
        if self.rung == self.config.rungs {
            return Ok(None);
        }
        let rounds = self.rounds(self.rung);
        let mut method = Vec::new();
        for choosing in &self.methods {
            let original = &self.experiment.method[choosing.index];
            for candidate in &choosing.left {
                let mut one = original.clone();
                one.name = name(&original.name, candidate);
                one.step = Some(candidate.step);
                if let (Some(lambda), Some(ProtocolConfig::Rsa(rsa))) =
                    (candidate.lambda, &mut one.protocol)
                {
                    rsa.lambda = lambda;
                }
                one.final_window = Some(window(self.experiment, original, rounds));
                method.push(one);
            }
        }
        if method.is_empty() {
            return Ok(None);
        }
        let name = format!("rung-{}", self.rung + 1);
        let (seeds, on) = (&self.config.seeds, self.evaluate_on);
        let experiment = judging(self.experiment, name, rounds, seeds, on, method);
        let source = text(&experiment, &format!("rung {} of the search", self.rung + 1))?;
        Ok(Some((experiment, source)))
    }

    /// What came of the experiment that [`Tuning::next`] asked for.
    pub fn tell(&mut self, outcomes: &[Outcome]) {
        let rounds = self.rounds(self.rung);
        let last = self.rung + 1 == self.config.rungs;
        let windows: Vec<u64> = self
            .methods
            .iter()
            .map(|m| window(self.experiment, &self.experiment.method[m.index], rounds))
            .collect();
        for (choosing, window) in self.methods.iter_mut().zip(windows) {
            let mut trials: Vec<Trial> = choosing
                .left
                .iter()
                .map(|&candidate| trial(candidate, &name(&choosing.method, &candidate), outcomes))
                .collect();
            let mut order: Vec<usize> = (0..trials.len()).collect();
            let score = |i: &usize| trials[*i].score.unwrap_or(f64::NEG_INFINITY);
            let loss = |i: &usize| trials[*i].loss.unwrap_or(f64::INFINITY);
            // Stable, so that ties keep the order of the grid.
            order.sort_by(|a, b| score(b).total_cmp(&score(a)).then(loss(a).total_cmp(&loss(b))));
            let kept =
                if last { 1 } else { trials.len().div_ceil(self.config.keep_one_in as usize) };
            order.truncate(kept);
            // What has diverged will not do better in more rounds.
            order.retain(|&i| trials[i].score.is_some());
            order.sort_unstable();
            for &i in &order {
                trials[i].kept = true;
            }
            choosing.left = order.iter().map(|&i| trials[i].candidate).collect();
            choosing.rungs.push(Rung { rounds, window, trials });
            if let (true, Some(&chosen)) = (last, choosing.left.first()) {
                choosing.chosen = Some(chosen);
                let edge = |grid: &[f64], value: f64| {
                    grid.len() > 1
                        && (grid.iter().all(|&g| g >= value) || grid.iter().all(|&g| g <= value))
                };
                choosing.at_edge = edge(&self.config.step, chosen.step)
                    || chosen.lambda.is_some_and(|lambda| edge(&self.config.lambda, lambda));
            }
        }
        self.rung += 1;
    }

    /// What was chosen, method by method.
    pub fn methods(&self) -> &[Choosing] {
        &self.methods
    }

    /// What is chosen, as settings of the experiment file (`("method.0.step", "0.5")`).
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut set = Vec::new();
        for Choosing { index, chosen, .. } in &self.methods {
            let Some(Candidate { step, lambda }) = chosen else { continue };
            set.push((format!("method.{index}.step"), format!("{step:?}")));
            if let Some(lambda) = lambda {
                set.push((format!("method.{index}.protocol.rsa.lambda"), format!("{lambda:?}")));
            }
        }
        set
    }
}

/// The grid of a method, smaller steps first.
fn candidates(method: &MethodConfig, config: &TuneConfig) -> Vec<Candidate> {
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    let steps = sorted(&config.step);
    if method.protocol.is_none() {
        return steps.into_iter().map(|step| Candidate { step, lambda: None }).collect();
    }
    let lambdas = sorted(&config.lambda);
    let with = |step| lambdas.iter().map(move |&l| Candidate { step, lambda: Some(l) });
    steps.into_iter().flat_map(with).collect()
}

/// A candidate as a method's name.
fn name(method: &str, candidate: &Candidate) -> String {
    // A method's name has at most 100 bytes.
    let mut end = method.len().min(56);
    while !method.is_char_boundary(end) {
        end -= 1;
    }
    let name = format!("{} step {}", &method[..end], candidate.step);
    candidate.lambda.map_or(name.clone(), |lambda| format!("{name} lambda {lambda}"))
}

fn trial(candidate: Candidate, name: &str, outcomes: &[Outcome]) -> Trial {
    let runs = outcomes.iter().filter(|o| o.cell.method.name == name);
    let Verdict { accuracies, score, loss } = Verdict::of(runs);
    Trial { candidate, accuracies, score, loss, kept: false }
}
