//! A scene as PNG.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash,
    Transform,
};
use ttf_parser::OutlineBuilder;

use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Colour, Scene, Shape, Text, lay_out, outlines, units_per_em};

/// Greatest number of pixels of a side.
const GREATEST_SIDE: u32 = 16_384;

/// The figure as a PNG file, `scale` pixels for one pixel of the figure (each side rounded).
///
/// Letters are drawn from the typeface inside this crate, so the picture does not depend on the
/// machine's fonts; a letter that DejaVu Sans lacks becomes an empty box.
/// The same figure and scale give the same bytes.
///
/// # Errors
/// Those of the layout, [`PlotError::PngScale`] and [`PlotError::Encode`].
pub fn png(figure: &Figure, scale: f32) -> Result<Vec<u8>, PlotError> {
    write_png(&lay_out(figure)?, scale)
}

pub(crate) fn write_png(scene: &Scene, scale: f32) -> Result<Vec<u8>, PlotError> {
    let refused = || PlotError::PngScale {
        scale,
        width: scene.width,
        height: scene.height,
        max: GREATEST_SIDE,
    };
    let side = |length: u32| {
        // The comparison is false for NaN too.
        let pixels = (length as f32 * scale).round();
        (1.0..=GREATEST_SIDE as f32).contains(&pixels).then_some(pixels as u32)
    };
    let (width, height) = side(scene.width).zip(side(scene.height)).ok_or_else(refused)?;
    let mut canvas = Pixmap::new(width, height).ok_or_else(refused)?;
    canvas.fill(Color::WHITE);
    shapes(&mut canvas, &scene.shapes, Transform::from_scale(scale, scale));
    canvas.encode_png().map_err(|e| PlotError::Encode { message: e.to_string() })
}

fn shapes(canvas: &mut Pixmap, list: &[Shape], transform: Transform) {
    for shape in list {
        match shape {
            Shape::Line { points, colour, width, dash } => {
                let Some(path) = path(points, false) else { continue };
                let dash: Vec<f32> = dash.iter().map(|d| *d as f32).collect();
                let stroke = Stroke {
                    width: *width as f32,
                    line_cap: LineCap::Butt,
                    line_join: LineJoin::Round,
                    dash: StrokeDash::new(dash, 0.0),
                    ..Stroke::default()
                };
                canvas.stroke_path(&path, &paint(*colour, 1.0), &stroke, transform, None);
            }
            Shape::Area { points, colour, opacity } => {
                let Some(path) = path(points, true) else { continue };
                canvas.fill_path(
                    &path,
                    &paint(*colour, *opacity),
                    FillRule::Winding,
                    transform,
                    None,
                );
            }
            Shape::Dot { x, y, radius, colour } => {
                let Some(path) = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32)
                else {
                    continue;
                };
                canvas.fill_path(&path, &paint(*colour, 1.0), FillRule::Winding, transform, None);
            }
            Shape::Text(text) => {
                let Some(path) = letters(text) else { continue };
                canvas.fill_path(
                    &path,
                    &paint(text.colour, 1.0),
                    FillRule::Winding,
                    transform,
                    None,
                );
            }
            Shape::Named { shapes: inner, .. } => shapes(canvas, inner, transform),
        }
    }
}

fn paint([r, g, b]: Colour, opacity: f64) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, (opacity * 255.0).round() as u8);
    paint
}

fn path(points: &[(f64, f64)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 {
            path.move_to(x as f32, y as f32);
        } else {
            path.line_to(x as f32, y as f32);
        }
    }
    if closed {
        path.close();
    }
    path.finish()
}

/// The outlines of a text in the pixels of the scene; `None` if it has no ink.
fn letters(text: &Text) -> Option<Path> {
    let unit = text.size / units_per_em();
    let mut pen = Pen { path: PathBuilder::new(), unit: unit as f32, x: 0.0 };
    let start = -text.before();
    outlines(&text.text, &mut pen, |pen, ems| pen.x = (start + ems * text.size) as f32);
    let path = pen.path.finish()?;
    let turned = if text.upwards { Transform::from_rotate(-90.0) } else { Transform::identity() };
    path.transform(turned.post_translate(text.x as f32, text.y as f32))
}

/// Turns font units with y upwards into pixels with y downwards.
struct Pen {
    path: PathBuilder,
    unit: f32,
    x: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.unit, -y * self.unit)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
