//! Tests of whole pages. What a browser makes of them is tested by `cargo xtask pages`.

mod page;
