//! The search for step sizes, on the digits.

use crate::common::{SEVEN, edited, host};
use fl_data::Loaded;
use fl_lab::{Candidate, Choosing, EvaluateOn, Experiment, Options, Tuning, run_experiment};
use std::path::Path;

/// Krum is not tuned; what `tune` says is the table `[tune]`.
fn experiment(tune: &str) -> String {
    edited(
        SEVEN,
        &[("rounds = 24\n", "rounds = 36\n"), ("[data]\n", &format!("[tune]\n{tune}\n\n[data]\n"))],
    )
}

const GRID: &str = "step = [0.2, 0.00001, 0.02]\nlambda = [0.02, 50.0]\nseeds = [7, 8]\n\
                    methods = [\"SGD\", \"RSA\", \"Proposed\"]";

fn search(text: &str, data: &Loaded, out: &Path, threads: usize) -> (Vec<Choosing>, usize, String) {
    let (experiment, source) = Experiment::parse(text, "test.toml", &[]).expect("an experiment");
    fl_lab::check(&experiment, &source).unwrap_or_else(|e| panic!("{e}"));
    let mut tuning = Tuning::new(&experiment, data, &[]).expect("a search");
    assert_eq!(tuning.conditions().1, EvaluateOn::TrainingRows(data.split.train.rows() / 10));
    let mut ran = 0;
    while let Some((rung, source)) = tuning.next().expect("a rung") {
        let out = out.join(&rung.name);
        let options = Options { jobs: threads, ..Options::new(&out, threads) };
        let outcomes = run_experiment(&rung, &source, data, options, host(), &|_| {})
            .unwrap_or_else(|e| panic!("{e}"));
        ran += outcomes.iter().filter(|o| !o.reused).count();
        tuning.tell(&outcomes);
    }
    let tuned = source.with_settings(&tuning.settings()).expect("an experiment");
    (tuning.methods().to_vec(), ran, tuned)
}

#[test]
fn the_best_of_a_grid_is_found_with_the_evidence() {
    let data = fl_data::digits::load();
    let room = tempfile::tempdir().expect("a folder");
    let text = experiment(GRID);
    let (methods, ran, tuned) = search(&text, &data, room.path(), 1);
    let names: Vec<&str> = methods.iter().map(|m| &*m.method).collect();
    assert_eq!(names, ["SGD", "RSA", "Proposed"]);
    for m in &methods {
        let candidates = if m.method == "RSA" { 6 } else { 3 };
        let trials: Vec<usize> = m.rungs.iter().map(|r| r.trials.len()).collect();
        assert_eq!(trials, [candidates, candidates / 3, 1], "{}", m.method);
        let rounds: Vec<u64> = m.rungs.iter().map(|r| r.rounds).collect();
        assert_eq!(rounds, [4, 12, 36]);
        for rung in &m.rungs {
            for trial in &rung.trials {
                assert_eq!(trial.accuracies.len(), 2);
                let mean = trial.accuracies.iter().flatten().sum::<f64>() / 2.0;
                assert_eq!(trial.score, Some(mean));
            }
            // Whatever went on is at least as good as what did not.
            let score = |kept: bool| {
                rung.trials.iter().filter(move |t| t.kept == kept).filter_map(|t| t.score)
            };
            let worst = score(true).fold(f64::INFINITY, f64::min);
            assert!(score(false).all(|s| s <= worst), "{rung:?}");
        }
        assert!(m.chosen.is_some_and(|c| c.step > 0.001), "{m:?}");
    }
    assert_eq!(methods[1].chosen.and_then(|c| c.lambda), Some(0.02), "{:?}", methods[1]);
    assert_eq!(ran, 2 * (3 + 6 + 3 + 1 + 2 + 1 + 3));
    // The tuned experiment has them, and is as it was otherwise.
    let (tuned, _) = Experiment::parse(&tuned, "tuned.toml", &[]).expect("an experiment");
    let (before, _) = Experiment::parse(&text, "test.toml", &[]).expect("an experiment");
    assert_eq!(tuned.method[0].step, methods[0].chosen.map(|c| c.step));
    assert_eq!(tuned.method[3], before.method[3]);
    assert_eq!(tuned.data, before.data);
}

#[test]
fn a_search_repeats_nothing_and_does_not_depend_on_threads() {
    let data = fl_data::digits::load();
    let room = tempfile::tempdir().expect("a folder");
    let text = experiment(GRID);
    let (first, ran, _) = search(&text, &data, &room.path().join("a"), 1);
    assert!(ran > 0);
    let (again, ran, _) = search(&text, &data, &room.path().join("a"), 1);
    assert_eq!((&again, ran), (&first, 0));
    let (threads, _, _) = search(&text, &data, &room.path().join("b"), 3);
    assert_eq!(threads, first);
}

#[test]
fn divergence_is_worst_and_where_all_diverge_nothing_is_chosen() {
    let data = fl_data::digits::load();
    let room = tempfile::tempdir().expect("a folder");
    let text = edited(
        &experiment("step = [1e30, 0.01]\nmethods = [\"SGD\"]\nrungs = 2\nkeep-one-in = 2"),
        &[("[model.softmax]\nbias = true\n", "[model.least-squares]\nbias = true\n")],
    );
    let (methods, _, _) = search(&text, &data, &room.path().join("a"), 1);
    assert_eq!(methods[0].chosen, Some(Candidate { step: 0.01, lambda: None }));
    assert!(methods[0].at_edge);
    let [small, large] = &*methods[0].rungs[0].trials else { panic!("two candidates") };
    assert!(small.score.is_some() && small.kept);
    assert_eq!((large.score, large.kept, &*large.accuracies), (None, false, &[None, None][..]));

    let text = text.replace("[1e30, 0.01]", "[1e30, 1e31]");
    let (methods, _, tuned) = search(&text, &data, &room.path().join("b"), 1);
    assert_eq!((methods[0].chosen, methods[0].rungs.len()), (None, 1));
    assert_eq!(tuned, text);
}

#[test]
fn a_set_with_validation_rows_is_judged_by_them() {
    let mut data = fl_data::digits::load();
    data.split.validation = Some(data.split.test.clone());
    let (experiment, _) = Experiment::parse(SEVEN, "test.toml", &[]).expect("an experiment");
    let tuning = Tuning::new(&experiment, &data, &[]).expect("a search");
    assert_eq!(tuning.conditions(), (&[1000, 1001][..], EvaluateOn::Validation));
    let error = Tuning::new(&experiment, &data, &["Krumm".to_owned()]).unwrap_err();
    assert!(error.to_string().contains("no method is called \"Krumm\"; there are \"SGD\""));
}
