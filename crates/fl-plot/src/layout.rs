//! Where everything goes. Works from the outside in: title, footer and legend take their strips of
//! the page, the panels share what is left, and each panel's labels take their strips around its
//! curves.

use crate::axis::{Projection, Tick, clip_polygon, clip_segment, project, runs};
use crate::error::PlotError;
use crate::figure::{Curve, Figure, Form, Legend, Panel};
use crate::font::{self, ASCENT, DESCENT, LINE, shorten, wrap};
use crate::scene::{Anchor, Scene, Shape, Text};
use crate::style::{BAND_OPACITY, Colour, FAINT, GRID, INK, LINE_WIDTH, Style, style};

const LEAST_SIDE: u32 = 120;
const GREATEST_SIDE: u32 = 8192;
/// Least side of the space for the curves of a panel.
const LEAST_ROOM: u32 = 50;

const MARGIN: f64 = 14.0;
const COLUMN_GAP: f64 = 18.0;
const ROW_GAP: f64 = 16.0;

const TITLE: f64 = 15.0;
const PANEL_TITLE: f64 = 13.0;
const LABEL: f64 = 12.5;
const TICK: f64 = 11.0;
const LEGEND: f64 = 12.0;
const FOOTER: f64 = 9.0;

const TICK_LENGTH: f64 = 4.0;
/// Length of the piece of curve in the legend: the longest dash pattern shows once and a half.
const SAMPLE: f64 = 38.0;
const SAMPLE_GAP: f64 = 7.0;
/// Radius of the dot at a point.
const MARK: f64 = 3.4;
const ENTRY_GAP: f64 = 22.0;
const ENTRY_HEIGHT: f64 = 19.0;

pub(crate) fn lay_out(figure: &Figure) -> Result<Scene, PlotError> {
    let (width, height) = (figure.width, figure.height);
    if !(LEAST_SIDE..=GREATEST_SIDE).contains(&width)
        || !(LEAST_SIDE..=GREATEST_SIDE).contains(&height)
    {
        return Err(PlotError::Size { width, height, min: LEAST_SIDE, max: GREATEST_SIDE });
    }
    if figure.panels.is_empty() {
        return Err(PlotError::NoPanels);
    }
    if figure.columns == 0 {
        return Err(PlotError::Columns { columns: 0 });
    }
    let axes = figure
        .panels
        .iter()
        .enumerate()
        .map(|(i, panel)| project(panel, i + 1))
        .collect::<Result<Vec<_>, _>>()?;

    let (entries, styles) = name_styles(figure);
    let mut page = Page {
        shapes: Vec::new(),
        free: Rect {
            left: MARGIN,
            top: MARGIN,
            right: f64::from(width) - MARGIN,
            bottom: f64::from(height) - MARGIN,
        },
    };
    page.title(figure.title.as_deref().unwrap_or_default());
    page.footer(figure.footer.as_deref().unwrap_or_default());
    page.legend(figure, &entries);
    page.panels(figure, &axes, &styles)?;

    let mut scene = Scene { width, height, title: scene_title(figure), shapes: page.shapes };
    keep_inside(&mut scene);
    Ok(scene)
}

fn scene_title(figure: &Figure) -> String {
    let title = figure.title.as_ref().or(figure.panels[0].title.as_ref());
    title.cloned().unwrap_or_else(|| {
        let panel = &figure.panels[0];
        format!("{} against {}", panel.y.label, panel.x.label)
    })
}

/// A name, how its curves look, and whether they have a line and dots.
type Entry = (String, Style, Form);

/// The legend's entries, and the style of each curve of each panel.
fn name_styles(figure: &Figure) -> (Vec<Entry>, Vec<Vec<Style>>) {
    let mut names: Vec<&str> = figure.styles.iter().map(String::as_str).collect();
    let styles = figure
        .panels
        .iter()
        .map(|panel| {
            let of_name = |curve: &'_ Curve, names: &mut Vec<_>| {
                let known = names.iter().position(|n| *n == curve.name && !curve.name.is_empty());
                known.unwrap_or(names.len())
            };
            panel
                .curves
                .iter()
                .map(|curve| {
                    let index = of_name(curve, &mut names);
                    if index == names.len() {
                        names.push(&curve.name);
                    }
                    style(index)
                })
                .collect()
        })
        .collect();
    let entries = names
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty())
        .filter_map(|(i, name)| {
            let mut curves = figure.panels.iter().flat_map(|p| &p.curves);
            let form = curves.find(|c| c.name == **name)?.form;
            Some(((*name).to_owned(), style(i), form))
        })
        .collect();
    (entries, styles)
}

