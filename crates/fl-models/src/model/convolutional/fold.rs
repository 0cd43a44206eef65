//! Sums of gradients from records.

use super::block::{Block, Convolutions};
use super::maxima;
use crate::kernel::patches::{self, Shape, Terms};
use crate::kernel::{fold, padded, take};
use crate::shared::layers::{Folding, Part};
use fl_core::{Batch, Scalar};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Samples whose inputs are written out at a time.
const GROUP: usize = 8;

impl<T: Scalar> WithSimd for Folding<'_, Convolutions, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Folding { model, batch, records, fold, scratch } = self;
        let mut sink = fold::Sink::new(fold);
        for l in 0..model.blocks.len() {
            let (block, mut rest) = (&model.blocks[l], &mut *scratch);
            let mut sums = Sums::new(block, &mut rest);
            for from in (0..batch.len()).step_by(GROUP) {
                let samples = from..(from + GROUP).min(batch.len());
                let input = Input { batch, first: 0 };
                model.add(simd, l, input, samples, records, &mut sums, rest);
            }
            let row = take(&mut rest, block.inputs());
            for o in 0..block.channels {
                sums.row(block, o, row);
                sink.slice(simd, block.at + o * block.inputs(), row);
            }
            sink.slice(simd, block.biases().start, &sums.biases[..block.channels]);
        }
        model.upper.fold_upper(simd, batch.len(), records, &mut sink, scratch);
    }
}

/// ‖∇f_j(new) − ∇f_j(old)‖² of the blocks' parameters, for one sample.
pub(super) struct SquaredNorm<'a, T> {
    pub(super) model: &'a Convolutions,
    pub(super) batch: &'a Batch<T>,
    pub(super) j: usize,
    /// This sample's records.
    pub(super) records: Part<'a, T>,
    pub(super) scratch: &'a mut [T],
}

impl<T: Scalar> WithSimd for SquaredNorm<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let SquaredNorm { model, batch, j, records, scratch } = self;
        let mut total = 0.0;
        for (l, block) in model.blocks.iter().enumerate() {
            let mut rest = &mut *scratch;
            let mut sums = Sums::new(block, &mut rest);
            // The records are those of this sample alone.
            let input = Input { batch, first: j };
            model.add(simd, l, input, 0..1, records, &mut sums, rest);
            let square = |x: &T| x.to_f64() * x.to_f64();
            let run = padded(block.run());
            let weights = sums.weights.chunks_exact(run).flat_map(|row| &row[..block.run()]);
            total += weights.chain(&sums.biases[..block.channels]).map(square).sum::<f64>();
        }
        total
    }
}

/// A block's part of a sum of gradients.
struct Sums<'a, T> {
    /// `o × k × padded(k c)`.
    weights: &'a mut [T],
    biases: &'a mut [T],
}

impl<'a, T: Scalar> Sums<'a, T> {
    fn new(block: &Block, scratch: &mut &'a mut [T]) -> Self {
        let weights = take(scratch, sums_len(block));
        let biases = take(scratch, block.channels);
        weights.fill(T::ZERO);
        biases.fill(T::ZERO);
        Self { weights, biases }
    }

    /// The weights of output channel o in the order of parameters, `c × k × k`.
    fn row(&self, block: &Block, o: usize, out: &mut [T]) {
        let (k, c, run) = (block.kernel, block.input.channels, padded(block.run()));
        let kernel = &self.weights[o * k * run..][..k * run];
        for (at, out) in out.iter_mut().enumerate() {
            let (channel, u, v) = (at / (k * k), at / k % k, at % k);
            *out = kernel[u * run + v * c + channel];
        }
    }
}

/// Where the pixels of a sample are: sample s of some records is sample `first + s` of the batch.
#[derive(Clone, Copy)]
struct Input<'a, T> {
    batch: &'a Batch<T>,
    first: usize,
}

impl Convolutions {
    /// Numbers of scratch memory for folding the blocks.
    pub(super) fn fold_len(&self) -> usize {
        let size = |block: &Block| {
            padded(sums_len(block))
                + padded(block.channels)
                + padded(2 * GROUP * block.input_len())
                + 2 * padded(block.channels * 2 * GROUP * (block.deltas() / block.channels))
                + padded(block.channels)
                + padded(block.deltas())
                + padded(block.inputs())
        };
        self.blocks.iter().map(size).max().unwrap_or(0)
    }

