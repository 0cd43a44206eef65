//! Property 1 and Lemma 1: how far the geometric median is from the mean of the regular workers' expectations.

use crate::variation::inner_factor;
use crate::{Setting, Variation};
use fl_core::SpecError;

/// What inner and outer variation are multiplied by in Lemma 1 (17):
///
/// ```text
/// inner: (d + (1 − d)/R) C_{sα}²        outer: d C_{sα}²
/// ```
///
/// With `s = 1` these are both `C_α²`, as in Property 1 (7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// Of the inner variation.
    pub inner: f64,
    /// Of the outer variation.
    pub outer: f64,
}

impl Coefficients {
    /// For a setting and a factor d: the paper's [`Setting::d`], or the exact one of a sampler.
    ///
    /// # Errors
    /// When `B ≥ W/2s`.
    pub fn new(setting: &Setting, d: f64) -> Result<Self, SpecError> {
        let square = setting.c()?.powi(2);
        Ok(Self { inner: inner_factor(setting, d) * square, outer: d * square })
    }

    /// The right-hand side of (17).
    pub fn bound(&self, variation: Variation) -> f64 {
        self.inner * variation.inner + self.outer * variation.outer
    }
}

/// Property 1 (7): with `B < W/2`,
///
/// ```text
/// E ‖geomed({z_w}) − z̄‖² ≤ C_α² inner + C_α² outer
/// ```
///
/// The setting's s is not looked at. The reason, in two steps: as geomed minimises `Σ_w ‖z − z_w‖`, it lies within
/// `2/(R − B) · Σ_{w ∈ R} ‖z_w − z̄‖` of z̄, and `2R/(R − B) = C_α`; then Jensen's inequality and (19).
/// Whatever the Byzantine workers send, it holds.
///
/// # Errors
/// When `B ≥ W/2`.
///
/// ```
/// use fl_theory::{Setting, Variation, property_1};
///
/// let bound = property_1(&Setting::new(30, 6, 1)?, Variation { inner: 1.0, outer: 2.0 })?;
/// assert!((bound - 3.0 * (8.0f64 / 3.0).powi(2)).abs() < 1e-12);
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
pub fn property_1(setting: &Setting, variation: Variation) -> Result<f64, SpecError> {
    let plain = without_resampling(setting)?;
    Ok(Coefficients::new(&plain, 1.0)?.bound(variation))
}

/// Property 1 for an ε-approximate geometric median, `F(z) ≤ F* + ε`: (33) at `s = 1`,
///
/// ```text
/// E ‖z_ε − z̄‖² ≤ 2 C_α² inner + 2 C_α² outer + 2 ε²/(W − 2B)²
/// ```
///
/// # Errors
/// When `B ≥ W/2`, or ε is negative or NaN.
pub fn property_1_approximate(
    setting: &Setting,
    variation: Variation,
    epsilon: f64,
) -> Result<f64, SpecError> {
    let plain = without_resampling(setting)?;
    lemma_1_approximate(&plain, 1.0, variation, epsilon)
}

fn without_resampling(setting: &Setting) -> Result<Setting, SpecError> {
    Setting::new(setting.workers(), setting.byzantine(), 1)
}

/// Lemma 1 (17), (32): with `B < W/2s` and independent regular messages,
///
/// ```text
/// E ‖geomed({z̃_w}) − z̄‖² ≤ (d + (1 − d)/R) C_{sα}² inner + d C_{sα}² outer
/// ```
///
/// It holds with the paper's d, and with the smaller d_R, where copies are dealt by a permutation. For Algorithm 1 as printed put in
/// [`crate::ExactLaw::mean`] for d; that is exact for `B = 0`, see there.
///
/// # Errors
/// When `B ≥ W/2s`.
pub fn lemma_1(setting: &Setting, d: f64, variation: Variation) -> Result<f64, SpecError> {
    Ok(Coefficients::new(setting, d)?.bound(variation))
}

/// Lemma 1 for an ε-approximate geometric median of the resampled messages, `F(z̃_ε) ≤ F* + ε` (33):
///
/// ```text
/// E ‖z̃_ε − z̄‖² ≤ 2 (d + (1 − d)/R) C_{sα}² inner + 2 d C_{sα}² outer + 2 ε²/(W − 2sB)²
/// ```
///
/// ε is an absolute gap in the units of the messages, the `epsilon` of `fl_core::Certificate`. As ε → 0 this is twice (32), since
/// the proof squares a sum of two terms; `(√(32) + ε/(W − 2sB))²` bounds the same error and is never larger.
/// (35), which leads here, lacks two squares: `E‖z̃_{w'} − z̄‖` stands for `E‖z̃_{w'} − z̄‖²`. Its `W − 2|R'|` has the wrong sign, since
/// what divides is the number of good messages less that of bad ones, `|R'| − (W − |R'|) = 2|R'| − W ≥ W − 2sB`; being squared, that does
/// no harm.
///
/// # Errors
/// When `B ≥ W/2s`, or ε is negative or NaN.
pub fn lemma_1_approximate(
    setting: &Setting,
    d: f64,
    variation: Variation,
    epsilon: f64,
) -> Result<f64, SpecError> {
    if !(epsilon >= 0.0 && epsilon.is_finite()) {
        return Err(SpecError::new("ε", "a finite number of at least 0", epsilon));
    }
    let gap = epsilon / setting.margin()? as f64;
    Ok(2.0 * lemma_1(setting, d, variation)? + 2.0 * gap * gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIATION: Variation = Variation { inner: 1.5, outer: 0.25 };

    #[test]
    fn lemma_1_is_property_1_without_resampling() {
        let setting = Setting::new(21, 4, 1).unwrap();
        let (lemma, property) =
            (lemma_1(&setting, setting.d(), VARIATION), property_1(&setting, VARIATION));
        assert_eq!(lemma, property);
        let resampled = Setting::new(21, 4, 2).unwrap();
        assert_eq!(property_1(&resampled, VARIATION), property);
        assert_eq!(
            property_1_approximate(&resampled, VARIATION, 2.0),
            lemma_1_approximate(&setting, 1.0, VARIATION, 2.0)
        );
    }

    #[test]
    fn the_approximate_form_never_beats_the_sharper_one() {
        let setting = Setting::new(30, 3, 2).unwrap();
        let exact = lemma_1(&setting, setting.d(), VARIATION).unwrap();
        for epsilon in [0.0, 0.1, 1.0, 10.0, 100.0] {
            let sharp = (exact.sqrt() + epsilon / 18.0).powi(2);
            let paper = lemma_1_approximate(&setting, setting.d(), VARIATION, epsilon).unwrap();
            assert!(sharp <= paper * (1.0 + 1e-12), "{epsilon}: {sharp} {paper}");
        }
    }

    #[test]
    fn what_has_no_bound_is_an_error_that_names_the_condition() {
        let setting = Setting::new(30, 8, 2).unwrap();
        let text = lemma_1(&setting, setting.d(), VARIATION).unwrap_err().to_string();
        assert!(text.contains("below W/2s = 7.5"), "{text}");
        // Without resampling eight are tolerated.
        assert!(property_1(&setting, VARIATION).is_ok());
        let setting = Setting::new(30, 6, 2).unwrap();
        for epsilon in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(lemma_1_approximate(&setting, setting.d(), VARIATION, epsilon).is_err());
        }
    }
}
