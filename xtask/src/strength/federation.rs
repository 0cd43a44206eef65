//! The federations of the record, and what their runs left.

use crate::cmd;
use crate::statistics::Estimate;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;

/// Where runs are.
pub(super) const RUNS: &str = "runs/strength";

/// The federations: names of their experiment files, and what tables call them.
pub(super) const FEDERATIONS: [(&str, &str); 4] = [
    ("digits-iid", "digits, i.i.d."),
    ("digits-dirichlet", "digits, Dirichlet"),
    ("digits-by-class", "digits, by class"),
    ("mnist-by-class", "MNIST, by class"),
];

/// The federation of the first look.
pub(super) const BY_CLASS: &str = "digits-by-class";
/// That of the paper's Figure 7.
pub(super) const MNIST: &str = "mnist-by-class";

/// The experiment file of a federation.
pub(super) fn config(name: &str) -> String {
    format!("configs/strength/{name}.toml")
}

/// The federations whose steps are tuned; the others are no part of the record.
pub(super) fn recorded() -> Vec<(&'static str, &'static str)> {
    let is_there = |name: &str| cmd::root().join(tuned(name)).is_file();
    FEDERATIONS.into_iter().filter(|(name, _)| is_there(name)).collect()
}

/// What the search for the steps found.
pub(super) fn tuned(name: &str) -> String {
    format!("configs/strength/tuned/{name}.json")
}

/// What attacks that no step depends on are called.
const HELD_OUT: &str = ", held out";

/// A federation with all that ran in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Federation {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) rounds: u64,
    pub(super) seeds: Vec<u64>,
    /// `none` among them.
    pub(super) attacks: Vec<Attack>,
    pub(super) methods: Vec<Method>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attack {
    pub(super) name: String,
    pub(super) held_out: bool,
}

impl Attack {
    fn of(label: &str) -> Self {
        let name = label.strip_suffix(HELD_OUT);
        Self { name: name.unwrap_or(label).to_owned(), held_out: name.is_some() }
    }

    /// Whether it is one at all.
    pub(super) fn is_one(&self) -> bool {
        self.name != "none"
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Method {
    pub(super) name: String,
    pub(super) step: f64,
    /// The worst case by which the step was chosen, on other rows and seeds.
    pub(super) searched: Option<f64>,
    /// κ of the chain and the rule, where it is proven.
    pub(super) kappa: Option<f64>,
    /// The largest f that is proven to be withstood; 0 for none.
    pub(super) withstands: u64,
    /// Final accuracies, by attack and seed; 0 for a run that diverged.
    pub(super) accuracies: Vec<Vec<f64>>,
    pub(super) diverged: usize,
}

/// The attacks that count for a worst case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Which {
    /// Those by which steps were chosen.
    Searched,
    HeldOut,
    All,
}

/// What is left under the attack that hurts most.
#[derive(Clone, Debug)]
pub(super) struct Worst<'a> {
    pub(super) attack: &'a str,
    /// By seed.
    pub(super) values: &'a [f64],
    pub(super) estimate: Estimate,
}

impl Federation {
    /// Reads the runs of an experiment file, and what the search for its steps left.
    pub(super) fn read(name: &str, title: &str) -> Result<Self> {
        let config = config(name);
        let by = ["--by", "method", "--by", "attack", "--by", "seed", "--format", "json"];
        let all = [&["results", &config, "--out", RUNS][..], &by].concat();
        let rows: Vec<Value> = serde_json::from_str(&cmd::fl_cli_output(&all)?)?;
        let path = tuned(name);
        let read = |path: &str| {
            fs::read_to_string(cmd::root().join(path))
                .with_context(|| format!("cannot read {path}"))
        };
        let searched: Value =
            serde_json::from_str(&read(&path)?).with_context(|| format!("{path} is broken"))?;
        let mut federation =
            Self { name: name.to_owned(), title: title.to_owned(), ..Self::default() };
        let rounds = crate::record::number(&read(&config)?, "rounds = ");
        federation.rounds = rounds.with_context(|| format!("{config} has no rounds"))?;
        for method in searched["methods"].as_array().context("no methods")? {
            federation.methods.push(known(method)?);
        }
        for row in &rows {
            federation.add(row)?;
        }
        // What a file excludes is not there: some attacks of a method, some of its seeds, or a method.
        federation.methods.retain(|method| !method.accuracies.is_empty());
        let attacks = federation.attacks.len();
        for Method { name, accuracies, .. } in &mut federation.methods {
            accuracies.resize(attacks, Vec::new());
            let seeds = accuracies.iter().map(Vec::len).max().unwrap_or(0);
            let whole = accuracies.iter().all(|a| a.is_empty() || a.len() == seeds);
            ensure!(whole, "{config}: runs of {name} are missing");
        }
        Ok(federation)
    }

