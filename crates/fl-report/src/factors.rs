//! What tells runs apart, found in their configurations.

use crate::report::Run;
use crate::text;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Something that differs from run to run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Factor {
    pub(crate) name: String,
    /// Its values as they are shown, in the order in which runs have them, or in ascending order where they are numbers.
    pub(crate) values: Vec<String>,
    /// The value of each run.
    pub(crate) of: Vec<usize>,
}

/// Settings that belong together: all keys from here on are one value.
const TREES: [(&str, &str); 5] = [
    ("attack", "federation.attack"),
    ("partition", "data.partition"),
    ("poison", "federation.poison"),
    ("Byzantine", "federation.byzantine"),
    ("data", "data.set"),
];

/// Settings on which no result depends.
const NO_RESULT: [&str; 4] = ["seeds", "checkpoint.", "tune.", "stop."];

/// What tells runs apart, their seeds left out: first the method, then the attack, both in any case; then whatever is not
/// decided by what is there already.
///
/// The names of a sweep's axes and values replace those that are found here.
pub(crate) fn factors(runs: &[Run]) -> Vec<Factor> {
    let settings: Vec<BTreeMap<&str, &str>> = runs
        .iter()
        .map(|run| run.settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect())
        .collect();
    let key = |key: &str| -> Vec<String> {
        settings.iter().map(|s| s.get(key).copied().unwrap_or_default().to_owned()).collect()
    };
    let tree = |root: &str| {
        let (names, all): (Vec<_>, Vec<_>) = settings.iter().map(|s| summary(s, root)).unzip();
        // What a name alone tells apart needs no details.
        let is_enough = numbered(names.iter()).0 == numbered(all.iter()).0;
        if is_enough { names } else { all }
    };
    let mut found = Found { factors: Vec::new(), parts: vec![0; runs.len()] };
    found.push("method", key("method.name"));
    found.push("attack", tree("federation.attack"));
    // Files that differ in their data or federation are not compared attack by attack.
    let others = TREES.iter().skip(1).any(|(_, root)| numbered(tree(root).iter()).0 > 1);
    let experiments = key("name");
    if others && numbered(experiments.iter()).0 > 1 {
        found.push("experiment", experiments);
    } else {
        found.offer("experiment", experiments);
    }
    for (name, root) in TREES {
        found.offer(name, tree(root));
    }
    for axis in axes(runs) {
        let labels = |run: &Run| {
            let label = run.labels.iter().find(|(name, _)| *name == axis);
            label.map(|(_, label)| label.clone()).unwrap_or_default()
        };
        found.offer_axis(&axis, runs.iter().map(labels).collect());
    }
    let keys: BTreeSet<&str> = settings.iter().flat_map(|s| s.keys().copied()).collect();
    let is_part = |key: &str| {
        TREES.iter().any(|(_, root)| is_below(key, root))
            || NO_RESULT.iter().any(|root| key.starts_with(root))
    };
    for k in keys.into_iter().filter(|k| !is_part(k)) {
        found.offer(k, key(k));
    }
    found.factors
}

