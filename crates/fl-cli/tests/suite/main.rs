//! The integration tests of `fl-cli`, as one program: linking is what takes time.

mod aggregate;
mod cluster;
mod common;
mod data;
mod faults;
mod guide;
mod mistakes;
mod results;
mod signals;
mod sweep;
mod theory;
