//! Files of one's own, in every format, plain and gzip, named as an experiment file names them.
#![cfg(feature = "serde")]

use fl_data::{DataSource, Error, Loaded, Locations, Scale};
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

#[derive(Debug, serde::Deserialize)]
struct Data {
    set: DataSource,
    scale: Option<Scale>,
}

/// Loads what a line of an experiment file says, with `DIR` for the folder.
fn load(folder: &TempDir, line: &str) -> Result<Loaded, String> {
    let folder = folder.path().display().to_string();
    let text = line.replace("DIR", &folder);
    let Data { set, scale } = toml::from_str(&text).map_err(|e| e.to_string())?;
    // What is written reads as it was.
    let again = toml::to_string(&std::collections::BTreeMap::from([("set", &set)])).unwrap();
    assert_eq!(toml::from_str::<Data>(&again).unwrap().set, set, "{again}");
    set.load(scale, &Locations::default())
        .map_err(|e: Error| e.to_string().replace(&format!("{folder}/"), ""))
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(folder.join(name), bytes).unwrap();
}

/// Twelve rows of two features in three classes.
fn rows() -> Vec<([f32; 2], u32)> {
    (0..12u8).map(|i| ([f32::from(i), 0.5 * f32::from(i)], u32::from(i % 3) + 4)).collect()
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

#[track_caller]
fn check(loaded: &Loaded) {
    // Of four rows a class, none is a fifth, so every second is for testing.
    let split = &loaded.split;
    assert_eq!((split.train.rows(), split.test.rows(), split.train.columns()), (6, 6, 2));
    assert_eq!(loaded.classes, ["4", "5", "6"]);
    let mut row = [0.0; 2];
    split.test.row(0, &mut row);
    assert_eq!((row, split.test.labels()[0]), ([3.0, 1.5], 0));
    assert_eq!(split.train.labels(), [0, 1, 2, 0, 1, 2]);
}

#[test]
fn one_table_in_every_format_is_the_same_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let csv: String = rows().iter().map(|([a, b], l)| format!("{a},{b},{l}\n")).collect();
    let named: String = rows().iter().map(|([a, b], l)| format!("{l};x;{a};{b}\n")).collect();
    let libsvm: String = rows().iter().map(|([a, b], l)| format!("{l} 1:{a} 2:{b}\n")).collect();
    write(path, "a.csv", &csv);
    write(path, "b.csv.gz", gzip(format!("kind;id;a;b\n{named}").as_bytes()));
    write(path, "a.svm", &libsvm);
    let x: Vec<u8> = rows().iter().flat_map(|(r, _)| r.map(f32::to_le_bytes).concat()).collect();
    let y: Vec<u8> = rows().iter().map(|(_, l)| *l as u8).collect();
    write(path, "x.npy", npy("<f4", "(12, 2)", &x));
    write(path, "y.npy.gz", gzip(&npy("|u1", "(12,)", &y)));
    for line in [
        "set.csv = { train = 'DIR/a.csv', test-every = 2 }",
        "set.csv = { train = 'DIR/b.csv.gz', label = 'kind', drop = ['id'], delimiter = ';', test-every = 2 }",
        "set.csv = { train = 'DIR/b.csv.gz', label = 0, drop = [1], delimiter = ';', test-every = 2 }",
        "set.libsvm = { train = 'DIR/a.svm', test-every = 2 }",
        "set.npy = { train = 'DIR/x.npy', train-labels = 'DIR/y.npy.gz', test-every = 2 }",
    ] {
        check(&load(&folder, line).unwrap_or_else(|e| panic!("{line}: {e}")));
    }
    // Equal bytes have equal digests, whether they are packed or not.
    write(path, "c.csv.gz", gzip(csv.as_bytes()));
    fs::rename(path.join("c.csv.gz"), path.join("a.csv.gz")).unwrap();
    let [plain, packed] = ["a.csv", "a.csv.gz"].map(|name| {
        load(&folder, &format!("set.csv = {{ train = 'DIR/{name}', test-every = 2 }}")).unwrap()
    });
    assert_eq!((plain.name.as_str(), plain.digest()), ("a", packed.digest()));
}

#[test]
fn a_test_file_is_scaled_and_labelled_as_the_training_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "train.csv", "0,1,cat\n4,1,dog\n");
    write(folder.path(), "test.csv", "8,0,bird\n2,1,cat\n");
    let line = "set.csv = { train = 'DIR/train.csv', test = 'DIR/test.csv' }\nscale = 'min-max'";
    let loaded = load(&folder, line).unwrap();
    assert_eq!(loaded.classes, ["bird", "cat", "dog"]);
    assert_eq!(
        (loaded.split.train.labels(), loaded.split.test.labels()),
        (&[1, 2][..], &[0, 1][..])
    );
    let mut row = [0.0; 2];
    loaded.split.test.row(0, &mut row);
    assert_eq!(row, [2.0, 0.0]);
    assert_eq!(loaded.checksums.len(), 2);
}

