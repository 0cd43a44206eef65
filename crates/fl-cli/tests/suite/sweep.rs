//! Sweeps by the real program: planned, run by several processes, told about, drawn.

use crate::common::{Room, SMALL};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

const SWEEP: &str =
    "\n[sweep]\ntrain.step = [0.5, 0.25]\nfederation.attack = [\"none\", { gaussian = {} }]\n";

fn room() -> Room {
    Room::with(&format!("{SMALL}{SWEEP}"))
}

/// Every cell's metrics, by its folder.
fn metrics(room: &Room) -> BTreeMap<String, String> {
    let files = room.contents(&[]);
    let files = files.iter().filter(|name| name.ends_with("metrics.jsonl"));
    files.map(|name| (name.clone(), room.read(name))).collect()
}

#[test]
fn a_sweep_is_planned_run_and_told_about() {
    let room = room();
    let plan = room.run(&["sweep", "plan", "small.toml"]).expect(0, &[]);
    for text in [
        "small: 2 step × 2 attack × 3 methods × 1 seed = 10 runs of 20 rounds",
        "0 done, 10 waiting",
        "still to run: about",
    ] {
        // RSA has a step of its own, so that its cells are shared.
        let text = text.replace("1 seed =", "1 seed, 2 shared =");
        assert!(plan.out.contains(&text), "{text:?} is not in:\n{}", plan.out);
    }
    assert_eq!(room.contents(&["small.toml"]), [""; 0], "planning leaves nothing behind");
    let run =
        room.run(&["run", "small.toml"]).expect(0, &["[10/10] ", "0.5, gaussian, Mean seed 0"]);
    assert!(run.out.contains("| step | attack   | method"), "{}", run.out);
    assert!(room.read("runs/small/summary.json").contains("\"half_width_95\""));
    let status = room.run(&["sweep", "status", "small.toml"]).expect(0, &[]);
    assert_eq!(status.out.trim_end(), "small: 10 done");
    let json = room.run(&["sweep", "status", "small.toml", "--json"]).expect(0, &[]);
    assert_eq!(json.out.matches("\"state\":\"done\"").count(), 10, "{}", json.out);
    assert_eq!(room.run(&["sweep", "plan", "small.toml", "--lines"]).expect(0, &[]).out, "");
    // A sweep over part of it finds its cells again.
    let part = ["run", "small.toml", "--set", "sweep.train.step=[0.5]"];
    let again = room.run(&part).expect(0, &[]);
    assert_eq!(again.err.matches("(finished before)").count(), 6, "{}", again.err);
}

#[test]
fn lines_are_commands_that_run_one_cell_each() {
    let room = room();
    let plan = ["sweep", "plan", "small.toml", "--lines", "--set", "rounds=10", "--out", "my runs"];
    let said = room.run(&plan).expect(0, &[]);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 10);
    for (i, line) in lines.iter().enumerate() {
        assert!(line.contains(" run small.toml --cell ") && line.contains("'my runs'"), "{line}");
        let status = Command::new("sh")
            .args(["-c", line])
            .current_dir(room.path(""))
            .env("HOME", room.path("home"))
            .env("XDG_CACHE_HOME", room.path("cache"))
            .env("FL_DATA_DIR", room.path("data"))
            .status()
            .expect("a shell");
        assert!(status.success(), "{line}");
        let done = room.contents(&[]).iter().filter(|n| n.ends_with("done.json")).count();
        assert_eq!(done, i + 1);
    }
    room.run(&["run", "small.toml", "--cell", "0123456789ab"])
        .expect(2, &["small has no cell \"0123456789ab\"", "was the file edited"]);
}

#[test]
fn shares_have_every_cell_once_and_results_do_not_depend_on_them() {
    let whole = room();
    whole.run(&["run", "small.toml", "--jobs", "1", "--quiet"]).expect(0, &[]);
    let shared = room();
    let mut count = 0;
    for index in ["1/3", "2/3", "3/3"] {
        let run = ["sweep", "run", "small.toml", "--jobs", "2", "--index", index];
        let said = shared.run(&run).expect(0, &[]);
        assert!(!said.err.contains("finished before"), "{}", said.err);
        count += said.err.matches("rounds/s").count();
    }
    assert_eq!(count, 10);
    assert_eq!(metrics(&whole), metrics(&shared));
    whole.run(&["run", "small.toml", "--index", "4/3"]).expect(2, &["there is no share 4 of 3"]);
}

#[test]
fn four_processes_in_one_folder_run_every_cell_once() {
    let room = Room::with(&format!("{SMALL}{SWEEP}").replace("rounds = 20", "rounds = 400"));
    let children: Vec<_> = (0..4)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_fl-cli"))
                .args(["sweep", "run", "small.toml", "--json", "--jobs", "1", "--threads", "1"])
                .current_dir(room.path(""))
                .env("HOME", room.path("home"))
                .env("XDG_CACHE_HOME", room.path("cache"))
                .env("FL_DATA_DIR", room.path("data"))
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program runs")
        })
        .collect();
    let mut ran: Vec<String> = Vec::new();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0));
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("an object a line");
            if event["event"] == "finished" && event["found"] == false {
                ran.push(event["cell"].as_str().expect("a folder").to_owned());
            }
        }
    }
    let once: BTreeSet<&String> = ran.iter().collect();
    assert_eq!((ran.len(), once.len()), (10, 10), "{ran:?}");
}

