//! Messages a window of columns at a time: all at once where they are in memory, else tile by tile through memory of its own.

use super::{Messages, MessagesRef, Source, SourceError};
use crate::{AlignedVec, Scalar};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A tile's columns are a multiple of this, and so of the tiles and chunks of every kernel: sums then do not depend on it.
pub(crate) const UNIT: usize = 2048;
/// Bytes of a tile that stays in a second-level cache between being read and being summed.
const CACHED: usize = 5 << 18;
/// Most columns of a tile.
const MOST: usize = 1 << 16;

/// Memory through which messages are read that are not resident: a tile for each thread, made when it is first needed.
#[derive(Debug)]
pub(crate) struct Tiles<T> {
    columns: usize,
    tiles: Mutex<Vec<ReadTile<T>>>,
    outputs: Mutex<Vec<AlignedVec<T>>>,
}

#[derive(Debug)]
struct ReadTile<T> {
    messages: Messages<T>,
    /// 0, 1, …: a tile's rows are the chosen messages alone.
    rows: Vec<u32>,
}

impl<T: Scalar> Tiles<T> {
    /// None, for messages in memory.
    pub(crate) const fn none() -> Self {
        Self { columns: 0, tiles: Mutex::new(Vec::new()), outputs: Mutex::new(Vec::new()) }
    }

    /// Tiles of `workers` messages that together take up to `memory` bytes, or the least that is possible.
    pub(crate) fn within(memory: usize, workers: usize, dim: usize) -> Self {
        // A row more for the output.
        let column = (workers + 1) * size_of::<T>();
        let share = (memory / rayon::current_num_threads()).min(CACHED.max(column * UNIT)) / column;
        let columns = share.min(MOST).min(dim.next_multiple_of(UNIT)) / UNIT * UNIT;
        Self { columns: columns.max(UNIT), ..Self::none() }
    }

    /// Columns of a tile.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Numbers for a piece of the output.
    pub(crate) fn output(&self) -> AlignedVec<T> {
        take(&self.outputs).unwrap_or_else(|| AlignedVec::zeros(self.columns))
    }

    /// Gives them back.
    pub(crate) fn put_output(&self, output: AlignedVec<T>) {
        put(&self.outputs, output);
    }

    fn tile(&self, rows: usize) -> ReadTile<T> {
        match take(&self.tiles) {
            Some(tile) if tile.rows.len() >= rows => tile,
            _ => ReadTile {
                messages: Messages::zeros(rows, self.columns),
                rows: (0..rows as u32).collect(),
            },
        }
    }
}

fn take<B>(pool: &Mutex<Vec<B>>) -> Option<B> {
    pool.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn put<B>(pool: &Mutex<Vec<B>>, memory: B) {
    pool.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
}

/// Bytes of the smallest tiles of `workers` messages, one for each thread of the current pool.
pub fn least_tile_bytes<T: Scalar>(workers: usize) -> usize {
    let column = workers.saturating_add(1).saturating_mul(size_of::<T>());
    column.saturating_mul(UNIT).saturating_mul(rayon::current_num_threads())
}

/// Some columns of a round's points: chosen messages, then the origin, then perhaps one vector more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Points<'a, T> {
    pub(crate) messages: MessagesRef<'a, T>,
    pub(crate) rows: &'a [u32],
    /// Whole, whatever the window; an empty one is the origin.
    extra: Option<&'a [T]>,
    /// The column at which `messages` begin.
    pub(crate) at: usize,
}

impl<'a, T: Scalar> Points<'a, T> {
    pub(crate) fn len(&self) -> usize {
        self.rows.len() + 1 + usize::from(self.extra.is_some())
    }

    /// Columns of a point; `None` for the origin.
    #[inline(always)]
    pub(crate) fn get(&self, point: usize, from: usize, to: usize) -> Option<&'a [T]> {
        match self.rows.get(point) {
            Some(&row) => Some(&self.messages.row(row as usize)[from - self.at..to - self.at]),
            None => {
                let extra = self.extra.filter(|_| point == self.rows.len() + 1);
                extra.and_then(|extra| extra.get(from..to))
            }
        }
    }
}

/// A round's points, from wherever their numbers are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream<'a, T: Scalar> {
    pub(crate) source: &'a dyn Source<T>,
    pub(crate) tiles: &'a Tiles<T>,
    pub(crate) rows: &'a [u32],
    pub(crate) extra: Option<&'a [T]>,
}

