//! Curves as letters and dots on a terminal.

use crate::error::PlotError;
use crate::figure::{Curve, Panel};
use crate::layout::{Projection, Tick, clip_segment, project, runs};

const LEAST_WIDTH: usize = 40;
const LEAST_HEIGHT: usize = 5;
/// Dots of a braille cell across and down.
const ACROSS: usize = 2;
const DOWN: usize = 4;

/// How to draw on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Columns of the whole drawing; at least 40 are used.
    pub width: usize,
    /// Rows of the area of the curves, without axis and legend; at least 5 are used.
    pub height: usize,
    /// Whether to colour the curves with ANSI escapes.
    pub colour: bool,
    /// Which characters may be used.
    pub charset: Charset,
}

impl Default for Terminal {
    /// 80 columns, 20 rows, no colours, braille.
    fn default() -> Self {
        Self { width: 80, height: 20, colour: false, charset: Charset::Braille }
    }
}

/// Which characters a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// Lines of braille dots, box drawing for the axes.
    #[default]
    Braille,
    /// Letters only, for terminals and logs without Unicode; titles and names are printed as they
    /// are.
    Ascii,
}

/// The panel as text: curves, axes with numbers, and a legend with each curve's last value.
///
/// Each curve has a letter, which stands on it here and there, at its right end in the margin, and
/// in the legend; so curves can be told apart without colour. Where letters meet, the curve named
/// first keeps the place. Bands are not drawn; half the width of the last one stands in the legend
/// behind `±`. The answer has no trailing spaces and ends in a line break.
///
/// # Errors
/// [`PlotError`] if there is nothing to draw or a given range cannot be used.
///
/// # Example
/// ```
/// use fl_plot::{Axis, Curve, Panel, Point, Terminal, terminal};
///
/// let value = |x: f64| 1.0 - (-0.1 * x).exp();
/// let points = (0..=40).map(f64::from).map(|x| Point::new(x, value(x))).collect();
/// let curve = Curve::new("Proposed", points);
/// let panel = Panel::new(Axis::new("round"), Axis::new("accuracy"), vec![curve]);
/// let text = terminal(&panel, &Terminal { width: 60, height: 10, ..Terminal::default() })?;
/// assert!(text.contains("A Proposed  0.982"));
/// # Ok::<(), fl_plot::PlotError>(())
/// ```
pub fn terminal(panel: &Panel, terminal: &Terminal) -> Result<String, PlotError> {
    let (x, y) = project(panel, 1)?;
    let ascii = terminal.charset == Charset::Ascii;
    let width = terminal.width.max(LEAST_WIDTH);
    let height = terminal.height.max(LEAST_HEIGHT);
    let row = |unit: f64| cell((1.0 - unit) * (height * DOWN - 1) as f64) / DOWN;

    let y_ticks = plain(y.ticks((height / 3 + 1).clamp(2, 11)), ascii);
    let margin = y_ticks.iter().map(|t| t.label.chars().count()).max().unwrap_or(0);
    let ends = right_ends(panel, &x, &y, height, row);
    let letters = ends.iter().map(|end| end.len()).max().unwrap_or(0);
    // Left: a number, a space and the axis; right: a space and the letters of the curves that end
    // there. Many curves on one row must not eat up the picture; the rest of them stands in the
    // legend.
    let letters = letters.min(width / 4);
    let columns = width - margin - 2 - letters - usize::from(letters > 0);

    let mut canvas = Canvas::new(columns, height);
    for (k, curve) in panel.curves.iter().enumerate() {
        canvas.curve(k, curve, &x, &y);
    }
    canvas.place_letters(panel.curves.len(), ascii);

    let mut lines = Vec::new();
    for text in [panel.title.as_deref().unwrap_or_default(), &panel.y.label] {
        let text = clean(text);
        if !text.is_empty() {
            lines.push(format!("{:margin$}  {text}", ""));
        }
    }
    for (r, ends) in ends.iter().enumerate() {
        let tick = y_ticks.iter().find(|t| row(t.unit) == r);
        let axis = axis_mark(tick.is_some(), ascii);
        let number = tick.map_or("", |t| t.label.as_str());
        let cells = canvas.row(r, terminal);
        let ends = ends.iter().take(letters);
        let ends: String =
            ends.map(|&k| painted(k, &letter(k).to_string(), terminal.colour)).collect();
        let padding = " ".repeat(margin.saturating_sub(number.chars().count()));
        lines.push(format!("{padding}{number} {axis}{cells} {ends}"));
    }
    lines.extend(x_axis(&x, margin, columns, ascii));
    let x_name = clean(&panel.x.label);
    if !x_name.is_empty() {
        let start = margin + 2 + columns.saturating_sub(x_name.chars().count()) / 2;
        lines.push(format!("{:start$}{x_name}", ""));
    }
    lines.extend(legend(panel, width, terminal.colour, ascii));

    let mut out = String::new();
    for line in lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    Ok(out)
}

