//! Where the maxima of windows were, as few numbers of a record: digits to the base m², as many in a number as keep it a whole
//! number that `f32` holds.

use super::block::Block;
use fl_core::Scalar;

/// Digits in a number.
fn digits(base: usize) -> usize {
    let mut digits = 1;
    while base.pow(digits as u32 + 1) <= 1 << 24 {
        digits += 1;
    }
    digits
}

/// Numbers that a block's places take: none for means and for windows of one.
pub(super) fn len(block: &Block) -> usize {
    if block.average || block.pool == 1 {
        return 0;
    }
    block.outputs().div_ceil(digits(block.window()))
}

/// Packs places, each a whole number below m².
pub(super) fn pack<T: Scalar>(base: usize, places: impl Iterator<Item = T>, packed: &mut [T]) {
    let digits = digits(base);
    let base = T::from_f64(base as f64);
    packed.fill(T::ZERO);
    let (mut at, mut left, mut power) = (0, digits, T::ONE);
    for place in places {
        if left == 0 {
            (at, left, power) = (at + 1, digits, T::ONE);
        }
        packed[at] += place * power;
        power *= base;
        left -= 1;
    }
}

/// The places again.
pub(super) fn unpack<T: Scalar>(base: usize, packed: &[T], places: &mut [u32]) {
    let (digits, base) = (digits(base), base as u32);
    for (places, &number) in places.chunks_mut(digits).zip(packed) {
        let mut number = number.to_f64() as u32;
        for place in places {
            *place = number % base;
            number /= base;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_in_both_number_types() {
        for base in [4usize, 9, 16, 25, 4096, 1 << 24] {
            let places: Vec<u32> =
                (0..100u32).map(|i| i.wrapping_mul(2_654_435_761) % base as u32).collect();
            let mut back = vec![99; 100];
            let mut single = vec![0f32; 100usize.div_ceil(digits(base))];
            pack(base, places.iter().map(|&p| p as f32), &mut single);
            unpack(base, &single, &mut back);
            assert_eq!(back, places);
            let mut double = vec![0f64; single.len()];
            pack(base, places.iter().map(|&p| f64::from(p)), &mut double);
            unpack(base, &double, &mut back);
            assert_eq!(back, places);
        }
    }
}