#[derive(Debug, Clone, Copy)]
struct Rect {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Rect {
    fn width(&self) -> f64 {
        self.right - self.left
    }

    fn height(&self) -> f64 {
        self.bottom - self.top
    }

    fn centre(&self) -> f64 {
        0.5 * (self.left + self.right)
    }

    /// From the unit square, whose y points upwards.
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.left + x * self.width(), self.bottom - y * self.height())
    }
}

/// The picture in the making.
struct Page {
    shapes: Vec<Shape>,
    /// What is not taken yet.
    free: Rect,
}

impl Page {
    fn text(&mut self, text: &str, x: f64, y: f64, size: f64, anchor: Anchor, colour: Colour) {
        let text = Text { text: text.to_owned(), x, y, size, anchor, upwards: false, colour };
        self.shapes.push(Shape::Text(text));
    }

    /// Lines of text downwards from `top`.
    fn block(
        &mut self,
        lines: &[String],
        x: f64,
        top: f64,
        size: f64,
        anchor: Anchor,
        colour: Colour,
    ) {
        for (i, line) in lines.iter().enumerate() {
            let baseline = top + (i as f64 * LINE + ASCENT) * size;
            self.text(line, x, baseline, size, anchor, colour);
        }
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: Colour, width: f64) {
        self.shapes.push(Shape::Line { points: vec![from, to], colour, width, dash: &[] });
    }

    fn title(&mut self, title: &str) {
        let lines = wrap(title, TITLE, self.free.width());
        self.block(&lines, self.free.centre(), self.free.top, TITLE, Anchor::Middle, INK);
        if !lines.is_empty() {
            self.free.top += block_height(&lines, TITLE) + 8.0;
        }
    }

    fn footer(&mut self, footer: &str) {
        let lines = wrap(footer, FOOTER, self.free.width());
        if lines.is_empty() {
            return;
        }
        // It may use a part of the lower margin: it is small print.
        let top = self.free.bottom + 5.0 - block_height(&lines, FOOTER);
        self.block(&lines, self.free.left, top, FOOTER, Anchor::Start, FAINT);
        self.free.bottom = top - 8.0;
    }

