//! The search for a defence: repeated, killed, on any number of jobs, cut off by a budget, and with mistakes.

use crate::common::{Room, SMALL};
use std::collections::BTreeMap;
use std::fs;

const SEARCH: &str = r#"
[defend]
estimators = ["sgd"]
momentum = [0.0]
chains = [[], ["nnm"]]
rules = ["geometric-median", "trimmed-mean", "mda"]
step = [0.2, 1.0]
attacks = ["sign-flipping", "ipm", "none"]
held-out = ["zero"]
seeds = [1000]
finalists = 2
rungs = 2
keep-one-in = 2
"#;

fn room() -> Room {
    Room::with(&format!("{SMALL}{SEARCH}"))
}

const ARGUMENTS: [&str; 4] = ["defend", "small.toml", "--budget", "none"];

fn search(room: &Room, more: &[&str]) -> String {
    room.run(&[&ARGUMENTS, more].concat()).expect(0, &[]).out
}

/// What a search writes, times apart.
fn files(room: &Room) -> Vec<String> {
    ["toml", "json", "md"].iter().map(|e| room.read(format!("small.defended.{e}"))).collect()
}

fn done(room: &Room) -> BTreeMap<String, Vec<u8>> {
    let names = room.contents(&[]).into_iter().filter(|n| n.ends_with("done.json"));
    names.map(|name| (name.clone(), fs::read(room.path(&name)).expect("a file"))).collect()
}

#[test]
fn a_defence_is_found_once_and_jobs_do_not_matter() {
    let room = room();
    let out = search(&room, &["--jobs", "1"]);
    assert!(out.contains("not proven") || out.contains(" of 10"), "{out}");
    let evidence: serde_json::Value = serde_json::from_str(&files(&room)[1]).expect("JSON");
    let board = evidence["leaderboard"].as_array().expect("a list");
    assert_eq!(board.len(), 2);
    let winner = evidence["winner"].as_str().expect("a name");
    assert!(board.iter().any(|row| row["pipeline"] == winner), "{evidence}");
    for row in board {
        let held_out = |met: &&serde_json::Value| met["held_out"] == true;
        let met = row["met"].as_array().expect("a list");
        assert_eq!((met.len(), met.iter().filter(held_out).count()), (4, 1));
        let least = |held_out: bool| {
            let of = met.iter().filter(|m| m["held_out"] == held_out);
            let means = of.map(|m| m["accuracies"][0].as_f64().expect("one seed"));
            means.fold(f64::INFINITY, f64::min)
        };
        assert_eq!(row["worst"]["accuracy"]["mean"].as_f64(), Some(least(false)));
        assert_eq!(row["held_out"]["accuracy"]["mean"].as_f64(), Some(least(true)));
    }
    // RSA has no rule, and the file's two other methods are pipelines.
    let untried = evidence["untried"].to_string();
    assert!(untried.contains("RSA") && untried.contains("krum"), "{untried}");
    let rungs = evidence["rungs"].as_array().expect("a list");
    assert_eq!(rungs.len(), 2);
    assert_eq!(rungs[0]["tried"].as_array().expect("a list").len(), 2 * (6 + 2));
    // The winner is an experiment that runs.
    let tuned = room.read("small.defended.toml");
    assert!(tuned.contains(winner) && !tuned.contains("[defend]"), "{tuned}");
    room.run(&["check", "small.defended.toml"]).expect(0, &[]);
    // Again: nothing is run, and nothing changes.
    let (before, runs) = (files(&room), done(&room));
    search(&room, &[]);
    assert!(files(&room) == before && done(&room) == runs);
    let other = self::room();
    search(&other, &["--jobs", "3"]);
    assert_eq!(files(&other), before);
}

#[cfg(unix)]
#[test]
fn a_search_that_is_killed_goes_on_to_the_same_bytes() {
    use crate::signals::spawn;
    use std::time::Instant;
    let whole = room();
    let begin = Instant::now();
    search(&whole, &["--quiet"]);
    let time = begin.elapsed();
    let room = room();
    for moment in [0.3, 0.5, 0.4] {
        let mut child = spawn(&room, &ARGUMENTS);
        std::thread::sleep(time.mul_f64(moment));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    search(&room, &["--quiet"]);
    assert_eq!(files(&room), files(&whole));
}

#[test]
fn a_budget_ends_a_search_where_it_ends_again_and_a_larger_one_goes_on() {
    let room = room();
    let with = |budget: &str| {
        room.run(&["defend", "small.toml", "--budget", budget, "--jobs", "1"]).expect(0, &[])
    };
    let said = with("0.001s");
    assert!(said.err.contains("a larger --budget goes on"), "{}", said.err);
    let cut = files(&room);
    assert!(cut[1].contains("\"ended_after_batches\": 1"), "{}", cut[1]);
    with("0.001s");
    assert_eq!(files(&room), cut);
    let said = with("none");
    assert!(!said.err.contains("a larger --budget"), "{}", said.err);
    let other = self::room();
    search(&other, &[]);
    assert_eq!(files(&room), files(&other));
}

#[test]
fn flags_choose_attacks_and_pipelines() {
    let room = room();
    let flags = ["--attacks", "ipm:epsilon=0.3", "--attacks", "zero", "--pipelines", "nnm + mda"];
    search(&room, &flags);
    let evidence = &files(&room)[1];
    assert!(evidence.contains("\"winner\": \"sgd + nnm + mda\""), "{evidence}");
    assert!(evidence.contains("ipm (epsilon 0.3)"), "{evidence}");
    assert!(evidence.contains("held out, although the search has it"), "{evidence}");
}

#[test]
fn mistakes_are_told_before_anything_runs() {
    for (edit, words) in [
        (("seeds = [1000]", "seeds = [0]"), "is one of the file's seeds"),
        (("\"mda\"", "\"mdaa\""), "did you mean `mda`?"),
        (("step = [0.2, 1.0]\na", "step = [-1.0]\na"), "a step must be a positive number, got -1"),
        (("momentum = [0.0]", "momentum = [1.0]"), "at least 0 and below 1, got 1"),
        (("finalists = 2", "finalists = 0"), "finalists must be at least one"),
        (
            ("attacks = [\"sign-flipping\", \"ipm\", \"none\"]", "attacks = []"),
            "attacks must be at least one",
        ),
        (("byzantine.classes = [8]\n", ""), "needs Byzantine workers, got none"),
        (("keep-one-in = 2", "keep-one-in = 2\nkeep = 1"), "unknown key `keep`"),
        (("keep-one-in = 2", "keep-one-in = 2\n[sweep]\ntrain.batch = [4, 8]"), "one federation"),
    ] {
        let text = format!("{SMALL}{SEARCH}");
        assert!(text.contains(edit.0), "{edit:?}");
        let room = Room::with(&text.replacen(edit.0, edit.1, 1));
        room.run(&ARGUMENTS).expect(2, &[words]);
        assert!(!room.path("runs").exists(), "{edit:?}");
    }
    let room = room();
    room.run(&["defend", "small.toml", "--budget", "10"]).expect(2, &["such as 90s, 10m or 2h"]);
    room.run(&["defend", "small.toml", "--pipelines", "x"]).expect(2, &["no pipeline is left"]);
    room.run(&["defend", "small.toml", "--attacks", "ipmm"]).expect(2, &["did you mean `ipm`?"]);
}
