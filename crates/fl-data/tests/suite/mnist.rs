//! Loading from folders. What needs the real MNIST looks for it in the folder that `FL_DATA_DIR` names.

use fl_data::partition::ByClass;
use fl_data::{
    KnownError, Loaded, Located, Locations, PartitionSpec, State, list, load, mnist, verify,
};
use flate2::{Compression, write::GzEncoder};
use rand::SeedableRng;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn images(count: u8, side: u8) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, side];
    file.extend((0..usize::from(count) * usize::from(side).pow(2)).map(|i| (i % 7) as u8));
    file
}

fn labels(values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 1, 0, 0, 0, values.len() as u8];
    file.extend(values);
    file
}

/// Four small files, of which some are replaced.
fn folder(replaced: &[(usize, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut files = [images(3, 8), labels(&[3, 9, 0]), images(2, 8), labels(&[1, 1])];
    for (i, bytes) in replaced {
        files[*i].clone_from(bytes);
    }
    for (name, bytes) in NAMES.iter().zip(files) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[track_caller]
fn check(replaced: &[(usize, Vec<u8>)], expected: &str) {
    let folder = folder(replaced);
    let error = mnist::load_unverified(folder.path()).unwrap_err().to_string();
    let error = error.replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(error, expected);
}

#[test]
fn small_files_load_when_nobody_asks_what_they_are() {
    let folder = folder(&[]);
    let Loaded { split, .. } = mnist::load_unverified(folder.path()).unwrap();
    assert_eq!(split.train.labels(), [3, 9, 0]);
    assert_eq!((split.test.rows(), split.test.columns(), split.test.classes()), (2, 64, 10));
    let mut row = [0.0; 64];
    split.train.row(1, &mut row);
    let expected: Vec<f64> = (64..128).map(|i| f64::from(i % 7) / 255.0).collect();
    assert!(row.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-15));
}

#[test]
fn a_verified_load_refuses_other_bytes() {
    let folder = folder(&[]);
    let error = mnist::load(folder.path()).unwrap_err();
    assert!(matches!(error, KnownError::Content { .. }));
    let error = error.to_string();
    assert!(error.contains("expected 60008 bytes unpacked, found 11"), "{error}");
}

#[test]
fn bad_files_are_named_with_place_and_reason() {
    check(
        &[(0, images(4, 8))],
        "train-images-idx3-ubyte holds 4 images and train-labels-idx1-ubyte holds 3 labels; both must be as many",
    );
    check(
        &[(3, labels(&[1, 10]))],
        "t10k-labels-idx1-ubyte: at byte 9: expected a label from 0 to 9, found 10",
    );
    check(
        &[(2, images(2, 4))],
        "t10k-images-idx3-ubyte holds images of 4×4 pixels, the training images have 8×8",
    );
    check(
        &[(2, images(2, 8)[..100].to_vec())],
        "t10k-images-idx3-ubyte: truncated: ends at byte 100, expected 144 bytes",
    );
    check(
        &[(1, images(3, 8))],
        "train-labels-idx1-ubyte: expected labels: unsigned bytes with one axis, found unsigned integers of 1 byte of shape [3, 8, 8]",
    );
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&images(3, 8)).unwrap();
    let packed = encoder.finish().unwrap();
    let folder = folder(&[(0, packed[..40].to_vec())]);
    let error = mnist::load_unverified(folder.path()).unwrap_err().to_string();
    let expected = " (packed byte 40): gzip is damaged: the file ends inside the stream";
    assert!(error.contains("train-images-idx3-ubyte: at byte "), "{error}");
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_missing_set_says_what_to_put_where() {
    let empty = tempfile::tempdir().unwrap();
    let part = folder(&[]);
    fs::remove_file(part.path().join(NAMES[3])).unwrap();
    let locations =
        Locations { read_only: vec![part.path().into()], cache: empty.path().join("cache") };
    let error = load("mnist", &locations).unwrap_err().to_string();
    for expected in [
        format!("{} (lacks {})", part.path().display(), NAMES[3]),
        format!("into {}", empty.path().join("cache/mnist").display()),
        "train-images-idx3-ubyte  47040016 bytes  ba891046".into(),
        "t10k-labels-idx1-ubyte  10008 bytes  ff7bcfd4".into(),
    ] {
        assert!(error.contains(&expected), "{expected} is not in: {error}");
    }
    let states: Vec<_> =
        list(&locations).into_iter().map(|l| (l.set.name.as_str(), l.state)).collect();
    assert_eq!(states[0], ("digits", State::Here(Located::Embedded)));
    assert_eq!(states[1], ("mnist", State::Missing { bytes: 54_950_048 }));
    assert!(!empty.path().join("cache").exists(), "looking must not create folders");
}

#[test]
fn digits_load_by_name_without_any_folder() {
    let loaded = load("digits", &Locations::default()).unwrap();
    assert_eq!(loaded.split.train.rows() + loaded.split.test.rows(), 1797);
    assert_eq!(loaded.digest().len(), 64);
}

fn real() -> Option<PathBuf> {
    let folder = std::env::var_os("FL_DATA_DIR").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: FL_DATA_DIR is not set");
    }
    folder
}

fn counts(labels: &[u32]) -> [usize; 10] {
    let mut counts = [0; 10];
    labels.iter().for_each(|&l| counts[l as usize] += 1);
    counts
}

#[test]
fn mnist_is_mnist() {
    let Some(folder) = real() else { return };
    let locations = Locations { read_only: vec![folder.clone()], cache: "/nowhere".into() };
    let set = fl_data::find("mnist").unwrap();
    let located = verify(set, &locations).unwrap();
    let loaded = load("mnist", &locations).unwrap();
    let sums = loaded.checksums.iter().map(|c| (&c.file, &c.sha256));
    assert!(sums.eq(set.files.iter().map(|f| (&f.name, &f.sha256))));
    let train = &loaded.split.train;
    let test = &loaded.split.test;
    assert_eq!((train.rows(), test.rows(), train.columns()), (60_000, 10_000, 784));
    assert_eq!(
        counts(train.labels()),
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    );
    assert_eq!(counts(test.labels()), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    assert!(train.memory() < 20_000_000, "{}", train.memory());
    // The folder itself may be named instead of its parent.
    let Located::Files { folder: inner, .. } = &located else { panic!() };
    let direct = Locations { read_only: vec![inner.clone()], cache: "/nowhere".into() };
    assert_eq!(verify(set, &direct).unwrap(), located);
    assert_eq!(mnist::load(inner).unwrap().digest(), loaded.digest());

    // The paper's federation: of 30 workers, 3c, 3c + 1 and 3c + 2 hold class c.
    let spec = PartitionSpec::ByClass(ByClass { workers_per_class: 3 });
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let partition = spec.build(train.labels(), 10, 30, &mut rng).unwrap();
    assert!(partition.uses_each_once(60_000));
    let sizes: Vec<_> = (0..3).map(|w| partition.worker(w).len()).collect();
    assert_eq!(sizes, [1975, 1974, 1974]);
    for w in 0..30 {
        assert!(partition.worker(w).iter().all(|&i| train.labels()[i as usize] as usize == w / 3));
    }
}

#[cfg(feature = "fetch")]
#[test]
fn real_files_are_taken_over_from_a_folder() {
    use fl_data::fetch::{FetchOptions, fetch};
    let Some(folder) = real() else { return };
    let cache = tempfile::tempdir().unwrap();
    let locations = Locations { read_only: vec![], cache: cache.path().into() };
    let options = FetchOptions { from: Some(folder), ..FetchOptions::default() };
    let set = fl_data::find("mnist").unwrap();
    assert!(fetch(set, &locations, &options, &mut |_| {}).unwrap().new);
    let found = cache.path().join("mnist").join(NAMES[0]);
    assert_eq!(fs::metadata(found).unwrap().len(), 47_040_016);
    load("mnist", &locations).unwrap();
}
