//! Experiments on the embedded digits, small enough to run many times.
// Every test binary uses a part of this.
#![allow(dead_code)]

use fl_core::{AttackSpec, EstimatorSpec, Federation, Knowledge, Scalar, Streams};
use fl_data::{Loaded, Partition, PartitionSpec};
use fl_models::Softmax;
use fl_sim::{Experiment, Host, Options, Outcome, ProtocolSpec, Setup, SimError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// The paper's seven methods on the digits of thirty workers, for a few rounds.
pub(crate) const SEVEN: &str = r#"
name = "seven"
rounds = 24
seeds = [0, 1]
evaluate-every = 8
full-pass-every = 12

[data]
set = "digits"
partition.by-class = { workers-per-class = 3 }

[federation]
workers = 30
byzantine.classes = [8, 9]
attack.sample-duplicating = { worker = 0 }

[model.softmax]
bias = true
l2 = 0.01

[train]
batch = 8
step = 0.5

[[method]]
name = "SGD"
rule = "mean"

[[method]]
name = "Byrd-SGD"
rule = "geometric-median"

[[method]]
name = "RS-Byrd-SGD"
pre = [{ resample = { s = 2 } }]
rule = "geometric-median"

[[method]]
name = "Krum"
rule = "krum"

[[method]]
name = "Byrd-SAGA"
estimator = "saga"
rule = "geometric-median"

[[method]]
name = "RSA"
protocol.rsa = { lambda = 0.02 }
step = 0.1

[[method]]
name = "Proposed"
estimator = "saga"
pre = [{ resample = { s = 2 } }]
rule = "geometric-median"
"#;

/// `text` with some parts replaced, each of which must be there.
#[track_caller]
pub(crate) fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (old, new) in edits {
        assert!(text.contains(old), "{old:?} is not in the experiment");
        text = text.replace(old, new);
    }
    text
}

static GO_ON: AtomicBool = AtomicBool::new(false);

/// A host without a clock.
pub(crate) fn host() -> Host<'static> {
    Host { clock: || 0.0, peak_memory: || None, stop: &GO_ON }
}

pub(crate) fn try_run(
    text: &str,
    out: &Path,
    jobs: usize,
    threads: usize,
) -> Result<Vec<Outcome>, SimError> {
    let (experiment, source) = Experiment::parse(text, "test.toml", &[])?;
    let data = fl_data::digits::load();
    let options = Options { jobs, ..Options::new(out, threads) };
    fl_sim::run_experiment(&experiment, &source, &data, options, host(), &|_| {})
}

#[track_caller]
pub(crate) fn run(text: &str, out: &Path) -> Vec<Outcome> {
    try_run(text, out, 1, 1).unwrap_or_else(|e| panic!("{e}"))
}

/// The bytes of each cell's `metrics.jsonl`, by the cell's folder.
pub(crate) fn metrics_files(out: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(out).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path.join("metrics.jsonl")).expect("a results file");
        files.insert(name, text);
    }
    files
}

/// Digits and who holds which.
pub(crate) struct World {
    pub(crate) data: Loaded,
    pub(crate) partition: Partition,
    pub(crate) workers: usize,
}

impl World {
    /// As many workers as asked for, an equal number to each of the ten classes.
    pub(crate) fn by_class(workers: usize) -> Self {
        let data = fl_data::digits::load();
        let train = &data.split.train;
        let mut rng = Streams::new(0).at(fl_core::Role::Partition, 0, 0);
        let spec = PartitionSpec::ByClass { workers_per_class: workers / 10 };
        let partition = spec.build(train.labels(), 10, workers, &mut rng).expect("a partition");
        Self { data, partition, workers }
    }

    /// Softmax regression with bias and λ = 0.01 in this world.
    pub(crate) fn setup<T: Scalar>(
        &self,
        estimator: Box<dyn EstimatorSpec<T>>,
        protocol: ProtocolSpec,
        attack: Box<dyn AttackSpec<T>>,
        byzantine: &[u32],
        step: f64,
        seed: u64,
    ) -> Setup<'_, T> {
        let train = &self.data.split.train;
        Setup {
            train,
            samples: (0..self.workers).map(|w| self.partition.worker(w)).collect(),
            federation: Federation::new(self.workers, byzantine).expect("a federation"),
            knowledge: Knowledge::Omniscient,
            rotation: None,
            participation: None,
            lesson: None,
            objective: Softmax { l2: 0.01, ..Softmax::default() }
                .build(train.columns(), 10)
                .expect("a model"),
            estimator,
            protocol,
            attack,
            step,
            seed,
        }
    }
}

/// A rule without pre-aggregators.
pub(crate) fn gradient(rule: impl fl_core::RuleSpec + 'static) -> ProtocolSpec {
    ProtocolSpec::Gradient { pre: vec![], rule: Box::new(rule) }
}

/// A rule behind resampling with s = 2.
pub(crate) fn resampled(rule: impl fl_core::RuleSpec + 'static) -> ProtocolSpec {
    ProtocolSpec::Gradient {
        pre: vec![Box::new(fl_resample::Resample::default())],
        rule: Box::new(rule),
    }
}
