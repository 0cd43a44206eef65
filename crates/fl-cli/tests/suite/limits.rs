//! Sizes are counted before memory is asked for: what is too much is refused with its number, and nothing is aborted.

use crate::common::{Room, SMALL, edited};
use std::process::Command;

/// An experiment of one method.
fn one(edits: &[(&str, &str)], rule: &str) -> Room {
    let text = edited(edits);
    let front = text.split("[[method]]").next().expect("the front");
    Room::with(&format!("{front}[[method]]\nname = \"A\"\n{rule}\n"))
}

const IID: [(&str, &str); 3] = [
    ("partition.by-class = { workers-per-class = 1 }", "partition = \"iid\""),
    ("byzantine.classes = [8]\n", ""),
    ("attack.sample-duplicating = { worker = 0 }\n", ""),
];

#[test]
fn more_workers_than_pairs_of_them_can_be_held_for_are_refused_with_the_bytes() {
    let many = [&IID[..], &[("workers = 10", "workers = 1_000_000")]].concat();
    for rule in ["geometric-median", "krum", "caf", "mda", "smea", "bulyan", "dnc", "faba"] {
        let room = one(&many, &format!("rule = \"{rule}\""));
        let said = room.run(&["check", "small.toml"]).expect(2, &["memory for", "TB"]);
        assert!(!said.err.contains("memory allocation"), "{rule}: {}", said.err);
        room.run(&["run", "small.toml"]).expect(2, &["memory for", "TB"]);
    }
}

#[test]
fn attacks_that_look_at_pairs_of_workers_count_their_bytes_too() {
    for attack in ["min-max", "fang-krum", "line-search"] {
        let attacked = format!("byzantine.count = 1\nattack = \"{attack}\"\n");
        let workers = ("workers = 10", "workers = 1_000_000");
        let edits = [IID[0], IID[1], (IID[2].0, &*attacked), workers];
        let room = one(&edits, "rule = \"mean\"");
        let said = room.run(&["check", "small.toml"]).expect(2, &["memory for", "TB"]);
        assert!(!said.err.contains("memory allocation"), "{attack}: {}", said.err);
    }
}

