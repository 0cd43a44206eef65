//! What results must not depend on: threads, jobs, the order of methods, interruptions, number types.

use crate::common::{SEVEN, World, edited, gradient, metrics_files, resampled, run, try_run};
use fl_agg::{GeometricMedian, Krum, Mean};
use fl_attacks::{Gaussian, SampleDuplicate, SignFlip, Target};
use fl_core::{
    Attack, AttackSpec, Cx, Estimator, EstimatorSpec, Federation, Local, Scalar, Sight, Site,
    SpecError, Visit, Workspace,
};
use fl_saga::{Saga, Sgd};
use fl_sim::{ProtocolSpec, Simulation};
use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use tempfile::tempdir;

#[test]
fn metrics_are_the_same_bits_for_any_threads_and_jobs() {
    let perceptron = edited(
        SEVEN,
        &[
            ("[model.softmax]\nbias = true\nl2 = 0.01", "[model.perceptron]\nhidden = [9, 7]"),
            ("partition.by-class = { workers-per-class = 3 }", "partition = \"iid\""),
            ("byzantine.classes = [8, 9]", "byzantine.count = 6"),
            ("sample-duplicating = { worker = 0 }", "gaussian = {}"),
        ],
    );
    for text in [SEVEN, &perceptron] {
        let reference = tempdir().unwrap();
        try_run(text, reference.path(), 1, 1).unwrap();
        let reference = metrics_files(reference.path());
        assert_eq!(reference.len(), 14);
        for (jobs, threads) in [(1, 2), (1, 3), (1, 7), (2, 2), (3, 7)] {
            let out = tempdir().unwrap();
            try_run(text, out.path(), jobs, threads).unwrap();
            assert!(metrics_files(out.path()) == reference, "{jobs} jobs, {threads} threads");
        }
    }
}

/// The file's beginning and its methods.
fn parts(text: &str) -> (String, Vec<String>) {
    let mut parts = text.split("[[method]]");
    let head = parts.next().unwrap().to_owned();
    (head, parts.map(|method| format!("[[method]]{method}")).collect())
}

#[test]
fn metrics_do_not_depend_on_the_other_methods_of_the_file() {
    let whole = tempdir().unwrap();
    run(SEVEN, whole.path());
    let whole = metrics_files(whole.path());

    let (head, mut methods) = parts(SEVEN);
    methods.reverse();
    let out = tempdir().unwrap();
    run(&(head.clone() + &methods.concat()), out.path());
    assert!(metrics_files(out.path()) == whole, "reversed");

    // Some removed, one added in front.
    let new = "[[method]]\nname = \"New\"\nestimator = \"saga\"\nrule = \"krum\"\nbatch = 5\n\n";
    let some = [new, &methods[1], &methods[4]].concat();
    let out = tempdir().unwrap();
    run(&(head + &some), out.path());
    let files = metrics_files(out.path());
    let same = files.iter().filter(|(name, text)| whole.get(*name) == Some(text)).count();
    assert_eq!((files.len(), same), (6, 4));
}

#[test]
fn double_precision_is_close_to_single() {
    let [single, double] = [tempdir().unwrap(), tempdir().unwrap()];
    let single = run(SEVEN, single.path());
    let double = run(&format!("precision = \"f64\"\n{SEVEN}"), double.path());
    for (a, b) in single.iter().zip(&double) {
        assert_ne!(a.cell.hash, b.cell.hash);
        for (a, b) in a.metrics.iter().zip(&b.metrics) {
            assert_eq!(a.round, b.round);
            // One test row of 355 may be on the fence.
            assert!((a.accuracy - b.accuracy).abs() < 1.5 / 355.0, "{a:?}\n{b:?}");
            let relative = (a.test_loss / b.test_loss - 1.0).abs();
            assert!(relative < 1e-4, "{relative}: {a:?}\n{b:?}");
        }
    }
}

#[test]
fn a_cells_own_file_repeats_it_bit_for_bit() {
    let out = tempdir().unwrap();
    // Intervals that are left to defaults depend on rounds; the cell's file must hold them.
    let text = edited(SEVEN, &[("evaluate-every = 8\nfull-pass-every = 12\n", "")]);
    for outcome in run(&text, out.path()) {
        let config = fs::read_to_string(outcome.path.join("config.toml")).unwrap();
        let again = tempdir().unwrap();
        let repeated = run(&config, again.path());
        assert_eq!(repeated.len(), 1);
        assert_eq!(repeated[0].cell.folder(), outcome.cell.folder());
        let name = "metrics.jsonl";
        let bytes = [&outcome, &repeated[0]].map(|o| fs::read(o.path.join(name)).unwrap());
        assert!(bytes[0] == bytes[1], "{}", outcome.cell.folder());
        assert_eq!(fs::read_to_string(repeated[0].path.join("config.toml")).unwrap(), config);
    }
}

#[test]
fn a_finished_cell_is_read_and_not_repeated() {
    let out = tempdir().unwrap();
    let first = run(SEVEN, out.path());
    assert!(first.iter().all(|o| !o.reused));
    let second = run(SEVEN, out.path());
    assert!(second.iter().all(|o| o.reused));
    for (a, b) in first.iter().zip(&second) {
        // What is read back is what was measured, to the last bit.
        assert_eq!(a.metrics, b.metrics);
        assert_eq!(a.done, b.done);
    }
}

/// An attack of which the laboratory believes that it looks at the true messages.
#[derive(Debug)]
struct Looking<A>(A);

#[derive(Debug)]
struct LookingAttack<T>(Box<dyn Attack<T>>);

impl<T: Scalar, A: AttackSpec<T>> AttackSpec<T> for Looking<A> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn build(&self, site: &Site<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        Ok(Box::new(LookingAttack(self.0.build(site)?)))
    }
}

impl<T: Scalar> Attack<T> for LookingAttack<T> {
    fn corrupt(&mut self, cx: &Cx<'_>, sight: &mut Sight<'_, T>) {
        self.0.corrupt(cx, sight);
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
    let flip = SignFlip { target: Target::HonestMean, ..SignFlip::default() };
    let duplicate = SampleDuplicate { worker: Some(0), ..Default::default() };
    fn unseen<A: AttackSpec<f32>>(attack: &A) -> bool {
        let federation = Federation::new(30, &[29]).unwrap();
        !attack.build(&Site::new(&federation, 650)).unwrap().needs_true_messages()
    }
    assert!(unseen(&flip) && unseen(&duplicate) && unseen(&Gaussian::default()));
    assert!(!unseen(&Looking(flip.clone())));
    for protocol in [
        || gradient(Mean),
        || resampled(GeometricMedian::default()),
        || ProtocolSpec::Rsa { lambda: 0.02 },
    ] {
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
    assert_eq!(first, draws(&world, Sgd::new(8), ProtocolSpec::Rsa { lambda: 0.1 }, 5));
    let other = draws(&world, Sgd::new(8), gradient(Mean), 6);
    assert!(first.iter().filter(|(at, rows)| other[at] == **rows).count() < 3);
}
