//! Where the parts of a heat map go. Its size follows from its table.

use super::font::{self, ASCENT, LINE, shorten, wrap};
use super::page::{
    FOOTER, GREATEST_SIDE, HALF_LETTER, LABEL, MARGIN, Page, Rect, TICK, TITLE, block_height,
    wrapped,
};
use super::scene::{Anchor, Scene, Shape, Text};
use super::style::{Colour, GRID, INK, shade};
use super::ticks::{Tick, linear_ticks};
use crate::error::PlotError;
use crate::figure::HeatMap;

/// Digits behind the point beyond which a number says no more.
const MOST_DIGITS: usize = 20;
/// Size of the numbers in the cells.
const NUMBER: f64 = 10.0;
/// Sides of the cells' area that are aimed at; cells keep between their least and greatest size.
const AREA: (f64, f64) = (560.0, 620.0);
const CELL_SIZES: (f64, f64) = (3.0, 46.0);
const BAR_WIDTH: f64 = 14.0;
const BAR_GAP: f64 = 18.0;
/// Names of rows and columns are cut off beyond this.
const LONGEST_NAME: f64 = 220.0;

pub(crate) fn lay_out_heat_map(map: &HeatMap) -> Result<Scene, PlotError> {
    let (rows, columns) = (map.rows.len(), map.columns.len());
    if rows == 0 || columns == 0 || rows.checked_mul(columns) != Some(map.values.len()) {
        return Err(PlotError::Table { rows, columns, values: map.values.len() });
    }
    if let Some(digits) = map.digits.filter(|&digits| digits > MOST_DIGITS) {
        return Err(PlotError::Digits { digits, max: MOST_DIGITS });
    }
    let range = range(map)?;
    let cells = Cells::of(map);
    let names = Names::of(map, &cells);
    let sheet = Sheet::of(map, range, &cells, &names)?;
    let mut page = Page::default();
    page.cells(map, range, &cells, &sheet.table);
    page.names(&names, &cells, &sheet);
    page.colours(&sheet);
    page.texts(&sheet);
    let title = map.title.clone().unwrap_or_else(|| {
        format!("{} by {} and {}", map.value_label, map.row_label, map.column_label)
    });
    Ok(page.finish(sheet.page.0 as u32, sheet.page.1 as u32, title))
}

/// The numbers of the lightest and the darkest colour.
fn range(map: &HeatMap) -> Result<(f64, f64), PlotError> {
    let finite = || map.values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = map.range.unwrap_or_else(|| {
        let (low, high) = finite().fold((0.0, 0.0), |(l, h): (f64, f64), v| (l.min(v), h.max(v)));
        if low < high { (low, high) } else { (low, low + 1.0) }
    });
    if low.is_finite() && high.is_finite() && low < high && (high - low).is_finite() {
        return Ok((low, high));
    }
    Err(PlotError::HeatRange { low, high })
}

/// Size of the cells and the numbers in them.
struct Cells {
    /// Empty where none are written.
    numbers: Vec<String>,
    width: f64,
    height: f64,
}

impl Cells {
    fn of(map: &HeatMap) -> Self {
        let (rows, columns) = (map.rows.len(), map.columns.len());
        let mut numbers: Vec<String> = match map.digits {
            Some(digits) => map.values.iter().map(|v| format!("{v:.digits$}")).collect(),
            None => Vec::new(),
        };
        let widest = numbers.iter().map(|n| font::width(n, NUMBER)).fold(0.0, f64::max);
        // Whole pixels, so that neighbours meet without a seam.
        let size = |room: f64, count: usize, least: f64| {
            (room / count as f64).clamp(CELL_SIZES.0, CELL_SIZES.1).max(least).floor()
        };
        let fits = columns as f64 * (widest + 8.0) <= 2.0 * AREA.0;
        let width = size(AREA.0, columns, if fits { widest.ceil() + 8.0 } else { 0.0 });
        let height = size(AREA.1, rows, 0.0).min(28.0);
        if width < widest + 4.0 || height < NUMBER + 2.0 {
            numbers.clear();
        }
        Self { numbers, width, height }
    }
}

/// Names of rows and columns. Every `step`-th is written.
struct Names {
    rows: Vec<String>,
    columns: Vec<String>,
    row_step: usize,
    column_step: usize,
    /// Names of columns that are wider than these stand upright.
    upright: bool,
    row_room: f64,
    column_room: f64,
}

