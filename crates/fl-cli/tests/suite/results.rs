//! What runs leave behind, and what happens to it: finished cells are not repeated, others' results are not touched,
//! damage is told. Exit codes 0, 1 and 2.

use crate::common::{Room, SMALL, edited};
use std::fs;
use std::process::Command;

#[test]
fn an_experiment_runs_from_file_to_figures() {
    let room = Room::with(SMALL);
    let said = room.run(&["run", "small.toml"]).expect(0, &["[3/3] "]);
    for text in ["Mean", "Proposed", "RSA", "final accuracy", "runs/small/accuracy.svg"] {
        assert!(said.out.contains(text), "{text} is not in:\n{}", said.out);
    }
    let mut expected =
        vec!["accuracy.png".to_owned(), "accuracy.svg".into(), "summary.json".into()];
    for method in ["Mean", "Proposed", "RSA"] {
        let cell = room.cell(method).replace("runs/small/", "");
        expected.push(cell.clone());
        for file in [
            "checkpoint.safetensors",
            "config.toml",
            "done.json",
            "lock",
            "metrics.jsonl",
            "timing.jsonl",
        ] {
            expected.push(format!("{cell}/{file}"));
        }
    }
    expected.sort();
    let found = room.contents(&["small.toml"]);
    let found: Vec<_> = found.iter().filter_map(|n| n.strip_prefix("runs/small/")).collect();
    assert_eq!(found, expected);
    let lines = room.read(format!("{}/metrics.jsonl", room.cell("RSA"))).lines().count();
    assert_eq!(lines, 3, "rounds 0, 10 and 20");
}

#[test]
fn finished_runs_are_not_repeated() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let cell = room.cell("Mean");
    let before: Vec<_> = ["done.json", "metrics.jsonl", "timing.jsonl"]
        .map(|n| room.read(format!("{cell}/{n}")))
        .into();
    // Everything but the seconds in all.
    let table = |out: &str| -> Vec<String> {
        out.lines().filter(|l| l.contains("Mean") || l.contains("RSA")).map(str::to_owned).collect()
    };
    let said = room.run(&["run", "small.toml"]).expect(0, &["(finished before)"]);
    assert!(!said.err.contains("rounds/s"), "{}", said.err);
    let again = room.run(&["run", "small.toml"]).expect(0, &[]);
    assert_eq!(table(&said.out), table(&again.out));
    assert!(table(&said.out).len() >= 2, "{}", said.out);
    let after: Vec<_> = ["done.json", "metrics.jsonl", "timing.jsonl"]
        .map(|n| room.read(format!("{cell}/{n}")))
        .into();
    assert_eq!(before, after);
    // A method that is added runs alone.
    let more =
        edited(&[("[[method]]\n", "[[method]]\nname = \"Krum\"\nrule = \"krum\"\n\n[[method]]\n")]);
    room.write("small.toml", more);
    let said = room.run(&["run", "small.toml"]).expect(0, &["Krum seed 0"]);
    assert_eq!(said.err.matches("(finished before)").count(), 3, "{}", said.err);
}

#[test]
fn a_quiet_run_says_nothing() {
    let said = Room::with(SMALL).run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    assert_eq!((said.out, said.err), (String::new(), String::new()));
}

/// A pipe that nobody reads from the beginning: a program that is quick would be done before a reader leaves.
fn nobody_reads() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    writer
}

