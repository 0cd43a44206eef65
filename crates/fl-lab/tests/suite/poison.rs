//! Byzantine workers that learn the wrong thing.

use fl_lab::{AssignedData, Experiment, assign, cells, setup};
use fl_sim::{Setup, Simulation};

const FILE: &str = r#"
name = "poison"
rounds = 120
seeds = [3]

[data]
set = "digits"
partition = "iid"

[federation]
workers = 10
byzantine.workers = [1, 4, 8]
POISON

[model.softmax]
l2 = 0.01

[train]
batch = 16
step = 0.5

[[method]]
name = "Method"
rule = "mean"
"#;

/// Messages of the first round, and the parameters after the last.
fn run(poison: &str) -> (Vec<Vec<f32>>, Vec<f32>) {
    let text = FILE.replace("POISON", poison);
    let (experiment, source) = Experiment::parse(&text, "poison.toml", &[]).expect("valid");
    let data = fl_data::digits::load();
    let cell = &cells(&experiment)[0];
    let assignment = assign(cell, &data, &source).expect("dealt");
    let mut simulation =
        Simulation::<f32>::new(setup(cell, &data, &assignment, &source).expect("a setup"))
            .expect("valid");
    let mut first = Vec::new();
    simulation
        .run(experiment.rounds, |seen, _| {
            if seen.round == 0 {
                first = (0..10).map(|w| seen.messages.row(w).to_vec()).collect();
            }
            Ok(())
        })
        .expect("a run");
    (first, simulation.params().to_vec())
}

#[test]
fn a_poison_changes_byzantine_messages_and_no_others() {
    let (clean, _) = run("");
    for poison in [
        "poison = \"label-flip\"",
        "poison.label-flip = { labels = \"random\" }",
        "poison.label-flip = { labels = \"least-likely\" }",
        "poison.feature-noise = { spread = { std = 0.5 } }",
        "poison.backdoor = { target = 7 }",
        "poison = \"duplicate-samples\"",
    ] {
        let (poisoned, _) = run(poison);
        for w in 0..10 {
            let byzantine = [1, 4, 8].contains(&w);
            assert_eq!(clean[w] == poisoned[w], !byzantine, "{poison}: worker {w}");
        }
    }
}

#[test]
fn flipped_labels_turn_the_gradient_of_zero_parameters_into_that_of_the_flipped_classes() {
    // At x = 0 all classes are equally likely, so a sample's gradient depends on its label alone: the blocks of classes
    // c and 9 − c change places.
    let (clean, _) = run("");
    let (flipped, _) = run("poison = \"label-flip\"");
    let block = clean[1].len() / 10 - 1;
    for (a, b) in (0..10).map(|c| (c, 9 - c)) {
        let (a, b) = (&clean[1][a * block..][..block], &flipped[1][b * block..][..block]);
        let far = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-6, "{far}");
    }
}

#[test]
fn the_backdoor_opens_only_where_it_was_planted() {
    let data = fl_data::digits::load();
    let success = |poison: &str, door: &str| {
        let (_, params) = run(poison);
        let text = FILE.replace("POISON", door);
        let (experiment, source) = Experiment::parse(&text, "poison.toml", &[]).expect("valid");
        let cell = &cells(&experiment)[0];
        let assignment = assign(cell, &data, &source).expect("dealt");
        let setup: Setup<'_, f32> = setup(cell, &data, &assignment, &source).expect("a setup");
        let Some(AssignedData::Changed { triggered: Some(test), .. }) = &assignment.byzantine_data
        else {
            panic!("no backdoor")
        };
        fl_sim::Evaluator::new(&*setup.objective, test)
            .evaluate(&*setup.objective, &params, 0)
            .accuracy
    };
    let door = "poison.backdoor = { target = 7, size = 2 }";
    let (planted, not) = (success(door, door), success("", door));
    assert!(planted > 0.5 && not < 0.2, "{planted} {not}");
}
