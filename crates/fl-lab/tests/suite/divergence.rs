//! Runs that diverge keep what they had, and are results.

use crate::common::{SEVEN, edited, run};
use fl_lab::Ending;
use tempfile::tempdir;

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
