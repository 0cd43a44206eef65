//! Rounds in which part of the workers take part.

use crate::common::{World, gradient, resampled, rsa};
use fl_agg::{GeometricMedian, Krum, Mean, WeightedMean};
use fl_attacks::{NoAttack, SampleDuplicating, SignFlipping};
use fl_core::{Part, Role, Streams, streams};
use fl_saga::{Saga, Sgd};
use fl_sim::{Participation, ProtocolSpec, Setup, Simulation};
use std::collections::BTreeMap;

const BYZANTINE: [u32; 3] = [7, 8, 9];

fn some(sample: usize, drop_out: f64) -> Option<Participation> {
    Some(Participation { sample: Some(sample), drop_out })
}

fn setup(world: &World, protocol: ProtocolSpec, who: Option<Participation>) -> Setup<'_, f32> {
    let attack = Box::new(SignFlipping::default());
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
        rsa(0.02),
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
        .run(2000, |view, _| {
            let mut drawn = [0; 4];
            streams::distinct(&mut streams.at(Role::Participate, 0, view.round), 10, &mut drawn);
            drawn.sort_unstable();
            expected.clear();
            expected.extend(drawn.iter().copied().filter(|&w| {
                let mut rng = streams.at(Role::DropOut, w as usize, view.round);
                !streams::chance(&mut rng, 0.25)
            }));
            let mut seen = [view.arrived.regular(), view.arrived.byzantine()].concat();
            seen.sort_unstable();
            assert_eq!(seen, expected, "round {}", view.round);
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
        .run(60, |seen, _| {
            let mut rows = [seen.arrived.regular(), seen.arrived.byzantine()].concat();
            rows.sort_unstable();
            for w in 0..10 {
                let row = seen.messages.row(w);
                let there = rows.contains(&(w as u32));
                assert_eq!(row.iter().all(|x| x.is_finite()), there, "worker {w}");
            }
            let Some(direction) = seen.direction else {
                assert!(rows.is_empty());
                return Ok(());
            };
            partial += 1;
            assert_eq!(seen.report.map(|r| r.dropped), Some(0));
            for (j, d) in direction.iter().enumerate() {
                let sum: f64 =
                    rows.iter().map(|&w| f64::from(seen.messages.row(w as usize)[j])).sum();
                let mean = sum / rows.len() as f64;
                assert!((f64::from(*d) - mean).abs() <= 1e-6 * (1.0 + mean.abs()), "{d} {mean}");
            }
            Ok(())
        })
        .expect("a run");
    assert!(partial > 50, "{partial}");
}

#[test]
fn what_an_absent_worker_keeps_stays_as_it_is() {
    let world = World::by_class(10);
    for protocol in [gradient(Mean), rsa(0.02)] {
        let mut simulation = Simulation::new(setup(&world, protocol, some(3, 0.3))).expect("valid");
        let mut changed = 0;
        for round in 1..30 {
            let before = state(&mut simulation);
            let mut present = Vec::new();
            simulation
                .run(round, |seen, _| {
                    present = [seen.arrived.regular(), seen.arrived.byzantine()].concat();
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
            .run(round, |seen, _| {
                skips = seen.direction.is_none();
                assert_eq!((seen.report.is_none(), seen.server.is_none()), (skips, skips));
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
    wild.attack = Box::new(SampleDuplicating::default());
    wild.step = 1e38;
    let error = Simulation::new(wild).expect("valid").run(40, |_, _| Ok(())).unwrap_err();
    assert!(error.is_divergence(), "{error}");
    // Absent workers' rows are not finite in any round, and that is no divergence.
    let mut calm = setup(&world, gradient(Mean), some(5, 0.0));
    calm.attack = Box::new(NoAttack);
    assert!(Simulation::new(calm).expect("valid").run(40, |_, _| Ok(())).is_ok());
}