/// A piece of the vertical axis.
fn axis_mark(tick: bool, ascii: bool) -> char {
    match (tick, ascii) {
        (true, false) => '┤',
        (true, true) => '+',
        (false, false) => '│',
        (false, true) => '|',
    }
}

/// The letter of the `k`-th curve: A to Z, a to z, and then `*` for all.
fn letter(k: usize) -> char {
    ('A'..='Z').chain('a'..='z').nth(k).unwrap_or('*')
}

/// The text in the colour of the `k`-th curve: blue, red, green, magenta, yellow, cyan in turn.
fn painted(k: usize, text: &str, colour: bool) -> String {
    const ORDER: [u8; 6] = [34, 31, 32, 35, 33, 36];
    if colour { format!("\u{1b}[{}m{text}\u{1b}[0m", ORDER[k % ORDER.len()]) } else { text.into() }
}

/// One line without control characters: a name must not steer the terminal.
fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Tick labels, in ASCII written as a program would: 2e-3.
fn plain(mut ticks: Vec<Tick>, ascii: bool) -> Vec<Tick> {
    if ascii {
        for tick in &mut ticks {
            tick.label = ascii_number(&tick.label);
        }
    }
    ticks
}

fn ascii_number(label: &str) -> String {
    let mut out = String::new();
    let mut rest = label.replace('−', "-").replace("×10", "e");
    if rest.chars().any(|c| "⁻⁰¹²³⁴⁵⁶⁷⁸⁹".contains(c)) && !rest.contains('e') {
        rest = rest.replacen("10", "1e", 1);
    }
    for c in rest.chars() {
        match "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|r| r == c) {
            Some(digit) => out.push_str(&digit.to_string()),
            None => out.push(if c == '⁻' { '-' } else { c }),
        }
    }
    out
}

/// Rounds a position that is not negative to a dot.
fn cell(position: f64) -> usize {
    position.round().max(0.0) as usize
}

/// For each row the curves whose last point lies there.
fn right_ends(
    panel: &Panel,
    x: &Projection,
    y: &Projection,
    height: usize,
    row: impl Fn(f64) -> usize,
) -> Vec<Vec<usize>> {
    let mut ends = vec![Vec::new(); height];
    for (k, curve) in panel.curves.iter().enumerate() {
        let last = curve.points.iter().rev().find_map(|p| Some((x.unit(p.x)?, y.unit(p.y)?)));
        if let Some((_, y)) = last.filter(|&p| clip_segment(p, p).is_some()) {
            ends[row(y).min(height - 1)].push(k);
        }
    }
    ends
}

/// The area of the curves.
struct Canvas {
    columns: usize,
    rows: usize,
    /// Per cell the curves that pass, in the order of the panel, each with its dots.
    cells: Vec<Vec<(usize, u8)>>,
    letters: Vec<Option<usize>>,
}

impl Canvas {
    fn new(columns: usize, rows: usize) -> Self {
        let count = columns * rows;
        Self { columns, rows, cells: vec![Vec::new(); count], letters: vec![None; count] }
    }

    fn curve(&mut self, k: usize, curve: &Curve, x: &Projection, y: &Projection) {
        for run in runs(&curve.points, x, y) {
            let last = run.len() - 1;
            for i in 0..=last {
                // The last point again is its own segment, so that a single point leaves a dot.
                let (from, to) = (run[i], run[(i + 1).min(last)]);
                if let Some((a, b)) = clip_segment((from[0], from[1]), (to[0], to[1])) {
                    self.segment(k, a, b);
                }
            }
        }
    }

    /// Sets the dots from `a` to `b`, both in the unit square.
    fn segment(&mut self, k: usize, a: (f64, f64), b: (f64, f64)) {
        let (wide, high) = ((self.columns * ACROSS - 1) as f64, (self.rows * DOWN - 1) as f64);
        let dots = |p: (f64, f64)| (p.0 * wide, (1.0 - p.1) * high);
        let (a, b) = (dots(a), dots(b));
        let steps = (b.0 - a.0).abs().max((b.1 - a.1).abs()).ceil().max(1.0);
        for i in 0..=steps as usize {
            let t = i as f64 / steps;
            let column = cell(a.0 + t * (b.0 - a.0)).min(self.columns * ACROSS - 1);
            let row = cell(a.1 + t * (b.1 - a.1)).min(self.rows * DOWN - 1);
            // Braille numbers its dots down the left side, down the right side, and then the lowest
            // two.
            let bit = match (column % ACROSS, row % DOWN) {
                (0, 3) => 6,
                (1, 3) => 7,
                (side, down) => 3 * side + down,
            };
            let place = &mut self.cells[row / DOWN * self.columns + column / ACROSS];
            match place.iter_mut().find(|(curve, _)| *curve == k) {
                Some((_, bits)) => *bits |= 1 << bit,
                None => place.push((k, 1 << bit)),
            }
        }
    }

