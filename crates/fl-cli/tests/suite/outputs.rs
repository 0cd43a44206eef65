//! Outputs that are no plain new files, and a standard output that is full or closed.
#![cfg(unix)]

use crate::common::{Room, SMALL};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

const MESSAGES: &str = "1,2\n3,4\n5,9\n";
const MEAN: &str = "3.0,5.0\n";

fn with_messages() -> Room {
    let room = Room::new();
    room.write("m.csv", MESSAGES);
    room
}

#[track_caller]
fn mean_to(room: &Room, output: &str) {
    let said = room.run(&["aggregate", "--rule", "mean", "--input", "m.csv", "--output", output]);
    said.expect(0, &[]);
}

fn parts(room: &Room) -> usize {
    room.contents(&[]).iter().filter(|name| name.ends_with(".part")).count()
}

#[test]
fn an_output_is_written_through_links_to_the_file_that_they_name() {
    let room = with_messages();
    room.write("real/out.csv", "old");
    symlink("real/out.csv", room.path("link.csv")).unwrap();
    symlink("link.csv", room.path("second.csv")).unwrap();
    symlink("real/new.csv", room.path("dangling.csv")).unwrap();
    for (output, real) in [
        ("link.csv", "real/out.csv"),
        ("second.csv", "real/out.csv"),
        ("dangling.csv", "real/new.csv"),
    ] {
        fs::write(room.path("real/out.csv"), "old").unwrap();
        mean_to(&room, output);
        assert!(fs::symlink_metadata(room.path(output)).unwrap().is_symlink(), "{output}");
        assert_eq!(room.read(real), MEAN, "{output}");
    }
    assert_eq!(parts(&room), 0);
}

#[test]
fn an_existing_file_keeps_its_mode_and_its_other_names() {
    let room = with_messages();
    for mode in [0o600, 0o664, 0o755] {
        room.write("out.csv", "something longer than the output that replaces it");
        let path = room.path("out.csv");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mean_to(&room, "out.csv");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        assert_eq!(room.read("out.csv"), MEAN);
    }
    fs::hard_link(room.path("out.csv"), room.path("other.csv")).unwrap();
    room.write("out.csv", "something longer than the output that replaces it");
    mean_to(&room, "out.csv");
    assert_eq!(room.read("other.csv"), MEAN);
    assert_eq!(fs::metadata(room.path("out.csv")).unwrap().nlink(), 2);
    assert_eq!(parts(&room), 0);
}

#[test]
fn a_pipe_and_a_device_are_written_into() {
    let room = with_messages();
    let made = Command::new("mkfifo").arg(room.path("fifo")).status();
    assert!(made.expect("mkfifo runs").success());
    let reader = Command::new("cat").arg(room.path("fifo")).stdout(Stdio::piped()).spawn();
    mean_to(&room, "fifo");
    let got = reader.expect("cat runs").wait_with_output().expect("it ends");
    assert_eq!(got.stdout, MEAN.as_bytes());
    assert!(fs::metadata(room.path("fifo")).unwrap().file_type().is_fifo());
    // A device of our own, where this user may make one: the system's are left alone.
    let device = room.path("null");
    let made = Command::new("mknod").arg(&device).args(["c", "1", "3"]).output();
    if made.is_ok_and(|made| made.status.success()) {
        mean_to(&room, "null");
        assert!(fs::metadata(&device).unwrap().file_type().is_char_device());
    } else {
        println!("skipped in part: this user may make no device");
    }
    // The standard output by its name: both results are there.
    let said = room.run(&[
        "aggregate",
        "--rule",
        "mean",
        "--input",
        "m.csv",
        "--output",
        "/dev/stdout",
        "--json",
    ]);
    assert!(said.out.starts_with(MEAN) && said.out.contains("\"workers\": 3"), "{}", said.out);
}

