//! Groups of runs as tables.

use super::groups::{Group, Key, Measure};
use crate::host::failure::Failure;
use crate::host::say::on_one_line;
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use fl_lab::Sweep;
use serde::Serialize;
use std::fmt::Write as _;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// Columns of characters
    Table,
    /// Comma-separated values, all digits
    Csv,
    /// A list of objects, all digits
    Json,
    /// Markdown
    Markdown,
    /// A LaTeX tabular
    Latex,
}

/// Groups as a table.
pub(crate) struct Report<'a> {
    pub(crate) keys: &'a [Key],
    pub(crate) groups: Vec<Group>,
    pub(crate) measure: Measure,
    pub(crate) sweep: &'a Sweep,
}

impl Report<'_> {
    /// All of it in a format.
    pub(crate) fn text(&self, format: TableFormat) -> Result<String, Failure> {
        Ok(match format {
            TableFormat::Table => self.table(),
            TableFormat::Csv => self.csv(),
            TableFormat::Json => self.json()?,
            TableFormat::Markdown => self.markdown(),
            TableFormat::Latex => self.latex(),
        })
    }

    fn has_attacks(&self) -> bool {
        self.groups.iter().any(|group| group.worst_attack.is_some())
    }

    fn header(&self) -> Vec<String> {
        let mut header: Vec<String> =
            self.keys.iter().map(|key| on_one_line(key.name()).into()).collect();
        header.extend(["cells", "mean", "± 95 %", "best", "worst"].map(str::to_owned));
        if self.has_attacks() {
            header.push("worst attack".to_owned());
        }
        header
    }

    /// Whether a group's mean is the best of the methods that it is to be compared with.
    fn leads(&self, group: &Group) -> bool {
        let Some(method) = self.keys.iter().position(|key| *key == Key::Method) else {
            return false;
        };
        let same = |other: &&Group| {
            let labels = other.labels.iter().zip(&group.labels).enumerate();
            labels.filter(|(i, _)| *i != method).all(|(_, (a, b))| a == b)
        };
        let rivals: Vec<&Group> = self.groups.iter().filter(same).collect();
        rivals.len() > 1 && rivals.iter().all(|rival| rival.mean <= group.mean)
    }

    fn row(&self, group: &Group, pm: &str) -> Vec<String> {
        let mut row: Vec<String> =
            group.labels.iter().map(|label| on_one_line(label).into()).collect();
        let cells = match (group.cells == group.of, group.diverged) {
            (true, 0) => group.cells.to_string(),
            (false, 0) => format!("{} of {}", group.cells, group.of),
            (true, n) => format!("{}, {n} diverged", group.cells),
            (false, n) => format!("{} of {}, {n} diverged", group.cells, group.of),
        };
        row.push(cells);
        row.push(format!("{:.4}", group.mean));
        row.push(group.half.map_or(String::new(), |half| format!("{pm}{half:.4}")));
        row.extend([group.best, group.worst].map(|v| format!("{v:.4}")));
        if self.has_attacks() {
            let worst = group.worst_attack.as_ref();
            row.push(worst.map_or(String::new(), |(name, mean)| {
                format!("{mean:.4} ({})", on_one_line(name))
            }));
        }
        row
    }

    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(self.header());
        for group in &self.groups {
            table.add_row(self.row(group, "± "));
        }
        for column in self.keys.len()..self.keys.len() + 5 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        format!("{table}\n{}", self.legend())
    }

    /// What the numbers are.
    fn legend(&self) -> String {
        let what = self.measure.words(self.groups.iter().any(|group| group.r_squared));
        let seeds = self.sweep.base.seeds.len();
        format!(
            "{what}: mean over {seeds} seeds with its 95 % Student-t interval; best and worst cell"
        )
    }

    fn csv(&self) -> String {
        let mut text = String::new();
        let mut header: Vec<String> = self.keys.iter().map(|key| csv_field(key.name())).collect();
        header.extend(
            ["cells", "of", "diverged", "mean", "half_width_95", "best", "worst"]
                .map(str::to_owned),
        );
        header.extend(["worst_attack", "worst_attack_mean"].map(str::to_owned));
        let _ = writeln!(text, "{}", header.join(","));
        for g in &self.groups {
            let mut row: Vec<String> = g.labels.iter().map(|label| csv_field(label)).collect();
            row.extend([g.cells, g.of, g.diverged].map(|n| n.to_string()));
            row.push(g.mean.to_string());
            row.push(g.half.map_or(String::new(), |half| half.to_string()));
            row.extend([g.best, g.worst].map(|v| v.to_string()));
            match &g.worst_attack {
                Some((name, mean)) => row.extend([csv_field(name), mean.to_string()]),
                None => row.extend([String::new(), String::new()]),
            }
            let _ = writeln!(text, "{}", row.join(","));
        }
        text
    }

    fn json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(&self.numbers()).map_err(|e| Failure::Failed(e.into()))
    }

    /// The groups as plain data.
    pub(crate) fn numbers(&self) -> Vec<Numbers<'_>> {
        let numbers = |g: &Group| Numbers {
            keys: self.keys.iter().zip(&g.labels).map(|(k, l)| (k.name(), l.clone())).collect(),
            cells: g.cells,
            of: g.of,
            diverged: g.diverged,
            mean: g.mean,
            half_width_95: g.half,
            best: g.best,
            worst: g.worst,
            worst_attack: g.worst_attack.as_ref().map(|(name, _)| name.clone()),
            worst_attack_mean: g.worst_attack.as_ref().map(|(_, mean)| *mean),
        };
        self.groups.iter().map(numbers).collect()
    }

    fn markdown(&self) -> String {
        let line = |row: &[String]| {
            let row: Vec<String> = row.iter().map(|field| field.replace('|', "\\|")).collect();
            format!("| {} |\n", row.join(" | "))
        };
        let header = self.header();
        let mut text = line(&header);
        let rule: Vec<&str> =
            (0..header.len()).map(|i| if i < self.keys.len() { "---" } else { "---:" }).collect();
        let _ = writeln!(text, "| {} |", rule.join(" | "));
        for group in &self.groups {
            let mut row = self.row(group, "± ");
            if self.leads(group) {
                let mean = &mut row[self.keys.len() + 1];
                *mean = format!("**{mean}**");
            }
            text += &line(&row);
        }
        let _ = write!(text, "\n{}", self.legend());
        text
    }

    fn latex(&self) -> String {
        let escape = |field: &str| {
            let mut text = String::new();
            for c in field.chars() {
                match c {
                    '&' | '%' | '$' | '#' | '_' | '{' | '}' => text.extend(['\\', c]),
                    '~' => text.push_str("\\textasciitilde{}"),
                    '^' => text.push_str("\\textasciicircum{}"),
                    '\\' => text.push_str("\\textbackslash{}"),
                    '±' => text.push_str("$\\pm$"),
                    '–' => text.push_str("--"),
                    c => text.push(c),
                }
            }
            text
        };
        let line = |row: &[String]| {
            let row: Vec<String> = row.iter().map(|field| escape(field)).collect();
            row.join(" & ") + " \\\\\n"
        };
        let header = self.header();
        let columns: String =
            (0..header.len()).map(|i| if i < self.keys.len() { 'l' } else { 'r' }).collect();
        let mut text = format!("% {}\n\\begin{{tabular}}{{{columns}}}\n\\hline\n", self.legend());
        text += &line(&header);
        text += "\\hline\n";
        for group in &self.groups {
            let row = self.row(group, "± ");
            let mut row: Vec<String> = row.iter().map(|field| escape(field)).collect();
            if self.leads(group) {
                let mean = &mut row[self.keys.len() + 1];
                *mean = format!("\\textbf{{{mean}}}");
            }
            text += &(row.join(" & ") + " \\\\\n");
        }
        text + "\\hline\n\\end{tabular}"
    }
}

/// A field of a CSV file, with quotes where it needs them.
pub(crate) fn csv_field(text: &str) -> String {
    let text = on_one_line(text);
    if text.contains([',', '"']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.into()
}

/// A group as plain data.
#[derive(Debug, Serialize)]
pub(crate) struct Numbers<'a> {
    #[serde(serialize_with = "in_order")]
    keys: Vec<(&'a str, String)>,
    cells: usize,
    of: usize,
    diverged: usize,
    mean: f64,
    half_width_95: Option<f64>,
    best: f64,
    worst: f64,
    worst_attack: Option<String>,
    worst_attack_mean: Option<f64>,
}

/// Pairs as an object that keeps their order.
fn in_order<S: serde::Serializer>(pairs: &[(&str, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}
