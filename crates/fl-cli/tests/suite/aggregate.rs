//! `fl-cli aggregate`, `list` and `explain`: rules for people who do not write Rust.

use crate::common::Room;
use std::fs;

/// A `.npy` file with the header that NumPy writes.
fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(values);
    bytes
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn a_matrix_of_single_precision_gives_an_array_of_single_precision() {
    let room = Room::new();
    let values = floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 8.0]);
    fs::write(room.path("in.npy"), npy("<f4", "(3, 2)", &values)).unwrap();
    room.run(&["aggregate", "--rule", "mean", "--input", "in.npy", "--output", "out.npy"])
        .expect(0, &[]);
    assert_eq!(fs::read(room.path("out.npy")).unwrap(), npy("<f4", "(2,)", &floats(&[2.0, 4.0])));
}

#[test]
fn a_chain_is_written_as_it_is_read() {
    let room = Room::new();
    fs::write(room.path("in.csv"), "0,0\n1,1\n2,2\n3,3\n1e30,-1e30\n").unwrap();
    let said = room
        .run(&[
            "aggregate",
            "--rule",
            "geometric-median:relative-gap=1e-6",
            "--pre",
            "resample:s=2",
            "--byzantine",
            "1",
            "--input",
            "in.csv",
            "--output",
            "out.csv",
            "--json",
        ])
        .expect(0, &[]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["workers"], 5);
    assert_eq!(told["weights"].as_array().unwrap().len(), 5);
    assert!(told["relative_gap"].as_f64().unwrap() <= 1e-6);
    let out = fs::read_to_string(room.path("out.csv")).unwrap();
    assert_eq!(out.trim().split(',').count(), 2);
}

#[test]
fn messages_that_are_not_finite_are_left_out_and_named_or_refused() {
    let room = Room::new();
    fs::write(room.path("in.csv"), "1\nnan\n3\ninf\n").unwrap();
    let arguments = ["aggregate", "--rule", "mean", "--input", "in.csv"];
    let said = room.run(&arguments).expect(0, &[]);
    assert_eq!(said.out, "2.0\n");
    assert!(said.err.contains("2 of 4 messages were not finite"), "{}", said.err);
    let refused = [&arguments[..], &["--refuse-non-finite"]].concat();
    room.run(&refused).expect(3, &["the message of worker 1 is not finite"]);
    fs::write(room.path("in.csv"), "nan\nnan\n").unwrap();
    room.run(&arguments).expect(3, &["0 of 2 messages are finite, which is not enough"]);
}

#[test]
fn input_that_is_no_matrix_of_messages_is_told_with_its_place() {
    let room = Room::new();
    let numbers = floats(&[1.0, 2.0, 3.0, 4.0]);
    let cut = npy("<f4", "(2, 2)", &numbers);
    for (name, bytes, told) in [
        ("a.csv", b"1,2\n3\n".to_vec(), &["a.csv: line 2: expected 2 numbers"][..]),
        (
            "b.csv",
            b"1,2\n3,x\n".to_vec(),
            &["b.csv: line 2, column 2: expected a number, found \"x\""],
        ),
        ("c.csv", b"".to_vec(), &["c.csv: expected messages, found an empty file"]),
        ("d.csv", b"\n\n".to_vec(), &["expected a message a line, found none"]),
        ("e.csv", vec![b'1', 0xff], &["expected text or a .npy file, found other bytes at 1"]),
        (
            "f.npy",
            npy("<i4", "(2, 2)", &numbers),
            &["expected float32 or float64, found signed integers of 4 bytes"],
        ),
        (
            "g.npy",
            npy("<f4", "(4,)", &numbers),
            &["expected an array of two axes, W×p, found shape [4]"],
        ),
        ("h.npy", cut[..cut.len() - 3].to_vec(), &["16 bytes in all; the file has 13"]),
        ("i.npy", cut[..30].to_vec(), &["i.npy: at byte 30"]),
        ("j.npy", npy("<f4", "(0, 2)", &[]), &["[0, 2]"]),
        ("k.npy", npy("|O", "(2, 2)", &numbers), &["|O"]),
    ] {
        fs::write(room.path(name), bytes).unwrap();
        room.run(&["aggregate", "--rule", "mean", "--input", name]).expect(3, told);
    }
    room.run(&["aggregate", "--rule", "mean", "--input", "none.npy"])
        .expect(3, &["cannot read none.npy"]);
}

