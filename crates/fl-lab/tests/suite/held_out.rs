//! Batches of all samples, and samples that workers set aside to be measured on.

use crate::common::{edited, metrics_files, run, try_run};
use fl_lab::{Experiment, read_metrics};
use tempfile::tempdir;

/// The digits by class, so that workers hold different numbers of samples.
const UNEQUAL: &str = r#"
name = "unequal"
rounds = 12
evaluate-every = 4
data = { set = "digits", partition.by-class = { workers-per-class = 1 } }
federation = { workers = 10 }
model.softmax = { l2 = 0.01 }
train = { batch = 8, step = 0.1 }
method = [{ name = "M", rule = "mean" }]
"#;

fn lines(text: &str) -> String {
    let out = tempdir().expect("a folder");
    run(text, out.path());
    metrics_files(out.path()).into_values().next().expect("a run")
}

#[test]
fn all_is_the_word_for_a_batch_that_no_worker_fills() {
    let all = edited(UNEQUAL, &[("batch = 8", "batch = \"all\"")]);
    let taken = edited(UNEQUAL, &[("batch = 8", "batch = 9999, small-workers = \"take-all\"")]);
    assert_eq!(lines(&all), lines(&taken));
    assert_ne!(lines(&all), lines(UNEQUAL));
    // Drawn without replacement a batch is every sample, so that the seed decides nothing.
    let other = edited(&all, &[("rounds = 12", "rounds = 12\nseeds = [7]")]);
    let last = |text: &str| -> f64 {
        let out = tempdir().expect("a folder");
        run(text, out.path()).remove(0).metrics.last().expect("a line").test_loss
    };
    // Sums are in the order of the draw.
    assert!((last(&all) - last(&other)).abs() < 1e-4);
    let error =
        Experiment::parse(&edited(UNEQUAL, &[("batch = 8", "batch = \"some\"")]), "a.toml", &[]);
    let error = error.expect_err("no such word").to_string();
    assert!(error.contains("expected a whole number from 1, or \"all\""), "{error}");
}

#[test]
fn held_out_samples_are_measured_and_not_learned_from() {
    let text = edited(UNEQUAL, &[("set = \"digits\"", "set = \"digits\", held-out = 0.25")]);
    let out = tempdir().expect("a folder");
    let outcome = run(&text, out.path()).remove(0);
    let last = outcome.metrics.last().and_then(|m| m.held_out).expect("held-out samples");
    assert!(last.worst <= last.mean && last.mean <= 1.0 && last.spread >= 0.0, "{last:?}");
    // One class a worker: the workers' accuracies are those of classes, and they differ.
    assert!(last.worst < last.mean && last.spread > 0.01, "{last:?}");
    let finals = outcome.done.finals.and_then(|f| f.held_out).expect("final numbers");
    assert!(finals.mean > 0.5, "{finals:?}");
    // Without the setting nothing of it is written, and less is learned from with it.
    let without = lines(UNEQUAL);
    assert!(!without.contains("held_out"));
    assert!(metrics_files(out.path()).into_values().all(|lines| lines.contains("held_out")));
    let first = |text: &str| {
        let out = tempdir().expect("a folder");
        run(text, out.path()).remove(0).metrics.last().expect("a line").test_loss
    };
    assert_ne!(first(&text), first(UNEQUAL));
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let text = edited(UNEQUAL, &[("set = \"digits\"", "set = \"digits\", held-out = 0.25")]);
    let bytes = [1, 3].map(|threads| {
        let out = tempdir().expect("a folder");
        try_run(&text, out.path(), 1, threads).expect("it runs");
        metrics_files(out.path())
    });
    assert_eq!(bytes[0], bytes[1]);
}

#[test]
fn lines_with_held_out_samples_are_read_back() {
    let text = edited(UNEQUAL, &[("set = \"digits\"", "set = \"digits\", held-out = 0.25")]);
    let out = tempdir().expect("a folder");
    let outcome = run(&text, out.path()).remove(0);
    let read = read_metrics(&outcome.path.join("metrics.jsonl")).expect("lines");
    assert_eq!(read, outcome.metrics);
    for share in ["0.0", "1.0", "-0.5", "nan"] {
        let text = edited(&text, &[("held-out = 0.25", &format!("held-out = {share}"))]);
        let error =
            Experiment::parse(&text, "a.toml", &[]).and_then(|(e, s)| fl_lab::check(&e, &s));
        let error = error.expect_err("no share").to_string();
        assert!(error.contains("held-out must be above 0 and below 1"), "{error}");
    }
}
