//! Numbers that are no numbers: a Byzantine worker's are dropped and counted, a regular worker's end the run.

use crate::common::{World, gradient, resampled, rsa};
use fl_agg::{GeometricMedian, Krum, Mean};
use fl_core::{
    Attack, AttackContext, AttackSpec, AttackView, Cx, Estimator, EstimatorSpec, Local, Scalar,
    SpecError, Visit, Workspace,
};
use fl_saga::Sgd;
use fl_sim::{ProtocolSpec, SimError, Simulation};

/// Byzantine workers send NaN, each at another place.
#[derive(Debug)]
struct Nonsense;

impl<T: Scalar> AttackSpec<T> for Nonsense {
    fn name(&self) -> &'static str {
        "nonsense"
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(Nonsense))
    }
}

impl<T: Scalar> Attack<T> for Nonsense {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        for &b in view.federation().byzantine() {
            view.row_mut(b as usize)[b as usize] = T::from_f64(f64::NAN);
        }
    }
}

/// The stochastic gradient, but infinite from a round on for workers from some one on.
#[derive(Clone, Copy, Debug)]
struct Breaking {
    round: u64,
    worker: usize,
}

#[derive(Debug)]
struct BreakingEstimator<T>(Box<dyn Estimator<T>>, Breaking);

impl<T: Scalar> EstimatorSpec<T> for Breaking {
    fn name(&self) -> &'static str {
        "breaking"
    }

    fn batch(&self) -> usize {
        8
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        Ok(Box::new(BreakingEstimator(Sgd::new(8).build(local)?, *self)))
    }
}

impl<T: Scalar> Estimator<T> for BreakingEstimator<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.0.start(local, params, work);
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.0.state(visit);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.0.message(cx, local, params, out, work);
        if cx.round() >= self.1.round && local.worker >= self.1.worker {
            out[7] = T::from_f64(f64::INFINITY);
        }
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        self.0.variation(local, params, work)
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }
}

fn protocols() -> [ProtocolSpec; 4] {
    [
        gradient(Mean),
        gradient(Krum::default()),
        gradient(GeometricMedian::default()),
        resampled(GeometricMedian::default()),
    ]
}

#[test]
fn a_byzantine_workers_nan_is_dropped_and_counted() {
    let world = World::by_class(30);
    let byzantine = [2, 11, 23, 24, 28, 29];
    for protocol in protocols() {
        let name = format!("{protocol:?}");
        let estimator = Box::new(Sgd::new(8));
        let setup = world.setup(estimator, protocol, Box::new(Nonsense), &byzantine, 0.5, 0);
        let mut simulation = Simulation::<f32>::new(setup).unwrap();
        let mut seen = 0;
        simulation
            .run(10, |round, view| {
                assert_eq!(round.report.unwrap().dropped, 6);
                let server = round.server.unwrap();
                assert_eq!(server.rows(), view.federation.regular());
                assert!(byzantine.iter().all(|&b| server.weights().unwrap()[b as usize] == 0.0));
                seen += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, 10);
        assert!(simulation.params().iter().all(|x| x.is_finite()), "{name}");
        assert!(simulation.params().iter().any(|x| *x != 0.0), "{name}");
    }
    // RSA has no use for dropping: a NaN has no sign.
    let estimator = Box::new(Sgd::new(8));
    let protocol = rsa(0.02);
    let setup = world.setup(estimator, protocol, Box::new(Nonsense), &byzantine, 0.1, 0);
    let mut simulation = Simulation::<f32>::new(setup).unwrap();
    simulation.run(10, |_, _| Ok(())).unwrap();
    assert!(simulation.params().iter().all(|x| x.is_finite()));
}

#[test]
fn a_regular_workers_infinity_ends_the_run_and_names_round_and_worker() {
    let world = World::by_class(30);
    // Worker 23 and those after it, of whom 24 to 29 are Byzantine; then nearly everybody, too many to aggregate.
    for (worker, byzantine) in [(23, (24..30).collect::<Vec<u32>>()), (1, vec![1, 2]), (0, vec![])]
    {
        let first = (worker..30).find(|w| !byzantine.contains(&(*w as u32))).unwrap();
        for protocol in protocols() {
            let estimator = Box::new(Breaking { round: 3, worker });
            let attack = Box::new(fl_attacks::NoAttack);
            let setup = world.setup(estimator, protocol, attack, &byzantine, 0.5, 0);
            let mut simulation = Simulation::<f32>::new(setup).unwrap();
            let error = simulation.run(10, |_, _| Ok(())).unwrap_err();
            assert!(error.is_divergence());
            assert!(
                matches!(error, SimError::Diverged { round: 3, worker, .. } if worker == first),
                "{error}"
            );
            assert!(error.to_string().contains("a smaller step may help"), "{error}");
            // What was reached stays.
            assert_eq!(simulation.round(), 3);
            assert!(simulation.params().iter().all(|x| x.is_finite()));
        }
    }
}
