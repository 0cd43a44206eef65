//! The grid of panels and the frame of each.

use super::axis::Projection;
use super::font::{ASCENT, DESCENT, LINE};
use super::labels::{Labels, PANEL_TITLE, TICK_LENGTH};
use super::page::{HALF_LETTER, LABEL, Page, Rect, TICK};
use super::scene::Anchor;
use super::style::{GRID, INK, Style};
use crate::error::PlotError;
use crate::figure::{Figure, Panel};

/// Least side of the space for the curves of a panel.
const LEAST_ROOM: u32 = 50;
const COLUMN_GAP: f64 = 18.0;
const ROW_GAP: f64 = 16.0;

/// Widths of the labels around the panels, and the room that they leave to the curves of each.
struct Grid {
    columns: usize,
    rows: usize,
    labels: Vec<Labels>,
    /// Of each column.
    left: Vec<f64>,
    right: Vec<f64>,
    /// Of each row.
    above: Vec<f64>,
    below: Vec<f64>,
    room: (f64, f64),
}

impl Grid {
    /// Labels depend on the room for the curves (how many ticks, where lines break) and the room
    /// depends on the labels; a few rounds from a guess settle it.
    fn settle(figure: &Figure, free: &Rect, axes: &[(Projection, Projection)]) -> Self {
        let columns = figure.columns.min(figure.panels.len());
        let rows = figure.panels.len().div_ceil(columns);
        let mut grid = Self {
            columns,
            rows,
            labels: Vec::new(),
            left: vec![0.0; columns],
            right: vec![0.0; columns],
            above: vec![0.0; rows],
            below: vec![0.0; rows],
            room: (free.width() / columns as f64 - 80.0, free.height() / rows as f64 - 60.0),
        };
        for _ in 0..4 {
            grid.measure(&figure.panels, free, axes);
        }
        grid
    }

    fn measure(&mut self, panels: &[Panel], free: &Rect, axes: &[(Projection, Projection)]) {
        let (columns, rows) = (self.columns, self.rows);
        let labels = |i| Labels::of(panels, axes, i, columns, self.room);
        self.labels = (0..panels.len()).map(labels).collect();
        for side in [&mut self.left, &mut self.right, &mut self.above, &mut self.below] {
            side.fill(0.0);
        }
        for (i, label) in self.labels.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            self.left[column] = label.left.max(self.left[column]);
            self.right[column] = label.right.max(self.right[column]);
            self.above[row] = label.above.max(self.above[row]);
            self.below[row] = label.below.max(self.below[row]);
        }
        let sum = |a: &[f64], b: &[f64]| a.iter().chain(b).sum::<f64>();
        let used = sum(&self.left, &self.right) + COLUMN_GAP * (columns - 1) as f64;
        let used_rows = sum(&self.above, &self.below) + ROW_GAP * (rows - 1) as f64;
        self.room =
            ((free.width() - used) / columns as f64, (free.height() - used_rows) / rows as f64);
    }
}

impl Page {
    pub(super) fn panels(
        &mut self,
        figure: &Figure,
        free: &Rect,
        axes: &[(Projection, Projection)],
        styles: &[Vec<Style>],
    ) -> Result<(), PlotError> {
        let grid = Grid::settle(figure, free, axes);
        let room = grid.room;
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
        for row in 0..grid.rows {
            let top = bottom + grid.above[row] + if row > 0 { ROW_GAP } else { 0.0 };
            let mut x = free.left;
            for column in 0..grid.columns {
                let i = row * grid.columns + column;
                let start = x + grid.left[column];
                x = start + room.0 + grid.right[column] + COLUMN_GAP;
                if i < figure.panels.len() {
                    // Frames on half pixels are sharp at every whole scale.
                    let snap = |v: f64| v.floor() + 0.5;
                    let plot = Rect {
                        left: snap(start),
                        top: snap(top),
                        right: snap(start + room.0),
                        bottom: snap(top + room.1),
                    };
                    self.frame(&plot, &grid.labels[i]);
                    self.curves(&plot, &figure.panels[i], &axes[i], &styles[i]);
                }
            }
            bottom = top + room.1 + grid.below[row];
        }
        Ok(())
    }

    /// Grid, axes, ticks and their texts.
    fn frame(&mut self, plot: &Rect, labels: &Labels) {
        let Rect { left, top, right, bottom } = *plot;
        for tick in &labels.x_ticks {
            let (x, _) = plot.at((tick.unit, 0.0));
            self.line(vec![(x, top), (x, bottom)], GRID, 1.0);
        }
        for tick in &labels.y_ticks {
            let (_, y) = plot.at((0.0, tick.unit));
            self.line(vec![(left, y), (right, y)], GRID, 1.0);
        }
        self.line(vec![(left, top), (left, bottom), (right, bottom)], INK, 1.0);
        for tick in &labels.x_ticks {
            let (x, y) = plot.at((tick.unit, 0.0));
            self.line(vec![(x, y), (x, y + TICK_LENGTH)], INK, 1.0);
            let baseline = y + TICK_LENGTH + 3.0 + ASCENT * TICK;
            self.text(&tick.label, (x, baseline), TICK, Anchor::Middle, INK);
        }
        for tick in &labels.y_ticks {
            let (x, y) = plot.at((0.0, tick.unit));
            self.line(vec![(x - TICK_LENGTH, y), (x, y)], INK, 1.0);
            let place = (x - TICK_LENGTH - 4.0, y + HALF_LETTER * TICK);
            self.text(&tick.label, place, TICK, Anchor::End, INK);
        }
        let place = (plot.centre(), top - labels.above);
        self.block(&labels.title, place, PANEL_TITLE, Anchor::Middle, INK);
        let place = (plot.centre(), bottom + TICK_LENGTH + 3.0 + LINE * TICK + 3.0);
        self.block(&labels.x_label, place, LABEL, Anchor::Middle, INK);
        let middle = 0.5 * (top + bottom);
        for (i, line) in labels.y_label.iter().rev().enumerate() {
            let x = left - labels.y_label_gap - (i as f64 * LINE + DESCENT) * LABEL;
            self.upright(line, (x, middle), LABEL, Anchor::Middle);
        }
    }
}
