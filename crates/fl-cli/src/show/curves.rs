//! Curves of one experiment, as pictures and in characters.

use super::metric::Quantity;
use super::words::{data, seeds};
use crate::host::failure::Failure;
use fl_lab::{Experiment, Outcome};
use fl_plot::{Axis, Curve, Figure, Panel, Point, Terminal};
use std::fmt::Write;

/// What a picture was made of.
pub(crate) fn small_print(
    experiment: &Experiment,
    outcomes: &[Outcome],
    commit: Option<&str>,
) -> String {
    let digest = outcomes.first().map_or("", |o| &o.done.data_digest);
    let mut hashes: Vec<&str> = outcomes.iter().map(|o| o.cell.hash.as_str()).collect();
    hashes.sort_unstable();
    let footer = format!(
        "{}: {} rounds, seeds {}, {} runs ({}…){}; fl-cli {}",
        experiment.name,
        experiment.rounds,
        seeds(&experiment.seeds),
        outcomes.len(),
        hashes.first().unwrap_or(&""),
        data(digest),
        env!("CARGO_PKG_VERSION")
    );
    with_commit(footer, commit)
}

/// Test accuracy against rounds: a curve a method, with the 95 % interval of its mean over seeds.
pub(crate) fn figure(experiment: &Experiment, outcomes: &[Outcome]) -> Figure {
    let targets = outcomes.iter().any(|o| o.metrics.iter().any(|m| m.r_squared.is_some()));
    let accuracy = Quantity::find(if targets { "r-squared" } else { "accuracy" });
    let curves = experiment
        .method
        .iter()
        .filter_map(|method| {
            let runs: Vec<&Outcome> =
                outcomes.iter().filter(|o| o.cell.method.name == method.name).collect();
            let curve = || Curve::new(&method.name, band(&runs, accuracy, true));
            (!runs.is_empty()).then(curve)
        })
        .collect();
    let y = accuracy.axis(true);
    Figure {
        title: Some(experiment.name.clone()),
        footer: Some(small_print(experiment, outcomes, None)),
        ..Figure::new(vec![Panel::new(Axis::new("round"), y, curves)])
    }
}

/// Small print, with the commit where it is known.
pub(crate) fn with_commit(mut text: String, commit: Option<&str>) -> String {
    if let Some(commit) = commit {
        let _ = write!(text, ", commit {commit}");
    }
    text
}

pub(crate) fn band(runs: &[&Outcome], quantity: &Quantity, linear: bool) -> Vec<Point> {
    let series: Vec<Vec<(f64, f64)>> = runs.iter().map(|o| quantity.series(&o.metrics)).collect();
    quantity.band(&series, linear)
}

/// The figure's panels in characters.
pub(crate) fn terminal(figure: &Figure) -> Result<String, Failure> {
    let size = Terminal { width: 88, ..Terminal::default() };
    let panels: Result<Vec<_>, _> =
        figure.panels.iter().map(|p| fl_plot::terminal(p, &size)).collect();
    Ok(panels?.join("\n"))
}