/// The names of the sweeps' axes, in their order.
fn axes(runs: &[Run]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in runs.iter().flat_map(|run| &run.labels) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn is_below(key: &str, root: &str) -> bool {
    key.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// All settings from a key on, in words: the name, and with its details, `line-search (attack.alie.std = biased)`.
fn summary(settings: &BTreeMap<&str, &str>, root: &str) -> (String, String) {
    let mut name = String::new();
    let mut details = Vec::new();
    for (key, value) in settings.iter().filter(|(key, _)| is_below(key, root)) {
        let rest = key[root.len()..].trim_start_matches('.');
        match rest.split_once('.') {
            None if rest.is_empty() => name = (*value).to_owned(),
            // A table with nothing in it.
            None if *value == "{}" => name = rest.to_owned(),
            None => details.push(format!("{rest} = {value}")),
            Some((head, tail)) => {
                name = head.to_owned();
                details.push(format!("{tail} = {value}"));
            }
        }
    }
    let details = details.join(", ");
    match (name.is_empty(), details.is_empty()) {
        (true, _) => (details.clone(), details),
        (_, true) => (name.clone(), name),
        _ => (name.clone(), format!("{name} ({details})")),
    }
}

/// The factors so far.
struct Found {
    factors: Vec<Factor>,
    /// Runs that agree in all of them have the same number.
    parts: Vec<usize>,
}

impl Found {
    /// A factor in any case.
    fn push(&mut self, name: &str, values: Vec<String>) {
        let factor = factor(name, &values);
        self.parts = numbered(self.parts.iter().zip(&factor.of)).1;
        self.factors.push(factor);
    }

    /// A factor if it tells apart what the others do not.
    fn offer(&mut self, name: &str, values: Vec<String>) {
        let (count, _) = numbered(self.parts.iter().zip(&values));
        let before = self.parts.iter().max().map_or(0, |n| n + 1);
        if count > before {
            self.push(name, values);
        }
    }

    /// The axis of a sweep: where it says what a factor says, its words are used for the runs that have them.
    fn offer_axis(&mut self, name: &str, labels: Vec<String>) {
        let labelled: Vec<usize> = (0..labels.len()).filter(|&i| !labels[i].is_empty()).collect();
        let count = numbered(labelled.iter().map(|&i| &labels[i])).0;
        let same = self.factors.iter_mut().skip(1).find(|factor| {
            let pairs = numbered(labelled.iter().map(|&i| (factor.of[i], &labels[i]))).0;
            let values = numbered(labelled.iter().map(|&i| factor.of[i])).0;
            count > 1 && pairs == count && pairs == values
        });
        let Some(same) = same else { return self.offer(name, labels) };
        let word = |(i, label): (usize, String)| match label.is_empty() {
            true => same.values[same.of[i]].clone(),
            false => label,
        };
        let words: Vec<String> = labels.into_iter().enumerate().map(word).collect();
        *same = factor(name, &words);
    }
}

/// How many different ones there are, and the number of each, in the order in which they appear.
fn numbered<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> (usize, Vec<usize>) {
    let mut known = HashMap::new();
    let numbers = keys
        .map(|key| {
            let next = known.len();
            *known.entry(key).or_insert(next)
        })
        .collect();
    (known.len(), numbers)
}

fn factor(name: &str, of_runs: &[String]) -> Factor {
    let (_, numbers) = numbered(of_runs.iter());
    let mut values: Vec<&str> = Vec::new();
    for (value, &number) in of_runs.iter().zip(&numbers) {
        if number == values.len() {
            values.push(value);
        }
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    let parsed: Option<Vec<f64>> = values.iter().map(|v| v.parse().ok()).collect();
    if let Some(parsed) = parsed {
        order.sort_by(|&a, &b| parsed[a].total_cmp(&parsed[b]));
    }
    let mut rank = vec![0; order.len()];
    for (place, &value) in order.iter().enumerate() {
        rank[value] = place;
    }
    let blank = |value: &str| if value.is_empty() { "–".to_owned() } else { value.to_owned() };
    let sorted: Vec<String> = order.iter().map(|&v| blank(values[v])).collect();
    Factor {
        name: text::shown(name, text::NAME),
        values: text::distinct(sorted.iter().map(String::as_str)),
        of: numbers.into_iter().map(|n| rank[n]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_on_other_data_are_told_apart_although_their_attacks_do() {
        let on = |name, attack, partition| {
            let settings = [
                ("name", name),
                ("method.name", "mean"),
                ("federation.attack", attack),
                ("data.partition", partition),
            ];
            run(&settings, &[])
        };
        let names = |runs: &[Run]| factors(runs).into_iter().map(|f| f.name).collect::<Vec<_>>();
        let apart = [on("fig4", "none", "iid"), on("fig7", "alie", "by-class")];
        assert_eq!(names(&apart), ["method", "attack", "experiment"]);
        // On the same data attacks are compared, whatever file they come from.
        let alike = [on("a", "none", "iid"), on("b", "alie", "iid")];
        assert_eq!(names(&alike), ["method", "attack"]);
    }

    fn run(settings: &[(&str, &str)], labels: &[(&str, &str)]) -> Run {
        let owned = |list: &[(&str, &str)]| {
            list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        Run { settings: owned(settings), labels: owned(labels), ..Run::default() }
    }

    fn names(factors: &[Factor]) -> Vec<&str> {
        factors.iter().map(|f| f.name.as_str()).collect()
    }

    #[test]
    fn what_a_method_decides_is_no_factor_of_its_own() {
        let runs = [
            run(
                &[("method.name", "A"), ("method.step", "0.1"), ("federation.attack", "none")],
                &[],
            ),
            run(
                &[("method.name", "B"), ("method.step", "0.2"), ("federation.attack", "none")],
                &[],
            ),
        ];
        let found = factors(&runs);
        assert_eq!(names(&found), ["method", "attack"]);
        assert_eq!(found[0].values, ["A", "B"]);
        assert_eq!(found[1].values, ["none"]);
    }

    #[test]
    fn what_differs_within_a_method_is_a_factor_in_ascending_order() {
        let with = |beta| run(&[("method.name", "A"), ("method.momentum.beta", beta)], &[]);
        let found = factors(&[with("10"), with("9"), with("10")]);
        assert_eq!(names(&found), ["method", "attack", "method.momentum.beta"]);
        assert_eq!(found[2].values, ["9", "10"]);
        assert_eq!(found[2].of, [1, 0, 1]);
    }

    #[test]
    fn a_sweeps_own_words_replace_those_that_were_found() {
        let runs = [
            run(
                &[("federation.attack.line-search.attack.alie.std", "biased")],
                &[("attack", "ALIE, line search"), ("partition", "i.i.d.")],
            ),
            run(
                &[("federation.attack", "none"), ("data.partition", "iid")],
                &[("attack", "no attack"), ("partition", "i.i.d.")],
            ),
        ];
        let found = factors(&runs);
        assert_eq!(names(&found), ["method", "attack"]);
        assert_eq!(found[1].values, ["ALIE, line search", "no attack"]);
        let unlabelled: Vec<Run> =
            runs.into_iter().map(|run| Run { labels: Vec::new(), ..run }).collect();
        let found = factors(&unlabelled);
        assert_eq!(found[1].values, ["line-search", "none"]);
    }

    #[test]
    fn runs_without_a_sweeps_words_keep_their_own() {
        let runs = [
            run(&[("name", "a"), ("federation.attack", "alie")], &[("adversary", "ALIE")]),
            run(&[("name", "a"), ("federation.attack", "none")], &[("adversary", "nobody")]),
            run(&[("name", "b"), ("federation.attack", "ipm")], &[]),
        ];
        let found = factors(&runs);
        assert_eq!(names(&found), ["method", "adversary"]);
        assert_eq!(found[1].values, ["ALIE", "nobody", "ipm"]);
    }

    #[test]
    fn checkpoints_and_seeds_tell_nothing_apart() {
        let runs = [
            run(&[("seeds", "[0]"), ("checkpoint.seconds", "3")], &[]),
            run(&[("seeds", "[1]"), ("checkpoint.rounds", "3")], &[]),
        ];
        assert_eq!(factors(&runs).len(), 2);
    }
}
