//! `fl-cli report`: the page has the runs' numbers, and says what it could not read.

use crate::common::{Room, SMALL, edited};
use serde_json::Value;
use std::fs;

/// The data of a page.
fn data(page: &str) -> Value {
    let from = page.find("id=\"data\">").expect("there are data") + "id=\"data\">".len();
    let end = from + page[from..].find("</script>").expect("they end");
    serde_json::from_str(&page[from..end]).expect("they are JSON")
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect()
}

#[test]
fn a_page_has_the_final_numbers_of_done_json_in_the_order_of_the_file() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    let said = room.run(&["report", "runs/small"]).expect(0, &[]);
    assert!(said.out.contains("runs/small/report.html (3 runs)"), "{}", said.out);
    let data = data(&room.read("runs/small/report.html"));
    assert_eq!(data["title"], "small");
    assert_eq!(names(&data["factors"]), ["method", "attack"]);
    assert_eq!(data["factors"][0]["values"], serde_json::json!(["Mean", "Proposed", "RSA"]));
    let quantities = names(&data["quantities"]);
    let done = ["accuracy", "balanced-accuracy", "test-loss", "byzantine-weight"];
    for (place, method) in ["Mean", "Proposed", "RSA"].into_iter().enumerate() {
        let text = room.read(format!("{}/done.json", room.cell(method)));
        let finals = &serde_json::from_str::<Value>(&text).unwrap()["finals"];
        for name in done {
            let quantity = quantities.iter().position(|q| *q == name).unwrap();
            let shown = data["runs"][place]["finals"][quantity].as_f64();
            let wanted = finals[name.replace('-', "_")].as_f64();
            let same = match (shown, wanted) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            assert!(same, "{method}, {name}: {shown:?} and {wanted:?}");
        }
        assert_eq!(data["runs"][place]["byzantine"], serde_json::json!([8]));
        assert_eq!(data["runs"][place]["state"], "finished");
    }
}

#[test]
fn the_same_runs_give_the_same_bytes_and_a_folder_of_folders_is_searched() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    room.run(&["report", "runs", "--out", "a.html"]).expect(0, &[]);
    // A run that is named twice is there once.
    room.run(&["report", "runs", "runs/small", "--out", "b.html"]).expect(0, &[]);
    assert_eq!(data(&room.read("a.html"))["runs"].as_array().unwrap().len(), 3);
    assert_eq!(data(&room.read("b.html"))["runs"], data(&room.read("a.html"))["runs"]);
    room.run(&["report", "runs", "--out", "c.html"]).expect(0, &[]);
    assert_eq!(room.read("a.html"), room.read("c.html"));
}

#[test]
fn a_sweeps_own_labels_are_the_pages_names() {
    let text = edited(&[("attack.sample-duplicating = { worker = 0 }", "attack = \"none\"")])
        + "\n[sweep]\nfederation.attack = { name = \"adversary\", values = [\"none\", { ipm = { epsilon = 0.5 } }], labels = [\"nobody\", \"IPM, weak\"] }\ntrain.step = { name = \"γ\", values = [0.1, 0.5] }\n";
    let room = Room::with(&text);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    room.run(&["report", "runs/small", "--out", "page.html"]).expect(0, &[]);
    let data = data(&room.read("page.html"));
    assert_eq!(names(&data["factors"]), ["method", "adversary", "γ"]);
    assert_eq!(data["factors"][1]["values"], serde_json::json!(["nobody", "IPM, weak"]));
    assert_eq!(data["factors"][2]["values"], serde_json::json!(["0.1", "0.5"]));
}

#[test]
fn costs_and_weights_are_recorded_and_shown() {
    let room = Room::with(&edited(&[("[data]", "[telemetry]\nweights = true\n\n[data]")]));
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    // SGD: nine regular workers with eight samples a round, in 21 and 20 rounds; the last line is behind the last round.
    let timing = room.read(format!("{}/timing.jsonl", room.cell("Mean")));
    let gradients: Vec<u64> = timing
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["gradients"].as_u64().unwrap())
        .collect();
    assert_eq!(gradients, [72, 72 * 11, 72 * 20]);
    let metrics = room.read(format!("{}/metrics.jsonl", room.cell("Proposed")));
    let first: Value = serde_json::from_str(metrics.lines().next().unwrap()).unwrap();
    let weights: Vec<f64> =
        first["weights"].as_array().unwrap().iter().map(|w| w.as_f64().unwrap()).collect();
    assert_eq!(weights.len(), 10);
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    room.run(&["report", "runs/small", "--out", "page.html"]).expect(0, &[]);
    let data = data(&room.read("page.html"));
    assert_eq!(data["runs"][1]["weights"][2], 10);
    let place = names(&data["quantities"]).iter().position(|q| *q == "gradients").unwrap();
    let has = |run: &Value| run["curves"].as_array().unwrap().iter().any(|c| c[0] == place);
    assert!(has(&data["runs"][0]));
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_shown() {
    let room = Room::with(SMALL);
    room.run(&["run", "small.toml", "--quiet"]).expect(0, &[]);
    fs::remove_file(room.path(format!("{}/config.toml", room.cell("Mean")))).unwrap();
    fs::write(room.path(format!("{}/done.json", room.cell("RSA"))), "{").unwrap();
    room.run(&["report", "runs/small", "runs/other", "--out", "page.html"]).expect(0, &[]);
    let data = data(&room.read("page.html"));
    assert_eq!(data["runs"].as_array().unwrap().len(), 2);
    let problems = data["problems"].to_string();
    for part in ["config.toml", "done.json is damaged", "runs/other"] {
        assert!(problems.contains(part), "{part} is not in {problems}");
    }
    assert_eq!(data["runs"][1]["state"], "failed");
    // Its curves are there all the same.
    assert!(!data["runs"][1]["curves"].as_array().unwrap().is_empty());
}

#[test]
fn a_folder_that_is_not_there_and_no_folder_are_told() {
    let room = Room::with(SMALL);
    room.run(&["report", "nowhere", "--out", "page.html"]).expect(2, &["nowhere"]);
    assert!(!room.path("page.html").exists());
    room.run(&["report"]).expect(2, &["RUNS"]);
    room.run(&["report", "runs", "--every", "0"]).expect(2, &["--every"]);
}
