//! Where the paper's theory meets an experiment: which theorem is about a method, with which numbers, and what is worth a
//! warning before a run.

use crate::LabError;
use crate::file::{
    ByzantineConfig, ConfigError, Experiment, ExperimentText, MethodConfig, Precision,
    ProtocolConfig,
};
use crate::name::{Choice, Named, Number};
use crate::plan::{Assignment, Cell, check_federation, setup};
use fl_core::Shape;
use fl_data::Loaded;
use fl_saga::Sgd;
use fl_sim::{Participation, ProtocolSpec, Simulation, full_pass};
use fl_theory::{
    Coefficients, Convergence, Estimate, Problem, Run, Setting, Size, Variation, algorithm_1,
    best_s, largest_tolerable, steps, theorem_1, theorem_3,
};
use rayon::prelude::*;
use serde::Serialize;

/// What the theory has to say about a method.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// Theorem 1: SAGA and a geometric median, with resampling or without (`s = 1`, Byrd-SAGA).
    Theorem1(Setting),
    /// Theorem 3: stochastic gradients and a geometric median, with resampling or without (`s = 1`, Byrd-SGD).
    Theorem3(Setting),
    /// Neither is about it, and why.
    Neither(String),
}

impl Scope {
    /// W, B and s, where a theorem is about the method.
    pub fn setting(&self) -> Option<Setting> {
        match self {
            Scope::Theorem1(setting) | Scope::Theorem3(setting) => Some(*setting),
            Scope::Neither(_) => None,
        }
    }
}

/// Which theorem is about a method of an experiment that was checked.
///
/// # Errors
/// As [`crate::check`].
pub fn scope(
    experiment: &Experiment,
    method: &MethodConfig,
    source: &ExperimentText,
) -> Result<Scope, ConfigError> {
    let shape = check_federation(experiment, source)?;
    let neither = |why: String| Ok(Scope::Neither(why));
    if let Some(Named(ProtocolConfig::Rsa(_))) = method.protocol {
        return neither("RSA sends models, and the theorems are about gradients".into());
    }
    if matches!(experiment.federation.byzantine, ByzantineConfig::Rotating(_)) {
        return neither("the Byzantine workers change, so that problem (1) does too".into());
    }
    if experiment.federation.participation.is_some() {
        return neither(
            "part of the workers take part in a round, and the theorems are about all".into(),
        );
    }
    if method.weights.is_some()
        || method.rule.as_ref().is_some_and(|rule| rule.settings.get("weights").is_some())
    {
        return neither(
            "its messages have weights, and problem (1) and the theorems are about equal ones"
                .into(),
        );
    }
    match &method.rule {
        Some(rule) if rule.name == "geometric-median" => {}
        Some(rule) => {
            return neither(format!("its rule is {}, not the geometric median", rule.name));
        }
        None => return neither("it has no rule".into()),
    }
    let s = match &*method.pre {
        [] => 1,
        [one] if one.name == "resample" => resampling_size(one, source),
        [one] => return neither(format!("{} is not resampling", one.name)),
        _ => return neither("it has more than one pre-aggregator".into()),
    };
    for (decorator, there) in [
        ("local steps", method.local_steps.is_some()),
        ("momentum", method.momentum.is_some()),
        ("clipping", method.clip.is_some()),
    ] {
        if there {
            return neither(format!("it has {decorator}"));
        }
    }
    let Ok(setting) = Setting::new(shape.workers, shape.byzantine, s) else {
        return neither(format!("s = {s} is not between 1 and W"));
    };
    match &*method.estimator.name {
        "saga" | "dense-saga" => Ok(Scope::Theorem1(setting)),
        "sgd" => Ok(Scope::Theorem3(setting)),
        other => {
            neither(format!("its estimator is {other}, neither SAGA nor a stochastic gradient"))
        }
    }
}

/// s as the file or the default has it.
fn resampling_size(choice: &Choice, source: &ExperimentText) -> usize {
    let default = || source.registry().pre_aggregators().find("resample")?.defaults().get("s");
    let s = choice.settings.get("s").or_else(default).and_then(toml::Value::as_integer);
    s.and_then(|s| usize::try_from(s).ok()).unwrap_or(0)
}

