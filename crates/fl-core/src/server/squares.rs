//! Distances of messages to a point, on a tile.

use crate::{Scalar, Tile};
use pulp::{Simd, WithSimd};

/// Adds to each sum the squared distance of a row of a tile to a point, in `f64` and divided by a power of two.
pub(super) struct Squares<'a, T> {
    pub(super) tile: Tile<'a, T>,
    pub(super) point: &'a [T],
    pub(super) unit: f64,
    pub(super) sums: &'a mut [f64],
}

impl<T: Scalar> WithSimd for Squares<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        const LANES: usize = 8;
        let Self { tile, point, unit, sums } = self;
        let scale = 1.0 / unit;
        for (i, sum) in sums.iter_mut().enumerate() {
            let mut lanes = [0.0; LANES];
            for (x, y) in tile.row(i).chunks(LANES).zip(point.chunks(LANES)) {
                for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
                    let difference = x.to_f64() * scale - y.to_f64() * scale;
                    *lane += difference * difference;
                }
            }
            *sum += lanes.iter().sum::<f64>();
        }
    }
}
