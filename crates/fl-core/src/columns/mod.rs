//! Columns of messages in cache: what rules that see columns work on.

mod network;
mod product;
mod tile;

pub(crate) use network::{BLOCK, Network, sorted};
pub(crate) use product::{Mix, Plan};
pub use tile::Tile;
pub(crate) use tile::tile_columns;
