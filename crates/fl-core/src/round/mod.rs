//! A round: who sends, what is sent, its geometry, mixings of it, and the combination that comes out.

pub(crate) mod apart;
mod combine;
mod copies;
mod distances;
mod federation;
mod geometry;
mod measure;
mod messages;
mod mixed;
mod mixing;
mod norm;
mod source;
mod stream;

pub(crate) use combine::combine_stream;
pub use combine::{combine, combine_from, largest, rounding};
pub use federation::Federation;
pub use geometry::Geometry;
pub use messages::{Messages, MessagesRef, RowsMut};
pub use mixing::Mixing;
pub(crate) use mixing::compose;
pub(crate) use norm::{Norm, combined_norm};
pub use source::{Sink, Source, SourceError};
pub use stream::least_tile_bytes;
pub(crate) use stream::{Points, Stream, Tiles, retain_finite};