    fn legend(&mut self, figure: &Figure, entries: &[Entry]) {
        if entries.is_empty() || figure.legend == Legend::Hidden {
            return;
        }
        let free = self.free;
        let widest =
            |texts: &[String]| texts.iter().map(|t| font::width(t, LEGEND)).fold(0.0, f64::max);
        let fitted = |room: f64| -> Vec<String> {
            entries.iter().map(|(name, ..)| shorten(name, LEGEND, room)).collect()
        };
        let right = match figure.legend {
            Legend::Auto => {
                figure.panels.len() == 1
                    && widest(&fitted(f64::INFINITY)) <= 0.28 * f64::from(figure.width)
                    && entries.len() as f64 * ENTRY_HEIGHT <= free.height() - 60.0
            }
            Legend::Right => true,
            _ => false,
        };

        let lead = SAMPLE + SAMPLE_GAP;
        let count = entries.len();
        let names =
            if right { fitted(0.4 * f64::from(figure.width)) } else { fitted(free.width() - lead) };
        // Under the panels rows fill first, beside them columns.
        let place = |i: usize, columns: usize| {
            let rows = count.div_ceil(columns);
            if right { (i / rows, i % rows) } else { (i % columns, i / columns) }
        };
        let widths_of = |columns: usize| {
            let mut widths = vec![0.0_f64; columns];
            for (i, name) in names.iter().enumerate() {
                let column = &mut widths[place(i, columns).0];
                *column = column.max(lead + font::width(name, LEGEND));
            }
            widths
        };
        let columns = if right {
            let most_rows = ((free.height() - 60.0) / ENTRY_HEIGHT).floor().max(1.0) as usize;
            count.div_ceil(most_rows)
        } else {
            let fits = |&columns: &usize| {
                let gaps = ENTRY_GAP * (columns - 1) as f64;
                widths_of(columns).iter().sum::<f64>() + gaps <= free.width()
            };
            let most = (1..=count).rev().find(fits).unwrap_or(1);
            // As few columns as give the same number of rows, so that the last row is not nearly
            // empty.
            Some(count.div_ceil(count.div_ceil(most))).filter(fits).unwrap_or(most)
        };
        let (widths, rows) = (widths_of(columns), count.div_ceil(columns));
        let width = widths.iter().sum::<f64>() + ENTRY_GAP * (columns - 1) as f64;
        let height = rows as f64 * ENTRY_HEIGHT;
        let (left, top) = if right {
            self.free.right -= width + ENTRY_GAP;
            (free.right - width, free.top + 8.0)
        } else {
            self.free.bottom -= height + 8.0;
            (free.centre() - width / 2.0, free.bottom - height)
        };

        for (i, ((_, style, form), name)) in entries.iter().zip(&names).enumerate() {
            let (column, row) = place(i, columns);
            let x = left + widths[..column].iter().map(|w| w + ENTRY_GAP).sum::<f64>();
            let middle = top + (row as f64 + 0.5) * ENTRY_HEIGHT;
            let half = 5.0;
            if *form != Form::Dots {
                self.shapes.push(Shape::Area {
                    points: vec![
                        (x, middle - half),
                        (x + SAMPLE, middle - half),
                        (x + SAMPLE, middle + half),
                        (x, middle + half),
                    ],
                    colour: style.colour,
                    opacity: BAND_OPACITY,
                });
                self.shapes.push(Shape::Line {
                    points: vec![(x, middle), (x + SAMPLE, middle)],
                    colour: style.colour,
                    width: LINE_WIDTH,
                    dash: style.dash,
                });
            }
            if *form != Form::Line {
                let (x, y) = (x + SAMPLE / 2.0, middle);
                self.shapes.push(Shape::Dot { x, y, radius: MARK, colour: style.colour });
            }
            let baseline = middle + 0.36 * LEGEND;
            self.text(name, x + SAMPLE + SAMPLE_GAP, baseline, LEGEND, Anchor::Start, INK);
        }
    }

    fn panels(
        &mut self,
        figure: &Figure,
        axes: &[(Projection, Projection)],
        styles: &[Vec<Style>],
    ) -> Result<(), PlotError> {
        let panels = &figure.panels;
        let columns = figure.columns.min(panels.len());
        let rows = panels.len().div_ceil(columns);
        let free = self.free;

        // Labels depend on the room for the curves (how many ticks, where lines break) and the room
        // depends on the labels; a few rounds from a guess settle it.
        let mut room = (free.width() / columns as f64 - 80.0, free.height() / rows as f64 - 60.0);
        let mut labels: Vec<Labels> = Vec::new();
        let (mut left, mut right) = (vec![0.0; columns], vec![0.0; columns]);
        let (mut above, mut below) = (vec![0.0; rows], vec![0.0; rows]);
        for _ in 0..4 {
            labels =
                (0..panels.len()).map(|i| Labels::of(panels, axes, i, columns, room)).collect();
            for side in [&mut left, &mut right, &mut above, &mut below] {
                side.fill(0.0);
            }
            for (i, label) in labels.iter().enumerate() {
                let (row, column) = (i / columns, i % columns);
                left[column] = label.left.max(left[column]);
                right[column] = label.right.max(right[column]);
                above[row] = label.above.max(above[row]);
                below[row] = label.below.max(below[row]);
            }
            let used = left.iter().chain(&right).sum::<f64>() + COLUMN_GAP * (columns - 1) as f64;
            let used_rows = above.iter().chain(&below).sum::<f64>() + ROW_GAP * (rows - 1) as f64;
            room =
                ((free.width() - used) / columns as f64, (free.height() - used_rows) / rows as f64);
        }
        if room.0.min(room.1) < f64::from(LEAST_ROOM) {
            return Err(PlotError::NoRoom {
                width: figure.width,
                height: figure.height,
                room_width: room.0.max(0.0),
                room_height: room.1.max(0.0),
                min: LEAST_ROOM,
            });
        }

        let mut bottom = free.top;
        for row in 0..rows {
            let top = bottom + above[row] + if row > 0 { ROW_GAP } else { 0.0 };
            let mut x = free.left;
            for column in 0..columns {
                let i = row * columns + column;
                let start = x + left[column];
                x = start + room.0 + right[column] + COLUMN_GAP;
                if i < panels.len() {
                    // Frames on half pixels are sharp at every whole scale.
                    let snap = |v: f64| v.floor() + 0.5;
                    let plot = Rect {
                        left: snap(start),
                        top: snap(top),
                        right: snap(start + room.0),
                        bottom: snap(top + room.1),
                    };
                    self.frame(&plot, &labels[i]);
                    self.curves(&plot, &panels[i], &axes[i], &styles[i]);
                }
            }
            bottom = top + room.1 + below[row];
        }
        Ok(())
    }

