//! `fl-cli plot`.

use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Out};
use crate::host::{self, experiment, say};
use crate::show::cells::finished;
use crate::show::curves::{band, small_print, with_commit};
use crate::show::groups::{self, Key, Measure};
use crate::show::metric::{QUANTITIES, Quantity};
use crate::show::report::csv_field;
use anyhow::anyhow;
use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, ValueEnum};
use fl_lab::{Experiment, Outcome, Registry, Status, Sweep, Timing};
use fl_plot::{Axis, Curve, Figure, HeatMap, Panel, Point};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, ClapArgs)]
pub(crate) struct PlotArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) results: Out,
    /// What to draw, a panel each; may be repeated, or given as a list with commas
    #[arg(long, value_name = "METRIC", value_delimiter = ',', default_value = "accuracy",
        value_parser = PossibleValuesParser::new(QUANTITIES.iter().map(|q| q.name)))]
    pub(crate) metric: Vec<String>,
    /// Draw final accuracies by method and class instead, as a heat map
    #[arg(long, conflicts_with_all = ["metric", "x", "linear", "heat"])]
    pub(crate) classes: bool,
    /// What to draw it against
    #[arg(long, value_enum, default_value_t = Against::Rounds)]
    pub(crate) x: Against,
    /// Linear axes also for what is spread over powers of ten, such as variations and distances
    #[arg(long)]
    pub(crate) linear: bool,
    /// The commit that the runs are of, for the small print
    #[arg(long, value_name = "TEXT")]
    pub(crate) commit: Option<String>,
    /// Path of the pictures without ending; in the results' folder, named after what is drawn, if left out
    #[arg(long, value_name = "STEM")]
    pub(crate) figure: Option<PathBuf>,
    /// Title of the picture; the experiment's name if left out
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Rows of panels, or of a heat map, by this key
    #[arg(long, value_name = "KEY")]
    pub(crate) rows: Option<String>,
    /// Columns of panels, or of a heat map, by this key
    #[arg(long, value_name = "KEY")]
    pub(crate) columns: Option<String>,
    /// Draw final numbers as a heat map instead of curves
    #[arg(long)]
    pub(crate) heat: bool,
    /// What a heat map shows
    #[arg(long, value_name = "NAME", default_value = "accuracy", requires = "heat")]
    pub(crate) measure: Measure,
}

/// What curves are drawn against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Against {
    /// Rounds
    Rounds,
    /// Seconds since the run began, evaluations left out; the mean over seeds
    Seconds,
}

/// Draws what is finished of an experiment: curves, for a sweep in panels, or final numbers as heat maps.
pub(crate) fn plot(args: &PlotArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let folder = args.results.out.join(&sweep.base.name);
    let statuses = finished(&sweep, &folder, &args.experiment.config)?;
    let key = |name: &Option<String>| name.as_deref().map(|n| Key::find(&sweep, n)).transpose();
    let (rows, columns) = (key(&args.rows)?, key(&args.columns)?);
    if args.heat {
        let stem = args.figure.clone().unwrap_or_else(|| folder.join("heat"));
        return heat(&sweep, &statuses, rows, columns, args, &stem);
    }
    let stem = |name: &str| args.figure.clone().unwrap_or_else(|| folder.join(name));
    let quantities: Vec<&Quantity> = args.metric.iter().map(|name| Quantity::find(name)).collect();
    let name = if let [one] = &*args.metric { one } else { "metrics" };
    if !sweep.is_one() || rows.is_some() || columns.is_some() {
        let [quantity] = *quantities else {
            return Err(Failure::Usage(anyhow!("a grid of panels shows one metric at a time")));
        };
        if args.classes || args.x == Against::Seconds {
            let what = if args.classes { "--classes" } else { "--x seconds" };
            return Err(Failure::Usage(anyhow!("{what} is for one experiment, not for a grid")));
        }
        let figure = panels(&sweep, &statuses, quantity, rows, columns, args, &folder)?;
        return save(&figure, &stem(name));
    }
    let outcomes = fl_lab::finished_cells(&sweep.base, &folder)?;
    let title = args.title.clone().unwrap_or_else(|| sweep.base.name.clone());
    if args.classes {
        let map = classes(&sweep.base, &outcomes, title, args.commit.as_deref());
        for picture in map.save(&stem("classes"))? {
            say::result(picture.display());
        }
        return Ok(());
    }
    let (figure, table) = draw(&sweep.base, &outcomes, &quantities, args)?;
    let stem = stem(name);
    save(&Figure { title: Some(title), ..figure }, &stem)?;
    let mut csv = stem.into_os_string();
    csv.push(".csv");
    let csv = PathBuf::from(csv);
    host::write(&csv, table.as_bytes())?;
    say::result(csv.display());
    Ok(())
}

