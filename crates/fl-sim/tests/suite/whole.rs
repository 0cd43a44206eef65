//! A model without records in the engine: the course of the same model with records, any threads, no allocation.

use crate::common::whole::Whole;
use crate::common::{World, gradient, resampled, rsa};
use allocation_counter::measure;
use fl_agg::{GeometricMedian, Mean};
use fl_attacks::SignFlipping;
use fl_core::{EstimatorSpec, ModelSpec};
use fl_saga::{
    ByzVrMarina, DenseSaga, FullGradient, LooplessSvrg, Momentum, Page, Saga, Sarah, Sgd, Storm,
    Svrg,
};
use fl_sim::{FullPass, ProtocolSpec, Setup, Simulation, full_pass};

const BYZANTINE: [u32; 2] = [8, 9];

/// What works with any model.
fn estimators() -> Vec<Box<dyn EstimatorSpec<f64>>> {
    vec![
        Box::new(Sgd::new(8)),
        Box::new(FullGradient {}),
        Box::new(LooplessSvrg { probability: Some(0.2), ..LooplessSvrg::new(8) }),
        Box::new(Svrg { every: Some(4), ..Svrg::new(8) }),
        Box::new(Sarah { every: Some(4), ..Sarah::new(8) }),
        Box::new(Page { probability: Some(0.2), ..Page::new(8) }),
        Box::new(Storm::new(8)),
        Box::new(ByzVrMarina { probability: 0.2, ..ByzVrMarina::new(8) }),
        Box::new(DenseSaga::new(8)),
        Box::new(Momentum::default().over(Box::new(Sgd::new(8)))),
    ]
}

fn setup(
    world: &World,
    estimator: Box<dyn EstimatorSpec<f64>>,
    protocol: ProtocolSpec,
    whole: bool,
) -> Setup<'_, f64> {
    let attack = Box::new(SignFlipping::default());
    let mut setup = world.setup(estimator, protocol, attack, &BYZANTINE, 0.1, 1);
    if whole {
        let model: &dyn ModelSpec<f64> = &Whole { l2: 0.01 };
        setup.objective = model.build_for(setup.train).unwrap();
    }
    setup
}

/// Parameters after some rounds, and what a full pass finds there.
fn course(setup: Setup<'_, f64>, threads: usize) -> (Vec<f64>, FullPass) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut simulation = Simulation::new(setup).unwrap();
        simulation.run(9, |_, _| Ok(())).unwrap();
        let params = simulation.params().to_vec();
        let found = full_pass(&simulation.view(), &params);
        (params, found)
    })
}

#[test]
fn whole_gradients_give_the_course_that_records_give() {
    let world = World::by_class(10);
    let protocols = [|| resampled(GeometricMedian::default()), || rsa(0.02)];
    for i in 0..estimators().len() {
        // RSA is defined with stochastic gradients.
        for protocol in &protocols[..if i == 0 { 2 } else { 1 }] {
            let of = |whole| {
                let estimator = estimators().remove(i);
                course(setup(&world, estimator, protocol(), whole), 1)
            };
            let ((records, a), (whole, b)) = (of(false), of(true));
            let name = estimators()[i].name();
            for (a, b) in records.iter().zip(&whole) {
                assert!((a - b).abs() < 1e-9, "{name}: {a} and {b}");
            }
            for (a, b) in [
                (a.honest_loss, b.honest_loss),
                (a.gradient_norm, b.gradient_norm),
                (a.outer_variation, b.outer_variation),
                (a.inner_variation, b.inner_variation),
                (a.message_variation, b.message_variation),
            ] {
                assert!((a - b).abs() <= 1e-8 * (1.0 + a.abs()), "{name}: {a} and {b}");
            }
        }
    }
}

#[test]
fn whole_gradients_give_the_same_bits_for_any_threads() {
    let world = World::by_class(10);
    for i in 0..estimators().len() {
        let of = |threads| {
            let estimator = estimators().remove(i);
            course(setup(&world, estimator, gradient(GeometricMedian::default()), true), threads)
        };
        let (params, found) = of(1);
        for threads in [2, 3, 7] {
            let (other, other_found) = of(threads);
            assert!(params == other, "{}: {threads} threads", estimators()[i].name());
            assert_eq!(format!("{found:?}"), format!("{other_found:?}"), "{threads} threads");
        }
    }
}

#[test]
fn a_round_of_whole_gradients_allocates_nothing() {
    let world = World::by_class(10);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for estimator in estimators() {
        let name = estimator.name();
        let count = pool.install(|| {
            let mut simulation =
                Simulation::new(setup(&world, estimator, gradient(Mean), true)).unwrap();
            measure(|| simulation.run(30, |_, _| Ok(())).unwrap()).count_total
        });
        assert_eq!(count, 0, "{name}");
    }
}

#[test]
fn x_star_is_found_without_records() {
    let world = World::by_class(10);
    let train = &world.data.split.train;
    let workers: Vec<&[u32]> = (0..10).map(|w| world.partition.worker(w)).collect();
    let model = |whole: bool| {
        let (by_records, by_gradients) =
            (fl_models::Softmax { l2: 0.1, ..Default::default() }, Whole { l2: 0.1 });
        let spec: &dyn ModelSpec<f64> = if whole { &by_gradients } else { &by_records };
        spec.build_for(train).unwrap()
    };
    let gradient = |whole| {
        let model = model(whole);
        let x = vec![0.01; model.dim()];
        fl_sim::Problem::new(&*model, train, workers.iter().copied()).gradient(&x)
    };
    for (a, b) in gradient(false).iter().zip(gradient(true)) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }
}

#[test]
fn a_table_of_records_is_refused_before_round_0() {
    let world = World::by_class(10);
    let setup = setup(&world, Box::new(Saga::new(8)), gradient(Mean), true);
    let error = Simulation::new(setup).unwrap_err().to_string();
    assert!(error.contains("saga: the model must be one with records"), "{error}");
    assert!(error.contains("samples × 650 parameters × 8 bytes"), "{error}");
}
