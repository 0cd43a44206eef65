//! What goes wrong with files: each has its own words, and nothing is half-written.

use crate::common::{Made, Room, safetensors, tensor};
use fl_agg::{GeometricMedian, Krum, Mean};
use fl_updates::{OpenOptions, Options, Progress, Updates, UpdatesError, aggregate};
use std::fs::{self, OpenOptions as File};
use std::path::PathBuf;

fn made(salt: usize) -> Vec<Made> {
    let numbers: Vec<f64> = (0..3000).map(|k| ((k * (salt + 2)) as f64).sin()).collect();
    vec![
        tensor("weight", "F32", &[50, 40], &numbers[..2000]),
        tensor("bias", "BF16", &[1000], &numbers[2000..]),
    ]
}

/// A room with clients `0.safetensors`, …
fn room(clients: usize) -> (Room, Vec<PathBuf>) {
    let room = Room::new();
    let paths = (0..clients)
        .map(|c| room.write(&format!("{c}.safetensors"), &safetensors(&made(c))))
        .collect();
    (room, paths)
}

fn open(paths: &[PathBuf]) -> Result<Updates, String> {
    Updates::open(paths, &OpenOptions::default()).map_err(|e| e.to_string())
}

/// Why a run fails. Nothing but the clients is in the room afterwards.
fn fails(room: &Room, updates: &Updates, options: &Options, progress: &Progress) -> String {
    let before = room.names();
    let output = room.path("out.safetensors");
    let said = aggregate(updates, options, &output, progress).expect_err("a fault").to_string();
    assert_eq!(room.names(), before, "{said}");
    said
}

fn median() -> Options {
    Options::new(GeometricMedian::default(), 1)
}

