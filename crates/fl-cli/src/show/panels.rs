//! Curves of a sweep in a grid of panels.

use super::grid::{Looks, footer, grid, labels, others};
use super::groups::Key;
use super::metric::Quantity;
use crate::host::failure::Failure;
use anyhow::anyhow;
use fl_lab::{Status, Sweep};
use fl_plot::{Axis, Curve, Figure, Panel, Point};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What curves a panel has: by row, column and order, their names and points.
type Found<P> = BTreeMap<(usize, usize, Vec<usize>), (String, P)>;
/// A series of points a seed.
type Series = Vec<Vec<(f64, f64)>>;

/// Curves in a grid of panels: a curve for each method, and for each value of what the grid does not show.
pub(crate) fn panels(
    sweep: &Sweep,
    statuses: &[Status],
    quantity: &Quantity,
    (rows, columns): (Option<Key>, Option<Key>),
    looks: &Looks,
    folder: &Path,
) -> Result<Figure, Failure> {
    let (rows, columns) = grid(sweep, rows, columns);
    let (row_labels, column_labels) =
        (labels(sweep, rows.as_ref()), labels(sweep, columns.as_ref()));
    let found = gather(
        sweep,
        statuses,
        quantity,
        (&rows, &row_labels),
        (&columns, &column_labels),
        folder,
    )?;
    // Rows and columns of which nothing is finished yet are left out.
    let keep = |labels: &[String], there: &BTreeSet<usize>| -> Vec<(usize, String)> {
        let labels = labels.iter().cloned().enumerate();
        labels.filter(|(place, _)| there.contains(place)).collect()
    };
    let row_labels = keep(&row_labels, &found.keys().map(|(row, _, _)| *row).collect());
    let column_labels = keep(&column_labels, &found.keys().map(|(_, column, _)| *column).collect());
    let found: Found<Vec<Point>> = found
        .into_iter()
        .map(|(place, (name, series))| (place, (name, quantity.band(&series, looks.linear))))
        .collect();
    // All panels have one range, so that they can be compared.
    let axis = quantity.axis(looks.linear);
    let (low, high) = match axis.range {
        Some(range) => range,
        None => extent(found.values().flat_map(|(_, points)| points), quantity.log(looks.linear))
            .ok_or_else(|| nothing(quantity))?,
    };
    let axis = axis.range(low, high);
    let end = sweep.base.rounds as f64;
    let panels =
        drawn(&found, (&rows, &row_labels), (&columns, &column_labels), &axis, (high, end));
    let (down, across) = (row_labels.len() as u32, column_labels.len() as u32);
    let mut figure = Figure::new(panels);
    figure.columns = column_labels.len();
    figure.width = (80 + 300 * across).max(700);
    figure.height = 90 + 250 * down;
    figure.title = Some(looks.title.clone());
    figure.footer = Some(footer(sweep, statuses, looks));
    Ok(figure)
}

/// The series of all finished runs, each at its place.
fn gather(
    sweep: &Sweep,
    statuses: &[Status],
    quantity: &Quantity,
    (rows, row_labels): (&Option<Key>, &[String]),
    (columns, column_labels): (&Option<Key>, &[String]),
    folder: &Path,
) -> Result<Found<Series>, Failure> {
    let others = others(sweep, &[rows.as_ref(), columns.as_ref()]);
    let mut found: Found<Series> = BTreeMap::new();
    for (c, _) in sweep.cells.iter().zip(statuses).filter(|(_, s)| s.is_finished()) {
        let place = |key: Option<&Key>, labels: &[String]| {
            let label = key.map(|key| key.label(sweep, c.point, &c.cell)).unwrap_or_default();
            labels.iter().position(|l| *l == label).unwrap_or(0)
        };
        let row = place(rows.as_ref(), row_labels);
        let column = place(columns.as_ref(), column_labels);
        let name: Vec<String> = others.iter().map(|k| k.label(sweep, c.point, &c.cell)).collect();
        let order = others.iter().map(|key| key.order(sweep, c.point, &c.cell)).collect();
        let path = folder.join(c.cell.folder()).join("metrics.jsonl");
        let metrics = fl_lab::read_metrics(&path)?;
        let points = quantity.series(&metrics);
        let entry = found.entry((row, column, order));
        entry.or_insert_with(|| (name.join(", "), Vec::new())).1.push(points);
    }
    Ok(found)
}

/// The panels, row by row; all have this axis, which ends at `high`, and `end` rounds.
fn drawn(
    found: &Found<Vec<Point>>,
    (rows, row_labels): (&Option<Key>, &[(usize, String)]),
    (columns, column_labels): (&Option<Key>, &[(usize, String)]),
    axis: &Axis,
    (high, end): (f64, f64),
) -> Vec<Panel> {
    let last = row_labels.last().map_or(0, |(row, _)| *row);
    let mut panels = Vec::new();
    for (r, row) in row_labels {
        for (c, column) in column_labels {
            let mut curves: Vec<Curve> = found
                .iter()
                .filter(|((row, column, _), _)| (row, column) == (r, c))
                .map(|(_, (name, points))| Curve::new(name, points.clone()))
                .collect();
            if curves.iter().all(|curve| curve.points.iter().all(|p| !p.y.is_finite())) {
                // A place of the grid that is excluded or not finished keeps its axes; the points are beyond them.
                let beyond = 2.0 * high.abs() + 1.0;
                let points = [0.0, end].map(|x| Point::new(x, beyond));
                curves.push(Curve::new("", points.to_vec()));
            }
            let mut y = axis.clone();
            if *c != column_labels[0].0 {
                y.label.clear();
            }
            let x = if *r == last { "round" } else { "" };
            let mut panel = Panel::new(Axis::new(x), y, curves);
            let titles = [(columns, column), (rows, row)];
            let titles = titles.iter().filter_map(|(key, label)| {
                key.as_ref().map(|key| format!("{} = {label}", key.name()))
            });
            panel.title = Some(titles.collect::<Vec<_>>().join(", "));
            panels.push(panel);
        }
    }
    panels
}

/// The ends of an axis that shows all of these points.
fn extent<'a>(points: impl Iterator<Item = &'a Point>, log: bool) -> Option<(f64, f64)> {
    let values = points.flat_map(|p| [p.y, p.low, p.high]);
    let shown = values.filter(|v| v.is_finite() && (!log || *v > 0.0));
    let (low, high) =
        shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return None;
    }
    let room = 0.05 * (high - low).max(0.01 * high.abs()).max(1e-12);
    Some(if log { (low / 1.2, high * 1.2) } else { (low - room, high + room) })
}

/// That nothing has measured this.
pub(crate) fn nothing(quantity: &Quantity) -> Failure {
    let why = match quantity.name {
        "squared-distance-to-optimum" => "[telemetry] optimum = true measures it",
        _ => "no finished run has measured it",
    };
    Failure::Failed(anyhow!("there is no {} to draw: {why}", quantity.name))
}
