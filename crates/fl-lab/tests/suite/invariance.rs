//! What results must not depend on: threads, jobs, the order of methods, interruptions, number types.

use crate::common::{SEVEN, edited, metrics_files, run, try_run};
use std::fs;
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
