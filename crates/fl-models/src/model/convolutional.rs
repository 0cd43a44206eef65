//! The convolutional network.

mod backward;
mod block;
mod fold;
mod forward;
mod maxima;
mod network;

use crate::shared::activation::Activation;
use crate::shared::check::{check_shape, check_size};
use crate::shared::initialise::Initialise;
use crate::shared::layers::{Layer, Layers};
use crate::shared::loss::Loss;
use crate::shared::network::Network;
use crate::shared::per_block::PerBlock;
use block::{Block, Convolutions};
use fl_core::data::Picture;
use fl_core::{ModelSpec, Objective, Scalar, SpecError, choice, spec};

choice! {
    /// What becomes of a window of a convolution's outputs.
    pub enum Pooling {
        /// The largest of them; of equal ones the first, row by row.
        Max,
        /// Their mean.
        Average,
    }
}

spec! {
    /// A convolutional network: blocks of convolution, activation φ and pooling, then a perceptron's upper layers. In block l,
    /// with `h_0 = x`, channels c and o, and zero outside the picture,
    ///
    /// ```text
    /// z[o, y, x]  = b[o] + Σ_{c,u,v} W[o, c, u, v] h_{l−1}[c, s y + u − q, s x + v − q]     (kernel k, stride s, padding q)
    /// h_l[o, Y, X] = pool of φ(z[o, y, x]) over y = mY … mY + m − 1, x = mX … mX + m − 1     (pool m)
    /// ∂f/∂W[o, c, u, v] = Σ_{y,x} δ[o, y, x] h_{l−1}[c, s y + u − q, s x + v − q],           δ = ∂f/∂z
    /// f_j = ℓ + (λ/2) ‖all parameters‖²
    /// ```
    ///
    /// # Requirements
    /// Pictures of the shape `shape`; a kernel no larger than the padded picture that its block sees; a padding smaller than
    /// the kernel; stride 1 or 2; a pool no larger than its convolution's output; finite λ of at least 0.
    /// The loss and the hidden layers have the requirements of [`crate::Perceptron`].
    ///
    /// # Effect
    /// Output sides are `n = ⌊(side + 2q − k)/s⌋ + 1` before pooling and `⌊n/m⌋` behind it; what is left over is cut off.
    /// Parameters, as PyTorch orders them: of each block W (o × c × k × k), then b; of each dense layer W (outputs × inputs),
    /// then b, the last block being flattened channel by channel.
    /// `channels = [20, 50]`, `kernel = 5`, `hidden = [500]` has p = 431 080; `channels = [32, 64]`, `kernel = 5`,
    /// `padding = 2`, `hidden = [512]` has p = 1 663 370.
    /// Record: `[δ of all layers | h of all but the last | places of maxima]`, where a block's δ and h are behind its pooling:
    /// 8 677 numbers for p = 431 080 and 20 635 for p = 1 663 370. The place of a maximum in its window is a digit to
    /// the base m². As many digits as stay below 2²⁴ are one number. Behind a mean, δ is in front of the pooling.
    /// Of [`crate::Initialise`], `fan-in` is PyTorch's default, and `he` is for ReLU; a block has `n = c k²` and `m = o k²`.
    ///
    /// # Cost
    /// `2 b o c k² n²` operations forward in a block for b samples; backward twice as many for each δ that is not zero: a
    /// quarter of them behind pools of 2×2, and half of those behind ReLU.
    ///
    /// # Non-finite
    /// As [`crate::Perceptron`]; a sum that overflows in front of a maximum gives NaN behind it.
    ///
    /// # Reference
    /// LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition*, 1998.
    ///
    /// # Example
    /// ```
    /// use fl_models::Convolutional;
    /// let model = Convolutional::default().build::<f32>(784, 10)?;
    /// assert_eq!((model.dim(), model.record_len()), (431_080, 8_677));
    /// # Ok::<(), fl_core::SpecError>(())
    /// ```
    pub struct Convolutional {
        /// Channels, height and width of a picture.
        pub shape: Vec<usize> = vec![1, 28, 28],
        /// Output channels of each block.
        pub channels: Vec<usize> = vec![20, 50],
        /// k, the side of the square kernel.
        pub kernel: PerBlock = PerBlock::from(5),
        /// q, the zeros on each side of the picture.
        pub padding: PerBlock = PerBlock::from(0),
        /// s, the step of the kernel: 1 or 2.
        pub stride: PerBlock = PerBlock::from(1),
        /// m, side and step of the square window; 1 leaves the block without pooling.
        pub pool: PerBlock = PerBlock::from(2),
        /// What is taken of a window.
        pub pooling: Pooling = Pooling::Max,
        /// Widths of the hidden dense layers, first to last.
        pub hidden: Vec<usize> = vec![500],
        /// φ, of blocks and hidden layers.
        pub activation: Activation = Activation::Relu,
        /// ℓ.
        pub loss: Loss = Loss::CrossEntropy,
        /// λ of the ℓ₂ term, which covers weights and biases.
        pub l2: f64 = 0.0,
        /// How the first parameters are drawn.
        pub initialise: Initialise = Initialise::FanIn,
    }
}

