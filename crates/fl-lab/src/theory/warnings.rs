//! What is worth a warning before a run.

use super::numbers::short;
use super::scope::{Scope, scope};
use crate::check::check_federation;
use crate::file::{ConfigError, Experiment, ExperimentText, MethodConfig};
use crate::plan::pre;
use fl_core::Shape;
use fl_sim::Participation;
use fl_theory::{Problem, Setting, largest_tolerable, steps};
use serde::Serialize;

/// Something that a method does beyond what is proven. It may work all the same: the paper itself runs beyond its bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The method's name.
    pub method: String,
    /// What, with the numbers.
    pub message: String,
}

/// Where an experiment goes beyond what is proven about its methods: more Byzantine workers than tolerable, and, where the problem is
/// known ([`problem`](super::problem()), for the batch that the methods share), steps longer than the theorems allow. Never an error.
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
        let batch = method.batch.unwrap_or(experiment.train.batch).of(problem.samples);
        let problem = Problem { batch, ..*problem };
        let gamma = method.step.unwrap_or(experiment.train.step);
        if let Some(message) = too_long(&scope, &problem, gamma) {
            warn(message);
        }
    }
    Ok(found)
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
    let at = |e| source.error_at(&["method"], e);
    for spec in pre(method).map_err(at)? {
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
    let rule = choice.spec().map_err(at)?;
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
