//! The coordinate-wise median, for the rules that are it or start from it.

use fl_core::{Shape, choice};
use std::ops::Range;

choice! {
    /// The median of an even number of numbers: projects differ.
    pub enum EvenMedian {
        /// The mean of the two in the middle, as NumPy and most papers have it.
        Mean,
        /// The smaller of the two, as PyTorch's `median` and what is built on it.
        Lower,
        /// The larger of the two.
        Upper,
    }
}

/// The ranks of the median of `rows` numbers: one, or two to be averaged.
pub(crate) fn middle(rows: usize, even: EvenMedian) -> Range<usize> {
    let (lower, upper) = ((rows - 1) / 2, rows / 2);
    match even {
        EvenMedian::Mean => lower..upper + 1,
        EvenMedian::Lower => lower..lower + 1,
        EvenMedian::Upper => upper..upper + 1,
    }
}

/// κ of the coordinate-wise median for `W > 2f`; [`crate::CoordinateMedian`] has the proof.
pub(crate) fn kappa(shape: Shape) -> f64 {
    let (w, f) = (shape.workers as f64, shape.byzantine as f64);
    w / (w - 2.0 * f)
}