impl Convolutional {
    /// The model for `columns` features, which are the numbers of a picture, and `classes` classes.
    ///
    /// # Errors
    /// When sizes do not fit together, a number is outside its range, or the parameters do not fit into memory.
    pub fn build<T: Scalar>(
        &self,
        columns: usize,
        classes: usize,
    ) -> Result<Box<dyn Objective<T>>, SpecError> {
        Ok(self.network::<T>(columns, classes)?.boxed())
    }

    fn network<T: Scalar>(
        &self,
        columns: usize,
        classes: usize,
    ) -> Result<Convolutions, SpecError> {
        let head = self.loss.head(classes)?;
        check_shape(columns, self.l2)?;
        self.initialise.check()?;
        Layers::check_hidden(&self.hidden)?;
        let picture = self.picture(columns)?;
        let mut blocks = self.blocks(picture)?;
        let flat = blocks.last().map_or(0, Block::outputs);
        self.check_size::<T>(&blocks, flat, classes)?;
        // Parameters and deltas first, then what is behind them in a record.
        let (mut at, mut delta) = (0, 0);
        for block in &mut blocks {
            (block.at, block.delta) = (at, delta);
            at += block.parameters();
            delta += block.deltas();
        }
        let features = delta - blocks.last().map_or(0, Block::deltas);
        let mut layers =
            vec![Layer { inputs: 0, outputs: flat, at: 0, delta: features, hidden: 0 }];
        let mut inputs = flat;
        for &outputs in self.hidden.iter().chain([&classes]) {
            layers.push(Layer { inputs, outputs, at, delta, hidden: 0 });
            at += (inputs + 1) * outputs;
            delta += outputs;
            inputs = outputs;
        }
        let mut end = delta;
        for block in &mut blocks {
            block.hidden = end;
            end += block.outputs();
        }
        layers[0].hidden = end - flat;
        for layer in &mut layers[1..=self.hidden.len()] {
            layer.hidden = end;
            end += layer.outputs;
        }
        for block in &mut blocks {
            block.maxima = end;
            end += maxima::len(block);
        }
        let Self { activation, l2, initialise, .. } = *self;
        let upper = Layers {
            layers,
            given: true,
            dim: at,
            record_len: end,
            activation,
            head,
            l2,
            initialise,
        };
        let places = block::places(&blocks[0], &picture.order());
        Ok(Convolutions { picture, places, blocks, upper })
    }

    fn picture(&self, columns: usize) -> Result<Picture, SpecError> {
        let &[channels, height, width] = &self.shape[..] else {
            let allowed = "three numbers: channels, height and width";
            return Err(SpecError::new("shape", allowed, format!("{:?}", self.shape)));
        };
        let picture = Picture { channels, height, width };
        if picture.columns() != columns {
            let allowed = format!("a shape of {columns} numbers, as many as a sample has");
            let found = format!("{picture}, which are {} numbers", picture.columns());
            return Err(SpecError::new("shape", allowed, found));
        }
        Ok(picture)
    }

    /// The blocks, without their places.
    fn blocks(&self, picture: Picture) -> Result<Vec<Block>, SpecError> {
        let n = self.channels.len();
        if n == 0 {
            return Err(SpecError::new("channels", "a number for at least one block", "none"));
        }
        let kernels = self.kernel.each("kernel", n)?;
        let paddings = self.padding.each("padding", n)?;
        let strides = self.stride.each("stride", n)?;
        let pools = self.pool.each("pool", n)?;
        let mut input = picture;
        let mut blocks = Vec::with_capacity(n);
        for l in 0..n {
            let block = Block {
                input,
                channels: self.channels[l],
                kernel: kernels[l],
                padding: paddings[l],
                stride: strides[l],
                pool: pools[l],
                average: self.pooling == Pooling::Average && pools[l] > 1,
                at: 0,
                delta: 0,
                hidden: 0,
                maxima: 0,
            };
            block.check(l)?;
            input = block.pooled();
            blocks.push(block);
        }
        Ok(blocks)
    }

    fn check_size<T: Scalar>(
        &self,
        blocks: &[Block],
        flat: usize,
        classes: usize,
    ) -> Result<(), SpecError> {
        let dense = || [flat].into_iter().chain(self.hidden.iter().copied()).chain([classes]);
        let layer = |(inputs, outputs): (usize, usize)| (inputs as u128 + 1) * outputs as u128;
        let upper: u128 = dense().zip(dense().skip(1)).map(layer).sum();
        let convolutions: u128 = blocks.iter().map(|block| block.parameters() as u128).sum();
        check_size::<T>(upper + convolutions, || {
            let sizes: Vec<String> = dense().map(|n| n.to_string()).collect();
            format!("{:?} channels and {}", self.channels, sizes.join("-"))
        })
    }
}

impl<T: Scalar> ModelSpec<T> for Convolutional {
    fn name(&self) -> &'static str {
        "convolutional"
    }

    fn columns(&self) -> Option<usize> {
        Some(self.shape.iter().fold(1, |product, &side| product.saturating_mul(side)))
    }

    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        Convolutional::build(self, columns, classes)
    }
}