    /// Grid, axes, ticks and their texts.
    fn frame(&mut self, plot: &Rect, labels: &Labels) {
        for tick in &labels.x_ticks {
            let (x, _) = plot.at((tick.unit, 0.0));
            self.line((x, plot.top), (x, plot.bottom), GRID, 1.0);
        }
        for tick in &labels.y_ticks {
            let (_, y) = plot.at((0.0, tick.unit));
            self.line((plot.left, y), (plot.right, y), GRID, 1.0);
        }
        self.shapes.push(Shape::Line {
            points: vec![
                (plot.left, plot.top),
                (plot.left, plot.bottom),
                (plot.right, plot.bottom),
            ],
            colour: INK,
            width: 1.0,
            dash: &[],
        });
        for tick in &labels.x_ticks {
            let (x, y) = plot.at((tick.unit, 0.0));
            self.line((x, y), (x, y + TICK_LENGTH), INK, 1.0);
            let baseline = y + TICK_LENGTH + 3.0 + ASCENT * TICK;
            self.text(&tick.label, x, baseline, TICK, Anchor::Middle, INK);
        }
        for tick in &labels.y_ticks {
            let (x, y) = plot.at((0.0, tick.unit));
            self.line((x - TICK_LENGTH, y), (x, y), INK, 1.0);
            self.text(&tick.label, x - TICK_LENGTH - 4.0, y + 0.36 * TICK, TICK, Anchor::End, INK);
        }
        let title_top = plot.top - labels.above;
        self.block(&labels.title, plot.centre(), title_top, PANEL_TITLE, Anchor::Middle, INK);
        let label_top = plot.bottom + TICK_LENGTH + 3.0 + LINE * TICK + 3.0;
        self.block(&labels.x_label, plot.centre(), label_top, LABEL, Anchor::Middle, INK);
        let middle = 0.5 * (plot.top + plot.bottom);
        for (i, line) in labels.y_label.iter().rev().enumerate() {
            let x = plot.left - labels.y_label_gap - (i as f64 * LINE + DESCENT) * LABEL;
            self.shapes.push(Shape::Text(Text {
                text: line.clone(),
                x,
                y: middle,
                size: LABEL,
                anchor: Anchor::Middle,
                upwards: true,
                colour: INK,
            }));
        }
    }

    /// All bands, then all lines, so that no band dims a line.
    fn curves(
        &mut self,
        plot: &Rect,
        panel: &Panel,
        axes: &(Projection, Projection),
        styles: &[Style],
    ) {
        let in_runs: Vec<_> =
            panel.curves.iter().map(|c| runs(&c.points, &axes.0, &axes.1)).collect();
        for ((runs, style), curve) in in_runs.iter().zip(styles).zip(&panel.curves) {
            if curve.form == Form::Dots {
                for &[x, y, low, high] in runs.iter().flatten() {
                    let bar = (low != y || high != y).then(|| clip_segment((x, low), (x, high)));
                    if let Some((a, b)) = bar.flatten() {
                        self.line(plot.at(a), plot.at(b), style.colour, 1.2);
                    }
                }
                continue;
            }
            for run in
                runs.iter().filter(|run| run.iter().any(|[_, y, low, high]| low != y || high != y))
            {
                let upper = run.iter().map(|[x, _, _, high]| (*x, *high));
                let lower = run.iter().rev().map(|[x, _, low, _]| (*x, *low));
                if let [[x, _, low, high]] = run[..] {
                    if let Some((a, b)) = clip_segment((x, low), (x, high)) {
                        self.line(plot.at(a), plot.at(b), style.colour, 1.0);
                    }
                    continue;
                }
                let points = clip_polygon(upper.chain(lower).collect());
                if points.len() >= 3 {
                    let points = points.into_iter().map(|p| plot.at(p)).collect();
                    self.shapes.push(Shape::Area {
                        points,
                        colour: style.colour,
                        opacity: BAND_OPACITY,
                    });
                }
            }
        }
        for ((runs, style), curve) in in_runs.iter().zip(styles).zip(&panel.curves) {
            let line = runs.iter().filter(|_| curve.form != Form::Dots);
            let mut shapes: Vec<Shape> = line.flat_map(|run| pieces(run, plot, style)).collect();
            if curve.form != Form::Line {
                shapes.extend(runs.iter().flatten().filter_map(|&[x, y, ..]| {
                    clip_segment((x, y), (x, y))?;
                    let (x, y) = plot.at((x, y));
                    Some(Shape::Dot { x, y, radius: MARK, colour: style.colour })
                }));
            }
            self.shapes.push(Shape::Named { name: curve.name.clone(), shapes });
        }
    }
}

