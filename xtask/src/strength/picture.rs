//! A federation's numbers as a picture: pipelines by attacks.

use super::federation::{Attack, Federation, Which};
use crate::cmd;
use crate::statistics::Estimate;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;

/// Where pictures are made.
const FOLDER: &str = "target/strength";

/// Draws all federations; the pictures go to docs/figures.
pub(super) fn draw(federations: &[Federation]) -> Result<()> {
    let mut paths = Vec::new();
    for federation in federations {
        let path = format!("{FOLDER}/strength-{}.json", federation.name);
        cmd::write(&path, &(description(federation).to_string() + "\n"))?;
        paths.push(path);
    }
    let mut args = vec!["draw"];
    args.extend(paths.iter().map(String::as_str));
    cmd::fl_cli(&args)?;
    for federation in federations {
        let name = format!("strength-{}.png", federation.name);
        let from = cmd::root().join(FOLDER).join(&name);
        let to = cmd::root().join("docs/figures").join(&name);
        fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// The picture: worst cases beside the attacks that they are of.
fn description(federation: &Federation) -> Value {
    let ranking = federation.ranking();
    let mut columns: Vec<String> = Vec::new();
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); ranking.len()];
    for (which, held_out) in [(Which::Searched, false), (Which::HeldOut, true)] {
        let of: Vec<&Attack> =
            federation.attacks.iter().filter(|a| a.held_out == held_out).collect();
        if of.is_empty() {
            continue;
        }
        for attack in of {
            columns.push(attack.name.clone());
            for (row, method) in values.iter_mut().zip(&ranking) {
                let values = federation.under(method, &attack.name).unwrap_or_default();
                row.push(Estimate::of(&values).map_or(f64::NAN, |e| e.mean));
            }
        }
        columns.push(if held_out { "WORST, held out" } else { "WORST of these" }.to_owned());
        for (row, method) in values.iter_mut().zip(&ranking) {
            row.push(federation.worst(method, which).map_or(f64::NAN, |w| w.estimate.mean));
        }
    }
    let footer = format!(
        "{} rounds, mean over {} seeds; best worst case first; steps chosen on other seeds and rows",
        federation.rounds,
        federation.seeds.len()
    );
    json!({
        "title": format!("Final test accuracy: {}", federation.title),
        "footer": footer,
        "heat": {
            // Long names would be cut off.
            "rows": ranking.iter().map(|m| m.name.replace("geometric median", "GM")).collect::<Vec<_>>(),
            "columns": columns,
            "row-label": "pipeline",
            "column-label": "attack",
            "value-label": "final test accuracy",
            "values": values.concat(),
            "range": [0.0, 1.0],
            "digits": 2,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::federation::example;
    use super::*;

    #[test]
    fn worst_cases_stand_behind_their_attacks() {
        let heat = &description(&example())["heat"];
        assert_eq!(
            heat["columns"],
            json!(["none", "ALIE", "IPM", "WORST of these", "zero", "WORST, held out"])
        );
        assert_eq!(heat["rows"][0], "SAGA + SMEA");
        assert_eq!(heat["values"].as_array().unwrap().len(), 12);
        assert_eq!(heat["values"][5], 0.5);
    }
}
