//! Applying a rule that sees columns to a round: tiles are filled, mixed and sorted in cache, and shown to it.

use super::squares::Squares;
use crate::columns::{BLOCK, Mix, Network, Plan, sorted, tile_columns};
use crate::num::prefetch_line;
use crate::round::{Points, Stream};
use crate::{AlignedVec, CoordinateRule, MessagesRef, Mixing, Scalar, Sink, SourceError, Tile};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Below this many numbers a parallel pass costs more than it saves.
const SERIAL: usize = 1 << 15;
/// Most parts whose sums of squares are added apart; their number depends on the length of messages alone.
const PARTS: usize = 64;

/// A rule's output for a tile: the one place where the number types part.
fn apply<T: Scalar>(
    rule: &dyn CoordinateRule,
    tile: &mut Tile<'_, T>,
    byzantine: usize,
    out: &mut [T],
) {
    match size_of::<T>() {
        4 => rule.columns_f32(&mut tile.cast(), byzantine, bytemuck::cast_slice_mut(out)),
        _ => rule.columns_f64(&mut tile.cast(), byzantine, bytemuck::cast_slice_mut(out)),
    }
}

/// Memory for tiles: one for each thread.
#[derive(Debug)]
pub(crate) struct TileMemory<T> {
    threads: Vec<Scratch<T>>,
    plan: Plan<T>,
    /// The rule's output on a tile, for each thread.
    outputs: Vec<AlignedVec<T>>,
    sums: Vec<f64>,
}

/// A thread's memory.
#[derive(Debug)]
struct Scratch<T> {
    /// What the rule sees.
    tile: AlignedVec<T>,
    /// What arrived, where that is not the same.
    arrived: AlignedVec<T>,
    network: Network,
}

impl<T: Scalar> TileMemory<T> {
    /// Bytes of [`TileMemory::new`] for the threads of the current pool.
    pub(crate) fn bytes(rows: usize, mixed: bool, distances: bool) -> usize {
        let arrived = if mixed { rows } else { 0 };
        let blocks = rows.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX);
        let held = blocks.saturating_add(arrived).saturating_add(usize::from(distances));
        let column =
            held.saturating_mul(rayon::current_num_threads()).saturating_mul(size_of::<T>());
        let sums = if distances { rows.saturating_mul(PARTS * size_of::<f64>()) } else { 0 };
        let tiles = column.saturating_mul(tile_columns::<T>());
        tiles.saturating_add(Plan::<T>::bytes(arrived, arrived)).saturating_add(sums)
    }

    /// Memory for up to `rows` messages; with room to mix them or not, and to sum up distances or not.
    pub(crate) fn new(rows: usize, mixed: bool, distances: bool) -> Self {
        let scratch = || Scratch {
            tile: AlignedVec::zeros(rows.next_multiple_of(BLOCK) * tile_columns::<T>()),
            arrived: AlignedVec::zeros(if mixed { rows * tile_columns::<T>() } else { 0 }),
            network: Network::new(rows),
        };
        let mixed = if mixed { rows } else { 0 };
        let threads = rayon::current_num_threads();
        let outputs = if distances { threads } else { 0 };
        Self {
            threads: (0..threads).map(|_| scratch()).collect(),
            plan: Plan::with_capacity(mixed, mixed),
            outputs: (0..outputs).map(|_| AlignedVec::zeros(tile_columns::<T>())).collect(),
            sums: vec![0.0; if distances { PARTS * rows } else { 0 }],
        }
    }
}

/// A round's messages as a coordinate-wise rule is to see them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a, T: Scalar> {
    pub(crate) stream: Stream<'a, T>,
    pub(crate) mixing: Option<&'a Mixing>,
}

