//! Rounds in which part of the workers take part.

use crate::common::{World, edited, gradient, metrics_files, resampled, run, try_run};
use fl_agg::{GeometricMedian, Krum, Mean, WeightedMean};
use fl_attacks::{NoAttack, SampleDuplicate, SignFlip};
use fl_core::{Part, Role, Streams, streams};
use fl_saga::{Saga, Sgd};
use fl_sim::{Experiment, Participation, ProtocolSpec, Setup, Simulation, read_metrics};
use std::collections::BTreeMap;
use tempfile::tempdir;

const BYZANTINE: [u32; 3] = [7, 8, 9];

fn some(sample: usize, drop_out: f64) -> Option<Participation> {
    Some(Participation { sample: Some(sample), drop_out })
}

fn setup(world: &World, protocol: ProtocolSpec, who: Option<Participation>) -> Setup<'_, f32> {
    let attack = Box::new(SignFlip::default());
    let estimator = Box::new(Saga::new(4));
    Setup { participation: who, ..world.setup(estimator, protocol, attack, &BYZANTINE, 0.1, 3) }
}

/// A whole state, by the names of its parts.
fn state(simulation: &mut Simulation<'_, f32>) -> BTreeMap<String, Vec<u8>> {
    let mut parts = BTreeMap::new();
    simulation.state(&mut |name, part| {
        let bytes = match part {
            Part::Vector(x) | Part::Matrix(x, _) => {
                x.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect()
            }
            Part::Doubles(x) => x.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect(),
            Part::Count(n) => n.to_le_bytes().to_vec(),
            _ => vec![],
        };
        parts.insert(name.to_owned(), bytes);
    });
    parts
}

fn after(setup: Setup<'_, f32>, rounds: u64) -> BTreeMap<String, Vec<u8>> {
    let mut simulation = Simulation::new(setup).expect("valid");
    simulation.run(rounds, |_, _| Ok(())).expect("a run");
    let mut state = state(&mut simulation);
    state.remove("skipped");
    state
}

fn protocols() -> Vec<ProtocolSpec> {
    vec![
        gradient(Mean),
        gradient(GeometricMedian::default()),
        resampled(GeometricMedian::default()),
        gradient(WeightedMean { weights: (1..11).map(f64::from).collect() }),
        ProtocolSpec::Rsa { lambda: 0.02 },
    ]
}

#[test]
fn a_sample_of_all_workers_is_as_if_nobody_had_been_drawn() {
    let world = World::by_class(10);
    for (all, drawn) in protocols().into_iter().zip(protocols()) {
        let name = format!("{all:?}");
        assert!(
            after(setup(&world, all, None), 12) == after(setup(&world, drawn, some(10, 0.0)), 12),
            "{name}"
        );
    }
}

#[test]
fn who_is_present_is_drawn_by_address_and_each_worker_as_often_as_others() {
    let world = World::by_class(10);
    let who = some(4, 0.25);
    let mut simulation = Simulation::new(setup(&world, gradient(Mean), who)).expect("valid");
    let (mut times, mut expected) = ([0u32; 10], Vec::new());
    let streams = Streams::new(3);
    simulation
        .run(2000, |moment, _| {
            let mut drawn = [0; 4];
            streams::distinct(&mut streams.at(Role::Participate, 0, moment.round), 10, &mut drawn);
            drawn.sort_unstable();
            expected.clear();
            expected.extend(drawn.iter().copied().filter(|&w| {
                let mut rng = streams.at(Role::DropOut, w as usize, moment.round);
                !streams::chance(&mut rng, 0.25)
            }));
            let mut seen = [moment.arrived.regular(), moment.arrived.byzantine()].concat();
            seen.sort_unstable();
            assert_eq!(seen, expected, "round {}", moment.round);
            seen.iter().for_each(|&w| times[w as usize] += 1);
            Ok(())
        })
        .expect("a run");
    // 2000 · 0.4 · 0.75, with a standard deviation of 20.5.
    assert!(times.iter().all(|n| n.abs_diff(600) < 100), "{times:?}");
}

#[test]
fn the_output_is_that_of_the_present_messages_alone() {
    let world = World::by_class(10);
    let who = some(5, 0.2);
    let mut simulation = Simulation::new(setup(&world, gradient(Mean), who)).expect("valid");
    let mut partial = 0;
    simulation
        .run(60, |moment, _| {
            let mut rows = [moment.arrived.regular(), moment.arrived.byzantine()].concat();
            rows.sort_unstable();
            for w in 0..10 {
                let row = moment.messages.row(w);
                let there = rows.contains(&(w as u32));
                assert_eq!(row.iter().all(|x| x.is_finite()), there, "worker {w}");
            }
            let Some(direction) = moment.direction else {
                assert!(rows.is_empty());
                return Ok(());
            };
            partial += 1;
            assert_eq!(moment.report.map(|r| r.dropped), Some(0));
            for (j, d) in direction.iter().enumerate() {
                let sum: f64 =
                    rows.iter().map(|&w| f64::from(moment.messages.row(w as usize)[j])).sum();
                let mean = sum / rows.len() as f64;
                assert!((f64::from(*d) - mean).abs() <= 1e-6 * (1.0 + mean.abs()), "{d} {mean}");
            }
            Ok(())
        })
        .expect("a run");
    assert!(partial > 50, "{partial}");
}

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
    let scope = fl_sim::theory::scope(&experiment, &experiment.method[0], &source).expect("valid");
    assert!(format!("{scope:?}").contains("have weights"), "{scope:?}");
    let said = fl_sim::theory::warnings(&experiment, &source, None).expect("valid");
    assert!(format!("{said:?}").contains("a share of all samples"), "{said:?}");
}

