//! A group of tensors as columns of messages.

use crate::layout::Group;
use crate::open::Updates;
use crate::progress::Progress;
use fl_core::{Scalar, Source, SourceError};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// The messages of a group: numbers of files, or their differences from the model before.
#[derive(Debug)]
pub(crate) struct Columns<'a, T> {
    updates: &'a Updates,
    pub(crate) group: &'a Group,
    progress: &'a Progress,
    /// Numbers of the model before, with the column at which they begin: the window of a thread serves all clients that it
    /// reads there. The last one is for threads of no pool.
    before: Vec<Mutex<(usize, Vec<T>)>>,
}

impl<'a, T: Scalar> Columns<'a, T> {
    pub(crate) fn new(updates: &'a Updates, group: &'a Group, progress: &'a Progress) -> Self {
        let windows = 0..=rayon::current_num_threads();
        let before = windows.map(|_| Mutex::new((0, Vec::new()))).collect();
        Self { updates, group, progress, before }
    }

    /// The tensors within some columns: place in the layout, first number of it, and where in `columns` it begins.
    pub(crate) fn parts(
        &self,
        columns: Range<usize>,
    ) -> impl Iterator<Item = (usize, usize, Range<usize>)> + use<'a, T> {
        let group = self.group;
        let first = group.pieces.partition_point(|piece| piece.0 <= columns.start) - 1;
        let starts = group.pieces[first..].iter().take_while({
            let end = columns.end;
            move |piece| piece.0 < end
        });
        starts.enumerate().map(move |(i, &(start, place))| {
            let next = group.pieces.get(first + i + 1).map_or(group.dim, |piece| piece.0);
            let (from, to) = (start.max(columns.start), next.min(columns.end));
            (place, from - start, from - columns.start..to - columns.start)
        })
    }

    /// Numbers of a client's file, or of the model before behind the last client.
    fn numbers(&self, client: usize, from: usize, out: &mut [T]) -> Result<(), String> {
        let Updates { clients, base, layout, .. } = self.updates;
        let file = clients.get(client).or(base.as_ref()).expect("a client or the model before");
        for (place, first, within) in self.parts(from..from + out.len()) {
            let tensor = layout.places[client][place];
            file.numbers(tensor, first, &mut out[within], self.progress)?;
        }
        Ok(())
    }

    /// Calls `work` with the numbers of the model before.
    pub(crate) fn with_before(
        &self,
        from: usize,
        len: usize,
        work: impl FnOnce(&[T]),
    ) -> Result<(), String> {
        let last = self.before.len() - 1;
        let slot = &self.before[rayon::current_thread_index().map_or(last, |i| i.min(last))];
        let mut kept = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, numbers) = &mut *kept;
        if *at != from || numbers.len() != len {
            *at = from;
            numbers.resize(len, T::ZERO);
            let read = self.numbers(self.updates.clients.len(), from, numbers);
            // What was read in part is no window.
            read.inspect_err(|_| numbers.clear())?;
        }
        work(numbers);
        Ok(())
    }

    pub(crate) fn is_difference(&self) -> bool {
        self.updates.base.is_some()
    }
}

impl<T: Scalar> Source<T> for Columns<'_, T> {
    fn workers(&self) -> usize {
        self.updates.clients.len()
    }

    fn dim(&self) -> usize {
        self.group.dim
    }

    fn read(&self, worker: usize, from: usize, out: &mut [T]) -> Result<(), SourceError> {
        self.numbers(worker, from, out).map_err(SourceError)?;
        if self.is_difference() {
            let len = out.len();
            self.with_before(from, len, |before| {
                out.iter_mut().zip(before).for_each(|(x, &before)| *x -= before);
            })
            .map_err(SourceError)?;
        }
        Ok(())
    }

    fn ahead(&self, worker: usize, columns: Range<usize>) {
        for (place, first, within) in self.parts(columns) {
            let tensor = self.updates.layout.places[worker][place];
            self.updates.clients[worker].ahead(tensor, first..first + within.len());
        }
    }
}
