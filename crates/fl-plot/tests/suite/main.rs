//! The integration tests of `fl-plot`, as one program: linking is what takes time.

mod files;
