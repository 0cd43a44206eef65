//! What the page shows without its script: the answer, tables and curves, as HTML and SVG that stand still.

use crate::factors::Factor;
use crate::groups::{Group, Mean, WorstCase, mean_of, worst_cases};
use crate::report::{Quantity, Report, Run, State};
use crate::text::{VALUE, escaped, shown};
use fl_plot::{Axis, Curve, Figure, Panel};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Panels and curves of the picture at most, and combinations of other factors that get a table.
const PANELS: usize = 6;
const CURVES: usize = 14;
const TABLES: usize = 24;

/// A part of the runs in which nothing but methods, attacks and seeds differ.
struct Split<'a> {
    name: String,
    groups: Vec<&'a Group>,
}

/// The page's body without a script.
pub(crate) fn body(report: &Report, factors: &[Factor], groups: &[Group]) -> String {
    let mut html = String::new();
    let splits = splits(factors, groups);
    if let Some((place, quantity)) = main_quantity(report) {
        for split in splits.iter().take(TABLES) {
            let cases = worst_cases(report, &split.groups, place);
            let _ = write!(html, "<p>{}</p>", escaped(&sentence(&split.name, &cases, factors)));
        }
        for split in splits.iter().take(TABLES) {
            let _ = write!(html, "<h2>{}", escaped(&quantity.label));
            if !split.name.is_empty() {
                let _ = write!(html, ", {}", escaped(&split.name));
            }
            html.push_str("</h2>");
            table(report, factors, split, place, &mut html);
        }
        if splits.len() > TABLES {
            let _ = write!(html, "<p>{} more tables are left out.</p>", splits.len() - TABLES);
        }
        if let Some(svg) = picture(report, factors, &splits, place) {
            let _ = write!(html, "<figure>{svg}</figure>");
        }
    }
    unfinished(&report.runs, &mut html);
    html
}

/// The first quantity that a run came to.
fn main_quantity(report: &Report) -> Option<(usize, &Quantity)> {
    let has = |place: usize| {
        report.runs.iter().any(|run| run.finals.get(place).is_some_and(Option::is_some))
    };
    let all = report.quantities.iter().enumerate();
    all.filter(|(_, quantity)| !quantity.is_axis).find(|(place, _)| has(*place))
}

/// What could not be read, for pages with and without a script.
pub(crate) fn problems(report: &Report) -> String {
    let mut html = String::new();
    if report.problems.is_empty() {
        return html;
    }
    let count = report.problems.len();
    let _ = write!(html, "<section id=\"problems\"><h2>What could not be read ({count})</h2><ul>");
    for problem in &report.problems {
        let (place, what) = (shown(&problem.place, VALUE), shown(&problem.what, VALUE));
        let _ = write!(html, "<li><code>{}</code>: {}</li>", escaped(&place), escaped(&what));
    }
    html.push_str("</ul></section>");
    html
}

fn splits<'a>(factors: &[Factor], groups: &'a [Group]) -> Vec<Split<'a>> {
    let mut found: BTreeMap<&[usize], Vec<&'a Group>> = BTreeMap::new();
    for group in groups {
        found.entry(&group.values[2..]).or_default().push(group);
    }
    let name = |values: &[usize]| {
        let said = factors[2..].iter().zip(values);
        let said = said.map(|(f, &v)| format!("{} = {}", f.name, f.values[v]));
        said.collect::<Vec<_>>().join(", ")
    };
    found.into_iter().map(|(values, groups)| Split { name: name(values), groups }).collect()
}

