//! Dense layers above the first: forward, backward as far as the deltas, and sums of gradients.

mod backward;
mod fold;
mod forward;
mod stack;

pub(crate) use stack::{Folding, Layer, Layers, Part};