    /// Adds a cell, in the order of methods, attacks, seeds.
    fn add(&mut self, row: &Value) -> Result<()> {
        let key =
            |key: &str| row["keys"][key].as_str().with_context(|| format!("no {key} in {row}"));
        let attack = Attack::of(key("attack")?);
        let seed: u64 = key("seed")?.parse()?;
        let name = key("method")?;
        let method = self.methods.iter_mut().find(|m| m.name == name);
        let method = method.with_context(|| format!("{name} is no method of the file"))?;
        let place = match self.attacks.iter().position(|a| *a == attack) {
            Some(place) => place,
            None => {
                self.attacks.push(attack);
                self.attacks.len() - 1
            }
        };
        if !self.seeds.contains(&seed) {
            self.seeds.push(seed);
        }
        method.accuracies.resize(method.accuracies.len().max(place + 1), Vec::new());
        let diverged = row["diverged"].as_u64() != Some(0);
        method.diverged += usize::from(diverged);
        let accuracy = row["mean"].as_f64().filter(|_| !diverged);
        method.accuracies[place].push(accuracy.unwrap_or(0.0));
        Ok(())
    }

    pub(super) fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// What a method comes to under an attack, by seed.
    pub(super) fn under(&self, method: &Method, attack: &str) -> Option<Vec<f64>> {
        let place = self.attacks.iter().position(|a| a.name == attack)?;
        method.accuracies.get(place).filter(|values| !values.is_empty()).cloned()
    }

    /// Attacks that a method did not meet.
    pub(super) fn not_met(&self, method: &Method) -> Vec<&str> {
        let pairs = self.attacks.iter().zip(&method.accuracies);
        pairs.filter(|(_, values)| values.is_empty()).map(|(attack, _)| &*attack.name).collect()
    }

    fn those(&self, which: Which) -> impl Iterator<Item = usize> + '_ {
        let wanted = move |attack: &Attack| {
            let side = which == Which::All || attack.held_out == (which == Which::HeldOut);
            attack.is_one() && side
        };
        (0..self.attacks.len()).filter(move |&place| wanted(&self.attacks[place]))
    }

    /// The least mean of a method over these attacks.
    pub(super) fn worst<'a>(&'a self, method: &'a Method, which: Which) -> Option<Worst<'a>> {
        let of = |place: usize| {
            let values = method.accuracies.get(place)?;
            let estimate = Estimate::of(values)?;
            Some(Worst { attack: &self.attacks[place].name, values, estimate })
        };
        let all = self.those(which).filter_map(of);
        all.min_by(|a, b| a.estimate.mean.total_cmp(&b.estimate.mean))
    }

    /// The least mean over all attacks, by which methods are put in order.
    pub(super) fn least(&self, method: &Method) -> f64 {
        self.worst(method, Which::All).map_or(0.0, |worst| worst.estimate.mean)
    }

    /// The mean over those of these attacks that it met, with the interval over seeds.
    pub(super) fn mean(&self, method: &Method, which: Which) -> Option<Estimate> {
        let mut places: Vec<usize> = self.those(which).collect();
        places.retain(|&place| !method.accuracies[place].is_empty());
        let of = |seed: usize| {
            let sum: f64 = places.iter().map(|&place| method.accuracies[place][seed]).sum();
            sum / places.len() as f64
        };
        let seeds = places.iter().map(|&place| method.accuracies[place].len()).min()?;
        Estimate::of(&(0..seeds).map(of).collect::<Vec<f64>>())
    }

    /// The methods, best worst case first; those that did not meet every attack, and are not to be compared, come last.
    pub(super) fn ranking(&self) -> Vec<&Method> {
        let mut methods: Vec<&Method> = self.methods.iter().collect();
        methods.sort_by(|a, b| self.least(b).total_cmp(&self.least(a)));
        methods.sort_by_key(|method| !self.not_met(method).is_empty());
        methods
    }

    pub(super) fn best(&self) -> Result<&Method> {
        self.ranking().first().copied().with_context(|| format!("{} has no methods", self.name))
    }
}

