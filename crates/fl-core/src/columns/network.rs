//! Sorting every column of a tile at once, by comparisons whose order does not depend on the numbers.
//!
//! Rows are cut into blocks of eight. Each block is sorted in registers by the network of nineteen comparators; then blocks
//! are merged in the order of Batcher's merge exchange, where a comparator is a merge of two sorted blocks in registers that
//! leaves the smaller eight in the first and the larger eight in the second (Knuth, *The Art of Computer Programming* 3, on
//! networks for sorting). A network that sorts all zeros and ones sorts all numbers, which is how the tests prove it.
//! Merges on which no wanted row depends are left out.

use crate::Scalar;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Rows in a block.
pub(crate) const BLOCK: usize = 8;

/// Which blocks are merged, in order.
#[derive(Debug)]
pub(crate) struct Network {
    rows: usize,
    wanted: Range<usize>,
    merges: Vec<Merge>,
    /// Whether anything later depends on a block.
    alive: Vec<bool>,
}

/// Two blocks, and which of them anything depends on afterwards.
#[derive(Clone, Copy, Debug)]
struct Merge {
    first: u32,
    second: u32,
    keep: (bool, bool),
}

impl Network {
    /// A network with memory for up to `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        let mut network = Self { rows: 0, wanted: 0..0, merges: Vec::new(), alive: Vec::new() };
        network.prepare(rows, 0..rows);
        network
    }

    /// Makes it the network of `rows` rows after which those `wanted` hold the numbers of their ranks.
    pub(crate) fn prepare(&mut self, rows: usize, wanted: Range<usize>) {
        if self.rows == rows && self.wanted == wanted {
            return;
        }
        let blocks = rows.div_ceil(BLOCK);
        self.merges.clear();
        // Batcher's merge exchange, for blocks in place of numbers.
        let top = blocks.next_power_of_two() / 2;
        let mut p = top;
        while p > 0 {
            let (mut q, mut r, mut d) = (top, 0, p);
            loop {
                for i in (0..blocks.saturating_sub(d)).filter(|i| i & p == r) {
                    let (first, second) = (i as u32, (i + d) as u32);
                    self.merges.push(Merge { first, second, keep: (true, true) });
                }
                if q == p {
                    break;
                }
                d = q - p;
                q /= 2;
                r = p;
            }
            p /= 2;
        }
        self.alive.clear();
        self.alive
            .extend((0..blocks).map(|b| b * BLOCK < wanted.end && wanted.start < (b + 1) * BLOCK));
        let alive = &mut self.alive;
        for merge in self.merges.iter_mut().rev() {
            let (a, b) = (merge.first as usize, merge.second as usize);
            merge.keep = (alive[a], alive[b]);
            if alive[a] || alive[b] {
                (alive[a], alive[b]) = (true, true);
            }
        }
        self.merges.retain(|merge| merge.keep != (false, false));
        (self.rows, self.wanted) = (rows, wanted);
    }
}

/// Runs a network on the first registers of each row.
pub(crate) struct Sort<'a, T> {
    /// As many rows as the network's, and rows of the largest number up to a whole block.
    pub(crate) data: &'a mut [T],
    pub(crate) network: &'a Network,
    /// Numbers between the beginnings of two rows.
    pub(crate) stride: usize,
    pub(crate) columns: usize,
    /// Whether each block is sorted already.
    pub(crate) begun: bool,
}

impl<T: Scalar> WithSimd for Sort<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { data, network, stride, columns, begun } = self;
        let stride = stride / T::lane_count::<S>();
        let width = columns.div_ceil(T::lane_count::<S>()).min(stride);
        let data = T::split_mut::<S>(data).0;
        if !begun {
            for block in data.chunks_exact_mut(BLOCK * stride) {
                for k in 0..width {
                    let v = std::array::from_fn(|i| block[i * stride + k]);
                    let v = sorted::<T, S>(simd, v);
                    for i in 0..BLOCK {
                        block[i * stride + k] = v[i];
                    }
                }
            }
        }
        for merge in &network.merges {
            let (head, tail) = data.split_at_mut(merge.second as usize * BLOCK * stride);
            let a = &mut head[merge.first as usize * BLOCK * stride..][..BLOCK * stride];
            let b = &mut tail[..BLOCK * stride];
            match merge.keep {
                (true, true) => {
                    for k in 0..width {
                        let v = merged::<T, S>(simd, a, b, stride, k);
                        for i in 0..BLOCK {
                            a[i * stride + k] = v[i];
                            b[i * stride + k] = v[BLOCK + i];
                        }
                    }
                }
                (true, false) => {
                    for k in 0..width {
                        let v = merged::<T, S>(simd, a, b, stride, k);
                        for i in 0..BLOCK {
                            a[i * stride + k] = v[i];
                        }
                    }
                }
                _ => {
                    for k in 0..width {
                        let v = merged::<T, S>(simd, a, b, stride, k);
                        for i in 0..BLOCK {
                            b[i * stride + k] = v[BLOCK + i];
                        }
                    }
                }
            }
        }
    }
}