impl<T: Scalar> Seen<'_, T> {
    /// Number of messages that a rule sees.
    pub(crate) fn outputs(&self) -> usize {
        self.mixing.map_or(self.stream.rows.len(), Mixing::outputs)
    }

    /// Applies a rule to all columns of messages in memory; gives whether these are finite. If they are not, `out` is of no
    /// use.
    pub(crate) fn apply(
        self,
        rule: &dyn CoordinateRule,
        byzantine: usize,
        memory: &mut TileMemory<T>,
        out: &mut [T],
    ) -> bool {
        let TileMemory { threads, plan, .. } = memory;
        let plan = self.plan(plan);
        let points = self.stream.resident().expect("messages in memory");
        let ranks = rule.ranks(self.outputs(), byzantine);
        let piece = |from: usize, scratch: &mut Scratch<T>, out: &mut [T]| {
            self.piece(rule, byzantine, plan, &ranks, points, from, scratch, out)
        };
        if self.outputs() * out.len() < SERIAL {
            return piece(0, &mut threads[0], out);
        }
        let per = out.len().div_ceil(threads.len()).next_multiple_of(tile_columns::<T>());
        out.par_chunks_mut(per)
            .zip(threads.par_iter_mut())
            .enumerate()
            .map(|(i, (out, scratch))| piece(i * per, scratch, out))
            .reduce(|| true, |a, b| a & b)
    }

    /// The same for messages from anywhere, whose output goes to a sink.
    pub(crate) fn apply_into(
        self,
        rule: &dyn CoordinateRule,
        byzantine: usize,
        memory: &mut TileMemory<T>,
        sink: &dyn Sink<T>,
    ) -> Result<bool, SourceError> {
        let TileMemory { threads, plan, .. } = memory;
        let plan = self.plan(plan);
        let ranks = rule.ranks(self.outputs(), byzantine);
        let Stream { tiles, .. } = self.stream;
        let (dim, columns) = (self.stream.dim(), tiles.columns());
        let next = AtomicUsize::new(0);
        let work = |scratch: &mut Scratch<T>| {
            let mut finite = true;
            let mut output = tiles.output();
            loop {
                let from = next.fetch_add(columns, Ordering::Relaxed);
                if from >= dim {
                    tiles.put_output(output);
                    return Ok(finite);
                }
                let window = from..(from + columns).min(dim);
                let out = &mut output[..window.len()];
                let piece = |points: Points<'_, T>, _| {
                    finite &= self.piece(rule, byzantine, plan, &ranks, points, from, scratch, out);
                };
                let read = self.stream.windows(window, |_| true, piece);
                if let Err(e) = read.and_then(|()| sink.write(from, out)) {
                    // Nothing is left for the other threads.
                    next.store(dim, Ordering::Relaxed);
                    return Err(e);
                }
            }
        };
        threads.par_iter_mut().map(work).try_reduce(|| true, |a, b| Ok(a & b))
    }

    /// Applies a rule to the columns from `from` on; gives whether the messages' numbers there are finite.
    fn piece(
        self,
        rule: &dyn CoordinateRule,
        byzantine: usize,
        plan: &Plan<T>,
        ranks: &Option<Range<usize>>,
        points: Points<'_, T>,
        from: usize,
        scratch: &mut Scratch<T>,
        out: &mut [T],
    ) -> bool {
        let (arch, mut finite) = (Arch::new(), true);
        for (i, out) in out.chunks_mut(tile_columns::<T>()).enumerate() {
            let from = from + i * tile_columns::<T>();
            let (mut tile, good) = self.fill(arch, plan, points, from, out.len(), ranks, scratch);
            finite &= good;
            apply(rule, &mut tile, byzantine, out);
        }
        finite
    }

    /// Squared distances of all messages to what a rule makes of them, with lengths in units of `unit`.
    pub(crate) fn distances_to(
        self,
        rule: &dyn CoordinateRule,
        byzantine: usize,
        unit: f64,
        memory: &mut TileMemory<T>,
        out: &mut [f64],
    ) -> Result<(), SourceError> {
        let TileMemory { threads, plan, outputs, sums } = memory;
        let plan = self.plan(plan);
        let arch = Arch::new();
        let n = self.outputs();
        let ranks = rule.ranks(n, byzantine);
        let dim = self.stream.dim();
        let part = dim.div_ceil(PARTS).next_multiple_of(tile_columns::<T>());
        let parts = dim.div_ceil(part);
        let sums = &mut sums[..parts * n];
        sums.fill(0.0);
        let per = parts.div_ceil(threads.len());
        let memory = threads.par_iter_mut().zip(outputs.par_iter_mut());
        let pieces = sums.par_chunks_mut(per * n).zip(memory).enumerate();
        let failed = AtomicBool::new(false);
        pieces.try_for_each(|(i, (sums, (scratch, output)))| {
            let mut add = |sums: &mut [f64], points: Points<'_, T>, columns: Range<usize>| {
                for from in columns.clone().step_by(tile_columns::<T>()) {
                    let width = tile_columns::<T>().min(columns.end - from);
                    let point = &mut output[..width];
                    let (mut tile, _) = self.fill(arch, plan, points, from, width, &ranks, scratch);
                    apply(rule, &mut tile, byzantine, point);
                    // Again, in the order of workers.
                    let (tile, _) = self.fill(arch, plan, points, from, width, &None, scratch);
                    arch.dispatch(Squares { tile, point, unit, sums });
                }
            };
            for (j, sums) in sums.chunks_exact_mut(n).enumerate() {
                if failed.load(Ordering::Relaxed) {
                    break;
                }
                let from = (i * per + j) * part;
                let columns = from..(from + part).min(dim);
                let read =
                    self.stream.windows(columns, |_| true, |p, columns| add(sums, p, columns));
                read.inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            }
            Ok(())
        })?;
        for (i, out) in out[..n].iter_mut().enumerate() {
            *out = sums.iter().skip(i).step_by(n).sum();
        }
        Ok(())
    }

    fn plan<'p>(&self, plan: &'p mut Plan<T>) -> &'p Plan<T> {
        if let Some(mixing) = self.mixing {
            plan.prepare(mixing);
        }
        plan
    }

    /// The tile of some columns, sorted as far as is needed for `ranks`, and whether their numbers as they arrived are finite.
    fn fill<'b>(
        self,
        arch: Arch,
        plan: &Plan<T>,
        points: Points<'_, T>,
        from: usize,
        columns: usize,
        ranks: &Option<Range<usize>>,
        scratch: &'b mut Scratch<T>,
    ) -> (Tile<'b, T>, bool) {
        let Scratch { tile, arrived, network } = scratch;
        let stride = tile_columns::<T>();
        let Points { messages, rows, at, .. } = points;
        let load = |data| Load { messages, rows, from: from - at, columns, data };
        let (finite, begun) = if self.mixing.is_some() {
            let finite = arch.dispatch(load(&mut *arrived));
            arch.dispatch(Mix { plan, input: arrived, output: tile, stride });
            (finite, false)
        } else if ranks.is_some() && columns == stride {
            (arch.dispatch(LoadSorted(load(&mut *tile))), true)
        } else {
            (arch.dispatch(load(&mut *tile)), false)
        };
        let mut tile = Tile { data: tile, rows: self.outputs(), columns, arch, network };
        if let Some(ranks) = ranks {
            if begun {
                tile.network.prepare(tile.rows, ranks.clone());
                tile.merge(begun);
            } else {
                tile.select(ranks.clone());
            }
        }
        (tile, finite)
    }
}

