//! `fl-cli plot`, and the curves at the end of a run.

use crate::args::PlotArgs;
use crate::failure::Failure;
use crate::tables::{self, Key};
use crate::{experiment, say};
use anyhow::anyhow;
use fl_plot::{Axis, Curve, Figure, HeatMap, Panel, Point, Terminal};
use fl_sim::{Cell, Experiment, Outcome, Registry, Standing, Sweep};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Draws what is finished of an experiment: curves, for a sweep in panels, or final numbers as heat maps.
pub(crate) fn plot(args: &PlotArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let folder = args.out.join(&sweep.base.name);
    let cells: Vec<&Cell> = sweep.cells.iter().map(|c| &c.cell).collect();
    let standings = fl_sim::standings(&cells, &folder)?;
    let finished = standings.iter().filter(|s| s.is_finished()).count();
    if finished == 0 {
        return Err(Failure::Failed(anyhow!(
            "none of the {} runs of {} is finished in {}; `fl-cli run {}` runs them",
            cells.len(),
            sweep.base.name,
            folder.display(),
            args.experiment.config.display()
        )));
    }
    if finished < cells.len() {
        say::remark(format_args!("{finished} of {} runs are finished; drawing those", cells.len()));
    }
    let key = |name: &Option<String>| name.as_deref().map(|n| Key::find(&sweep, n)).transpose();
    let (rows, columns) = (key(&args.rows)?, key(&args.columns)?);
    if args.heat {
        let stem = args.figure.clone().unwrap_or_else(|| folder.join("heat"));
        return heat(&sweep, &standings, rows, columns, args, &stem);
    }
    let stem = args.figure.clone().unwrap_or_else(|| folder.join("accuracy"));
    let figure = if sweep.is_one() && rows.is_none() && columns.is_none() {
        let outcomes = fl_sim::finished_cells(&sweep.base, &folder)?;
        figure(&sweep.base, &outcomes, args.title.clone())
    } else {
        panels(&sweep, &standings, rows, columns, args, &folder)?
    };
    for picture in fl_plot::save(&figure, &stem)? {
        say::result(picture.display());
    }
    Ok(())
}

/// The keys of rows and columns: what was asked for, or else the axes in their order.
fn grid(sweep: &Sweep, rows: Option<Key>, columns: Option<Key>) -> (Option<Key>, Option<Key>) {
    let taken = [rows.clone(), columns.clone()];
    let axes = sweep.axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1);
    let mut free = axes
        .map(|(i, axis)| Key::Axis(i, axis.name.clone()))
        .filter(|key| !taken.contains(&Some(key.clone())));
    let columns = columns.or_else(|| free.next());
    let rows = rows.or_else(|| free.next());
    (rows, columns)
}

/// The labels of a key among the cells, in the order of the file; one without a name where there is no key.
fn labels(sweep: &Sweep, key: Option<&Key>) -> Vec<String> {
    let Some(key) = key else { return vec![String::new()] };
    let mut labels: Vec<String> = Vec::new();
    let mut order: Vec<usize> = Vec::new();
    for c in &sweep.cells {
        let label = key.label(sweep, c.point, &c.cell);
        if !labels.contains(&label) {
            order.push(key.order(sweep, c.point, &c.cell));
            labels.push(label);
        }
    }
    let mut both: Vec<(usize, String)> = order.into_iter().zip(labels).collect();
    both.sort();
    both.into_iter().map(|(_, label)| label).collect()
}

/// What tells a sweep's cells apart beside these keys, seeds left out.
fn others(sweep: &Sweep, taken: &[Option<&Key>]) -> Vec<Key> {
    let axes = sweep.axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1);
    let mut keys: Vec<Key> = vec![Key::Method];
    keys.extend(axes.map(|(i, axis)| Key::Axis(i, axis.name.clone())));
    keys.retain(|key| !taken.contains(&Some(key)));
    keys
}