#[test]
fn a_reader_that_leaves_early_is_told_by_the_exit_code_alone_where_nobody_reads_errors() {
    let room = Room::with(SMALL);
    for arguments in [&["check", "small.toml"][..], &["data", "list"], &["run", "small.toml"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fl-cli"))
            .args(arguments)
            .current_dir(room.path(""))
            .env("HOME", room.path("home"))
            .env("XDG_CACHE_HOME", room.path("cache"))
            .env("FL_DATA_DIR", room.path("data"))
            .stdout(nobody_reads())
            .stderr(nobody_reads())
            .spawn()
            .expect("the program runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(4), "{arguments:?}");
    }
}

#[test]
fn a_file_where_the_output_folder_should_be() {
    let room = Room::with(SMALL);
    room.write("taken", "a file");
    let says = ["cannot make the folder taken/small: ", "help: --out names another folder"];
    room.run(&["run", "small.toml", "--out", "taken"]).expect(1, &says);
    room.write("runs/small", "a file");
    let says = ["cannot make the folder runs/small: ", "help: --out names another folder"];
    room.run(&["run", "small.toml"]).expect(1, &says);
    assert_eq!(room.contents(&["small.toml"]), ["runs", "runs/small", "taken"]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_folder_that_nobody_can_write() {
    let room = Room::with(SMALL);
    let says = ["cannot make the folder /proc/nowhere/small: ", "help: --out names another folder"];
    room.run(&["run", "small.toml", "--out", "/proc/nowhere"]).expect(1, &says);
    assert_eq!(room.contents(&["small.toml"]), [""; 0]);
}

#[test]
fn a_folder_where_a_results_file_should_be() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let cell = room.cell("Mean");
    fs::remove_file(room.path(format!("{cell}/done.json"))).expect("it was there");
    fs::create_dir(room.path(format!("{cell}/done.json"))).expect("a folder");
    let done = format!("{cell}/done.json");
    room.run(&["run", "small.toml"])
        .expect(1, &["cannot read", &done, "help: --out names another"]);
}

#[test]
fn results_of_another_configuration_are_refused_and_left_alone() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let cell = room.cell("Proposed");
    let config = format!("{cell}/config.toml");
    let right = room.read(&config);
    let before = room.read(format!("{cell}/metrics.jsonl"));
    for (old, new, found) in [
        ("step = 0.5", "step = 0.25", "found configuration "),
        ("name = \"digits\"", "name = digits", "found a config.toml that is no experiment file"),
        ("set = \"digits\"", "sett = \"digits\"", "found a config.toml that is no experiment file"),
    ] {
        let wrong = if right.contains(old) { right.replace(old, new) } else { new.to_owned() };
        room.write(&config, &wrong);
        let says = [
            &*cell,
            "holds results from another configuration: expected configuration ",
            found,
            "move it away, or choose another folder",
            "help: --out names another folder",
        ];
        room.run(&["run", "small.toml"]).expect(2, &says);
        assert_eq!(room.read(&config), wrong);
        assert_eq!(room.read(format!("{cell}/metrics.jsonl")), before);
    }
    // A name in it may change: it decides no number.
    room.write(&config, right.replace("name = \"small\"", "name = \"other\""));
    room.run(&["run", "small.toml"]).expect(0, &["(finished before)"]);
}

#[test]
fn results_on_other_data_are_refused() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let done = format!("{}/done.json", room.cell("Mean"));
    let digest = |text: &str| -> String {
        let at = text.find("\"data_digest\": \"").expect("a digest") + 16;
        text[at..at + 64].to_owned()
    };
    let right = room.read(&done);
    let published = digest(&right);
    room.write(&done, right.replace(&published, &"ab".repeat(32)));
    let expected = format!("expected data of SHA-256 {}…", &published[..12]);
    let says = [
        &*room.cell("Mean"),
        &*expected,
        "found results on data of SHA-256 abababababab…",
        "choose another folder",
        "help: --out names another folder",
    ];
    room.run(&["run", "small.toml"]).expect(2, &says);
}

#[test]
fn any_metric_is_drawn_with_its_numbers_beside_it() {
    let file = edited(&[
        ("full-pass-every = 0", "full-pass-every = 10"),
        ("seeds = [0]", "seeds = [0, 1]"),
        ("[data]", "[telemetry]\noptimum = true\nevaluate-rows = 100\n\n[data]"),
    ]);
    let room = Room::with(&file);
    let said = room.run(&["run", "small.toml"]).expect(0, &["found x*: gradient norm "]);
    assert!(said.err.contains("RSA seed 1"), "{}", said.err);
    let metrics = "squared-distance-to-optimum,train-accuracy,byzantine-weight,inner-variation";
    let arguments = ["plot", "small.toml", "--metric", metrics, "--commit", "1a2b3c"];
    let said = room.run(&arguments).expect(0, &[]);
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
    let svg = room.read("runs/small/metrics.svg");
    for text in ["‖x − x*‖²", "training accuracy", "commit 1a2b3c", "geometric", "RSA"] {
        assert!(svg.contains(text), "{text} is not in the picture");
    }
    let csv = room.read("runs/small/metrics.csv");
    assert!(csv.starts_with("metric,method,round,seconds,mean,low,high,seeds\n"), "{csv}");
    let of = |beginning: &str| csv.lines().filter(|l| l.starts_with(beginning)).count();
    assert_eq!(of("squared-distance-to-optimum,RSA,"), 3);
    assert_eq!(of("train-accuracy,Proposed,"), 3);
    // RSA has no weights, and the last line of a run no aggregation.
    assert_eq!((of("byzantine-weight,Mean,"), of("byzantine-weight,RSA,")), (2, 0));
    // What a comparison needs is in summary.json, for each method and seed.
    let summary = room.read("runs/small/summary.json");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    let run = &summary["methods"][1]["runs_by_seed"][1];
    assert_eq!(run["seed"], 1);
    for name in ["squared_distance_to_optimum", "train_accuracy", "byzantine_weight"] {
        assert!(run["finals"][name].is_number(), "{name}: {run}");
    }
    assert_eq!(run["finals"]["class_accuracy"].as_array().map(Vec::len), Some(10));
    // The last evaluation looks at all rows, the others at a sample.
    let lines = room.read(format!("{}/metrics.jsonl", room.cell("Mean")));
    let rows: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| line["test_rows"].as_u64().expect("a number"))
        .collect();
    assert!((95..=105).contains(&rows[0]) && rows[1] == rows[0] && rows[2] == 355, "{rows:?}");
    let arguments = ["plot", "small.toml", "--x", "seconds", "--figure", "pictures/time"];
    room.run(&arguments).expect(0, &[]);
    assert!(room.read("pictures/time.svg").contains(">seconds<"));
    room.run(&["plot", "small.toml", "--classes"]).expect(0, &[]);
    assert!(room.read("runs/small/classes.svg").contains(">class<"));
}

