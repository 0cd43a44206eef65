//! Which data: a known set by its name, or files of one's own.

use super::error::Error;
use super::files::Own;
use super::own::load_own;
use crate::known::{KnownError, KnownSet, Locations, find, load_known};
use crate::shape::{Loaded, Scale};
use std::fmt;

/// Which data to load.
///
/// In an experiment file (feature `serde`) it is a name, or a table that names a format:
///
/// ```toml
/// set = "covtype"
/// set.csv = { train = "adult.csv.gz", label = "income", drop = ["id"] }
/// set.libsvm = { train = "a9a", test = "a9a.t" }
/// set.npz = { path = "mnist.npz" }
/// set.npy = { train = "x.npy", train-labels = "y.npy" }
/// set.idx = { train = "emnist-images.gz", train-labels = "emnist-labels.gz" }
/// ```
///
/// Paths that are not absolute are taken from the current directory. Every file may be gzip. Where there is no test part,
/// of each class every fifth row, in file order, is for testing (`test-every = 5`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataSource {
    /// A known set.
    Known(String),
    /// Files.
    Own(Own),
}

impl From<&str> for DataSource {
    fn from(name: &str) -> Self {
        DataSource::Known(name.into())
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataSource::Known(name) => f.write_str(name),
            DataSource::Own(own) => write!(f, "{}", own.first().display()),
        }
    }
}

impl DataSource {
    /// The description of a known set; `None` for files of one's own.
    ///
    /// # Errors
    /// [`KnownError::UnknownSet`].
    pub fn known(&self) -> Result<Option<&'static KnownSet>, KnownError> {
        match self {
            DataSource::Known(name) => find(name).map(Some),
            DataSource::Own(_) => Ok(None),
        }
    }

    /// The number of classes, as far as it is known before anything is read.
    ///
    /// # Errors
    /// [`KnownError::UnknownSet`].
    pub fn classes(&self) -> Result<Option<usize>, KnownError> {
        Ok(self.known()?.map(KnownSet::classes))
    }

    /// Finds, checks, loads and scales the data. A known set is verified; files of one's own are what they are, and
    /// [`Loaded::digest`] tells which they were.
    ///
    /// # Errors
    /// When the name is unknown, files are missing or not the published ones, or cannot be read as what they should be.
    pub fn load(&self, scale: Option<Scale>, locations: &Locations) -> Result<Loaded, Error> {
        match self {
            DataSource::Known(name) => Ok(load_known(find(name)?, scale, locations)?),
            DataSource::Own(own) => load_own(own, scale),
        }
    }
}

#[cfg(feature = "serde")]
mod serde_form {
    use super::{DataSource, Own};
    use serde::de::value::MapAccessDeserializer;
    use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
    use serde::ser::{Serialize, Serializer};
    use std::fmt;

    impl Serialize for DataSource {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                DataSource::Known(name) => serializer.serialize_str(name),
                DataSource::Own(own) => own.serialize(serializer),
            }
        }
    }

    impl<'de> Deserialize<'de> for DataSource {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(NameOrFiles)
        }
    }

    struct NameOrFiles;

    impl<'de> Visitor<'de> for NameOrFiles {
        type Value = DataSource;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name of a data set, or a table with one of csv, libsvm, npy, npz, idx")
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<DataSource, E> {
            Ok(DataSource::Known(name.into()))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DataSource, A::Error> {
            Own::deserialize(MapAccessDeserializer::new(map)).map(DataSource::Own)
        }
    }
}
