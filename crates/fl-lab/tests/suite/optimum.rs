//! x* of problem (1): Byzantine workers' data play no part, and it is searched once.

use crate::common::{SEVEN, edited, host};
use fl_core::{Local, Workspace};
use fl_data::npy;
use fl_lab::{Event, Experiment, Options, Outcome, assign, cells, setup};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Two methods on the digits, with unequal workers, and x*.
fn experiment() -> String {
    edited(
        SEVEN,
        &[
            ("rounds = 24\n", "rounds = 16\n"),
            ("seeds = [0, 1]\n", "seeds = [3]\n"),
            (
                "partition.by-class = { workers-per-class = 3 }",
                "partition.dirichlet = { alpha = 1.0 }",
            ),
            ("byzantine.classes = [8, 9]", "byzantine.workers = [0, 7, 20]"),
            ("worker = 0 }", "worker = 1 }"),
            ("[data]\n", "[telemetry]\noptimum = true\n\n[data]\n"),
        ],
    )
    .split("[[method]]\nname = \"RS-Byrd-SGD\"")
    .next()
    .expect("its beginning")
    .to_owned()
}

/// Runs it, and gives what was said before rounds began.
fn run(text: &str, out: &Path, optima: &Path, threads: usize) -> (Vec<Outcome>, Vec<String>) {
    let (experiment, source) = Experiment::parse(text, "test.toml", &[]).expect("an experiment");
    let data = fl_data::digits::load();
    let said = Mutex::new(Vec::new());
    let options = Options { optima, jobs: threads, ..Options::new(out, threads) };
    let watch = |event: Event<'_>| {
        if let Event::Preparing { what, lasting: true, .. } = event {
            said.lock().expect("no panic").push(what.to_owned());
        }
    };
    let outcomes = fl_lab::run_experiment(&experiment, &source, &data, options, host(), &watch)
        .unwrap_or_else(|e| panic!("{e}"));
    (outcomes, said.into_inner().expect("no panic"))
}

fn only_file(folder: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0).expect("an entry").path()
}

#[test]
fn the_gradient_over_regular_workers_vanishes_there_and_byzantine_data_play_no_part() {
    let room = tempfile::tempdir().expect("a folder");
    let optima = room.path().join("optima");
    let text = experiment();
    let (outcomes, said) = run(&text, &room.path().join("runs"), &optima, 1);
    assert_eq!(said.len(), 1, "both methods share it: {said:?}");
    let bytes = std::fs::read(only_file(&optima)).expect("x*");
    let x = npy::parse(&bytes).expect("an array").to_f64();

    // The local gradients, by the way that workers take.
    let (experiment, source) = Experiment::parse(&text, "test.toml", &[]).expect("an experiment");
    let data = fl_data::digits::load();
    let cell = &cells(&experiment)[0];
    let assignment = assign(cell, &data, &source).expect("digits");
    let setup = setup::<f64>(cell, &data, &assignment, &source).expect("a setup");
    let average = |workers: &[u32]| {
        let mut work = Workspace::new(&*setup.objective, setup.train, 32);
        let mut sum = vec![0.0; x.len()];
        let mut gradient = vec![0.0; x.len()];
        for &w in workers {
            let worker = w as usize;
            let samples = setup.samples[worker];
            let (objective, data) = (&*setup.objective, setup.train);
            let local = Local { worker, workers: 30, objective, data, samples };
            local.gradient(&x, &mut gradient, &mut work);
            sum.iter_mut().zip(&gradient).for_each(|(s, g)| *s += g / workers.len() as f64);
        }
        norm(&sum)
    };
    let regular = setup.federation.regular();
    assert_eq!(regular.len(), 27);
    let sizes: Vec<usize> = setup.samples.iter().map(|s| s.len()).collect();
    assert!(sizes.iter().any(|&s| s != sizes[0]), "an average over workers, not over samples");
    assert!(average(regular) <= 1.001e-8, "{}", average(regular));
    let all: Vec<u32> = (0..30).collect();
    assert!(average(&all) > 1e-4, "{}", average(&all));

    // What is measured is the distance to it; x⁰ = 0.
    for outcome in &outcomes {
        let distances: Vec<f64> =
            outcome.metrics.iter().filter_map(|m| m.squared_distance_to_optimum).collect();
        assert_eq!(distances.len(), outcome.metrics.len());
        let start = x.iter().map(|x| x * x).sum::<f64>();
        assert!((distances[0] - start).abs() <= 1e-12 * start, "{} and {start}", distances[0]);
        assert!(distances.last() < distances.first(), "{distances:?}");
    }
}

#[test]
fn it_is_searched_once_and_kept_by_whatever_threads_find_it() {
    let room = tempfile::tempdir().expect("a folder");
    let optima = room.path().join("optima");
    let text = experiment();
    let (first, said) = run(&text, &room.path().join("a"), &optima, 1);
    assert!(said[0].starts_with("found x*: gradient norm "), "{said:?}");
    let path = only_file(&optima);
    let bytes = std::fs::read(&path).expect("x*");
    // Another experiment with the same problem.
    let other = text.replace("step = 0.5", "step = 0.25");
    let (_, said) = run(&other, &room.path().join("b"), &optima, 1);
    assert_eq!(said, [""; 0]);
    // With other Byzantine workers it is another problem.
    let others = text.replace("workers = [0, 7, 20]", "workers = [0, 7, 21]");
    run(&others, &room.path().join("c"), &room.path().join("more"), 1);
    assert_ne!(only_file(&room.path().join("more")).file_name(), path.file_name());
    let (third, _) = run(&text, &room.path().join("d"), &room.path().join("again"), 3);
    assert_eq!(std::fs::read(only_file(&room.path().join("again"))).expect("x*"), bytes);
    assert_eq!(first[1].metrics, third[1].metrics);
}

#[test]
fn a_damaged_file_is_told_of_and_replaced() {
    let room = tempfile::tempdir().expect("a folder");
    let optima = room.path().join("optima");
    run(&experiment(), &room.path().join("a"), &optima, 1);
    let path = only_file(&optima);
    let good = std::fs::read(&path).expect("x*");
    let mut bit = good.clone();
    bit[200 * 8 + 6] ^= 8;
    for (i, (damage, says)) in [
        (&good[..good.len() - 1], "is no x* ("),
        (&bit, "is no x* (gradient norm "),
        (&npy::write(&[0.0f64; 3]), "expected 650 numbers, found shape [3]"),
        (&b"nothing of the kind"[..], "is no x* ("),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(&path, damage).expect("a file");
        let (_, said) = run(&experiment(), &room.path().join(i.to_string()), &optima, 1);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains(says), "{said:?}");
        assert_eq!(std::fs::read(&path).expect("x*"), good);
    }
}
