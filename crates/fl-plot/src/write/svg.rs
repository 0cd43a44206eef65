//! A scene as SVG.

use std::fmt::Write as _;

use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Anchor, Colour, Scene, Shape, Text, lay_out};

/// The figure as an SVG document.
///
/// Text stays text (searchable, and editable in a drawing program) in DejaVu Sans or, where a
/// viewer lacks it, a typeface that is not wider, so that nothing is cut off.
/// Each curve is a group with its full name as `<title>`, which browsers show under the pointer.
/// The same figure gives the same bytes.
///
/// # Errors
/// Those of the layout: nothing to draw, unusable ranges or sizes ([`PlotError`]).
pub fn svg(figure: &Figure) -> Result<String, PlotError> {
    Ok(write_svg(&lay_out(figure)?))
}

pub(crate) fn write_svg(scene: &Scene) -> String {
    let (w, h) = (scene.width, scene.height);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         role=\"img\" font-family=\"'DejaVu Sans', Verdana, Arial, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n",
        escape(&scene.title)
    );
    shapes(&mut out, &scene.shapes);
    out.push_str("</svg>\n");
    out
}

// Writing to a String cannot fail, so the results of `write!` are dropped.
fn shapes(out: &mut String, list: &[Shape]) {
    for shape in list {
        match shape {
            Shape::Line { points, colour, width, dash } => {
                let _ = write!(
                    out,
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" \
                     stroke-linejoin=\"round\"",
                    places(points),
                    hex(*colour),
                    number(*width)
                );
                if !dash.is_empty() {
                    let dash: Vec<_> = dash.iter().map(|d| number(*d)).collect();
                    let _ = write!(out, " stroke-dasharray=\"{}\"", dash.join(" "));
                }
                out.push_str("/>\n");
            }
            Shape::Area { points, colour, opacity } => {
                let _ = writeln!(
                    out,
                    "<polygon points=\"{}\" fill=\"{}\" fill-opacity=\"{}\"/>",
                    places(points),
                    hex(*colour),
                    number(*opacity)
                );
            }
            Shape::Dot { x, y, radius, colour } => {
                let _ = writeln!(
                    out,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"/>",
                    number(*x),
                    number(*y),
                    number(*radius),
                    hex(*colour)
                );
            }
            Shape::Text(line) => text(out, line),
            Shape::Named { name, shapes: inner } => {
                let _ = writeln!(out, "<g><title>{}</title>", escape(name));
                shapes(out, inner);
                out.push_str("</g>\n");
            }
        }
    }
}

fn text(out: &mut String, text: &Text) {
    let (x, y) = (number(text.x), number(text.y));
    let _ = write!(
        out,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"",
        number(text.size),
        hex(text.colour)
    );
    match text.anchor {
        Anchor::Start => {}
        Anchor::Middle => out.push_str(" text-anchor=\"middle\""),
        Anchor::End => out.push_str(" text-anchor=\"end\""),
    }
    if text.upwards {
        let _ = write!(out, " transform=\"rotate(-90 {x} {y})\"");
    }
    let _ = writeln!(out, ">{}</text>", escape(&text.text));
}

fn places(points: &[(f64, f64)]) -> String {
    points
        .iter()
        .map(|&(x, y)| format!("{},{}", number(x), number(y)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// At most two digits after the point, and no needless zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

fn hex([r, g, b]: Colour) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Text for XML; characters that XML 1.0 does not allow at all become U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let found: Vec<_> = [0.0, -0.001, 1.5, 10.0, 0.126, 100.0].map(number).into();
        assert_eq!(found, ["0", "0", "1.5", "10", "0.13", "100"]);
    }

    #[test]
    fn letters_that_xml_forbids_are_replaced() {
        assert_eq!(
            escape("a<b>&\"\0\u{1b}\u{ffff}\n"),
            "a&lt;b&gt;&amp;&quot;\u{fffd}\u{fffd}\u{fffd} "
        );
    }
}
