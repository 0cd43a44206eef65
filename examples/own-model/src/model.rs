//! The network as a model of the laboratory: an [`Objective`] that gives whole gradients and has no records.

use crate::flat;
use crate::network::{Network, Sizes};
use burn::backend::{Autodiff, NdArray};
use burn::tensor::activation::log_softmax;
use burn::tensor::backend::Backend;
use burn::tensor::{Device, Int, Tensor, TensorData};
use fl_core::data::Picture;
use fl_core::{
    Batch, Dataset, Fold, ModelSpec, Objective, Scalar, SpecError, Stream, spec, streams,
};

/// burn's backend. `Autodiff<burn::backend::Wgpu>` (feature `wgpu`) or `Autodiff<burn::backend::Cuda>` (feature `cuda`)
/// compute on a graphics card; neither was tried here.
type Cpu = Autodiff<NdArray<f32>>;

spec! {
    /// A convolutional network in burn: two blocks of convolution (3×3), ReLU and max pooling (2×2), and a dense layer with
    /// cross-entropy. burn computes in single precision, whatever the experiment's precision is.
    ///
    /// # Requirements
    /// Pictures whose sides are multiples of four, and two classes.
    ///
    /// # Cost
    /// burn allocates in every batch.
    pub struct Burn {
        /// Channels of the first convolution.
        pub first: usize = 8,
        /// Channels of the second convolution.
        pub second: usize = 16,
    }
}

impl Burn {
    fn of(&self, picture: Picture, classes: usize) -> Result<Model, SpecError> {
        let Picture { channels, height, width } = picture;
        let short = |side: usize| side == 0 || !side.is_multiple_of(4);
        if short(height) || short(width) {
            let allowed = "pictures whose sides are multiples of 4";
            return Err(SpecError::new("the data", allowed, picture).of("burn"));
        }
        if classes < 2 {
            return Err(SpecError::new("classes", "at least 2", classes).of("burn"));
        }
        for (name, channels) in [("first", self.first), ("second", self.second)] {
            if channels == 0 {
                return Err(SpecError::new(name, "at least 1", 0).of("burn"));
            }
        }
        let (picture_of, channels) = ([channels, height, width], [self.first, self.second]);
        let sizes = Sizes { picture: picture_of, channels, classes };
        let dim = flat::count(&sizes.network::<Cpu>(&Device::<Cpu>::default()));
        Ok(Model { sizes, dim, order: picture.order(), picture })
    }
}

impl<T: Scalar> ModelSpec<T> for Burn {
    fn name(&self) -> &'static str {
        "burn"
    }

    /// For grey, square pictures: a number of columns says no more.
    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        let side = columns.isqrt();
        if side * side != columns {
            let allowed = "a square, or those of a data set of pictures";
            return Err(SpecError::new("columns", allowed, columns).of("burn"));
        }
        let picture = Picture { channels: 1, height: side, width: side };
        Ok(Box::new(self.of(picture, classes)?))
    }

    fn build_for(&self, data: &Dataset) -> Result<Box<dyn Objective<T>>, SpecError> {
        let Some(picture) = data.picture() else {
            let got = format!("{} columns that are no pixels", data.columns());
            return Err(SpecError::new("the data", "pictures", got).of("burn"));
        };
        Ok(Box::new(self.of(picture, data.classes())?))
    }
}

/// The network for pictures of one shape.
#[derive(Debug)]
struct Model {
    sizes: Sizes,
    dim: usize,
    picture: Picture,
    /// `order[i]` is the pixel of column `i` of a batch.
    order: Vec<u32>,
}

impl Model {
    fn network<B: Backend, T: Scalar>(&self, params: &[T]) -> Network<B> {
        let params: Vec<f32> = params.iter().map(|x| x.to_f64() as f32).collect();
        flat::set(self.sizes.network(&Device::<B>::default()), &params)
    }

