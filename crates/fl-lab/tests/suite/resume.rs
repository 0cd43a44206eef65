//! Runs that are interrupted, damaged, extended, started over, or shared with other processes.

use crate::common::{SEVEN, edited};
use fl_lab::{
    Busy, Ending, Event, Experiment, Host, LabError, Options, Outcome, Stop, finished_cells,
    read_metrics, run_experiment,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::tempdir;

/// Every estimator and decorator, the rule with memory, the server's steps with memory, and RSA; for a few rounds of one seed.
const STATEFUL: &str = r#"
name = "stateful"
rounds = 20
evaluate-every = 4
full-pass-every = 10

[checkpoint]
rounds = 15

[data]
set = "digits"
partition.by-class = { workers-per-class = 3 }

[federation]
workers = 30
byzantine.classes = [8, 9]
attack = "gaussian"

[model.softmax]
l2 = 0.01

[train]
batch = 8
step = 0.1

[[method]]
name = "saga"
estimator = "saga"
pre = [{ resample = { s = 2 } }]
rule = "geometric-median"

[[method]]
name = "repeated"
estimator.saga = { sampling = "repeated" }
rule = "krum"

[[method]]
name = "dense"
estimator = "dense-saga"
rule = "trimmed-mean"

[[method]]
name = "sag"
estimator = "sag"
rule = "coordinate-median"

[[method]]
name = "svrg"
estimator.svrg = { every = 7 }
rule = "mean"

[[method]]
name = "sarah"
estimator.sarah = { every = 7 }
rule = "mean"

[[method]]
name = "loopless"
estimator.loopless-svrg = { probability = 0.2 }
rule = "mean"

[[method]]
name = "page"
estimator.page = { probability = 0.2 }
rule = "mean"

[[method]]
name = "momentum"
estimator = "saga"
local-steps = { steps = 2, step = 0.01 }
momentum = { beta = 0.9, form = "warm-average" }
clip = { norm = 2.0 }
rule.centered-clipping = { tau = 1.0 }

[[method]]
name = "heavy-ball"
server = "heavy-ball"
schedule.steps = { at = [5, 11] }
rule = "mean"

[[method]]
name = "adam"
server.adam = { epsilon = 0.1 }
schedule.cosine = { rounds = 20 }
rule = "mean"

[[method]]
name = "yogi"
server.yogi = { epsilon = 0.1 }
schedule = "inverse-root"
rule = "mean"

[[method]]
name = "rsa"
protocol.rsa = { lambda = 0.02 }
"#;

/// What a run told of: notices in words, and the rounds at which cells went on.
#[derive(Debug, Default)]
struct Told {
    notices: Vec<String>,
    resumed: Vec<u64>,
}

/// Runs until some cell has been evaluated at a round, if that is given.
fn run_until(
    text: &str,
    out: &Path,
    options: impl Fn(Options<'_>) -> Options<'_>,
    until: Option<u64>,
) -> (Result<Vec<Outcome>, LabError>, Told) {
    let (experiment, source) = Experiment::parse(text, "test.toml", &[]).unwrap();
    let data = fl_data::digits::load();
    let stop = AtomicBool::new(false);
    let host = Host { clock: || 0.0, peak_memory: || None, stop: &stop, abandon: None };
    let told = Mutex::new(Told::default());
    let options = options(Options::new(out, 1));
    let result = run_experiment(&experiment, &source, &data, options, host, &|event| match event {
        Event::Progress { metrics, .. } if Some(metrics.round) == until => {
            stop.store(true, Ordering::Relaxed);
        }
        Event::Notice { message, .. } => told.lock().unwrap().notices.push(message.to_owned()),
        Event::Resumed { round, .. } => told.lock().unwrap().resumed.push(round),
        _ => {}
    });
    (result, told.into_inner().unwrap())
}

#[track_caller]
fn run(text: &str, out: &Path) -> (Vec<Outcome>, Told) {
    let (result, told) = run_until(text, out, |options| options, None);
    (result.unwrap_or_else(|e| panic!("{e}")), told)
}

/// The bytes of what no interruption may change: each cell's metrics and its final state.
fn results(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(out).unwrap() {
        let folder = entry.unwrap().path();
        let cell = folder.file_name().unwrap().to_string_lossy().into_owned();
        for name in ["metrics.jsonl", "checkpoint.safetensors", "config.toml"] {
            files.insert(format!("{cell}/{name}"), fs::read(folder.join(name)).unwrap());
        }
        let mut names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        let expected = [
            "checkpoint.safetensors",
            "config.toml",
            "done.json",
            "lock",
            "metrics.jsonl",
            "timing.jsonl",
        ];
        assert_eq!(names, expected, "{cell}");
    }
    files
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_bits_whatever_it_keeps() {
    let text = edited(STATEFUL, &[("evaluate-every = 4", "evaluate-every = 1")]);
    let whole = tempdir().unwrap();
    run(&text, whole.path());
    let whole = results(whole.path());
    assert_eq!(whole.len(), 3 * 13);
    for times in [&[0, 1][..], &[6, 11, 18]] {
        let out = tempdir().unwrap();
        for &round in times {
            // Each method is a cell of its own here, stopped where the first one is.
            for one in alone(&text) {
                let (result, _) = run_until(&one, out.path(), |o| o, Some(round));
                if let Err(e) = result {
                    assert!(matches!(e, LabError::Stopped { round: r } if r == round + 1), "{e}");
                }
            }
        }
        let (outcomes, told) = run(&text, out.path());
        assert!(told.notices.is_empty(), "{told:?}");
        assert_eq!(told.resumed.len(), 13, "{told:?}");
        assert!(outcomes.iter().all(|o| o.done.ending == Ending::Finished));
        let again = results(out.path());
        let differ: Vec<_> = whole.keys().filter(|k| again.get(*k) != whole.get(*k)).collect();
        assert!(differ.is_empty(), "stopped at {times:?}: {differ:?}");
    }
}

/// Each method of a file alone.
fn alone(text: &str) -> Vec<String> {
    let (head, methods) = text.split_once("[[method]]").unwrap();
    methods.split("[[method]]").map(|method| format!("{head}[[method]]{method}")).collect()
}

#[test]
fn the_number_of_threads_may_change_at_every_interruption() {
    let text = edited(STATEFUL, &[("rounds = 20\n", "rounds = 12\n")]);
    let whole = tempdir().unwrap();
    run(&text, whole.path());
    let whole = results(whole.path());
    for threads in [[1, 7, 2], [7, 3, 1]] {
        let out = tempdir().unwrap();
        for (threads, until) in threads.into_iter().zip([Some(0), Some(8), None]) {
            for one in alone(&text) {
                let (result, _) = run_until(&one, out.path(), |o| Options { threads, ..o }, until);
                assert_eq!(result.is_ok(), until.is_none());
            }
        }
        let again = results(out.path());
        let differ: Vec<_> = whole.keys().filter(|k| again.get(*k) != whole.get(*k)).collect();
        assert!(differ.is_empty(), "{threads:?}: {differ:?}");
    }
}

#[test]
fn whoever_is_byzantine_or_absent_a_run_that_goes_on_comes_to_the_same_bits() {
    let classes = "byzantine.classes = [8, 9]\n";
    let gaussian = "attack = \"gaussian\"\n";
    let rotating = "byzantine.rotating = { count = 6, every = 3 }\n";
    let some = "participation = { sample = 25, drop-out = 0.2 }\n";
    for edits in [
        [(classes, rotating.to_owned()), (gaussian, gaussian.to_owned())],
        [(classes, classes.to_owned()), (gaussian, "poison = \"label-flip\"\n".to_owned())],
        [(classes, classes.to_owned()), (gaussian, "attack = \"mimic\"\n".to_owned())],
        [(classes, classes.to_owned()), (gaussian, format!("{gaussian}{some}"))],
        [(classes, rotating.to_owned()), (gaussian, format!("attack = \"alie\"\n{some}"))],
    ] {
        let words = format!("{}{}", edits[0].1, edits[1].1);
        let edits = [(edits[0].0, &*edits[0].1), (edits[1].0, &*edits[1].1)];
        let text = edited(STATEFUL, &edits).replace("rounds = 20\n", "rounds = 12\n");
        // SAGA behind resampling, everything that decorates it with the rule with memory, and RSA.
        let methods = alone(&text);
        let text = [0, 8, 9].map(|i| methods[i].clone());
        let (whole, out) = (tempdir().unwrap(), tempdir().unwrap());
        for text in &text {
            run(text, whole.path());
            for until in [4, 10] {
                run_until(text, out.path(), |o| o, Some(until)).0.unwrap_err();
            }
            assert_eq!(run(text, out.path()).1.resumed, [11], "{words}");
        }
        assert!(results(out.path()) == results(whole.path()), "{words}");
    }
}

#[test]
fn more_rounds_go_on_from_the_end_and_leave_the_files_of_a_longer_run() {
    let long = edited(STATEFUL, &[("rounds = 20\n", "rounds = 33\n")]);
    let whole = tempdir().unwrap();
    run(&long, whole.path());
    let out = tempdir().unwrap();
    let (short, _) = run(STATEFUL, out.path());
    let (longer, told) = run(&long, out.path());
    assert_eq!(told.resumed, [20; 13]);
    for (a, b) in short.iter().zip(&longer) {
        assert_eq!(a.path, b.path);
        assert_eq!((a.done.rounds, b.done.rounds), (20, 33));
        let read = read_metrics(&b.path.join("metrics.jsonl")).unwrap();
        // Some variations are unknown, and NaN differs from itself.
        assert_eq!(format!("{read:?}"), format!("{:?}", b.metrics));
    }
    assert!(results(out.path()) == results(whole.path()));
}

#[test]
fn fewer_rounds_than_were_done_are_an_error_that_names_both_and_nothing_is_lost() {
    let out = tempdir().unwrap();
    run(STATEFUL, out.path());
    let before = results(out.path());
    let short = edited(STATEFUL, &[("rounds = 20\n", "rounds = 12\n")]);
    let error = run_until(&short, out.path(), |o| o, None).0.unwrap_err();
    assert!(matches!(error, LabError::Further { done: 20, asked: 12, .. }), "{error}");
    assert!(error.to_string().contains("start the cell over"), "{error}");
    assert!(results(out.path()) == before);
    // Not even the finished ones count, when only twelve are asked about.
    let (experiment, _) = Experiment::parse(&short, "test.toml", &[]).unwrap();
    assert!(finished_cells(&experiment, out.path()).unwrap().is_empty());
    let (outcomes, _) = run_until(&short, out.path(), |o| Options { fresh: true, ..o }, None);
    assert!(outcomes.unwrap().iter().all(|o| o.done.rounds == 12 && !o.reused));
}

/// Where in a file something ends.
fn after(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|w| w == what).unwrap() + what.len()
}

/// One method of the experiment, and its only cell's folder.
fn one(out: &Path) -> (String, PathBuf) {
    let text = alone(STATEFUL).swap_remove(0);
    let (experiment, _) = Experiment::parse(&text, "test.toml", &[]).unwrap();
    let folder = out.join(fl_lab::cells(&experiment)[0].folder());
    (text, folder)
}

#[test]
fn a_damaged_checkpoint_is_never_trusted() {
    let whole = tempdir().unwrap();
    let (text, _) = one(whole.path());
    run(&text, whole.path());
    let whole = results(whole.path());
    let newest = "checkpoint.safetensors";
    let older = "checkpoint.previous.safetensors";
    // What is done to the files, where the run goes on then, and what is said.
    type Damage = fn(&Path);
    fn both(damage: fn(&mut Vec<u8>)) -> impl Fn(&Path) {
        move |path| {
            let mut bytes = fs::read(path).unwrap();
            damage(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
    }
    let flip_last: Damage = |path| both(|bytes| *bytes.last_mut().unwrap() ^= 1)(path);
    let flip_round: Damage = |path| {
        both(|bytes| {
            let at = after(bytes, b"round\\\":");
            // 17 becomes 16.
            bytes[at + 1] ^= 1;
        })(path)
    };
    let cut: Damage = |path| both(|bytes| bytes.truncate(bytes.len() / 2))(path);
    let empty: Damage = |path| both(|bytes| bytes.clear())(path);
    let other: Damage = |path| {
        fs::write(path, b"\x02\0\0\0\0\0\0\0{}").unwrap();
    };
    let format: Damage = |path| {
        both(|bytes| {
            let at = after(bytes, b"format\\\":");
            bytes[at] = b'9';
        })(path)
    };
    for (damage, words) in [
        (flip_last, "another checksum"),
        (flip_round, "another checksum"),
        (cut, "damaged or cut off"),
        (empty, "damaged or cut off"),
        (other, "no checkpoint of this laboratory"),
        (format, "format 9, and this version reads format 2"),
    ] {
        for (files, resumed, notices) in [(&[newest][..], &[15][..], 1), (&[newest, older], &[], 3)]
        {
            let out = tempdir().unwrap();
            let (text, folder) = one(out.path());
            let stopped = run_until(&text, out.path(), |o| o, Some(16)).0.unwrap_err();
            assert!(matches!(stopped, LabError::Stopped { round: 17 }), "{stopped}");
            for file in files {
                damage(&folder.join(file));
            }
            let (_, told) = run(&text, out.path());
            assert_eq!(told.resumed, resumed, "{words}: {told:?}");
            assert_eq!(told.notices.len(), notices, "{told:?}");
            assert!(told.notices[0].contains(words), "{told:?}");
            assert!(told.notices[0].contains(newest), "{told:?}");
            assert_eq!(told.notices.last().unwrap() == "starts over at round 0", notices == 3);
            assert!(results(out.path()) == whole, "{words}");
        }
    }
}

/// A checkpoint in which something was changed on purpose: its checksum is sound.
fn forged(
    bytes: &[u8],
    forge: impl Fn(&mut serde_json::Value, &serde_json::Value, &mut [u8]),
) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let mut data = bytes[8 + length..].to_vec();
    let stamp = header["__metadata__"]["robust-fl"].as_str().unwrap();
    let mut stamp: serde_json::Value = serde_json::from_str(stamp).unwrap();
    forge(&mut stamp, &header, &mut data);
    stamp["xxh3"] = "0".repeat(32).into();
    header["__metadata__"]["robust-fl"] = stamp.to_string().into();
    let mut text = header.to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend(text);
    file.extend(data);
    let at = after(&file, "0".repeat(32).as_bytes()) - 32;
    let sum = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&file));
    file[at..at + 32].copy_from_slice(sum.as_bytes());
    file
}

#[test]
fn a_checkpoint_whose_parts_disagree_or_hold_no_numbers_is_not_taken() {
    let whole = tempdir().unwrap();
    let (text, _) = one(whole.path());
    run(&text, whole.path());
    let whole = results(whole.path());
    let start = |header: &serde_json::Value, name: &str| {
        header[name]["data_offsets"][0].as_u64().unwrap() as usize
    };
    type Forge = Box<dyn Fn(&mut serde_json::Value, &serde_json::Value, &mut [u8])>;
    let forgeries: [(Forge, &str); 4] = [
        (
            Box::new(move |_, header, data| {
                let at = start(header, "round");
                data[at..at + 8].copy_from_slice(&1_000_000u64.to_le_bytes());
            }),
            "its parts disagree",
        ),
        (Box::new(|stamp, _, _| stamp["round"] = 0.into()), "its parts disagree"),
        (Box::new(|stamp, _, _| stamp["round"] = 18.into()), "its parts disagree"),
        (
            Box::new(move |_, header, data| {
                let at = start(header, "params");
                data[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
            }),
            "its params hold NaN",
        ),
    ];
    for (forge, words) in forgeries {
        let out = tempdir().unwrap();
        let (text, folder) = one(out.path());
        run_until(&text, out.path(), |o| o, Some(16)).0.unwrap_err();
        let path = folder.join("checkpoint.safetensors");
        fs::write(&path, forged(&fs::read(&path).unwrap(), forge)).unwrap();
        let (_, told) = run(&text, out.path());
        // The one before is whole.
        assert_eq!(told.resumed, [15], "{words}: {told:?}");
        assert!(told.notices[0].contains(words), "{told:?}");
        assert!(results(out.path()) == whole, "{words}");
    }
}

#[test]
fn a_line_that_was_changed_is_noticed_in_a_run_that_goes_on() {
    let whole = tempdir().unwrap();
    let (text, _) = one(whole.path());
    run(&text, whole.path());
    let whole = results(whole.path());
    let out = tempdir().unwrap();
    let (text, folder) = one(out.path());
    run_until(&text, out.path(), |o| o, Some(12)).0.unwrap_err();
    let path = folder.join("metrics.jsonl");
    let lines = fs::read_to_string(&path).unwrap();
    // Another number, as long as the one before.
    let at = after(lines.as_bytes(), b"\"accuracy\":0.");
    let digit = if &lines[at..=at] == "1" { "2" } else { "1" };
    fs::write(&path, [&lines[..at], digit, &lines[at + 1..]].concat()).unwrap();
    let (_, told) = run(&text, out.path());
    assert!(told.resumed.is_empty(), "{told:?}");
    assert!(told.notices[0].contains("have been changed since"), "{told:?}");
    assert!(results(out.path()) == whole);
    // A run whose checkpoint is gone says so too.
    let out = tempdir().unwrap();
    let (text, folder) = one(out.path());
    run_until(&text, out.path(), |o| o, Some(12)).0.unwrap_err();
    fs::remove_file(folder.join("checkpoint.safetensors")).unwrap();
    let (_, told) = run(&text, out.path());
    assert_eq!(told.notices.len(), 1, "{told:?}");
    assert!(told.notices[0].starts_with("no checkpoint is there"), "{told:?}");
    assert!(results(out.path()) == whole);
}

#[test]
fn a_checkpoint_of_another_cell_is_not_used() {
    let out = tempdir().unwrap();
    let (text, folder) = one(out.path());
    run(&text, out.path());
    let whole = results(out.path());
    let other = edited(&text, &[("step = 0.1", "step = 0.2")]);
    run(&other, out.path());
    let (experiment, _) = Experiment::parse(&other, "test.toml", &[]).unwrap();
    let elsewhere = out.path().join(fl_lab::cells(&experiment)[0].folder());
    fs::remove_file(folder.join("done.json")).unwrap();
    let name = "checkpoint.safetensors";
    fs::copy(elsewhere.join(name), folder.join(name)).unwrap();
    let (_, told) = run(&text, out.path());
    assert!(told.notices[0].contains("it is of cell"), "{told:?}");
    assert_eq!(told.notices[1], "starts over at round 0");
    for (name, bytes) in whole {
        assert!(fs::read(out.path().join(&name)).unwrap() == bytes, "{name}");
    }
}

#[test]
fn lines_behind_the_checkpoint_are_cut_off_and_lines_that_lack_are_noticed() {
    let whole = tempdir().unwrap();
    let (text, _) = one(whole.path());
    run(&text, whole.path());
    let whole = results(whole.path());
    for (edit, resumed) in [
        // A line of a later round, and one that was torn.
        ((|lines: &mut String| lines.push_str("{\"round\":16,\"acc")) as fn(&mut String), true),
        (|lines: &mut String| lines.push_str("\0\0\0\0\n"), true),
        // What another version has written, which calls something otherwise.
        (|lines: &mut String| *lines = lines.replace("\"test_loss\"", "\"loss\""), false),
        (|lines: &mut String| lines.truncate(lines.len() / 2), false),
        (|lines: &mut String| lines.clear(), false),
    ] {
        let out = tempdir().unwrap();
        let (text, folder) = one(out.path());
        run_until(&text, out.path(), |o| o, Some(12)).0.unwrap_err();
        let path = folder.join("metrics.jsonl");
        let mut lines = fs::read_to_string(&path).unwrap();
        edit(&mut lines);
        fs::write(&path, lines).unwrap();
        let (_, told) = run(&text, out.path());
        assert_eq!(told.resumed == [13], resumed, "{told:?}");
        if !resumed {
            let words = "no whole line for round";
            assert!(told.notices[0].contains(words), "{told:?}");
            assert!(told.notices[0].contains("or one of another version"), "{told:?}");
        }
        assert!(results(out.path()) == whole);
    }
}

#[test]
fn fresh_starts_over_what_is_finished_interrupted_or_damaged() {
    let out = tempdir().unwrap();
    let (text, folder) = one(out.path());
    run(&text, out.path());
    let whole = results(out.path());
    fs::write(folder.join("done.json"), "{").unwrap();
    let error = run_until(&text, out.path(), |o| o, None).0.unwrap_err();
    assert!(matches!(error, LabError::Results { .. }), "{error}");
    let (outcomes, told) = run_until(&text, out.path(), |o| Options { fresh: true, ..o }, None);
    assert!(!outcomes.unwrap()[0].reused && told.resumed.is_empty());
    assert!(results(out.path()) == whole);
}

#[test]
fn results_of_another_version_are_told_from_damaged_ones() {
    let out = tempdir().unwrap();
    let (text, folder) = one(out.path());
    run(&text, out.path());
    let path = folder.join("done.json");
    let done = fs::read_to_string(&path).unwrap();
    for (schema, words) in [("0", "an older version (schema 0;"), ("2", "a newer version")] {
        let other = done.replace("\"schema\": 1", &format!("\"schema\": {schema}"));
        assert_ne!(other, done);
        // Whatever else has changed.
        fs::write(&path, other.replace("ending", "how-it-ended")).unwrap();
        let error = run_until(&text, out.path(), |o| o, None).0.unwrap_err();
        assert!(matches!(error, LabError::OtherSchema { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_cell_that_another_process_has_is_left_to_it_or_waited_for() {
    let out = tempdir().unwrap();
    let (text, folder) = one(out.path());
    let two = edited(&text, &[("rounds = 20\n", "rounds = 20\nseeds = [0, 1]\n")]);
    fs::create_dir_all(&folder).unwrap();
    let other = fs::File::create(folder.join("lock")).unwrap();
    other.lock().unwrap();
    let (outcomes, _) = run_until(&two, out.path(), |o| Options { busy: Busy::Skip, ..o }, None);
    let seeds: Vec<u64> = outcomes.unwrap().iter().map(|o| o.cell.seed).collect();
    assert_eq!(seeds, [1]);
    assert!(!folder.join("done.json").exists());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(&two, out.path()).0);
        // What is free is not kept from being done; the other is waited for.
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!folder.join("done.json").exists());
        // As the system does when a process dies.
        drop(other);
        let outcomes = waiting.join().unwrap();
        assert_eq!(outcomes.iter().map(|o| o.cell.seed).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(outcomes.iter().map(|o| o.reused).collect::<Vec<_>>(), [false, true]);
    });
}

#[test]
fn several_at_one_folder_compute_every_cell_once() {
    let out = tempdir().unwrap();
    let started = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for busy in [Busy::Wait, Busy::Wait, Busy::Skip, Busy::Wait] {
            let (out, started) = (out.path(), &started);
            scope.spawn(move || {
                let (experiment, source) = Experiment::parse(SEVEN, "test.toml", &[]).unwrap();
                let data = fl_data::digits::load();
                let stop = AtomicBool::new(false);
                let host = Host { clock: || 0.0, peak_memory: || None, stop: &stop, abandon: None };
                let options = Options { busy, ..Options::new(out, 1) };
                let watch = |event: Event<'_>| {
                    if let Event::Started { index, .. } = event {
                        *started.lock().unwrap().entry(index).or_insert(0) += 1;
                    }
                };
                run_experiment(&experiment, &source, &data, options, host, &watch).unwrap();
            });
        }
    });
    let started = started.into_inner().unwrap();
    assert_eq!(started.len(), 14);
    assert!(started.values().all(|&times| times == 1), "{started:?}");
    results(out.path());
}

#[test]
fn what_stays_at_the_end_is_the_state_the_model_or_nothing() {
    let file = "checkpoint.safetensors";
    let mut params = Vec::new();
    for keep in ["state", "model", "nothing"] {
        let out = tempdir().unwrap();
        let (text, folder) = one(out.path());
        let text =
            edited(&text, &[("[checkpoint]\n", &format!("[checkpoint]\nkeep = \"{keep}\"\n"))]);
        run(&text, out.path());
        let bytes = fs::read(folder.join(file)).ok();
        let tensors = bytes.as_deref().map(|b| safetensors::SafeTensors::deserialize(b).unwrap());
        if let Some(tensors) = &tensors {
            assert_eq!(tensors.names().len() == 1, keep == "model");
            params.push(tensors.tensor("params").unwrap().data().to_vec());
        }
        assert_eq!(tensors.is_none(), keep == "nothing");
        assert!(!folder.join("checkpoint.previous.safetensors").exists());
        // More rounds start over where the state has gone, which is said.
        let longer = edited(&text, &[("rounds = 20\n", "rounds = 24\n")]);
        let (outcomes, told) = run(&longer, out.path());
        assert_eq!(outcomes[0].done.rounds, 24);
        assert_eq!(told.resumed.is_empty(), keep != "state", "{told:?}");
        assert_eq!(told.notices.is_empty(), keep == "state", "{told:?}");
    }
    assert_eq!(params[0], params[1]);
}

#[test]
fn the_folder_of_a_running_cell_is_missed_when_it_is_removed() {
    let out = tempdir().unwrap();
    let (text, folder) = one(out.path());
    // Nothing else may be on its way to the folder while it is removed.
    let text = edited(&text, &[("[checkpoint]\nrounds = 15\n", "")]);
    let (experiment, source) = Experiment::parse(&text, "test.toml", &[]).unwrap();
    let data = fl_data::digits::load();
    let stop = AtomicBool::new(false);
    let host = Host { clock: || 0.0, peak_memory: || None, stop: &stop, abandon: None };
    let error =
        run_experiment(&experiment, &source, &data, Options::new(out.path(), 1), host, &|event| {
            if matches!(event, Event::Progress { metrics, .. } if metrics.round == 8) {
                fs::remove_dir_all(&folder).unwrap();
            }
        });
    let error = error.unwrap_err();
    assert!(matches!(error, LabError::Gone { .. }), "{error}");
    assert!(error.to_string().contains("was removed while its cell was running"), "{error}");
}

#[test]
fn a_run_ends_early_where_the_file_says_so_and_goes_on_when_it_no_longer_does() {
    let whole = tempdir().unwrap();
    let (text, _) = one(whole.path());
    let (outcomes, _) = run(&text, whole.path());
    // The best that is reached before the last line.
    let lines = &outcomes[0].metrics[..outcomes[0].metrics.len() - 1];
    let target = lines.iter().map(|m| m.accuracy).fold(0.0, f64::max);
    let whole = results(whole.path());
    let out = tempdir().unwrap();
    let early = format!("{}\n[stop]\naccuracy = {target}\n", text);
    let (outcomes, _) = run(&early, out.path());
    let reached = outcomes[0].metrics[outcomes[0].metrics.len() - 2].round;
    let expected = Ending::Stopped { by: Stop::Accuracy, round: reached + 1 };
    assert_eq!(outcomes[0].done.ending, expected);
    // What is measured last is what is kept.
    assert_eq!(outcomes[0].metrics.last().unwrap().round, reached + 1);
    let (outcomes, _) = run(&early, out.path());
    assert!(outcomes[0].reused && outcomes[0].done.ending == expected);
    let (outcomes, told) = run(&text, out.path());
    assert_eq!(told.resumed, [reached + 1]);
    assert_eq!(outcomes[0].done.ending, Ending::Finished);
    let mut again = results(out.path());
    again.retain(|name, _| !name.ends_with("config.toml"));
    for (name, bytes) in again {
        assert!(whole[&name] == bytes, "{name}");
    }
}

#[test]
fn time_that_runs_out_leaves_a_cell_that_is_not_finished() {
    let whole = tempdir().unwrap();
    let (text, _) = one(whole.path());
    run(&text, whole.path());
    let whole = results(whole.path());
    let out = tempdir().unwrap();
    let (experiment, source) =
        Experiment::parse(&format!("{text}\n[stop]\nseconds = 30\n"), "test.toml", &[]).unwrap();
    let data = fl_data::digits::load();
    let stop = AtomicBool::new(false);
    static TICKS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let clock = || TICKS.fetch_add(1, Ordering::Relaxed) as f64;
    let host = Host { clock, peak_memory: || None, stop: &stop, abandon: None };
    let mut endings = Vec::new();
    for _ in 0..20 {
        let options = Options::new(out.path(), 1);
        let outcomes = run_experiment(&experiment, &source, &data, options, host, &|_| {}).unwrap();
        endings.push(outcomes[0].done.ending.clone());
        if endings.last() == Some(&Ending::Finished) {
            break;
        }
        assert!(finished_cells(&experiment, out.path()).unwrap().is_empty());
    }
    assert!(endings.len() > 1 && endings.last() == Some(&Ending::Finished), "{endings:?}");
    assert!(matches!(endings[0], Ending::Stopped { by: Stop::Seconds, .. }), "{endings:?}");
    let mut again = results(out.path());
    again.retain(|name, _| !name.ends_with("config.toml"));
    for (name, bytes) in again {
        assert!(whole[&name] == bytes, "{name}");
    }
}
