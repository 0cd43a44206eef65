//! Messages that are copies of one another: their distances are those of the first of them.
//!
//! Byzantine workers that collude send one message, and then a fifth of all rows are copies. A pair's distance does not
//! depend on the other rows that are measured with it, so those of the different rows are the same bits.

use super::stream::Points;
use crate::Scalar;
use rayon::prelude::*;

/// Bytes that a thread compares at a time.
const PIECE: usize = 1 << 18;

/// Which messages of a round are copies of an earlier one.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    /// The rows of the messages that differ from all before them.
    pub(super) different: Vec<u32>,
    /// The place of each message among them.
    places: Vec<u32>,
    /// Ordered pairs of different places with equal messages.
    pub(super) pairs: usize,
}

impl Copies {
    /// Room for so many messages.
    pub(super) fn with_capacity(workers: usize) -> Self {
        let list = || Vec::with_capacity(workers);
        Self { different: list(), places: list(), pairs: 0 }
    }

    /// Forgets the round before.
    pub(super) fn clear(&mut self) {
        self.different.clear();
        self.places.clear();
        self.pairs = 0;
    }

    /// Looks for copies, bit by bit; gives whether there are any.
    ///
    /// Cost: some numbers of every message, and a pass over those that are copies.
    pub(super) fn find<T: Scalar>(&mut self, points: Points<'_, T>) -> bool {
        self.clear();
        let messages = points.messages;
        for &row in points.rows {
            let row_bytes = bytemuck::cast_slice(messages.row(row as usize));
            let place = self.different.iter().position(|&other| {
                equal(row_bytes, bytemuck::cast_slice(messages.row(other as usize)))
            });
            match place {
                Some(place) => {
                    let before = self.places.iter().filter(|&&p| p as usize == place).count();
                    self.pairs += 2 * before;
                    self.places.push(place as u32);
                }
                None => {
                    self.places.push(self.different.len() as u32);
                    self.different.push(row);
                }
            }
        }
        self.different.len() < points.rows.len()
    }

    /// Spreads the distances of the different messages, and of the `n − W` points behind the messages, over all `n` points.
    pub(super) fn spread(&self, n: usize, d: &mut [f64]) {
        let (workers, different) = (self.places.len(), self.different.len());
        let k = different + n - workers;
        let place = |i: usize| match self.places.get(i) {
            Some(&place) => place as usize,
            None => different + i - workers,
        };
        // From the last to the first: nothing is read after something else was written there, as no place is behind its message.
        for i in (0..n).rev() {
            for j in (0..n).rev() {
                d[i * n + j] = d[place(i) * k + place(j)];
            }
        }
    }
}

/// Whether two messages are the same bits. Most that differ do so in the few bytes that are looked at first.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let last = a.len().saturating_sub(64);
    let middle = a.len() / 2;
    let near = |from: usize| a[from..a.len().min(from + 64)] == b[from..b.len().min(from + 64)];
    near(last) && near(middle) && {
        if a.len() <= PIECE {
            a == b
        } else {
            a.par_chunks(PIECE).zip(b.par_chunks(PIECE)).all(|(a, b)| a == b)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Geometry, Messages};
    use crate::Scalar;

    /// Distances of rows that are copies, against those of the same rows measured pair by pair.
    fn check<T: Scalar>(dim: usize, copies: &[usize]) {
        let mut messages = Messages::<T>::zeros(copies.len(), dim);
        for (w, &of) in copies.iter().enumerate() {
            if of < w {
                messages.copy_row(of, w);
                continue;
            }
            for (k, x) in messages.row_mut(w).iter_mut().enumerate() {
                *x = T::from_f64(((k * 7 + w * 31) as f64).sin() * (1.0 + w as f64));
            }
        }
        let all = Geometry::of(messages.view()).expect("finite");
        let n = copies.len();
        for i in 0..n {
            for j in 0..n {
                let mut pair = Geometry::with_capacity::<T>(2, dim);
                pair.measure(messages.view(), &mut vec![i as u32, j as u32]);
                let right = if i == j { 0.0 } else { pair.squared_distance(0, 1) };
                assert_eq!(
                    all.squared_distance(i, j).to_bits(),
                    right.to_bits(),
                    "{dim}: {i}, {j}"
                );
            }
            let mut one = Geometry::with_capacity::<T>(1, dim);
            one.measure(messages.view(), &mut vec![i as u32]);
            assert_eq!(all.squared_norm(i).to_bits(), one.squared_norm(0).to_bits(), "{dim}: {i}");
        }
    }

    #[test]
    fn distances_of_copies_are_the_bits_of_those_measured_alone() {
        for dim in [1, 65, 100, 2049, 9000] {
            for copies in [
                &[0, 1, 2, 3, 4, 5, 6][..],
                &[0, 0, 0, 0, 0][..],
                &[0, 1, 2, 0, 1, 5, 5, 7, 0][..],
                &[0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6][..],
            ] {
                check::<f32>(dim, copies);
                check::<f64>(dim, copies);
            }
        }
    }

    #[test]
    fn copies_with_numbers_that_are_not_finite_are_left_out_all() {
        let mut messages = Messages::<f32>::zeros(5, 300);
        for w in [1, 2, 4] {
            messages.row_mut(w).fill(w as f32);
        }
        messages.row_mut(1)[7] = f32::NAN;
        messages.copy_row(1, 3);
        let mut rows = vec![0, 1, 2, 3, 4];
        let mut geometry = Geometry::with_capacity::<f32>(5, 300);
        geometry.measure(messages.view(), &mut rows);
        assert_eq!(rows, [0, 2, 4]);
        assert_eq!(geometry.squared_distance(1, 2), 1200.0);
    }
}
