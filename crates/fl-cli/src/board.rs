//! Tables of how cells stand, and `fl-cli watch`.

use crate::args::WatchArgs;
use crate::failure::Failure;
use crate::say;
use crate::sweep::{state, tally};
use anyhow::anyhow;
use comfy_table::{CellAlignment, Table, presets};
use fl_lab::Status;
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A cell and how it stands.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Rounds that are asked for.
    pub(crate) rounds: u64,
    pub(crate) standing: Status,
}

/// Rows of a kind that are listed.
const LISTED: usize = 20;

/// How cells stand: counts, those that are running, and those that failed.
pub(crate) fn board(title: &str, rows: &[Row]) -> String {
    let mut text = format!("{title}: {}", tally(rows.iter().map(|row| &row.standing)));
    let listed: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            matches!(row.standing, Status::Running(_) | Status::Interrupted(_) | Status::Failed(_))
        })
        .collect();
    if listed.is_empty() {
        return text;
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["cell", "state", "rounds/s", "left", "accuracy"]);
    for row in listed.iter().take(LISTED) {
        let (speed, left, accuracy) = match &row.standing {
            Status::Running(p) | Status::Interrupted(p) => {
                let left =
                    p.rounds_per_second.map(|s| row.rounds.saturating_sub(p.round) as f64 / s);
                (p.rounds_per_second, left, p.accuracy)
            }
            _ => (None, None, None),
        };
        let is_running = matches!(row.standing, Status::Running(_));
        let what = match &row.standing {
            Status::Failed(reason) => {
                format!("failed: {}", reason.lines().next().unwrap_or_default())
            }
            standing => state(standing, row.rounds),
        };
        table.add_row([
            row.name.clone(),
            what,
            speed.filter(|_| is_running).map_or(String::new(), |s| format!("{s:.0}")),
            left.filter(|_| is_running).map_or(String::new(), crate::sweep::duration),
            accuracy.map_or(String::new(), |a| format!("{a:.4}")),
        ]);
    }
    for column in 2..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text = format!("{text}\n{table}");
    if listed.len() > LISTED {
        text += &format!("\n… and {} more", listed.len() - LISTED);
    }
    text
}

/// Shows how cells stand: once, or every so many seconds until nothing is left to do.
pub(crate) fn follow(
    title: &str,
    every: Option<f64>,
    mut look: impl FnMut() -> Result<Vec<Row>, Failure>,
) -> Result<(), Failure> {
    let is_terminal = std::io::stdout().is_terminal();
    let mut before = String::new();
    loop {
        let rows = look()?;
        let text = board(title, &rows);
        if is_terminal && every.is_some() {
            // From the top, over what was there.
            let _ = write!(std::io::stdout(), "\x1b[H\x1b[2J");
        }
        if is_terminal || text != before {
            say::result(&text);
        }
        let over = |row: &Row| matches!(row.standing, Status::Finished(_) | Status::Failed(_));
        match every {
            Some(seconds) if !rows.iter().all(over) => {
                std::thread::sleep(Duration::from_secs_f64(seconds.clamp(0.05, 3600.0)));
            }
            _ => return Ok(()),
        }
        before = text;
    }
}

/// Follows the folders of results of processes here or elsewhere, from their files alone.
pub(crate) fn watch(args: &WatchArgs) -> Result<(), Failure> {
    let folder = &args.folder;
    if !folder.is_dir() {
        return Err(Failure::Usage(anyhow!("{} is no folder of results", folder.display())));
    }
    // A cell's rounds do not change while it runs, but for a run that asks for more.
    let mut rounds: HashMap<PathBuf, u64> = HashMap::new();
    let look = || -> Result<Vec<Row>, Failure> {
        let cells = cells_below(folder)?;
        if cells.is_empty() && args.once {
            return Err(Failure::Failed(anyhow!("{} holds no cells", folder.display())));
        }
        let row = |path: PathBuf| {
            let standing = fl_lab::status(&path, None);
            let rounds = match &standing {
                Status::Finished(done) => done.rounds,
                _ => *rounds.entry(path.clone()).or_insert_with(|| asked(&path).unwrap_or(0)),
            };
            let name = path.strip_prefix(folder).unwrap_or(&path);
            Row { name: name.display().to_string(), rounds, standing }
        };
        Ok(cells.into_iter().map(row).collect())
    };
    follow(&folder.display().to_string(), (!args.once).then_some(args.every), look)
}

/// The cells of an experiment's folder, or of all experiments in a folder, by name.
fn cells_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_cell = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().matches('~').count());
        name == Some(3) && path.is_dir()
    };
    let mut cells = Vec::new();
    let list = |folder: &Path| -> Result<Vec<PathBuf>, Failure> {
        let entries = std::fs::read_dir(folder)
            .map_err(|e| Failure::Failed(anyhow!("cannot read {}: {e}", folder.display())))?;
        Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
    };
    if is_cell(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    for path in list(folder)? {
        if is_cell(&path) {
            cells.push(path);
        } else if path.is_dir() {
            cells.extend(list(&path)?.into_iter().filter(|path| is_cell(path)));
        }
    }
    cells.sort();
    Ok(cells)
}

/// The rounds that a cell's `config.toml` asks for.
fn asked(folder: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join("config.toml")).ok()?;
    let table: toml::Table = text.parse().ok()?;
    u64::try_from(table.get("rounds")?.as_integer()?).ok()
}
