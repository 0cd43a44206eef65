//! `cargo xtask strength tune`: each method's step, found by `fl-cli defend` on other seeds and rows than the record's.

use super::federation::{BY_CLASS, FEDERATIONS, RUNS, config, tuned};
use crate::cmd;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;

/// Where the searches write.
const FOLDER: &str = "target/strength";

/// A pipeline that takes so long that it meets no line search here, and is run in one federation alone.
const SLOW: (&str, &str) = (BY_CLASS, "SAGA + SMEA");

/// Searches the steps of all federations and writes them into the experiment files; what was run already is not run again.
pub(crate) fn tune() -> Result<()> {
    let data = cmd::root().join(FOLDER);
    fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    for (i, (name, title)) in FEDERATIONS.iter().enumerate() {
        eprintln!("\n[{} of {}] {title}", i + 1, FEDERATIONS.len());
        let config = config(name);
        let text = fs::read_to_string(cmd::root().join(&config))
            .with_context(|| format!("cannot read {config}"))?;
        let all = without_sweep(&text);
        let mut evidence = vec![search(name, &only(&all, |method| method != SLOW.1))?];
        if SLOW.0 == *name {
            let one = without_line_searches(&only(&all, |method| method == SLOW.1));
            evidence.push(search(&format!("{name}-slow"), &one)?);
        }
        let record = record(&text, &evidence)?;
        cmd::write(&config, &with_steps(&text, &record)?)?;
        cmd::write(&tuned(name), &(serde_json::to_string_pretty(&record)? + "\n"))?;
    }
    Ok(())
}

/// Runs a search, and gives its evidence.
fn search(name: &str, text: &str) -> Result<Value> {
    let path = format!("{FOLDER}/{name}.toml");
    cmd::write(&path, text)?;
    let out = format!("{RUNS}-tune/{name}");
    // One seed for the finalists, of whom nothing is taken but their steps.
    let more = ["--budget", "none", "--jobs", "2", "--set", "seeds=[0]", "--out", &out];
    cmd::fl_cli(&[&["defend", &path][..], &more].concat())?;
    let evidence = fs::read_to_string(cmd::root().join(format!("{FOLDER}/{name}.defended.json")))
        .with_context(|| format!("the search for {name} has left no evidence"))?;
    Ok(serde_json::from_str(&evidence)?)
}

/// The file as an experiment without attacks, as a search wants it.
fn without_sweep(text: &str) -> String {
    match (text.split_once("[sweep]"), text.split_once("[[method]]")) {
        (Some((head, _)), Some((_, methods))) => format!("{head}[[method]]{methods}"),
        _ => text.to_owned(),
    }
}

/// The file with some of its methods.
fn only(text: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut parts = text.split("[[method]]\n");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.lines().find_map(|line| line.strip_prefix("name = \""));
        if name.is_some_and(|name| wanted(name.trim_end_matches('"'))) {
            kept += "[[method]]\n";
            kept += part;
        }
    }
    kept
}

/// The file without attacks that aggregate many times a round.
fn without_line_searches(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("{ line-search"));
    lines.map(|line| line.to_owned() + "\n").collect()
}

/// What stays of the searches: each method's step, the best of the last rung, with its worst case and what is proven of it.
/// Methods are in the order of the file; one of which every candidate diverged is not there.
fn record(text: &str, evidence: &[Value]) -> Result<Value> {
    let mut methods = Vec::new();
    for name in text.lines().filter_map(|line| line.strip_prefix("name = \"")) {
        let name = name.trim_end_matches('"');
        for evidence in evidence {
            let rung = evidence["rungs"].as_array().and_then(|rungs| rungs.last());
            let tried = rung.and_then(|rung| rung["tried"].as_array());
            let mut tried = tried.context("no candidate was tried")?.iter();
            let Some(chosen) = tried.find(|t| t["kept"] == true && t["pipeline"] == name) else {
                continue;
            };
            let mut board = evidence["leaderboard"].as_array().into_iter().flatten();
            let row = board.find(|row| row["pipeline"] == name);
            let proven = row.map(|row| &row["proven"]);
            methods.push(json!({
                "method": name, "step": chosen["step"], "worst": chosen["least"], "proven": proven,
            }));
        }
    }
    let first = evidence.first().context("no search")?;
    Ok(json!({
        "rows": first["search_rows"], "seeds": first["search_seeds"], "version": first["version"],
        "data": first["data"], "data_digest": first["data_digest"], "methods": methods,
    }))
}

/// The experiment file with the steps of such a record; a method that it does not have keeps its own.
fn with_steps(text: &str, record: &Value) -> Result<String> {
    let methods = record["methods"].as_array().context("a record without methods")?;
    let mut name = "";
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            name = "";
        }
        if let Some(rest) = line.strip_prefix("name = \"") {
            name = rest.trim_end_matches('"');
        }
        let found = methods.iter().find(|m| m["method"] == name);
        match found.filter(|_| line.starts_with("step = ")) {
            Some(found) => {
                let step = found["step"].as_f64().with_context(|| format!("{name} has no step"))?;
                lines.push(format!("step = {step:?}"));
            }
            None => lines.push(line.to_owned()),
        }
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::super::federation::recorded;
    use super::*;

    const TEXT: &str = "name = \"f\"\n[train]\nstep = 9\n[sweep]\nx = [1]\n\n[[method]]\nname = \"a\"\nstep = 1\n\n[[method]]\nname = \"b\"\nstep = 1\n";

    #[test]
    fn steps_go_to_their_methods_alone() {
        let evidence = json!({"leaderboard": [{"pipeline": "b", "proven": {"kappa": 2.0}}], "rungs": [{"tried": [
            {"pipeline": "b", "step": 3.0, "least": 0.1, "kept": false},
            {"pipeline": "b", "step": 0.3, "least": 0.5, "kept": true},
        ]}]});
        let record = record(TEXT, &[evidence]).unwrap();
        let found = json!([{"method": "b", "step": 0.3, "worst": 0.5, "proven": {"kappa": 2.0}}]);
        assert_eq!(record["methods"], found);
        let new = with_steps(TEXT, &record).unwrap();
        assert_eq!(new, TEXT.replace("name = \"b\"\nstep = 1", "name = \"b\"\nstep = 0.3"));
    }

    #[test]
    fn a_search_sees_no_sweep() {
        let text = without_sweep(TEXT);
        assert!(!text.contains("[sweep]") && !text.contains("x = "));
        assert_eq!(text.matches("[[method]]").count(), 2);
        let one = only(&text, |name| name == "b");
        assert!(one.contains("name = \"b\"") && !one.contains("name = \"a\""), "{one}");
        let lines = "    \"ipm\",\n    { line-search = { attack = \"ipm\" } },\n";
        assert_eq!(without_line_searches(lines), "    \"ipm\",\n");
    }

    /// What the files say must be what was found.
    #[test]
    fn the_files_have_the_steps_that_were_found() {
        for (name, _) in recorded() {
            let read = |path: String| fs::read_to_string(cmd::root().join(path)).unwrap();
            let found: Value = serde_json::from_str(&read(tuned(name))).unwrap();
            let text = read(config(name));
            assert_eq!(with_steps(&text, &found).unwrap(), text, "{name}");
        }
    }
}
