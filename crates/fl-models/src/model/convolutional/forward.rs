//! Forward through blocks, sample by sample, and then through the upper layers.

use super::block::{Block, Convolutions};
use super::maxima;
use crate::kernel::dense::{self, Left, Start};
use crate::kernel::{load, padded, store, take};
use crate::shared::activation::Activation;
use crate::shared::network::Goal;
use fl_core::data::{Picture, TILE};
use fl_core::{Batch, Scalar};
use pulp::{Simd, WithSimd};

pub(super) struct Pass<'a, T> {
    pub(super) model: &'a Convolutions,
    pub(super) params: &'a [T],
    pub(super) batch: &'a Batch<T>,
    pub(super) goal: Goal<'a, T>,
    pub(super) scratch: &'a mut [T],
}

impl<T: Scalar> WithSimd for Pass<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Pass { model, params, batch, mut goal, mut scratch } = self;
        let (samples, upper) = (batch.len(), &model.upper);
        let values = take(&mut scratch, samples * upper.widths());
        let z = take(&mut scratch, padded(samples) * upper.outputs());
        let row = take(&mut scratch, padded(samples));
        let copies = take(&mut scratch, upper.copies_len::<T>(samples));
        let features = &mut values[..samples * padded(upper.layers[0].outputs)];
        let records = match &mut goal {
            Goal::Records(records) => Some(&mut **records),
            _ => None,
        };
        model.features(simd, params, batch, features, records, scratch);
        upper.upwards(simd, params, samples, values, copies);
        if let Goal::Outputs(out) = goal {
            return upper.say(samples, values, out);
        }
        upper.outputs_first(samples, values, z);
        match goal {
            Goal::Records(records) => {
                let at = &mut records[upper.last().delta..];
                upper.head.residuals(simd, z, batch, row, at, upper.record_len);
                let below =
                    upper.backward(simd, params, samples, values, records, copies, &mut scratch);
                model.backward(simd, params, samples, below, records, scratch);
            }
            Goal::Losses(losses, predictions) => {
                upper.head.losses(simd, z, batch, row, losses, predictions);
            }
            Goal::Outputs(_) => {}
        }
    }
}

/// Memory for one sample on its way through the blocks.
struct Way<'a, T> {
    /// W of each block, `k × (k c) × padded(o)`, and b.
    weights: &'a mut [T],
    biases: &'a mut [T],
    /// The padded input of each block.
    inputs: &'a mut [T],
    /// The widest convolution's output, and that behind pooling with the places of its maxima.
    sums: &'a mut [T],
    pooled: &'a mut [T],
    places: &'a mut [T],
}

impl Convolutions {
    /// Numbers of scratch memory for [`Convolutions::features`].
    pub(super) fn features_len(&self) -> usize {
        let sum =
            |of: fn(&Block) -> usize| self.blocks.iter().map(|b| padded(of(b))).sum::<usize>();
        let most = |of: fn(&Block) -> usize| self.blocks.iter().map(of).max().unwrap_or(0);
        sum(weights_len)
            + sum(|b| padded(b.channels))
            + sum(Block::input_len)
            + padded(most(sums_len))
            + 2 * padded(most(pooled_len))
    }

