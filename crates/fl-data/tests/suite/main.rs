//! The integration tests of `fl-data`, as one program: linking is what takes time.

mod archives;
mod cases;
mod covtype;
mod fetch;
mod mnist;
mod own;
