//! What results must not depend on: true messages that nobody looks at, and the method, where draws are concerned.

use crate::common::{World, gradient, resampled, rsa};
use fl_agg::{GeometricMedian, Krum, Mean};
use fl_attacks::{Gaussian, SampleDuplicating, SignFlipping, SignFlippingTarget};
use fl_core::{
    Attack, AttackContext, AttackSpec, AttackView, Cx, Estimator, EstimatorSpec, Federation, Local,
    Scalar, SpecError, Visit, Workspace,
};
use fl_saga::{Saga, Sgd};
use fl_sim::{ProtocolSpec, Simulation};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// An attack of which the laboratory believes that it looks at the true messages.
#[derive(Debug)]
struct Looking<A>(A);

#[derive(Debug)]
struct LookingAttack<T>(Box<dyn Attack<T>>);

impl<T: Scalar, A: AttackSpec<T>> AttackSpec<T> for Looking<A> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(LookingAttack(self.0.build(context)?)))
    }
}

impl<T: Scalar> Attack<T> for LookingAttack<T> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        self.0.corrupt(cx, view);
    }
}

#[test]
fn computing_true_messages_that_nobody_looks_at_changes_nothing() {
    let world = World::by_class(30);
    let byzantine: Vec<u32> = (24..30).collect();
    let params = |attack: Box<dyn AttackSpec<f32>>, protocol| {
        let estimator = Box::new(Saga::new(8));
        let setup = world.setup(estimator, protocol, attack, &byzantine, 0.5, 3);
        let mut simulation = Simulation::new(setup).unwrap();
        simulation.run(40, |_, _| Ok(())).unwrap();
        simulation.params().to_vec()
    };
    let flip = SignFlipping { target: SignFlippingTarget::HonestMean, ..SignFlipping::default() };
    let duplicate = SampleDuplicating { worker: Some(0), ..Default::default() };
    fn unseen<A: AttackSpec<f32>>(attack: &A) -> bool {
        let federation = Federation::new(30, &[29]).unwrap();
        !attack.build(&AttackContext::new(&federation, 650)).unwrap().needs_true_messages()
    }
    assert!(unseen(&flip) && unseen(&duplicate) && unseen(&Gaussian::default()));
    assert!(!unseen(&Looking(flip.clone())));
    for protocol in [|| gradient(Mean), || resampled(GeometricMedian::default()), || rsa(0.02)] {
        assert_eq!(
            params(Box::new(flip.clone()), protocol()),
            params(Box::new(Looking(flip.clone())), protocol())
        );
        assert_eq!(
            params(Box::new(duplicate.clone()), protocol()),
            params(Box::new(Looking(duplicate.clone())), protocol())
        );
        let noise = Gaussian::default();
        assert_eq!(
            params(Box::new(noise.clone()), protocol()),
            params(Box::new(Looking(noise.clone())), protocol())
        );
    }
}

/// The rows that each worker drew in each round.
type Draws = BTreeMap<(u64, usize), Vec<u32>>;

/// An estimator that writes down what it draws.
#[derive(Debug)]
struct Watched<E>(E, Arc<Mutex<Draws>>);

#[derive(Debug)]
struct WatchedEstimator<T> {
    inner: Box<dyn Estimator<T>>,
    batch: usize,
    draws: Arc<Mutex<Draws>>,
}

impl<T: Scalar, E: EstimatorSpec<T>> EstimatorSpec<T> for Watched<E> {
    fn name(&self) -> &'static str {
        "watched"
    }

    fn batch(&self) -> usize {
        self.0.batch()
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        let (inner, batch, draws) = (self.0.build(local)?, self.0.batch(), Arc::clone(&self.1));
        Ok(Box::new(WatchedEstimator { inner, batch, draws }))
    }
}

impl<T: Scalar> Estimator<T> for WatchedEstimator<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.inner.start(local, params, work);
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.inner.state(visit);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.inner.message(cx, local, params, out, work);
        let rows = work.rows[..self.batch].to_vec();
        self.draws.lock().unwrap().insert((cx.round(), local.worker), rows);
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        self.inner.variation(local, params, work)
    }

    fn memory(&self) -> usize {
        self.inner.memory()
    }
}

#[test]
fn regular_workers_draw_the_same_samples_under_every_method_of_a_seed() {
    let world = World::by_class(30);
    fn draws<E: EstimatorSpec<f32> + 'static>(
        world: &World,
        estimator: E,
        protocol: ProtocolSpec,
        seed: u64,
    ) -> Draws {
        let draws = Arc::new(Mutex::new(Draws::new()));
        let estimator = Box::new(Watched(estimator, Arc::clone(&draws)));
        let attack = Box::new(Gaussian::default());
        let byzantine: Vec<u32> = (24..30).collect();
        let setup = world.setup(estimator, protocol, attack, &byzantine, 0.1, seed);
        Simulation::new(setup).unwrap().run(10, |_, _| Ok(())).unwrap();
        let mut draws = std::mem::take(&mut *draws.lock().unwrap());
        draws.retain(|(_, worker), _| *worker < 24);
        draws
    }
    let first = draws(&world, Sgd::new(8), gradient(Mean), 5);
    assert_eq!(first.len(), 10 * 24);
    assert_eq!(first, draws(&world, Saga::new(8), gradient(Krum::default()), 5));
    let proposed = resampled(GeometricMedian::default());
    assert_eq!(first, draws(&world, Saga::new(8), proposed, 5));
    assert_eq!(first, draws(&world, Sgd::new(8), rsa(0.1), 5));
    let other = draws(&world, Sgd::new(8), gradient(Mean), 6);
    assert!(first.iter().filter(|(at, rows)| other[at] == **rows).count() < 3);
}
