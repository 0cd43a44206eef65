//! The templates of `scripts/cluster`, as far as their engines are here: every run once, and none again.
//!
//! Slurm's array is put together by hand. `cargo xtask cluster` gets HyperQueue's Python package and runs this with it.
#![cfg(unix)]

use crate::common::{Room, SMALL};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

const SWEEP: &str =
    "\n[sweep]\ntrain.step = [0.5, 0.25]\nfederation.attack = [\"none\", { gaussian = {} }]\n";

/// A template of the repository; a packed crate has none.
fn template(name: &str) -> Option<PathBuf> {
    let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/cluster");
    Some(scripts.join(name)).filter(|path| path.exists())
}

fn command(room: &Room, program: &str, script: &PathBuf) -> Command {
    let mut command = Command::new(program);
    command
        .arg(script)
        .current_dir(room.path(""))
        .env("FL_CLI", env!("CARGO_BIN_EXE_fl-cli"))
        .env("HOME", room.path("home"))
        .env("XDG_CACHE_HOME", room.path("cache"))
        .env("FL_DATA_DIR", room.path("data"));
    command
}

fn said(output: &Output) -> String {
    let bytes = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A task of a Slurm array, as Slurm describes it: its own number, and the least, the greatest, the step and the count of
/// all numbers.
fn slurm_task(room: &Room, script: &PathBuf, task: u32, array: &[u32], step: u32) -> Command {
    let mut command = command(room, "bash", script);
    command.args(["small.toml", "--json"]);
    let ends = [array.iter().min(), array.iter().max()].map(|end| end.expect("a task").to_string());
    command.envs([
        ("SLURM_ARRAY_TASK_ID", task.to_string()),
        ("SLURM_ARRAY_TASK_MIN", ends[0].clone()),
        ("SLURM_ARRAY_TASK_MAX", ends[1].clone()),
        ("SLURM_ARRAY_TASK_STEP", step.to_string()),
        ("SLURM_ARRAY_TASK_COUNT", array.len().to_string()),
        ("SLURM_CPUS_PER_TASK", "2".to_owned()),
    ]);
    command
}

#[test]
fn a_slurm_array_of_any_shape_does_every_run_once() {
    let (Some(script), Ok(_)) =
        (template("slurm.sh"), Command::new("bash").arg("--version").output())
    else {
        println!("skipped: no template, or no bash");
        return;
    };
    let room = Room::with(&format!("{SMALL}{SWEEP}"));
    let alone = command(&room, "bash", &script).arg("small.toml").output().expect("bash");
    assert!(!alone.status.success() && said(&alone).contains("sbatch --array"), "{alone:?}");
    // From 0 or not, with a step, with holes, one task alone.
    for (array, step) in [(&[4, 5, 6][..], 1), (&[0, 2, 4, 6], 2), (&[0, 1, 7], 1), (&[3], 1)] {
        let room = Room::with(&format!("{SMALL}{SWEEP}"));
        let start = |&task: &u32| {
            let mut command = slurm_task(&room, &script, task, array, step);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash")
        };
        let tasks: Vec<Child> = array.iter().map(start).collect();
        let mut ran = 0;
        for task in tasks {
            let output = task.wait_with_output().expect("bash");
            assert!(output.status.success(), "{}", said(&output));
            ran += said(&output).matches("\"found\":false").count();
        }
        assert_eq!(ran, 10, "{array:?}");
    }
}

#[test]
fn a_slurm_task_that_is_submitted_again_does_what_is_left_and_says_what_stays_undone() {
    let Some(script) = template("slurm.sh") else {
        println!("skipped: no template");
        return;
    };
    let room = Room::with(&format!("{SMALL}{SWEEP}"));
    // A run that cannot be done: its place is taken by a file.
    room.run(&["run", "small.toml", "--set", "rounds=1", "--quiet"]).expect(0, &[]);
    let cell = room.cell("RSA");
    std::fs::remove_dir_all(room.path(&cell)).expect("a folder");
    room.write(&cell, "a file where the run's folder should be");
    let output = slurm_task(&room, &script, 2, &[0, 1, 2], 1).output().expect("bash");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    std::fs::remove_file(room.path(&cell)).expect("a file");
    // Of a task that is submitted alone Slurm tells only itself.
    let output = slurm_task(&room, &script, 2, &[2], 1).output().expect("bash");
    assert!(output.status.success(), "{}", said(&output));
    let status = room.run(&["sweep", "status", "small.toml"]);
    assert!(status.out.contains("10 done"), "{}", status.out);
}

#[test]
fn gnu_parallel_runs_what_is_left() {
    let version = Command::new("parallel").arg("--version").output();
    let gnu = version.is_ok_and(|v| said(&v).contains("GNU parallel"));
    let Some(script) = template("gnu-parallel.sh").filter(|_| gnu) else {
        println!("skipped: no template, or no GNU parallel");
        return;
    };
    every_run_once(|room| {
        let mut command = command(room, "bash", &script);
        command.args(["small.toml", "2"]);
        command
    });
}

#[test]
fn hyperqueue_runs_what_is_left() {
    // A Python that has the package: the one of `cargo xtask cluster`, or the one that is on the path.
    let named = std::env::var("FL_HYPERQUEUE_PYTHON");
    let python = named.clone().unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import hyperqueue"]).output();
    let found = found.is_ok_and(|output| output.status.success());
    assert!(found || named.is_err(), "{python} has no package hyperqueue");
    let Some(script) = template("hyperqueue.py").filter(|_| found) else {
        println!("skipped: no template, or no Python with the package hyperqueue");
        return;
    };
    every_run_once(|room| {
        let mut command = command(room, &python, &script);
        command.args(["small.toml", "--workers", "2", "--cores", "1"]);
        command
    });
    // What fails is told by the exit code and in a file, and the others are run.
    let room = Room::with(&format!("{SMALL}{SWEEP}"));
    room.run(&["run", "small.toml", "--set", "rounds=1", "--quiet"]).expect(0, &[]);
    let cell = room.cell("RSA");
    std::fs::remove_dir_all(room.path(&cell)).expect("a folder");
    room.write(&cell, "a file where the run's folder should be");
    let mut command = command(&room, &python, &script);
    let output = command.arg("small.toml").output().expect("python");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let errors: Vec<_> = room.contents(&[]).into_iter().filter(|n| n.ends_with(".err")).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let status = room.run(&["sweep", "status", "small.toml"]);
    assert!(status.out.contains("9 done"), "{}", status.out);
}

#[test]
fn a_submission_to_hyperqueue_has_a_task_for_each_run() {
    let Some(script) = template("hyperqueue.sh") else {
        println!("skipped: no template");
        return;
    };
    // Stands for the program that submits: it reads the options that its manual has, and runs the task of each line.
    let stand_in = r#"#!/bin/sh
set -eu
[ "$1" = submit ] || exit 64
shift
while [ "$1" != -- ]; do
    case $1 in
    --each-line) lines=$2; shift 2 ;;
    --cpus|--max-fails|--cwd) shift 2 ;;
    --wait) shift ;;
    *) exit 64 ;;
    esac
