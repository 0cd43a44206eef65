//! From results to descriptions of pictures, which `fl-cli draw` draws, and to the CSV behind them.

use crate::record::{Case, Figure, Measure, Method, Results};
use crate::statistics::Estimate;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A picture: the end of its name (empty for the figure itself) and its description.
pub(crate) struct Picture {
    pub(crate) suffix: &'static str,
    pub(crate) description: Value,
}

/// One system of axes before it is written down.
struct Panel {
    title: String,
    x: (String, Option<(f64, f64)>),
    y: (String, bool, Option<(f64, f64)>),
    curves: Vec<(String, &'static str, Vec<[f64; 4]>)>,
}

/// The paper's methods, so that each looks the same in all figures.
const METHODS: [&str; 7] =
    ["SGD", "Byrd-SGD", "RS-Byrd-SGD", "Krum", "Byrd-SAGA", "RSA", "Proposed"];

/// All pictures of a figure, and their numbers as CSV.
pub(crate) fn pictures(figure: &Figure, results: &Results, footer: &str) -> (Vec<Picture>, String) {
    let csv = "picture,panel,curve,x,mean,low,high\n".to_owned();
    let mut album = Album { footer, csv, pictures: Vec::new() };
    if let [case] = &*results.cases {
        album.one_case(figure, case);
    } else {
        album.many_cases(figure, results);
    }
    (album.pictures, album.csv)
}

/// The pictures of a figure and the numbers in them.
struct Album<'a> {
    footer: &'a str,
    csv: String,
    pictures: Vec<Picture>,
}

impl Album<'_> {
    /// Adds a picture of those panels that show something.
    fn add(&mut self, suffix: &'static str, title: String, columns: usize, panels: Vec<Panel>) {
        let panels: Vec<Panel> = panels.into_iter().filter(Panel::has_numbers).collect();
        if panels.is_empty() {
            return;
        }
        let picture = if suffix.is_empty() { "accuracy" } else { suffix };
        panels.iter().for_each(|panel| panel.write_csv(picture, &mut self.csv));
        let columns = columns.min(panels.len());
        let rows = panels.len().div_ceil(columns);
        let (width, height) = match columns {
            1 => (760, 90 + 380 * rows),
            2 => (960, 110 + 310 * rows),
            _ => (1140, 110 + 300 * rows),
        };
        let description = json!({
            "title": title, "footer": self.footer, "columns": columns,
            "width": width, "height": height, "legend": "bottom", "styles": METHODS,
            "panels": panels.iter().map(Panel::describe).collect::<Vec<_>>(),
        });
        self.pictures.push(Picture { suffix, description });
    }

    /// Of a figure that has one federation.
    fn one_case(&mut self, figure: &Figure, case: &Case) {
        let accuracy =
            |name: &str, range| rounds(case, Measure::Accuracy, name, "test accuracy", Some(range));
        let mut main = vec![accuracy("", (0.0, 1.0))];
        main.extend(figure.zoom.map(|range| accuracy("enlarged", range)));
        self.add("", figure.title.into(), 2, main);
        let title = format!("{}: what reaches the central node", figure.title);
        self.add("variation", title, 2, variation(case));
        let title = format!("{}: what the paper does not show", figure.title);
        self.add("companions", title, 2, companions(case, figure));
        self.pictures.extend(classes(case, figure, self.footer, &mut self.csv));
    }

    /// Of a figure that varies a number: a panel for each federation.
    fn many_cases(&mut self, figure: &Figure, results: &Results) {
        let all = |panel: &dyn Fn(&Case) -> Panel| -> Vec<Panel> {
            results.cases.iter().map(panel).collect()
        };
        self.add("", figure.title.into(), 2, over_cases(figure, results));
        let title = format!("{}: accuracy against rounds", figure.title);
        let range = Some((0.0, 1.0));
        let panels =
            all(&|case| rounds(case, Measure::Accuracy, &case.name, "test accuracy", range));
        self.add("rounds", title, 3, panels);
        let title = format!("{}: weight given to Byzantine messages", figure.title);
        let panels =
            all(&|case| rounds(case, Measure::ByzantineWeight, &case.name, BYZANTINE, None));
        self.add("weight", title, 3, panels);
        let mut panels = Vec::new();
        for (measure, what, axis) in [
            (Measure::OuterVariation, "outer variation", "outer variation (15)"),
            (
                Measure::MessageVariation,
                "inner variation of messages",
                "inner variation of messages",
            ),
        ] {
            panels.extend(all(&|case| {
                log(rounds(case, measure, &format!("{what}, {}", case.name), axis, None))
            }));
        }
        let title = format!("{}: what reaches the central node", figure.title);
        self.add("variation", title, 5, panels);
        let title = format!("{}: distance to the optimum", figure.title);
        let panels = all(&|case| log(rounds(case, Measure::Distance, &case.name, DISTANCE, None)));
        self.add("companions", title, 3, panels);
    }
}

const BYZANTINE: &str = "weight of Byzantine messages";
const DISTANCE: &str = "‖x − x*‖²";

