//! `cargo xtask strength`: docs/strength.md and docs/strength.html, what each attack leaves of each defence.

mod conclusions;
mod document;
mod expected;
mod federation;
mod picture;
mod tables;
mod tune;

pub(crate) use document::strength;
pub(crate) use tune::tune;
