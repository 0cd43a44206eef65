//! Moved pictures in the engine: no allocation in a round, any threads, and the batches that there are without them.

use crate::common::{World, gradient};
use allocation_counter::measure;
use fl_agg::Mean;
use fl_attacks::NoAttack;
use fl_core::{EstimatorSpec, SpecError};
use fl_saga::{Augment, Momentum, Page, Saga, Sgd};
use fl_sim::{Setup, Simulation};

fn setup(world: &World, estimator: Box<dyn EstimatorSpec<f64>>) -> Setup<'_, f64> {
    world.setup(estimator, gradient(Mean), Box::new(NoAttack), &[9], 0.1, 1)
}

fn moved(augment: Augment) -> Box<dyn EstimatorSpec<f64>> {
    Box::new(Momentum::default().over(Box::new(augment.over(Box::new(Sgd::new(8))))))
}

fn params(estimator: Box<dyn EstimatorSpec<f64>>, threads: usize) -> Vec<f64> {
    let world = World::by_class(10);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut simulation = Simulation::new(setup(&world, estimator)).unwrap();
        simulation.run(12, |_, _| Ok(())).unwrap();
        simulation.params().to_vec()
    })
}

#[test]
fn moved_pictures_give_the_same_bits_for_any_threads() {
    let augment = Augment { shift: 2, flip: true };
    let one = params(moved(augment), 1);
    for threads in [2, 3, 7] {
        assert!(params(moved(augment), threads) == one, "{threads} threads");
    }
    let plain: Box<dyn EstimatorSpec<f64>> =
        Box::new(Momentum::default().over(Box::new(Sgd::new(8))));
    let plain = params(plain, 1);
    assert!(params(moved(Augment { shift: 0, flip: false }), 1) == plain);
    for other in [Augment { shift: 1, flip: false }, Augment { shift: 0, flip: true }] {
        assert!(params(moved(other), 1) != plain, "{other:?}");
    }
}

#[test]
fn a_round_of_moved_pictures_allocates_nothing() {
    let world = World::by_class(10);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let count = pool.install(|| {
        let estimator = moved(Augment { shift: 3, flip: true });
        let mut simulation = Simulation::new(setup(&world, estimator)).unwrap();
        measure(|| simulation.run(30, |_, _| Ok(())).unwrap()).count_total
    });
    assert_eq!(count, 0);
}

#[test]
fn what_cannot_be_moved_is_refused_before_round_0() {
    let world = World::by_class(10);
    let refusal = |estimator: Box<dyn EstimatorSpec<f64>>| -> SpecError {
        Simulation::new(setup(&world, estimator)).unwrap_err()
    };
    let augment = Augment { shift: 1, flip: false };
    let keeping: [Box<dyn EstimatorSpec<f64>>; 2] =
        [Box::new(Saga::new(8)), Box::new(Page::new(8))];
    for inner in keeping {
        let name = inner.name();
        let error = refusal(Box::new(augment.over(inner))).to_string();
        assert!(error.contains("augment: the estimator must be sgd"), "{error}");
        assert!(error.ends_with(name), "{error}");
    }
    let wide = Augment { shift: 8, flip: false };
    let error = refusal(Box::new(wide.over(Box::new(Sgd::new(8))))).to_string();
    assert!(error.contains("less than 8, as pictures are 1×8×8, got 8"), "{error}");
}
