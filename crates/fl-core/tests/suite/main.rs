//! The integration tests of `fl-core`, as one program: linking is what takes time.

mod allocation;
mod combine;
mod common;
mod describe;
mod geometry;
mod mixing;
mod pipeline;
mod sources;
mod tile;