#[test]
fn a_file_that_may_not_be_written_is_not_replaced() {
    let room = with_messages();
    room.write("out.csv", "kept");
    fs::set_permissions(room.path("out.csv"), fs::Permissions::from_mode(0o444)).unwrap();
    if fs::File::options().write(true).open(room.path("out.csv")).is_ok() {
        println!("skipped in part: permissions do not count for this user");
    } else {
        let to = ["aggregate", "--rule", "mean", "--input", "m.csv", "--output", "out.csv"];
        room.run(&to).expect(1, &["cannot write out.csv", "Permission denied"]);
        assert_eq!(room.read("out.csv"), "kept");
    }
    fs::create_dir(room.path("folder.csv")).unwrap();
    let to = ["aggregate", "--rule", "mean", "--input", "m.csv", "--output", "folder.csv"];
    room.run(&to).expect(1, &["cannot write folder.csv", "directory"]);
}

#[test]
fn pictures_and_tables_are_written_through_links_too() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    for name in ["accuracy.svg", "accuracy.png", "accuracy.csv"] {
        let target = format!("kept/{name}");
        room.write(&target, "old");
        let _ = fs::remove_file(room.path("runs/small").join(name));
        symlink(room.path(&target), room.path("runs/small").join(name)).unwrap();
    }
    room.run(&["plot", "small.toml"]).expect(0, &[]);
    for name in ["accuracy.svg", "accuracy.png", "accuracy.csv"] {
        assert!(fs::symlink_metadata(room.path("runs/small").join(name)).unwrap().is_symlink());
        assert!(fs::read(room.path("kept").join(name)).unwrap().len() > 100, "{name}");
    }
}

/// Every command that prints, after a run.
const COMMANDS: [&[&str]; 21] = [
    &["run", "small.toml"],
    &["run", "small.toml", "--json"],
    &["check", "small.toml"],
    &["results", "small.toml"],
    &["results", "small.toml", "--format", "csv"],
    &["sweep", "plan", "small.toml"],
    &["sweep", "plan", "small.toml", "--lines", "--set", "name=other"],
    &["sweep", "status", "small.toml"],
    &["sweep", "status", "small.toml", "--json"],
    &["watch", "runs", "--once"],
    &["plot", "small.toml"],
    &["aggregate", "--rule", "mean", "--input", "m.csv"],
    &["aggregate", "--rule", "mean", "--input", "m.csv", "--output", "o.csv", "--json"],
    &["list"],
    &["list", "--markdown"],
    &["explain", "krum"],
    &["theory", "--workers", "30", "--byzantine", "6"],
    &["paper", "table1"],
    &["data", "list"],
    &["--help"],
    &["--version"],
];

#[test]
fn a_full_standard_output_is_an_error_of_every_command_with_a_code_of_its_own() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else {
        println!("skipped: this system has no /dev/full");
        return;
    };
    let room = Room::with(SMALL);
    room.write("m.csv", MESSAGES);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    for arguments in COMMANDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fl-cli"));
        let output = command
            .args(arguments)
            .current_dir(room.path(""))
            .env("HOME", room.path("home"))
            .stdout(full.try_clone().unwrap())
            .stderr(Stdio::piped())
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {said}");
        assert!(said.contains("standard output"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_reader_that_goes_away_is_told_and_a_run_is_finished_all_the_same() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--set", "rounds=10", "--quiet"]).expect(0, &[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_fl-cli"))
        .args(["run", "small.toml", "--json"])
        .current_dir(room.path(""))
        .env("HOME", room.path("home"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("standard output was closed"), "{said}");
    let done = room.contents(&[]).iter().filter(|n| n.ends_with("done.json")).count();
    assert_eq!(done, 3);
    // What failed for another reason keeps its code.
    let mut wrong = Command::new("sh");
    let script = "\"$FL\" results none.toml | true";
    let output = wrong.args(["-c", script]).env("FL", env!("CARGO_BIN_EXE_fl-cli")).output();
    assert!(String::from_utf8_lossy(&output.expect("a shell").stderr).contains("none.toml"));
}