#[test]
fn what_an_absent_worker_keeps_stays_as_it_is() {
    let world = World::by_class(10);
    for protocol in [gradient(Mean), ProtocolSpec::Rsa { lambda: 0.02 }] {
        let mut simulation = Simulation::new(setup(&world, protocol, some(3, 0.3))).expect("valid");
        let mut changed = 0;
        for round in 1..30 {
            let before = state(&mut simulation);
            let mut present = Vec::new();
            simulation
                .run(round, |moment, _| {
                    present = [moment.arrived.regular(), moment.arrived.byzantine()].concat();
                    Ok(())
                })
                .expect("a run");
            let now = state(&mut simulation);
            for w in 0..10 {
                let prefix = format!("worker.{w}.");
                let mine = |s: &BTreeMap<String, Vec<u8>>| -> Vec<Vec<u8>> {
                    s.iter()
                        .filter(|(k, _)| k.starts_with(&prefix))
                        .map(|(_, v)| v.clone())
                        .collect()
                };
                let same = mine(&before) == mine(&now);
                assert!(same || present.contains(&w), "worker {w}, round {round}");
                changed += u32::from(!same);
            }
        }
        assert!(changed > 30, "{changed}");
    }
}

#[test]
fn a_round_in_which_too_few_are_present_leaves_the_model_and_is_counted() {
    let world = World::by_class(10);
    // Krum needs f + 3 messages, f = 3 as long as there are more than three.
    let who = Some(Participation { sample: None, drop_out: 0.5 });
    let mut setup = setup(&world, gradient(Krum::default()), who);
    setup.federation = fl_core::Federation::new(10, &[8, 9]).expect("a federation");
    let mut simulation = Simulation::new(setup).expect("valid");
    let (mut skipped, mut went_on) = (0, 0);
    for round in 1..60 {
        let before = simulation.params().to_vec();
        let mut skips = false;
        simulation
            .run(round, |moment, _| {
                skips = moment.direction.is_none();
                assert_eq!((moment.report.is_none(), moment.server.is_none()), (skips, skips));
                Ok(())
            })
            .expect("a run");
        skipped += u64::from(skips);
        went_on += u64::from(!skips);
        assert_eq!(simulation.skipped(), Some(skipped));
        assert_eq!(simulation.params() == before, skips, "round {round}");
    }
    assert!(skipped > 5 && went_on > 5, "{skipped} {went_on}");
}

#[test]
fn a_rule_that_cannot_work_with_a_sample_is_refused_before_the_first_round() {
    let world = World::by_class(10);
    let error = Simulation::new(setup(&world, gradient(Krum::default()), some(4, 0.0)));
    assert!(error.unwrap_err().to_string().starts_with("krum"));
    assert!(Simulation::new(setup(&world, gradient(Krum::default()), some(9, 0.0))).is_ok());
    for (bad, says) in [
        (some(0, 0.0), "participation.sample must be from 1 to the 10 workers, got 0"),
        (some(11, 0.0), "participation.sample must be from 1 to the 10 workers, got 11"),
        (some(3, 1.0), "participation.drop-out must be at least 0 and below 1, got 1"),
        (some(3, -0.1), "participation.drop-out must be at least 0 and below 1, got -0.1"),
        (some(3, f64::NAN), "participation.drop-out must be at least 0 and below 1, got NaN"),
    ] {
        let error = Simulation::new(setup(&world, gradient(Mean), bad)).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
}

#[test]
fn a_regular_worker_that_is_present_and_not_finite_has_diverged_and_an_absent_one_has_not() {
    let world = World::by_class(10);
    let mut wild = setup(&world, gradient(Mean), some(5, 0.0));
    wild.estimator = Box::new(Sgd::new(4));
    wild.attack = Box::new(SampleDuplicate::default());
    wild.step = 1e38;
    let error = Simulation::new(wild).expect("valid").run(40, |_, _| Ok(())).unwrap_err();
    assert!(error.is_divergence(), "{error}");
    // Absent workers' rows are not finite in any round, and that is no divergence.
    let mut calm = setup(&world, gradient(Mean), some(5, 0.0));
    calm.attack = Box::new(NoAttack);
    assert!(Simulation::new(calm).expect("valid").run(40, |_, _| Ok(())).is_ok());
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
    let registry = fl_sim::Registry::default();
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
            Err(fl_sim::SimError::Config(e)) => println!("{attack}: {e}"),
            Err(e) => panic!("{attack}: {e}"),
        }
    }
}

#[test]
fn every_rule_and_pre_aggregator_gets_along_with_any_part_of_the_workers() {
    let registry = fl_sim::Registry::default();
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
            Err(fl_sim::SimError::Config(e)) => println!("{server}: {e}"),
            Err(e) => panic!("{server}: {e}"),
        }
    }
}
