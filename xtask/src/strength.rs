//! `cargo xtask strength`: docs/strength.md and docs/strength.html, what each attack leaves of each defence.

use crate::cmd;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

const CONFIG: &str = "configs/attack_matrix.toml";
const PATH: &str = "docs/strength.md";
/// The same runs as a page.
const PAGE: &str = "docs/strength.html";
/// Where the pictures are, without what tells them apart.
const FIGURE: &str = "docs/figures/strength";

/// The pictures' names in the document, by the sweep's labels of how data are dealt.
const PICTURES: [(&str, &str); 2] = [("i.i.d.", "strength-iid"), ("non-i.i.d.", "strength-noniid")];

const HEAD: &str = "\
# How strong the attacks are

Written by `cargo xtask strength`; do not edit.

The steps are not tuned: every method has the step 0.2 and 300 rounds, and tuned steps may give other numbers.
The tables have ten methods under fifteen attacks, and without one (`none`, where all thirty workers are regular).
The model is softmax regression on the 1 797 digits that the program carries.
Data are dealt at random, or three workers share a class.
Six of thirty workers are Byzantine; they are drawn anew for each seed, and know everything.
A cell is the final test accuracy: the mean over the evaluations in the last 50 rounds, and over three seeds.
[The experiment file](../configs/attack_matrix.toml) has all settings.
[strength.html](strength.html) has all runs in one file, to open in a browser: curves, classes, configurations, comparisons.

The *worst case* is the least cell of a method: what is left under the strongest of these attacks.
A stronger attack can leave less.

A line search chooses the strength of its attack anew in every round.
It takes the strength that moves the server's decision farthest from the mean of the regular messages, and knows the defence's random draws.
On the same messages it moves the decision at least as far as any fixed strength in its range.
Accuracy after 300 rounds need not follow: a decision may be far from the mean in a harmless direction.
";

pub(crate) fn strength() -> Result<()> {
    cmd::fl_cli(&["sweep", "run", CONFIG, "--jobs", "2"])?;
    let heat = ["--heat", "--rows", "method", "--columns", "attack"];
    let name = ["--figure", FIGURE, "--title", "Final test accuracy"];
    cmd::fl_cli(&[&["plot", CONFIG][..], &heat, &name].concat())?;
    let by = ["results", CONFIG, "--by", "partition", "--by", "method", "--format"];
    let table = cmd::fl_cli_output(&[&by[..], &["markdown"]].concat())?;
    let rows: Vec<Value> =
        serde_json::from_str(&cmd::fl_cli_output(&[&by[..], &["json"]].concat())?)?;
    let mut text = HEAD.to_owned();
    for (label, picture) in PICTURES {
        picture_for_the_document(label, picture)?;
        text += &format!(
            "\n## {label} data\n\n![Accuracy of ten methods under fifteen attacks, {label} data](figures/{picture}.png)\n\n{}\n",
            least_bad(&rows, label)?
        );
    }
    text += &format!("\n## All numbers\n\n{table}");
    let path = cmd::root().join(PATH);
    fs::write(&path, text.trim_end().to_owned() + "\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{PATH}");
    let title = ["--title", "How strong the attacks are"];
    cmd::fl_cli(&[&["report", "runs/attack_matrix", "--out", PAGE][..], &title].concat())
}

/// Gives what was drawn for a partition its name in the document. The drawing as SVG can be had from the sweep.
fn picture_for_the_document(label: &str, picture: &str) -> Result<()> {
    let folder = cmd::root().join("docs/figures");
    let drawn = |ending: &str| folder.join(format!("strength~{label}.{ending}"));
    let to = folder.join(format!("{picture}.png"));
    fs::rename(drawn("png"), &to).with_context(|| format!("cannot make {}", to.display()))?;
    fs::remove_file(drawn("svg")).with_context(|| format!("cannot remove {:?}", drawn("svg")))
}

/// The methods in the order of their worst cases.
fn least_bad(rows: &[Value], label: &str) -> Result<String> {
    let mut cases = Vec::new();
    for row in rows.iter().filter(|row| row["keys"]["partition"] == label) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let case = || {
            let accuracy = row["worst_attack_mean"].as_f64()?;
            Some((accuracy, text(&row["keys"]["method"])?, text(&row["worst_attack"])?))
        };
        cases.push(case().with_context(|| format!("no worst case in {row}"))?);
    }
    cases.sort_by(|a, b| b.0.total_cmp(&a.0));
    let tell = |(accuracy, method, attack): &(f64, String, String)| {
        format!("{method} {accuracy:.3} ({attack})")
    };
    let all: Vec<String> = cases.iter().map(tell).collect();
    Ok(format!("Worst cases, best first: {}.", all.join("; ")))
}
