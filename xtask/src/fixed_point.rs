//! Where Byrd-SAGA ends on Figure 7 once its variance is gone: a fixed point, which the solver of its median moves.
//!
//! SAGA's messages become the local gradients, so the local gradients themselves are sent here, at the reference's step. The
//! two distances were found by an independent implementation.

use crate::cmd;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// Figure 7 without sampling.
const EXPERIMENT: &str = r#"
name = "fixed-point"
rounds = 2000
seeds = [0]
evaluate-every = 1000
final-window = 1000
data = { set = "mnist", partition.by-class = { workers-per-class = 3 } }
federation = { workers = 30, byzantine.classes = [8, 9], attack.sample-duplicating = { worker = 0 } }
checkpoint.keep = "nothing"
telemetry.optimum = true
model.softmax = { bias = true, l2 = 0.01 }
train = { batch = 32, step = 0.5 }
[[method]]
name = "exact"
estimator = "full-gradient"
rule = "geometric-median"
[[method]]
name = "steps"
estimator = "full-gradient"
rule.weiszfeld = { iterations = 80, tolerance = 1e-5 }
"#;

/// ‖x − x*‖² with the exact geometric median, and with 80 of Weiszfeld's steps.
const EXPECTED: [(&str, f64); 2] = [("exact", 10.1401), ("steps", 10.087)];

/// Runs both where the data are.
pub(crate) fn check(room: &Path) -> Result<()> {
    if std::env::var_os("FL_DATA_DIR").is_none() {
        eprintln!(
            "the fixed point of Figure 7 was skipped: FL_DATA_DIR names no folder with MNIST"
        );
        return Ok(());
    }
    let (file, out) = (room.join("fixed-point.toml"), room.join("fixed-point"));
    fs::write(&file, EXPERIMENT)?;
    let texts = [&file, &out].map(|path| path.display().to_string());
    cmd::fl_cli(&["run", &texts[0], "--quiet", "--out", &texts[1]])?;
    for cell in fs::read_dir(out.join("fixed-point"))? {
        let cell = cell?;
        let name = cell.file_name().to_string_lossy().into_owned();
        let Some((_, expected)) = EXPECTED.iter().find(|(method, _)| name.starts_with(method))
        else {
            continue;
        };
        let lines = fs::read_to_string(cell.path().join("metrics.jsonl"))?;
        let last: serde_json::Value =
            serde_json::from_str(lines.lines().last().context("no measurements")?)?;
        let found = last["squared_distance_to_optimum"].as_f64().context("no distance")?;
        eprintln!("{name}: ‖x − x*‖² = {found:.4}, expected {expected}");
        ensure!((found - expected).abs() < 5e-3, "{name}: {found} is not {expected}");
    }
    Ok(())
}
