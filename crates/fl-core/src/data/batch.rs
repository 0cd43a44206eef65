//! Some rows of a data set, in a model's own number type.

use super::store::Store;
use super::{ClassValues, Dataset, GROUP, Picture, TILE};
use crate::num::{AlignedVec, Scalar};
use pulp::{Arch, Simd, WithSimd};

/// Some samples of a [`Dataset`], gathered and converted to a model's number type. Reused from round to round: after
/// `new` nothing is allocated.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    columns: usize,
    picture: Option<Picture>,
    tiles: usize,
    words: usize,
    capacity: usize,
    len: usize,
    labels: Vec<u32>,
    targets: Vec<T>,
    /// Whether `targets` are real ones, and not left over from another set.
    has_targets: bool,
    /// What each class is as a number, where that is not its place.
    class_values: Vec<f64>,
    /// First stored tile of each sample in the data set.
    from: Vec<u32>,
    /// First value of each sample, and one more.
    starts: Vec<u32>,
    masks: Vec<u64>,
    touching: Vec<u32>,
    values: AlignedVec<T>,
}

impl<T: Scalar> Batch<T> {
    /// An empty batch with room for `capacity` samples of `data`.
    pub fn new(data: &Dataset, capacity: usize) -> Self {
        let (tiles, words) = (data.tiles, data.words);
        Self {
            columns: data.columns,
            picture: data.picture,
            tiles,
            words,
            capacity,
            len: 0,
            labels: vec![0; capacity],
            targets: vec![T::ZERO; capacity],
            has_targets: false,
            class_values: match &data.class_values {
                ClassValues::Numbers(numbers) => numbers.clone(),
                ClassValues::Places | ClassValues::Names(_) => Vec::new(),
            },
            from: vec![0; capacity],
            starts: vec![0; capacity + 1],
            masks: vec![0; capacity * words],
            touching: vec![0; capacity.div_ceil(GROUP) * tiles],
            values: AlignedVec::zeros(capacity * tiles * TILE),
        }
    }

    /// Replaces the content by the samples `indices` of `data`.
    ///
    /// Cost: one pass over the samples' non-empty tiles.
    ///
    /// # Panics
    /// When there are more than `capacity` indices, one is outside the set, or `data` has another width than the set
    /// that the batch was made for.
    pub fn gather(&mut self, data: &Dataset, indices: &[u32]) {
        assert!(indices.len() <= self.capacity, "batch of {} in {}", indices.len(), self.capacity);
        assert_eq!((data.columns, data.picture), (self.columns, self.picture), "another data set");
        self.len = indices.len();
        self.has_targets = data.targets.is_some();
        if let ClassValues::Numbers(numbers) = &data.class_values {
            self.has_targets = true;
            for (to, &index) in self.targets.iter_mut().zip(indices) {
                *to = T::from_f64(numbers[data.labels[index as usize] as usize]);
            }
        }
        if let Some(targets) = &data.targets {
            for (to, &index) in self.targets.iter_mut().zip(indices) {
                *to = T::from_f64(targets[index as usize]);
            }
        }
        Arch::new().dispatch(Gather { batch: self, data, indices });
    }

    /// Number of samples.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Most samples that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Number of features of a sample.
    #[inline]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// What a sample is a picture of; `None` where columns are not pixels.
    #[inline]
    pub fn picture(&self) -> Option<Picture> {
        self.picture
    }

    /// Number of tiles that a whole row has: `columns / 16`, rounded up.
    #[inline]
    pub fn tiles(&self) -> usize {
        self.tiles
    }

    /// The samples' labels.
    #[inline]
    pub fn labels(&self) -> &[u32] {
        &self.labels[..self.len]
    }

    /// What each class is as a number, in the set that the batch was made for; empty where that is its place.
    pub fn class_values(&self) -> &[f64] {
        &self.class_values
    }

    /// What sample `j` stands for as a number: its real target, or what its class is as a number.
    #[inline]
    pub fn target(&self, j: usize) -> T {
        if self.has_targets { self.targets[j] } else { T::from_f64(f64::from(self.labels[j])) }
    }

    /// The non-empty tiles of sample `j`: a bit a tile, lowest first, in words of 64.
    #[inline]
    pub fn mask(&self, j: usize) -> &[u64] {
        &self.masks[j * self.words..(j + 1) * self.words]
    }

    /// The values of sample `j`'s non-empty tiles, sixteen a tile, zero beyond the last column.
    #[inline]
    pub fn values(&self, j: usize) -> &[T] {
        &self.values[self.starts[j] as usize..self.starts[j + 1] as usize]
    }