    /// h of the last block, channel-major, of all samples; of the other blocks into the records, with the places of maxima and
    /// the derivatives behind means.
    #[inline(always)]
    fn features<T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        batch: &Batch<T>,
        features: &mut [T],
        mut records: Option<&mut [T]>,
        mut scratch: &mut [T],
    ) {
        let sum =
            |of: fn(&Block) -> usize| self.blocks.iter().map(|b| padded(of(b))).sum::<usize>();
        let most = |of: fn(&Block) -> usize| self.blocks.iter().map(of).max().unwrap_or(0);
        let mut way = Way {
            weights: take(&mut scratch, sum(weights_len)),
            biases: take(&mut scratch, sum(|b| padded(b.channels))),
            inputs: take(&mut scratch, sum(Block::input_len)),
            sums: take(&mut scratch, most(sums_len)),
            pooled: take(&mut scratch, most(pooled_len)),
            places: take(&mut scratch, most(pooled_len)),
        };
        way.inputs.fill(T::ZERO);
        let (mut weights, mut biases) = (&mut *way.weights, &mut *way.biases);
        for block in &self.blocks {
            arrange(block, &params[block.weights()], take(&mut weights, weights_len(block)));
            let b = take(&mut biases, padded(block.channels));
            b.fill(T::ZERO);
            b[..block.channels].copy_from_slice(&params[block.biases()]);
        }
        let flat = padded(self.upper.layers[0].outputs);
        for (j, features) in features.chunks_exact_mut(flat).enumerate() {
            let record = records.as_mut().map(|r| &mut r[j * self.upper.record_len..]);
            self.write_pixels(batch, j, way.inputs);
            self.sample(simd, &mut way, features, record);
        }
    }

    /// The pixels of sample j into the first block's padded input, whose border is not touched.
    #[inline(always)]
    pub(super) fn write_pixels<T: Scalar>(&self, batch: &Batch<T>, j: usize, input: &mut [T]) {
        let mut tiles = batch.values(j).chunks_exact(TILE);
        for (tile, places) in self.places.chunks(TILE).enumerate() {
            let is_there = batch.mask(j)[tile / 64] >> (tile % 64) & 1 == 1;
            match if is_there { tiles.next() } else { None } {
                Some(cells) => {
                    for (&place, &cell) in places.iter().zip(cells) {
                        input[place as usize] = cell;
                    }
                }
                None => {
                    for &place in places {
                        input[place as usize] = T::ZERO;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn sample<T: Scalar, S: Simd>(
        &self,
        simd: S,
        way: &mut Way<'_, T>,
        features: &mut [T],
        mut record: Option<&mut [T]>,
    ) {
        let (mut weights, mut biases) = (&*way.weights, &*way.biases);
        let mut inputs = &mut *way.inputs;
        for (l, block) in self.blocks.iter().enumerate() {
            let (w, more) = weights.split_at(padded(weights_len(block)));
            let (b, more_biases) = biases.split_at(padded(block.channels));
            (weights, biases) = (more, more_biases);
            let width = padded(block.channels);
            let input = take(&mut inputs, padded(block.input_len()));
            let sums = &mut way.sums[..sums_len(block)];
            convolve(simd, block, w, b, input, sums);
            let pooled = &mut way.pooled[..pooled_len(block)];
            let places = &mut way.places[..pooled_len(block)];
            if block.average {
                self.upper.activation.activate(simd, sums);
                mean(simd, block, sums, pooled);
            } else {
                largest(simd, block, sums, pooled, places);
                self.upper.activation.activate(simd, pooled);
            }
            if let Some(record) = &mut record {
                block.keep(self.upper.activation, sums, places, record);
            }
            let pixels = pooled.chunks_exact(width);
            if let Some(next) = self.blocks.get(l + 1) {
                next.embed(pooled, width, inputs);
                if let Some(record) = &mut record {
                    let kept = record[block.hidden..].chunks_exact_mut(block.channels);
                    for (kept, pixel) in kept.zip(pixels) {
                        kept.copy_from_slice(&pixel[..block.channels]);
                    }
                }
            } else {
                let Picture { height, width: across, .. } = block.pooled();
                for (at, pixel) in pixels.enumerate() {
                    for (o, &h) in pixel[..block.channels].iter().enumerate() {
                        features[o * height * across + at] = h;
                    }
                }
                features[block.outputs()..].fill(T::ZERO);
            }
        }
    }
}

impl Block {
    /// What the backward pass needs beside h: places of maxima, or the derivatives of a mean in the place of δ.
    #[inline(always)]
    fn keep<T: Scalar>(&self, activation: Activation, sums: &[T], places: &[T], record: &mut [T]) {
        let (channels, width) = (self.channels, padded(self.channels));
        if self.average {
            let share = T::from_f64(1.0 / self.window() as f64);
            let kept = record[self.delta..][..self.deltas()].chunks_exact_mut(channels);
            for (kept, pixel) in kept.zip(sums.chunks_exact(width)) {
                kept.fill(share);
                activation.derive(kept, &pixel[..channels]);
            }
        } else if self.pool > 1 {
            let pixels = places.chunks_exact(width).flat_map(|pixel| &pixel[..channels]);
            let packed = &mut record[self.maxima..][..maxima::len(self)];
            maxima::pack(self.window(), pixels.copied(), packed);
        }
    }
}

fn weights_len(block: &Block) -> usize {
    block.inputs() * padded(block.channels)
}

fn sums_len(block: &Block) -> usize {
    let (rows, columns) = block.covered();
    rows * columns * padded(block.channels)
}

fn pooled_len(block: &Block) -> usize {
    let Picture { height, width, .. } = block.pooled();
    height * width * padded(block.channels)
}

/// `k × (k c) × padded(o)` of `o × c × k × k`, zero in the padding.
fn arrange<T: Scalar>(block: &Block, w: &[T], out: &mut [T]) {
    let (k, c, width) = (block.kernel, block.input.channels, padded(block.channels));
    for (at, out) in out.chunks_exact_mut(width).enumerate() {
        let (u, v, channel) = (at / (k * c), at / c % k, at % c);
        let (out, padding) = out.split_at_mut(block.channels);
        for (o, w) in out.iter_mut().zip(w.chunks_exact(block.inputs())) {
            *o = w[(channel * k + u) * k + v];
        }
        padding.fill(T::ZERO);
    }
}

/// The covered part of the convolution, pixel-major. Row u of the kernel is one product for each row of outputs, whose left
/// factor are overlapping runs of the input; what is in cache is that row's part of W.
#[inline(always)]
fn convolve<T: Scalar, S: Simd>(
    simd: S,
    block: &Block,
    w: &[T],
    b: &[T],
    input: &[T],
    out: &mut [T],
) {
    let (run, width, columns) = (block.run(), padded(block.channels), block.covered().1);
    for (u, w) in w.chunks_exact(run * width).take(block.kernel).enumerate() {
        let start = if u == 0 { Start::Row(b) } else { Start::There };
        for (y, out) in out.chunks_exact_mut(columns * width).enumerate() {
            let a = &input[block.patch(y, 0) + u * block.row_apart()..];
            let left = Left { a, apart: (block.stride * block.input.channels, 1) };
            dense::product(simd, columns, run, width, left, w, start, out);
        }
    }
}

/// The largest of each window and its place, the first of equal ones. NaN in a window is NaN behind it.
#[inline(always)]
fn largest<T: Scalar, S: Simd>(
    simd: S,
    block: &Block,
    sums: &[T],
    pooled: &mut [T],
    places: &mut [T],
) {
    let (lanes, zero) = (T::lane_count::<S>(), T::splat(simd, T::ZERO));
    windows(block, |window, at| {
        for lane in (0..padded(block.channels)).step_by(lanes) {
            let mut best = load::<T, S>(&sums[window.place(0) + lane..]);
            let (mut place, mut spoilt) = (zero, T::v_mul(simd, best, zero));
            for i in 1..block.window() {
                let z = load::<T, S>(&sums[window.place(i) + lane..]);
                let here = T::splat(simd, T::from_f64(i as f64));
                place = T::select_less(simd, best, z, here, place);
                best = T::select_less(simd, best, z, z, best);
                spoilt = T::mul_add(simd, z, zero, spoilt);
            }
            store::<T, S>(&mut pooled[at + lane..], T::v_add(simd, best, spoilt));
            store::<T, S>(&mut places[at + lane..], place);
        }
    });
}

/// The mean of each window.
#[inline(always)]
fn mean<T: Scalar, S: Simd>(simd: S, block: &Block, sums: &[T], pooled: &mut [T]) {
    let lanes = T::lane_count::<S>();
    let share = T::splat(simd, T::from_f64(1.0 / block.window() as f64));
    windows(block, |window, at| {
        for lane in (0..padded(block.channels)).step_by(lanes) {
            let mut sum = load::<T, S>(&sums[window.place(0) + lane..]);
            for i in 1..block.window() {
                sum = T::v_add(simd, sum, load::<T, S>(&sums[window.place(i) + lane..]));
            }
            store::<T, S>(&mut pooled[at + lane..], T::v_mul(simd, share, sum));
        }
    });
}

/// Where the pixels of a window are.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    m: usize,
    apart: (usize, usize),
}

impl Window {
    #[inline(always)]
    fn place(self, i: usize) -> usize {
        self.first + i / self.m * self.apart.0 + i % self.m * self.apart.1
    }
}

/// Calls `f` for each window with the places of its pixels and the place behind pooling.
#[inline(always)]
fn windows(block: &Block, mut f: impl FnMut(Window, usize)) {
    let (m, width, columns) = (block.pool, padded(block.channels), block.covered().1);
    let Picture { height, width: across, .. } = block.pooled();
    for y in 0..height {
        for x in 0..across {
            let first = (y * m * columns + x * m) * width;
            f(Window { first, m, apart: (columns * width, width) }, (y * across + x) * width);
        }
    }
}
