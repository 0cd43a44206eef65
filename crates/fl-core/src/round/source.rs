//! Where messages are: in memory, or somewhere that gives a few columns of them at a time.

use super::MessagesRef;
use crate::{AggregateError, Scalar};
use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A source or a sink that failed, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

impl From<SourceError> for AggregateError {
    fn from(SourceError(reason): SourceError) -> Self {
        Self::Source(reason)
    }
}

/// W messages of p numbers that need not be in memory.
///
/// A server reads them a tile of columns at a time, from several threads at once. It reads tiles again in a further pass, so
/// a source must give the same numbers each time.
pub trait Source<T: Scalar>: Sync + Debug {
    /// Number of workers W.
    fn workers(&self) -> usize;

    /// Length p of a message.
    fn dim(&self) -> usize;

    /// The numbers `from .. from + out.len()` of a worker's message.
    ///
    /// # Errors
    /// Whatever keeps the numbers from being read.
    fn read(&self, worker: usize, from: usize, out: &mut [T]) -> Result<(), SourceError>;

    /// These columns of a worker's message will be read soon.
    fn ahead(&self, worker: usize, columns: Range<usize>) {
        let _ = (worker, columns);
    }

    /// All messages at once, where they are in memory: nothing is copied then.
    fn resident(&self) -> Option<MessagesRef<'_, T>> {
        None
    }
}

impl<T: Scalar> Source<T> for MessagesRef<'_, T> {
    fn workers(&self) -> usize {
        MessagesRef::workers(self)
    }

    fn dim(&self) -> usize {
        MessagesRef::dim(self)
    }

    fn read(&self, worker: usize, from: usize, out: &mut [T]) -> Result<(), SourceError> {
        out.copy_from_slice(&self.row(worker)[from..from + out.len()]);
        Ok(())
    }

    fn resident(&self) -> Option<MessagesRef<'_, T>> {
        Some(*self)
    }
}

/// Where an output goes, a piece at a time.
pub trait Sink<T: Scalar>: Sync + Debug {
    /// Takes the numbers `from .. from + numbers.len()` of the output.
    ///
    /// Pieces arrive in any order and from several threads at once. A piece may arrive again; the last one counts.
    ///
    /// # Errors
    /// Whatever keeps the numbers from being kept.
    fn write(&self, from: usize, numbers: &[T]) -> Result<(), SourceError>;
}

/// A sink in memory.
impl<T: Scalar> Sink<T> for Mutex<Vec<T>> {
    fn write(&self, from: usize, numbers: &[T]) -> Result<(), SourceError> {
        let mut all = self.lock().unwrap_or_else(PoisonError::into_inner);
        let len = all.len();
        let piece = all.get_mut(from..from + numbers.len()).ok_or_else(|| {
            SourceError(format!(
                "an output of {len} numbers has no number {}",
                from + numbers.len()
            ))
        })?;
        piece.copy_from_slice(numbers);
        Ok(())
    }
}
