//! `fl-cli draw`: a picture from a description, for whatever `plot` does not know.

use crate::host::failure::Failure;
use crate::host::say;
use anyhow::Context;
use clap::Args as ClapArgs;
use fl_plot::{Axis, AxisScale, Curve, Figure, Form, HeatMap, Legend, Panel, Point};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct DrawArgs {
    /// Descriptions; their keys are those of fl-plot's Figure, Panel, Axis, Curve and HeatMap. FILE.json becomes FILE.svg
    /// and FILE.png
    #[arg(value_name = "FILE.json", required = true)]
    pub(crate) pictures: Vec<PathBuf>,
}

/// What a description may say. Numbers that do not exist are `null`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Picture {
    title: Option<String>,
    footer: Option<String>,
    /// Panels in a row; at most three if left out.
    columns: Option<usize>,
    width: Option<u32>,
    height: Option<u32>,
    /// Names that have the first colours and dashes, drawn or not.
    #[serde(default)]
    styles: Vec<String>,
    #[serde(default)]
    legend: Place,
    /// Systems of axes with curves, or else one `heat` map.
    #[serde(default)]
    panels: Vec<PanelText>,
    heat: Option<Heat>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Place {
    #[default]
    Auto,
    Right,
    Bottom,
    Hidden,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PanelText {
    title: Option<String>,
    x: AxisText,
    y: AxisText,
    curves: Vec<CurveText>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AxisText {
    label: String,
    #[serde(default)]
    log: bool,
    range: Option<(f64, f64)>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CurveText {
    name: String,
    #[serde(default)]
    form: FormText,
    /// `[x, y]`, or `[x, y, low, high]` with the ends of a band.
    points: Vec<Vec<Option<f64>>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FormText {
    #[default]
    Line,
    Marked,
    Dots,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Heat {
    rows: Vec<String>,
    columns: Vec<String>,
    #[serde(default)]
    row_label: String,
    #[serde(default)]
    column_label: String,
    #[serde(default)]
    value_label: String,
    /// Row by row.
    values: Vec<Option<f64>>,
    range: Option<(f64, f64)>,
    digits: Option<usize>,
}

/// Draws descriptions as SVG and PNG, beside them.
pub(crate) fn draw(args: &DrawArgs) -> Result<(), Failure> {
    for path in &args.pictures {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the description {name}"))
            .map_err(Failure::Usage)?;
        let picture: Picture = serde_json::from_str(&text)
            .with_context(|| format!("{name} is no description of a picture"))
            .map_err(Failure::Usage)?;
        for file in save(picture, &path.with_extension(""))? {
            say::result(file.display());
        }
    }
    Ok(())
}

fn save(picture: Picture, stem: &std::path::Path) -> Result<[PathBuf; 2], Failure> {
    let Picture { title, footer, columns, width, height, styles, legend, panels, heat } = picture;
    if let Some(heat) = heat {
        let values = heat.values.into_iter().map(number).collect();
        let map = HeatMap {
            title,
            footer,
            row_label: heat.row_label,
            column_label: heat.column_label,
            value_label: heat.value_label,
            range: heat.range,
            digits: heat.digits,
            ..HeatMap::new(heat.rows, heat.columns, values)
        };
        return Ok(map.save(stem)?);
    }
    let figure = Figure::new(panels.into_iter().map(panel).collect());
    let figure = Figure {
        title,
        footer,
        columns: columns.unwrap_or(figure.columns),
        width: width.unwrap_or(figure.width),
        height: height.unwrap_or(figure.height),
        styles,
        legend: match legend {
            Place::Auto => Legend::Auto,
            Place::Right => Legend::Right,
            Place::Bottom => Legend::Bottom,
            Place::Hidden => Legend::Hidden,
        },
        ..figure
    };
    Ok(fl_plot::save(&figure, stem)?)
}

/// A number, or none.
fn number(x: Option<f64>) -> f64 {
    x.unwrap_or(f64::NAN)
}

fn panel(panel: PanelText) -> Panel {
    let axis = |axis: AxisText| Axis {
        label: axis.label,
        scale: if axis.log { AxisScale::Log } else { AxisScale::Linear },
        range: axis.range,
    };
    let curves = panel.curves.into_iter().map(curve).collect();
    Panel { title: panel.title, ..Panel::new(axis(panel.x), axis(panel.y), curves) }
}

fn curve(curve: CurveText) -> Curve {
    let point = |p: &Vec<Option<f64>>| {
        let at = |i: usize| p.get(i).copied().flatten();
        let (x, y) = (number(at(0)), number(at(1)));
        Point::with_band(x, y, at(2).unwrap_or(y), at(3).unwrap_or(y))
    };
    let form = match curve.form {
        FormText::Line => Form::Line,
        FormText::Marked => Form::Marked,
        FormText::Dots => Form::Dots,
    };
    Curve::new(curve.name, curve.points.iter().map(point).collect()).form(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_with_panels_and_one_with_a_heat_map_become_pictures() {
        let folder = tempfile::tempdir().unwrap();
        let draw = |name: &str, text: &str| {
            let picture = folder.path().join(name).with_extension("json");
            std::fs::write(&picture, text).unwrap();
            draw(&DrawArgs { pictures: vec![picture] }).map(|()| {
                let svg = folder.path().join(name).with_extension("svg");
                std::fs::read_to_string(svg).unwrap()
            })
        };
        let svg = draw(
            "curves",
            r#"{"title": "A picture", "panels": [{"x": {"label": "B"}, "y": {"label": "accuracy", "range": [0, 1]},
                "curves": [{"name": "Proposed", "form": "marked", "points": [[0, 0.9, 0.8, 1.0], [3, null], [6, 0.7]]}]}]}"#,
        );
        assert!(svg.unwrap().contains("Proposed"));
        let svg = draw(
            "heat",
            r#"{"heat": {"rows": ["Krum"], "columns": ["0", "1"], "values": [0.25, null], "digits": 2}}"#,
        );
        assert!(svg.unwrap().contains(">0.25<"));
        let error = draw("wrong", r#"{"panel": []}"#).unwrap_err();
        assert!(error.to_string().contains("panel"), "{error}");
    }
}
