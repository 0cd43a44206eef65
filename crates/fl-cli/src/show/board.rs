//! Tables of how runs stand.

use super::words::{duration, state, tally};
use crate::host::failure::Failure;
use crate::host::say;
use comfy_table::{CellAlignment, Table, presets};
use fl_lab::Status;
use std::io::IsTerminal;
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
            left.filter(|_| is_running).map_or(String::new(), duration),
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
            say::bytes(b"\x1b[H\x1b[2J");
        }
        if is_terminal || text != before {
            say::result(&text);
        }
        let over = |row: &Row| {
            matches!(row.standing, Status::Finished(_) | Status::Beyond(_) | Status::Failed(_))
        };
        match every {
            // Nobody follows what nobody can read.
            Some(seconds) if !rows.iter().all(over) && say::lost().is_none() => {
                std::thread::sleep(Duration::from_secs_f64(seconds.clamp(0.05, 3600.0)));
            }
            _ => return Ok(()),
        }
        before = text;
    }
}
