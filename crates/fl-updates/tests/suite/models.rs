//! Models as they are in practice: shards, archives, integers, groups of tensors, patterns.

use crate::common::{Made, Room, read, safetensors, tensor};
use fl_agg::{CoordinateMedian, Krum, Mean};
use fl_updates::{OpenOptions, Options, Per, Progress, Updates, aggregate, expand, list};
use regex::Regex;
use std::fs;

fn layer(name: &str, numbers: [f64; 2]) -> Made {
    tensor(name, "F32", &[2], &numbers)
}

#[test]
fn integers_come_from_the_base_or_are_equal_or_are_skipped() {
    let room = Room::new();
    let client = |steps: f64, x: f64| {
        safetensors(&[layer("w", [x, 2.0 * x]), tensor("steps", "I64", &[1], &[steps])])
    };
    let paths: Vec<_> = [(3.0, 1.0), (3.0, 2.0), (4.0, 6.0)]
        .iter()
        .enumerate()
        .map(|(i, &(steps, x))| room.write(&format!("{i}.safetensors"), &client(steps, x)))
        .collect();
    let output = room.path("out.safetensors");
    let mean = Options::new(Mean, 0);
    let run = |open: &OpenOptions, count: usize| {
        let updates = Updates::open(&paths[..count], open).map_err(|e| e.to_string())?;
        aggregate(&updates, &mean, &output, &Progress::default()).map_err(|e| e.to_string())?;
        Ok::<_, String>(read(&output))
    };
    let said = run(&OpenOptions::default(), 3).expect_err("other steps");
    assert!(said.contains("2.safetensors: tensor \"steps\" of type I64 is not averaged"), "{said}");
    assert!(!output.exists());
    assert_eq!(run(&OpenOptions::default(), 2).expect("equal")[0].bytes, 3i64.to_le_bytes());
    let skip = Some(Regex::new("^steps$").expect("a pattern"));
    let skipped = run(&OpenOptions { skip, ..OpenOptions::default() }, 3).expect("skipped");
    assert_eq!(skipped.len(), 1);
    // Models: the mean of the differences is added to the base.
    let base = room.write("base.safetensors", &client(9.0, 100.0));
    let model =
        run(&OpenOptions { base: Some(base), ..OpenOptions::default() }, 3).expect("a model");
    assert_eq!(model[0].bytes, 9i64.to_le_bytes());
    assert_eq!(model[1].bytes, layer("w", [3.0, 6.0]).bytes);
    // What the output says about itself.
    let bytes = fs::read(&output).expect("an output");
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).expect("a header");
    let metadata = header.metadata().as_ref().expect("metadata");
    assert_eq!(metadata["format"], "pt");
    let about: serde_json::Value = serde_json::from_str(&metadata["robust-fl"]).expect("JSON");
    assert_eq!((&about["rule"], &about["clients"]), (&"mean".into(), &3.into()));
    assert_eq!(about["weights_sha256"].as_str().expect("a digest").len(), 64);
}

#[test]
fn shards_and_archives_are_clients_too() {
    let room = Room::new();
    let index = r#"{"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}}"#;
    for (client, x) in [("one", 1.0), ("two", 3.0)] {
        room.write(&format!("all/{client}/m-1.safetensors"), &safetensors(&[layer("a", [x, 0.0])]));
        room.write(&format!("all/{client}/m-2.safetensors"), &safetensors(&[layer("b", [0.0, x])]));
        room.write(&format!("all/{client}/m.safetensors.index.json"), index.as_bytes());
    }
    let paths = expand(&room.path("all")).expect("two folders");
    assert_eq!(paths.len(), 2);
    let updates = Updates::open(&paths, &OpenOptions::default()).expect("two clients");
    let mean = Options::new(Mean, 0);
    for name in ["out.safetensors", "out.npz"] {
        aggregate(&updates, &mean, &room.path(name), &Progress::default()).expect("an output");
    }
    let found = read(&room.path("out.safetensors"));
    assert_eq!(found[1].bytes, layer("b", [0.0, 2.0]).bytes);
    // The archive is one that is read again, and the mean of a message is that message.
    let archive = room.path("out.npz");
    let updates = Updates::open(&[archive], &OpenOptions::default()).expect("an archive");
    aggregate(&updates, &mean, &room.path("again.safetensors"), &Progress::default())
        .expect("an output");
    let again = read(&room.path("again.safetensors"));
    assert!(again.iter().zip(&found).all(|(a, b)| a.bytes == b.bytes && a.name == b.name));
    // An index that leads elsewhere.
    let evil = index.replace("m-2", "../two/m-2");
    room.write("all/one/m.safetensors.index.json", evil.as_bytes());
    let said =
        Updates::open(&[room.path("all/one")], &OpenOptions::default()).expect_err("elsewhere");
    assert!(said.to_string().contains("is no name of a file in the index's folder"), "{said}");
}

