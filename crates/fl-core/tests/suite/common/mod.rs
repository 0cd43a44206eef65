//! Rounds for the tests, and sums that are exact enough to judge others by.
// Each test binary uses a part of this.
#![allow(dead_code)]

use fl_core::{Messages, MessagesRef, Scalar};

/// A number in [−1, 1) for every address, the same on every machine.
pub(crate) fn number(salt: u64, index: usize) -> f64 {
    let mut x = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index as u64;
    for _ in 0..2 {
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// `offset + spread · number` everywhere.
pub(crate) fn round<T: Scalar>(
    workers: usize,
    dim: usize,
    salt: u64,
    offset: f64,
    spread: f64,
) -> Messages<T> {
    let mut messages = Messages::zeros(workers, dim);
    for w in 0..workers {
        for (i, x) in messages.row_mut(w).iter_mut().enumerate() {
            *x = T::from_f64(offset + spread * number(salt, w * dim + i));
        }
    }
    messages
}

/// A sum with its rounding errors kept apart (two-sum), good to about twice the digits of `f64`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exact {
    high: f64,
    low: f64,
}

impl Exact {
    pub(crate) fn add(&mut self, x: f64) {
        let sum = self.high + x;
        let rounded = sum - self.high;
        self.low += (self.high - (sum - rounded)) + (x - rounded);
        self.high = sum;
    }

    /// Adds a · b.
    pub(crate) fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        self.add(product);
        self.low += a.mul_add(b, -product);
    }

    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    /// What is missing to `x`.
    pub(crate) fn minus(mut self, x: f64) -> f64 {
        self.add(-x);
        self.value()
    }
}

/// ‖a − b‖² for vectors divided by `unit`.
pub(crate) fn squared_distance<T: Scalar>(a: &[T], b: &[T], unit: f64) -> f64 {
    let mut sum = Exact::default();
    for (a, b) in a.iter().zip(b) {
        let difference = a.to_f64() / unit - b.to_f64() / unit;
        sum.add_product(difference, difference);
    }
    sum.value()
}

pub(crate) fn squared_norm<T: Scalar>(a: &[T], unit: f64) -> f64 {
    squared_distance(a, &vec![T::ZERO; a.len()], unit)
}

/// Whether a geometry is that of `rows`, relatively to `tolerance`.
pub(crate) fn check_geometry<T: Scalar>(
    geometry: &fl_core::Geometry,
    messages: MessagesRef<'_, T>,
    rows: &[u32],
    tolerance: f64,
) {
    assert_eq!(geometry.workers(), rows.len());
    let close = |measured: f64, expected: f64, what: &str| {
        assert!(
            (measured - expected).abs() <= tolerance * expected,
            "{what} of {} × {}: {measured:e} against {expected:e}, relative error {:e}",
            messages.workers(),
            messages.dim(),
            (measured - expected).abs() / expected
        );
    };
    for (i, &a) in rows.iter().enumerate() {
        let a = messages.row(a as usize);
        close(geometry.squared_norm(i), squared_norm(a, geometry.unit()), "a norm");
        assert_eq!(geometry.squared_distance(i, i), 0.0);
        assert_eq!(geometry.row(i).len(), rows.len());
        for (j, &b) in rows.iter().enumerate() {
            let expected = squared_distance(a, messages.row(b as usize), geometry.unit());
            close(geometry.squared_distance(i, j), expected, "a distance");
            assert_eq!(geometry.squared_distance(i, j), geometry.squared_distance(j, i));
            assert_eq!(geometry.row(i)[j], geometry.squared_distance(i, j));
        }
    }
}
