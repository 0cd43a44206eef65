//! Experiments on the embedded digits, small enough to run many times.

use fl_lab::{Experiment, Host, LabError, Options, Outcome};
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
    Host { clock: || 0.0, peak_memory: || None, stop: &GO_ON, abandon: None }
}

pub(crate) fn try_run(
    text: &str,
    out: &Path,
    jobs: usize,
    threads: usize,
) -> Result<Vec<Outcome>, LabError> {
    let (experiment, source) = Experiment::parse(text, "test.toml", &[])?;
    let data = fl_data::digits::load();
    let options = Options { jobs, ..Options::new(out, threads) };
    fl_lab::run_experiment(&experiment, &source, &data, options, host(), &|_| {})
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
