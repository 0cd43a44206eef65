//! Figures 1 to 3 and the tables: computed by `fl-cli paper`, not run.

use super::parts::{Part, list, number, verdicts};
use crate::cmd::{self, write};
use crate::record::{Options, figure_stamp};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Computes, draws and judges a part; false if all was there.
pub(crate) fn run(part: &Part, options: &Options) -> Result<bool> {
    let folder = options.figures();
    let stamp = figure_stamp(&folder, part.name, "", options);
    if stamp.is_current() {
        println!("{folder}/{}: up to date", part.name);
        return Ok(false);
    }
    let numbers = compute(part, options)?;
    let mut files = Vec::new();
    let stem = format!("{folder}/{}", part.name);
    let footer = format!("computed by fl-cli paper {}; commit {}", part.name, cmd::commit());
    if let Some((description, csv)) = picture(part, &numbers, &footer) {
        write(&format!("{stem}.csv"), &csv)?;
        write(&format!("{stem}.json"), &(description.to_string() + "\n"))?;
        cmd::fl_cli(&["draw", &format!("{stem}.json")])?;
        files.extend(["csv", "svg", "png"].map(|ending| format!("{stem}.{ending}")));
    }
    let report = format!("# {}\n\n{}", part.title, report(part, &numbers));
    println!("\n{report}");
    write(&format!("{stem}.md"), &report)?;
    files.push(format!("{stem}.md"));
    stamp.write(&files)?;
    Ok(true)
}

/// The numbers of a part.
pub(crate) fn compute(part: &Part, options: &Options) -> Result<Value> {
    let mut args = vec!["paper", part.name];
    // Data are fetched by the figures and by `cargo xtask data`; a table alone must not surprise.
    if options.offline || part.name != "table2" {
        args.push("--offline");
    }
    let text = cmd::fl_cli_output(&args)?;
    serde_json::from_str(&text).with_context(|| format!("fl-cli paper {} is no JSON", part.name))
}

/// The description of a part's picture, and its numbers as CSV.
fn picture(part: &Part, numbers: &Value, footer: &str) -> Option<(Value, String)> {
    let (panels, csv, columns, size) = match part.name {
        "fig1" => fig1(numbers),
        "fig2" => fig2(numbers),
        "fig3" => fig3(numbers),
        _ => return None,
    };
    let description = json!({
        "title": part.title, "footer": footer, "columns": columns,
        "width": size.0, "height": size.1, "legend": "bottom", "panels": panels,
    });
    Some((description, csv))
}

type Drawn = (Vec<Value>, String, usize, (u32, u32));

fn fig1(numbers: &Value) -> Drawn {
    let mut csv = "half,kind,x,y\n".to_owned();
    let panels = list(&numbers["halves"])
        .iter()
        .map(|half| {
            let title = half["title"].as_str().unwrap_or_default();
            let alone = |point: &Value| json!([point]);
            let kinds = [
                ("regular gradient", half["regular"].clone()),
                ("Byzantine gradient", half["byzantine"].clone()),
                ("true gradient", alone(&half["truth"])),
                ("geometric median", alone(&half["median"])),
            ];
            let curves: Vec<Value> = kinds
                .iter()
                .map(|(kind, points)| {
                    for p in list(points) {
                        let _ = writeln!(csv, "{title},{kind},{},{}", p[0], p[1]);
                    }
                    json!({"name": kind, "form": "dots", "points": points})
                })
                .collect();
            let title = format!("{title}: the median is {:.2} away", number(&half["gap"]));
            let axis = |label: &str| json!({"label": label, "range": [-2.0, 10.0]});
            json!({"title": title, "x": axis("first coordinate"), "y": axis("second coordinate"),
                   "curves": curves})
        })
        .collect();
    (panels, csv, 2, (960, 500))
}

fn fig2(numbers: &Value) -> Drawn {
    let mut csv = "kind,value\n".to_owned();
    let (messages, averages) = (list(&numbers["messages"]), list(&numbers["resampled"]));
    let contaminated: Vec<bool> =
        list(&numbers["contaminated"]).iter().map(|c| c == true).collect();
    let malicious = messages.len().saturating_sub(1);
    // From above: messages, and below what averages become of them.
    let mut kinds: [(&str, Vec<[f64; 2]>); 4] = [
        ("true message", Vec::new()),
        ("malicious message", Vec::new()),
        ("average of two true messages", Vec::new()),
        ("contaminated average", Vec::new()),
    ];
    for (i, message) in messages.iter().enumerate() {
        kinds[usize::from(i == malicious)].1.push([number(message), 1.0]);
    }
    for (average, bad) in averages.iter().zip(&contaminated) {
        kinds[2 + usize::from(*bad)].1.push([number(average), 0.0]);
    }
    for (kind, points) in &kinds {
        for [x, _] in points {
            let _ = writeln!(csv, "{kind},{x}");
        }
    }
    let panel = |title: &str, range: [f64; 2]| {
        let curves: Vec<Value> = kinds
            .iter()
            .map(|(name, points)| json!({"name": name, "form": "dots", "points": points}))
            .collect();
        json!({
            "title": title,
            "x": {"label": "value", "range": range},
            "y": {"label": "0 averages, 1 messages", "range": [-0.5, 1.5]},
            "curves": curves,
        })
    };
    let variation = |key: &str| number(&numbers[key]);
    let all = format!(
        "all: variation {:.1} before, {:.1} after",
        variation("all_before"),
        variation("all_after")
    );
    let good = format!(
        "without the malicious message: {:.0} before, {:.0} after",
        variation("true_before"),
        variation("true_after")
    );
    (vec![panel(&all, [-5.0, 105.0]), panel(&good, [-1.0, 9.0])], csv, 2, (960, 360))
}

