//! Back through the blocks as far as the deltas, sample by sample.

use super::block::{Block, Convolutions};
use super::maxima;
use crate::kernel::patches::{self, Shape, Terms};
use crate::kernel::{padded, take};
use fl_core::Scalar;
use fl_core::data::Picture;
use pulp::Simd;

impl Convolutions {
    /// Numbers of scratch memory for [`Convolutions::backward`].
    pub(super) fn backward_len(&self) -> usize {
        let most = |of: fn(&Block) -> usize| self.blocks.iter().map(of).max().unwrap_or(0);
        self.blocks[1..].iter().map(|block| padded(rows_len(block))).sum::<usize>()
            + 2 * padded(most(Block::input_len))
            + padded(most(places_len))
            + 2 * padded(most(lists_len))
            + padded(most(Block::window))
    }

    /// δ of all blocks into the records. `below` is ∂f/∂h of the last block, channel-major, sample by sample in padded rows.
    #[inline(always)]
    pub(super) fn backward<T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        samples: usize,
        below: &[T],
        records: &mut [T],
        mut scratch: &mut [T],
    ) {
        let most = |of: fn(&Block) -> usize| self.blocks.iter().map(of).max().unwrap_or(0);
        let weights = {
            let len = self.blocks[1..].iter().map(|block| padded(rows_len(block))).sum();
            take(&mut scratch, len)
        };
        let mut upper = take(&mut scratch, most(Block::input_len));
        let mut lower = take(&mut scratch, most(Block::input_len));
        let mut lists = Lists {
            maxima: bytemuck::cast_slice_mut(take(&mut scratch, most(places_len))),
            places: bytemuck::cast_slice_mut(take(&mut scratch, most(lists_len))),
            factors: take(&mut scratch, most(lists_len)),
            counts: bytemuck::cast_slice_mut(take(&mut scratch, most(Block::window))),
        };
        let mut rest = &mut *weights;
        for block in &self.blocks[1..] {
            rows(block, &params[block.weights()], take(&mut rest, rows_len(block)));
        }
        let flat = padded(self.upper.layers[0].outputs);
        let record_len = self.upper.record_len;
        for (j, below) in below.chunks_exact(flat).take(samples).enumerate() {
            let record = &mut records[j * record_len..][..record_len];
            let mut end = weights.len();
            for (l, block) in self.blocks.iter().enumerate().rev() {
                match self.blocks.get(l + 1) {
                    None => block.last_delta(self.upper.activation, below, record),
                    Some(next) => block.delta(self.upper.activation, next, upper, record),
                }
                if l > 0 {
                    end -= padded(rows_len(block));
                    lower[..block.input_len()].fill(T::ZERO);
                    block.spread(simd, record, &weights[end..], &mut lists, lower);
                    std::mem::swap(&mut upper, &mut lower);
                }
            }
        }
    }
}

/// Which channels have a δ at each place of a window.
struct Lists<'a, T> {
    maxima: &'a mut [u32],
    /// `m² × o`: where a channel's kernel begins, and its δ.
    places: &'a mut [u32],
    factors: &'a mut [T],
    /// How many there are at each of the m² places.
    counts: &'a mut [u32],
}

impl Block {
    /// δ of the last block; `below` is ∂f/∂h, channel-major.
    #[inline(always)]
    fn last_delta<T: Scalar>(&self, activation: crate::Activation, below: &[T], record: &mut [T]) {
        let pixels = self.outputs() / self.channels;
        let (deltas, hidden) = record.split_at_mut(self.hidden);
        self.each_delta(&mut deltas[self.delta..][..self.deltas()], |at, delta, o| {
            let place = o * pixels + at;
            if self.average {
                *delta *= below[place];
            } else {
                *delta = below[place];
                activation.derive(std::slice::from_mut(delta), &hidden[place..=place]);
            }
        });
    }

