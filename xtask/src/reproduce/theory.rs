//! Figures 1 to 3 and the tables: computed by `fl-cli paper`, not run.

use crate::claims::Verdict;
use crate::cmd::{self, write};
use crate::record::{Options, figure_stamp};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A part of the paper that is computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

pub(crate) const PARTS: &[Part] = &[
    Part { name: "fig1", title: "Fig. 1: inner and outer variation under Byzantine attacks" },
    Part { name: "fig2", title: "Fig. 2: the variance-reducing effect of resampling" },
    Part {
        name: "fig3",
        title: "Fig. 3: learning error against the fraction of Byzantine workers",
    },
    Part { name: "table1", title: "Table I: requirements and learning errors" },
    Part { name: "table2", title: "Table II: the data sets" },
];

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

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
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

/// What the paper says about a part, and whether the computed numbers agree.
pub(crate) fn verdicts(part: &Part, numbers: &Value) -> Vec<(&'static str, Verdict)> {
    let is = |holds: bool, evidence: String| Verdict { holds: Some(holds), evidence };
    match part.name {
        "fig1" => {
            let gap = |i: usize| number(&numbers["halves"][i]["gap"]);
            let evidence = format!("distances {:.3} and {:.3}", gap(0), gap(1));
            let holds = gap(1) < gap(0);
            vec![(
                "with large variations the geometric median is far from the true average, with small ones the gap is small",
                is(holds, evidence),
            )]
        }
        "fig2" => {
            let of = |key: &str, value: f64| {
                let x = number(&numbers[key]);
                is((x - value).abs() < 1e-9, format!("{x:.4}"))
            };
            vec![
                ("the variation of all messages is 3860/3", of("all_before", 3860.0 / 3.0)),
                ("… after resampling 1550/3", of("all_after", 1550.0 / 3.0)),
                ("that of the true messages is 8", of("true_before", 8.0)),
                ("… that of the uncontaminated ones after resampling 5", of("true_after", 5.0)),
                (
                    "after resampling the factor is d = (W−1)/(sW−1) (Lemma 3), W = 30, s = 2, B = 0",
                    {
                        let of = |key: &str| number(&numbers["law"][key]);
                        is(
                            (of("printed_mean") - of("lemma_3")).abs() < 1e-9,
                            format!(
                                "d is {:.4}; a permutation of the copies has {:.4}, Algorithm 1 as printed {:.4} for its first \
                                 output, {:.4} for its last and {:.4} on average",
                                of("lemma_3"),
                                of("permutation"),
                                of("printed_first"),
                                of("printed_last"),
                                of("printed_mean")
                            ),
                        )
                    },
                ),
                (
                    "at most two messages are contaminated",
                    is(
                        list(&numbers["contaminated"]).iter().filter(|c| **c == true).count() == 2,
                        "two of six".into(),
                    ),
                ),
            ]
        }
        "fig3" => {
            let at = |curve: usize, b: usize| number(&numbers["curves"][curve]["whole"][b][1]);
            let crossings: Vec<String> = list(&numbers["crossings"])
                .iter()
                .zip(2..)
                .map(|(x, s)| format!("s = {s} below α = {:.3}", number(x)))
                .collect();
            let largest: Vec<usize> = list(&numbers["curves"])
                .iter()
                .map(|c| list(&c["whole"]).len().saturating_sub(1))
                .collect();
            let rising = list(&numbers["curves"])
                .iter()
                .all(|c| list(&c["whole"]).windows(2).all(|p| number(&p[1][1]) > number(&p[0][1])));
            vec![
                (
                    "when α is small enough the proposed method has a smaller learning error than Byrd-SAGA",
                    is(at(1, 0) < at(0, 0) && at(2, 0) < at(0, 0), crossings.join(", ")),
                ),
                (
                    "larger s means tolerance to fewer Byzantine workers",
                    is(
                        largest.windows(2).all(|p| p[1] < p[0]),
                        format!("at most B = {largest:?} of 30 for s = 1, 2, 3, 4"),
                    ),
                ),
                (
                    "the learning error is increasing in α",
                    is(rising, "at every whole number of workers".into()),
                ),
                (
                    "s = 2 is a satisfactory tradeoff: at B = 3 it is better than s = 1, 3 and 4",
                    is(
                        [0, 2, 3].iter().all(|&c| at(1, 3) < at(c, 3) || at(c, 3).is_nan()),
                        format!(
                            "errors at B = 3 for s = 1 to 4: {:.2}, {:.2}, {:.2}, {:.2}",
                            at(0, 3),
                            at(1, 3),
                            at(2, 3),
                            at(3, 3)
                        ),
                    ),
                ),
            ]
        }
        "table1" => {
            let error = |row: usize| number(&numbers["rows"][row]["numbers"][0]);
            let evidence = format!(
                "at W = 30, B = 3, s = 2 and δ² = σ² = 1: {:.2}, {:.2}, {:.2}, {:.2}",
                error(0),
                error(1),
                error(2),
                error(3)
            );
            vec![(
                "the proposed method has the smallest learning error, independent of σ²",
                is((0..3).all(|row| error(3) < error(row)), evidence),
            )]
        }
        "table2" => list(&numbers["rows"])
            .iter()
            .map(|row| {
                let holds = row["paper"] == row["here"];
                let digest = row["digest"].as_str().unwrap_or_default();
                let evidence = format!(
                    "{}, SHA-256 {}…",
                    row["name"].as_str().unwrap_or_default(),
                    digest.get(..12).unwrap_or(digest)
                );
                ("the numbers of the data set", is(holds, evidence))
            })
            .collect(),
        _ => Vec::new(),
    }
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