/// Curves in a grid of panels: a curve for each method, and for each value of what the grid does not show.
fn panels(
    sweep: &Sweep,
    standings: &[Standing],
    rows: Option<Key>,
    columns: Option<Key>,
    args: &PlotArgs,
    folder: &Path,
) -> Result<Figure, Failure> {
    let (rows, columns) = grid(sweep, rows, columns);
    let others = others(sweep, &[rows.as_ref(), columns.as_ref()]);
    let (row_labels, column_labels) =
        (labels(sweep, rows.as_ref()), labels(sweep, columns.as_ref()));
    // By row, column and curve: a series of points a seed.
    type Series = Vec<Vec<(f64, f64)>>;
    let mut found: BTreeMap<(usize, usize, Vec<usize>), (String, Series)> = BTreeMap::new();
    for (c, _) in sweep.cells.iter().zip(standings).filter(|(_, s)| s.is_finished()) {
        let place = |key: Option<&Key>, labels: &[String]| {
            let label = key.map(|key| key.label(sweep, c.point, &c.cell)).unwrap_or_default();
            labels.iter().position(|l| *l == label).unwrap_or(0)
        };
        let row = place(rows.as_ref(), &row_labels);
        let column = place(columns.as_ref(), &column_labels);
        let name: Vec<String> = others.iter().map(|k| k.label(sweep, c.point, &c.cell)).collect();
        let order = others.iter().map(|key| key.order(sweep, c.point, &c.cell)).collect();
        let path = folder.join(c.cell.folder()).join("metrics.jsonl");
        let metrics = fl_sim::read_metrics(&path)?;
        let points = metrics.iter().map(|m| (m.round as f64, m.accuracy)).collect();
        let entry = found.entry((row, column, order));
        entry.or_insert_with(|| (name.join(", "), Vec::new())).1.push(points);
    }
    // Rows and columns of which nothing is finished yet are left out.
    let keep = |labels: &[String], there: &BTreeSet<usize>| -> Vec<(usize, String)> {
        let labels = labels.iter().cloned().enumerate();
        labels.filter(|(place, _)| there.contains(place)).collect()
    };
    let row_labels = keep(&row_labels, &found.keys().map(|(row, _, _)| *row).collect());
    let column_labels = keep(&column_labels, &found.keys().map(|(_, column, _)| *column).collect());
    let last = row_labels.last().map_or(0, |(row, _)| *row);
    let mut panels = Vec::new();
    for (r, row) in &row_labels {
        for (c, column) in &column_labels {
            let mut curves: Vec<Curve> = found
                .iter()
                .filter(|((row, column, _), _)| (row, column) == (r, c))
                .map(|(_, (name, series))| Curve::from_seeds(name, series))
                .collect();
            if curves.is_empty() {
                // A place of the grid that is excluded or not finished keeps its axes.
                let end = sweep.base.rounds as f64;
                curves.push(Curve::new("", vec![Point::new(0.0, -1.0), Point::new(end, -1.0)]));
            }
            let y = if *c == column_labels[0].0 { "test accuracy" } else { "" };
            let x = if *r == last { "round" } else { "" };
            let mut panel = Panel::new(Axis::new(x), Axis::new(y).range(0.0, 1.0), curves);
            let titles = [(&columns, column), (&rows, row)];
            let titles = titles.iter().filter_map(|(key, label)| {
                key.as_ref().map(|key| format!("{} = {label}", key.name()))
            });
            panel.title = Some(titles.collect::<Vec<_>>().join(", "));
            panels.push(panel);
        }
    }
    let (down, across) = (row_labels.len() as u32, column_labels.len() as u32);
    let mut figure = Figure::new(panels);
    figure.columns = column_labels.len();
    figure.width = (80 + 300 * across).max(700);
    figure.height = 90 + 250 * down;
    figure.title = Some(args.title.clone().unwrap_or_else(|| sweep.base.name.clone()));
    figure.footer = Some(footer(sweep, standings));
    Ok(figure)
}

