//! A model of one's own without records, in experiment files: refused with SAGA at its place, killed and resumed.

use crate::common::{edited, host, metrics_files};
use crate::federation::whole::Whole;
use fl_lab::{Experiment, LabError, Options, Registry};
use std::path::Path;
use tempfile::tempdir;

const FILE: &str = r#"
name = "whole"
rounds = 24
evaluate-every = 6
full-pass-every = 12

[data]
set = "digits"
partition = "iid"

[federation]
workers = 10
byzantine.count = 2
attack = "gaussian"

[model.whole]
l2 = 0.01

[train]
batch = 8
step = 0.1

[[method]]
name = "momentum"
momentum = { beta = 0.9 }
rule = "geometric-median"

[[method]]
name = "page"
estimator.page = { probability = 0.2 }
rule = "mean"

[[method]]
name = "loopless"
estimator.loopless-svrg = { probability = 0.2 }
rule = "krum"

[[method]]
name = "dense"
estimator = "dense-saga"
rule = "coordinate-median"
"#;

fn run(text: &str, out: &Path, jobs: usize, threads: usize) -> Result<(), LabError> {
    let registry = Registry::standard().with_model::<Whole>();
    let (experiment, source) = Experiment::parse_with(&registry, text, "test.toml", &[])?;
    let data = fl_data::digits::load();
    let options = Options { jobs, ..Options::new(out, threads) };
    fl_lab::run_experiment(&experiment, &source, &data, options, host(), &|_| {}).map(drop)
}

#[test]
fn runs_go_on_to_the_same_bits_on_any_threads() {
    let straight = tempdir().unwrap();
    run(FILE, straight.path(), 1, 1).unwrap();
    let straight = metrics_files(straight.path());
    assert_eq!(straight.len(), 4);
    for threads in [1, 3] {
        let parted = tempdir().unwrap();
        run(&edited(FILE, &[("rounds = 24", "rounds = 12")]), parted.path(), 1, threads).unwrap();
        run(FILE, parted.path(), 2, threads).unwrap();
        assert!(metrics_files(parted.path()) == straight, "{threads} threads");
    }
}

#[test]
fn saga_and_sag_are_refused_at_their_place_with_all_bytes() {
    for name in ["saga", "sag", "window-saga"] {
        let text =
            edited(FILE, &[("estimator = \"dense-saga\"", &format!("estimator = \"{name}\""))]);
        let out = tempdir().unwrap();
        let error = run(&text, out.path(), 1, 1).unwrap_err().to_string();
        assert!(error.contains(&format!("{name}: the model must be one with records")), "{error}");
        // All workers together hold the 1 442 training rows.
        assert!(error.contains("3.7 MB (1442 samples × 650 parameters × 4 bytes)"), "{error}");
        assert!(error.contains("sgd, loopless-svrg, svrg, page"), "{error}");
        assert!(error.contains("test.toml:"), "{error}");
    }
}
