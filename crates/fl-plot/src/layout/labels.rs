//! The texts around a panel's curves.

use super::axis::Projection;
use super::font::{self, LINE, wrap};
use super::page::{LABEL, TICK, block_height};
use super::ticks::Tick;
use crate::figure::Panel;

pub(super) const PANEL_TITLE: f64 = 13.0;
pub(super) const TICK_LENGTH: f64 = 4.0;

/// The texts around one panel's curves and the space that they need.
pub(super) struct Labels {
    pub(super) title: Vec<String>,
    pub(super) x_label: Vec<String>,
    pub(super) y_label: Vec<String>,
    pub(super) x_ticks: Vec<Tick>,
    pub(super) y_ticks: Vec<Tick>,
    /// From the axis to the nearer side of its label.
    pub(super) y_label_gap: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) above: f64,
    pub(super) below: f64,
}

impl Labels {
    pub(super) fn of(
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