impl Panel {
    fn has_numbers(&self) -> bool {
        self.curves.iter().any(|(_, _, points)| points.iter().any(|p| p[1].is_finite()))
    }

    fn describe(&self) -> Value {
        let number = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
        let curves: Vec<Value> = self
            .curves
            .iter()
            .filter(|(_, _, points)| !points.is_empty())
            .map(|(name, form, points)| {
                let points: Vec<Vec<Value>> =
                    points.iter().map(|p| p.iter().map(|&x| number(x)).collect()).collect();
                json!({"name": name, "form": form, "points": points})
            })
            .collect();
        let title = (!self.title.is_empty()).then_some(&self.title);
        json!({
            "title": title,
            "x": {"label": self.x.0, "range": self.x.1},
            "y": {"label": self.y.0, "log": self.y.1, "range": self.y.2},
            "curves": curves,
        })
    }

    fn write_csv(&self, picture: &str, csv: &mut String) {
        let panel = if self.title.is_empty() { &self.y.0 } else { &self.title };
        for (curve, _, points) in &self.curves {
            for [x, mean, low, high] in points.iter().filter(|p| p[1].is_finite()) {
                let _ = writeln!(
                    csv,
                    "{picture},{},{},{x},{mean},{low},{high}",
                    field(panel),
                    field(curve)
                );
            }
        }
    }
}

/// A text as a field of CSV.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A measure against rounds, a curve a method.
fn rounds(
    case: &Case,
    measure: Measure,
    title: &str,
    label: &str,
    range: Option<(f64, f64)>,
) -> Panel {
    let curves =
        case.methods.iter().map(|m| (m.name.clone(), "line", series(m, measure, false))).collect();
    Panel {
        title: title.into(),
        x: ("round".into(), None),
        y: (label.into(), false, range),
        curves,
    }
}

/// The same on a logarithmic axis, where means are geometric.
fn log(mut panel: Panel) -> Panel {
    panel.y.1 = true;
    // A table filled at x⁰ has no variation in round 0, which a logarithm cannot show.
    for (_, _, points) in &mut panel.curves {
        points.retain(|p| p[1] > 0.0);
        for p in points {
            p[2] = p[2].max(p[1] * 1e-3);
        }
    }
    panel
}

/// Mean and interval over seeds at each evaluation where the measure is there.
fn series(method: &Method, measure: Measure, seconds: bool) -> Vec<[f64; 4]> {
    let mut rounds: Vec<u64> = Vec::new();
    for run in &method.runs {
        rounds.extend(run.lines.iter().filter_map(|l| l["round"].as_u64()));
    }
    rounds.sort_unstable();
    rounds.dedup();
    let mut points = Vec::new();
    for round in rounds {
        let (mut values, mut times) = (Vec::new(), Vec::new());
        for run in &method.runs {
            let Some(i) = run.lines.iter().position(|l| l["round"] == round) else { continue };
            values.push(measure.of(&run.lines[i]));
            times.push(run.seconds.get(i).copied().unwrap_or(f64::NAN));
        }
        let Some(e) = Estimate::of(&values) else { continue };
        let x =
            if seconds { Estimate::of(&times).map_or(f64::NAN, |t| t.mean) } else { round as f64 };
        points.push([x, e.mean, e.low, e.high]);
    }
    points
}

/// Inner and outer variation, and the weight that Byzantine messages get.
fn variation(case: &Case) -> Vec<Panel> {
    let at = |measure, title: &str, label: &str| rounds(case, measure, title, label, None);
    vec![
        log(at(Measure::OuterVariation, "Outer variation (15) at x", "outer variation")),
        log(at(
            Measure::InnerVariation,
            "Inner variation (16) of one sample's gradient at x",
            "inner variation",
        )),
        log(at(
            Measure::MessageVariation,
            "Inner variation of the messages that are sent",
            "inner variation of messages",
        )),
        at(
            Measure::ByzantineWeight,
            "Weight that the output gives to Byzantine messages",
            BYZANTINE,
        ),
    ]
}

fn companions(case: &Case, figure: &Figure) -> Vec<Panel> {
    let mut panels = Vec::new();
    // The bound of Theorem 1 is not drawn: no figure meets its condition on the step, see docs/reproduction.md.
    if figure.convex {
        panels.push(log(rounds(
            case,
            Measure::Distance,
            "Distance to the optimum",
            DISTANCE,
            None,
        )));
    }
    let times = case
        .methods
        .iter()
        .map(|m| (m.name.clone(), "line", series(m, Measure::Accuracy, true)))
        .collect();
    panels.push(Panel {
        title: "Accuracy against time, two runs at once".into(),
        x: ("seconds, evaluations included".into(), None),
        y: ("test accuracy".into(), false, Some((0.0, 1.0))),
        curves: times,
    });
    let full = Some((0.0, 1.0));
    panels.push(rounds(
        case,
        Measure::Balanced,
        "Mean of the classes' accuracies",
        "balanced accuracy",
        full,
    ));
    panels.push(rounds(
        case,
        Measure::TrainAccuracy,
        "On the regular workers' samples",
        "train accuracy",
        full,
    ));
    panels
}