/// µ, L and J of problem (1) as a cell deals it: over the regular workers' samples, with the cell's batch. `None` for a model that is
/// not strongly convex (a perceptron, or λ = 0), and where Byzantine workers
/// change and problem (1) with them.
///
/// Where regular workers hold equally many samples f is the mean over all of them. Where they do not, f is the mean of the workers' means,
/// and its constants are those of the mean of their second moments. Bounds that [`Curvature`] gives are as good as they are: L from above, µ from below.
///
/// # Errors
/// As [`setup`].
pub fn problem(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<Option<Problem>, ConfigError> {
    match cell.experiment.precision {
        Precision::F32 => problem_of::<f32>(cell, data, assignment, source),
        Precision::F64 => problem_of::<f64>(cell, data, assignment, source),
    }
}

fn problem_of<T: Number>(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<Option<Problem>, ConfigError> {
    let setup = setup::<T>(cell, data, assignment, source)?;
    if setup.rotation.is_some() {
        return Ok(None);
    }
    let regular = || setup.federation.regular().iter().map(|&w| setup.samples[w as usize]);
    let samples = regular().map(<[u32]>::len).max().unwrap_or(0);
    let curvature = if regular().all(|rows| rows.len() == samples) {
        let mut rows: Vec<u32> = regular().flatten().copied().collect();
        rows.sort_unstable();
        setup.objective.curvature(setup.train, &rows)
    } else {
        let workers: Vec<&[u32]> = regular().collect();
        setup.objective.curvature_of_means(setup.train, &workers)
    };
    let batch = cell.method.batch.unwrap_or(cell.experiment.train.batch);
    Ok(curvature.filter(|c| c.mu > 0.0).map(|c| Problem {
        mu: c.mu,
        smooth: c.smooth,
        smooth_sample: c.smooth_sample,
        samples,
        batch,
    }))
}

/// The mean over regular workers of the L of each worker's own f_w. It is at least the L of f, their mean, and well above it
/// where workers hold different classes. `None` where [`problem`] gives none.
///
/// # Errors
/// As [`setup`].
pub fn mean_smoothness(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<Option<f64>, ConfigError> {
    let setup = setup::<f64>(cell, data, assignment, source)?;
    if setup.rotation.is_some() {
        return Ok(None);
    }
    let regular = setup.federation.regular();
    let each: Option<Vec<f64>> = regular
        .par_iter()
        .map(|&w| {
            let rows = setup.samples[w as usize];
            setup.objective.curvature(setup.train, rows).map(|c| c.smooth)
        })
        .collect();
    Ok(each.map(|each| each.iter().sum::<f64>() / each.len() as f64))
}

/// What was measured of a problem at some points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Points at which (15) and (16) were measured.
    pub points: usize,
    /// δ², the largest outer variation (15).
    pub delta2: f64,
    /// σ² for one sample, the largest inner variation: of (16) the mean over the regular workers, which is what (67) uses.
    pub sigma2: f64,
    /// `‖∇f(x⁰)‖`.
    pub gradient_norm: f64,
}

/// Measures δ² and σ² at x⁰ and at the points that stochastic gradients averaged over everybody, without attack, reach from there after the given
/// numbers of rounds, with the cell's step. Both assumptions ask for all x, so these are bounds from below.
///
/// Cost: three passes over the training data a point, and the rounds.
///
/// # Errors
/// As [`setup`]. A run that diverges ends the list of points early.
pub fn measure(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
    rounds: &[u64],
) -> Result<Measured, LabError> {
    match cell.experiment.precision {
        Precision::F32 => measure_of::<f32>(cell, data, assignment, source, rounds),
        Precision::F64 => measure_of::<f64>(cell, data, assignment, source, rounds),
    }
}

fn measure_of<T: Number>(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
    rounds: &[u64],
) -> Result<Measured, LabError> {
    let mut setup = setup::<T>(cell, data, assignment, source)?;
    let smallest = setup.samples.iter().map(|rows| rows.len()).min().unwrap_or(1);
    let batch = cell.method.batch.unwrap_or(cell.experiment.train.batch).min(smallest);
    setup.estimator = Box::new(Sgd::new(batch));
    setup.attack = Box::new(fl_attacks::NoAttack {});
    (setup.rotation, setup.participation, setup.byzantine_data) = (None, None, None);
    setup.protocol = ProtocolSpec::Gradient { pre: Vec::new(), rule: Box::new(fl_agg::Mean) };
    let mut simulation = Simulation::new(setup).map_err(|e| source.error_at(&["federation"], e))?;
    let mut estimate = Estimate::default();
    let mut gradient_norm = f64::NAN;
    let mut rounds = rounds.to_vec();
    rounds.push(0);
    rounds.sort_unstable();
    rounds.dedup();
    for round in rounds {
        if simulation.run(round, |_, _| Ok(())).is_err() {
            break;
        }
        let params = simulation.params().to_vec();
        let pass = full_pass(&simulation.view(), &params);
        if !(pass.outer_variation.is_finite() && pass.inner_variation.is_finite()) {
            break;
        }
        if round == 0 {
            gradient_norm = pass.gradient_norm;
        }
        estimate.measured(pass.outer_variation, pass.inner_variation);
    }
    let Estimate { delta2, sigma2, points } = estimate;
    Ok(Measured { points, delta2, sigma2, gradient_norm })
}

/// What is known beside W, B and s; whatever is left out leaves out what follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Knowns {
    /// µ, L, J and b.
    pub problem: Option<Problem>,
    /// γ.
    pub step: Option<f64>,
    /// δ².
    pub delta2: Option<f64>,
    /// σ² of a message.
    pub sigma2: Option<f64>,
    /// `‖x⁰ − x*‖²`.
    pub initial: Option<f64>,
    /// ε; 0 if left out.
    pub epsilon: Option<f64>,
}

/// The theory's numbers for W, B and s and whatever else is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// W.
    pub workers: usize,
    /// B.
    pub byzantine: usize,
    /// s.
    pub s: usize,
    /// α = B/W.
    pub alpha: f64,
    /// Whether B < W/2s.
    pub tolerated: bool,
    /// The largest B with B < W/2s.
    pub tolerable: usize,
    /// C_α, where B < W/2.
    pub c_alpha: Option<f64>,
    /// C_sα, where B < W/2s.
    pub c_s_alpha: Option<f64>,
    /// d = (W − 1)/(sW − 1), Lemma 3's factor.
    pub d: f64,
    /// d_R = (R − 1)/(sR − 1), the exact factor when copies are dealt by a permutation.
    pub d_regular: f64,
    /// The mean factor of Algorithm 1 as printed, where it is quick to compute.
    pub algorithm_1: Option<f64>,
    /// Of an inner variation of 1 in (17): (d + (1 − d)/R) C_sα².
    pub inner_coefficient: Option<f64>,
    /// Of an outer variation of 1 in (17): d C_sα².
    pub outer_coefficient: Option<f64>,
    /// Both without resampling, (7): C_α².
    pub plain_coefficient: Option<f64>,
    /// The s with the smallest learning error for the proposed method, of all that tolerate B.
    pub best_s: Option<usize>,
    /// The same for RS-Byrd-SGD, where σ² and δ² are known.
    pub best_s_sgd: Option<usize>,
    /// The conditions on the step size, where the problem is known.
    pub steps: Vec<Step>,
    /// Theorem 1, where all that it needs is known.
    pub theorem_1: Option<Bound>,
    /// Theorem 3, where all that it needs is known.
    pub theorem_3: Option<Bound>,
}

