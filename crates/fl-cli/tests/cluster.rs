//! The templates of `scripts/cluster`, as far as their engines are here: every run once, and none again.
#![cfg(unix)]

mod common;

use common::{Room, SMALL};
use std::path::PathBuf;
use std::process::{Command, Output};

const SWEEP: &str =
    "\n[sweep]\ntrain.step = [0.5, 0.25]\nfederation.attack = [\"none\", { gaussian = {} }]\n";

/// A template of the repository; a packed crate has none.
fn template(name: &str) -> Option<PathBuf> {
    let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/cluster");
    Some(scripts.join(name)).filter(|path| path.exists())
}

fn command(room: &Room, script: &PathBuf) -> Command {
    let mut command = Command::new("bash");
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

#[test]
fn every_run_is_in_the_share_of_one_slurm_task() {
    let (Some(script), Ok(_)) =
        (template("slurm.sh"), Command::new("bash").arg("--version").output())
    else {
        println!("skipped: no template, or no bash");
        return;
    };
    let room = Room::with(&format!("{SMALL}{SWEEP}"));
    let alone = command(&room, &script).arg("small.toml").output().expect("bash");
    assert!(!alone.status.success() && said(&alone).contains("sbatch --array"), "{alone:?}");
    let mut ran = 0;
    // An array need not begin at 0.
    for task in ["4", "5", "6"] {
        let mut command = command(&room, &script);
        command.args(["small.toml", "--json"]);
        command.envs([("SLURM_ARRAY_TASK_MIN", "4"), ("SLURM_ARRAY_TASK_MAX", "6")]);
        command.envs([("SLURM_ARRAY_TASK_ID", task), ("SLURM_CPUS_PER_TASK", "2")]);
        let output = command.output().expect("bash");
        assert!(output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("\"found\":true"), "{}", said(&output));
        ran += said(&output).matches("\"found\":false").count();
    }
    assert_eq!(ran, 10);
}

#[test]
fn gnu_parallel_runs_what_is_left() {
    let version = Command::new("parallel").arg("--version").output();
    let gnu = version.is_ok_and(|v| said(&v).contains("GNU parallel"));
    let Some(script) = template("gnu-parallel.sh").filter(|_| gnu) else {
        println!("skipped: no template, or no GNU parallel");
        return;
    };
    let room = Room::with(&format!("{SMALL}{SWEEP}"));
    room.run(&["sweep", "run", "small.toml", "--index", "0/2", "--quiet"]).expect(0, &[]);
    let done = || -> Vec<String> {
        let names = room.contents(&[]).into_iter().filter(|n| n.ends_with("done.json"));
        names.map(|name| room.read(name)).collect()
    };
    let mut before = done();
    assert_eq!(before.len(), 5);
    for _ in 0..2 {
        let output = command(&room, &script).args(["small.toml", "2"]).output().expect("bash");
        assert!(output.status.success(), "{}", said(&output));
        let now = done();
        // Times are in it, which no second run would repeat.
        assert!(before.iter().all(|text| now.contains(text)));
        assert_eq!(now.len(), 10);
        before = now;
    }
    let status = room.run(&["sweep", "status", "small.toml"]).expect(0, &[]);
    assert_eq!(status.out.trim_end(), "small: 10 done");
}
