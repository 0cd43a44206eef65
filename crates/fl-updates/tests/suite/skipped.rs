//! Tensors that are no part of messages, and texts that clients differ in.

use crate::common::{Made, Room, npy, npz, read, safetensors, tensor, with_metadata};
use fl_agg::Mean;
use fl_updates::{OpenOptions, Options, Per, Progress, Updates, aggregate};
use regex::Regex;
use std::path::PathBuf;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

fn weight(x: f64) -> Made {
    tensor("w", "F32", &[2], &[x, -x])
}

/// Three clients that agree on `w` alone: of `cache` one has another shape, one another type, and one has none.
fn clients(room: &Room) -> Vec<PathBuf> {
    let tensors = [
        vec![weight(1.0), tensor("cache", "F32", &[2], &[0.0; 2])],
        vec![
            weight(2.0),
            tensor("cache", "I64", &[1], &[5.0]),
            tensor("cache.of", "F8_E4M3", &[1], &[0.0]),
        ],
        vec![weight(6.0)],
    ];
    let file = |(c, tensors): (usize, &Vec<Made>)| {
        room.write(&format!("{c}.safetensors"), &safetensors(tensors))
    };
    tensors.iter().enumerate().map(file).collect()
}

#[test]
fn skipped_tensors_are_not_compared() {
    let room = Room::new();
    let paths = clients(&room);
    let said = Updates::open(&paths, &OpenOptions::default()).expect_err("differences").to_string();
    assert!(said.contains("\"cache\""), "{said}");
    let output = room.path("out.safetensors");
    let run = |base: Option<PathBuf>| {
        let open = OpenOptions { base, skip: Some(pattern("^cache")), ..OpenOptions::default() };
        let updates = Updates::open(&paths, &open).expect("clients that agree");
        aggregate(&updates, &Options::new(Mean, 0), &output, &Progress::default())
            .expect("an output");
        (read(&output), updates.left_out().to_vec())
    };
    let (found, left_out) = run(None);
    assert_eq!((found.len(), &found[0].bytes), (1, &weight(3.0).bytes));
    assert_eq!(left_out, ["cache", "cache.of"]);
    // From a base they are copied, though no client has them so.
    let cache = tensor("cache", "F64", &[1], &[7.0]);
    let base = room.write("base.safetensors", &safetensors(&[weight(0.0), cache.clone()]));
    let (found, left_out) = run(Some(base));
    assert_eq!((&found[0].bytes, &found[1].bytes), (&cache.bytes, &weight(3.0).bytes));
    assert_eq!(left_out, ["cache.of"]);
}

#[test]
fn a_pattern_that_matches_nothing_is_refused() {
    let room = Room::new();
    let paths = clients(&room);
    let open = |skip: &str| OpenOptions {
        base: None,
        skip: Some(pattern(skip)),
        ..OpenOptions::default()
    };
    let said = Updates::open(&paths, &open("^cashe")).expect_err("no such name").to_string();
    assert_eq!(said, "skip: no tensor's name matches \"^cashe\"; the first one is called \"w\"");
    let updates = Updates::open(&paths, &open("cache")).expect("clients that agree");
    for (name, works) in [("^w", true), ("^(v|u)", false)] {
        let options = Options { per: Per::Match(pattern(name)), ..Options::new(Mean, 0) };
        let output = room.path("out.safetensors");
        match aggregate(&updates, &options, &output, &Progress::default()) {
            Ok(_) => assert!(works),
            Err(e) => {
                let told =
                    "per: no tensor's name matches \"^(v|u)\"; the first one is called \"w\"";
                assert_eq!((works, e.to_string().as_str()), (false, told));
            }
        }
    }
}

#[test]
fn metadata_are_those_in_which_all_agree_or_those_of_the_base() {
    let room = Room::new();
    let texts = [
        r#"{"format":"pt","epoch":"3"}"#,
        r#"{"format":"pt","epoch":"4"}"#,
        r#"{"format":"pt","more":"x"}"#,
    ];
    let paths: Vec<PathBuf> = texts
        .iter()
        .enumerate()
        .map(|(c, text)| {
            room.write(&format!("{c}.safetensors"), &with_metadata(text, &[weight(c as f64)]))
        })
        .collect();
    let run = |output: &str, base: Option<PathBuf>| {
        let open = OpenOptions { base, ..OpenOptions::default() };
        let updates = Updates::open(&paths, &open).expect("three files");
        let options = Options::new(Mean, 0);
        let output = room.path(output);
        let done = aggregate(&updates, &options, &output, &Progress::default()).expect("an output");
        let bytes = std::fs::read(output).expect("an output");
        let header = safetensors::SafeTensors::read_metadata(&bytes);
        let metadata = header.ok().and_then(|(_, header)| header.metadata().clone());
        (metadata.unwrap_or_default(), done.metadata_left_out)
    };
    let (kept, lost) = run("out.safetensors", None);
    assert_eq!((kept.len(), &kept["format"][..]), (2, "pt"));
    assert!(kept.contains_key("robust-fl"));
    assert_eq!(lost, ["epoch", "more"]);
    let base =
        room.write("base.safetensors", &with_metadata(r#"{"of":"the base"}"#, &[weight(0.0)]));
    let (kept, lost) = run("out.safetensors", Some(base));
    assert_eq!((kept.len(), &kept["of"][..], lost.len()), (2, "the base", 0));
    // NumPy's files have none.
    assert_eq!(run("out.npz", None).1, ["epoch", "format", "more"]);
    let array = npz(&[("w.npy", npy("<f4", "(2,)", &[0; 8]))]);
    let paths = [room.write("a.npz", &array)];
    let updates = Updates::open(&paths, &OpenOptions::default()).expect("an archive");
    let output = room.path("out.safetensors");
    let done = aggregate(&updates, &Options::new(Mean, 0), &output, &Progress::default());
    assert!(done.expect("an output").metadata_left_out.is_empty());
}