fn fig3(numbers: &Value) -> Drawn {
    let mut csv = "curve,alpha,error,whole_number_of_workers\n".to_owned();
    let mut curves = Vec::new();
    let mut whole = Vec::new();
    for curve in list(&numbers["curves"]) {
        let name = curve["name"].as_str().unwrap_or_default();
        for (points, is_whole) in [(&curve["curve"], false), (&curve["whole"], true)] {
            for p in list(points) {
                let _ = writeln!(csv, "{name},{},{},{is_whole}", p[0], p[1]);
            }
        }
        curves.push(json!({"name": name, "points": curve["curve"]}));
        whole.push(json!({"name": name, "form": "marked", "points": curve["whole"]}));
    }
    let axis = || json!({"label": "fraction of Byzantine workers α", "range": [0.0, 0.5]});
    let panel = |title: &str, y: Value, curves: Vec<Value>| json!({"title": title, "x": axis(), "y": y, "curves": curves});
    let label = "learning error without δ²";
    let panels = vec![
        panel("any α", json!({"label": label, "range": [0.0, 30.0]}), curves),
        panel(
            "whole numbers of 30 workers",
            json!({"label": label, "log": true, "range": [1.0, 1000.0]}),
            whole,
        ),
    ];
    (panels, csv, 2, (960, 440))
}

/// Numbers and verdicts.
pub(crate) fn report(part: &Part, numbers: &Value) -> String {
    let mut text = String::new();
    match part.name {
        "table1" => {
            let settings: Vec<String> = list(&numbers["settings"])
                .iter()
                .map(|s| format!("W = {}, B = {}, s = {}", s["workers"], s["byzantine"], s["s"]))
                .collect();
            let _ = writeln!(
                text,
                "| algorithm | requirement | learning error | {} |",
                settings.join(" | ")
            );
            let _ = writeln!(text, "|---|---|---|{}", "---|".repeat(settings.len()));
            for row in list(&numbers["rows"]) {
                let cells: Vec<String> = list(&row["numbers"])
                    .iter()
                    .map(|n| n.as_f64().map_or("not met".into(), |n| format!("{n:.2}")))
                    .collect();
                let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} |",
                    word("name"),
                    word("requirement"),
                    word("error"),
                    cells.join(" | ")
                );
            }
            text += "\nNumbers are the learning errors with δ² = σ² = 1.\n\n";
        }
        "table2" => {
            text += "| data set | | training rows | test rows | dimensions | classes |\n|---|---|---|---|---|---|\n";
            for row in list(&numbers["rows"]) {
                for key in ["paper", "here"] {
                    let cells: Vec<String> = list(&row[key]).iter().map(Value::to_string).collect();
                    let name = row["name"].as_str().unwrap_or_default();
                    let _ = writeln!(text, "| {name} | {key} | {} |", cells.join(" | "));
                }
            }
            text.push('\n');
        }
        _ => {}
    }
    text += "| the paper says | here | evidence |\n|---|---|---|\n";
    for (says, verdict) in verdicts(part, numbers) {
        let _ = writeln!(text, "| {says} | **{}** | {} |", verdict.word(), verdict.evidence);
    }
    text
}

/// What Theorem 1 says of an experiment, from the report of `fl-cli theory --json`.
pub(crate) fn vacuous(report: &Value) -> Option<String> {
    let method = list(&report["methods"]).iter().find(|m| m["name"] == "Proposed")?;
    let numbers = &method["numbers"];
    let largest = list(&numbers["steps"])
        .iter()
        .filter(|s| s["equation"].as_str().is_some_and(|e| e.contains("61")))
        .find_map(|s| s["limit"].as_f64())?;
    let error = numbers["theorem_1"]["plateau"].as_f64();
    let error = error
        .map_or(String::new(), |e| format!(", and what its bound leaves of ‖x − x*‖² is {e:.1e}"));
    let met = if method["step"].as_f64()? <= largest {
        "met"
    } else {
        "not met, so that its bound is not drawn"
    };
    Some(format!(
        "**Theorem 1's constants are vacuous on Fig. 7.** It asks for a step of at most {largest:.1e}, where the paper's is {}{error}. The condition is {met}.",
        method["step"]
    ))
}
