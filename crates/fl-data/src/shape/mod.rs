//! What every set becomes: scaled values in parts.

mod loaded;
pub mod scale;
mod shaper;

pub(crate) use loaded::every;
pub use loaded::{FileNote, Loaded, Split};
pub use scale::{Scale, Scaling};
pub(crate) use shaper::{Answers, Numbers, Shaper, packed};