#[test]
fn steps_are_tuned_into_an_experiment_of_their_own() {
    let tune = "[tune]\nstep = [0.00001, 0.1, 0.3]\nlambda = [0.02]\nrungs = 2\n\n[data]";
    let room = Room::with(&edited(&[("[data]", tune)]));
    let arguments = ["tune", "small.toml", "--method", "Mean", "--method", "RSA"];
    let says = ["rung 1 of 2: 12 runs of 7 rounds", "rung 2 of 2: 4 runs of 20 rounds"];
    let said = room.run(&arguments).expect(0, &says);
    assert!(
        said.out.ends_with("small.tuned.toml\nsmall.tuned.json\nsmall.tuned.md\n"),
        "{}",
        said.out
    );
    let row = said.out.lines().find(|l| l.contains("Proposed")).expect("a row");
    assert!(row.contains("0.5") && row.contains("kept"), "{row}");
    let tuned = room.read("small.tuned.toml");
    assert!(tuned.starts_with("# A comment first.\n"), "{tuned}");
    assert_eq!(tuned.matches("step = 0.00001").count(), 0, "{tuned}");
    room.run(&["check", "small.tuned.toml"]).expect(0, &[]);
    let evidence = room.read("small.tuned.json");
    let json: serde_json::Value = serde_json::from_str(&evidence).expect("JSON");
    assert_eq!(json["seeds"], serde_json::json!([1000, 1001]));
    let trial = &json["methods"][1]["rungs"][0]["trials"][0];
    assert_eq!((&trial["lambda"], &trial["kept"]), (&0.02.into(), &false.into()));
    assert!(room.read("small.tuned.md").contains("\n## Mean\n\n| step"));
    // Again: nothing runs, and the same is written.
    let said = room.run(&arguments).expect(0, &["[12/12]"]);
    assert!(!said.err.contains("rounds/s"), "{}", said.err);
    assert_eq!(room.read("small.tuned.json"), evidence);
    assert_eq!(room.read("small.tuned.toml"), tuned);
    let arguments = ["tune", "small.toml", "--method", "Krum", "--tuned", "other.toml"];
    room.run(&arguments)
        .expect(2, &["no method is called \"Krum\"; there are \"Mean\", \"Proposed\", \"RSA\""]);
}

#[test]
fn what_was_not_measured_is_not_drawn() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let metric = ["plot", "small.toml", "--metric", "squared-distance-to-optimum"];
    room.run(&metric).expect(1, &["[telemetry] optimum = true measures it"]);
    let metric = ["plot", "small.toml", "--metric", "accuracy,honest-loss"];
    room.run(&metric).expect(1, &["there is no honest-loss to draw: no finished run"]);
    let metric = ["plot", "small.toml", "--metric", "acuracy"];
    room.run(&metric).expect(2, &["invalid value 'acuracy'", "'accuracy'"]);
}