/// Final accuracy of each method in each class.
fn classes(case: &Case, figure: &Figure, footer: &str, csv: &mut String) -> Option<Picture> {
    let count = case.methods.iter().flat_map(|m| &m.runs).map(|r| r.classes.len()).max()?;
    let mut values = Vec::new();
    for method in &case.methods {
        for class in 0..count {
            let e = Estimate::of(&method.final_values(Measure::Class(class)));
            if let Some(e) = e {
                let _ = writeln!(
                    csv,
                    "classes,final accuracy,{},{class},{},{},{}",
                    field(&method.name),
                    e.mean,
                    e.low,
                    e.high
                );
            }
            values.push(e.map(|e| e.mean));
        }
    }
    let rows: Vec<&str> = case.methods.iter().map(|m| &*m.name).collect();
    let columns: Vec<String> = (0..count).map(|c| c.to_string()).collect();
    let description = json!({
        "title": figure.title,
        "footer": footer,
        "heat": {
            "rows": rows, "columns": columns, "row-label": "method", "column-label": "class",
            "value-label": "final accuracy in a class", "values": values, "range": [0.0, 1.0], "digits": 2,
        },
    });
    Some(Picture { suffix: "classes", description })
}

/// Final accuracy against what the cases differ by, and the share of what is possible.
fn over_cases(figure: &Figure, results: &Results) -> Vec<Panel> {
    let names: Vec<&String> = results
        .cases
        .first()
        .map(|c| c.methods.iter().map(|m| &m.name).collect())
        .unwrap_or_default();
    let curves = |scale: &dyn Fn(&Case) -> f64| -> Vec<(String, &'static str, Vec<[f64; 4]>)> {
        names
            .iter()
            .map(|name| {
                let points = results.cases.iter().filter_map(|case| {
                    let e = Estimate::of(
                        &results.find(&case.name, name)?.final_values(Measure::Accuracy),
                    )?;
                    let by = scale(case);
                    Some([case.x, e.mean / by, e.low / by, e.high / by])
                });
                ((*name).clone(), "marked", points.collect())
            })
            .collect()
    };
    let last = results.cases.last().map_or(1.0, |c| c.x);
    let label = figure.varies.map_or("", |v| v.label);
    let axis = || (label.to_owned(), Some((-0.02, last + 0.02)));
    vec![
        Panel {
            title: "Final accuracy".into(),
            x: axis(),
            y: ("test accuracy".into(), false, Some((0.0, 1.0))),
            curves: curves(&|_| 1.0),
        },
        Panel {
            title: "As a share of what is possible, 1 − α".into(),
            x: axis(),
            y: ("accuracy / (1 − α)".into(), false, Some((0.0, 1.0))),
            curves: curves(&|case| 1.0 - case.x),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Run;

    fn results() -> Results {
        let line = |round: u64, accuracy: f64| {
            json!({"round": round, "accuracy": accuracy, "class_accuracy": [accuracy, null],
                   "full": {"message_variation": 0.5 * accuracy}})
        };
        let run = |seed: u64, shift: f64| Run {
            seed,
            accuracy: 0.7 + shift,
            classes: vec![0.7 + shift, f64::NAN],
            lines: vec![line(0, 0.1), line(50, 0.7 + shift)],
            seconds: vec![0.0, 1.0 + shift],
            ..Run::default()
        };
        let method =
            Method { name: "Proposed, \"ours\"".into(), runs: vec![run(0, 0.0), run(1, 0.02)] };
        let case = Case { name: String::new(), x: 0.0, methods: vec![method] };
        Results { figure: "fig7", cases: vec![case], ..Results::default() }
    }

    #[test]
    fn curves_are_means_over_seeds_and_the_csv_has_them() {
        let figure = crate::record::find("fig7").unwrap();
        let (pictures, csv) = pictures(figure, &results(), "footer");
        let main = &pictures[0].description;
        assert_eq!(main["panels"][0]["curves"][0]["points"][1][0], 50.0);
        let mean = main["panels"][0]["curves"][0]["points"][1][1].as_f64().unwrap();
        assert!((mean - 0.71).abs() < 1e-12);
        let line =
            csv.lines().find(|l| l.starts_with("accuracy,enlarged") && l.contains(",50,")).unwrap();
        assert!(line.contains("\"Proposed, \"\"ours\"\"\",50,0.71"), "{line}");
    }

    #[test]
    fn panels_without_numbers_are_left_out_and_missing_numbers_are_null() {
        let figure = crate::record::find("fig7").unwrap();
        let (pictures, _) = pictures(figure, &results(), "footer");
        let of = |suffix: &str| pictures.iter().find(|p| p.suffix == suffix).unwrap();
        let variation = of("variation").description["panels"].as_array().unwrap().clone();
        assert_eq!(variation.len(), 1, "only the messages' variation was measured");
        assert_eq!(of("classes").description["heat"]["values"][1], Value::Null);
    }
}
