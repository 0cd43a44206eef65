//! The quantiles of the normal distribution, from which ALIE takes its strength.

/// The number below which a standard normal draw lies with probability `p`.
///
/// Newton's iteration on the distribution function, whose series `½ + φ(x) (x + x³/3 + x⁵/15 + …)` has positive terms and
/// loses no digits; from 0 it rises to the solution, since the function is concave there.
pub(crate) fn quantile(p: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    if p < 0.5 {
        return -quantile(1.0 - p);
    }
    let mut x = 0.0f64;
    for _ in 0..200 {
        let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (mut term, mut sum, mut k) = (x, x, 1.0);
        while term > 1e-18 * sum {
            k += 2.0;
            term *= x * x / k;
            sum += term;
        }
        let step = (p - (0.5 + density * sum)) / density;
        x += step;
        if step.abs() <= 1e-15 * x.abs() {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_published_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.75, 0.674_489_750_196_082),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813),
            (0.999_999, 4.753_424_308_822_899),
            (0.1, -1.281_551_565_544_6),
        ] {
            assert!((quantile(p) - z).abs() < 1e-9, "{p}: {} against {z}", quantile(p));
        }
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }
}