    /// The batch's pictures; `row` is memory for one of them.
    fn pictures<B: Backend, T: Scalar>(&self, batch: &Batch<T>, row: &mut [T]) -> Tensor<B, 4> {
        let columns = batch.columns();
        let mut pixels = vec![0.0f32; batch.len() * columns];
        for (j, picture) in pixels.chunks_exact_mut(columns).enumerate() {
            batch.dense(j, &mut row[..columns]);
            for (&pixel, value) in self.order.iter().zip(&*row) {
                picture[pixel as usize] = value.to_f64() as f32;
            }
        }
        let [channels, height, width] = self.sizes.picture;
        let shape = [batch.len(), channels, height, width];
        Tensor::from_data(TensorData::new(pixels, shape), &Device::<B>::default())
    }

    /// The logarithm of each sample's probability of its own class, and of all classes.
    fn log_likelihoods<B: Backend, T: Scalar>(
        &self,
        network: &Network<B>,
        batch: &Batch<T>,
        row: &mut [T],
    ) -> [Tensor<B, 2>; 2] {
        let all = log_softmax(network.forward(self.pictures(batch, row)), 1);
        let labels: Vec<i64> = batch.labels().iter().map(|&label| i64::from(label)).collect();
        let labels = TensorData::new(labels, [batch.len(), 1]);
        let labels: Tensor<B, 2, Int> = Tensor::from_data(labels, &Device::<B>::default());
        [all.clone().gather(1, labels), all]
    }
}

impl<T: Scalar> Objective<T> for Model {
    fn dim(&self) -> usize {
        self.dim
    }

    fn l2(&self) -> f64 {
        0.0
    }

    fn scratch_len(&self, _: usize) -> usize {
        self.picture.columns() + self.dim
    }

    fn gradient(
        &self,
        params: &[T],
        batch: &Batch<T>,
        fold: Fold<'_, T>,
        _: &mut [T],
        scratch: &mut [T],
    ) {
        let (row, sum) = scratch.split_at_mut(self.picture.columns());
        let network = self.network::<Cpu, T>(params);
        let [own, _] = self.log_likelihoods(&network, batch, row);
        let gradient = flat::gradient(&network, own.sum().neg());
        for (sum, g) in sum.iter_mut().zip(gradient) {
            *sum = T::from_f64(f64::from(g));
        }
        fold.apply(&sum[..self.dim]);
    }

    fn evaluate(
        &self,
        params: &[T],
        batch: &Batch<T>,
        losses: &mut [f64],
        predictions: &mut [u32],
        scratch: &mut [T],
    ) {
        // Without gradients.
        let network = self.network::<NdArray<f32>, T>(params);
        let [own, all] = self.log_likelihoods(&network, batch, scratch);
        let own = own.into_data().convert::<f64>();
        for (loss, own) in losses.iter_mut().zip(own.as_slice::<f64>().expect("converted")) {
            *loss = -own;
        }
        let best = all.argmax(1).into_data().convert::<i64>();
        for (prediction, best) in
            predictions.iter_mut().zip(best.as_slice::<i64>().expect("converted"))
        {
            *prediction = *best as u32;
        }
    }

    /// He's uniform law, from the laboratory's addressed streams: burn's generator is shared by the whole program.
    fn initialise(&self, rng: &mut Stream, params: &mut [T]) {
        let [colours, height, width] = self.sizes.picture;
        let [first, second] = self.sizes.channels;
        let flat = second * height * width / 16;
        let layers = [
            (9 * colours, first, true),
            (9 * first, second, true),
            (flat, self.sizes.classes, false),
        ];
        let mut rest = params;
        for (inputs, outputs, relu) in layers {
            let bound = (if relu { 6.0 } else { 3.0 } / inputs as f64).sqrt();
            let (weights, more) = rest.split_at_mut(inputs * outputs);
            let (biases, more) = more.split_at_mut(outputs);
            for weight in weights {
                let unit = f64::from(streams::below(rng, 1 << 24)) / f64::from(1 << 23) - 1.0;
                *weight = T::from_f64(bound * unit);
            }
            biases.fill(T::ZERO);
            rest = more;
        }
    }

    fn check(&self, data: &Dataset) -> Result<(), SpecError> {
        match data.picture() {
            Some(found) if found == self.picture => Ok(()),
            found => {
                let got = found.map_or_else(|| "no pictures".into(), |found| found.to_string());
                Err(SpecError::new("the data", format!("pictures of {}", self.picture), got)
                    .of("burn"))
            }
        }
    }
}