impl Names {
    fn of(map: &HeatMap, cells: &Cells) -> Self {
        let names = |names: &[String]| -> Vec<String> {
            names.iter().map(|n| shorten(n, TICK, LONGEST_NAME)).collect()
        };
        let length =
            |names: &[String]| names.iter().map(|n| font::width(n, TICK)).fold(0.0, f64::max);
        let (rows, columns) = (names(&map.rows), names(&map.columns));
        let longest = length(&columns);
        let upright = longest + 6.0 > cells.width && longest > 3.0 * TICK;
        let step = |room: f64, cell: f64| ((room / cell).ceil() as usize).max(1);
        Self {
            row_step: step(LINE * TICK, cells.height),
            column_step: step(if upright { LINE * TICK } else { longest + 6.0 }, cells.width),
            upright,
            row_room: length(&rows) + 6.0,
            column_room: if upright { longest + 8.0 } else { LINE * TICK + 4.0 },
            rows,
            columns,
        }
    }
}

/// The texts around the table, and the places of everything.
struct Sheet {
    title: Vec<String>,
    footer: Vec<String>,
    row_label: Vec<String>,
    column_label: Vec<String>,
    value_label: Vec<String>,
    ticks: Vec<Tick>,
    /// Of the ticks beside the bar of colours.
    tick_room: f64,
    /// Of the names under the table.
    column_room: f64,
    table: Rect,
    /// Left side of the bar of colours.
    bar: f64,
    /// Width and height of the picture.
    page: (f64, f64),
}

impl Sheet {
    fn of(
        map: &HeatMap,
        (low, high): (f64, f64),
        cells: &Cells,
        names: &Names,
    ) -> Result<Self, PlotError> {
        let width = cells.width * map.columns.len() as f64;
        let height = cells.height * map.rows.len() as f64;
        let row_label = wrap(&map.row_label, LABEL, height.max(60.0));
        let value_label = wrap(&map.value_label, LABEL, height.max(60.0));
        let ticks = linear_ticks(low, high, ((height / 40.0) as usize).clamp(2, 7));
        let tick_room = ticks.iter().map(|t| font::width(&t.label, TICK)).fold(0.0, f64::max) + 8.0;
        let label_room = with_gap(&row_label, LABEL, 6.0);
        let left = MARGIN + label_room + names.row_room;
        let bar = left + width + BAR_GAP;
        let right = bar + BAR_WIDTH + tick_room + with_gap(&value_label, LABEL, 6.0) + MARGIN;
        // A title may be wider than a narrow table.
        let page_width = right.max(320.0).ceil();
        let title = wrapped(map.title.as_deref(), TITLE, page_width - 2.0 * MARGIN);
        let footer = wrapped(map.footer.as_deref(), FOOTER, page_width - 2.0 * MARGIN);
        // Upright labels may be longer than a low table is high.
        let upright_labels = row_label.iter().chain(&value_label);
        let longest = upright_labels.map(|l| font::width(l, LABEL)).fold(0.0, f64::max);
        let over = (0.5 * (longest - height)).max(0.0);
        let middle = left + width / 2.0;
        let beside = (middle - MARGIN - label_room).min(page_width - MARGIN - middle);
        let column_label = wrap(&map.column_label, LABEL, (2.0 * beside).max(40.0));
        let top = (MARGIN + with_gap(&title, TITLE, 10.0) + over).ceil();
        let below = (names.column_room + with_gap(&column_label, LABEL, 4.0)).max(over);
        let page_height = (top + height + below + with_gap(&footer, FOOTER, 8.0) + MARGIN).ceil();
        if page_width.max(page_height) > f64::from(GREATEST_SIDE) {
            let (rows, columns) = (map.rows.len(), map.columns.len());
            return Err(PlotError::HeatSize { rows, columns, max: GREATEST_SIDE });
        }
        let left = left.ceil();
        Ok(Self {
            title,
            footer,
            row_label,
            column_label,
            value_label,
            ticks,
            tick_room,
            column_room: names.column_room,
            table: Rect { left, top, right: left + width, bottom: top + height },
            bar: left + width + BAR_GAP,
            page: (page_width, page_height),
        })
    }
}

/// Height of these lines with a gap after them, if there are any.
fn with_gap(lines: &[String], size: f64, gap: f64) -> f64 {
    if lines.is_empty() { 0.0 } else { block_height(lines, size) + gap }
}

fn area(x: f64, y: f64, width: f64, height: f64, colour: Colour) -> Shape {
    let points = vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)];
    Shape::Area { points, colour, opacity: 1.0 }
}

