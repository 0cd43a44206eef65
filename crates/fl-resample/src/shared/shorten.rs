//! Shorter messages, as a mixing with the origin.

use fl_core::{Cx, Geometry, Mixing, PreAggregator, Shape};

/// Keeps the part of each message that `keep` says, and puts the rest on the origin; without an answer all of it.
pub(crate) fn shorten(workers: usize, out: &mut Mixing, keep: impl Fn(usize) -> Option<f64>) {
    out.clear(workers);
    let origin = workers as u32;
    for i in 0..workers {
        match keep(i) {
            Some(keep) => {
                // Below the normal numbers rounding is no small part of it, and may only shorten.
                let keep = if keep.is_normal() { keep } else { keep.next_down().max(0.0) };
                out.push_row(&[i as u32, origin], &[keep, 1.0 - keep]);
            }
            None => out.push_row(&[i as u32], &[1.0]),
        }
    }
}

/// Shortens whatever is longer than the `rank`-th shortest of the messages, counted from 1.
#[derive(Debug)]
pub(crate) struct ToRank {
    rank: fn(Shape) -> usize,
    order: Vec<u32>,
}

impl ToRank {
    pub(crate) fn boxed(shape: Shape, rank: fn(Shape) -> usize) -> Box<dyn PreAggregator> {
        Box::new(Self { rank, order: Vec::with_capacity(shape.workers) })
    }
}

impl PreAggregator for ToRank {
    fn mixing(
        &mut self,
        _: &Cx<'_>,
        _: usize,
        geometry: &Geometry,
        shape: Shape,
        out: &mut Mixing,
    ) {
        let norm = |i: u32| geometry.squared_norm(i as usize);
        self.order.clear();
        self.order.extend(0..shape.workers as u32);
        let rank = (self.rank)(shape);
        let (_, &mut longest, _) =
            self.order.select_nth_unstable_by(rank - 1, |&i, &j| norm(i).total_cmp(&norm(j)));
        // Squares and lengths have the same order, and equal ones are not shortened.
        let (longest, limit) = (longest as usize, norm(longest).sqrt());
        shorten(shape.workers, out, |i| {
            let longer = norm(i as u32).sqrt() > limit;
            longer.then(|| geometry.norm_ratio(longest, i))
        });
    }
}
