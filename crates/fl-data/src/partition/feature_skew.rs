//! Samples that look different at each worker.

use super::error::PartitionError;
use super::kind::{Kind, Seen, kind, setting};
use super::lists::Partition;
use super::rows::Rows;
use super::variates::{normal, unit};
use fl_core::Dataset;
use fl_core::data::{Layout, Values};
use rand::Rng;
use std::f64::consts::PI;

kind! {
    /// As `of` divides, but samples look different at each worker: pictures are turned by an angle of the worker's own,
    /// drawn uniformly from `−rotate … rotate` degrees, and values get Gaussian noise of standard deviation
    /// `noise · (w + 1) / workers`. Test data stay as they are.
    ///
    /// # Requirements
    /// One of the two above 0; pictures, to turn them; and the requirements of `of`.
    ///
    /// # Cost
    /// One pass; a draw a worker, and with noise about one and a quarter for each value.
    ///
    /// # Memory
    /// A second copy of the training data.
    ///
    /// # Reference
    /// Q. Li et al., *Federated learning on non-IID data silos: an experimental study*, ICDE 2022 (noise); A. Ghosh et
    /// al., *An efficient framework for clustered federated learning*, NeurIPS 2020 (rotation).
    pub struct FeatureSkew<P> {
        /// The greatest angle in degrees. Default: 0.
        #[default = "Default::default"]
        pub rotate: f64,
        /// The last worker's noise, in the units of the scaled features. Default: 0.
        #[default = "Default::default"]
        pub noise: f64,
        /// How the samples are divided. Default: `iid`.
        #[is = "any partition"]
        pub of: Box<P> = default
    }
}

impl<P: Kind> Kind for FeatureSkew<P> {
    fn check(&self, classes: Option<usize>, workers: usize) -> Result<(), PartitionError> {
        let allowed = "a number of at least 0";
        let settings =
            [("rotate of feature-skew", self.rotate), ("noise of feature-skew", self.noise)];
        for (name, x) in settings {
            setting(name, allowed, x, x >= 0.0 && x.is_finite())?;
        }
        let either = "rotate or noise of feature-skew";
        setting(either, "above 0", 0.0, self.rotate > 0.0 || self.noise > 0.0)?;
        self.of.check(classes, workers)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        self.of.divide(rows, workers, rng)
    }

    fn transform(
        &self,
        seen: &Seen<'_>,
        rng: &mut dyn Rng,
    ) -> Result<Option<Dataset>, PartitionError> {
        let inner = self.of.transform(seen, rng)?;
        let seen = Seen { data: inner.as_ref().unwrap_or(seen.data), ..*seen };
        skew(seen, self.rotate, self.noise, rng).map(Some)
    }

    fn of(&self) -> Option<&dyn Kind> {
        Some(&*self.of)
    }
}

/// Turns pictures and adds noise, worker by worker.
fn skew(
    Seen { data, picture, partition }: Seen<'_>,
    rotate: f64,
    noise: f64,
    rng: &mut dyn Rng,
) -> Result<Dataset, PartitionError> {
    let columns = data.columns();
    let picture = picture.filter(|(height, width)| height * width == columns);
    if rotate > 0.0 && picture.is_none() {
        return Err(PartitionError::NoPictures);
    }
    let mut out = vec![0.0f32; data.rows() * columns];
    let mut row = vec![0.0; columns];
    for (i, out) in out.chunks_exact_mut(columns).enumerate() {
        data.row(i, &mut row);
        out.iter_mut().zip(&row).for_each(|(o, x)| *o = *x as f32);
    }
    for w in 0..partition.workers() {
        let angle = if rotate > 0.0 { rotate * (2.0 * unit(rng) - 1.0) } else { 0.0 };
        let spread = noise * (w + 1) as f64 / partition.workers() as f64;
        for &i in partition.worker(w) {
            let out = &mut out[i as usize * columns..][..columns];
            if let Some((height, width)) = picture.filter(|_| rotate > 0.0) {
                row.iter_mut().zip(&*out).for_each(|(x, o)| *x = f64::from(*o));
                turn(&row, height, width, angle, out);
            }
            if spread > 0.0 {
                out.iter_mut().for_each(|x| *x = (f64::from(*x) + spread * normal(rng)) as f32);
            }
        }
    }
    let layout = match picture {
        Some((height, width)) => Layout::Image { height, width },
        None => Layout::Flat,
    };
    Dataset::new(Values::F32(&out), columns, data.labels().to_vec(), data.classes(), layout)
        .map_err(|e| PartitionError::Skew { why: e.to_string() })
}

/// A picture turned about its middle by some degrees, counter-clockwise: each pixel is read, between four, where it comes
/// from; outside the picture there is nothing.
pub(super) fn turn(from: &[f64], height: usize, width: usize, degrees: f64, to: &mut [f32]) {
    let (sin, cos) = (degrees * PI / 180.0).sin_cos();
    let (middle_y, middle_x) = ((height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0);
    let pixel = |y: f64, x: f64| {
        let inside = y >= 0.0 && x >= 0.0 && y < height as f64 && x < width as f64;
        if inside { from[y as usize * width + x as usize] } else { 0.0 }
    };
    for (i, to) in to.iter_mut().enumerate() {
        let (y, x) = ((i / width) as f64 - middle_y, (i % width) as f64 - middle_x);
        // y points downwards, so the way back of a counter-clockwise turn is this one.
        let (y, x) = (sin * x + cos * y + middle_y, cos * x - sin * y + middle_x);
        let (top, left) = (y.floor(), x.floor());
        let (down, right) = (y - top, x - left);
        let upper = pixel(top, left) * (1.0 - right) + pixel(top, left + 1.0) * right;
        let lower = pixel(top + 1.0, left) * (1.0 - right) + pixel(top + 1.0, left + 1.0) * right;
        *to = (upper * (1.0 - down) + lower * down) as f32;
    }
}
