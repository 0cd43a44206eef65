//! A round: who sends, what is sent, its geometry, mixings of it, and the combination that comes out.

pub(crate) mod apart;
mod combine;
mod distances;
mod federation;
mod geometry;
mod measure;
mod messages;
mod mixed;
mod mixing;

pub use combine::{combine, largest, rounding};
pub(crate) use distances::Points;
pub use federation::Federation;
pub use geometry::Geometry;
pub use messages::{Messages, MessagesRef};
pub use mixing::Mixing;
pub(crate) use mixing::compose;