fn save(figure: &Figure, stem: &Path) -> Result<(), Failure> {
    for picture in fl_plot::save(figure, stem)? {
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
    statuses: &[Status],
    quantity: &Quantity,
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
    for (c, _) in sweep.cells.iter().zip(statuses).filter(|(_, s)| s.is_finished()) {
        let place = |key: Option<&Key>, labels: &[String]| {
            let label = key.map(|key| key.label(sweep, c.point, &c.cell)).unwrap_or_default();
            labels.iter().position(|l| *l == label).unwrap_or(0)
        };
        let row = place(rows.as_ref(), &row_labels);
        let column = place(columns.as_ref(), &column_labels);
        let name: Vec<String> = others.iter().map(|k| k.label(sweep, c.point, &c.cell)).collect();
        let order = others.iter().map(|key| key.order(sweep, c.point, &c.cell)).collect();
        let path = folder.join(c.cell.folder()).join("metrics.jsonl");
        let metrics = fl_lab::read_metrics(&path)?;
        let points = quantity.series(&metrics);
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
    let found: BTreeMap<_, (String, Vec<Point>)> = found
        .into_iter()
        .map(|(place, (name, series))| (place, (name, quantity.band(&series, args.linear))))
        .collect();
    // All panels have one range, so that they can be compared.
    let axis = quantity.axis(args.linear);
    let (low, high) = match axis.range {
        Some(range) => range,
        None => extent(found.values().flat_map(|(_, points)| points), quantity.log(args.linear))
            .ok_or_else(|| nothing(quantity))?,
    };
    let mut panels = Vec::new();
    for (r, row) in &row_labels {
        for (c, column) in &column_labels {
            let mut curves: Vec<Curve> = found
                .iter()
                .filter(|((row, column, _), _)| (row, column) == (r, c))
                .map(|(_, (name, points))| Curve::new(name, points.clone()))
                .collect();
            if curves.iter().all(|curve| curve.points.iter().all(|p| !p.y.is_finite())) {
                // A place of the grid that is excluded or not finished keeps its axes; the points are beyond them.
                let (end, beyond) = (sweep.base.rounds as f64, 2.0 * high.abs() + 1.0);
                let points = [0.0, end].map(|x| Point::new(x, beyond));
                curves.push(Curve::new("", points.to_vec()));
            }
            let mut y = axis.clone().range(low, high);
            if *c != column_labels[0].0 {
                y.label.clear();
            }
            let x = if *r == last { "round" } else { "" };
            let mut panel = Panel::new(Axis::new(x), y, curves);
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
    figure.footer = Some(with_commit(footer(sweep, statuses), args.commit.as_deref()));
    Ok(figure)
}

/// Final numbers as colours: one map, or one for each combination of what its rows and columns do not show.
fn heat(
    sweep: &Sweep,
    statuses: &[Status],
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
    let groups = groups::groups(sweep, statuses, &keys, args.measure);
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
        let (row_names, column_names, values) = match (rows.name(), columns.name()) {
            (_, "attack") => with_worst_column(&row_labels, &column_labels, &values),
            ("attack", _) => with_worst_row(&row_labels, &column_labels, values),
            _ => (row_labels.clone(), column_labels.clone(), values),
        };
        let mut map = HeatMap::new(row_names, column_names, values);
        let here: Vec<String> = others
            .iter()
            .zip(which)
            .map(|(key, label)| format!("{} = {label}", key.name()))
            .collect();
        map.title = Some([std::slice::from_ref(&name), &here].concat().join(", "));
        map.footer = Some(with_commit(footer(sweep, statuses), args.commit.as_deref()));
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

/// What a picture of a sweep was drawn from.
fn footer(sweep: &Sweep, statuses: &[Status]) -> String {
    let done = statuses.iter().filter(|s| s.is_finished()).count();
    let digest = statuses.iter().find_map(|s| s.done()).map_or("", |d| &d.data_digest);
    format!(
        "{}: {} rounds, {} seeds, {done} of {} cells; data SHA-256 {}…; fl-cli {}",
        sweep.base.name,
        sweep.base.rounds,
        sweep.base.seeds.len(),
        statuses.len(),
        &digest[..12.min(digest.len())],
        env!("CARGO_PKG_VERSION")
    )
}

/// A panel a quantity, and the same numbers as CSV.
fn draw(
    experiment: &Experiment,
    outcomes: &[Outcome],
    quantities: &[&Quantity],
    args: &PlotArgs,
) -> Result<(Figure, String), Failure> {
    let mut panels = Vec::new();
    let mut table = "metric,method,round,seconds,mean,low,high,seeds\n".to_owned();
    let mut geometric = false;
    for quantity in quantities {
        let log = quantity.log(args.linear);
        let mut curves = Vec::new();
        for method in &experiment.method {
            let runs: Vec<&Outcome> =
                outcomes.iter().filter(|o| o.cell.method.name == method.name).collect();
            if runs.is_empty() {
                continue;
            }
            let points = band(&runs, quantity, args.linear);
            let seconds = seconds(&runs)?;
            let at = |round: f64| {
                let found = seconds.iter().find(|(r, _)| *r == round);
                found.map_or(f64::NAN, |&(_, seconds)| seconds)
            };
            for p in points.iter().filter(|p| p.y.is_finite()) {
                let (name, round) = (csv_field(&method.name), p.x);
                let (seconds, seeds) = (at(round), runs.len());
                let _ = writeln!(
                    table,
                    "{},{name},{round},{seconds:.4},{},{},{},{seeds}",
                    quantity.name, p.y, p.low, p.high
                );
            }
            let place = |p: Point| match args.x {
                Against::Rounds => p,
                Against::Seconds => Point { x: at(p.x), ..p },
            };
            geometric |= log && runs.len() > 1;
            // A method without such numbers keeps its place in the legend, so that colours mean the same everywhere.
            curves.push(Curve::new(&method.name, points.into_iter().map(place).collect()));
        }
        if curves.iter().all(|c| c.points.iter().all(|p| !p.y.is_finite())) {
            return Err(nothing(quantity));
        }
        let y = quantity.axis(args.linear);
        let x = match args.x {
            Against::Rounds => "round",
            Against::Seconds => "seconds",
        };
        panels.push(Panel::new(Axis::new(x), y, curves));
    }
    let mut footer = small_print(experiment, outcomes, args.commit.as_deref());
    if geometric {
        footer.push_str("; on logarithmic axes the mean over seeds is the geometric one");
    }
    let figure = Figure { footer: Some(footer), ..Figure::new(panels) };
    Ok((figure, table))
}

/// Mean seconds at each round that all runs have come to, evaluations left out.
fn seconds(runs: &[&Outcome]) -> Result<Vec<(f64, f64)>, Failure> {
    let mut series = Vec::new();
    for run in runs {
        let timing = fl_lab::read_timing(&run.path.join("timing.jsonl"))?;
        let apart = |t: Timing| (t.round as f64, t.seconds - t.evaluation_seconds);
        series.push(timing.into_iter().map(apart).collect());
    }
    Ok(fl_plot::band(&series).into_iter().map(|p| (p.x, p.y)).collect())
}

/// Final accuracy by method and class, mean over seeds: which classes were lost.
fn classes(
    experiment: &Experiment,
    outcomes: &[Outcome],
    title: String,
    commit: Option<&str>,
) -> HeatMap {
    let mut methods = Vec::new();
    let (mut values, mut count) = (Vec::new(), 0);
    for method in &experiment.method {
        let runs = outcomes.iter().filter(|o| o.cell.method.name == method.name);
        let finals: Vec<_> = runs.filter_map(Outcome::finals).collect();
        let Some(first) = finals.first() else { continue };
        methods.push(method.name.clone());
        let mean = |class: usize| {
            let known: Vec<f64> =
                finals.iter().filter_map(|f| *f.class_accuracy.get(class)?).collect();
            known.iter().sum::<f64>() / known.len() as f64
        };
        count = first.class_accuracy.len();
        values.extend((0..count).map(mean));
    }
    HeatMap {
        title: Some(title),
        footer: Some(small_print(experiment, outcomes, commit)),
        column_label: "class".into(),
        value_label: "final accuracy".into(),
        range: Some((0.0, 1.0)),
        digits: Some(2),
        ..HeatMap::new(methods, (0..count).map(|class| class.to_string()), values)
    }
}

/// That nothing has measured this.
fn nothing(quantity: &Quantity) -> Failure {
    let why = match quantity.name {
        "squared-distance-to-optimum" => "[telemetry] optimum = true measures it",
        _ => "no finished run has measured it",
    };
    Failure::Failed(anyhow!("there is no {} to draw: {why}", quantity.name))
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
