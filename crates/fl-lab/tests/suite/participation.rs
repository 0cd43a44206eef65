//! Experiments in which part of the workers take part, and messages that have weights.

use crate::common::{edited, metrics_files, run, try_run};
use crate::federation::World;
use fl_lab::{Experiment, read_metrics};
use tempfile::tempdir;

/// The digits by class, so that workers hold different numbers of samples.
const WEIGHED: &str = r#"
name = "weighed"
rounds = 12
evaluate-every = 4

[data]
set = "digits"
partition.by-class = { workers-per-class = 1 }

[federation]
workers = 10
byzantine.workers = [7]
attack = "sign-flipping"

[model.softmax]
l2 = 0.01

[train]
batch = 8
step = 0.1

[[method]]
name = "M"
rule = "RULE"
weights = "samples"
"#;

#[test]
fn weights_by_samples_are_the_weights_that_a_rule_could_be_given_outright() {
    let world = World::by_class(10);
    let numbers: Vec<usize> = (0..10).map(|w| world.partition.worker(w).len()).collect();
    assert!(numbers.iter().any(|n| *n != numbers[0]), "{numbers:?}");
    for rule in ["weighted-mean", "geometric-median"] {
        for who in ["", "participation = { sample = 7, drop-out = 0.1 }\n"] {
            let attack = "attack = \"sign-flipping\"\n";
            let text = edited(WEIGHED, &[("RULE", rule), (attack, &format!("{attack}{who}"))]);
            let named = format!("rule = \"{rule}\"\nweights = \"samples\"\n");
            let outright = format!("rule.{rule} = {{ weights = {numbers:?} }}\n");
            // TOML tells 3 from 3.0.
            let outright = outright.replace(", ", ".0, ").replace(']', ".0]");
            let other = edited(&text, &[(&*named, &*outright)]);
            // The mean with weights is none without them.
            let equal = edited(&text, &[("weights = \"samples\"\n", "")])
                .replace("\"weighted-mean\"", "\"mean\"");
            let files = [&text, &other, &equal].map(|text| {
                let out = tempdir().unwrap();
                run(text, out.path());
                metrics_files(out.path()).into_values().next().unwrap()
            });
            assert!(files[0] == files[1], "{rule} {who}");
            assert!(files[0] != files[2], "{rule} {who}");
        }
    }
}

#[test]
fn weights_are_refused_where_nothing_can_be_weighed() {
    let refused = |text: &str| {
        let error = try_run(text, tempdir().unwrap().path(), 1, 1).unwrap_err();
        error.to_string()
    };
    let krum = refused(&edited(WEIGHED, &[("RULE", "krum")]));
    let says = "krum has no weights; rules that have are geometric-median, weighted-mean";
    assert!(krum.contains(says) || krum.contains("weighted-mean, geometric-median"), "{krum}");
    assert!(krum.contains("weights = \"samples\""), "{krum}");
    assert!(refused(&edited(WEIGHED, &[("RULE", "mean")])).contains("is the mean with weights"));
    let rsa = edited(WEIGHED, &[("rule = \"RULE\"", "protocol.rsa = { lambda = 0.02 }")]);
    assert!(refused(&rsa).contains("RSA's server adds up signs"));
    let twice =
        "rule.geometric-median = { weights = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] }";
    let twice = edited(WEIGHED, &[("rule = \"RULE\"", twice)]);
    assert!(refused(&twice).contains("has weights of its own"));
    let mixed = "pre = [{ resample = { s = 2 } }]\nrule = \"geometric-median\"";
    let mixed = refused(&edited(WEIGHED, &[("rule = \"RULE\"", mixed)]));
    assert!(mixed.contains("geometric-median"), "{mixed}");
}

#[test]
fn the_theory_says_that_weights_are_beyond_it() {
    let text = edited(WEIGHED, &[("RULE", "geometric-median")]);
    let (experiment, source) = Experiment::parse(&text, "weighed.toml", &[]).expect("valid");
    let scope = fl_lab::theory::scope(&experiment, &experiment.method[0], &source).expect("valid");
    assert!(format!("{scope:?}").contains("have weights"), "{scope:?}");
    let said = fl_lab::theory::warnings(&experiment, &source, None).expect("valid");
    assert!(format!("{said:?}").contains("a share of all samples"), "{said:?}");
}

const PART: &str = r#"
name = "part"
rounds = 40
evaluate-every = 5
full-pass-every = 20

[checkpoint]
rounds = 7

