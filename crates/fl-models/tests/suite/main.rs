//! The integration tests of `fl-models`, as one program: linking is what takes time.

mod agreement;
mod allocation;
mod common;
mod convolutional;
mod curvature;
mod gradients;
