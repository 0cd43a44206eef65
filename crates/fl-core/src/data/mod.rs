//! Labelled data as models read them: rows cut into tiles of sixteen columns, of which empty ones are not stored.
//!
//! Four fifths of MNIST's pixels are zero and they come in patches, so that of a picture's 49 tiles of 4×4 pixels some
//! 18 remain. Leaving a tile out is exact: a zero column adds nothing to `W x` and nothing to `r xᵀ`.
//! Models never see how a set is stored; they see a [`Batch`], whose values are numbers of the model's own type.

mod augment;
mod batch;
mod classes;
mod dataset;
mod error;
mod store;

pub use crate::num::prefetch;
pub use augment::Augmentation;
pub use batch::Batch;
pub use classes::{ClassLabel, ClassValues};
pub use dataset::Dataset;
pub use error::DatasetError;
pub use store::{GROUP, Layout, Picture, TILE, Values};
