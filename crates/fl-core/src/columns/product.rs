//! Mixing a tile: every row of a mixing times the messages' columns, in blocks of registers.
//!
//! Six rows of the mixing are applied together, so that a register of a message is read once for six; messages on which
//! none of the six has a weight are left out. Equal rows of the mixing, which are common under attack (regular workers have
//! the same nearest neighbours), are applied once.

use crate::{Mixing, Scalar};
use pulp::{Simd, WithSimd};

/// Rows of a mixing that are applied together.
const ROWS: usize = 6;
/// Registers of each that are formed together.
const RUN: usize = 4;

/// A round's mixing in the order in which it is applied.
#[derive(Debug)]
pub(crate) struct Plan<T> {
    blocks: Vec<Block>,
    /// The blocks' messages, one block after another.
    points: Vec<u32>,
    /// For each of them the weights of the block's rows.
    weights: Vec<[T; ROWS]>,
    /// Rows of the mixing that differ.
    distinct: Vec<u32>,
    /// Rows to copy, and where to: equal rows.
    copies: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    rows: [u32; ROWS],
    count: usize,
    /// Where its messages end.
    end: usize,
}

impl<T: Scalar> Plan<T> {
    /// Bytes of [`Plan::with_capacity`].
    pub(crate) fn bytes(inputs: usize, outputs: usize) -> usize {
        let points = outputs.div_ceil(ROWS).saturating_mul(inputs);
        points.saturating_mul(size_of::<[T; ROWS]>() + size_of::<u32>())
    }

    /// Memory for mixings of up to `inputs` messages to `outputs`.
    pub(crate) fn with_capacity(inputs: usize, outputs: usize) -> Self {
        let blocks = outputs.div_ceil(ROWS);
        Self {
            blocks: Vec::with_capacity(blocks),
            points: Vec::with_capacity(blocks * inputs),
            weights: Vec::with_capacity(blocks * inputs),
            distinct: Vec::with_capacity(outputs),
            copies: Vec::with_capacity(outputs),
        }
    }

    pub(crate) fn prepare(&mut self, mixing: &Mixing) {
        let Self { blocks, points, weights, distinct, copies } = self;
        blocks.clear();
        points.clear();
        weights.clear();
        distinct.clear();
        copies.clear();
        for a in 0..mixing.outputs() as u32 {
            let row = mixing.row(a as usize);
            match distinct.iter().find(|&&b| mixing.row(b as usize) == row) {
                Some(&b) => copies.push((b, a)),
                None => distinct.push(a),
            }
        }
        for group in distinct.chunks(ROWS) {
            let mut rows = [0; ROWS];
            rows[..group.len()].copy_from_slice(group);
            // The rows' points rise: merged, each with the weights of all rows that have it.
            let mut at = [0; ROWS];
            let next = |at: &[usize; ROWS]| {
                let heads = group.iter().zip(at).filter_map(|(&a, &k)| {
                    let point = *mixing.row(a as usize).0.get(k)?;
                    // The origin, behind the messages, adds nothing.
                    ((point as usize) < mixing.inputs()).then_some(point)
                });
                heads.min()
            };
            while let Some(point) = next(&at) {
                let mut column = [T::ZERO; ROWS];
                for ((w, at), &a) in column.iter_mut().zip(&mut at).zip(group) {
                    let (points, weights) = mixing.row(a as usize);
                    if points.get(*at) == Some(&point) {
                        *w = T::from_f64(weights[*at]);
                        *at += 1;
                    }
                }
                points.push(point);
                weights.push(column);
            }
            blocks.push(Block { rows, count: group.len(), end: points.len() });
        }
    }
}

/// Applies a mixing to the columns of a tile.
pub(crate) struct Mix<'a, T> {
    pub(crate) plan: &'a Plan<T>,
    pub(crate) input: &'a [T],
    pub(crate) output: &'a mut [T],
    /// Numbers between the beginnings of two rows, in both.
    pub(crate) stride: usize,
}

impl<T: Scalar> WithSimd for Mix<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { plan, input, output, stride } = self;
        let stride = stride / T::lane_count::<S>();
        let input = T::split::<S>(input).0;
        let output = T::split_mut::<S>(output).0;
        let mut from = 0;
        for block in &plan.blocks {
            let points = &plan.points[from..block.end];
            let weights = &plan.weights[from..block.end];
            from = block.end;
            for k in (0..stride).step_by(RUN) {
                let mut put = |from: usize, sums: &[[T::Lanes<S>; RUN]]| {
                    for (&row, sums) in block.rows[..block.count].iter().skip(from).zip(sums) {
                        output[row as usize * stride + k..][..RUN].copy_from_slice(sums);
                    }
                };
                if S::REGISTER_COUNT >= 32 {
                    put(0, &sums::<T, S, ROWS, 0>(simd, points, weights, input, stride, k));
                } else {
                    // Sixteen registers hold three rows of sums and a run of a message.
                    put(0, &sums::<T, S, 3, 0>(simd, points, weights, input, stride, k));
                    put(3, &sums::<T, S, 3, 3>(simd, points, weights, input, stride, k));
                }
            }
        }
        for &(from, to) in &plan.copies {
            let (from, to) = (from as usize * stride, to as usize * stride);
            output.copy_within(from..from + stride, to);
        }
    }
}

/// `Σ w v` over the points, for `R` of the block's rows from row `FROM`, and a run of registers from `k`.
#[inline(always)]
fn sums<T: Scalar, S: Simd, const R: usize, const FROM: usize>(
    simd: S,
    points: &[u32],
    weights: &[[T; ROWS]],
    input: &[T::Lanes<S>],
    stride: usize,
    k: usize,
) -> [[T::Lanes<S>; RUN]; R] {
    let mut acc = [[T::splat(simd, T::ZERO); RUN]; R];
    for (&point, weights) in points.iter().zip(weights) {
        let v = &input[point as usize * stride + k..][..RUN];
        for r in 0..R {
            let w = T::splat(simd, weights[FROM + r]);
            for i in 0..RUN {
                acc[r][i] = T::mul_add(simd, w, v[i], acc[r][i]);
            }
        }
    }
    acc
}
