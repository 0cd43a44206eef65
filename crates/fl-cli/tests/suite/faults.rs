//! Disks that are full, folders that cannot be written to, files that were changed: told in words, and nothing is lost.
#![cfg(unix)]

use crate::common::{Room, SMALL, edited};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// A line and a checkpoint every round.
fn busy() -> Room {
    let every = "evaluate-every = 1\nfull-pass-every = 0\n\n[checkpoint]\nrounds = 1\n";
    Room::with(&edited(&[("evaluate-every = 10\nfull-pass-every = 0\n", every)]))
}

/// The bytes of all results in a room.
fn results(room: &Room) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in room.contents(&[]) {
        if name.ends_with("/metrics.jsonl") || name.ends_with("/checkpoint.safetensors") {
            files.insert(name.clone(), fs::read(room.path(&name)).expect("a file"));
        }
        assert!(!name.ends_with(".part"), "{name} is left");
    }
    files
}

/// What a shell said to a script, in which `$FL` is the program.
fn shell(room: &Room, mut command: Command) -> (i32, String) {
    let output = command
        .current_dir(room.path(""))
        .env("FL", env!("CARGO_BIN_EXE_fl-cli"))
        .env("HOME", room.path("home"))
        .env("XDG_CACHE_HOME", room.path("cache"))
        .env("FL_DATA_DIR", room.path("data"))
        .output()
        .expect("a shell");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn files_that_may_not_grow_fail_in_words_and_the_run_goes_on_to_the_same_bytes() {
    let whole = busy();
    whole.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let whole = results(&whole);
    // Blocks of 512 bytes: lines no longer fit, and checkpoints that are longer than lines.
    for (blocks, file) in [(8, "metrics.jsonl"), (2, "checkpoint.safetensors")] {
        let room = busy();
        // A signal would otherwise end the program: a full disk sends none.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$FL\" run small.toml");
        let mut sh = Command::new("sh");
        sh.args(["-c", &script]);
        let (code, said) = shell(&room, sh);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("cannot write ") && said.contains("File too large"), "{said}");
        assert!(said.contains(file), "{said}");
        let status = room.run(&["sweep", "status", "small.toml"]).expect(0, &[]);
        assert!(status.out.contains("cannot write"), "{}", status.out);
        room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
        assert!(results(&room) == whole, "{file}");
    }
}

#[test]
fn a_full_disk_keeps_what_is_finished_and_the_run_goes_on_when_there_is_room() {
    let whole = busy();
    whole.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let whole = results(&whole);
    let room = busy();
    // A disk of its own for the runs, first too small, then larger; it is gone with the shell.
    let script = r#"set -eu
        mkdir runs
        mount -t tmpfs -o size=64k tmpfs runs || exit 77
        "$FL" run small.toml --jobs 1 && exit 1
        mkdir seen; ls runs/small/*/done.json >seen/first 2>&1 || true
        mount -o remount,size=100m runs
        "$FL" run small.toml --quiet
        mount -o remount,ro runs
        "$FL" results small.toml >seen/table
        "$FL" run small.toml --fresh && exit 1
        cp -r runs kept; umount runs; rmdir runs; mv kept runs"#;
    let mut unshare = Command::new("unshare");
    unshare.args(["-rm", "sh", "-c", script]);
    if Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|s| s.success()) {
        let (code, said) = shell(&room, unshare);
        if code != 77 {
            assert_eq!(code, 0, "{said}");
            assert!(said.contains("No space left on device"), "{said}");
            assert!(said.contains("Read-only file system"), "{said}");
            assert!(said.contains("cannot write") && !said.contains("panicked"), "{said}");
            assert!(room.read("seen/table").contains("Proposed"));
            assert!(results(&room) == whole);
            return;
        }
    }
    println!("skipped: this system does not let a test mount a disk of its own");
}

#[test]
fn a_place_that_is_no_folder_or_may_not_be_written_to_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let room = busy();
    room.write("runs", "a file");
    let says = &["cannot make the folder", "runs/small"];
    room.run(&["run", "small.toml"]).expect(1, says);
    let locked = room.path("locked");
    fs::create_dir(&locked).expect("a folder");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).expect("it is ours");
    if fs::write(locked.join("probe"), "").is_ok() {
        println!("skipped in part: permissions do not count for this user");
    } else {
        let says = &["cannot make the folder", "locked/small", "Permission denied"];
        room.run(&["run", "small.toml", "--out", "locked"]).expect(1, says);
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

#[test]
fn a_file_that_was_edited_is_told_from_what_it_was_and_its_results_stay() {
    let room = Room::with(SMALL);
    let first = room.run(&["run", "small.toml"]).expect(0, &[]);
    assert!(!first.err.contains("of other settings"), "{}", first.err);
    let before = results(&room);
    room.write("small.toml", edited(&[("step = 0.5", "step = 0.25"), ("{ s = 2 }", "{ s = 3 }")]));
    let check = room.run(&["check", "small.toml"]).expect(0, &[]);
    let run = room.run(&["run", "small.toml"]).expect(0, &[]);
    for said in [&check.out, &run.err] {
        for text in [
            "Mean seed 0: not what is in runs/small/Mean~sample-duplicating~seed0~",
            ", of other settings, which stays as it is: step is 0.25, was 0.5\n",
            ": pre.0.resample.s is 3, was 2; step is 0.25, was 0.5\n",
        ] {
            assert!(said.contains(text), "{text:?} is not in:\n{said}");
        }
        // RSA has a step of its own.
        assert_eq!(said.matches("of other settings").count(), 2, "{said}");
    }
    assert!(run.err.contains("(finished before)"), "{}", run.err);
    let now = results(&room);
    assert!(before.iter().all(|(name, bytes)| now.get(name) == Some(bytes)));
    // It is told once: now that they are there, they are what the file says.
    let again = room.run(&["run", "small.toml"]).expect(0, &[]);
    assert!(!again.err.contains("of other settings"), "{}", again.err);
}

#[test]
fn more_rounds_with_intervals_left_out_are_told_how_to_go_on() {
    let room = Room::with(&edited(&[
        ("rounds = 20\n", "rounds = 160\n"),
        ("evaluate-every = 10\nfull-pass-every = 0\n", ""),
    ]));
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let more = ["check", "small.toml", "--set", "rounds=240"];
    let said = room.run(&more).expect(0, &[]).out;
    let write = "write evaluate-every = 2 and full-pass-every = 16\n";
    assert!(said.contains("3 runs: not what is in runs/small/") && said.contains(write), "{said}");
    let set = ["--set", "evaluate-every=2", "--set", "full-pass-every=16"];
    let run = [&["run", "small.toml", "--set", "rounds=240"][..], &set].concat();
    let said = room.run(&run).expect(0, &[]);
    assert_eq!(said.err.matches("goes on from round 160").count(), 3, "{}", said.err);
}
