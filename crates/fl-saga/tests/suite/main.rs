//! The integration tests of `fl-saga`, as one program: linking is what takes time.

mod allocation;
mod common;
mod exactness;
mod least_squares;
mod settings;
mod state;
mod trajectory;
mod whole;