    /// δ of another block; `upper` is ∂f/∂h in the padded input of the next one.
    #[inline(always)]
    fn delta<T: Scalar>(
        &self,
        activation: crate::Activation,
        next: &Block,
        upper: &[T],
        record: &mut [T],
    ) {
        let (channels, across) = (self.channels, self.pooled().width);
        let (deltas, hidden) = record.split_at_mut(self.hidden);
        let deltas = &mut deltas[self.delta..][..self.deltas()];
        let pixel = |at: usize| {
            let from = next.corner() + at / across * next.row_apart() + at % across * channels;
            &upper[from..from + channels]
        };
        if self.average {
            return self.each_delta(deltas, |at, delta, o| *delta *= pixel(at)[o]);
        }
        let hidden = hidden.chunks_exact(channels);
        for (at, (delta, h)) in deltas.chunks_exact_mut(channels).zip(hidden).enumerate() {
            delta.copy_from_slice(pixel(at));
            activation.derive(delta, h);
        }
    }

    /// Calls `f` for each δ with its pixel behind pooling and its channel.
    #[inline(always)]
    fn each_delta<T>(&self, deltas: &mut [T], mut f: impl FnMut(usize, &mut T, usize)) {
        let Picture { width: across, .. } = self.pooled();
        let (columns, m) = if self.average { (across * self.pool, self.pool) } else { (across, 1) };
        for (at, pixel) in deltas.chunks_exact_mut(self.channels).enumerate() {
            let behind = at / columns / m * across + at % columns / m;
            for (o, delta) in pixel.iter_mut().enumerate() {
                f(behind, delta, o);
            }
        }
    }

    /// `∂f/∂h` of the block below, added into this block's padded input.
    #[inline(always)]
    fn spread<T: Scalar, S: Simd>(
        &self,
        simd: S,
        record: &[T],
        weights: &[T],
        lists: &mut Lists<'_, T>,
        input: &mut [T],
    ) {
        let (channels, m) = (self.channels, if self.average { 1 } else { self.pool });
        let across = if self.average { self.covered().1 } else { self.pooled().width };
        let kernel = self.kernel * padded(self.run());
        let shape = Shape {
            rows: self.kernel,
            width: self.run(),
            apart: (padded(self.run()), self.row_apart()),
        };
        let deltas = &record[self.delta..][..self.deltas()];
        let maxima = &mut lists.maxima[..deltas.len()];
        if m > 1 {
            maxima::unpack(m * m, &record[self.maxima..][..maxima::len(self)], maxima);
        } else {
            maxima.fill(0);
        }
        let pixels = deltas.chunks_exact(channels).zip(maxima.chunks_exact(channels));
        for (at, (deltas, maxima)) in pixels.enumerate() {
            let counts = &mut lists.counts[..m * m];
            counts.fill(0);
            for (o, (&delta, &place)) in deltas.iter().zip(maxima).enumerate() {
                let count = &mut counts[place as usize];
                let end = place as usize * channels + *count as usize;
                (lists.places[end], lists.factors[end]) = ((o * kernel) as u32, delta);
                *count += u32::from(delta != T::ZERO);
            }
            for (i, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let list = i * channels..i * channels + count as usize;
                let terms =
                    Terms { places: &lists.places[list.clone()], factors: &lists.factors[list] };
                let (y, x) = (at / across * m + i / m, at % across * m + i % m);
                patches::add(simd, shape, terms, weights, &mut input[self.patch(y, x)..]);
            }
        }
    }
}

/// Numbers of W with its rows padded.
fn rows_len(block: &Block) -> usize {
    block.channels * block.kernel * padded(block.run())
}

/// Places of maxima in one sample.
fn places_len(block: &Block) -> usize {
    block.deltas()
}

fn lists_len(block: &Block) -> usize {
    block.channels * if block.average { 1 } else { block.window() }
}

/// `o × k × padded(k c)` of `o × c × k × k`, zero in the padding.
fn rows<T: Scalar>(block: &Block, w: &[T], out: &mut [T]) {
    let (k, c, run) = (block.kernel, block.input.channels, padded(block.run()));
    for (w, out) in w.chunks_exact(block.inputs()).zip(out.chunks_exact_mut(k * run)) {
        for (u, out) in out.chunks_exact_mut(run).enumerate() {
            let (out, padding) = out.split_at_mut(k * c);
            for (i, out) in out.iter_mut().enumerate() {
                *out = w[(i % c * k + u) * k + i / c];
            }
            padding.fill(T::ZERO);
        }
    }
}