/// The visible lines of one run.
fn pieces(run: &[[f64; 4]], plot: &Rect, style: &Style) -> Vec<Shape> {
    if let [[x, y, ..]] = run[..] {
        if clip_segment((x, y), (x, y)).is_none() {
            return Vec::new();
        }
        let (x, y) = plot.at((x, y));
        return vec![Shape::Dot { x, y, radius: 1.4 * LINE_WIDTH, colour: style.colour }];
    }
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    for pair in run.windows(2) {
        let ends = ((pair[0][0], pair[0][1]), (pair[1][0], pair[1][1]));
        let Some((a, b)) = clip_segment(ends.0, ends.1) else { continue };
        let (a, b) = (plot.at(a), plot.at(b));
        match lines.last_mut() {
            Some(line) if line.last() == Some(&a) => line.push(b),
            _ => lines.push(vec![a, b]),
        }
    }
    lines
        .into_iter()
        .map(|points| Shape::Line {
            points,
            colour: style.colour,
            width: LINE_WIDTH,
            dash: style.dash,
        })
        .collect()
}

/// The texts around one panel's curves and the space that they need.
struct Labels {
    title: Vec<String>,
    x_label: Vec<String>,
    y_label: Vec<String>,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    /// From the axis to the nearer side of its label.
    y_label_gap: f64,
    left: f64,
    right: f64,
    above: f64,
    below: f64,
}

impl Labels {
    fn of(
        panels: &[Panel],
        axes: &[(Projection, Projection)],
        i: usize,
        columns: usize,
        room: (f64, f64),
    ) -> Self {
        let panel = &panels[i];
        let tick_width = |tick: &Tick| font::width(&tick.label, TICK);
        let room = (room.0.max(10.0), room.1.max(10.0));

        let y_ticks = axes[i].1.ticks(((room.1 / (2.4 * TICK)) as usize).clamp(2, 9));
        let apart = |ticks: &[Tick]| {
            ticks.windows(2).all(|t| {
                let distance = (t[1].unit - t[0].unit) * room.0;
                0.5 * (tick_width(&t[0]) + tick_width(&t[1])) + 10.0 <= distance
            })
        };
        let x_ticks = (2..=9).rev().map(|most| axes[i].0.ticks(most)).find(|ticks| apart(ticks));
        let x_ticks = x_ticks.unwrap_or_else(|| axes[i].0.ticks(2));

        // Neighbours in a row share a vertical label, neighbours in a column a horizontal one.
        let repeats_left = !i.is_multiple_of(columns) && panels[i - 1].y.label == panel.y.label;
        let repeats_below = panels.get(i + columns).is_some_and(|p| p.x.label == panel.x.label);
        let y_label = if repeats_left { "" } else { &panel.y.label };
        let x_label = if repeats_below { "" } else { &panel.x.label };
        let y_label = wrap(y_label, LABEL, room.1);
        let x_label = wrap(x_label, LABEL, room.0);
        let title = wrap(panel.title.as_deref().unwrap_or_default(), PANEL_TITLE, room.0);

        let widest = y_ticks.iter().map(tick_width).fold(0.0, f64::max);
        let y_label_gap = TICK_LENGTH + 4.0 + widest + 6.0;
        let overhang = |tick: &Tick, distance: f64| 0.5 * tick_width(tick) - distance * room.0;
        let first = x_ticks.first().map_or(0.0, |t| overhang(t, t.unit));
        let last = x_ticks.last().map_or(0.0, |t| overhang(t, 1.0 - t.unit));
        let axis_side = if y_label.is_empty() {
            y_label_gap - 6.0
        } else {
            y_label_gap + block_height(&y_label, LABEL)
        };
        let ticks_below = TICK_LENGTH + 3.0 + LINE * TICK;
        Self {
            left: axis_side.max(first),
            right: last.max(2.0),
            above: if title.is_empty() { 6.0 } else { block_height(&title, PANEL_TITLE) + 7.0 },
            below: ticks_below
                + if x_label.is_empty() { 0.0 } else { 3.0 + block_height(&x_label, LABEL) },
            title,
            x_label,
            y_label,
            x_ticks,
            y_ticks,
            y_label_gap,
        }
    }
}

