//! A round allocates nothing: counted in the allocator, for every protocol and server's step, and for parts that stand for
//! others; each part is counted in its own crate.

use crate::common::{World, gradient, resampled, rsa};
use allocation_counter::measure;
use fl_agg::{CoordinateMedian, GeometricMedian, Krum, Mean};
use fl_attacks::{
    Alie, FangKrum, FangTrimmedMean, Gaussian, Guess, Isolation, LineSearch, LineSearchMethod,
    Mimic, MinMax, MinSum, NoAttack, Rop, SampleDuplicating, SignFlipping, SignFlippingTarget,
    ZeroSum,
};
use fl_core::{AttackSpec, EstimatorSpec, RuleSpec};
use fl_resample::Resample;
use fl_saga::{Saga, Sgd};
use fl_sim::{
    Adam, HeavyBall, ProtocolSpec, Schedule, ServerOptimizer, ServerStep, Setup, Simulation, Steps,
    Yogi,
};
use std::sync::Arc;

/// With a guess, so that it can be played against RSA too.
fn search(rule: impl RuleSpec + 'static) -> LineSearch<f32> {
    LineSearch {
        attack: Box::<Alie>::default(),
        evaluations: 10,
        method: LineSearchMethod::GoldenSection,
        from: None,
        to: None,
        guess: Some(Guess {
            pre: vec![Arc::new(Resample { s: 2, ..Default::default() })],
            rule: Arc::new(rule),
        }),
    }
}

fn attacks() -> [(&'static str, Box<dyn AttackSpec<f32>>); 17] {
    let flip = SignFlipping { target: SignFlippingTarget::HonestMean, ..SignFlipping::default() };
    [
        ("none", Box::new(NoAttack)),
        ("sign flipping", Box::new(SignFlipping::default())),
        ("sign flipping of the mean", Box::new(flip)),
        ("gaussian", Box::new(Gaussian::default())),
        (
            "sample duplicating",
            Box::new(SampleDuplicating { worker: Some(0), ..Default::default() }),
        ),
        ("sample duplicating by default", Box::new(SampleDuplicating::default())),
        ("alie", Box::<Alie>::default()),
        ("mimic", Box::<Mimic>::default()),
        ("min-max", Box::<MinMax>::default()),
        ("min-sum", Box::<MinSum>::default()),
        ("fang-krum", Box::<FangKrum>::default()),
        ("fang-trimmed-mean", Box::<FangTrimmedMean>::default()),
        ("rop", Box::<Rop>::default()),
        ("zero-sum", Box::new(ZeroSum)),
        ("isolation", Box::<Isolation>::default()),
        ("line search", Box::new(search(GeometricMedian::default()))),
        ("line search on columns", Box::new(search(CoordinateMedian::default()))),
    ]
}

fn estimators() -> [(&'static str, Box<dyn EstimatorSpec<f32>>); 2] {
    [("sgd", Box::new(Sgd::new(8))), ("saga", Box::new(Saga::new(8)))]
}

fn protocols() -> [(&'static str, ProtocolSpec); 6] {
    [
        ("mean", gradient(Mean)),
        ("krum", gradient(Krum::default())),
        ("median", gradient(GeometricMedian::default())),
        ("resample and mean", resampled(Mean)),
        ("resample and median", resampled(GeometricMedian::default())),
        ("rsa", rsa(0.02)),
    ]
}

#[test]
fn a_round_allocates_nothing() {
    let world = World::by_class(30);
    let byzantine: Vec<u32> = (24..30).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut guilty = Vec::new();
    for e in 0..estimators().len() {
        for p in 0..protocols().len() {
            let twice = attacks().into_iter().chain(attacks()).enumerate();
            for (i, (attacker, attack)) in twice {
                let partial = i >= attacks().len();
                let [(_, sgd), (_, saga)] = estimators();
                let (estimator, by) = if e == 0 { (sgd, "sgd") } else { (saga, "saga") };
                let (protocol, spec) = protocols().into_iter().nth(p).unwrap();
                if protocol == "rsa" && by == "saga" {
                    continue;
                }
                let count = pool.install(|| {
                    let mut setup = world.setup(estimator, spec, attack, &byzantine, 0.1, 1);
                    // Once with everybody, once with some, of whom enough are left for each rule.
                    let part = fl_sim::Participation { sample: Some(29), drop_out: 0.1 };
                    setup.participation = partial.then_some(part);
                    let mut simulation = None;
                    let built = measure(|| simulation = Some(Simulation::new(setup).unwrap()));
                    assert!(built.count_total > 0, "building allocates, and is counted");
                    let mut simulation = simulation.unwrap();
                    // Some SAGA mean is summed anew every twenty rounds.
                    measure(|| simulation.run(60, |_, _| Ok(())).unwrap()).count_total
                });
                if count > 0 {
                    guilty.push(format!("{by}, {protocol}, {attacker}, part {partial}: {count}"));
                }
            }
        }
    }
    assert!(guilty.is_empty(), "allocations in 60 rounds:\n{}", guilty.join("\n"));
}

#[test]
fn the_servers_steps_allocate_nothing() {
    let world = World::by_class(30);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for optimizer in [
        ServerOptimizer::HeavyBall(HeavyBall::default()),
        ServerOptimizer::Adam(Adam::default()),
        ServerOptimizer::Yogi(Yogi::default()),
    ] {
        let count = pool.install(|| {
            let estimator = Box::new(Sgd::new(8));
            let attack = Box::new(NoAttack);
            let mut setup: Setup<'_, f32> =
                world.setup(estimator, gradient(Mean), attack, &[29], 0.1, 1);
            let schedule = Schedule::Steps(Steps { at: vec![5, 10], factor: 0.5 });
            let optimizer = optimizer.clone();
            setup.server_step = ServerStep { schedule, warm_up: 3, optimizer, weight_decay: 0.01 };
            let mut simulation = Simulation::new(setup).unwrap();
            measure(|| simulation.run(20, |_, _| Ok(())).unwrap()).count_total
        });
        assert_eq!(count, 0, "{optimizer:?}");
    }
}
