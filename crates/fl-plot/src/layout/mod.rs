//! Where everything goes. Works from the outside in: title, footer and legend take their strips of
//! the page, the panels share what is left, and each panel's labels take their strips around its
//! curves.

mod axis;
mod clip;
mod curves;
mod font;
mod heat_map;
mod labels;
mod legend;
mod page;
mod panels;
mod scene;
mod style;
mod ticks;

pub(crate) use axis::{Projection, project};
pub(crate) use clip::{clip_segment, runs};
pub(crate) use font::{outlines, units_per_em};
pub(crate) use heat_map::lay_out_heat_map;
pub(crate) use scene::{Anchor, Scene, Shape, Text};
pub(crate) use style::Colour;
pub(crate) use ticks::Tick;

use crate::error::PlotError;
use crate::figure::Figure;
use legend::name_styles;
use page::{FOOTER, GREATEST_SIDE, MARGIN, Page, Rect, TITLE, block_height, wrapped};
use style::{FAINT, INK};

const LEAST_SIDE: u32 = 120;

pub(crate) fn lay_out(figure: &Figure) -> Result<Scene, PlotError> {
    let (width, height) = (figure.width, figure.height);
    let sides = LEAST_SIDE..=GREATEST_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) {
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
    let mut free = Rect {
        left: MARGIN,
        top: MARGIN,
        right: f64::from(width) - MARGIN,
        bottom: f64::from(height) - MARGIN,
    };
    let mut page = Page::default();
    page.title(figure, &mut free);
    page.footer(figure, &mut free);
    page.legend(figure, &entries, &mut free);
    page.panels(figure, &free, &axes, &styles)?;
    Ok(page.finish(width, height, scene_title(figure)))
}

fn scene_title(figure: &Figure) -> String {
    let title = figure.title.as_ref().or(figure.panels[0].title.as_ref());
    title.cloned().unwrap_or_else(|| {
        let panel = &figure.panels[0];
        format!("{} against {}", panel.y.label, panel.x.label)
    })
}

impl Page {
    fn title(&mut self, figure: &Figure, free: &mut Rect) {
        let lines = wrapped(figure.title.as_deref(), TITLE, free.width());
        self.block(&lines, (free.centre(), free.top), TITLE, Anchor::Middle, INK);
        if !lines.is_empty() {
            free.top += block_height(&lines, TITLE) + 8.0;
        }
    }

    fn footer(&mut self, figure: &Figure, free: &mut Rect) {
        let lines = wrapped(figure.footer.as_deref(), FOOTER, free.width());
        if lines.is_empty() {
            return;
        }
        // It may use a part of the lower margin: it is small print.
        let top = free.bottom + 5.0 - block_height(&lines, FOOTER);
        self.block(&lines, (free.left, top), FOOTER, Anchor::Start, FAINT);
        free.bottom = top - 8.0;
    }
}

#[cfg(test)]
mod tests {
    use super::style::style;
    use super::*;
    use crate::figure::{Axis, Curve, Legend, Panel, Point};

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