fn block_height(lines: &[String], size: f64) -> f64 {
    lines.len() as f64 * LINE * size
}

/// Moves a text that would stick out of the picture back into it: better near its place than cut
/// off.
pub(crate) fn keep_inside(scene: &mut Scene) {
    let (width, height) = (f64::from(scene.width), f64::from(scene.height));
    for shape in &mut scene.shapes {
        if let Shape::Text(text) = shape {
            let [left, top, right, bottom] = text.bounds();
            text.x += (-left).max(0.0) - (right - width).max(0.0);
            text.y += (-top).max(0.0) - (bottom - height).max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Point};

    fn curves(names: &[&str]) -> Vec<Curve> {
        let curve = |(k, name): (usize, &&str)| {
            let points = (0..9)
                .map(|i| {
                    let y = 0.1 * (k + 1) as f64;
                    Point::with_band(f64::from(i) * 500.0, y, -0.1, 2.0 * y)
                })
                .collect();
            Curve::new(*name, points)
        };
        names.iter().enumerate().map(curve).collect()
    }

    #[test]
    fn a_name_with_a_style_of_its_own_keeps_it_and_only_what_is_drawn_is_in_the_legend() {
        let panel = Panel::new(Axis::new("x"), Axis::new("y"), curves(&["other", "b"]));
        let mut figure = Figure::new(vec![panel]);
        figure.styles = vec!["a".into(), "b".into()];
        let (entries, styles) = name_styles(&figure);
        assert_eq!(styles, [[style(2), style(1)]]);
        let names: Vec<&str> = entries.iter().map(|(name, ..)| &**name).collect();
        assert_eq!(names, ["b", "other"]);
    }

    fn texts<'a>(scene: &'a Scene) -> Vec<&'a Text> {
        let text = |shape: &'a Shape| match shape {
            Shape::Text(text) => Some(text),
            _ => None,
        };
        scene.shapes.iter().filter_map(text).collect()
    }

    /// Every text in the picture, none over another, and no text over the lines of a curve.
    #[track_caller]
    fn check(figure: &Figure) {
        let scene = lay_out(figure).unwrap();
        let texts: Vec<_> = texts(&scene).into_iter().map(|t| (&t.text, t.bounds())).collect();
        let (width, height) = (f64::from(scene.width), f64::from(scene.height));
        let meet = |a: [f64; 4], b: [f64; 4]| {
            let slack = 0.5;
            a[0] + slack < b[2] && b[0] + slack < a[2] && a[1] + slack < b[3] && b[1] + slack < a[3]
        };
        for (i, &(text, bounds)) in texts.iter().enumerate() {
            let [left, top, right, bottom] = bounds;
            let inside = left >= 0.0 && top >= 0.0 && right <= width && bottom <= height;
            assert!(inside, "`{text}` is cut off: {bounds:?} in {width}×{height}");
            for &(other, place) in &texts[..i] {
                assert!(!meet(bounds, place), "`{text}` {bounds:?} lies over `{other}` {place:?}");
            }
        }
        for shape in &scene.shapes {
            let Shape::Named { shapes, .. } = shape else { continue };
            for line in shapes {
                let Shape::Line { points, .. } = line else { continue };
                for (x, y) in points {
                    let point = [x - 0.5, y - 0.5, x + 0.5, y + 0.5];
                    let hit = texts.iter().find(|(_, bounds)| meet(*bounds, point));
                    assert!(hit.is_none(), "{hit:?} lies over a curve at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn no_text_is_cut_off_or_lies_over_another_or_over_a_curve() {
        let long = "resampling with two-fold replacement, then the geometric median (Proposed)";
        let lists: [&[&str]; 5] = [
            &["a"],
            &["", ""],
            &["Proposed", "Krum", "RSA"],
            &[long, "b"],
            &["illi", long, "WWW", "x", "y", "z"],
        ];
        let many: Vec<String> = (0..24).map(|i| format!("method number {i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for names in lists.into_iter().chain([&many[..]]) {
            for (count, columns) in [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3)] {
                for y in [
                    Axis::new("test accuracy"),
                    Axis::new(long).log(),
                    Axis::new("").range(-2e6, 9e6),
                ] {
                    for legend in [Legend::Auto, Legend::Right, Legend::Bottom, Legend::Hidden] {
                        let x = Axis::new("communication round");
                        let mut panel = Panel::new(x, y.clone(), curves(names));
                        panel.title = (count > 1).then(|| format!("(a) {long}"));
                        let mut figure = Figure::new(vec![panel; count]);
                        figure.columns = columns;
                        figure.legend = legend;
                        figure.title = (count != 2).then(|| format!("{long} {long}"));
                        figure.footer = Some(format!(
                            "configuration {} data {}",
                            "3f".repeat(32),
                            "a1".repeat(32)
                        ));
                        (figure.width, figure.height) =
                            (500 * columns as u32, 400 * count.div_ceil(columns) as u32 + 300);
                        if names == many && legend == Legend::Right {
                            figure.width += 300;
                        }
                        check(&figure);
                    }
                }
            }
        }
    }

    #[test]
    fn the_same_name_has_one_style_and_one_entry_in_all_panels() {
        let panel = |names: &[&str]| Panel::new(Axis::new("x"), Axis::new("y"), curves(names));
        let figure =
            Figure::new(vec![panel(&["a", "b"]), panel(&["b", "", "c"]), panel(&["c", "a"])]);
        let (entries, styles) = name_styles(&figure);
        assert_eq!(
            entries.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
        assert_eq!(styles[0][1], styles[1][0]);
        assert_eq!(styles[1][2], styles[2][0]);
        assert_eq!(styles[0][0], styles[2][1]);
        assert!(styles[1][1] != styles[1][0] && styles[1][1] != styles[1][2]);
    }

    #[test]
    fn curves_and_bands_stay_inside_their_panel() {
        let points = vec![
            Point::with_band(0.0, 0.5, -1e200, 1e200),
            Point::with_band(1.0, 1e299, f64::NAN, 1e300),
            Point::with_band(2.0, 0.4, 0.3, 0.6),
            Point::with_band(9.0, 0.4, 0.3, 0.6),
        ];
        let x = Axis::new("x").range(0.0, 4.0);
        let y = Axis::new("y").range(0.0, 1.0);
        let figure = Figure::new(vec![Panel::new(x, y, vec![Curve::new("a", points)])]);
        let scene = lay_out(&figure).unwrap();
        let frame = scene.shapes.iter().find_map(|s| match s {
            Shape::Line { points, .. } if points.len() == 3 => Some(points.clone()),
            _ => None,
        });
        let frame = frame.unwrap();
        let inside = |&(x, y): &(f64, f64)| {
            let slack = 1e-6;
            frame[1].0 - slack <= x
                && x <= frame[2].0 + slack
                && frame[0].1 - slack <= y
                && y <= frame[1].1 + slack
        };
        let mut seen = 0;
        for shape in &scene.shapes {
            // The legend's sample is the only area with exactly four corners beside the panel.
            match shape {
                Shape::Area { points, .. } if points.len() > 4 => {
                    seen += 1;
                    assert!(points.iter().all(inside), "{points:?}");
                }
                Shape::Named { shapes, .. } => {
                    for line in shapes {
                        let Shape::Line { points, .. } = line else { continue };
                        seen += 1;
                        assert!(points.iter().all(inside), "{points:?}");
                    }
                }
                _ => {}
            }
        }
        assert!(seen >= 3, "one band and at least two pieces of line, got {seen}");
    }
}
