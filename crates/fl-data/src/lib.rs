#![doc = include_str!("../README.md")]

#[cfg(feature = "fetch")]
pub mod fetch;
mod format;
mod known;
mod load;
pub mod partition;
mod shape;

pub use format::{Checksum, FileError, GzipError, csv, hex, idx, libsvm, npy, text, zip};
pub use known::{
    ContentError, Format, KnownError, KnownFile, KnownSet, Listed, Located, Locations, Package,
    State, covtype, digits, find, list, load, load_known, locate, mnist, sets, verify,
};
pub use load::source::DataSource;
pub use load::{ArrayFiles, CsvFiles, Error, LibsvmFiles, Missing, NpzFile, Own, source};
pub use partition::{Partition, PartitionError, PartitionSpec};
pub use shape::{FileNote, Loaded, Scale, Scaling, Split, scale};
