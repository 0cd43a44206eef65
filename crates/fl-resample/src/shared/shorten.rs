//! Shorter messages, as a mixing with the origin.

use fl_core::{Geometry, Mixing};

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

/// Shortens whatever is longer than the `rank`-th shortest of the messages, counted from 1; `order` is memory.
pub(crate) fn shorten_to_rank(
    geometry: &Geometry,
    workers: usize,
    rank: usize,
    order: &mut Vec<u32>,
    out: &mut Mixing,
) {
    order.clear();
    order.extend(0..workers as u32);
    let norm = |i: u32| geometry.squared_norm(i as usize);
    let (_, &mut longest, _) =
        order.select_nth_unstable_by(rank - 1, |&i, &j| norm(i).total_cmp(&norm(j)));
    // Squares and lengths have the same order, and equal ones are not shortened.
    let (longest, limit) = (longest as usize, norm(longest).sqrt());
    shorten(workers, out, |i| {
        let longer = norm(i as u32).sqrt() > limit;
        longer.then(|| geometry.norm_ratio(longest, i))
    });
}
