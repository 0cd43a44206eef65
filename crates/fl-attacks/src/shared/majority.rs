//! The strength that leaves a majority nearer to the Byzantine messages than the mean is, which ALIE and ROP share.

use crate::shared::normal::quantile;
use fl_core::{Federation, SpecError};

/// ALIE's strength by its formula, with W workers of which B are Byzantine:
///
/// ```text
/// z = Φ⁻¹((W − B − s) / (W − B)),   s = ⌊W/2 + 1⌋ − B
/// ```
pub(crate) fn formula(part: &str, federation: &Federation) -> Result<f64, SpecError> {
    let (n, m) = (federation.workers(), federation.byzantine().len());
    let majority = n / 2 + 1;
    if m >= majority || n < 3 {
        let allowed = "given where the formula gives none, which is for fewer than 3 workers and for Byzantine majorities";
        return Err(
            SpecError::new("z", allowed, format!("none for {m} Byzantine of {n} workers")).of(part)
        );
    }
    let s = majority - m;
    Ok(quantile((n - m - s) as f64 / (n - m) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_gives_the_strengths_that_others_have() {
        for (n, m, z) in
            [(60, 10, 0.2019), (70, 20, 0.4677), (24, 5, 0.1992), (25, 5, 0.2533), (11, 5, 0.9674)]
        {
            let federation = Federation::new(n, &(0..m).collect::<Vec<_>>()).expect("valid");
            let found = formula("alie", &federation).expect("a minority");
            assert!((found - z).abs() < 5e-5, "{n}, {m}: {found}");
        }
        for (n, m) in [(2, 1), (7, 4), (10, 9)] {
            let federation = Federation::new(n, &(0..m).collect::<Vec<_>>()).expect("valid");
            assert!(formula("alie", &federation).is_err(), "{n}, {m}");
        }
    }
}