/// A method, as the search for its step left it.
fn known(method: &Value) -> Result<Method> {
    let name = method["method"].as_str().context("a method has no name")?.to_owned();
    Ok(Method {
        step: method["step"].as_f64().with_context(|| format!("{name} has no step"))?,
        searched: method["worst"].as_f64(),
        kappa: method["proven"]["kappa"].as_f64(),
        withstands: method["proven"]["withstands"].as_u64().unwrap_or(0),
        name,
        ..Method::default()
    })
}

/// Two methods under three attacks with two seeds, for tests.
#[cfg(test)]
pub(super) fn example() -> Federation {
    let attack = |label: &str| Attack::of(label);
    let method = |name: &str, kappa, accuracies: &[[f64; 2]]| Method {
        name: name.into(),
        step: 0.3,
        kappa,
        accuracies: accuracies.iter().map(|a| a.to_vec()).collect(),
        ..Method::default()
    };
    Federation {
        name: "digits-by-class".into(),
        title: "digits, by class".into(),
        rounds: 300,
        seeds: vec![0, 1],
        attacks: ["none", "ALIE", "IPM", "zero, held out"].map(attack).to_vec(),
        methods: vec![
            method("mean", None, &[[0.9, 0.9], [0.0, 0.1], [0.2, 0.3], [0.8, 0.8]]),
            method("SAGA + SMEA", Some(1.0), &[[0.8, 0.8], [0.6, 0.7], [0.7, 0.7], [0.5, 0.5]]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attack_is_no_worst_case_and_held_out_attacks_stand_apart() {
        let federation = example();
        let [mean, smea] = &federation.methods[..] else { panic!("two methods") };
        let worst = |method, which| {
            let worst = federation.worst(method, which).unwrap();
            (worst.attack.to_owned(), (worst.estimate.mean * 1e6).round() / 1e6)
        };
        assert_eq!(worst(mean, Which::Searched), ("ALIE".into(), 0.05));
        assert_eq!(worst(smea, Which::Searched), ("ALIE".into(), 0.65));
        assert_eq!(worst(smea, Which::HeldOut), ("zero".into(), 0.5));
        assert_eq!(worst(smea, Which::All), ("zero".into(), 0.5));
        assert_eq!(federation.best().unwrap().name, "SAGA + SMEA");
        let all = federation.mean(mean, Which::All).unwrap();
        assert!((all.mean - (0.05 + 0.25 + 0.8) / 3.0).abs() < 1e-12);
    }

    /// What the files say must be one record: the same methods and attacks, and the search knows what the sweep calls so.
    #[test]
    fn the_experiment_files_differ_in_their_federations_and_steps_alone() {
        let read = |name: &str| fs::read_to_string(cmd::root().join(config(name))).unwrap();
        let methods = |text: &str| -> Vec<String> {
            let text = text.split_once("[[method]]").unwrap().1;
            text.lines().filter(|l| !l.starts_with("step = ")).map(str::to_owned).collect()
        };
        let attacks = |text: &str, from: &str, to: &str| -> Vec<String> {
            let text = text.split_once(from).unwrap().1.split_once(to).unwrap().0;
            text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect()
        };
        let first = read(FEDERATIONS[0].0);
        let searched = attacks(&first, "attacks = [\n", "]\nheld-out");
        let swept = attacks(&first, "values = [\n", "], labels");
        let labels = attacks(&first, "labels = [\n", "] }");
        assert_eq!(swept[0], "\"none\",");
        assert_eq!(swept[1..=searched.len()], searched[..]);
        for (place, label) in labels.iter().enumerate() {
            assert_eq!(label.contains(HELD_OUT), place > searched.len(), "{label}");
        }
        assert!(methods(&first).iter().filter(|l| l.starts_with("name")).count() >= 14);
        assert!(swept.len() > 20 && swept.len() == labels.len());
        for (name, _) in FEDERATIONS {
            let text = read(name);
            assert!(text.contains(&format!("name = \"{name}\"")), "{name}");
            assert_eq!(methods(&text), methods(&first), "{name}");
            // Where an aggregation takes longer, line searches may be shorter, and steps chosen under part of the attacks.
            let alike = text.replace(", evaluations = 8", "");
            let here = attacks(&alike, "attacks = [\n", "]\nheld-out");
            assert!(here.iter().all(|attack| searched.contains(attack)), "{name}");
            assert_eq!(attacks(&alike, "values = [\n", "], labels"), swept, "{name}");
            assert_eq!(attacks(&text, "labels = [\n", "] }"), labels, "{name}");
        }
    }
}