#[test]
fn a_rule_may_decide_for_each_tensor_and_then_builds_a_model_of_no_client() {
    let room = Room::new();
    let paths: Vec<_> = (0..5)
        .map(|c| {
            let x = f64::from(c);
            let tensors = [layer("big.a", [x, 0.0]), layer("small.b", [0.0, (x - 4.0) * 0.1])];
            room.write(&format!("{c}.safetensors"), &safetensors(&tensors))
        })
        .collect();
    let updates = Updates::open(&paths, &OpenOptions::default()).expect("five files");
    let output = room.path("out.safetensors");
    let run = |per: Per| {
        let options = Options { per, shares: true, ..Options::new(Krum::default(), 1) };
        aggregate(&updates, &options, &output, &Progress::default()).expect("an output")
    };
    let whole = run(Per::Whole);
    assert_eq!(whole.groups.len(), 1);
    // Krum's output is a client's message.
    let sent: Vec<_> = paths.iter().map(|path| read(path)).collect();
    let found = read(&output);
    assert!(sent.iter().any(|s| s.iter().zip(&found).all(|(a, b)| a.bytes == b.bytes)));
    // The large tensor has nearly all of the distances: (1 and 0.01).
    assert_eq!(whole.shares[0].tensor, "big.a");
    assert!((whole.shares[0].distances - 1.0 / 1.01).abs() < 1e-6, "{:?}", whole.shares);
    assert_eq!(run(Per::Tensor).groups.len(), 2);
    let groups = run(Per::Match(Regex::new("^(big|tall)").expect("a pattern"))).groups;
    let names: Vec<&str> = groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["big", "tensors without a match"]);
}

#[test]
fn patterns_lists_and_single_arrays() {
    let room = Room::new();
    for c in 0..3 {
        let mut npy =
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"
                .to_vec();
        npy.resize(10 + 0x76, b' ');
        npy.extend_from_slice(&layer("x", [f64::from(c), 1.0]).bytes);
        room.write(&format!("in/{c}.npy"), &npy);
    }
    room.write("list.txt", b"# clients\nin/0.npy\n\nin/[12].npy\n");
    let paths = list(&room.path("list.txt")).expect("three files");
    assert_eq!(paths, expand(&room.path("in/*.npy")).expect("three files"));
    let updates = Updates::open(&paths, &OpenOptions::default()).expect("three files");
    let output = room.path("out.npy");
    let options = Options::new(CoordinateMedian::default(), 1);
    aggregate(&updates, &options, &output, &Progress::default()).expect("an output");
    let bytes = fs::read(output).expect("an output");
    assert_eq!(bytes[bytes.len() - 8..], layer("x", [1.0, 1.0]).bytes);
    for (input, told) in [
        ("in/*.npz", "no file matches the pattern"),
        ("nothing.npz", "there is no such file or folder"),
        ("in/[", "no pattern of file names"),
    ] {
        let said = expand(&room.path(input)).expect_err(told).to_string();
        assert!(said.contains(told), "{said}");
    }
    for (name, told) in [("a.pt", "a pickle can run any program"), ("a.gguf", "quantised")] {
        let path = room.write(name, b"");
        let said = Updates::open(&[path], &OpenOptions::default()).expect_err(told).to_string();
        assert!(said.contains(told), "{said}");
    }
}