#[test]
fn pictures_come_from_idx_and_from_a_numpy_archive() {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..10 * 16).map(|i| (i * 3 % 256) as u8).collect();
    let labels: Vec<u8> = (0..10).map(|i| i % 2).collect();
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 4, 0, 0, 0, 4];
    images.extend(&pixels);
    let mut answers = vec![0, 0, 8, 1, 0, 0, 0, 10];
    answers.extend(&labels);
    write(folder.path(), "images.gz", gzip(&images));
    write(folder.path(), "labels", &answers);
    let members = [
        ("x_train.npy", npy("|u1", "(10, 4, 4)", &pixels)),
        ("y_train.npy", npy("|u1", "(10,)", &labels)),
    ];
    // Stored members, as numpy.savez writes them.
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in &members {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut shared = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        shared.extend(crc.sum().to_le_bytes());
        shared.extend((bytes.len() as u32).to_le_bytes().repeat(2));
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend([0, 0]);
        directory.extend([b"PK\x01\x02\x14\x00", &shared[..], &[0; 10]].concat());
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend([b"PK\x03\x04", &shared[..], name.as_bytes(), bytes].concat());
    }
    let start = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    write(folder.path(), "set.npz", &archive);
    for line in [
        "set.idx = { train = 'DIR/images.gz', train-labels = 'DIR/labels' }",
        "set.npz = { path = 'DIR/set.npz' }",
    ] {
        let loaded = load(&folder, line).unwrap();
        assert_eq!((loaded.picture, loaded.split.test.rows()), (Some((4, 4)), 2));
        let mut row = [0.0; 16];
        loaded.split.train.row(1, &mut row);
        let expected: Vec<f64> = pixels[16..32].iter().map(|&p| f64::from(p) / 255.0).collect();
        assert!(row.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-15), "{line}");
    }
    let line = "set.npz = { path = 'DIR/set.npz', train = 'images' }";
    let error = load(&folder, line).unwrap_err();
    assert_eq!(error, "set.npz: expected a member \"images.npy\", found x_train.npy, y_train.npy");
}

#[test]
fn failures_name_the_file_and_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "bad.csv", "1,2,0\n3,x,1\n");
    write(path, "few.csv", "1,2,0\n3,4,1\n");
    write(path, "wide.csv", "1,2,3,0\n");
    write(path, "bad.svm", "1 1:2\n-1 3:x\n");
    write(path, "x.npy", npy("|u1", "(3, 2)", &[0; 6]));
    write(path, "y.npy", npy("|u1", "(2,)", &[0; 2]));
    write(path, "text.npy", "1,2,3");
    write(path, "cut.csv.gz", &gzip(&b"1,2,0\n".repeat(100))[..30]);
    #[track_caller]
    fn check(folder: &TempDir, line: &str, expected: &str) {
        let error = load(folder, line).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }
    let check = |line, expected| check(&folder, line, expected);
    check(
        "set.csv = { train = 'DIR/bad.csv' }",
        "bad.csv: line 2, field 2: expected a finite number (`categories` names columns of texts), found \"x\"",
    );
    check("set.csv = { train = 'DIR/none.csv' }", "cannot read none.csv: No such file");
    check(
        "set.csv = { train = 'DIR/few.csv' }",
        "few.csv: expected a class with 5 rows, of which one is for testing, found 2 rows in 2 classes",
    );
    check(
        "set.csv = { train = 'DIR/few.csv', test-every = 1 }",
        "expected test-every of at least 2, found 1",
    );
    check(
        "set.csv = { train = 'DIR/few.csv', test = 'DIR/wide.csv' }",
        "few.csv: expected 2 features in the test rows, as in training, found 3",
    );
    check("set.csv = { train = 'DIR/cut.csv.gz' }", "cut.csv.gz: at byte ");
    check(
        "set.libsvm = { train = 'DIR/bad.svm' }",
        "bad.svm: line 2: expected a finite number after the colon",
    );
    check(
        "set.npy = { train = 'DIR/x.npy', train-labels = 'DIR/y.npy' }",
        "x.npy holds 3 rows and y.npy holds 2 labels",
    );
    check(
        "set.npy = { train = 'DIR/text.npy', train-labels = 'DIR/y.npy' }",
        "text.npy: at byte 0: expected \\x93NUMPY, found \"1,2,3\"",
    );
    check(
        "set.npy = { train = 'DIR/x.npy', train-labels = 'DIR/x.npy' }",
        "x.npy: expected one label a sample, found an array of shape [3, 2]",
    );
    check("set.csv = { train = 'DIR/few.csv', labels = 1 }", "unknown field `labels`");
    check("set.tsv = { train = 'DIR/few.csv' }", "unknown variant `tsv`");
    check("set = 3", "the name of a data set, or a table with one of csv, libsvm, npy, npz, idx");
    check("set = 'covtpe'", "did you mean \"covtype\"");
    check("set = 'digits'\nscale = 'standardize'", "unknown variant `standardize`");
}

#[test]
fn known_sets_are_scaled_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let values = |scale: &str| {
        let train = load(&folder, &format!("set = 'digits'\n{scale}")).unwrap().split.train;
        let mut row = [0.0; 64];
        (0..train.rows())
            .flat_map(|i| {
                train.row(i, &mut row);
                row
            })
            .collect::<Vec<f64>>()
    };
    let own = values("");
    let raw = values("scale = 'raw'");
    assert!(own.iter().zip(&raw).all(|(a, b)| *a == b / 16.0));
    let normal = values("scale = 'normalise'");
    let n = normal.len() as f64;
    let mean = normal.iter().sum::<f64>() / n;
    let square = normal.iter().map(|x| x * x).sum::<f64>() / n;
    assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5, "{mean} {square}");
    let standard = values("scale = 'standardise'");
    for c in 0..64 {
        let mean = standard.iter().skip(c).step_by(64).sum::<f64>() / (n / 64.0);
        assert!(mean.abs() < 1e-6, "{c}: {mean}");
    }
}
