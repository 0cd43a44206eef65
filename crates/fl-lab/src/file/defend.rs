//! What an experiment file may say of the search for a defence: the table `[defend]`.

use super::keys::{Kind, Written, keys};
use super::runs::EvaluateOn;
use crate::name::{AttackChoice, Choice, EstimatorChoice, PreAggregatorChoice, RuleChoice};
use toml::{Table, Value};

/// Pre-aggregators before a rule.
type Chain = Vec<PreAggregatorChoice>;

keys! {
    /// How a defence is searched for: the table `[defend]` of an experiment file. No run depends on it.
    ///
    /// A pipeline is an estimator, its momentum, a chain and a rule; the file's own methods are pipelines too. A candidate is
    /// a pipeline with a step. Its score is its worst case: the least of its final accuracies under the attacks, each a mean
    /// over seeds, on rows set aside.
    ///
    /// The least accuracy so far bounds the worst case from above. The search always goes on with the candidates of the
    /// largest bounds, and a rung ends when the best of them have met every attack: no other can be better, so hopeless
    /// candidates meet few attacks.
    ///
    /// **Reference**: the halving is that of Jamieson and Talwalkar 2016.
    #[serde(default)]
    pub struct DefendConfig {
        /// Estimators to combine.
        estimators: Vec<EstimatorChoice> => otherwise "`sgd` and `saga`";
        /// β of the workers' momentum to combine, 0 for none.
        momentum: Vec<f64> => otherwise "`[0.0, 0.9]`";
        /// Chains of pre-aggregators to combine, `[]` for none.
        chains: Vec<Chain> => otherwise "none, `nnm`, `resample`, and `arc` alone and before each of `nnm`, `resample`, `bucketing`";
        /// Rules to combine.
        rules: Vec<RuleChoice> => otherwise "the geometric and the coordinate-wise median, trimmed mean, MeaMed, multi-Krum, FABA, IOS, MDA, DnC, centered clipping with τ = 1";
        /// Only pipelines whose names contain one of these texts.
        #[serde(skip_serializing_if = "Option::is_none")]
        pipelines: Option<Vec<String>> => otherwise "all";
        /// Candidates for γ.
        step: Vec<f64> => otherwise "`[0.1, 0.3, 1.0, 3.0]`";
        /// The attacks that the search is about.
        attacks: Vec<AttackChoice> => otherwise "sixteen attacks, two of them line searches, and `none`";
        /// Attacks that the finalists alone meet, and that no choice depends on.
        held_out: Vec<AttackChoice> => otherwise "six attacks that are not in `attacks`";
        /// Seeds of the search, others than those of the file, which the finalists run with. Every rung has one more of them.
        seeds: Vec<u64> => otherwise "`[1000, 1001, 1002]`";
        /// Rows that candidates are judged by, as in `data.evaluate-on`.
        #[serde(skip_serializing_if = "Option::is_none")]
        evaluate_on: Option<EvaluateOn> => otherwise "the set's validation rows, or a tenth of the training rows";
        /// Pipelines that the last rung leaves.
        finalists: usize => otherwise "8";
        /// How often candidates are compared.
        rungs: u32 => otherwise "3";
        /// Each rung keeps so many times fewer candidates than the one before, down to `finalists`, and has as many times the
        /// rounds.
        keep_one_in: u32 => otherwise "3";
    }
}

impl Written for Vec<EstimatorChoice> {
    const KIND: Kind = Kind::Value("list of estimators: names, or tables with one name in each");
}

impl Written for Vec<RuleChoice> {
    const KIND: Kind = Kind::Value("list of rules: names, or tables with one name in each");
}

impl Written for Vec<AttackChoice> {
    const KIND: Kind = Kind::Value("list of attacks: names, or tables with one name in each");
}

impl Written for Vec<Chain> {
    const KIND: Kind = Kind::Value("list of lists of pre-aggregators");
}

/// A choice with one setting of its own.
fn with<S>(name: &str, setting: &str, value: impl Into<Value>) -> Choice<S> {
    Choice::new(name, Table::from_iter([(setting.to_owned(), value.into())]))
}

/// Choices with their default settings.
fn named<S>(names: &[&str]) -> Vec<Choice<S>> {
    names.iter().map(|name| Choice::named(*name)).collect()
}

/// What a search is about.
fn attacks() -> Vec<AttackChoice> {
    let mut attacks = named(&[
        "sign-flipping",
        "gaussian",
        "sample-duplicating",
        "zero-sum",
        "isolation",
        "alie",
        "ipm",
        "mimic",
        "min-max",
        "min-sum",
        "fang-krum",
        "fang-trimmed-mean",
        "rop",
    ]);
    attacks.push(with("line-search", "attack", "alie"));
    attacks.push(with("line-search", "attack", "ipm"));
    attacks.push(with("sign-flipping", "factor", -1.0));
    attacks.push(Choice::named("none"));
    attacks
}

/// Others, so that a defence that fits the first alone is seen.
fn held_out() -> Vec<AttackChoice> {
    let mut held_out = named(&["zero", "same-value", "random"]);
    held_out.push(with("ipm", "epsilon", 0.5));
    held_out.push(with("line-search", "attack", "min-max"));
    held_out.push(with("line-search", "attack", "sign-flipping"));
    held_out
}

impl Default for DefendConfig {
    fn default() -> Self {
        let chains: [&[&str]; 7] = [
            &[],
            &["nnm"],
            &["resample"],
            &["arc"],
            &["arc", "nnm"],
            &["arc", "resample"],
            &["arc", "bucketing"],
        ];
        let mut rules = named(&[
            "geometric-median",
            "coordinate-median",
            "trimmed-mean",
            "meamed",
            "multi-krum",
            "faba",
            "ios",
            "mda",
            "dnc",
        ]);
        // With the usual τ of 100 it is the mean on many problems.
        rules.push(with("centered-clipping", "tau", 1.0));
        Self {
            estimators: named(&["sgd", "saga"]),
            momentum: vec![0.0, 0.9],
            chains: chains.iter().map(|chain| named(chain)).collect(),
            rules,
            pipelines: None,
            step: vec![0.1, 0.3, 1.0, 3.0],
            attacks: attacks(),
            held_out: held_out(),
            seeds: vec![1000, 1001, 1002],
            evaluate_on: None,
            finalists: 8,
            rungs: 3,
            keep_one_in: 3,
        }
    }
}