    /// Puts each curve's letter on it at even distances, the curves taking turns along the axis.
    fn place_letters(&mut self, curves: usize, everywhere: bool) {
        let distance = (2 * curves).max(14);
        for k in 0..curves {
            for column in 0..self.columns {
                if !everywhere && column % distance != (k * distance / curves + 3) % distance {
                    continue;
                }
                for row in 0..self.rows {
                    let i = row * self.columns + column;
                    if self.cells[i].iter().any(|(curve, _)| *curve == k) {
                        self.letters[i].get_or_insert(k);
                    }
                }
            }
        }
    }

    /// A row of cells as text.
    fn row(&self, row: usize, terminal: &Terminal) -> String {
        let ascii = terminal.charset == Charset::Ascii;
        (0..self.columns)
            .map(|column| match self.cell(column, row, ascii) {
                Some((k, letter)) => painted(k, &letter.to_string(), terminal.colour),
                None => " ".into(),
            })
            .collect()
    }

    /// What stands in a cell, and the curve whose colour it takes.
    fn cell(&self, column: usize, row: usize, ascii: bool) -> Option<(usize, char)> {
        let i = row * self.columns + column;
        if let Some(k) = self.letters[i] {
            return Some((k, letter(k)));
        }
        let (first, _) = *self.cells[i].first()?;
        let dots = self.cells[i].iter().fold(0, |all, (_, bits)| all | u32::from(*bits));
        Some((first, if ascii { letter(first) } else { char::from_u32(0x2800 + dots)? }))
    }
}

/// The horizontal axis and its numbers.
fn x_axis(x: &Projection, margin: usize, columns: usize, ascii: bool) -> [String; 2] {
    let column = |tick: &Tick| cell(tick.unit * (columns - 1) as f64);
    let start = |tick: &Tick| {
        let length = tick.label.chars().count();
        // The last number ends with the axis instead of sticking out.
        column(tick).saturating_sub(length / 2).min(columns.saturating_sub(length))
    };
    let fits = |ticks: &[Tick]| {
        ticks.windows(2).all(|t| start(&t[0]) + t[0].label.chars().count() + 2 <= start(&t[1]))
    };
    let wish = |most| plain(x.ticks(most), ascii);
    // Where not even two numbers fit side by side the first stands alone.
    let ticks = (2..=8).rev().map(wish).find(|ticks| fits(ticks));
    let ticks = ticks.unwrap_or_else(|| wish(2).into_iter().take(1).collect());

    let mut axis: Vec<char> = vec![if ascii { '-' } else { '─' }; columns];
    let mut numbers: Vec<char> = vec![' '; columns];
    for tick in &ticks {
        axis[column(tick).min(columns - 1)] = if ascii { '+' } else { '┬' };
        for (place, c) in numbers[start(tick)..].iter_mut().zip(tick.label.chars()) {
            *place = c;
        }
    }
    let corner = if ascii { '+' } else { '└' };
    [
        format!("{:margin$} {corner}{}", "", axis.into_iter().collect::<String>()),
        format!("{:margin$}  {}", "", numbers.into_iter().collect::<String>()),
    ]
}

