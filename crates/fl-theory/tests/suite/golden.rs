//! Numbers computed elsewhere: golden/paper_ops.json, from which the cases are copied with their source.

use fl_theory::{Setting, algorithm_1, figures::figure_2};
use serde_json::Value;

fn cases(op: &str) -> Vec<Value> {
    let text = include_str!("golden/paper_ops.json");
    let all: Vec<Value> = serde_json::from_str(text).expect("golden cases are JSON");
    all.into_iter().filter(|case| case["op"] == op).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

#[test]
fn the_exact_law_of_algorithm_1_agrees_with_an_independent_dynamic_programme() {
    let cases = cases("paper.resample_variance_factor");
    assert!(cases.len() >= 3);
    for case in cases {
        let workers = case["params"]["W"].as_u64().expect("W") as usize;
        let s = case["params"]["s"].as_u64().expect("s") as usize;
        let setting = Setting::new(workers, 0, s).expect("sound");
        let law = algorithm_1(&setting).expect("small");
        for (w, (ours, theirs)) in law.factor.iter().zip(numbers(&case["output"])).enumerate() {
            assert!((ours - theirs).abs() < 1e-12, "W = {workers}, output {w}: {ours} {theirs}");
        }
        let mean = case["mean_factor"].as_f64().expect("a number");
        assert!((law.mean() - mean).abs() < 1e-12);
        assert!((setting.d() - case["lemma3_d"].as_f64().expect("a number")).abs() < 1e-15);
        assert!(law.mean() > setting.d(), "Lemma 3's d is not met by the printed algorithm");
    }
}

#[test]
fn figure_2_agrees_with_a_search_over_integers() {
    let example = figure_2();
    for case in cases("paper.fig2") {
        for (key, ours) in [
            ("variation_all", example.all_before),
            ("variation_resampled", example.all_after),
            ("variation_true", example.true_before),
            ("variation_uncontaminated", example.true_after),
        ] {
            let theirs = case[key].as_f64().expect("a number");
            assert!((ours - theirs).abs() < 1e-9, "{key}: {ours} {theirs}");
        }
        // The recorded case is the reflection x → 8 − x.
        let mirrored: Vec<f64> = numbers(&case["input"]).iter().map(|x| 8.0 - x).collect();
        for message in example.messages {
            assert!(mirrored.contains(&message), "{message} {mirrored:?}");
        }
    }
}