/// Final numbers as colours: one map, or one for each combination of what its rows and columns do not show.
fn heat(
    sweep: &Sweep,
    standings: &[Standing],
    rows: Option<Key>,
    columns: Option<Key>,
    args: &PlotArgs,
    stem: &Path,
) -> Result<(), Failure> {
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
    let groups = tables::groups(sweep, standings, &keys, args.measure);
    let (row_labels, column_labels) = (labels(sweep, Some(&rows)), labels(sweep, Some(&columns)));
    let mut maps: Vec<Vec<String>> = Vec::new();
    for group in &groups {
        let which = group.labels[..others.len()].to_vec();
        if !maps.contains(&which) {
            maps.push(which);
        }
    }
    let name = args.title.clone().unwrap_or_else(|| sweep.base.name.clone());
    for which in &maps {
        let mut values = vec![f64::NAN; row_labels.len() * column_labels.len()];
        for group in groups.iter().filter(|g| g.labels[..others.len()] == which[..]) {
            let [row, column] = &group.labels[others.len()..] else { continue };
            let row = row_labels.iter().position(|label| label == row);
            let column = column_labels.iter().position(|label| label == column);
            if let (Some(row), Some(column)) = (row, column) {
                values[row * column_labels.len() + column] = group.mean;
            }
        }
        let mut map = HeatMap::new(row_labels.clone(), column_labels.clone(), values);
        let here: Vec<String> = others
            .iter()
            .zip(which)
            .map(|(key, label)| format!("{} = {label}", key.name()))
            .collect();
        map.title = Some([std::slice::from_ref(&name), &here].concat().join(", "));
        map.footer = Some(footer(sweep, standings));
        (map.row_label, map.column_label) = (rows.name().to_owned(), columns.name().to_owned());
        map.value_label = args.measure.words().to_owned();
        map.range = Some((0.0, 1.0));
        map.digits = Some(2);
        let mut path = stem.as_os_str().to_owned();
        for label in which {
            let plain =
                |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
            path.push(format!("~{}", label.chars().map(plain).collect::<String>()));
        }
        for picture in map.save(Path::new(&path))? {
            say::result(picture.display());
        }
    }
    Ok(())
}

/// What a picture of a sweep was drawn from.
fn footer(sweep: &Sweep, standings: &[Standing]) -> String {
    let done = standings.iter().filter(|s| s.is_finished()).count();
    let digest = standings.iter().find_map(|s| s.done()).map_or("", |d| &d.data_digest);
    format!(
        "{}: {} rounds, {} seeds, {done} of {} cells; data SHA-256 {}…; fl-cli {}",
        sweep.base.name,
        sweep.base.rounds,
        sweep.base.seeds.len(),
        standings.len(),
        &digest[..12.min(digest.len())],
        env!("CARGO_PKG_VERSION")
    )
}

/// Test accuracy against rounds: a curve a method, with the 95 % interval of its mean over seeds.
pub(crate) fn figure(
    experiment: &Experiment,
    outcomes: &[Outcome],
    title: Option<String>,
) -> Figure {
    let curves = experiment
        .method
        .iter()
        .filter_map(|method| {
            let series: Vec<Vec<(f64, f64)>> = outcomes
                .iter()
                .filter(|o| o.cell.method.name == method.name)
                .map(|o| o.metrics.iter().map(|m| (m.round as f64, m.accuracy)).collect())
                .collect();
            (!series.is_empty()).then(|| Curve::from_seeds(&method.name, &series))
        })
        .collect();
    let panel = Panel::new(Axis::new("round"), Axis::new("test accuracy").range(0.0, 1.0), curves);
    let digest = outcomes.first().map_or("", |o| &o.done.data_digest);
    let mut hashes: Vec<&str> = outcomes.iter().map(|o| o.cell.hash.as_str()).collect();
    hashes.sort_unstable();
    let footer = format!(
        "{}: {} rounds, {} seeds, {} runs ({}…); data SHA-256 {}…; fl-cli {}",
        experiment.name,
        experiment.rounds,
        experiment.seeds.len(),
        outcomes.len(),
        hashes.first().unwrap_or(&""),
        &digest[..12.min(digest.len())],
        env!("CARGO_PKG_VERSION")
    );
    Figure {
        title: Some(title.unwrap_or_else(|| experiment.name.clone())),
        footer: Some(footer),
        ..Figure::new(vec![panel])
    }
}

/// The figure's panels in characters.
pub(crate) fn terminal(figure: &Figure) -> Result<String, Failure> {
    let size = Terminal { width: 88, ..Terminal::default() };
    let panels: Result<Vec<_>, _> =
        figure.panels.iter().map(|p| fl_plot::terminal(p, &size)).collect();
    Ok(panels?.join("\n"))
}
