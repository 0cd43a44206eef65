//! F and its distances at a point that is a combination of messages.

use super::kernel::dot;

/// One evaluation of F and its derivatives at `z = Σ c_i v_i`.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    /// Affine coefficients.
    pub(super) c: Vec<f64>,
    /// D c.
    pub(super) dc: Vec<f64>,
    /// ½ cᵀ D c.
    pub(super) half: f64,
    /// Distances to the messages.
    pub(super) d: Vec<f64>,
    /// F(z).
    pub(super) f: f64,
}

impl Point {
    pub(super) fn zeros(n: usize) -> Self {
        Self { c: vec![0.0; n], dc: vec![0.0; n], half: 0.0, d: vec![0.0; n], f: f64::INFINITY }
    }

    /// Distances and F from `c` and `D c` on n points; `⟨g, z − v_r⟩` from the place of the reference and g's factor.
    #[inline(always)]
    pub(super) fn measure(&mut self, a: &[f64], n: usize, (r, pull): (usize, f64)) {
        let half = 0.5 * dot(&self.c[..n], &self.dc[..n]);
        self.half = half;
        let (d, dc) = (&mut self.d[..n], &self.dc[..n]);
        // Far below what cancellation leaves, so that no division by zero can follow.
        let floor = f64::EPSILON * f64::EPSILON * half.abs() + f64::MIN_POSITIVE;
        for i in 0..n {
            d[i] = (dc[i] - half).max(floor).sqrt();
        }
        self.f = dot(&a[..n], d);
        if pull > 0.0 {
            // Up to a constant: twice the inner product is ‖z − v_r‖² − ‖z − P‖² and that.
            self.f -= 0.5 * pull * (d[r] * d[r] - d[n - 1] * d[n - 1]);
        }
    }
}
