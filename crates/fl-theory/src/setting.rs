//! Workers, Byzantine workers and resampling size, and the constants that follow from them.

use fl_core::SpecError;

/// W workers of which B are Byzantine, and the resampling size s; `s = 1` is no resampling.
///
/// [`Setting::new`] refuses what makes no sense. What makes sense and is more than the theory tolerates, `B ≥ W/2s`, is refused by
/// the functions whose formula then has no value.
///
/// ```
/// use fl_theory::Setting;
///
/// // Figure 7 of the paper.
/// let setting = Setting::new(30, 6, 2)?;
/// assert!((setting.c()? - 6.0).abs() < 1e-12);
/// assert_eq!(setting.d(), 29.0 / 59.0);
/// assert_eq!(setting.d_regular(), 23.0 / 47.0);
///
/// let error = Setting::new(30, 8, 2)?.c().unwrap_err();
/// assert_eq!(error.to_string(), "B must be below W/2s = 7.5 for W = 30 and s = 2, got 8");
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    workers: usize,
    byzantine: usize,
    s: usize,
}

impl Setting {
    /// W, B and s.
    ///
    /// # Errors
    /// When nobody is regular (`B ≥ W`), `s = 0`, or `s > W`.
    pub fn new(workers: usize, byzantine: usize, s: usize) -> Result<Self, SpecError> {
        if workers == 0 {
            return Err(SpecError::new("W", "at least 1", 0));
        }
        if byzantine >= workers {
            let allowed = format!("less than the {workers} workers: somebody must be regular");
            return Err(SpecError::new("B", allowed, byzantine));
        }
        if !(1..=workers).contains(&s) {
            return Err(SpecError::new(
                "s",
                format!("between 1 and the {workers} messages there are"),
                s,
            ));
        }
        Ok(Self { workers, byzantine, s })
    }

    /// W.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// B.
    pub fn byzantine(&self) -> usize {
        self.byzantine
    }

    /// s.
    pub fn s(&self) -> usize {
        self.s
    }

    /// `R = W − B`.
    pub fn regular(&self) -> usize {
        self.workers - self.byzantine
    }

    /// `α = B/W`.
    pub fn alpha(&self) -> f64 {
        self.byzantine as f64 / self.workers as f64
    }

    /// `max(0, W − sB)`: so many resampled messages are uncontaminated at least (Lemma 3).
    pub fn uncontaminated(&self) -> usize {
        self.workers.saturating_sub(self.s.saturating_mul(self.byzantine))
    }

    /// `W − 2sB`, by which ε is divided in (33), (43) and (66).
    ///
    /// # Errors
    /// As [`Setting::c`].
    pub fn margin(&self) -> Result<usize, SpecError> {
        self.tolerable()?;
        Ok(self.workers - 2 * self.s * self.byzantine)
    }

    /// Whether `B < W/2s`.
    pub fn tolerates(&self) -> bool {
        self.byzantine <= largest_tolerable(self.workers, self.s)
    }

    /// Says what is wrong unless `B < W/2s`.
    ///
    /// # Errors
    /// When `B ≥ W/2s`.
    pub fn tolerable(&self) -> Result<(), SpecError> {
        if self.tolerates() {
            return Ok(());
        }
        let Self { workers, byzantine, s } = *self;
        let limit = workers as f64 / (2 * s) as f64;
        Err(SpecError::new(
            "B",
            format!("below W/2s = {limit} for W = {workers} and s = {s}"),
            byzantine,
        ))
    }

    /// `C_{sα} = (2 − 2sα)/(1 − 2sα) = 2 (W − sB)/(W − 2sB)`; `C_α` with `s = 1`.
    ///
    /// The geometric median of W points, W − sB of which are good, is at most `C_{sα}` times as far from any point as the good
    /// ones are on average. It is 2 without Byzantine workers, and infinite at the limit.
    ///
    /// # Errors
    /// When `B ≥ W/2s`.
    pub fn c(&self) -> Result<f64, SpecError> {
        let margin = self.margin()?;
        // From whole numbers, so that nothing cancels.
        Ok(2.0 * self.uncontaminated() as f64 / margin as f64)
    }

    /// `d = (W − 1)/(sW − 1)`, Lemma 3's factor; 1 for `s = 1`.
    ///
    /// An upper bound for the law of a permutation, see [`Setting::d_regular`]; for Algorithm 1 as printed it is not even that, see
    /// [`crate::algorithm_1`].
    pub fn d(&self) -> f64 {
        reduction(self.workers, self.s)
    }

