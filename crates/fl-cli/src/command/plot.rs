//! `fl-cli plot`.

use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Out};
use crate::host::{self, experiment, say};
use crate::show::cells::finished;
use crate::show::curves::{band, small_print};
use crate::show::grid::Looks;
use crate::show::groups::{Key, Measure};
use crate::show::heat::heat;
use crate::show::metric::{QUANTITIES, Quantity};
use crate::show::panels::{nothing, panels};
use crate::show::report::csv_field;
use anyhow::anyhow;
use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, ValueEnum};
use fl_lab::{Experiment, Outcome, Registry, Timing};
use fl_plot::{Axis, Curve, Figure, HeatMap, Panel, Point};
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
    let (sweep, folder) = experiment::with_runs(&args.experiment, &args.results, registry)?;
    let statuses = finished(&sweep, &folder, &args.experiment.config)?;
    let title = args.title.clone().unwrap_or_else(|| sweep.base.name.clone());
    let looks = Looks { linear: args.linear, title, commit: args.commit.clone() };
    let key = |name: &Option<String>| name.as_deref().map(|n| Key::find(&sweep, n)).transpose();
    let (rows, columns) = (key(&args.rows)?, key(&args.columns)?);
    if args.heat {
        let stem = args.figure.clone().unwrap_or_else(|| folder.join("heat"));
        for (map, ending) in heat(&sweep, &statuses, (rows, columns), args.measure, &looks) {
            let mut path = stem.as_os_str().to_owned();
            path.push(ending);
            for picture in map.save(Path::new(&path))? {
                say::result(picture.display());
            }
        }
        return Ok(());
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
        let figure = panels(&sweep, &statuses, quantity, (rows, columns), &looks, &folder)?;
        return save(&figure, &stem(name));
    }
    let outcomes = fl_lab::outcomes(sweep.cells.iter().map(|c| &c.cell), &folder)?;
    let title = looks.title;
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
