//! The number types of files, and whole slices of them from and to bytes.

use fl_core::Scalar;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};
use std::fmt;

// Bytes of files are taken for numbers as they are.
const _: () = assert!(cfg!(target_endian = "little"), "files hold little-endian numbers");

/// The type of a tensor's numbers, by its name in safetensors files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// 64-bit floating point.
    F64,
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point of IEEE 754.
    F16,
    /// The upper half of a 32-bit floating point number.
    Bf16,
    /// Integers and truth values, which are not averaged.
    Whole(&'static str, usize),
    /// Numbers of other kinds, which are neither averaged nor copied: name and bits.
    Other(&'static str, usize),
}

/// All names, with the bits of a number.
const WHOLE: [(&str, usize); 9] = [
    ("BOOL", 8),
    ("I8", 8),
    ("U8", 8),
    ("I16", 16),
    ("U16", 16),
    ("I32", 32),
    ("U32", 32),
    ("I64", 64),
    ("U64", 64),
];
const OTHER: [(&str, usize); 10] = [
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("F8_E4M3", 8),
    ("F8_E4M3FNUZ", 8),
    ("F8_E5M2", 8),
    ("F8_E5M2FNUZ", 8),
    ("F8_E8M0", 8),
    ("C64", 64),
    ("C128", 128),
];

impl Dtype {
    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        let find = |all: &'static [(&'static str, usize)]| all.iter().find(|one| one.0 == name);
        Some(match name {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            _ => match find(&WHOLE) {
                Some(&(name, bits)) => Self::Whole(name, bits),
                None => find(&OTHER).map(|&(name, bits)| Self::Other(name, bits))?,
            },
        })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Whole(name, _) | Self::Other(name, _) => name,
        }
    }

    /// Bits of a number.
    pub fn bits(&self) -> usize {
        match self {
            Self::F64 => 64,
            Self::F32 => 32,
            Self::F16 | Self::Bf16 => 16,
            Self::Whole(_, bits) | Self::Other(_, bits) => *bits,
        }
    }

    /// Whether numbers of this type are averaged.
    pub fn is_averaged(&self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Fills `out` with numbers of a type, given what fills bytes. `scratch` holds them where they are converted.
pub(crate) fn decode<T: Scalar, E>(
    dtype: &Dtype,
    out: &mut [T],
    scratch: &mut Vec<u64>,
    read: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let single = size_of::<T>() == 4;
    if (single && *dtype == Dtype::F32) || (!single && *dtype == Dtype::F64) {
        return read(bytemuck::cast_slice_mut(out));
    }
    let bytes = out.len() * dtype.bits() / 8;
    scratch.resize(bytes.div_ceil(8).max(scratch.len()), 0);
    let bytes = &mut bytemuck::cast_slice_mut::<u64, u8>(scratch)[..bytes];
    read(bytes)?;
    if single {
        // Where one tensor is F64, all numbers are `f64`.
        halves(dtype, bytemuck::cast_slice(bytes), bytemuck::cast_slice_mut(out));
        return Ok(());
    }
    let out: &mut [f64] = bytemuck::cast_slice_mut(out);
    if *dtype == Dtype::F32 {
        widen(bytemuck::cast_slice(bytes), out);
        return Ok(());
    }
    let mut single = [0.0f32; 1024];
    let halved: &[u16] = bytemuck::cast_slice(bytes);
    for (out, halved) in out.chunks_mut(single.len()).zip(halved.chunks(single.len())) {
        let single = &mut single[..out.len()];
        halves(dtype, halved, single);
        widen(single, out);
    }
    Ok(())
}

fn widen(from: &[f32], to: &mut [f64]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = f64::from(from));
}

fn halves(dtype: &Dtype, from: &[u16], to: &mut [f32]) {
    match dtype {
        Dtype::F16 => from.reinterpret_cast::<f16>().convert_to_f32_slice(to),
        // A bf16 is the upper half of an f32: no other conversion is as fast.
        _ => to
            .iter_mut()
            .zip(from)
            .for_each(|(to, &from)| *to = f32::from_bits(u32::from(from) << 16)),
    }
}

/// The number itself where `f32` has it, else the one of its two neighbours there whose last bit is 1.
///
/// What is rounded on to 16 bits is rounded as if from the number itself. All numbers of 16 bits, and all middles between two
/// of them, end with a 0 in `f32`. So none lies between a number and its neighbour that ends with a 1, nor is that one of them.
fn odd(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) == x || x.is_nan() {
        return near;
    }
    // Towards zero first; the largest number stands for all that `f32` cannot hold.
    let away = f64::from(near).abs() > x.abs();
    f32::from_bits((near.to_bits() - u32::from(away)) | 1)
}

fn to_f16(x: f64) -> f16 {
    f16::from_f32(odd(x))
}

fn to_bf16(x: f64) -> bf16 {
    bf16::from_f32(odd(x))
}

/// Numbers as bytes of a type, each rounded to the nearest. `Err` has the place of the first finite number that the type
/// cannot hold.
pub(crate) fn encode<T: Scalar>(
    dtype: &Dtype,
    numbers: &[T],
    out: &mut Vec<u8>,
) -> Result<(), usize> {
    out.clear();
    out.resize(numbers.len() * dtype.bits() / 8, 0);
    let to = out.as_mut_slice();
    match dtype {
        Dtype::F64 => fill(to, numbers, T::to_f64, f64::to_le_bytes),
        Dtype::F32 => fill(to, numbers, |x| x.to_f64() as f32, f32::to_le_bytes),
        Dtype::F16 => fill(to, numbers, |x| to_f16(x.to_f64()), f16::to_le_bytes),
        _ => fill(to, numbers, |x| to_bf16(x.to_f64()), bf16::to_le_bytes),
    }
    // What is finite in a type as wide as the numbers is so in the file.
    if dtype.bits() >= 8 * size_of::<T>() {
        return Ok(());
    }
    let lost = |x: &T| {
        let x = x.to_f64();
        let kept = match dtype {
            Dtype::F32 => (x as f32).is_finite(),
            Dtype::F16 => to_f16(x).is_finite(),
            _ => to_bf16(x).is_finite(),
        };
        x.is_finite() && !kept
    };
    // Most slices have no large number.
    let largest = match dtype {
        Dtype::F16 => 65_504.0,
        _ => 3.38e38,
    };
    if numbers.iter().all(|x| x.to_f64().abs() <= largest) {
        return Ok(());
    }
    numbers.iter().position(lost).map_or(Ok(()), Err)
}

fn fill<T: Scalar, U, const N: usize>(
    out: &mut [u8],
    numbers: &[T],
    convert: impl Fn(T) -> U,
    bytes: impl Fn(U) -> [u8; N],
) {
    let (out, _) = out.as_chunks_mut::<N>();
    for (out, &x) in out.iter_mut().zip(numbers) {
        *out = bytes(convert(x));
    }
}
