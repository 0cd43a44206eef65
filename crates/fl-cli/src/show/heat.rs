//! Final numbers of a sweep as heat maps.

use super::grid::{Looks, footer, grid, labels, others};
use super::groups::{Group, Key, Measure, groups};
use fl_lab::{Status, Sweep};
use fl_plot::HeatMap;

/// Final numbers as colours: one map, or one for each combination of what its rows and columns do not show; each with what
/// its file's name ends in.
pub(crate) fn heat(
    sweep: &Sweep,
    statuses: &[Status],
    (rows, columns): (Option<Key>, Option<Key>),
    measure: Measure,
    looks: &Looks,
) -> Vec<(HeatMap, String)> {
    let rows = rows.unwrap_or(match &columns {
        Some(Key::Method) => grid(sweep, None, columns.clone()).0.unwrap_or(Key::Attack),
        _ => Key::Method,
    });
    let columns = match columns.or_else(|| grid(sweep, Some(rows.clone()), None).1) {
        Some(columns) => columns,
        None if rows == Key::Seed => Key::Method,
        None => Key::Seed,
    };
    let others = others(sweep, &[Some(&rows), Some(&columns)]);
    let mut keys = others.clone();
    keys.extend([rows.clone(), columns.clone()]);
    let groups = groups(sweep, statuses, &keys, measure);
    let mut which: Vec<&[String]> = Vec::new();
    for group in &groups {
        let labels = &group.labels[..others.len()];
        if !which.contains(&labels) {
            which.push(labels);
        }
    }
    let r_squared = groups.iter().any(|group| group.r_squared);
    let map = |which: &&[String]| {
        let groups = groups.iter().filter(|g| g.labels[..others.len()] == **which);
        let mut map = table(sweep, groups, others.len(), (&rows, &columns));
        let mut title = vec![looks.title.clone()];
        let here = others.iter().zip(*which);
        title.extend(here.map(|(key, label)| format!("{} = {label}", key.name())));
        map.title = Some(title.join(", "));
        map.footer = Some(footer(sweep, statuses, looks));
        map.value_label = measure.words(r_squared).to_owned();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let ending = |label: &String| format!("~{}", label.chars().map(plain).collect::<String>());
        (map, which.iter().map(ending).collect())
    };
    which.iter().map(map).collect()
}

/// One map of these groups, whose labels after the first `skip` are those of its rows and columns.
fn table<'g>(
    sweep: &Sweep,
    groups: impl Iterator<Item = &'g Group>,
    skip: usize,
    (rows, columns): (&Key, &Key),
) -> HeatMap {
    let (row_labels, column_labels) = (labels(sweep, Some(rows)), labels(sweep, Some(columns)));
    let mut values = vec![f64::NAN; row_labels.len() * column_labels.len()];
    for group in groups {
        let [row, column] = &group.labels[skip..] else { continue };
        let row = row_labels.iter().position(|label| label == row);
        let column = column_labels.iter().position(|label| label == column);
        if let (Some(row), Some(column)) = (row, column) {
            values[row * column_labels.len() + column] = group.mean;
        }
    }
    let (row_names, column_names, values) = match (rows.name(), columns.name()) {
        (_, "attack") => with_worst_column(&row_labels, &column_labels, &values),
        ("attack", _) => with_worst_row(&row_labels, &column_labels, values),
        _ => (row_labels, column_labels, values),
    };
    let mut map = HeatMap::new(row_names, column_names, values);
    (map.row_label, map.column_label) = (rows.name().to_owned(), columns.name().to_owned());
    map.range = Some((0.0, 1.0));
    map.digits = Some(2);
    map
}

/// What an adversary that chooses among the attacks leaves of each row, beside the row.
const WORST: &str = "worst case";

fn with_worst_column(
    rows: &[String],
    columns: &[String],
    values: &[f64],
) -> (Vec<String>, Vec<String>, Vec<f64>) {
    let columns = [columns, &[WORST.to_owned()]].concat();
    let with = |row: &[f64]| [row, &[least(row.iter().copied())]].concat();
    let values = values.chunks(columns.len() - 1).flat_map(with).collect();
    (rows.to_vec(), columns, values)
}

fn with_worst_row(
    rows: &[String],
    columns: &[String],
    mut values: Vec<f64>,
) -> (Vec<String>, Vec<String>, Vec<f64>) {
    let worst: Vec<f64> = (0..columns.len())
        .map(|c| least(values.iter().skip(c).step_by(columns.len()).copied()))
        .collect();
    values.extend(worst);
    ([rows, &[WORST.to_owned()]].concat(), columns.to_vec(), values)
}

/// The least of the numbers that are there; NaN of none.
fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.filter(|v| v.is_finite()).reduce(f64::min).unwrap_or(f64::NAN)
}