impl Page {
    fn cells(&mut self, map: &HeatMap, (low, high): (f64, f64), cells: &Cells, table: &Rect) {
        let columns = map.columns.len();
        let (width, height) = (cells.width, cells.height);
        for (i, value) in map.values.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            let (x, y) = (table.left + width * column as f64, table.top + height * row as f64);
            let name = format!("{}, {}: {value}", map.rows[row], map.columns[column]);
            let shapes = if value.is_finite() {
                let (colour, ink) = shade((value - low) / (high - low));
                let number = cells.numbers.get(i).map(|number| {
                    Shape::Text(Text {
                        text: number.clone(),
                        x: x + width / 2.0,
                        y: y + height / 2.0 + HALF_LETTER * NUMBER,
                        size: NUMBER,
                        anchor: Anchor::Middle,
                        upwards: false,
                        colour: ink,
                    })
                });
                [area(x, y, width, height, colour)].into_iter().chain(number).collect()
            } else {
                let points = vec![(x + 2.0, y + 2.0), (x + width - 2.0, y + height - 2.0)];
                vec![Shape::Line { points, colour: GRID, width: 1.0, dash: &[] }]
            };
            self.shapes.push(Shape::Named { name, shapes });
        }
        self.outline(table);
    }

    fn outline(&mut self, &Rect { left, top, right, bottom }: &Rect) {
        let points = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.line(points, INK, 1.0);
    }

    /// Names of rows and columns, and what they are names of.
    fn names(&mut self, names: &Names, cells: &Cells, sheet: &Sheet) {
        let table = &sheet.table;
        for (row, name) in names.rows.iter().enumerate().step_by(names.row_step) {
            let y = table.top + cells.height * (row as f64 + 0.5) + HALF_LETTER * TICK;
            self.text(name, (table.left - 6.0, y), TICK, Anchor::End, INK);
        }
        for (column, name) in names.columns.iter().enumerate().step_by(names.column_step) {
            let x = table.left + cells.width * (column as f64 + 0.5);
            if names.upright {
                let place = (x + HALF_LETTER * TICK, table.bottom + 6.0);
                self.upright(name, place, TICK, Anchor::End);
            } else {
                let y = table.bottom + 4.0 + ASCENT * TICK;
                self.text(name, (x, y), TICK, Anchor::Middle, INK);
            }
        }
        self.upright_block(&sheet.row_label, MARGIN, table);
        let place = (table.centre(), table.bottom + sheet.column_room);
        self.block(&sheet.column_label, place, LABEL, Anchor::Middle, INK);
    }

    /// Lines of text from `left` to the right, each of which reads upwards.
    fn upright_block(&mut self, lines: &[String], left: f64, table: &Rect) {
        for (i, line) in lines.iter().enumerate() {
            let x = left + (i as f64 * LINE + ASCENT) * LABEL;
            self.upright(line, (x, table.top + table.height() / 2.0), LABEL, Anchor::Middle);
        }
    }

    /// The bar of colours with its numbers.
    fn colours(&mut self, sheet: &Sheet) {
        let Rect { top, bottom, .. } = sheet.table;
        let (left, right, height) = (sheet.bar, sheet.bar + BAR_WIDTH, bottom - top);
        let steps = (height as usize).clamp(2, 128);
        for i in 0..steps {
            // From the top, darkest first, each a little too tall so that no seam shows.
            let (colour, _) = shade(1.0 - (i as f64 + 0.5) / steps as f64);
            let y = top + height * i as f64 / steps as f64;
            let tall = (height / steps as f64 + 0.7).min(top + height - y);
            self.shapes.push(area(left, y, BAR_WIDTH, tall, colour));
        }
        self.outline(&Rect { left, top, right, bottom });
        for tick in &sheet.ticks {
            let y = top + height * (1.0 - tick.unit);
            self.line(vec![(right, y), (right + 3.0, y)], INK, 1.0);
            let place = (right + 6.0, y + HALF_LETTER * TICK);
            self.text(&tick.label, place, TICK, Anchor::Start, INK);
        }
        self.upright_block(&sheet.value_label, right + sheet.tick_room + 6.0, &sheet.table);
    }

    /// Title and footer.
    fn texts(&mut self, sheet: &Sheet) {
        let (width, height) = sheet.page;
        self.block(&sheet.title, (width / 2.0, MARGIN), TITLE, Anchor::Middle, INK);
        for (i, line) in sheet.footer.iter().enumerate() {
            let after = sheet.footer.len() - 1 - i;
            let y = height - MARGIN - after as f64 * LINE * FOOTER;
            self.text(line, (MARGIN, y), FOOTER, Anchor::Start, INK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Shape;

    fn map(rows: usize, columns: usize) -> HeatMap {
        let values = (0..rows * columns).map(|i| (i % 97) as f64).collect();
        let mut map = HeatMap::new(
            (0..rows).map(|r| format!("worker {r}")),
            (0..columns).map(|c| c.to_string()),
            values,
        );
        map.row_label = "worker".into();
        map.column_label = "class".into();
        map.value_label = "samples".into();
        map.title = Some("who holds what".into());
        map.footer = Some("digest 12ab".into());
        map
    }

    fn flat<'a>(shapes: &'a [Shape], found: &mut Vec<&'a Text>) {
        for shape in shapes {
            match shape {
                Shape::Text(text) => found.push(text),
                Shape::Named { shapes, .. } => flat(shapes, found),
                _ => {}
            }
        }
    }

    #[test]
    fn no_text_is_cut_off_or_lies_over_another() {
        let long = "a name that is much longer than any name of a method ought to be";
        for (rows, columns) in [(1, 1), (2, 3), (30, 10), (21, 7), (1000, 10), (5, 120), (3, 40)] {
            for digits in [None, Some(0), Some(3)] {
                for names in [false, true] {
                    let mut map = map(rows, columns);
                    map.digits = digits;
                    if names {
                        map.columns.iter_mut().for_each(|c| *c = format!("{long} {c}"));
                        map.rows[0] = long.into();
                        map.title = Some(format!("{long} {long}"));
                    }
                    let scene = lay_out_heat_map(&map).unwrap();
                    let mut texts = Vec::new();
                    flat(&scene.shapes, &mut texts);
                    assert!(texts.len() > 4);
                    let bounds: Vec<_> = texts.iter().map(|t| (&t.text, t.bounds())).collect();
                    for (i, (text, b)) in bounds.iter().enumerate() {
                        let inside = b[0] >= -0.01
                            && b[1] >= -0.01
                            && b[2] <= f64::from(scene.width) + 0.01
                            && b[3] <= f64::from(scene.height) + 0.01;
                        assert!(
                            inside,
                            "{rows}×{columns}: `{text}` {b:?} in {}×{}",
                            scene.width, scene.height
                        );
                        // All pairs of a large table would take a while; neighbours are near in the list.
                        for (other, a) in &bounds[i.saturating_sub(60)..i] {
                            let meet = a[0] + 0.5 < b[2]
                                && b[0] + 0.5 < a[2]
                                && a[1] + 0.5 < b[3]
                                && b[1] + 0.5 < a[3];
                            assert!(
                                !meet,
                                "{rows}×{columns}: `{text}` {b:?} lies over `{other}` {a:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn greater_numbers_are_darker_and_unknown_ones_are_blank() {
        let mut map = HeatMap::new(["a"], ["x", "y", "z", "u"], vec![0.0, 5.0, 10.0, f64::NAN]);
        map.digits = Some(1);
        let scene = lay_out_heat_map(&map).unwrap();
        let colours: Vec<_> = scene.shapes[..4]
            .iter()
            .map(|cell| match cell {
                Shape::Named { shapes, .. } => shapes.iter().find_map(|s| match s {
                    Shape::Area { colour, .. } => {
                        Some(colour.iter().map(|c| u32::from(*c)).sum::<u32>())
                    }
                    _ => None,
                }),
                _ => None,
            })
            .collect();
        assert!(colours[0] > colours[1] && colours[1] > colours[2] && colours[3].is_none());
        let svg = map.svg().unwrap();
        assert!(
            svg.contains("<title>a, y: 5</title>")
                && svg.contains(">10.0<")
                && !svg.contains(">NaN<")
        );
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let error = |map: HeatMap| map.svg().unwrap_err().to_string();
        let map = |values| HeatMap::new(["a", "b"], ["x"], values);
        assert_eq!(
            error(map(vec![1.0])),
            "2 rows and 1 columns need 2 numbers, got 1; a heat map needs at least one of each"
        );
        let mut wrong = map(vec![1.0, 2.0]);
        wrong.range = Some((1.0, 1.0));
        assert!(error(wrong).contains("from 1 to 1"));
        let many = HeatMap::new((0..4000).map(|i| i.to_string()), ["x"], vec![0.0; 4000]);
        assert!(error(many).contains("4000 rows"));
        // Nothing to tell apart, or nothing known, is still a picture.
        assert!(map(vec![0.0, 0.0]).svg().is_ok() && map(vec![f64::NAN; 2]).svg().is_ok());
    }
}