    /// `d_R = (R − 1)/(sR − 1) ≤ d`: the factor by which the variation of an *uncontaminated* average really is smaller when the sW
    /// copies are dealt by a uniform permutation.
    ///
    /// An average that holds no Byzantine message is s of the sR regular copies, drawn without replacement: the variance of a mean
    /// of s from a population of sR is `(1/s) (sR − s)/(sR − 1)` of the population's. It is d where `B = 0`. For `R = 1` all regular
    /// copies are one message, and the factor is 0 for `s > 1`, 1 for `s = 1`.
    pub fn d_regular(&self) -> f64 {
        reduction(self.regular(), self.s)
    }
}

fn reduction(messages: usize, s: usize) -> f64 {
    if s == 1 {
        return 1.0;
    }
    (messages - 1) as f64 / (s * messages - 1) as f64
}

/// The largest B with `B < W/2s`.
///
/// ```
/// use fl_theory::largest_tolerable;
///
/// assert_eq!([1, 2, 3, 4].map(|s| largest_tolerable(30, s)), [14, 7, 4, 3]);
/// ```
///
/// For `s = 0` or `W = 0` nothing makes sense, and it is 0.
pub fn largest_tolerable(workers: usize, s: usize) -> usize {
    match s.checked_mul(2) {
        Some(parts @ 1..) => workers.saturating_sub(1) / parts,
        _ => 0,
    }
}

/// `C_a = (2 − 2a)/(1 − 2a)` for a fraction a: `C_α` at α, `C_{sα}` at sα.
///
/// # Errors
/// When a is not in `0 ≤ a < 1/2`.
pub fn c_alpha(fraction: f64) -> Result<f64, SpecError> {
    if !(0.0..0.5).contains(&fraction) {
        return Err(SpecError::new("the fraction", "from 0 to below 1/2", fraction));
    }
    Ok((2.0 - 2.0 * fraction) / (1.0 - 2.0 * fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_with_its_numbers() {
        let text = |w, b, s| Setting::new(w, b, s).unwrap_err().to_string();
        assert_eq!(text(0, 0, 1), "W must be at least 1, got 0");
        assert_eq!(
            text(4, 4, 1),
            "B must be less than the 4 workers: somebody must be regular, got 4"
        );
        assert_eq!(text(4, 1, 0), "s must be between 1 and the 4 messages there are, got 0");
        assert_eq!(text(4, 1, 5), "s must be between 1 and the 4 messages there are, got 5");
    }

    #[test]
    fn c_of_whole_numbers_is_c_of_the_fraction() {
        for workers in 1..40 {
            for s in 1..=workers {
                for byzantine in 0..workers {
                    let setting = Setting::new(workers, byzantine, s).unwrap();
                    let fraction = s as f64 * setting.alpha();
                    if 2 * s * byzantine >= workers {
                        assert!(setting.c().is_err() && !setting.tolerates());
                        continue;
                    }
                    assert!(setting.tolerates());
                    let (whole, real) = (setting.c().unwrap(), c_alpha(fraction).unwrap());
                    assert!((whole - real).abs() <= 1e-12 * whole, "{workers} {byzantine} {s}");
                    assert!(whole >= 2.0);
                }
            }
        }
    }

    #[test]
    fn d_bounds_d_of_the_regular_workers_and_both_are_one_without_resampling() {
        for workers in 1..40 {
            for byzantine in 0..workers {
                for s in 1..=workers.min(6) {
                    let setting = Setting::new(workers, byzantine, s).unwrap();
                    assert!(setting.d_regular() <= setting.d());
                    assert!(s > 1 || setting.d_regular() == 1.0);
                    assert!(byzantine > 0 || setting.d_regular() == setting.d());
                }
            }
        }
        assert_eq!(Setting::new(4, 1, 2).unwrap().d_regular(), 0.4);
        assert_eq!(Setting::new(1, 0, 1).unwrap().d(), 1.0);
    }

    #[test]
    fn the_largest_tolerable_number_is_the_last_that_is_tolerated() {
        for workers in 1..60 {
            for s in 1..8 {
                let most = largest_tolerable(workers, s);
                assert!(2 * s * most < workers && 2 * s * (most + 1) >= workers);
            }
        }
        assert_eq!((largest_tolerable(30, 0), largest_tolerable(0, 2)), (0, 0));
        assert_eq!(largest_tolerable(30, usize::MAX), 0);
    }

    #[test]
    fn fractions_outside_have_no_c() {
        for fraction in [-0.1, 0.5, 1.0, f64::NAN] {
            assert!(c_alpha(fraction).is_err());
        }
    }
}