#[test]
fn damaged_results_are_told_by_run_and_plot() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let cell = room.cell("Mean");
    let damage = |file: &str, bytes: Option<Vec<u8>>, says: &str| {
        let path = room.path(format!("{cell}/{file}"));
        let right = fs::read(&path).expect("it is there");
        match &bytes {
            Some(bytes) => fs::write(&path, bytes).expect("writable"),
            None => fs::remove_file(&path).expect("removable"),
        }
        let name = format!("{cell}/{file} is damaged: ");
        for command in ["run", "plot"] {
            let texts = [&*name, says, "delete its folder to run that cell again"];
            let said = room.run(&[command, "small.toml"]).expect(1, &texts);
            assert!(!said.out.contains("Mean"), "{}", said.out);
        }
        fs::write(&path, right).expect("writable");
    };
    let done = room.read(format!("{cell}/done.json"));
    damage("done.json", Some(done.as_bytes()[..40].to_vec()), "EOF while parsing");
    damage("done.json", Some(Vec::new()), "EOF while parsing");
    damage("done.json", Some(b"{\"ending\": \"\xff\"}".to_vec()), "line 1 column");
    damage("done.json", Some(b"{}".to_vec()), "missing field `ending`");
    let metrics = room.read(format!("{cell}/metrics.jsonl"));
    let lines: Vec<&str> = metrics.lines().collect();
    let middle = format!("{}\n{}\n{}\n", lines[0], &lines[1][..30], lines[2]);
    damage("metrics.jsonl", Some(middle.into_bytes()), "line 2, column 30: ");
    let missing = format!("{}\n{}\n", lines[0], lines[1]);
    let says = "expected lines up to round 20, but it ends at round 10";
    damage("metrics.jsonl", Some(missing.into_bytes()), says);
    let torn = format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..50]);
    damage("metrics.jsonl", Some(torn.into_bytes()), says);
    damage("metrics.jsonl", Some(Vec::new()), "but it ends without a line");
    let other = metrics.replacen("\"accuracy\":0.", "\"accuracy\":0.1", 3);
    damage("metrics.jsonl", Some(other.into_bytes()), "not the one that done.json tells of");
    damage("metrics.jsonl", None, "it is not there, although done.json is");
    room.run(&["plot", "small.toml"]).expect(0, &[]);
}

#[test]
fn a_run_that_was_killed_is_run_again_with_the_same_results() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let cell = room.cell("Proposed");
    let metrics = format!("{cell}/metrics.jsonl");
    let right = room.read(&metrics);
    fs::remove_file(room.path(format!("{cell}/done.json"))).expect("it was there");
    room.write(&metrics, &right.as_bytes()[..right.len() - 40]);
    room.write(format!("{cell}/done.json.1234.part"), "{ \"ending\"");
    room.run(&["run", "small.toml"]).expect(0, &["Proposed seed 0: accuracy"]);
    assert_eq!(room.read(&metrics), right);
    assert!(room.contents(&[]).iter().all(|n| !n.ends_with(".part")));
}

#[test]
fn a_cells_configuration_repeats_it() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    for method in ["Mean", "Proposed", "RSA"] {
        let cell = room.cell(method);
        let config = format!("{cell}/config.toml");
        room.run(&["run", &config, "--out", "again", "--quiet"]).expect(0, &[]);
        let repeated = cell.replace("runs/", "again/");
        for file in ["metrics.jsonl", "config.toml"] {
            let [once, again] = [&cell, &repeated].map(|c| room.read(format!("{c}/{file}")));
            assert_eq!(once, again, "{method}, {file}");
        }
    }
}

#[test]
fn a_run_that_diverges_ends_and_keeps_what_it_had() {
    let room = Room::with(SMALL);
    let arguments = ["run", "small.toml", "--set", "train.step=1e30"];
    let said = room.run(&arguments).expect(0, &["Mean seed 0", "diverged"]);
    assert!(said.out.contains("1 of 1 diverged"), "{}", said.out);
    let cell = room.cell("Mean");
    assert!(!room.read(format!("{cell}/metrics.jsonl")).is_empty());
    let done = room.read(format!("{cell}/done.json"));
    assert!(done.contains("\"diverged\"") && done.contains("a smaller step may help"), "{done}");
    // It is finished in its way.
    let again = room.run(&arguments).expect(0, &[]);
    assert!(!again.err.contains("rounds/s"), "{}", again.err);
}

#[test]
fn a_figure_needs_results() {
    let room = Room::with(SMALL);
    let says = [
        "none of the 3 runs of small is finished in runs/small",
        "`fl-cli run small.toml` runs them",
    ];
    room.run(&["plot", "small.toml"]).expect(1, &says);
    assert_eq!(room.contents(&["small.toml"]), [""; 0]);
    room.run(&["run", "small.toml", "--quiet", "--set", "seeds=[0]"]).expect(0, &[]);
    let arguments = ["plot", "small.toml", "--set", "seeds=[0, 1]", "--figure", "pictures/fig"];
    let said = room.run(&arguments).expect(0, &["3 of 6 runs are finished; this is about those"]);
    assert_eq!(said.out, "pictures/fig.svg\npictures/fig.png\npictures/fig.csv\n");
    room.write("file", "");
    let says = ["cannot write `file", "check that the folder exists"];
    let said = room.run(&["plot", "small.toml", "--figure", "file/fig"]).expect(1, &says);
    assert_eq!(said.err.matches("os error").count(), 1, "{}", said.err);
}