/// A condition on the step size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The paper's equation.
    pub equation: &'static str,
    /// In symbols.
    pub formula: &'static str,
    /// The longest step that meets it.
    pub limit: f64,
    /// Whether the step meets it; `None` where there is no step.
    pub met: Option<bool>,
}

/// A theorem's bound on `E‖x^k − x*‖²`: `contraction^k delta_1 + plateau`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// Whether all its conditions are met; if not, the rest are numbers and no bound.
    pub holds: bool,
    /// The equations of the conditions that are not met.
    pub failed: Vec<&'static str>,
    /// The factor a round.
    pub contraction: f64,
    /// Δ₁.
    pub delta_1: f64,
    /// Δ₂.
    pub delta_2: f64,
    /// What is left as k grows.
    pub plateau: f64,
    /// The first round whose bound is at most twice the plateau, where there is one.
    pub rounds_to_twice_plateau: Option<u64>,
}

impl From<Convergence> for Bound {
    fn from(bound: Convergence) -> Self {
        Self {
            holds: bound.holds(),
            failed: bound.failed().map(|c| c.equation).collect(),
            contraction: bound.contraction,
            delta_1: bound.delta_1,
            delta_2: bound.delta_2,
            plateau: bound.plateau,
            rounds_to_twice_plateau: bound.rounds_until(2.0 * bound.plateau),
        }
    }
}