#[test]
fn what_is_in_fortran_order_is_read_as_the_same_matrix() {
    let room = Room::new();
    let mut file = npy("<f4", "(2, 3)", &floats(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    let at = file.windows(5).position(|w| w == b"False").unwrap();
    file[at..at + 5].copy_from_slice(b"True ");
    fs::write(room.path("in.npy"), file).unwrap();
    room.run(&["aggregate", "--rule", "mean", "--input", "in.npy", "--output", "out.csv"])
        .expect(0, &[]);
    assert_eq!(fs::read_to_string(room.path("out.csv")).unwrap(), "2.5,3.5,4.5\n");
}

#[test]
fn a_rule_that_does_not_fit_is_refused_with_its_numbers_and_nothing_is_written() {
    let room = Room::new();
    fs::write(room.path("in.csv"), "1\n2\n3\n").unwrap();
    let run = |more: &[&str]| {
        room.run(&[&["aggregate", "--input", "in.csv", "--output", "out.csv"], more].concat())
    };
    run(&["--rule", "krum", "--byzantine", "1"])
        .expect(2, &["krum: the number of messages must be at least 4", "got 3"]);
    run(&["--rule", "krumm"]).expect(2, &["did you mean `krum`?"]);
    run(&["--rule", "krum:varient=paper"]).expect(2, &["did you mean `variant`?"]);
    run(&["--rule", "krum:variant"]).expect(2, &["expected KEY=VALUE"]);
    run(&["--rule", "mean", "--pre", "resample:s=4"]).expect(2, &["resample: s must be between 1"]);
    run(&["--rule", "mean", "--pre", "resample:s=0"]).expect(2, &["got 0"]);
    run(&["--rule", "mean", "--pre", "resample:s=-1"]).expect(2, &["expected a whole number"]);
    assert!(!room.path("out.csv").exists());
}

#[test]
fn draws_that_are_given_are_taken_instead_of_random_ones() {
    let room = Room::new();
    fs::write(room.path("in.csv"), "0\n2\n4\n8\n16\n").unwrap();
    let mean = |more: &[&str]| {
        let base = ["aggregate", "--rule", "coordinate-median", "--input", "in.csv"];
        room.run(&[&base[..], more].concat())
    };
    // Averages 0, 2, 6, 4, 16 of two picks each.
    let picks = ["--pre", "resample:s=2", "--picks", "0,0,1,1,2,3,4,4,3,2"];
    assert_eq!(mean(&picks).expect(0, &[]).out, "6.0\n");
    // Buckets (16, 0), (8, 2), (4).
    let order = ["--pre", "bucketing:s=2", "--permutation", "4,0,3,1,2"];
    assert_eq!(mean(&order).expect(0, &[]).out, "5.0\n");
    // Both, in one chain.
    let both = ["--pre", "bucketing:s=1", "--pre", "resample:s=1", "--permutation", "4,3,2,1,0"];
    mean(&[&both[..], &["--picks", "0,1,2,3,4"]].concat()).expect(0, &[]);
    let wrong = |more: &[&str], told: &str| drop(mean(more).expect(2, &[told]));
    wrong(&["--picks", "0,1"], "--picks needs one --pre resample, got none");
    wrong(&["--pre", "resample:s=2", "--picks", "0,1"], "--picks must be 10 numbers, 2 for each");
    wrong(&["--pre", "resample:s=1", "--picks", "0,1,2,3,5"], "numbers from 0 to 4, got 5");
    wrong(&["--pre", "resample:s=1", "--picks", "0,1,2,3,3"], "1 times every message, got 2 times");
    wrong(&["--pre", "bucketing:s=2", "--permutation", "0,1,2,3"], "one for each message");
    let two = ["--pre", "resample", "--pre", "resample", "--picks", "0"];
    wrong(&two, "--picks needs one --pre resample, got several");
}

#[test]
fn what_byzantine_workers_would_send_is_shown() {
    let room = Room::new();
    fs::write(room.path("in.csv"), "1,0\n3,0\n5,6\n2,2\n").unwrap();
    let attack = |more: &[&str]| room.run(&[&["attack", "--input", "in.csv"], more].concat());
    // The last one sends −4 times its own message.
    let flip = ["--name", "sign-flipping:factor=-4"];
    assert_eq!(attack(&flip).expect(0, &[]).out, "-8.0,-8.0\n");
    let all = attack(&[&flip[..], &["--workers", "1,0", "--all"]].concat()).expect(0, &[]);
    assert_eq!(all.out, "-4.0,-0.0\n-12.0,-0.0\n5.0,6.0\n2.0,2.0\n");
    let copy = ["--name", "sample-duplicating:worker=1", "--byzantine", "2"];
    assert_eq!(attack(&copy).expect(0, &[]).out, "3.0,0.0\n3.0,0.0\n");
    // A .npy file of two rows, which the rule reads again.
    let npy = ["--output", "sent.npy", "--all"];
    attack(&[&copy[..], &npy].concat()).expect(0, &[]);
    let said =
        room.run(&["aggregate", "--rule", "mean", "--input", "sent.npy", "--output", "o.csv"]);
    said.expect(0, &[]);
    assert_eq!(fs::read_to_string(room.path("o.csv")).unwrap(), "2.5,0.0\n");
    // One that rehearses its defence.
    let search = ["--name", "min-max", "--byzantine", "1", "--rule", "krum"];
    attack(&search).expect(0, &[]);
    attack(&["--name", "sign-flippin"]).expect(2, &["did you mean `sign-flipping`?"]);
    attack(&[&flip[..], &["--byzantine", "4"]].concat())
        .expect(2, &["must be from 1 to 3", "got 4"]);
    attack(&[&flip[..], &["--workers", "7"]].concat()).expect(2, &["one of the workers 0 to 3"]);
    attack(&[&flip[..], &["--workers", "1,1"]].concat()).expect(2, &["every worker once"]);
}

#[test]
fn everything_that_is_listed_is_explained() {
    let room = Room::new();
    let listed = room.run(&["list"]).expect(0, &[]).out;
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let told = room.run(&["explain", name]).expect(0, &[]).out;
        assert!(told.starts_with(&format!("{name} (")), "{told}");
        for part in ["Settings", "In an experiment file"] {
            assert!(told.contains(part), "{name}: {told}");
        }
        assert!(!told.contains("```") && !told.contains("[`"), "{name}: {told}");
    }
    room.run(&["explain", "nothing"]).expect(2, &["nothing is called \"nothing\"", "krum"]);
    room.run(&["explain", "momentm"]).expect(2, &["did you mean `momentum`?"]);
    room.run(&["explain", "crum"]).expect(2, &["did you mean `krum`?"]);
    let unknown = ["aggregate", "--rule", "crum", "--byzantine", "1", "--input", "-"];
    let said = room.run(&unknown).expect(2, &["rule crum: unknown name `crum`", "`krum`?"]);
    assert!(!said.err.contains("crum: crum"), "{}", said.err);
}

#[test]
fn a_chain_is_explained_by_the_shapes_that_it_leaves() {
    let room = Room::new();
    let told =
        room.run(&["explain", "geometric-median", "--pre", "resample:s=2"]).expect(0, &[]).out;
    assert!(told.contains("resample: (30, 6) → (30, 12)"), "{told}");
    let told =
        room.run(&["explain", "krum", "--workers", "10", "--byzantine", "9"]).expect(0, &[]).out;
    assert!(told.contains("cannot be computed: krum: the number of messages"), "{told}");
}

#[test]
fn the_document_of_definitions_is_what_the_code_says() {
    let document =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/definitions.md");
    // The packed crate stands alone.
    if !document.parent().is_some_and(std::path::Path::is_dir) {
        return;
    }
    let said = Room::new().run(&["list", "--markdown"]).expect(0, &[]);
    let written = fs::read_to_string(&document).expect("docs/definitions.md");
    assert!(
        written == said.out,
        "docs/definitions.md is out of date: fl-cli list --markdown > docs/definitions.md"
    );
}