/// Letter, name and last value of each curve, in columns.
fn legend(panel: &Panel, width: usize, colour: bool, ascii: bool) -> Vec<String> {
    let names: Vec<String> = panel.curves.iter().map(|c| clean(&c.name)).collect();
    let longest = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    let entries: Vec<String> = panel
        .curves
        .iter()
        .zip(&names)
        .map(|(curve, name)| format!("{name:longest$}  {}", last_value(curve, ascii)))
        .collect();
    let widest = entries.iter().map(|e| e.trim_end().chars().count()).max().unwrap_or(0);
    let columns = ((width + 1) / (widest + 5)).clamp(1, entries.len());
    let rows = entries.len().div_ceil(columns);
    (0..rows)
        .map(|row| {
            let line = (row..entries.len()).step_by(rows).map(|k| {
                let entry = entries[k].trim_end();
                format!("  {} {entry:widest$}", painted(k, &letter(k).to_string(), colour))
            });
            line.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// The last finite value, with half the width of its band.
fn last_value(curve: &Curve, ascii: bool) -> String {
    let Some(p) = curve.points.iter().rev().find(|p| p.x.is_finite() && p.y.is_finite()) else {
        return "no value".into();
    };
    let number = |v: f64| {
        if v == 0.0 || (1e-3..1e5).contains(&v.abs()) {
            format!("{v:.3}")
        } else {
            format!("{v:.2e}")
        }
    };
    let half = 0.5 * (p.high - p.low);
    if half.is_finite() && half > 0.0 {
        format!("{} {} {}", number(p.y), if ascii { "+-" } else { "±" }, number(half))
    } else {
        number(p.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Point};

    fn line(name: &str, values: &[f64]) -> Curve {
        let points = values.iter().enumerate().map(|(i, &y)| Point::new(i as f64, y)).collect();
        Curve::new(name, points)
    }

    fn panel(curves: Vec<Curve>) -> Panel {
        Panel::new(Axis::new("round"), Axis::new("accuracy"), curves)
    }

    #[test]
    fn a_small_ascii_drawing_is_exactly_this() {
        let curves = panel(vec![line("up", &[0.0, 1.0]), line("level", &[0.5, 0.5])]);
        let options = Terminal { width: 40, height: 5, colour: false, charset: Charset::Ascii };
        let expected = "   accuracy
1 +                            AAAAAAA A
  |                     AAAAAAAA
  |BBBBBBBBBBBBBBAAAAAAABBBBBBBBBBBBBB B
  |      AAAAAAAA
0 +AAAAAAA
  ++------+------+-----+------+------+
   0.0   0.2    0.4   0.6    0.8   1.0
                  round
  A up     1.000   B level  0.500
";
        assert_eq!(terminal(&curves, &options).unwrap(), expected);
    }

    #[test]
    fn braille_dots_are_where_unicode_has_them() {
        // A falling diagonal over one cell: left side dots 1 and 2, right side dots 6 and 8.
        let mut canvas = Canvas::new(1, 1);
        canvas.segment(0, (0.0, 1.0), (1.0, 0.0));
        assert_eq!(canvas.cell(0, 0, false), Some((0, '\u{2800}')).map(|(k, _)| (k, '⢣')));
    }

    #[test]
    fn every_line_fits_and_has_no_trailing_space() {
        let many: Vec<Curve> = (0..60)
            .map(|k| line(&format!("method {k}"), &[0.1, 0.2, f64::NAN, 0.01 * f64::from(k)]))
            .collect();
        for count in [1, 2, 7, 60] {
            for charset in [Charset::Braille, Charset::Ascii] {
                for width in [0, 40, 61, 80, 200] {
                    for height in [0, 5, 20] {
                        let options = Terminal { width, height, colour: false, charset };
                        let text = terminal(&panel(many[..count].to_vec()), &options).unwrap();
                        for line in text.lines() {
                            assert!(
                                line.chars().count() <= width.max(40),
                                "{width}: {line}\n{text}"
                            );
                            assert_eq!(line, line.trim_end());
                        }
                        assert_eq!(charset == Charset::Ascii, text.is_ascii(), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn escapes_appear_only_with_colour_and_never_from_a_name() {
        let panel = panel(vec![line("a\u{1b}[2J\nb", &[0.1, 0.2])]);
        let options = Terminal::default();
        let plain = terminal(&panel, &options).unwrap();
        assert!(!plain.contains('\u{1b}') && plain.contains("A a [2J b  0.200"), "{plain}");
        let coloured = terminal(&panel, &Terminal { colour: true, ..options }).unwrap();
        let stripped = coloured.replace("\u{1b}[34m", "").replace("\u{1b}[0m", "");
        assert_eq!(stripped, plain);
    }

    #[test]
    fn a_curve_without_values_says_so_and_a_band_shows_its_half_width() {
        let mut curves = vec![line("none", &[f64::NAN]), line("some", &[0.5])];
        curves[1].points[0] = Point::with_band(0.0, 0.5, 0.45, 0.55);
        let text = terminal(&panel(curves), &Terminal::default()).unwrap();
        assert!(
            text.contains("A none  no value") && text.contains("B some  0.500 ± 0.050"),
            "{text}"
        );
    }

    #[test]
    fn numbers_in_ascii_are_written_as_programs_do() {
        let found = ["10⁻³", "2.5×10⁶", "−1.5", "10⁰", "100"].map(ascii_number);
        assert_eq!(found, ["1e-3", "2.5e6", "-1.5", "1e0", "100"]);
    }
}
