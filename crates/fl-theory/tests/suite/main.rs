//! The integration tests of `fl-theory`, as one program: linking is what takes time.

mod golden;