    /// Adds `Σ_j (∇f_j(new) − ∇f_j(old))` of block l over some samples.
    #[inline(always)]
    fn add<T: Scalar, S: Simd>(
        &self,
        simd: S,
        l: usize,
        input: Input<'_, T>,
        samples: Range<usize>,
        records: Part<'_, T>,
        sums: &mut Sums<'_, T>,
        mut scratch: &mut [T],
    ) {
        let (block, record_len) = (&self.blocks[l], self.upper.record_len);
        let (len, channels) = (block.input_len(), block.channels);
        let most = samples.len() * if records.old.is_some() { 2 } else { 1 };
        let room = most * (block.deltas() / channels);
        let inputs = take(&mut scratch, most * len);
        let mut lists = Lists {
            room,
            places: bytemuck::cast_slice_mut(take(&mut scratch, channels * room)),
            factors: take(&mut scratch, channels * room),
            counts: bytemuck::cast_slice_mut(take(&mut scratch, channels)),
            maxima: bytemuck::cast_slice_mut(take(&mut scratch, block.deltas())),
        };
        inputs.fill(T::ZERO);
        lists.counts[..channels].fill(0);
        let signed = [(Some(records.new), T::ONE), (records.old, -T::ONE)];
        let mut term = 0;
        for (records, sign) in signed {
            let Some(records) = records else { continue };
            for s in samples.clone() {
                let record = &records[s * record_len..][..record_len];
                let out = &mut inputs[term * len..][..len];
                match l.checked_sub(1).map(|below| &self.blocks[below]) {
                    None => self.write_pixels(input.batch, input.first + s, out),
                    Some(below) => {
                        let h = &record[below.hidden..][..below.outputs()];
                        block.embed(h, below.channels, out);
                    }
                }
                lists.gather(block, term * len, sign, record);
                term += 1;
            }
        }
        let (run, kernel) = (padded(block.run()), block.kernel * padded(block.run()));
        let shape =
            Shape { rows: block.kernel, width: block.run(), apart: (block.row_apart(), run) };
        for (o, out) in sums.weights.chunks_exact_mut(kernel).enumerate() {
            let list = o * room..o * room + lists.counts[o] as usize;
            let terms =
                Terms { places: &lists.places[list.clone()], factors: &lists.factors[list] };
            patches::add(simd, shape, terms, inputs, out);
            sums.biases[o] += terms.factors.iter().copied().sum::<T>();
        }
    }
}

/// The δ of each channel that are not zero, and where the patches are that they multiply.
struct Lists<'a, T> {
    /// Places for each channel.
    room: usize,
    places: &'a mut [u32],
    factors: &'a mut [T],
    counts: &'a mut [u32],
    maxima: &'a mut [u32],
}

impl<T: Scalar> Lists<'_, T> {
    /// Adds a sample's, whose padded input begins at `from`.
    #[inline(always)]
    fn gather(&mut self, block: &Block, from: usize, sign: T, record: &[T]) {
        let (channels, m) = (block.channels, if block.average { 1 } else { block.pool });
        let across = if block.average { block.covered().1 } else { block.pooled().width };
        let deltas = &record[block.delta..][..block.deltas()];
        let maxima = &mut self.maxima[..deltas.len()];
        if m > 1 {
            maxima::unpack(m * m, &record[block.maxima..][..maxima::len(block)], maxima);
        } else {
            maxima.fill(0);
        }
        let pixels = deltas.chunks_exact(channels).zip(maxima.chunks_exact(channels));
        for (at, (deltas, maxima)) in pixels.enumerate() {
            let corner = (at / across * m, at % across * m);
            for (o, (&delta, &i)) in deltas.iter().zip(maxima).enumerate() {
                let i = i as usize;
                let end = o * self.room + self.counts[o] as usize;
                let patch = block.patch(corner.0 + i / m, corner.1 + i % m);
                // There is room for every δ, so that zeros are written and then overwritten.
                self.places[end] = (from + patch) as u32;
                self.factors[end] = sign * delta;
                self.counts[o] += u32::from(delta != T::ZERO);
            }
        }
    }
}

fn sums_len(block: &Block) -> usize {
    block.channels * block.kernel * padded(block.run())
}
