//! A block of convolution, activation and pooling: its shapes, and where it has its parameters and its parts of a record.
//!
//! In scratch memory pictures are pixel-major: the channels of a pixel lie side by side. So a row of a patch is one run of
//! numbers, and nothing has to be copied for a product with patches.

use crate::kernel::padded;
use crate::shared::layers::Layers;
use fl_core::SpecError;
use fl_core::data::Picture;

/// Blocks below dense layers, the first of which stands for the last block's output.
#[derive(Clone, Debug)]
pub(super) struct Convolutions {
    pub(super) picture: Picture,
    /// Where each feature of a sample belongs in the first block's padded input.
    pub(super) places: Vec<u32>,
    pub(super) blocks: Vec<Block>,
    pub(super) upper: Layers,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) input: Picture,
    pub(super) channels: usize,
    pub(super) kernel: usize,
    pub(super) padding: usize,
    pub(super) stride: usize,
    pub(super) pool: usize,
    /// Whether a window's mean is taken, and not its maximum; false for windows of one.
    pub(super) average: bool,
    /// Where its W starts in the parameters; b is behind it.
    pub(super) at: usize,
    /// Where its δ starts in a record: pixel-major, behind a maximum or in front of a mean.
    pub(super) delta: usize,
    /// Where its h starts in a record: pixel-major, and channel-major in the last block.
    pub(super) hidden: usize,
    /// Where the places of its maxima start in a record.
    pub(super) maxima: usize,
}

impl Block {
    /// Whether all sizes fit; `l` is the block's place.
    pub(super) fn check(&self, l: usize) -> Result<(), SpecError> {
        let refuse = |setting: &str, allowed: String, found: usize| {
            Err(SpecError::new(format!("{setting}[{l}]"), allowed, found))
        };
        let Picture { channels, height, width } = self.input;
        for (setting, n) in
            [("channels", self.channels), ("kernel", self.kernel), ("pool", self.pool)]
        {
            if n == 0 || u16::try_from(n).is_err() {
                return refuse(setting, format!("between 1 and {}", u16::MAX), n);
            }
        }
        if channels == 0 {
            return Err(SpecError::new("shape", "at least one channel", self.input));
        }
        if self.padding >= self.kernel {
            let allowed = format!("smaller than the kernel, which is {}", self.kernel);
            return refuse("padding", allowed, self.padding);
        }
        if !matches!(self.stride, 1 | 2) {
            return refuse("stride", "1 or 2".into(), self.stride);
        }
        let side = height.min(width) + 2 * self.padding;
        if self.kernel > side {
            let allowed = format!(
                "at most {side}: this block sees pictures of {height}×{width} pixels, with padding {}×{}",
                height + 2 * self.padding,
                width + 2 * self.padding
            );
            return refuse("kernel", allowed, self.kernel);
        }
        let (rows, columns) = self.convolved();
        if self.pool > rows.min(columns) {
            let allowed = format!(
                "at most {}: this block's convolution gives {rows}×{columns} pixels",
                rows.min(columns)
            );
            return refuse("pool", allowed, self.pool);
        }
        // Digits to the base of a window's size have to fit into the whole numbers that `f32` holds.
        if !self.average && self.pool > 1 << 12 {
            return refuse("pool", format!("at most {}", 1 << 12), self.pool);
        }
        // Places are 32 bits.
        let numbers = self.input_len() as u128 * 64;
        if u32::try_from(numbers).is_err() {
            return Err(SpecError::new("shape", "pictures of fewer numbers", self.input));
        }
        Ok(())
    }

    /// Rows and columns of the convolution's output.
    fn convolved(&self) -> (usize, usize) {
        let side = |n: usize| (n + 2 * self.padding - self.kernel) / self.stride + 1;
        (side(self.input.height), side(self.input.width))
    }

    /// The block's output.
    pub(super) fn pooled(&self) -> Picture {
        let (rows, columns) = self.convolved();
        let (height, width) = (rows / self.pool, columns / self.pool);
        Picture { channels: self.channels, height, width }
    }

    /// Rows and columns of the convolution's output that a window covers.
    pub(super) fn covered(&self) -> (usize, usize) {
        let Picture { height, width, .. } = self.pooled();
        (height * self.pool, width * self.pool)
    }

    /// Numbers of the block's output.
    pub(super) fn outputs(&self) -> usize {
        self.pooled().columns()
    }

    /// Numbers of its δ in a record.
    pub(super) fn deltas(&self) -> usize {
        if self.average { self.outputs() * self.window() } else { self.outputs() }
    }

    /// m².
    pub(super) fn window(&self) -> usize {
        self.pool * self.pool
    }

    /// c k², the numbers that an output is made of.
    pub(super) fn inputs(&self) -> usize {
        self.input.channels * self.kernel * self.kernel
    }

    /// The numbers of W and b.
    pub(super) fn parameters(&self) -> usize {
        (self.inputs() + 1) * self.channels
    }

    pub(super) fn weights(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.channels * self.inputs()
    }

    pub(super) fn biases(&self) -> std::ops::Range<usize> {
        let at = self.at + self.channels * self.inputs();
        at..at + self.channels
    }

    /// Numbers in a row of a patch: k pixels.
    pub(super) fn run(&self) -> usize {
        self.kernel * self.input.channels
    }

    /// Distance of neighbouring rows in the padded input.
    pub(super) fn row_apart(&self) -> usize {
        (self.input.width + 2 * self.padding) * self.input.channels
    }

    /// Numbers of the padded input, and enough behind it for whole registers.
    pub(super) fn input_len(&self) -> usize {
        padded((self.input.height + 2 * self.padding) * self.row_apart()) + 16
    }

    /// Where the patch of an output begins in the padded input.
    #[inline(always)]
    pub(super) fn patch(&self, y: usize, x: usize) -> usize {
        y * self.stride * self.row_apart() + x * self.stride * self.input.channels
    }

    /// Writes a pixel-major picture, with `width` numbers a pixel of which the first are its channels, into a padded input.
    #[inline(always)]
    pub(super) fn embed<T: Copy>(&self, pixels: &[T], width: usize, padded_input: &mut [T]) {
        let Picture { channels, width: columns, .. } = self.input;
        let inner = &mut padded_input[self.corner()..];
        for (row, out) in
            pixels.chunks_exact(columns * width).zip(inner.chunks_mut(self.row_apart()))
        {
            for (pixel, out) in row.chunks_exact(width).zip(out.chunks_mut(channels)) {
                out[..channels].copy_from_slice(&pixel[..channels]);
            }
        }
    }

    /// Where the picture's first pixel is in the padded input.
    pub(super) fn corner(&self) -> usize {
        self.padding * (self.row_apart() + self.input.channels)
    }
}

/// Where each feature of a sample, in the order of its tiles, belongs in the first block's padded input.
pub(super) fn places(first: &Block, order: &[u32]) -> Vec<u32> {
    let Picture { channels, height, width } = first.input;
    let place = |&feature: &u32| {
        let feature = feature as usize;
        let (channel, pixel) = (feature / (height * width), feature % (height * width));
        let (y, x) = (pixel / width, pixel % width);
        (first.corner() + y * first.row_apart() + x * channels + channel) as u32
    };
    order.iter().map(place).collect()
}