/// Copies columns of messages into a tile, zeros behind them if they are few; gives whether they are finite.
struct Load<'a, T> {
    messages: MessagesRef<'a, T>,
    rows: &'a [u32],
    /// Among the columns of `messages`.
    from: usize,
    columns: usize,
    data: &'a mut [T],
}

impl<T: Scalar> WithSimd for Load<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { messages, rows, from, columns, data } = self;
        let stride = tile_columns::<T>();
        let zero = T::splat(simd, T::ZERO);
        // 0 · x is 0 for finite x alone. Several, so that none waits for the one before.
        let mut alarm = [zero; 4];
        for (&row, target) in rows.iter().zip(data.chunks_exact_mut(stride)) {
            let row = &messages.row(row as usize)[from..];
            let target = T::split_mut::<S>(target).0;
            let (whole, rest) = T::split::<S>(&row[..columns]);
            if whole.len() == target.len() {
                for (t, x) in target.chunks_exact_mut(4).zip(whole.chunks_exact(4)) {
                    for i in 0..4 {
                        t[i] = x[i];
                        alarm[i] = T::mul_add(simd, x[i], zero, alarm[i]);
                    }
                }
                ask_ahead(row);
                continue;
            }
            target.fill(zero);
            for (t, &x) in target.iter_mut().zip(whole) {
                *t = x;
                alarm[0] = T::mul_add(simd, x, zero, alarm[0]);
            }
            if !rest.is_empty() {
                let x = T::load_partial(simd, rest);
                target[whole.len()] = x;
                alarm[0] = T::mul_add(simd, x, zero, alarm[0]);
            }
        }
        silent::<T, S>(simd, alarm)
    }
}

/// The same for a whole tile, with each block of rows in order.
struct LoadSorted<'a, T>(Load<'a, T>);

