//! What stands between layers.

use crate::kernel::elementary;
use fl_core::{Scalar, choice};
use pulp::Simd;

choice! {
    /// What a hidden layer makes of its sums.
    pub enum Activation {
        /// `tanh z`, with derivative `1 − h²`.
        Tanh,
        /// `max(z, 0)`, with derivative 1 where h > 0 and 0 elsewhere, the corner included.
        Relu,
        /// `z`: a product of matrices, for checks against theory.
        Identity,
    }
}

impl Activation {
    /// h ← φ(h).
    #[inline(always)]
    pub(crate) fn activate<T: Scalar, S: Simd>(self, simd: S, h: &mut [T]) {
        match self {
            Activation::Tanh => elementary::tanh(simd, h),
            Activation::Relu => elementary::relu(h),
            Activation::Identity => {}
        }
    }

    /// δ ← δ ∘ φ', the derivative being a function of h = φ(z).
    #[inline(always)]
    pub(crate) fn derive<T: Scalar>(self, delta: &mut [T], h: &[T]) {
        match self {
            Activation::Tanh => {
                for (d, &h) in delta.iter_mut().zip(h) {
                    *d *= T::ONE - h * h;
                }
            }
            Activation::Relu => {
                for (d, &h) in delta.iter_mut().zip(h) {
                    // NaN is no number above zero, yet has to be passed on.
                    *d = if h <= T::ZERO { T::ZERO } else { *d };
                }
            }
            Activation::Identity => {}
        }
    }
}
