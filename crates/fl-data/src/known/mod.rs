//! The known sets: which bytes they are, where they are found, and what they become.

mod cifar10;
pub(crate) mod content;
mod content_error;
pub mod covtype;
pub mod digits;
mod emnist;
mod error;
mod list;
mod load;
mod locate;
pub mod mnist;
mod pairs;
mod sets;
mod table;

pub use content_error::ContentError;
pub use error::KnownError;
pub use list::{find, sets};
pub use load::{load, load_known};
pub use locate::{Listed, Located, Locations, State, list, locate, verify};
#[cfg(feature = "fetch")]
pub(crate) use locate::{check_file, present};
pub use sets::{Format, KnownFile, KnownSet, Package};