    /// The values of all samples' tiles, one after the other.
    #[inline]
    pub fn all_values(&self) -> &[T] {
        &self.values[..self.starts[self.len] as usize]
    }

    /// Where sample `j`'s tiles begin in [`Batch::all_values`], counted in tiles.
    #[inline]
    pub fn first_tile(&self, j: usize) -> u32 {
        self.starts[j] / TILE as u32
    }

    /// For the samples `32 g … 32 g + 31`: a word a tile, whose bit `i` says that sample `32 g + i` has that tile.
    #[inline]
    pub fn touching(&self, g: usize) -> &[u32] {
        &self.touching[g * self.tiles..(g + 1) * self.tiles]
    }

    /// One sample in the order that models see ([`Dataset::order`]), zeros included: the slow, obvious view.
    ///
    /// # Panics
    /// When `j ≥ len()` or `out` has not `columns()` places.
    pub fn dense(&self, j: usize, out: &mut [T]) {
        assert!(j < self.len && out.len() == self.columns);
        out.fill(T::ZERO);
        let mut values = self.values(j).chunks_exact(TILE);
        for tile in 0..self.tiles {
            if self.mask(j)[tile / 64] >> (tile % 64) & 1 == 1 {
                let cells = values.next().expect("a tile for every bit");
                let end = (tile * TILE + TILE).min(self.columns);
                out[tile * TILE..end].copy_from_slice(&cells[..end - tile * TILE]);
            }
        }
    }
}

impl<T: Scalar> Batch<T> {
    /// `touching` from the masks.
    #[inline(always)]
    fn touch(&mut self) {
        for group in 0..self.len.div_ceil(GROUP) {
            let first = group * GROUP;
            let count = GROUP.min(self.len - first);
            let touching = &mut self.touching[group * self.tiles..][..self.tiles];
            for (part, touching) in touching.chunks_mut(32).enumerate() {
                let mut square = [0u32; 32];
                for (j, bits) in square[..count].iter_mut().enumerate() {
                    let word = self.masks[(first + j) * self.words + part / 2];
                    *bits = (word >> (part % 2 * 32)) as u32;
                }
                transpose(&mut square);
                touching.copy_from_slice(&square[..touching.len()]);
            }
        }
    }

    /// Changes each sample, one after the other, in the order that models see, zeros included.
    ///
    /// Cost: two passes over whole rows. Nothing is allocated: there is room for as many tiles as a row can have.
    pub(super) fn rewrite(&mut self, mut change: impl FnMut(&mut [T])) {
        self.expand();
        let row = self.tiles * TILE;
        for sample in self.values[..self.len * row].chunks_exact_mut(row.max(1)) {
            change(&mut sample[..self.columns]);
        }
        self.compact();
    }

    /// Gives every sample all of its tiles. From the last to the first, since no tile moves towards the front.
    fn expand(&mut self) {
        for j in (0..self.len).rev() {
            let mut from = self.starts[j + 1] as usize;
            for tile in (0..self.tiles).rev() {
                let to = (j * self.tiles + tile) * TILE;
                if self.masks[j * self.words + tile / 64] >> (tile % 64) & 1 == 1 {
                    from -= TILE;
                    self.values.copy_within(from..from + TILE, to);
                } else {
                    self.values[to..to + TILE].fill(T::ZERO);
                }
            }
        }
    }

    /// Leaves out the tiles that are zero, of samples that have all of theirs.
    fn compact(&mut self) {
        let mut end = 0;
        self.masks[..self.len * self.words].fill(0);
        for j in 0..self.len {
            for tile in 0..self.tiles {
                let from = (j * self.tiles + tile) * TILE;
                if self.values[from..from + TILE].iter().any(|&v| v != T::ZERO) {
                    self.masks[j * self.words + tile / 64] |= 1 << (tile % 64);
                    self.values.copy_within(from..from + TILE, end);
                    end += TILE;
                }
            }
            self.starts[j + 1] = end as u32;
        }
        self.touch();
    }
}

struct Gather<'a, T> {
    batch: &'a mut Batch<T>,
    data: &'a Dataset,
    indices: &'a [u32],
}