#[test]
fn all_differences_are_told_at_once_by_file_and_tensor() {
    let (room, mut paths) = room(3);
    let mut other = made(5);
    other[0].shape = vec![40, 50];
    other[1] = tensor("bias", "F16", &[1000], &vec![0.0; 1000]);
    other.push(tensor("more", "F32", &[1], &[0.0]));
    paths.push(room.write("0-first.safetensors", &safetensors(&other)));
    paths.push(room.write("9.safetensors", &safetensors(&made(6)[..1])));
    paths.push(room.write("cut.safetensors", b"abc"));
    let said = open(&paths).expect_err("a cut file");
    assert!(said.contains("cut.safetensors: expected a safetensors file, found 3 bytes"), "{said}");
    paths.pop();
    let said = open(&paths).expect_err("differences");
    for told in [
        "0-first.safetensors: tensor \"weight\": expected shape [50, 40] as in",
        "found [40, 50]",
        "0-first.safetensors: tensor \"bias\": expected type BF16 as in",
        "0-first.safetensors: tensor \"more\": it is not in",
        "9.safetensors: tensor \"bias\": expected it as in",
    ] {
        assert!(said.contains(told), "{told:?} is not in {said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}

#[test]
fn a_client_that_comes_twice_is_told() {
    let (room, mut paths) = room(3);
    let link = room.path("link.safetensors");
    fs::hard_link(&paths[1], &link).expect("a link");
    paths.push(link);
    let said = open(&paths).expect_err("twice");
    assert!(said.contains("link.safetensors: the client appears twice"), "{said}");
    // A copy is another file; that its numbers are equal is told at the end.
    let (room, mut paths) = self::room(4);
    paths.push(room.path("copy.safetensors"));
    fs::copy(&paths[1], &paths[4]).expect("a copy");
    let updates = open(&paths).expect("five files");
    let output = room.path("out.safetensors");
    let summary = aggregate(&updates, &median(), &output, &Progress::default()).expect("an output");
    assert_eq!(summary.groups[0].equal.len(), 1);
    assert!(summary.groups[0].equal[0].1.ends_with("copy.safetensors"));
}

#[test]
fn a_file_that_is_cut_changed_or_replaced_is_told_and_nothing_is_written() {
    let (room, paths) = room(5);
    let updates = open(&paths).expect("five files");
    let file = File::new().write(true).open(&paths[2]).expect("a file");
    file.set_len(1000).expect("shorter");
    let said = fails(&room, &updates, &median(), &Progress::default());
    assert!(said.contains("2.safetensors: was cut while it was read"), "{said}");
    assert!(said.ends_with("nothing was written"), "{said}");

    let (room, paths) = self::room(5);
    let updates = open(&paths).expect("five files");
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(&paths[3], safetensors(&made(8))).expect("other numbers");
    let said = fails(&room, &updates, &median(), &Progress::default());
    assert!(said.contains("3.safetensors: was changed while it was read"), "{said}");

    let (room, paths) = self::room(5);
    let updates = open(&paths).expect("five files");
    fs::rename(room.write("new", &safetensors(&made(8))), &paths[3]).expect("replaced");
    let said = fails(&room, &updates, &median(), &Progress::default());
    assert!(said.contains("3.safetensors: was replaced by another file"), "{said}");

    let (room, paths) = self::room(5);
    let updates = open(&paths).expect("five files");
    fs::remove_file(&paths[3]).expect("removed");
    let said = fails(&room, &updates, &median(), &Progress::default());
    assert!(said.contains("3.safetensors: was removed while it was read"), "{said}");
}

#[test]
fn an_end_that_is_asked_for_leaves_nothing() {
    let (room, paths) = room(5);
    let updates = open(&paths).expect("five files");
    let progress = Progress::default();
    progress.stop();
    let said = fails(&room, &updates, &median(), &progress);
    assert!(said.contains("stopped before the end"), "{said}");
}

#[test]
fn what_cannot_work_is_refused_before_a_number_is_read() {
    let said = open(&[]).expect_err("no client");
    assert!(said.contains("there is no client"), "{said}");
    let (room, paths) = room(5);
    let updates = open(&paths).expect("five files");
    let progress = Progress::default();
    let said = fails(&room, &updates, &Options::new(Krum::default(), 4), &progress);
    assert!(
        said.contains("krum: the number of messages must be at least 7") && said.contains("got 5"),
        "{said}"
    );
    let said = fails(&room, &updates, &Options { memory: 1000, ..median() }, &progress);
    assert!(said.contains("are needed for 5 clients, 1.0 kB are allowed"), "{said}");
    let refused = |name: &str| {
        let e = aggregate(&updates, &median(), &room.path(name), &progress).expect_err(name);
        assert!(matches!(e, UpdatesError::Choice(_)), "{e}");
        e.to_string()
    };
    assert!(refused("2.safetensors").contains("it is the input"));
    assert!(refused("out.pt").contains("ends in .safetensors, .npz or .npy"));
    assert!(refused("out.npy").contains("holds one array, not 2 tensors"));
    assert!(refused("out.npz").contains("NumPy has no BF16"));
    assert_eq!(progress.read(), 0);
    let output = room.path("none/out.safetensors");
    let said =
        aggregate(&updates, &median(), &output, &progress).expect_err("no folder").to_string();
    assert!(said.contains("out.safetensors: cannot write it"), "{said}");
}

#[test]
fn one_client_is_its_own_mean() {
    let (room, paths) = room(1);
    let updates = open(&paths).expect("one file");
    let output = room.path("out.safetensors");
    let options = Options::new(Mean, 0);
    aggregate(&updates, &options, &output, &Progress::default()).expect("an output");
    let (found, sent) = (crate::common::read(&output), crate::common::read(&paths[0]));
    assert!(found.iter().zip(&sent).all(|(a, b)| a.bytes == b.bytes));
}

#[test]
fn a_client_that_is_not_finite_is_left_out_with_tensor_and_place() {
    let (room, mut paths) = room(6);
    let mut broken = made(3);
    broken[1].bytes[2 * 17..2 * 18].copy_from_slice(&half::bf16::NAN.to_le_bytes());
    room.write("3.safetensors", &safetensors(&broken));
    let updates = open(&paths).expect("six files");
    let output = room.path("out.safetensors");
    let summary = aggregate(&updates, &median(), &output, &Progress::default()).expect("an output");
    let out = &summary.groups[0].left_out[0];
    assert!(out.client.ends_with("3.safetensors"));
    assert_eq!((out.tensor.as_str(), out.number), ("bias", 17));
    assert_eq!(summary.groups[0].weights.as_ref().expect("weights")[3], 0.0);
    // The others alone give the same.
    let with = fs::read(&output).expect("an output");
    paths.remove(3);
    let updates = open(&paths).expect("five files");
    let options = Options::new(GeometricMedian::default(), 0);
    aggregate(&updates, &options, &output, &Progress::default()).expect("an output");
    let tensors = |bytes: Vec<u8>| bytes[bytes.len() - 10_000..].to_vec();
    assert_eq!(tensors(with), tensors(fs::read(&output).expect("an output")));
    // Or the round is refused.
    room.write("3.safetensors", &safetensors(&broken));
    paths.push(room.path("3.safetensors"));
    let updates = open(&paths).expect("six files");
    let options = Options { non_finite: fl_core::NonFinite::Error, ..median() };
    let said = aggregate(&updates, &options, &output, &Progress::default()).expect_err("NaN");
    assert!(said.to_string().contains("number 17 is not finite"), "{said}");
}
