//! `fl-cli theory`, and the warnings of `fl-cli check`.

use crate::common::{Room, SMALL, edited};
use serde_json::Value;

#[test]
fn plain_numbers_give_the_constants_and_the_best_s() {
    let room = Room::with(SMALL);
    let said =
        room.run(&["theory", "--workers", "30", "--byzantine", "6", "--s", "2"]).expect(0, &[]);
    for line in
        ["| C_sα ", "6 |", "| d (Lemma 3) ", "0.4915 |", "0.4894 |", "0.5006 |", "17.6949 |"]
    {
        assert!(said.out.contains(line), "{line} is not in:\n{}", said.out);
    }
    let said = room
        .run(&["theory", "--workers", "30", "--byzantine", "3", "--s", "2", "--json"])
        .expect(0, &[]);
    let found: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(found["tolerable"], 7);
    assert_eq!(found["best_s"], 2);
    assert_eq!(found["steps"], Value::Array(Vec::new()));
    assert_eq!(found["theorem_1"], Value::Null);
}

#[test]
fn a_problem_brings_conditions_and_bounds() {
    let room = Room::with(SMALL);
    let mut args = vec!["theory", "--workers", "10", "--byzantine", "1", "--s", "2", "--json"];
    args.extend(["--mu", "1", "--smooth", "1", "--samples", "4", "--step", "0.005"]);
    args.extend(["--delta2", "0.1", "--sigma2", "1", "--initial", "50"]);
    let said = room.run(&args).expect(0, &[]);
    let found: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(found["theorem_1"]["holds"], true);
    assert_eq!(found["theorem_3"]["holds"], true);
    // Δ₂ = 5 · (9/19) · (8/3)² · 0.1
    let delta_2 = found["theorem_1"]["delta_2"].as_f64().expect("a number");
    assert!((delta_2 - 5.0 * 9.0 / 19.0 * 64.0 / 9.0 * 0.1).abs() < 1e-9, "{delta_2}");
    let steps = found["steps"].as_array().expect("a list");
    let met: Vec<_> = steps.iter().map(|s| s["met"].as_bool().expect("known")).collect();
    assert_eq!(met, [true, true, true, true, false, false], "{steps:?}");
}

#[test]
fn a_configuration_is_told_which_theorem_is_about_what() {
    let room = Room::with(SMALL);
    let said = room.run(&["theory", "small.toml"]).expect(0, &[]);
    for text in [
        "theorem 1",
        "Mean: no theorem is about it, its rule is mean",
        "RSA: no theorem is about it",
        "problem (1), seed 0: µ = 0.01",
        "no, not met: (44), (50)",
    ] {
        assert!(said.out.contains(text), "{text} is not in:\n{}", said.out);
    }
    let said = room.run(&["theory", "small.toml", "--json", "--points", "1"]).expect(0, &[]);
    let found: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(found["measured"]["points"], 2);
    assert_eq!(found["methods"][1]["numbers"]["theorem_1"]["holds"], false);
    assert_eq!(found["methods"][0]["numbers"], Value::Null);
}

#[test]
fn check_warns_before_a_run_and_does_not_fail() {
    let room = Room::with(SMALL);
    let note =
        "note: 2 settings of 2 methods beyond what is proven; `fl-cli theory small.toml` lists";
    let said = room.run(&["check", "small.toml"]).expect(0, &[note]);
    room.run(&["theory", "small.toml"]).expect(
        0,
        &[
            "warning: Proposed: step 0.5 is above Theorem 1's (60) = ",
            "warning: Mean: mean is not proven",
        ],
    );
    assert!(said.out.contains("3 methods × 1 seed ="), "{}", said.out);
    let room = Room::with(&edited(&[("byzantine.classes = [8]", "byzantine.classes = [7, 8, 9]")]));
    room.run(&["theory", "small.toml"]).expect(
        0,
        &["warning: Proposed: B = 3 Byzantine workers are not below W/2s = 2.5 (W = 10, s = 2)"],
    );
}

#[test]
fn what_makes_no_sense_is_told_with_its_numbers() {
    let room = Room::with(SMALL);
    room.run(&["theory"]).expect(2, &["--workers and --byzantine"]);
    room.run(&["theory", "--workers", "5", "--byzantine", "5"])
        .expect(2, &["B must be less than the 5 workers: somebody must be regular, got 5"]);
    room.run(&["theory", "--workers", "5", "--byzantine", "1", "--s", "0"])
        .expect(2, &["s must be between 1 and the 5 messages there are, got 0"]);
    room.run(&["theory", "--workers", "5", "--byzantine", "1", "--mu", "1"])
        .expect(2, &["--mu, --smooth and --samples belong together"]);
    // More than is tolerated is no mistake: the paper asks it itself.
    let said = room.run(&["theory", "--workers", "30", "--byzantine", "8"]).expect(0, &[]);
    assert!(said.out.contains("B = 8 is not below W/2s = 7.5"), "{}", said.out);
}
