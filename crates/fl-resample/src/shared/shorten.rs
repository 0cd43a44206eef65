//! Shorter messages, as a mixing with the origin.

use fl_core::Mixing;

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