#[test]
fn results_can_be_had_by_any_key_and_in_any_format() {
    let room = room();
    let none = ["results", "small.toml"];
    room.run(&none)
        .expect(1, &["none of the 12 runs of small is finished", "fl-cli run small.toml"]);
    room.run(&["run", "small.toml", "--quiet", "--set", "seeds=[0, 1, 2]"]).expect(0, &[]);
    let results = |more: &[&str]| -> String {
        let all = [&["results", "small.toml", "--set", "seeds=[0, 1, 2]"][..], more].concat();
        room.run(&all).expect(0, &[]).out
    };
    let table = results(&["--by", "method"]);
    assert!(table.contains("worst attack") && table.contains("± "), "{table}");
    let csv = results(&["--by", "step", "--by", "attack", "--by", "method", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 1 + 12, "{csv}");
    assert!(csv.starts_with("step,attack,method,cells,of,diverged,mean,half_width_95,"), "{csv}");
    let json: serde_json::Value =
        serde_json::from_str(&results(&["--by", "attack", "--format", "json"])).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(2));
    assert_eq!((&json[0]["keys"]["attack"], &json[0]["of"]), (&"none".into(), &18.into()));
    // The mean over seeds, of what each seed came to, is recomputed from the runs' own files.
    let mut seeds = [0.0; 3];
    for name in room.contents(&[]).iter().filter(|n| n.ends_with("done.json")) {
        if name.contains("/Mean~none~") {
            let done: serde_json::Value = serde_json::from_str(&room.read(name)).expect("JSON");
            let seed: usize = name.split("~seed").nth(1).unwrap()[..1].parse().expect("a digit");
            seeds[seed] += done["final_accuracy"].as_f64().expect("a number") / 2.0;
        }
    }
    let mean = seeds.iter().sum::<f64>() / 3.0;
    let variance = seeds.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 2.0;
    let half = 4.302_652_729_911_275 * (variance / 3.0).sqrt();
    let json: serde_json::Value =
        serde_json::from_str(&results(&["--by", "attack", "--by", "method", "--format", "json"]))
            .expect("JSON");
    assert!((json[0]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!((json[0]["half_width_95"].as_f64().unwrap() - half).abs() < 1e-9);
    let markdown = results(&["--by", "method", "--by", "attack", "--format", "markdown"]);
    assert!(markdown.contains("| --- | --- | ---: |") && markdown.contains("**"), "{markdown}");
    let latex = results(&["--by", "method", "--format", "latex"]);
    assert!(latex.contains("\\begin{tabular}{lrrrrrr}") && latex.contains("\\textbf{"), "{latex}");
    assert!(latex.contains("$\\pm$"), "{latex}");
    room.run(&["results", "small.toml", "--by", "colour"])
        .expect(2, &["cells cannot be told apart by \"colour\"", "train.step, federation.attack"]);
}

#[test]
fn sweeps_are_drawn_in_panels_and_as_heat_maps() {
    let room = room();
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let said = room.run(&["plot", "small.toml", "--rows", "step", "--columns", "attack"]);
    assert!(said.expect(0, &[]).out.contains("runs/small/accuracy.png"));
    let svg = room.read("runs/small/accuracy.svg");
    for text in ["attack = none, step = 0.5", "attack = gaussian, step = 0.25", "Proposed"] {
        assert!(svg.contains(text), "{text}");
    }
    let heat = ["plot", "small.toml", "--heat", "--rows", "method", "--columns", "attack"];
    let said = room.run(&heat).expect(0, &[]);
    assert_eq!(
        said.out,
        "runs/small/heat~0.5.svg\nruns/small/heat~0.5.png\nruns/small/heat~0.25.svg\nruns/small/heat~0.25.png\n"
    );
    assert!(room.read("runs/small/heat~0.25.svg").contains("small, step = 0.25"));
    assert!(room.read("runs/small/heat~0.25.svg").contains(">worst case<"));
}

#[test]
fn events_are_one_object_a_line() {
    let room = room();
    let said = room.run(&["run", "small.toml", "--json", "--jobs", "1"]).expect(0, &[]);
    assert_eq!(said.err, "");
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for line in said.out.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("an object a line");
        *kinds.entry(event["event"].as_str().expect("a kind").to_owned()).or_default() += 1;
    }
    let expected = [("end", 1), ("finished", 10), ("progress", 30), ("started", 10)];
    assert_eq!(kinds, expected.map(|(kind, n)| (kind.to_owned(), n)).into());
}

#[test]
fn watching_needs_no_experiment_file() {
    let room = room();
    room.run(&["watch", "runs", "--once"]).expect(2, &["runs is no folder of results"]);
    room.run(&["run", "small.toml", "--quiet", "--index", "0/2"]).expect(0, &[]);
    for folder in ["runs", "runs/small"] {
        let said = room.run(&["watch", folder, "--once"]).expect(0, &[]);
        assert_eq!(said.out.trim_end(), format!("{folder}: 5 done"));
    }
    // A run that stopped on its way is shown with its round.
    let cell = room.contents(&[]);
    let cell = cell.iter().find(|n| n.ends_with("done.json")).expect("a cell");
    fs::remove_file(room.path(cell)).expect("it was there");
    let said = room.run(&["watch", "runs", "--once"]).expect(0, &[]);
    assert!(said.out.contains("4 done, 1 interrupted"), "{}", said.out);
    assert!(said.out.contains("interrupted at 20 of 20"), "{}", said.out);
}

#[test]
fn a_cell_that_fails_does_not_stop_the_others_and_is_told() {
    let room = room();
    room.run(&["run", "small.toml", "--quiet", "--index", "1/2"]).expect(0, &[]);
    let name = room.contents(&[]).into_iter().find(|n| n.ends_with("metrics.jsonl"));
    let name = name.expect("a cell");
    room.write(&name, "nonsense\nnonsense\n");
    let said = room.run(&["run", "small.toml"]).expect(1, &["failed", "is damaged"]);
    assert_eq!(said.err.matches("rounds/s").count(), 5, "{}", said.err);
    let status = room.run(&["sweep", "status", "small.toml"]).expect(0, &[]);
    assert!(status.out.contains("10 done") || status.out.contains("1 failed"), "{}", status.out);
}

#[test]
fn a_check_shows_all_runs_their_memory_and_one_of_them_in_full() {
    let room = room();
    let said = room.run(&["check", "small.toml"]).expect(0, &[]);
    for text in ["= 10 runs of 20 rounds", "memory: at most", "[[method]]", "evaluate-every = 10"] {
        assert!(said.out.contains(text), "{text:?} is not in:\n{}", said.out);
    }
    let hash = said.out.lines().find_map(|l| l.split("Proposed~gaussian~seed0~").nth(1));
    let hash = hash.expect("a cell").trim_end_matches(['|', ' ']);
    let cell = room.run(&["check", "small.toml", "--cell", hash]).expect(0, &[]);
    assert!(
        cell.out.contains("name = \"Proposed\"") && cell.out.contains("gaussian"),
        "{}",
        cell.out
    );
    // What it shows is an experiment file, of the same cell.
    room.write("cell.toml", &cell.out);
    let again = room.run(&["check", "cell.toml"]).expect(0, &[]);
    assert!(again.out.contains(hash), "{}", again.out);
}

#[test]
fn ten_thousand_finished_cells_are_planned_and_summarised_in_two_seconds() {
    let steps: Vec<String> = (1..=100).map(|i| format!("{}", f64::from(i) / 1000.0)).collect();
    let batches: Vec<String> = (1..=100).map(|i| i.to_string()).collect();
    let head = SMALL.split("[[method]]").next().expect("a head");
    let file = format!(
        "{head}\n[[method]]\nname = \"M\"\nestimator = \"saga\"\nrule = \"mean\"\n[sweep]\ntrain.step = [{}]\ntrain.batch = [{}]\n",
        steps.join(", "),
        batches.join(", ")
    );
    let room = Room::with(&file);
    let one = room.run(&[
        "run",
        "small.toml",
        "--quiet",
        "--set",
        "sweep.train.step=[0.001]",
        "--set",
        "sweep.train.batch=[1]",
    ]);
    one.expect(0, &[]);
    let done = room.read(format!("{}/done.json", room.cell("M")));
    // Folders as so many runs would leave them.
    let lines = room.run(&["sweep", "plan", "small.toml", "--lines"]).expect(0, &[]).out;
    let hashes = lines.lines().filter_map(|l| l.split("--cell ").nth(1)?.split(' ').next());
    for hash in hashes {
        let folder = format!("runs/small/M~sample-duplicating~seed0~{hash}");
        room.write(format!("{folder}/done.json"), &done);
        room.write(format!("{folder}/lock"), "");
    }
    let mut seconds = Vec::new();
    for command in
        [&["sweep", "plan", "small.toml"][..], &["results", "small.toml", "--by", "step"]]
    {
        let begin = std::time::Instant::now();
        let said = room.run(command).expect(0, &[]);
        seconds.push(begin.elapsed().as_secs_f64());
        assert!(said.out.contains("10000 done") || said.out.lines().count() > 100, "{}", said.out);
    }
    println!("plan and results of 10 000 cells: {seconds:?} s");
    // The promise is for a machine that does nothing else and an optimised build.
    assert!(seconds.iter().sum::<f64>() < 30.0, "{seconds:?}");
}