/// Everything that follows from a setting and what else is known.
///
/// # Errors
/// When a number that is known cannot be what it stands for. `B ≥ W/2s` is none: what has no value then is `None`.
pub fn numbers(setting: &Setting, knowns: &Knowns) -> Result<Numbers, fl_core::SpecError> {
    let (workers, byzantine, s) = (setting.workers(), setting.byzantine(), setting.s());
    let (d, tolerated) = (setting.d(), setting.tolerates());
    let plain = Setting::new(workers, byzantine, 1)?;
    let coefficients = if tolerated { Some(Coefficients::new(setting, d)?) } else { None };
    let best = |variation: Variation| -> Result<Option<Size>, fl_core::SpecError> {
        if !plain.tolerates() {
            return Ok(None);
        }
        best_s(workers, byzantine, variation).map(|(best, _)| Some(best))
    };
    let variation = match (knowns.sigma2, knowns.delta2) {
        (Some(inner), Some(outer)) => Some(Variation { inner, outer }),
        _ => None,
    };
    let mut found = Numbers {
        workers,
        byzantine,
        s,
        alpha: setting.alpha(),
        tolerated,
        tolerable: largest_tolerable(workers, s),
        c_alpha: plain.c().ok(),
        c_s_alpha: setting.c().ok(),
        d,
        d_regular: setting.d_regular(),
        // Three copies of a hundred messages, or two of 255, take seconds.
        algorithm_1: if workers <= 60 && s <= 3 {
            algorithm_1(setting).ok().map(|law| law.mean())
        } else {
            None
        },
        inner_coefficient: coefficients.map(|c| c.inner),
        outer_coefficient: coefficients.map(|c| c.outer),
        plain_coefficient: plain.c().ok().map(|c| c * c),
        best_s: best(Variation { inner: 0.0, outer: 1.0 })?.map(|best| best.s),
        best_s_sgd: match variation {
            Some(variation) => best(variation)?.map(|best| best.s),
            None => None,
        },
        steps: Vec::new(),
        theorem_1: None,
        theorem_3: None,
    };
    let Some(problem) = &knowns.problem else { return Ok(found) };
    problem.check()?;
    if !tolerated {
        return Ok(found);
    }
    let gamma = knowns.step.unwrap_or(f64::NAN);
    found.steps = steps(setting, d, problem, gamma)?
        .iter()
        .map(|c| Step {
            equation: c.equation,
            formula: c.formula,
            limit: c.limit,
            met: knowns.step.map(|_| c.met()),
        })
        .collect();
    let (Some(gamma), Some(delta2), Some(initial)) = (knowns.step, knowns.delta2, knowns.initial)
    else {
        return Ok(found);
    };
    let run = Run { gamma, initial, epsilon: knowns.epsilon.unwrap_or(0.0) };
    found.theorem_1 = Some(theorem_1(setting, d, problem, delta2, &run)?.into());
    if let Some(variation) = variation {
        found.theorem_3 = Some(theorem_3(setting, d, problem, variation, &run)?.into());
    }
    Ok(found)
}

/// Something that a method does beyond what is proven. It may work all the same: the paper itself runs beyond its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The method's name.
    pub method: String,
    /// What, with the numbers.
    pub message: String,
}

/// Where an experiment goes beyond what is proven about its methods: more Byzantine workers than tolerable, and, where the problem is
/// known ([`problem`], for the batch that the methods share), steps longer than the theorems allow. Never an error.
///
/// # Errors
/// As [`crate::check`].
pub fn warnings(
    experiment: &Experiment,
    source: &ExperimentText,
    problem: Option<&Problem>,
) -> Result<Vec<Warning>, ConfigError> {
    let shape = check_federation(experiment, source)?;
    let mut found = Vec::new();
    for method in &experiment.method {
        let mut warn = |message: String| {
            found.push(Warning { method: method.name.clone(), message });
        };
        let scope = scope(experiment, method, source)?;
        match scope.setting() {
            Some(setting) if !setting.tolerates() => {
                warn(too_many(&setting));
                continue;
            }
            Some(_) => {}
            None => {
                if let Some(message) =
                    untolerated(method, shape, experiment.federation.participation, source)?
                {
                    warn(message);
                }
            }
        }
        let Some(problem) = problem else { continue };
        let batch = method.batch.unwrap_or(experiment.train.batch);
        let problem = Problem { batch, ..*problem };
        let gamma = method.step.unwrap_or(experiment.train.step);
        if let Some(message) = too_long(&scope, &problem, gamma) {
            warn(message);
        }
    }
    Ok(found)
}

