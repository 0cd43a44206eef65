//! The two number types of the workspace, and the few vector operations that kernels are written in.
//!
//! [`Scalar`] is sealed: messages are `f32` or `f64`, nothing else.
//! A kernel is one generic function over `T: Scalar` and `S: pulp::Simd`; `pulp` picks AVX-512, AVX2, NEON or plain
//! code at run time.

use bytemuck::Pod;
use pulp::Simd;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A message's number type: `f32` (training) or `f64` (reference computations).
pub trait Scalar:
    sealed::Sealed
    + Pod
    + Copy
    + Send
    + Sync
    + Debug
    + Display
    + Default
    + PartialOrd
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + 'static
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The largest number.
    const MAX: Self;
    /// The distance from 1 to the next number, as `f64`: 2⁻²³ or 2⁻⁵².
    const EPSILON: f64;
    /// `"f32"` or `"f64"`.
    const NAME: &'static str;

    /// A vector register of this type.
    type Lanes<S: Simd>: Pod + Debug;

    /// Numbers in one register.
    fn lane_count<S: Simd>() -> usize {
        size_of::<Self::Lanes<S>>() / size_of::<Self>()
    }

    /// The nearest value of this type.
    fn from_f64(x: f64) -> Self;
    /// The same value in `f64`.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// |x|.
    fn abs(self) -> Self;

    /// The same number in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Lanes<S>;
    /// a + b.
    fn v_add<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// a − b.
    fn v_sub<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// a · b.
    fn v_mul<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// a · b + c, fused where the machine fuses.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Lanes<S>,
        b: Self::Lanes<S>,
        c: Self::Lanes<S>,
    ) -> Self::Lanes<S>;
    /// a / b.
    fn v_div<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// The larger of a and b in each lane.
    fn v_max<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// The smaller of a and b in each lane.
    fn v_min<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// In each lane `then` where a < b, and `otherwise` where it is not.
    fn select_less<S: Simd>(
        simd: S,
        a: Self::Lanes<S>,
        b: Self::Lanes<S>,
        then: Self::Lanes<S>,
        otherwise: Self::Lanes<S>,
    ) -> Self::Lanes<S>;
    /// The sum of all lanes.
    fn reduce_sum<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self;
    /// Splits a slice into whole registers and a rest.
    fn split<S: Simd>(slice: &[Self]) -> (&[Self::Lanes<S>], &[Self]);
    /// Splits a mutable slice into whole registers and a rest.
    fn split_mut<S: Simd>(slice: &mut [Self]) -> (&mut [Self::Lanes<S>], &mut [Self]);
    /// The first lanes from `slice` (shorter than a register), zero beyond.
    fn load_partial<S: Simd>(simd: S, slice: &[Self]) -> Self::Lanes<S>;
    /// The first lanes into `slice` (shorter than a register).
    fn store_partial<S: Simd>(simd: S, slice: &mut [Self], a: Self::Lanes<S>);
}

macro_rules! scalar {
    ($t:ident, $lanes:ident, $name:literal, $splat:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident, $div:ident,
     $max:ident, $min:ident, $less:ident, $select:ident, $sum:ident, $split:ident, $split_mut:ident, $load:ident, $store:ident) => {
        impl Scalar for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const MAX: Self = $t::MAX;
            const EPSILON: f64 = $t::EPSILON as f64;
            const NAME: &'static str = $name;

            type Lanes<S: Simd> = S::$lanes;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> Self::Lanes<S> {
                simd.$splat(x)
            }
            #[inline(always)]
            fn v_add<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S> {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn v_sub<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S> {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn v_mul<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S> {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: Self::Lanes<S>,
                b: Self::Lanes<S>,
                c: Self::Lanes<S>,
            ) -> Self::Lanes<S> {
                simd.$fma(a, b, c)
            }
            #[inline(always)]
            fn v_div<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S> {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn v_max<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S> {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn v_min<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S> {
                simd.$min(a, b)
            }
            #[inline(always)]
            fn select_less<S: Simd>(
                simd: S,
                a: Self::Lanes<S>,
                b: Self::Lanes<S>,
                then: Self::Lanes<S>,
                otherwise: Self::Lanes<S>,
            ) -> Self::Lanes<S> {
                simd.$select(simd.$less(a, b), then, otherwise)
            }
            #[inline(always)]
            fn reduce_sum<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self {
                simd.$sum(a)
            }
            #[inline(always)]
            fn split<S: Simd>(slice: &[Self]) -> (&[Self::Lanes<S>], &[Self]) {
                S::$split(slice)
            }
            #[inline(always)]
            fn split_mut<S: Simd>(slice: &mut [Self]) -> (&mut [Self::Lanes<S>], &mut [Self]) {
                S::$split_mut(slice)
            }
            #[inline(always)]
            fn load_partial<S: Simd>(simd: S, slice: &[Self]) -> Self::Lanes<S> {
                simd.$load(slice)
            }
            #[inline(always)]
            fn store_partial<S: Simd>(simd: S, slice: &mut [Self], a: Self::Lanes<S>) {
                simd.$store(slice, a)
            }
        }
    };
}

scalar!(
    f32,
    f32s,
    "f32",
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    mul_add_e_f32s,
    div_f32s,
    max_f32s,
    min_f32s,
    less_than_f32s,
    select_f32s,
    reduce_sum_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    partial_load_f32s,
    partial_store_f32s
);
scalar!(
    f64,
    f64s,
    "f64",
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    mul_add_e_f64s,
    div_f64s,
    max_f64s,
    min_f64s,
    less_than_f64s,
    select_f64s,
    reduce_sum_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    partial_load_f64s,
    partial_store_f64s
);

/// The instruction set that kernels use on this machine, for the record of a run: results are bit-identical for any
/// number of threads, but not between instruction sets.
pub fn instruction_set() -> &'static str {
    struct Name;
    impl pulp::WithSimd for Name {
        type Output = (usize, &'static str);
        fn with_simd<S: Simd>(self, _: S) -> Self::Output {
            (S::F32_LANES, std::any::type_name::<S>())
        }
    }
    let (lanes, name) = pulp::Arch::new().dispatch(Name);
    match lanes {
        16 => "avx512",
        8 => "avx2+fma",
        4 if name.contains("Neon") => "neon",
        4 => "simd128",
        _ => "scalar",
    }
}

/// The instruction sets of this machine that kernels can be told to use, the best first.
#[cfg(test)]
pub(crate) fn instruction_sets() -> Vec<pulp::Arch> {
    let mut all = vec![pulp::Arch::new()];
    #[cfg(target_arch = "x86_64")]
    {
        all.extend(pulp::x86::V3::try_new().map(pulp::Arch::V3));
        all.push(pulp::Arch::Scalar);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_instruction_set_is_the_best_that_this_machine_has() {
        let has = |avx512: bool, avx2: bool| match (avx512, avx2) {
            (true, _) => "avx512",
            (_, true) => "avx2+fma",
            _ => "scalar",
        };
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let name = instruction_set();
        // Without AVX2 either plain code or SSE, which has four lanes, may be chosen.
        assert!(name == has(avx512, avx2) || !avx2, "{name}");
    }

    #[test]
    fn epsilon_is_the_gap_after_one() {
        assert_eq!(<f32 as Scalar>::EPSILON, f64::from(f32::EPSILON));
        assert_eq!(<f64 as Scalar>::EPSILON, f64::EPSILON);
    }
}