impl<T: Scalar> WithSimd for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Gather { batch, data, indices } = self;
        let words = data.words;
        // Rows lie all over memory: all heads are read first, so that their cache misses overlap. The values themselves
        // were asked for by `Dataset::prefetch` while the worker before computed.
        let mut at = 0;
        batch.starts[0] = 0;
        for (j, &index) in indices.iter().enumerate() {
            let head = &data.heads[index as usize * (1 + words)..][..1 + words];
            batch.labels[j] = (head[0] >> 32) as u32;
            batch.from[j] = head[0] as u32;
            let mut tiles = 0;
            for (mask, &bits) in batch.masks[j * words..].iter_mut().zip(&head[1..]) {
                *mask = bits;
                tiles += bits.count_ones();
            }
            at += tiles * TILE as u32;
            batch.starts[j + 1] = at;
        }
        batch.touch();
        for j in 0..indices.len() {
            let out = &mut batch.values[batch.starts[j] as usize..batch.starts[j + 1] as usize];
            let from = batch.from[j] as usize * TILE;
            let stored = from..from + out.len();
            match &data.store {
                Store::Bytes { values, scale } => {
                    let scale = T::from_f64(*scale);
                    for (o, &v) in out.iter_mut().zip(&values[stored]) {
                        *o = from_byte::<T>(v) * scale;
                    }
                }
                Store::F32(values) => {
                    for (o, &v) in out.iter_mut().zip(&values[stored]) {
                        *o = T::from_f64(f64::from(v));
                    }
                }
                Store::F64(values) => {
                    for (o, &v) in out.iter_mut().zip(&values[stored]) {
                        *o = T::from_f64(v);
                    }
                }
            }
        }
    }
}

/// Swaps rows and columns of a square of bits: bit `i` of word `j` becomes bit `j` of word `i`. Halves are exchanged at
/// every scale from 16 down to 1.
#[inline(always)]
fn transpose(square: &mut [u32; GROUP]) {
    let mut step = 16;
    let mut keep = 0x0000_ffffu32;
    while step > 0 {
        for block in square.chunks_exact_mut(2 * step) {
            let (top, bottom) = block.split_at_mut(step);
            for (a, b) in top.iter_mut().zip(bottom) {
                let t = ((*a >> step) ^ *b) & keep;
                *a ^= t << step;
                *b ^= t;
            }
        }
        step /= 2;
        keep ^= keep << step;
    }
}

