//! A file's tree: finding one's way in it, changing it, and reading it as a type with faults that carry their place.

mod change;
mod fault;
mod found;
mod nearest;
mod reader;
mod walk;

pub(crate) use change::Change;
pub use fault::Fault;
pub(crate) use fault::What;
pub(crate) use found::{Reader, whole};
pub use nearest::nearest;
pub(crate) use walk::{Path, Tree, find, graft, value};
