//! Runs that are killed at any moment, or asked to end: the same command goes on with them, to the same bytes.
#![cfg(unix)]

use crate::common::{Room, SMALL, edited};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// An experiment that writes a line and a checkpoint every round.
fn busy() -> Room {
    let every = "evaluate-every = 1\nfull-pass-every = 0\n\n[checkpoint]\nrounds = 1\n";
    Room::with(&edited(&[
        ("rounds = 20\n", "rounds = 40\n"),
        ("evaluate-every = 10\nfull-pass-every = 0\n", every),
    ]))
}

pub(crate) fn spawn(room: &Room, arguments: &[&str]) -> Child {
    spawn_to(Stdio::null(), room, arguments)
}

fn spawn_to(output: Stdio, room: &Room, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fl-cli"))
        .args(arguments)
        .current_dir(room.path(""))
        .env("HOME", room.path("home"))
        .env("XDG_CACHE_HOME", room.path("cache"))
        .env("FL_DATA_DIR", room.path("data"))
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs")
}

/// The bytes of all that no interruption may change.
fn results(room: &Room) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in room.contents(&[]) {
        if name.ends_with("/metrics.jsonl") || name.ends_with("/checkpoint.safetensors") {
            files.insert(name.clone(), fs::read(room.path(&name)).expect("a file"));
        }
        assert!(!name.ends_with(".part") && !name.contains("previous"), "{name} is left");
    }
    files
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_to_the_same_bytes() {
    let whole = busy();
    let begin = Instant::now();
    whole.run(&["run", "small.toml", "--quiet", "--jobs", "2"]).expect(0, &[]);
    let time = begin.elapsed();
    let whole = results(&whole);
    assert_eq!(whole.len(), 6);
    let room = busy();
    for moment in [0.15, 0.5, 0.3, 0.7, 0.4] {
        let mut child = spawn(&room, &["run", "small.toml", "--quiet", "--jobs", "2"]);
        std::thread::sleep(time.mul_f64(moment));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    assert!(results(&room) == whole);
}

#[test]
fn a_sweep_that_is_killed_goes_on_to_the_same_bytes_and_runs_no_finished_cell_again() {
    let sweep =
        "\n[sweep]\ntrain.step = [0.5, 0.25]\nfederation.attack = [\"none\", { gaussian = {} }]\n";
    let every = "evaluate-every = 2\nfull-pass-every = 0\n\n[checkpoint]\nrounds = 3\n";
    let text =
        format!("{SMALL}{sweep}").replace("evaluate-every = 10\nfull-pass-every = 0\n", every);
    let whole = Room::with(&text);
    let begin = Instant::now();
    whole.run(&["sweep", "run", "small.toml", "--quiet", "--jobs", "2"]).expect(0, &[]);
    let time = begin.elapsed();
    let room = Room::with(&text);
    for moment in [0.5, 0.4] {
        let mut child = spawn(&room, &["sweep", "run", "small.toml", "--quiet", "--jobs", "2"]);
        std::thread::sleep(time.mul_f64(moment));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    let done = |room: &Room| -> BTreeMap<String, String> {
        let names = room.contents(&[]).into_iter().filter(|n| n.ends_with("done.json"));
        names.map(|name| (name.clone(), room.read(&name))).collect()
    };
    // What is finished is read, and not one byte of it written again: its times would differ.
    let finished = done(&room);
    let said = room.run(&["sweep", "run", "small.toml", "--json", "--jobs", "2"]).expect(0, &[]);
    let found = said.out.matches("\"found\":true").count();
    let ran = said.out.matches("\"found\":false").count();
    assert_eq!((found, found + ran), (finished.len(), 10), "{}", said.out);
    let now = done(&room);
    assert!(finished.iter().all(|(name, text)| now.get(name) == Some(text)));
    assert_eq!(now.len(), 10);
    assert!(results(&room) == results(&whole));
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    // Rounds so long that the first signal, after which a round is finished, does not end it.
    let long = [("step = 0.5\n", "step = 0.01\n"), ("batch = 8\n", "batch = 100\n")];
    let text = edited(&long).replace(
        "estimator = \"sgd\"\n",
        "estimator = \"sgd\"\nlocal-steps = { steps = 100000, step = 0.000001 }\n",
    );
    let text = text.split("[[method]]").take(2).collect::<Vec<_>>().join("[[method]]");
    let room = Room::with(&text);
    let mut child = spawn(&room, &["run", "small.toml", "--quiet"]);
    let begin = Instant::now();
    let signal = |child: &Child| {
        let id = child.id().to_string();
        Command::new("kill").args(["-s", "INT", &id]).status().expect("kill runs");
    };
    // A cell's files are opened after signals are caught.
    while !room.contents(&[]).iter().any(|n| n.ends_with("metrics.jsonl")) {
        assert!(begin.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    signal(&child);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("a state").is_none(), "the first signal waits for the round");
    signal(&child);
    let second = Instant::now();
    let status = child.wait().expect("it ends");
    assert!(second.elapsed() < Duration::from_secs(5), "{:?}", second.elapsed());
    assert_eq!((status.code(), status.signal()), (Some(130), None));
    assert!(!room.contents(&[]).iter().any(|n| n.ends_with("done.json")));
}

#[test]
fn the_first_signal_leaves_a_round_that_takes_too_long() {
    let text = edited(&[]).replace(
        "estimator = \"sgd\"\n",
        "estimator = \"sgd\"\nlocal-steps = { steps = 1000000000, step = 0.000001 }\n",
    );
    let text = text.split("[[method]]").take(2).collect::<Vec<_>>().join("[[method]]");
    let room = Room::with(&text);
    let mut child = spawn(&room, &["run", "small.toml", "--quiet"]);
    let begin = Instant::now();
    while !room.contents(&[]).iter().any(|n| n.ends_with("metrics.jsonl")) {
        assert!(begin.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = child.id().to_string();
    Command::new("kill").args(["-s", "INT", &id]).status().expect("kill runs");
    let asked = Instant::now();
    let status = child.wait().expect("it ends");
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    assert_eq!((status.code(), status.signal()), (Some(130), None));
    // A plan tries no round for longer than its trials may take.
    let said = room.run(&["sweep", "plan", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("1 cells of which nothing is known"), "{}", said.out);
}

#[test]
fn a_signal_saves_the_state_and_ends_with_its_code() {
    let whole = busy();
    whole.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let whole = results(&whole);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let room = busy();
        let child =
            spawn_to(Stdio::piped(), &room, &["run", "small.toml", "--json", "--jobs", "1"]);
        // Not before there is something to save.
        let begin = Instant::now();
        while room.contents(&[]).iter().filter(|n| n.ends_with("metrics.jsonl")).count() < 1 {
            assert!(begin.elapsed() < Duration::from_secs(60), "the run does not begin");
            std::thread::sleep(Duration::from_millis(2));
        }
        let id = child.id().to_string();
        Command::new("kill").args(["-s", signal, &id]).status().expect("kill runs");
        let ended = child.wait_with_output().expect("it ends");
        let status = ended.status;
        assert_eq!((status.code(), status.signal()), (Some(code), None), "SIG{signal}");
        // What was stopped has not failed.
        let said = String::from_utf8(ended.stdout).expect("text");
        let last = said.lines().last().expect("a line");
        let last: serde_json::Value = serde_json::from_str(last).expect("an object a line");
        let count = |key: &str| last[key].as_u64().expect("a count");
        assert_eq!((count("failed"), count("run") + count("stopped")), (0, 3), "{last}");
        assert!(count("stopped") > 0, "{last}");
        assert!(room.contents(&[]).iter().any(|n| n.ends_with("checkpoint.safetensors")));
        room.run(&["run", "small.toml"]).expect(0, &["goes on from round"]);
        assert!(results(&room) == whole);
    }
}