/// Comparators in straight line: the smaller number of each pair goes to the first place.
macro_rules! exchange {
    ($simd:ident, $v:ident: $(($a:literal, $b:literal))*) => { $(
        let (x, y) = ($v[$a], $v[$b]);
        $v[$a] = T::v_min($simd, x, y);
        $v[$b] = T::v_max($simd, x, y);
    )* };
}

/// A register of each of eight rows in order.
#[inline(always)]
pub(crate) fn sorted<T: Scalar, S: Simd>(
    simd: S,
    mut v: [T::Lanes<S>; BLOCK],
) -> [T::Lanes<S>; BLOCK] {
    exchange!(simd, v:
        (0, 2) (1, 3) (4, 6) (5, 7)
        (0, 4) (1, 5) (2, 6) (3, 7)
        (0, 1) (2, 3) (4, 5) (6, 7)
        (2, 4) (3, 5)
        (1, 4) (3, 6)
        (1, 2) (3, 4) (5, 6)
    );
    v
}

/// Two sorted registers' worth of eight as one of sixteen.
#[inline(always)]
fn merged<T: Scalar, S: Simd>(
    simd: S,
    a: &[T::Lanes<S>],
    b: &[T::Lanes<S>],
    stride: usize,
    k: usize,
) -> [T::Lanes<S>; 2 * BLOCK] {
    let a: [_; BLOCK] = std::array::from_fn(|i| a[i * stride + k]);
    let b: [_; BLOCK] = std::array::from_fn(|i| b[i * stride + k]);
    // Written out, so that no loop is left and all sixteen stay in registers.
    let mut v = [
        a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], //
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
    ];
    exchange!(simd, v:
        (0, 8) (1, 9) (2, 10) (3, 11) (4, 12) (5, 13) (6, 14) (7, 15)
        (4, 8) (5, 9) (6, 10) (7, 11)
        (2, 4) (3, 5) (6, 8) (7, 9) (10, 12) (11, 13)
        (1, 2) (3, 4) (5, 6) (7, 8) (9, 10) (11, 12) (13, 14)
    );
    v
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::instruction_sets;

    const STRIDE: usize = 64;

    /// Sorts a tile, on all instruction sets alike.
    fn run(network: &Network, data: &mut [f32]) {
        let before = data.to_vec();
        for arch in instruction_sets() {
            let mut copy = before.clone();
            let (stride, columns) = (STRIDE, STRIDE);
            arch.dispatch(Sort { data: &mut copy, network, stride, columns, begun: false });
            if before == data {
                data.copy_from_slice(&copy);
            }
            assert!(copy == data, "{arch:?}");
        }
    }

    /// A network sorts everything if it sorts every sequence of zeros and ones; merges see sorted blocks only.
    #[test]
    fn blocks_and_merges_sort_all_zeros_and_ones() {
        let network = Network::new(BLOCK);
        for first in (0..1 << BLOCK).step_by(STRIDE) {
            let mut data = vec![0.0; BLOCK * STRIDE];
            for k in 0..STRIDE {
                for i in 0..BLOCK {
                    data[i * STRIDE + k] = f32::from(u8::from((first + k) >> i & 1 == 1));
                }
            }
            run(&network, &mut data);
            for k in 0..STRIDE {
                let ones = ((first + k) as u32).count_ones() as usize;
                for i in 0..BLOCK {
                    assert_eq!(data[i * STRIDE + k] == 1.0, i >= BLOCK - ones);
                }
            }
        }
        let network = Network::new(2 * BLOCK);
        for (x, y) in (0..=BLOCK).flat_map(|x| (0..=BLOCK).map(move |y| (x, y))) {
            let mut data = vec![0.0; 2 * BLOCK * STRIDE];
            for i in 0..BLOCK {
                data[i * STRIDE] = f32::from(u8::from(i >= x));
                data[(BLOCK + i) * STRIDE] = f32::from(u8::from(i >= y));
            }
            run(&network, &mut data);
            for i in 0..2 * BLOCK {
                assert_eq!(data[i * STRIDE] == 1.0, i >= x + y);
            }
        }
    }

    #[test]
    fn preparing_a_network_for_fewer_rows_needs_no_more_memory() {
        let mut network = Network::new(130);
        let capacity = (network.merges.capacity(), network.alive.capacity());
        for rows in 1..=130 {
            for wanted in [0..rows, rows / 2..rows / 2 + 1, 0..1, rows - 1..rows] {
                network.prepare(rows, wanted);
                assert_eq!((network.merges.capacity(), network.alive.capacity()), capacity);
            }
        }
    }

    #[test]
    fn the_median_takes_fewer_merges_than_all_ranks() {
        let mut network = Network::new(100);
        let all = network.merges.len();
        network.prepare(100, 49..51);
        let half = network.merges.iter().filter(|m| m.keep != (true, true)).count();
        assert!(network.merges.len() < all && half > 0, "{all} {} {half}", network.merges.len());
    }
}
