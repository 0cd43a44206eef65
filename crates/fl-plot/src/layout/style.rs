//! Colours and dashes.

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

pub(crate) const INK: Colour = [0x22, 0x22, 0x22];
pub(crate) const FAINT: Colour = [0x6a, 0x6a, 0x6a];
pub(crate) const GRID: Colour = [0xe4, 0xe4, 0xe4];

pub(crate) const LINE_WIDTH: f64 = 1.8;
pub(crate) const BAND_OPACITY: f64 = 0.16;

/// The colours of Okabe and Ito, which the colour-blind can tell apart, without yellow, which white
/// swallows.
pub(crate) const COLOURS: [Colour; 7] = [
    [0x00, 0x72, 0xb2], // blue
    [0xd5, 0x5e, 0x00], // vermilion
    [0x00, 0x9e, 0x73], // bluish green
    [0xcc, 0x79, 0xa7], // reddish purple
    [0x00, 0x00, 0x00], // black
    [0xe6, 0x9f, 0x00], // orange
    [0x56, 0xb4, 0xe9], // sky blue
];

/// Lengths of ink and gap in pixels. They differ enough to tell curves apart in greyscale.
const DASHES: [&[f64]; 7] = [
    &[],
    &[8.0, 3.0],
    &[1.8, 2.2],
    &[9.0, 2.5, 1.8, 2.5],
    &[4.0, 2.5],
    &[15.0, 4.0],
    &[9.0, 2.5, 1.8, 2.5, 1.8, 2.5],
];

/// Colours of a heat map from the least to the greatest: from nearly white over sky blue to a dark
/// blue, which get darker all the way and so mean the same in greyscale.
const SHADES: [Colour; 4] =
    [[0xf7, 0xfa, 0xfd], [0x9c, 0xd0, 0xf0], [0x2b, 0x83, 0xba], [0x06, 0x2f, 0x5c]];

/// The colour of a place between 0 and 1, and a colour for text on it.
pub(crate) fn shade(place: f64) -> (Colour, Colour) {
    let place = place.clamp(0.0, 1.0) * (SHADES.len() - 1) as f64;
    let below = (place as usize).min(SHADES.len() - 2);
    let share = place - below as f64;
    let mix = |i: usize| {
        let (a, b) = (f64::from(SHADES[below][i]), f64::from(SHADES[below + 1][i]));
        (a + (b - a) * share).round() as u8
    };
    let colour = [mix(0), mix(1), mix(2)];
    let light =
        0.3 * f64::from(colour[0]) + 0.6 * f64::from(colour[1]) + 0.1 * f64::from(colour[2]);
    (colour, if light > 140.0 { INK } else { [0xff, 0xff, 0xff] })
}

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    pub(crate) colour: Colour,
    pub(crate) dash: &'static [f64],
}

/// The style of the `index`-th name. Styles repeat after 49: from the eighth on the dashes move on
/// by one against the colours.
pub(crate) fn style(index: usize) -> Style {
    let (turn, place) = (index / COLOURS.len(), index % COLOURS.len());
    Style { colour: COLOURS[place], dash: DASHES[(place + turn) % DASHES.len()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_nine_styles_are_all_different_and_seven_differ_without_colour() {
        let styles: Vec<_> = (0..49).map(style).collect();
        for i in 0..49 {
            for j in 0..i {
                assert_ne!(styles[i], styles[j], "{i} and {j}");
                assert!(i >= 7 || styles[i].dash != styles[j].dash, "{i} and {j} in greyscale");
            }
        }
    }
}
