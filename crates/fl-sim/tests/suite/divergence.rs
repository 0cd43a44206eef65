//! Numbers that are no numbers: a Byzantine worker's are dropped and counted, a regular worker's end the run, which
//! keeps what it had.

use crate::common::{SEVEN, World, edited, gradient, resampled, run};
use fl_agg::{GeometricMedian, Krum, Mean};
use fl_core::{
    Attack, AttackSpec, Cx, Estimator, EstimatorSpec, Local, Scalar, Sight, Site, SpecError, Visit,
    Workspace,
};
use fl_saga::Sgd;
use fl_sim::{Ending, ProtocolSpec, SimError, Simulation};
use tempfile::tempdir;

/// Byzantine workers send NaN, each at another place.
#[derive(Debug)]
struct Nonsense;

impl<T: Scalar> AttackSpec<T> for Nonsense {
    fn name(&self) -> &'static str {
        "nonsense"
    }

    fn build(&self, _: &Site<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(Nonsense))
    }
}

impl<T: Scalar> Attack<T> for Nonsense {
    fn corrupt(&mut self, _: &Cx<'_>, sight: &mut Sight<'_, T>) {
        for &b in sight.federation().byzantine() {
            sight.row_mut(b as usize)[b as usize] = T::from_f64(f64::NAN);
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
            .run(10, |moment, view| {
                assert_eq!(moment.report.unwrap().dropped, 6);
                let server = moment.server.unwrap();
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
    let protocol = ProtocolSpec::Rsa { lambda: 0.02 };
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

#[test]
fn a_diverged_run_keeps_its_metrics_and_is_finished() {
    let out = tempdir().unwrap();
    let text = edited(
        SEVEN,
        &[("step = 0.5", "step = 1e25"), ("evaluate-every = 8", "evaluate-every = 1")],
    );
    let first = run(&text, out.path());
    let mut diverged = 0;
    for outcome in &first {
        let Ending::Diverged { reason } = &outcome.done.ending else {
            // RSA has a step of its own.
            assert_eq!(outcome.cell.method.name, "RSA");
            continue;
        };
        diverged += 1;
        assert!(reason.contains("diverged"), "{reason}");
        let rounds: Vec<u64> = outcome.metrics.iter().map(|m| m.round).collect();
        assert!(!rounds.is_empty() && rounds.len() < 24, "{rounds:?}");
        assert_eq!(rounds, (0..rounds.len() as u64).collect::<Vec<_>>());
        assert_eq!(outcome.done.last_accuracy, outcome.metrics.last().map(|m| m.accuracy));
    }
    assert_eq!(diverged, 12);
    for (a, b) in first.iter().zip(run(&text, out.path())) {
        assert!(b.reused);
        assert_eq!(a.done, b.done);
    }
}

#[test]
fn rsa_ends_when_a_regular_workers_model_diverges() {
    let out = tempdir().unwrap();
    let text = edited(SEVEN, &[("step = 0.1", "step = 1e30"), ("seeds = [0, 1]", "seeds = [0]")]);
    let outcomes = run(&text, out.path());
    let rsa = outcomes.iter().find(|o| o.cell.method.name == "RSA").unwrap();
    let Ending::Diverged { reason } = &rsa.done.ending else { panic!("{:?}", rsa.done) };
    assert!(reason.contains("regular worker 0"), "{reason}");
}

#[test]
fn measurements_that_overflow_are_read_back_as_not_a_number() {
    let out = tempdir().unwrap();
    let edits = [
        ("step = 0.5", "step = 1e170"),
        ("evaluate-every = 8\nfull-pass-every = 12", "evaluate-every = 1\nfull-pass-every = 1"),
        ("name = \"seven\"", "name = \"seven\"\nprecision = \"f64\""),
        ("rounds = 24", "rounds = 1"),
    ];
    let text = edited(SEVEN, &edits);
    let first = run(&text, out.path());
    // ‖x‖² is beyond all numbers after one such step.
    let loss = first[0].metrics.last().unwrap().full.unwrap().honest_loss;
    assert_eq!(loss, f64::INFINITY);
    let second = run(&text, out.path());
    assert!(second.iter().all(|o| o.reused));
    assert!(second[0].metrics.last().unwrap().full.unwrap().honest_loss.is_nan());
}
