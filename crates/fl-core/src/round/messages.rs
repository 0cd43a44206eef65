//! The messages of a round: `W` rows of `p` numbers.

use crate::{AlignedVec, Scalar};
#[cfg(feature = "nalgebra")]
use nalgebra::{DMatrix, DMatrixView, Dyn, U1};
use rayon::prelude::*;

/// Owned messages, row-major `W × p`, each row at the start of a cache line.
#[derive(Clone, Debug)]
pub struct Messages<T> {
    data: AlignedVec<T>,
    workers: usize,
    dim: usize,
    stride: usize,
}

/// Borrowed messages: row `w` is `data[w · stride .. w · stride + p]`.
#[derive(Clone, Copy, Debug)]
pub struct MessagesRef<'a, T> {
    data: &'a [T],
    workers: usize,
    dim: usize,
    stride: usize,
}

impl<T: Scalar> Messages<T> {
    /// Zeros for `workers` messages of `dim` numbers.
    pub fn zeros(workers: usize, dim: usize) -> Self {
        let line = 64 / size_of::<T>();
        let mut stride = dim.div_ceil(line) * line;
        // Rows a multiple of 4096 bytes apart would all compete for the same cache sets.
        if (stride * size_of::<T>()).is_multiple_of(4096) {
            stride += line;
        }
        Self { data: AlignedVec::zeros(workers * stride), workers, dim, stride }
    }

    /// A copy of equally long rows.
    ///
    /// # Panics
    /// When the rows differ in length.
    pub fn from_rows<R: AsRef<[T]>>(rows: &[R]) -> Self {
        let dim = rows.first().map_or(0, |r| r.as_ref().len());
        let mut messages = Self::zeros(rows.len(), dim);
        for (w, row) in rows.iter().enumerate() {
            messages.row_mut(w).copy_from_slice(row.as_ref());
        }
        messages
    }

    /// Number of workers W.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Length p of a message.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// A view of all rows.
    pub fn view(&self) -> MessagesRef<'_, T> {
        MessagesRef { data: &self.data, workers: self.workers, dim: self.dim, stride: self.stride }
    }

    /// The message of worker `w`.
    #[inline]
    pub fn row(&self, w: usize) -> &[T] {
        &self.data[w * self.stride..][..self.dim]
    }

    /// The message of worker `w`, to write.
    pub fn row_mut(&mut self, w: usize) -> &mut [T] {
        &mut self.data[w * self.stride..][..self.dim]
    }

    /// All rows in order, to write.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.whole_mut().rows()
    }

    /// All rows, to write; they can be cut into parts.
    pub fn whole_mut(&mut self) -> RowsMut<'_, T> {
        RowsMut { data: &mut self.data, dim: self.dim, stride: self.stride }
    }

    /// Rows in groups of `per` neighbours, to write in parallel.
    pub fn par_groups_mut(
        &mut self,
        per: usize,
    ) -> impl IndexedParallelIterator<Item = impl Iterator<Item = &mut [T]>> {
        let (dim, stride) = (self.dim, self.stride);
        self.data
            .par_chunks_mut(stride * per)
            .map(move |group| group.chunks_exact_mut(stride).map(move |row| &mut row[..dim]))
    }

    /// Copies the message of one worker over another's.
    pub fn copy_row(&mut self, from: usize, to: usize) {
        let stride = self.stride;
        self.data.copy_within(from * stride..(from + 1) * stride, to * stride);
    }
}

/// Neighbouring rows, to write.
#[derive(Debug)]
pub struct RowsMut<'a, T> {
    data: &'a mut [T],
    dim: usize,
    stride: usize,
}

impl<'a, T: Scalar> RowsMut<'a, T> {
    /// The first `count` rows and the others.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn split_at(self, count: usize) -> (Self, Self) {
        let Self { data, dim, stride } = self;
        let (first, others) = data.split_at_mut(count * stride);
        (Self { data: first, dim, stride }, Self { data: others, dim, stride })
    }

    /// The rows in order.
    pub fn rows(self) -> impl Iterator<Item = &'a mut [T]> {
        let dim = self.dim;
        self.data.chunks_exact_mut(self.stride).map(move |row| &mut row[..dim])
    }
}

impl<'a, T: Scalar> MessagesRef<'a, T> {
    /// A packed row-major buffer of `workers × dim` numbers; `None` when the length disagrees.
    pub fn new(data: &'a [T], workers: usize, dim: usize) -> Option<Self> {
        (workers.checked_mul(dim) == Some(data.len())).then_some(Self {
            data,
            workers,
            dim,
            stride: dim,
        })
    }

    /// A nalgebra matrix of `p × W`, a message a column, without copying: its column-major order is our row-major one.
    #[cfg(feature = "nalgebra")]
    pub fn from_nalgebra(matrix: &'a DMatrix<T>) -> Self {
        let (dim, workers) = matrix.shape();
        Self { data: matrix.as_slice(), workers, dim, stride: dim }
    }

    /// The messages as a nalgebra view of `p × W`, a message a column, without copying.
    #[cfg(feature = "nalgebra")]
    pub fn to_nalgebra(self) -> DMatrixView<'a, T, U1, Dyn> {
        DMatrixView::from_slice_with_strides_generic(
            self.data,
            Dyn(self.dim),
            Dyn(self.workers),
            U1,
            Dyn(self.stride),
        )
    }

    /// Number of workers W.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Length p of a message.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The message of worker `w`.
    #[inline]
    pub fn row(&self, w: usize) -> &'a [T] {
        &self.data[w * self.stride..][..self.dim]
    }

    /// All rows in order.
    pub fn rows(self) -> impl Iterator<Item = &'a [T]> {
        (0..self.workers).map(move |w| self.row(w))
    }
}

impl<'a, T: Scalar> From<&'a Messages<T>> for MessagesRef<'a, T> {
    fn from(messages: &'a Messages<T>) -> Self {
        messages.view()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "nalgebra")]
    #[test]
    fn a_view_in_nalgebra_is_the_transpose_without_a_copy() {
        let messages = Messages::from_rows(&[[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let view = messages.view().to_nalgebra();
        assert_eq!(view.shape(), (3, 2));
        assert_eq!(view[(2, 0)], 3.0);
        assert_eq!(view[(0, 1)], 4.0);
        assert!(std::ptr::eq(&view[(0, 1)], &messages.row(1)[0]));
    }

    #[cfg(feature = "nalgebra")]
    #[test]
    fn a_nalgebra_matrix_is_read_without_a_copy() {
        let matrix = DMatrix::from_column_slice(2, 3, &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let messages = MessagesRef::from_nalgebra(&matrix);
        assert_eq!((messages.workers(), messages.dim()), (3, 2));
        assert_eq!(messages.row(2), [5.0, 6.0]);
        assert!(std::ptr::eq(messages.row(0).as_ptr(), matrix.as_slice().as_ptr()));
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_no_matrix() {
        assert!(MessagesRef::new(&[1.0f32; 5], 2, 3).is_none());
        assert!(MessagesRef::new(&[1.0f32; 6], 2, 3).is_some());
    }

    #[test]
    fn rows_start_on_cache_lines_and_never_4096_bytes_apart() {
        for dim in [1, 7, 1024, 7850] {
            let messages = Messages::<f32>::zeros(3, dim);
            for w in 0..3 {
                assert_eq!(messages.row(w).as_ptr() as usize % 64, 0);
            }
            assert_ne!(
                (messages.row(1).as_ptr() as usize - messages.row(0).as_ptr() as usize) % 4096,
                0
            );
        }
    }
}