/// A number in four decimals or in scientific notation, whichever is shorter to read: 0.4915, 1.235e-13.
///
/// ```
/// use fl_lab::theory::short;
///
/// assert_eq!([6.0, 29.0 / 59.0, 1.23456e-13, -2.5e7, 0.0].map(short), ["6", "0.4915", "1.235e-13", "-2.500e7", "0"]);
/// ```
pub fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e5).contains(&x.abs()) {
        let text = format!("{x:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:.3e}")
    }
}

fn too_many(setting: &Setting) -> String {
    let (workers, byzantine, s) = (setting.workers(), setting.byzantine(), setting.s());
    let limit = workers as f64 / (2 * s) as f64;
    let largest_s = (1..s).rev().find(|&s| byzantine <= largest_tolerable(workers, s));
    let instead = match largest_s {
        Some(smaller) => format!("; s = {smaller} would tolerate it"),
        None => String::new(),
    };
    format!(
        "B = {byzantine} Byzantine workers are not below W/2s = {limit} (W = {workers}, s = {s}), beyond which nothing is \
         proven{instead}"
    )
}

/// What a rule's own proof says about the messages that reach it. Where part of the workers take part these are as many
/// as a round has on average, of which all Byzantine workers may be: a sample can hold them all.
fn untolerated(
    method: &MethodConfig,
    all: Shape,
    participation: Option<Participation>,
    source: &ExperimentText,
) -> Result<Option<String>, ConfigError> {
    let Some(choice) = &method.rule else { return Ok(None) };
    let shape = participation.map_or(all, |p| {
        let present = (p.drawn(all.workers) as f64 * (1.0 - p.drop_out)).floor().max(1.0);
        Shape { workers: present as usize, byzantine: all.byzantine.min(present as usize) }
    });
    let mut inner = shape;
    for pre in &method.pre {
        let spec = source.registry().pre_aggregators().make(pre)?;
        match spec.output(inner) {
            Ok(out) => inner = out,
            Err(_) => return Ok(None),
        }
    }
    if method.weights.is_some() {
        let Shape { workers, byzantine } = inner;
        return Ok((byzantine > 0).then(|| {
            format!(
                "weights = \"samples\": what {} withstands is a share of all samples and no number of messages; f = {byzantine} of \
                 {workers} messages may hold more than that share",
                choice.name
            )
        }));
    }
    let rule = source.registry().rules().make(choice)?;
    let most = rule.tolerates(inner.workers);
    if inner.byzantine <= most {
        return Ok(None);
    }
    let Shape { workers, byzantine } = inner;
    let proven = match most {
        0 => format!("{} is not proven to withstand any Byzantine message", choice.name),
        _ => format!("{} is proven to withstand f ≤ {most} of {workers} messages", choice.name),
    };
    let of = if inner == shape { "" } else { " after pre-aggregation" };
    let present = match shape == all {
        true => String::new(),
        false => {
            let (some, of) = (shape.workers, all.workers);
            format!(": participation leaves {some} of {of} messages a round, on average")
        }
    };
    Ok(Some(format!("{proven}, and there may be f = {byzantine}{of}{present}")))
}

fn too_long(scope: &Scope, problem: &Problem, gamma: f64) -> Option<String> {
    let Problem { mu, smooth, smooth_sample, samples, batch } = *problem;
    let (theorem, limit, numbers) = match scope {
        Scope::Theorem1(setting) => {
            let least = steps(setting, setting.d(), problem, gamma).ok()?[3].limit;
            let c = setting.c().ok()?;
            let numbers = format!(
                "µ = {}, L = {} of a sample, J/b = {samples}/{batch}, C_sα = {}",
                short(mu),
                short(smooth_sample),
                short(c)
            );
            ("Theorem 1's (60)", least, numbers)
        }
        Scope::Theorem3(_) => {
            let limit = mu / (2.0 * smooth * smooth);
            ("Theorem 3's µ/(2L²)", limit, format!("µ = {}, L = {}", short(mu), short(smooth)))
        }
        Scope::Neither(_) => return None,
    };
    // NaN is above nothing, and no step is.
    (gamma > limit).then(|| {
        format!(
            "step {gamma} is above {theorem} = {} ({numbers}), so that the theorem does not cover this run",
            short(limit)
        )
    })
}