[data]
set = "digits"
partition = "iid"

[federation]
workers = 10
byzantine.rotating = { count = 2, every = 6 }
attack = "sign-flipping"
participation = { sample = 8, drop-out = 0.3 }

[model.softmax]
l2 = 0.01

[train]
batch = 4
step = 0.1

[[method]]
name = "saga"
estimator = "saga"
pre = [{ resample = { s = 2 } }]
rule = "geometric-median"

[[method]]
name = "krum"
estimator = "svrg"
rule = "krum"

[[method]]
name = "memory"
rule.centered-clipping = { tau = 1.0 }

[[method]]
name = "rsa"
protocol.rsa = { lambda = 0.02 }
"#;

#[test]
fn neither_threads_nor_an_interruption_change_a_bit() {
    let out = tempdir().expect("a folder");
    let outcomes = run(PART, out.path());
    let whole = metrics_files(out.path());
    assert_eq!(whole.len(), 4);
    for outcome in &outcomes {
        let lines = read_metrics(&outcome.path.join("metrics.jsonl")).expect("lines");
        let (last, others) = lines.split_last().expect("lines");
        assert!(others.iter().all(|l| l.present.is_some_and(|n| n <= 8)), "{others:?}");
        assert!(others.iter().any(|l| l.present < Some(8)));
        assert_eq!((last.present, last.skipped.is_some()), (None, true));
        if outcome.cell.method.name == "krum" {
            assert!(last.skipped > Some(0), "{last:?}");
        }
    }
    let state = |out: &std::path::Path| -> Vec<Vec<u8>> {
        whole
            .keys()
            .map(|cell| {
                std::fs::read(out.join(cell).join("checkpoint.safetensors")).expect("state")
            })
            .collect()
    };
    for threads in [2, 3, 7] {
        let other = tempdir().expect("a folder");
        try_run(PART, other.path(), 1, threads).expect("a run");
        assert!(metrics_files(other.path()) == whole, "{threads} threads");
        assert!(state(other.path()) == state(out.path()), "{threads} threads");
    }
    // A run of fewer rounds that is asked for more goes on from its last checkpoint.
    let other = tempdir().expect("a folder");
    for rounds in ["rounds = 9\n", "rounds = 26\n", "rounds = 40\n"] {
        run(&edited(PART, &[("rounds = 40\n", rounds)]), other.path());
    }
    assert!(metrics_files(other.path()) == whole);
    assert!(state(other.path()) == state(out.path()));
}

#[test]
fn every_attack_gets_along_with_any_part_of_the_workers() {
    let registry = fl_lab::Registry::default();
    for attack in registry.attacks().iter().map(|attack| attack.name()) {
        let text = edited(
            PART,
            &[
                ("rounds = 40", "rounds = 15"),
                ("attack = \"sign-flipping\"", &format!("attack = \"{attack}\"")),
                ("sample = 8, drop-out = 0.3", "sample = 7, drop-out = 0.6"),
                ("rotating = { count = 2, every = 6 }", "count = 3"),
                ("rule = \"krum\"", "rule = \"mean\""),
            ],
        );
        let out = tempdir().expect("a folder");
        match try_run(&text, out.path(), 1, 1) {
            Ok(_) => {}
            // Some have settings without a default.
            Err(fl_lab::LabError::Config(e)) => println!("{attack}: {e}"),
            Err(e) => panic!("{attack}: {e}"),
        }
    }
}

#[test]
fn every_rule_and_pre_aggregator_gets_along_with_any_part_of_the_workers() {
    let registry = fl_lab::Registry::default();
    let rules = registry.rules().iter().map(|rule| format!("rule = \"{}\"", rule.name()));
    let pre = registry.pre_aggregators().iter();
    let pre = pre.map(|pre| format!("pre = [\"{}\"]\nrule = \"mean\"", pre.name()));
    for server in rules.chain(pre) {
        let text = edited(
            PART,
            &[
                ("rounds = 40", "rounds = 15"),
                ("sample = 8, drop-out = 0.3", "drop-out = 0.6"),
                ("rotating = { count = 2, every = 6 }", "count = 1"),
                ("rule = \"krum\"", &server),
            ],
        );
        let out = tempdir().expect("a folder");
        match try_run(&text, out.path(), 1, 1) {
            Ok(_) => {}
            // Some have settings without a default.
            Err(fl_lab::LabError::Config(e)) => println!("{server}: {e}"),
            Err(e) => panic!("{server}: {e}"),
        }
    }
}
