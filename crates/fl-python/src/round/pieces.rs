//! Messages in pieces, each where its owner has it, as a list of state_dicts is; and matrices, as what a round is given.

use crate::convert::errors::ShapeError;
use crate::convert::matrix::{self, Real};
use fl_core::{AggregateError, Cx, MessagesRef, Pipeline, Report, Sink, Source, SourceError};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Bytes of the tiles through which pieces are read; a tile is no larger than what stays in a cache.
const TILES: usize = 16 << 20;

/// What a round is given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a, T> {
    Matrix(MessagesRef<'a, T>),
    Pieces(&'a Pieces<'a, T>),
}

impl<'a, T: Real> Given<'a, T> {
    /// A packed matrix.
    pub(super) fn whole(matrix: &'a PyReadonlyArray2<'_, T>) -> PyResult<Self> {
        let (workers, dim) = matrix::shape(matrix);
        let messages = MessagesRef::new(matrix.as_slice()?, workers, dim);
        Ok(Given::Matrix(messages.expect("a packed matrix")))
    }

    pub(super) fn workers(&self) -> usize {
        match self {
            Given::Matrix(messages) => messages.workers(),
            Given::Pieces(pieces) => pieces.rows.len(),
        }
    }

    /// A round, of the workers that are present; pieces are of all of them. The bits are the same for both.
    pub(super) fn aggregate(
        self,
        cx: &Cx<'_>,
        pipe: &mut Pipeline<T>,
        present: Option<&[u32]>,
        out: &mut [T],
    ) -> Result<Report, AggregateError> {
        match (self, present) {
            (Given::Matrix(messages), Some(present)) => {
                pipe.aggregate_present(cx, messages, present, out)
            }
            (Given::Matrix(messages), None) => pipe.aggregate(cx, messages, out),
            (Given::Pieces(pieces), _) => {
                let whole = Whole(Mutex::new(&mut *out));
                let report = pipe.aggregate_from(cx, pieces, &whole, TILES)?;
                if pipe.memory().is_some() {
                    pipe.restore(out);
                }
                Ok(report)
            }
        }
    }
}

/// W messages, each of vectors of the same lengths one after another.
#[derive(Debug)]
pub(super) struct Pieces<'a, T> {
    /// The columns at which they begin.
    starts: Vec<usize>,
    dim: usize,
    rows: Vec<Vec<&'a [T]>>,
}

impl<'a, T: Real> Pieces<'a, T> {
    /// The messages of these arrays.
    ///
    /// # Errors
    /// For messages of different lengths, which the Python half never hands over.
    pub(super) fn new(arrays: &'a [Vec<PyReadonlyArray1<'_, T>>]) -> PyResult<Self> {
        let slices = |message: &'a Vec<PyReadonlyArray1<'_, T>>| {
            message.iter().map(|array| Ok(array.as_slice()?)).collect::<PyResult<Vec<_>>>()
        };
        let rows = arrays.iter().map(slices).collect::<PyResult<Vec<_>>>()?;
        let lengths = |row: &Vec<&[T]>| row.iter().map(|piece| piece.len()).collect::<Vec<_>>();
        let first = rows.first().map(lengths).unwrap_or_default();
        if let Some(w) = rows.iter().position(|row| lengths(row) != first) {
            return Err(ShapeError::new_err(format!(
                "message {w} is of vectors of {:?} numbers, expected {first:?} as message 0",
                lengths(&rows[w])
            )));
        }
        let mut dim = 0;
        let start = |length: &usize| {
            let start = dim;
            dim += length;
            start
        };
        let starts = first.iter().map(start).collect();
        Ok(Self { starts, dim, rows })
    }
}

impl<T: Real> Source<T> for Pieces<'_, T> {
    fn workers(&self) -> usize {
        self.rows.len()
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn read(&self, worker: usize, from: usize, out: &mut [T]) -> Result<(), SourceError> {
        let first = self.starts.partition_point(|&start| start <= from) - 1;
        let mut skip = from - self.starts[first];
        let mut rest = out;
        for piece in &self.rows[worker][first..] {
            let piece = &piece[skip..];
            let (now, later) = rest.split_at_mut(piece.len().min(rest.len()));
            now.copy_from_slice(&piece[..now.len()]);
            (rest, skip) = (later, 0);
            if rest.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// An output in memory.
#[derive(Debug)]
struct Whole<'a, T>(Mutex<&'a mut [T]>);

impl<T: Real> Sink<T> for Whole<'_, T> {
    fn write(&self, from: usize, numbers: &[T]) -> Result<(), SourceError> {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out[from..from + numbers.len()].copy_from_slice(numbers);
        Ok(())
    }
}