done
shift
while read -r HQ_ENTRY; do export HQ_ENTRY; "$@" </dev/null; done <"$lines"
"#;
    every_run_once(|room| {
        room.write("bin/hq", stand_in);
        let mut modes = std::fs::metadata(room.path("bin/hq")).expect("a file").permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut modes, 0o755);
        std::fs::set_permissions(room.path("bin/hq"), modes).expect("a file of ours");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = command(room, "bash", &script);
        command.arg("small.toml").env("PATH", format!("{}:{path}", room.path("bin").display()));
        command
    });
}

/// Half of a sweep is run, then the command does the rest, then it does nothing.
fn every_run_once(command: impl Fn(&Room) -> Command) {
    let room = Room::with(&format!("{SMALL}{SWEEP}"));
    room.run(&["sweep", "run", "small.toml", "--index", "0/2", "--quiet"]).expect(0, &[]);
    let done = || -> Vec<String> {
        let names = room.contents(&[]).into_iter().filter(|n| n.ends_with("done.json"));
        names.map(|name| room.read(name)).collect()
    };
    let mut before = done();
    assert_eq!(before.len(), 5);
    for _ in 0..2 {
        let output = command(&room).output().expect("the engine");
        assert!(output.status.success(), "{}", said(&output));
        let now = done();
        // Times are in it, which no second run would repeat.
        assert!(before.iter().all(|text| now.contains(text)));
        assert_eq!(now.len(), 10, "{}", said(&output));
        before = now;
    }
    let status = room.run(&["sweep", "status", "small.toml"]).expect(0, &[]);
    assert_eq!(status.out.trim_end(), "small: 10 done");
}