/// Through `i32` and `f32`, both exact for a byte, because that is what vector units convert.
#[inline(always)]
fn from_byte<T: Scalar>(v: u8) -> T {
    let x = i32::from(v) as f32;
    if size_of::<T>() == 4 { bytemuck::cast(x) } else { T::from_f64(f64::from(x)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DatasetError, Layout, Values};

    fn sparse(rows: usize, columns: usize) -> (Vec<u8>, Vec<u32>) {
        let values = (0..rows * columns)
            .map(|i| if (i / 23) % 3 == 0 { (i * 7 % 251) as u8 } else { 0 })
            .collect();
        (values, (0..rows as u32).map(|r| r % 3).collect())
    }

    #[test]
    fn a_subset_is_the_set_of_its_rows() {
        let mut values: Vec<u8> = (0..7 * 40).map(|i| (i % 251) as u8).collect();
        // A row that lacks all tiles, and one that lacks its first.
        values[40..80].fill(0);
        values[120..136].fill(0);
        let labels = [0, 1, 2, 0, 1, 2, 0];
        let set = |values: &[u8], labels: Vec<u32>| {
            let values = Values::Bytes { values, scale: 0.5 };
            Dataset::new(values, 40, labels, 3, Layout::Flat).unwrap()
        };
        let rows = [6, 1, 3, 3];
        let picked: Vec<u8> =
            rows.iter().flat_map(|&r| &values[r as usize * 40..][..40]).copied().collect();
        let expected = set(&picked, rows.iter().map(|&r| labels[r as usize]).collect());
        let whole = set(&values, labels.to_vec());
        let subset = whole.subset(&rows).unwrap();
        assert_eq!(subset.labels(), expected.labels());
        let (mut a, mut b) = (Batch::<f64>::new(&subset, 4), Batch::<f64>::new(&expected, 4));
        a.gather(&subset, &[0, 1, 2, 3]);
        b.gather(&expected, &[0, 1, 2, 3]);
        for j in 0..4 {
            assert_eq!((a.values(j), a.mask(j)), (b.values(j), b.mask(j)));
            let (mut of_a, mut of_b) = (vec![0.0; 40], vec![0.0; 40]);
            subset.row(j, &mut of_a);
            expected.row(j, &mut of_b);
            assert_eq!(of_a, of_b);
        }
        assert!(matches!(whole.subset(&[]), Err(DatasetError::Empty { .. })));
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        for (columns, layout) in [
            (784, Layout::Image { height: 28, width: 28 }),
            (54, Layout::Flat),
            (16, Layout::Flat),
            (6, Layout::Image { height: 2, width: 3 }),
            (3 * 8 * 12, Layout::Image { height: 8, width: 12 }),
            (3 * 5 * 4, Layout::Image { height: 5, width: 4 }),
            (1100, Layout::Flat),
        ] {
            let (values, labels) = sparse(37, columns);
            let bytes = Values::Bytes { values: &values, scale: 0.25 };
            let set = Dataset::new(bytes, columns, labels.clone(), 3, layout).unwrap();
            let mut batch = Batch::<f32>::new(&set, 40);
            let all: Vec<u32> = (0..37).rev().collect();
            batch.gather(&set, &all);
            let (mut row, mut dense) = (vec![0.0; columns], vec![0.0f32; columns]);
            for j in 0..37 {
                let r = 36 - j;
                set.row(r, &mut row);
                batch.dense(j, &mut dense);
                assert_eq!(batch.labels()[j], labels[r]);
                for c in 0..columns {
                    assert_eq!(row[c], f64::from(values[r * columns + c]) * 0.25);
                }
                for (i, &c) in set.order().iter().enumerate() {
                    assert_eq!(f64::from(dense[i]), row[c as usize]);
                }
                for t in 0..batch.tiles() {
                    let here = batch.mask(j)[t / 64] >> (t % 64) & 1;
                    let there = batch.touching(j / GROUP)[t] >> (j % GROUP) & 1;
                    assert_eq!(here, u64::from(there));
                }
            }
        }
    }

    #[test]
    fn double_precision_survives_a_batch() {
        let values = [0.1, -1e-30, 3.0, 1e200];
        let set = Dataset::new(Values::F64(&values), 2, vec![0, 1], 2, Layout::Flat).unwrap();
        let mut batch = Batch::<f64>::new(&set, 2);
        batch.gather(&set, &[1, 0]);
        let mut row = [0.0; 2];
        batch.dense(0, &mut row);
        assert_eq!(row, [3.0, 1e200]);
        batch.dense(1, &mut row);
        assert_eq!(row, [0.1, -1e-30]);
    }

    #[test]
    fn targets_are_real_ones_or_labels_as_numbers() {
        let values = Values::F64(&[1.0, -7.0, 3.0]);
        let real = Dataset::with_targets(values, 1, vec![0.5, -9.25, 3.0], Layout::Flat).unwrap();
        let labelled = Dataset::new(values, 1, vec![2, 0, 1], 3, Layout::Flat).unwrap();
        assert_eq!((real.classes(), real.targets().unwrap().len()), (1, 3));
        assert_eq!((real.largest(), labelled.largest(), labelled.targets()), (9.25, 7.0, None));
        let mut batch = Batch::<f32>::new(&labelled, 2);
        for (set, expected) in
            [(&labelled, [0.0, 2.0]), (&real, [-9.25, 0.5]), (&labelled, [0.0, 2.0])]
        {
            batch.gather(set, &[1, 0]);
            assert_eq!([batch.target(0), batch.target(1)], expected);
        }
    }

    #[test]
    fn bad_sets_are_refused_with_numbers() {
        let new = |v: &[f32], columns, labels: Vec<u32>, layout| {
            Dataset::new(Values::F32(v), columns, labels, 2, layout).unwrap_err().to_string()
        };
        assert!(new(&[], 3, vec![], Layout::Flat).contains("0 rows"));
        assert!(
            new(&[1.0; 5], 3, vec![0, 1], Layout::Flat).contains("5 values do not fill 2 rows")
        );
        assert!(new(&[1.0; 6], 3, vec![0, 2], Layout::Flat).contains("label 2 of row 1"));
        let nan = [1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0];
        assert!(new(&nan, 3, vec![0, 1], Layout::Flat).contains("feature 1 of row 1 is NaN"));
        let infinite = Values::Bytes { values: &[1, 2], scale: f64::INFINITY };
        let error = Dataset::new(infinite, 1, vec![0, 1], 2, Layout::Flat).unwrap_err();
        assert_eq!(error, DatasetError::Scale { scale: f64::INFINITY });
        let targets = |t: Vec<f64>| {
            Dataset::with_targets(Values::F32(&[1.0; 6]), 3, t, Layout::Flat)
                .unwrap_err()
                .to_string()
        };
        assert!(targets(vec![0.0, f64::NAN]).contains("the target of row 1 is NaN"));
        assert!(targets(vec![0.0; 3]).contains("6 values do not fill 3 rows"));
        let picture = Layout::Image { height: 2, width: 2 };
        assert!(new(&[1.0; 6], 3, vec![0, 1], picture).contains("2×2 pixels has 4 columns"));
    }
}
