//! Pictures that are moved a little, differently in every round.

use super::{Batch, Picture};
use crate::num::{Scalar, Stream, streams};

/// Moves each picture of a batch by up to `shift` pixels in either direction, and mirrors every other one from left to right.
///
/// ```text
/// a'(c, y, x) = a(c, y − d, x' − r),   d, r uniform in −shift … shift,   x' = x or width − 1 − x
/// ```
///
/// Pixels from beyond the edge are 0. The memory is made once.
#[derive(Clone, Debug)]
pub struct Augmentation<T> {
    picture: Picture,
    shift: u32,
    flip: bool,
    /// `order[stored column]` is the pixel.
    order: Vec<u32>,
    before: Vec<T>,
    after: Vec<T>,
}

impl<T: Scalar> Augmentation<T> {
    /// Memory for pictures of one shape.
    pub fn new(picture: Picture, shift: u32, flip: bool) -> Self {
        let row = || vec![T::ZERO; picture.columns()];
        let (order, before, after) = (picture.order(), row(), row());
        Self { picture, shift, flip, order, before, after }
    }

    /// Changes the samples of a batch in their order. Each takes two draws for its shift and, if pictures are mirrored, one for
    /// that.
    ///
    /// # Panics
    /// When the batch has pictures of another shape.
    pub fn apply(&mut self, rng: &mut Stream, batch: &mut Batch<T>) {
        assert_eq!(batch.picture(), Some(self.picture), "pictures of another shape");
        batch.rewrite(|row| {
            for (&pixel, &value) in self.order.iter().zip(&*row) {
                self.before[pixel as usize] = value;
            }
            let mut by =
                || i64::from(streams::below(rng, 2 * self.shift + 1)) - i64::from(self.shift);
            let (down, right) = (by(), by());
            let mirrored = self.flip && streams::chance(rng, 0.5);
            moved(self.picture, &self.before, &mut self.after, (down, right), mirrored);
            for (&pixel, value) in self.order.iter().zip(row) {
                *value = self.after[pixel as usize];
            }
        });
    }
}

/// A picture, row by row, moved and then mirrored.
fn moved<T: Scalar>(
    picture: Picture,
    from: &[T],
    to: &mut [T],
    (down, right): (i64, i64),
    mirrored: bool,
) {
    let Picture { height, width, .. } = picture;
    let inside = |at: i64, side: usize| usize::try_from(at).ok().filter(|&at| at < side);
    for (line, to) in to.chunks_exact_mut(width).enumerate() {
        let (channel, y) = (line / height, line % height);
        let source = inside(y as i64 - down, height).map(|y| (channel * height + y) * width);
        for (x, to) in to.iter_mut().enumerate() {
            let x = if mirrored { width - 1 - x } else { x };
            *to = match (source, inside(x as i64 - right, width)) {
                (Some(start), Some(x)) => from[start + x],
                _ => T::ZERO,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Layout, TILE, Values};
    use crate::{Role, Streams};
    use proptest::prelude::*;

    const SHAPES: [(usize, usize, usize); 3] = [(1, 8, 12), (3, 8, 8), (2, 5, 7)];

    fn pictures(
        (channels, height, width): (usize, usize, usize),
        rows: usize,
    ) -> (Vec<u8>, Dataset) {
        let columns = channels * height * width;
        let values: Vec<u8> = (0..rows * columns)
            .map(|i| if (i / 9) % 3 == 0 { (i * 7 % 250 + 1) as u8 } else { 0 })
            .collect();
        let bytes = Values::Bytes { values: &values, scale: 1.0 };
        let labels = vec![0; rows];
        let set = Dataset::new(bytes, columns, labels, 2, Layout::Image { height, width }).unwrap();
        (values, set)
    }

    proptest! {
        /// Against the formula, pixel by pixel, for batches of any size and after any earlier batch.
        #[test]
        fn batches_hold_the_pictures_that_the_formula_says(
            shape in 0..3usize, rows in 1..40usize, shift in 0..5u32, flip: bool, seed: u64,
        ) {
            let (channels, height, width) = SHAPES[shape];
            let (values, set) = pictures(SHAPES[shape], rows);
            let mut batch = Batch::<f64>::new(&set, rows);
            let picture = set.picture().unwrap();
            let mut augmentation = Augmentation::new(picture, shift, flip);
            let all: Vec<u32> = (0..rows as u32).rev().collect();
            for round in 0..2 {
                batch.gather(&set, &all);
                let stream = || Streams::new(seed).at(Role::Augment, 3, round);
                augmentation.apply(&mut stream(), &mut batch);
                let mut rng = stream();
                let columns = set.columns();
                let mut stored = vec![0.0; columns];
                for (j, &row) in all.iter().enumerate() {
                    let mut by = || streams::below(&mut rng, 2 * shift + 1) as i64 - shift as i64;
                    let (down, right) = (by(), by());
                    let mirrored = flip && streams::chance(&mut rng, 0.5);
                    let own = &values[row as usize * columns..][..columns];
                    let pixel = |c: usize, y: i64, x: i64| {
                        let there = (0..height as i64).contains(&y) && (0..width as i64).contains(&x);
                        if there { own[(c * height + y as usize) * width + x as usize] } else { 0 }
                    };
                    batch.dense(j, &mut stored);
                    for (&at, &value) in set.order().iter().zip(&stored) {
                        let at = at as usize;
                        let (c, y, x) = (at / width / height, at / width % height, at % width);
                        let x = if mirrored { width - 1 - x } else { x };
                        let expected = pixel(c, y as i64 - down, x as i64 - right);
                        prop_assert_eq!(value, f64::from(expected));
                    }
                    // No tile is kept that is empty, and groups say what masks say.
                    for tile in batch.values(j).chunks_exact(TILE) {
                        prop_assert!(tile.iter().any(|&v| v != 0.0));
                    }
                    for t in 0..batch.tiles() {
                        let here = batch.mask(j)[t / 64] >> (t % 64) & 1;
                        let there = batch.touching(j / 32)[t] >> (j % 32) & 1;
                        prop_assert_eq!(here, u64::from(there));
                    }
                }
                prop_assert!(channels * height * width == columns);
            }
        }
    }

    #[test]
    fn nothing_is_nothing() {
        let (_, set) = pictures((1, 8, 12), 9);
        let mut batch = Batch::<f32>::new(&set, 9);
        batch.gather(&set, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let before = batch.clone();
        let mut rng = Streams::new(0).at(Role::Augment, 0, 0);
        Augmentation::new(set.picture().unwrap(), 0, false).apply(&mut rng, &mut batch);
        for j in 0..9 {
            assert_eq!((batch.values(j), batch.mask(j)), (before.values(j), before.mask(j)));
        }
    }
}