#[test]
#[cfg(unix)]
fn a_table_that_the_shell_has_no_room_for_is_a_warning_in_check_and_refused_by_run() {
    let text = [
        &IID[..],
        &[(
            "[model.softmax]\nbias = true\nl2 = 0.01",
            "[model.perceptron]\nhidden = [50, 200_000]",
        )],
    ]
    .concat();
    let room = one(&text, "estimator = \"saga\"\nrule = \"mean\"");
    let limited = |command: &str| {
        let script = format!(
            "ulimit -v 2000000; exec \"$FL\" {command} small.toml --set federation.workers=4"
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(room.path(""))
            .env("FL", env!("CARGO_BIN_EXE_fl-cli"))
            .env("HOME", room.path("home"))
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = limited("check");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warning: a run needs") && said.contains("ulimit -v"), "{said}");
    let (code, said) = limited("run");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("a run needs") && said.contains("ulimit -v grants 2.0 GB"), "{said}");
    assert!(
        !room.path("runs/small").exists()
            || room.contents(&[]).iter().all(|n| !n.ends_with("metrics.jsonl"))
    );
}

#[test]
fn a_sweep_of_more_runs_than_can_be_kept_is_counted_and_refused() {
    for axes in [20, 63, 64, 200] {
        let mut text = edited(&[]);
        text += "\n[sweep]\n";
        for i in 0..axes {
            // Steps of as many methods.
            text += &format!("\"method.m{i}.step\" = [0.1, 0.2]\n");
        }
        let front = text.split("[[method]]").next().expect("the front").to_owned();
        let sweep = text[text.find("[sweep]").expect("a sweep")..].to_owned();
        let methods: String =
            (0..axes).map(|i| format!("[[method]]\nname = \"m{i}\"\nrule = \"mean\"\n")).collect();
        let room = Room::with(&format!("{front}{methods}{sweep}"));
        let said =
            room.run(&["check", "small.toml"]).expect(2, &["one file may ask for at most 500000"]);
        let points = if axes == 20 { "1048576 points" } else { "points" };
        assert!(said.err.contains(points), "{}", said.err);
    }
}

#[test]
fn more_threads_and_jobs_than_help_are_cut_and_told() {
    let room = Room::with(SMALL);
    for flag in ["--threads", "--jobs"] {
        let run = ["run", "small.toml", "--fresh", flag, "1000000"];
        let said = room.run(&run).expect(0, &["1000000 is cut to"]);
        assert!(said.out.contains("Proposed"), "{}", said.out);
        room.run(&["run", "small.toml", flag, "0"]).expect(2, &["must be at least 1, got 0"]);
    }
}

#[test]
fn a_method_without_a_name_is_told_at_its_place_beside_a_sweep_that_names_others() {
    let text = edited(&[("name = \"Mean\"\n", "")]);
    let sweep = "\n[sweep]\n\"train.step\" = [0.1, 0.2]\nexclude = [{ method = \"Proposed\", step = 0.2 }]\n";
    let room = Room::with(&format!("{text}{sweep}"));
    room.run(&["check", "small.toml"]).expect(2, &["missing key `name`", "small.toml:25:1"]);
}

#[test]
fn more_digits_than_a_number_has_are_refused() {
    let room = Room::new();
    for digits in [21, 70_000, usize::MAX >> 2] {
        let heat = format!(
            "{{\"heat\": {{\"rows\": [\"a\"], \"columns\": [\"b\"], \"values\": [0.5], \"digits\": {digits}}}}}"
        );
        room.write("d.json", heat);
        room.run(&["draw", "d.json"]).expect(1, &["at most 20 digits"]);
    }
}

#[test]
fn a_seed_means_the_same_in_any_radix() {
    let sweep = |seed: &str| {
        let text = edited(&[("seeds = [0]", "seeds = [0x10, 0b11, 0o7, 1_000]")]);
        Room::with(&format!(
            "{text}\n[sweep]\n\"train.step\" = [0.1, 0.2]\nexclude = [{{ seed = {seed} }}]\n"
        ))
    };
    for seed in ["16", "0x10", "3", "7", "1000", "0x3e8"] {
        let said = sweep(seed).run(&["check", "small.toml"]).expect(0, &[]);
        assert!(said.out.contains("3 methods × 4 seeds, 6 excluded"), "{seed}: {}", said.out);
    }
    for seed in ["10", "11", "0x16"] {
        sweep(seed).run(&["check", "small.toml"]).expect(2, &["its values are 16, 3, 7, 1000"]);
    }
}

#[test]
fn many_seeds_and_many_methods_are_checked_and_planned() {
    let seeds: Vec<String> = (0..100_000).map(|seed| seed.to_string()).collect();
    let room = one(
        &[&IID[..], &[("seeds = [0]", &format!("seeds = [{}]", seeds.join(",")))]].concat(),
        "rule = \"mean\"",
    );
    let said = room.run(&["check", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("1 method × 100000 seeds = 100000 runs"), "{}", said.out);
    assert!(said.out.contains("the first 200 seeds"), "{}", said.out);
    // A mistake among them is shown, and not all of them.
    let text = room.read("small.toml").replace(",99999]", ",99999,5]");
    room.write("small.toml", text);
    let said =
        room.run(&["check", "small.toml"]).expect(2, &["every seed must be there once, got 5"]);
    assert!(said.err.len() < 2000, "{} bytes", said.err.len());

    let front = edited(&IID).split("[[method]]").next().expect("the front").to_owned();
    let methods: String =
        (0..5_000).map(|i| format!("[[method]]\nname = \"m{i}\"\nrule = \"mean\"\n")).collect();
    let room = Room::with(&format!("{front}{methods}"));
    let said = room.run(&["check", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("5000 methods × 1 seed = 5000 runs"), "{}", said.out);
}

#[test]
fn runs_with_more_rounds_than_the_file_asks_for_are_told_and_not_sent_in_circles() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--set", "rounds=40", "--quiet"]).expect(0, &[]);
    for command in ["results", "plot"] {
        let said = room.run(&[command, "small.toml"]).expect(
            1,
            &["3 of 3 runs of small have gone on to round 40, beyond the 20", "--set rounds=40"],
        );
        assert!(!said.err.contains("runs them"), "{}", said.err);
        room.run(&[command, "small.toml", "--set", "rounds=40"]).expect(0, &[]);
    }
    let status = room.run(&["sweep", "status", "small.toml"]).expect(0, &[]);
    assert!(status.out.contains("3 with more rounds"), "{}", status.out);
}

#[test]
fn many_warnings_are_one_line_that_says_where_to_read_them() {
    let said = Room::with(SMALL).run(&["check", "small.toml"]).expect(0, &[]);
    let notes: Vec<&str> = said.err.lines().collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("2 settings of 2 methods beyond what is proven"), "{}", notes[0]);
    assert!(notes[0].contains("`fl-cli theory small.toml` lists them"), "{}", notes[0]);
}

#[test]
fn names_with_control_characters_steer_no_terminal_and_break_no_table() {
    let name = "a\\u001b[2J\\nb|c\\u202e";
    let room = Room::with(&edited(&[("name = \"Mean\"", &format!("name = \"{name}\""))]));
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    for arguments in [
        &["check", "small.toml"][..],
        &["run", "small.toml"],
        &["results", "small.toml"],
        &["results", "small.toml", "--format", "csv"],
        &["results", "small.toml", "--format", "markdown"],
        &["results", "small.toml", "--format", "latex"],
        &["sweep", "plan", "small.toml"],
        &["sweep", "status", "small.toml"],
        &["watch", "runs", "--once"],
        &["theory", "small.toml"],
        &["plot", "small.toml"],
    ] {
        let said = room.run(arguments).expect(0, &[]);
        let text = format!("{}{}", said.out, said.err);
        let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!text.contains(bad), "{arguments:?}: {text:?}");
        if arguments.contains(&"markdown") || arguments.contains(&"csv") {
            assert!(text.contains("\\u{1b}[2J\\nb"), "{text}");
        }
    }
    let csv = room.read("runs/small/accuracy.csv");
    assert!(!csv.contains('\u{1b}'), "{csv}");
}

#[test]
fn a_figure_of_many_seeds_is_drawn() {
    let seeds: Vec<String> = (0..300).map(|seed| seed.to_string()).collect();
    let room = one(
        &[
            &IID[..],
            &[
                ("seeds = [0]", &*format!("seeds = [{}]", seeds.join(","))),
                ("rounds = 20", "rounds = 1"),
                ("evaluate-every = 10", "evaluate-every = 1"),
            ],
        ]
        .concat(),
        "rule = \"mean\"",
    );
    let said = room.run(&["run", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("then over seeds 0 to 299"), "{}", said.out);
    assert!(room.read("runs/small/accuracy.svg").contains("seeds 0 to 299"));
}
