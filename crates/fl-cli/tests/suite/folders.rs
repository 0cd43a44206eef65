//! `results` and `plot` of a folder of runs, without the experiment file: what differs tells runs apart.

use crate::common::{Room, SMALL, edited};
use serde_json::Value;

/// A run as Python's `rf.Federation` leaves it: its data and its batch are its program's own.
fn federation(room: &Room, method: &str, attack: &str, seed: u64, accuracy: f64) {
    let name = if attack.starts_with('{') { "alie" } else { attack.trim_matches('"') };
    let folder = format!("runs/mine/{method}~{name}~seed{seed}~{:012x}", seed + 1);
    let config = format!(
        r#"name = "mine"
seeds = [{seed}]
[federation]
workers = 10
knowledge = "omniscient"
attack = {attack}
byzantine = {{ workers = [8, 9] }}
[model.python]
source = "0123456789abcdef"
parameters = 5
precision = "float64"
start = "{seed:016x}"
[train]
[[method]]
name = "{method}"
rule = "{method}"
pre = []
"#
    );
    let line = |round: u64, last: &str| {
        format!(
            r#"{{"round":{round},"accuracy":{accuracy},"balanced_accuracy":null,"class_accuracy":[],"test_loss":0.5,"aggregate_error":0.25,"regular_spread":1.0,"byzantine_weight":null,"contaminated":null,"iterations":null,"relative_gap":null,"dropped":0{last}}}"#
        ) + "\n"
    };
    let timing = |round: u64| {
        format!(r#"{{"round":{round},"seconds":{round}.5,"evaluation_seconds":0.1}}"#) + "\n"
    };
    let done = format!(
        r#"{{"schema":1,"ending":"finished","rounds":20,"final_accuracy":{accuracy},"final_balanced_accuracy":null,"last_accuracy":{accuracy},"estimator_bytes":0,"version":"0.1.0","instruction_set":"","data":"python","data_digest":"","resources":{{"seconds":1.0,"evaluation_seconds":0.1,"rounds_per_second":20.0,"threads":0,"peak_memory":null}}}}"#
    );
    room.write(format!("{folder}/config.toml"), config);
    room.write(format!("{folder}/metrics.jsonl"), line(0, "") + &line(20, r#","last":true"#));
    room.write(format!("{folder}/timing.jsonl"), timing(0) + &timing(20));
    room.write(format!("{folder}/done.json"), done);
}

fn mine() -> Room {
    let room = Room::new();
    for seed in [0, 1] {
        for (method, good) in [("mean", 0.0), ("krum", 0.5)] {
            federation(&room, method, "\"sign-flipping\"", seed, good + 0.25);
            federation(&room, method, "{ alie = { z = 1.5 } }", seed, good + 0.125);
        }
    }
    room
}

fn numbers(out: &str) -> Vec<Value> {
    serde_json::from_str(out).expect("JSON")
}

#[test]
fn federations_in_python_have_results_and_pictures() {
    let room = mine();
    let said = room.run(&["results", "runs/mine", "--format", "json"]).expect(0, &[]);
    let found = numbers(&said.out);
    // Of each method under each attack two seeds, whose first models differ and tell nothing apart.
    assert_eq!(found.len(), 4, "{}", said.out);
    let of = |method: &str, attack: &str| {
        let is = |g: &&Value| g["keys"]["method"] == method && g["keys"]["attack"] == attack;
        found.iter().find(is).unwrap_or_else(|| panic!("{method} {attack}: {}", said.out))
    };
    assert_eq!(of("krum", "sign-flipping")["mean"], 0.75);
    assert_eq!(of("mean", "alie (z = 1.5)")["mean"], 0.125);
    assert_eq!(of("mean", "alie (z = 1.5)")["cells"], 2);
    let said =
        room.run(&["results", "runs/mine", "--by", "method", "--format", "json"]).expect(0, &[]);
    assert!(
        numbers(&said.out).iter().all(|g| g["worst_attack"] == "alie (z = 1.5)"),
        "{}",
        said.out
    );
    for flags in [&["--metric", "aggregate-error"][..], &["--heat"]] {
        let said = room.run(&[&["plot", "runs/mine"], flags].concat()).expect(0, &[]);
        assert!(said.out.contains("runs/mine/") && said.out.contains(".svg"), "{}", said.out);
    }
    // One run of it.
    let one = "runs/mine/krum~alie~seed1~000000000002";
    let said = room.run(&["plot", one, "--x", "seconds", "--figure", "one"]).expect(0, &[]);
    assert!(said.out.contains("one.csv"), "{}", said.out);
    assert!(!room.read("one.svg").contains("SHA-256"), "there is no data to name");
    let said = room.run(&["results", one]).expect(0, &[]);
    assert!(said.out.contains("0.6250") && !said.out.contains("0.7500"), "{}", said.out);
}

#[test]
fn a_folder_says_what_its_file_does() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let by_file = room.run(&["results", "small.toml"]).expect(0, &[]);
    let by_folder = room.run(&["results", "runs/small"]).expect(0, &[]);
    assert_eq!(by_file.out, by_folder.out);
    // What was changed since tells runs apart.
    room.write("small.toml", edited(&[("step = 0.5", "step = 0.25")]));
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let said =
        room.run(&["results", "runs/small", "--by", "step", "--format", "json"]).expect(0, &[]);
    let steps: Vec<String> =
        numbers(&said.out).iter().map(|g| g["keys"]["step"].to_string()).collect();
    assert_eq!(steps, ["\"0.25\"", "\"0.5\""]);
}

#[test]
fn what_is_no_folder_of_runs_is_told() {
    let room = mine();
    room.write("empty/a.txt", "");
    room.run(&["results", "empty"]).expect(1, &["empty holds no runs", "METHOD~ATTACK~seedK~HASH"]);
    room.run(&["plot", "runs/mine", "--set", "rounds=3"]).expect(2, &["is a folder of runs"]);
    room.write("runs/mine/other~none~seed0~000000000009/config.toml", "rounds = 3");
    room.run(&["results", "runs/mine"]).expect(1, &["config.toml is damaged"]);
    let config = "runs/mine/krum~alie~seed1~000000000002/config.toml";
    let text = room.read(config);
    room.write("runs/mine/other~none~seed0~000000000009/config.toml", text);
    room.run(&["results", "runs/mine"])
        .expect(1, &["its run belongs in a folder called krum~alie~seed1~000000000009"]);
}
