//! The typeface: widths for the layout, outlines for the PNG.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// Height above the baseline that a line of text may use, in ems.
pub(crate) const ASCENT: f64 = 0.93;
/// Depth below the baseline that a line of text may use, in ems.
pub(crate) const DESCENT: f64 = 0.24;
/// Distance between baselines, in ems.
pub(crate) const LINE: f64 = 1.22;

static FACE: LazyLock<Face<'static>> = LazyLock::new(|| {
    Face::parse(dejavu::sans::regular(), 0).expect("the typeface is a constant of this program")
});

fn glyph(letter: char) -> GlyphId {
    FACE.glyph_index(letter).unwrap_or(GlyphId(0))
}

fn em() -> f64 {
    f64::from(FACE.units_per_em())
}

/// Width in pixels of a line of text in the given size.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| f64::from(FACE.glyph_hor_advance(glyph(c)).unwrap_or(0))).sum::<f64>()
        * size
        / em()
}

/// Sends the outlines of a line of text to `pen`, one letter at a time.
///
/// `place` is told the pen position of each letter in ems from the start of the line and answers
/// with the builder to use; coordinates that the builder sees are in font units with y upwards.
pub(crate) fn outlines<B: OutlineBuilder>(
    text: &str,
    pen: &mut B,
    mut place: impl FnMut(&mut B, f64),
) {
    let mut advance = 0.0;
    for letter in text.chars() {
        let glyph = glyph(letter);
        place(pen, advance / em());
        FACE.outline_glyph(glyph, pen);
        advance += f64::from(FACE.glyph_hor_advance(glyph).unwrap_or(0));
    }
}

/// Font units in an em.
pub(crate) fn units_per_em() -> f64 {
    em()
}

/// Breaks a text at spaces, and inside a word only where the word alone is too wide.
///
/// Any white space, also a line break, counts as one space. An empty text has no lines.
pub(crate) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, size) <= room {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            line.push(letter);
            if width(&line, size) > room && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::replace(&mut line, letter.to_string()));
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The text if it fits, else its beginning and an ellipsis.
pub(crate) fn shorten(text: &str, size: f64, room: f64) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if width(&text, size) <= room {
        return text;
    }
    while !text.is_empty() && width(&text, size) + width("…", size) > room {
        text.pop();
    }
    text.truncate(text.trim_end().len());
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_fit_and_lose_no_letter() {
        let text = "accuracy on the test set of \n a_very_long_word_without_any_space_in_it 1";
        for room in [20.0, 60.0, 150.0, 1000.0] {
            let lines = wrap(text, 12.0, room);
            assert!(lines.iter().all(|l| width(l, 12.0) <= room), "{room}: {lines:?}");
            let bare = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(bare(&lines.concat()), bare(text));
        }
        assert!(wrap(" \n", 12.0, 10.0).is_empty());
        // Narrower than a letter: one letter a line, and an end.
        assert_eq!(wrap("ab", 12.0, 0.0), ["a", "b"]);
    }

    #[test]
    fn a_shortened_text_fits_and_ends_in_an_ellipsis() {
        let short = shorten("resampling and geometric median", 12.0, 80.0);
        assert!(short.ends_with('…') && width(&short, 12.0) <= 80.0, "{short}");
        assert_eq!(shorten("Krum", 12.0, 80.0), "Krum");
    }
}
