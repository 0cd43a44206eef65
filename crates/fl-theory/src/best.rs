//! The resampling size with the smallest learning error.

use crate::{Coefficients, Setting, Variation, largest_tolerable};
use fl_core::SpecError;

/// A resampling size and its coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// s.
    pub s: usize,
    /// The learning error up to constants, `(d + (1 − d)/R) C_{sα}² σ² + d C_{sα}² δ²`.
    pub error: f64,
}

/// The learning errors of Table I for every s that tolerates B of W, smallest s first, and the best of them, the smaller s where they tie.
///
/// `variation.inner` is σ² for RS-Byrd-SGD and 0 for the proposed method, whose error has no such term; then only the ratio to δ² is
/// left out and the choice depends on W and B alone.
/// s runs over `1 ≤ s ≤ W` with `B < W/2s`; with `B = 0` more resampling is always better, for the bound.
///
/// ```
/// use fl_theory::{Variation, best_s};
///
/// let proposed = Variation { inner: 0.0, outer: 1.0 };
/// let s = |byzantine| best_s(30, byzantine, proposed).map(|(best, _)| best.s);
/// assert_eq!([s(1)?, s(2)?, s(3)?, s(4)?, s(5)?, s(6)?], [7, 3, 2, 2, 1, 1]);
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
///
/// # Errors
/// When W = 0 or `B ≥ W/2`, or a variation is negative or not finite.
pub fn best_s(
    workers: usize,
    byzantine: usize,
    variation: Variation,
) -> Result<(Size, Vec<Size>), SpecError> {
    for (what, x) in [("σ²", variation.inner), ("δ²", variation.outer)] {
        if !(x >= 0.0 && x.is_finite()) {
            return Err(SpecError::new(what, "a finite number of at least 0", x));
        }
    }
    Setting::new(workers, byzantine, 1)?.tolerable()?;
    let all = (1..=workers)
        .take_while(|&s| byzantine <= largest_tolerable(workers, s))
        .map(|s| {
            let setting = Setting::new(workers, byzantine, s)?;
            let error = Coefficients::new(&setting, setting.d())?.bound(variation);
            Ok(Size { s, error })
        })
        .collect::<Result<Vec<_>, SpecError>>()?;
    let mut best = all[0];
    for choice in &all {
        if choice.error < best.error {
            best = *choice;
        }
    }
    Ok((best, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tolerated_size_is_listed_once() {
        for byzantine in 0..15 {
            let (best, all) = best_s(30, byzantine, Variation { inner: 1.0, outer: 1.0 }).unwrap();
            let expected: Vec<usize> = (1..=30).filter(|s| 2 * s * byzantine < 30).collect();
            assert_eq!(all.iter().map(|c| c.s).collect::<Vec<_>>(), expected);
            assert!(all.iter().all(|c| best.error <= c.error));
        }
    }

    #[test]
    fn in_the_papers_own_experiment_the_bound_prefers_no_resampling() {
        // W = 30, B = 6: C_α² = 64/9 = 7.1 against d C_{2α}² = 36 · 29/59 = 17.7.
        let (best, all) = best_s(30, 6, Variation { inner: 0.0, outer: 1.0 }).unwrap();
        assert_eq!(best.s, 1);
        assert!((all[0].error - 64.0 / 9.0).abs() < 1e-12);
        assert!((all[1].error - 36.0 * 29.0 / 59.0).abs() < 1e-12);
    }

    #[test]
    fn more_than_half_has_no_best_size() {
        assert!(best_s(30, 15, Variation::default()).is_err());
        assert!(best_s(30, 3, Variation { inner: -1.0, outer: 0.0 }).is_err());
        assert!(best_s(0, 0, Variation::default()).is_err());
        let nothing = best_s(30, 3, Variation::default()).unwrap();
        assert_eq!(nothing.0.s, 1);
    }
}