impl<T: Scalar> WithSimd for LoadSorted<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Load { messages, rows, from, data, .. } = self.0;
        let stride = tile_columns::<T>();
        // Stands for the rows that are missing in the last block: the largest number stays at the end.
        let largest = [T::MAX; 64];
        let mut alarm = [T::splat(simd, T::ZERO); 4];
        let zero = alarm[0];
        for (block, rows) in data.chunks_exact_mut(BLOCK * stride).zip(rows.chunks(BLOCK)) {
            let block = T::split_mut::<S>(block).0;
            let v: [&[T::Lanes<S>]; BLOCK] = std::array::from_fn(|i| {
                let row = match rows.get(i) {
                    Some(&row) => {
                        let row = &messages.row(row as usize)[from..];
                        ask_ahead(row);
                        &row[..stride]
                    }
                    None => &largest[..stride],
                };
                T::split::<S>(row).0
            });
            let stride = stride / T::lane_count::<S>();
            for k in 0..stride {
                let v: [_; BLOCK] = std::array::from_fn(|i| v[i][k]);
                for i in 0..BLOCK {
                    alarm[i % 4] = T::mul_add(simd, v[i], zero, alarm[i % 4]);
                }
                let v = sorted::<T, S>(simd, v);
                for i in 0..BLOCK {
                    block[i * stride + k] = v[i];
                }
            }
        }
        silent::<T, S>(simd, alarm)
    }
}

/// Asks for the numbers of a row that the next tile needs: more rows are read at a time than the machine would notice by itself.
#[inline(always)]
fn ask_ahead<T: Scalar>(row: &[T]) {
    let stride = tile_columns::<T>();
    if let Some(ahead) = row.get(stride..2 * stride) {
        for line in 0..4 {
            prefetch_line(&ahead[line * stride / 4]);
        }
    }
}

#[inline(always)]
fn silent<T: Scalar, S: Simd>(simd: S, [a, b, c, d]: [T::Lanes<S>; 4]) -> bool {
    let alarm = T::v_add(simd, T::v_add(simd, a, b), T::v_add(simd, c, d));
    T::reduce_sum(simd, alarm) == T::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Messages;
    use crate::num::instruction_sets;
    use crate::round::Tiles;

    fn messages<T: Scalar>(workers: usize, dim: usize) -> Messages<T> {
        let mut messages = Messages::zeros(workers, dim);
        for w in 0..workers {
            for (k, x) in messages.row_mut(w).iter_mut().enumerate() {
                *x = T::from_f64(((w * dim + k) as f64 * 0.7).sin());
            }
        }
        messages
    }

    /// A tile's rows, the mean of some, and whether it is finite, with each instruction set.
    fn fills<T: Scalar>(
        messages: &Messages<T>,
        mixing: Option<&Mixing>,
        columns: usize,
        ranks: Option<Range<usize>>,
    ) -> Vec<(bool, Vec<f64>)> {
        let rows: Vec<u32> = (0..messages.workers() as u32).collect();
        let (view, tiles) = (messages.view(), Tiles::none());
        let stream = Stream { source: &view, tiles: &tiles, rows: &rows, extra: None };
        let seen = Seen { stream, mixing };
        let mut memory = TileMemory::<T>::new(messages.workers(), mixing.is_some(), true);
        let run = |arch| {
            let plan = seen.plan(&mut memory.plan);
            let points = stream.resident().expect("messages in memory");
            let scratch = &mut memory.threads[0];
            let (tile, finite) = seen.fill(arch, plan, points, 1, columns, &ranks, scratch);
            let kept = ranks.clone().unwrap_or(0..tile.rows());
            let mut out: Vec<T> = kept.clone().flat_map(|i| tile.row(i).iter().copied()).collect();
            let mut mean = vec![T::ZERO; columns];
            tile.mean(kept, &mut mean);
            out.extend(mean);
            (finite, out.into_iter().map(T::to_f64).collect())
        };
        instruction_sets().into_iter().map(run).collect()
    }

    fn check<T: Scalar>() {
        let mut messages = messages::<T>(19, 70);
        let mut mixing = Mixing::with_capacity(15, 15 * 19);
        mixing.clear(19);
        for a in 0..15 {
            // The last ones are equal.
            let picks = &mut [a.min(11), 18, (3 * a.min(11) + 1) % 19];
            mixing.push_average(picks);
        }
        for finite in [true, false] {
            if !finite {
                messages.row_mut(7)[1] = T::from_f64(f64::NAN);
            }
            for mixing in [None, Some(&mixing)] {
                for columns in [1, 15, 31, tile_columns::<T>()] {
                    for ranks in [None, Some(4..9)] {
                        let fills = fills(&messages, mixing, columns, ranks);
                        assert!(fills.iter().all(|(silent, _)| *silent == finite));
                        if !finite {
                            continue;
                        }
                        for (_, numbers) in &fills[1..] {
                            for (x, y) in numbers.iter().zip(&fills[0].1) {
                                // Products are fused where the machine fuses.
                                let slack = if mixing.is_some() { 4.0 * T::EPSILON } else { 0.0 };
                                assert!((x - y).abs() <= slack, "{x} {y}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn all_instruction_sets_fill_tiles_alike() {
        check::<f32>();
        check::<f64>();
    }
}