/// The answer in one sentence.
fn sentence(split: &str, cases: &[WorstCase<'_>], factors: &[Factor]) -> String {
    let place = if split.is_empty() { String::new() } else { format!("{split}: ") };
    let Some(best) = cases.first() else {
        return format!("{place}no method has a value for each attack and seed yet.");
    };
    let [method, attack] = [0, 1].map(|f| &factors[f].values[best.group.values[f]]);
    let value = interval(&best.mean);
    // No attack is none.
    match factors[1].values.iter().filter(|name| *name != "none").count() {
        0 | 1 => format!("{place}{method} has the best value, {value}, under {attack}."),
        n => format!(
            "{place}the best worst case over {n} attacks is that of {method}: {value}, under {attack}."
        ),
    }
}

fn interval(mean: &Mean) -> String {
    match mean.half {
        Some(half) => {
            format!("{:.3} [{:.3}, {:.3}]", mean.mean, mean.mean - half, mean.mean + half)
        }
        None => format!("{:.3} (one seed)", mean.mean),
    }
}

fn table(report: &Report, factors: &[Factor], split: &Split<'_>, place: usize, html: &mut String) {
    let used = |factor: usize| {
        let mut values: Vec<usize> = split.groups.iter().map(|g| g.values[factor]).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let (methods, attacks) = (used(0), used(1));
    html.push_str("<div class=\"wide\"><table><thead><tr><th scope=\"col\">method</th>");
    for &attack in &attacks {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(&factors[1].values[attack]));
    }
    html.push_str("</tr></thead><tbody>");
    for &method in &methods {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(&factors[0].values[method]));
        for &attack in &attacks {
            let group = split.groups.iter().find(|g| g.values[..2] == [method, attack]);
            let text = match group.map(|group| mean_of(report, group, place)) {
                Some(Some(Mean { mean, half: Some(half), .. })) => format!("{mean:.3} ± {half:.3}"),
                Some(Some(Mean { mean, half: None, .. })) => format!("{mean:.3}"),
                Some(None) => "–".to_owned(),
                None => String::new(),
            };
            let _ = write!(html, "<td>{text}</td>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
}

/// For each part the curves of all methods, each under the attack that leaves least of it.
fn picture(
    report: &Report,
    factors: &[Factor],
    splits: &[Split<'_>],
    place: usize,
) -> Option<String> {
    let quantity = &report.quantities[place];
    let attack_of = |case: &WorstCase<'_>| &factors[1].values[case.group.values[1]];
    let panel = |split: &Split<'_>| -> Option<Panel> {
        let cases = worst_cases(report, &split.groups, place);
        let curve = |case: &WorstCase<'_>| {
            let runs = case.group.runs.iter().map(|&run| series(&report.runs[run], place));
            let name = format!("{} ({})", factors[0].values[case.group.values[0]], attack_of(case));
            Curve::from_seeds(name, &runs.collect::<Vec<_>>())
        };
        let curves: Vec<Curve> = cases.iter().take(CURVES).map(curve).collect();
        let is_seen = |c: &Curve| c.points.iter().any(|p| p.y.is_finite());
        let curves: Vec<Curve> = curves.into_iter().filter(is_seen).collect();
        let y = Axis::new(&quantity.label);
        let y = if quantity.scale == crate::report::Scale::Share { y.range(0.0, 1.0) } else { y };
        let mut panel = Panel::new(Axis::new("round"), y, curves);
        panel.title = (!split.name.is_empty()).then(|| split.name.clone());
        (!panel.curves.is_empty()).then_some(panel)
    };
    let panels: Vec<Panel> = splits.iter().take(PANELS).filter_map(panel).collect();
    if panels.is_empty() {
        return None;
    }
    let mut figure = Figure::new(panels);
    figure.columns = 1;
    figure.width = 1000;
    figure.height = 360 * figure.panels.len() as u32;
    figure.title = Some("Each method under the attack that leaves least of it".to_owned());
    // What cannot be drawn is in the tables.
    fl_plot::svg(&figure).ok()
}

fn series(run: &Run, quantity: usize) -> Vec<(f64, f64)> {
    let curve = run.curves.iter().find(|c| c.quantity == quantity);
    let points = |c: &crate::report::Curve| -> Vec<(f64, f64)> {
        c.rounds.iter().zip(&c.values).map(|(&round, &value)| (round as f64, value)).collect()
    };
    curve.map(points).unwrap_or_default()
}

/// Runs that are no results, with how they stand.
fn unfinished(runs: &[Run], html: &mut String) {
    let open: Vec<(&Run, String)> = runs
        .iter()
        .filter_map(|run| {
            let state = match &run.state {
                State::Finished => return None,
                State::Stopped(why) => format!("ended early: {why}"),
                State::Diverged(why) => format!("diverged: {why}"),
                State::Running => "is running".to_owned(),
                State::Interrupted => "was interrupted".to_owned(),
                State::Waiting => "has not begun".to_owned(),
                State::Failed(why) => format!("failed: {why}"),
            };
            Some((run, state))
        })
        .collect();
    if open.is_empty() {
        return;
    }
    let _ = write!(html, "<h2>Runs that did not come to their end ({})</h2><ul>", open.len());
    for (run, state) in open {
        let (folder, state) = (shown(&run.folder, VALUE), shown(&state, VALUE));
        let _ = write!(html, "<li><code>{}</code> {}</li>", escaped(&folder), escaped(&state));
    }
    html.push_str("</ul>");
}