impl<'a, T: Scalar> Stream<'a, T> {
    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() + 1 + usize::from(self.extra.is_some())
    }

    /// Length of a message.
    pub(crate) fn dim(&self) -> usize {
        self.source.dim()
    }

    /// All points, where they are in memory.
    pub(crate) fn resident(&self) -> Option<Points<'a, T>> {
        let messages = self.source.resident()?;
        Some(Points { messages, rows: self.rows, extra: self.extra, at: 0 })
    }

    /// Shows columns of all points to `work`, from the first to the last. Of messages that are not `wanted`, by their place
    /// among the points, the numbers shown are of no use.
    pub(crate) fn windows(
        &self,
        columns: Range<usize>,
        wanted: impl Fn(usize) -> bool,
        mut work: impl FnMut(Points<'_, T>, Range<usize>),
    ) -> Result<(), SourceError> {
        if let Some(points) = self.resident() {
            work(points, columns);
            return Ok(());
        }
        let Self { source, tiles, rows, extra } = *self;
        let mut tile = tiles.tile(rows.len());
        for from in columns.clone().step_by(tiles.columns) {
            let to = (from + tiles.columns).min(columns.end);
            let next = to..(to + tiles.columns).min(columns.end);
            for (i, &row) in rows.iter().enumerate().filter(|(i, _)| wanted(*i)) {
                source.read(row as usize, from, &mut tile.messages.row_mut(i)[..to - from])?;
                if !next.is_empty() {
                    source.ahead(row as usize, next.clone());
                }
            }
            let rows = &tile.rows[..rows.len()];
            work(Points { messages: tile.messages.view(), rows, extra, at: from }, from..to);
        }
        put(&tiles.tiles, tile);
        Ok(())
    }

    /// Some columns of the `i`-th message, which must rise.
    pub(crate) fn pick(&self, i: usize, columns: &[u32], out: &mut [T]) -> Result<(), SourceError> {
        let row = self.rows[i] as usize;
        if let Some(messages) = self.source.resident() {
            let message = messages.row(row);
            out.iter_mut().zip(columns).for_each(|(x, &column)| *x = message[column as usize]);
            return Ok(());
        }
        // What is near is read at once.
        let mut near = [T::ZERO; 512];
        let mut k = 0;
        while k < columns.len() {
            let from = columns[k] as usize;
            let count = columns[k..].partition_point(|&c| (c as usize) < from + near.len());
            let last = columns[k + count - 1] as usize;
            self.source.read(row, from, &mut near[..=last - from])?;
            for (x, &column) in out[k..k + count].iter_mut().zip(&columns[k..]) {
                *x = near[column as usize - from];
            }
            k += count;
        }
        Ok(())
    }

    /// Whether two points are equal.
    pub(crate) fn equal(&self, i: usize, j: usize) -> Result<bool, SourceError> {
        let mut equal = true;
        let both = |p| p == i || p == j;
        self.windows(0..self.dim(), both, |points, columns| {
            let get = |p| points.get(p, columns.start, columns.end);
            equal &= match (get(i), get(j)) {
                (Some(a), Some(b)) => {
                    // Bytes are compared faster than numbers; what is left are zeros of both signs.
                    bytemuck::cast_slice::<T, u8>(a) == bytemuck::cast_slice::<T, u8>(b) || a == b
                }
                (Some(a), None) | (None, Some(a)) => a.iter().all(|x| *x == T::ZERO),
                (None, None) => true,
            };
        })?;
        Ok(equal)
    }

    /// The largest absolute value of all points.
    pub(crate) fn peak(&self) -> Result<f64, SourceError> {
        let mut peak = 0.0f64;
        self.windows(
            0..self.dim(),
            |_| true,
            |points, columns| {
                let all =
                    (0..points.len()).filter_map(|i| points.get(i, columns.start, columns.end));
                peak = all.flatten().fold(peak, |peak, x| peak.max(x.to_f64().abs()));
            },
        )?;
        Ok(peak)
    }
}

/// Removes from `rows` the messages that are `doubtful`, by their place, and indeed not finite; tells each worker with the
/// first of its columns that is not.
///
/// Cost: a pass over the doubtful messages, each up to its first such number.
pub(crate) fn retain_finite<T: Scalar>(
    source: &dyn Source<T>,
    tiles: &Tiles<T>,
    rows: &mut Vec<u32>,
    doubtful: impl Fn(usize) -> bool,
    dropped: &mut dyn FnMut(u32, usize),
) -> Result<(), SourceError> {
    let (mut result, mut place) = (Ok(()), 0);
    rows.retain(|&row| {
        place += 1;
        if result.is_err() || !doubtful(place - 1) {
            return true;
        }
        let mut first = None;
        let one = Stream { source, tiles, rows: &[row], extra: None };
        let mut from = 0;
        while result.is_ok() && first.is_none() && from < one.dim() {
            // Of messages in memory all columns are one window.
            let to = if one.resident().is_some() { one.dim() } else { from + tiles.columns };
            result = one.windows(
                from..to.min(one.dim()),
                |_| true,
                |points, columns| {
                    let numbers = points.get(0, columns.start, columns.end).unwrap_or_default();
                    let place = numbers.iter().position(|x| !x.is_finite());
                    first = place.map(|k| columns.start + k);
                },
            );
            from = to;
        }
        if let Some(column) = first {
            dropped(row, column);
        }
        first.is_none()
    });
    result
}
