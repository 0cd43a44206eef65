//! The legend: which name has which style, and where the names stand.

use super::curves::MARK;
use super::font::{self, shorten};
use super::page::{HALF_LETTER, Page, Rect};
use super::scene::{Anchor, Shape};
use super::style::{BAND_OPACITY, INK, LINE_WIDTH, Style, style};
use crate::figure::{Curve, Figure, Form, Legend};

const TEXT: f64 = 12.0;
/// Length of the piece of curve in the legend: the longest dash pattern shows once and a half.
const SAMPLE: f64 = 38.0;
const SAMPLE_GAP: f64 = 7.0;
const ENTRY_GAP: f64 = 22.0;
const ENTRY_HEIGHT: f64 = 19.0;
/// What the legend leaves to the panels, at least.
const LEAST_REST: f64 = 60.0;

/// A name, how its curves look, and whether they have a line and dots.
pub(super) type Entry = (String, Style, Form);

/// The legend's entries, and the style of each curve of each panel.
pub(super) fn name_styles(figure: &Figure) -> (Vec<Entry>, Vec<Vec<Style>>) {
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

/// Where the entries stand.
struct Grid {
    right: bool,
    columns: usize,
    rows: usize,
    /// Of each column.
    widths: Vec<f64>,
}

impl Grid {
    /// As few columns as the free part of the page allows; to the right one that is as high as there is room.
    fn of(names: &[String], right: bool, free: &Rect) -> Self {
        let count = names.len();
        let grid = |columns: usize| {
            let rows = count.div_ceil(columns);
            let mut grid = Self { right, columns, rows, widths: vec![0.0; columns] };
            for (i, name) in names.iter().enumerate() {
                let (column, _) = grid.place(i);
                let width = SAMPLE + SAMPLE_GAP + font::width(name, TEXT);
                grid.widths[column] = grid.widths[column].max(width);
            }
            grid
        };
        if right {
            let most_rows = ((free.height() - LEAST_REST) / ENTRY_HEIGHT).floor().max(1.0) as usize;
            return grid(count.div_ceil(most_rows));
        }
        let fits = |&columns: &usize| grid(columns).width() <= free.width();
        let most = (1..=count).rev().find(fits).unwrap_or(1);
        // As few columns as give the same number of rows, so that the last row is not nearly
        // empty.
        grid(Some(count.div_ceil(count.div_ceil(most))).filter(fits).unwrap_or(most))
    }

    /// Column and row of an entry: under the panels rows fill first, beside them columns.
    fn place(&self, i: usize) -> (usize, usize) {
        if self.right {
            (i / self.rows, i % self.rows)
        } else {
            (i % self.columns, i / self.columns)
        }
    }

    fn width(&self) -> f64 {
        self.widths.iter().sum::<f64>() + ENTRY_GAP * (self.columns - 1) as f64
    }

    /// Takes the strip that the legend needs, and answers with its upper left corner.
    fn take(&self, free: &mut Rect) -> (f64, f64) {
        let all = *free;
        let (width, height) = (self.width(), self.rows as f64 * ENTRY_HEIGHT);
        if self.right {
            free.right -= width + ENTRY_GAP;
            (all.right - width, all.top + 8.0)
        } else {
            free.bottom -= height + 8.0;
            (all.centre() - width / 2.0, all.bottom - height)
        }
    }
}

/// Whether the legend stands to the right.
fn to_the_right(figure: &Figure, entries: &[Entry], free: &Rect) -> bool {
    match figure.legend {
        Legend::Auto => {
            let names = entries.iter().map(|(name, ..)| shorten(name, TEXT, f64::INFINITY));
            let widest = names.map(|name| font::width(&name, TEXT)).fold(0.0, f64::max);
            figure.panels.len() == 1
                && widest <= 0.28 * f64::from(figure.width)
                && entries.len() as f64 * ENTRY_HEIGHT <= free.height() - LEAST_REST
        }
        Legend::Right => true,
        Legend::Bottom | Legend::Hidden => false,
    }
}

impl Page {
    /// Draws the legend, and takes its strip from the free part of the page.
    pub(super) fn legend(&mut self, figure: &Figure, entries: &[Entry], free: &mut Rect) {
        if entries.is_empty() || figure.legend == Legend::Hidden {
            return;
        }
        let right = to_the_right(figure, entries, free);
        let room = if right {
            0.4 * f64::from(figure.width)
        } else {
            free.width() - (SAMPLE + SAMPLE_GAP)
        };
        let names: Vec<String> =
            entries.iter().map(|(name, ..)| shorten(name, TEXT, room)).collect();
        let grid = Grid::of(&names, right, free);
        let (left, top) = grid.take(free);
        for (i, ((_, style, form), name)) in entries.iter().zip(&names).enumerate() {
            let (column, row) = grid.place(i);
            let x = left + grid.widths[..column].iter().map(|w| w + ENTRY_GAP).sum::<f64>();
            let middle = top + (row as f64 + 0.5) * ENTRY_HEIGHT;
            self.sample(x, middle, style, *form);
            let place = (x + SAMPLE + SAMPLE_GAP, middle + HALF_LETTER * TEXT);
            self.text(name, place, TEXT, Anchor::Start, INK);
        }
    }

    /// A piece of curve.
    fn sample(&mut self, x: f64, middle: f64, style: &Style, form: Form) {
        let (half, colour) = (5.0, style.colour);
        if form != Form::Dots {
            let (top, bottom, end) = (middle - half, middle + half, x + SAMPLE);
            let points = vec![(x, top), (end, top), (end, bottom), (x, bottom)];
            self.shapes.push(Shape::Area { points, colour, opacity: BAND_OPACITY });
            let points = vec![(x, middle), (end, middle)];
            let (width, dash) = (LINE_WIDTH, style.dash);
            self.shapes.push(Shape::Line { points, colour, width, dash });
        }
        if form != Form::Line {
            let (x, y) = (x + SAMPLE / 2.0, middle);
            self.shapes.push(Shape::Dot { x, y, radius: MARK, colour });
        }
    }
}
