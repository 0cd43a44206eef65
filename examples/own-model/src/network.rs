//! The network, as anybody would write it in burn. Nothing here knows of federations.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::backend::Backend;
use burn::tensor::{Device, Tensor};

/// Two convolutions of 3×3, each with ReLU and 2×2 max pooling, and a dense layer.
#[derive(Module, Debug)]
pub struct Network<B: Backend> {
    first: Conv2d<B>,
    second: Conv2d<B>,
    pool: MaxPool2d,
    last: Linear<B>,
}

/// The sizes of a [`Network`].
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Channels, height and width of a picture; both sides are multiples of four.
    pub picture: [usize; 3],
    /// Channels of the two convolutions.
    pub channels: [usize; 2],
    /// Classes.
    pub classes: usize,
}

impl Sizes {
    /// The network with burn's own random parameters.
    pub fn network<B: Backend>(&self, device: &Device<B>) -> Network<B> {
        let [colours, height, width] = self.picture;
        let [first, second] = self.channels;
        let convolution = |channels| {
            Conv2dConfig::new(channels, [3, 3]).with_padding(PaddingConfig2d::Same).init(device)
        };
        Network {
            first: convolution([colours, first]),
            second: convolution([first, second]),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            last: LinearConfig::new(second * height * width / 16, self.classes).init(device),
        }
    }
}

impl<B: Backend> Network<B> {
    /// Logits, `samples × classes`, of pictures, `samples × channels × height × width`.
    pub fn forward(&self, pictures: Tensor<B, 4>) -> Tensor<B, 2> {
        let x = self.pool.forward(relu(self.first.forward(pictures)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        self.last.forward(x.flatten(1, 3))
    }
}
