//! Runs that are killed at any moment, or asked to end: the same command goes on with them, to the same bytes.
#![cfg(unix)]

mod common;

use common::{Room, edited};
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

fn spawn(room: &Room, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fl-cli"))
        .args(arguments)
        .current_dir(room.path(""))
        .env("HOME", room.path("home"))
        .env("XDG_CACHE_HOME", room.path("cache"))
        .env("FL_DATA_DIR", room.path("data"))
        .stdout(Stdio::null())
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
fn a_signal_saves_the_state_and_ends_with_its_code() {
    let whole = busy();
    whole.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let whole = results(&whole);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let room = busy();
        let child = spawn(&room, &["run", "small.toml", "--quiet", "--jobs", "1"]);
        // Not before there is something to save.
        let begin = Instant::now();
        while room.contents(&[]).iter().filter(|n| n.ends_with("metrics.jsonl")).count() < 1 {
            assert!(begin.elapsed() < Duration::from_secs(60), "the run does not begin");
            std::thread::sleep(Duration::from_millis(2));
        }
        let id = child.id().to_string();
        Command::new("kill").args(["-s", signal, &id]).status().expect("kill runs");
        let status = child.wait_with_output().expect("it ends").status;
        assert_eq!((status.code(), status.signal()), (Some(code), None), "SIG{signal}");
        assert!(room.contents(&[]).iter().any(|n| n.ends_with("checkpoint.safetensors")));
        room.run(&["run", "small.toml"]).expect(0, &["goes on from round"]);
        assert!(results(&room) == whole);
    }
}
