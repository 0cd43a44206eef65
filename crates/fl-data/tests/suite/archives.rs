//! Sets that are known by their archives: fetched from a server on loopback that has archives made here, verified, and read.

use fl_core::Dataset;
use fl_core::data::Picture;
use fl_data::{KnownError, KnownSet, Located, Locations, find, load_known, verify};
use flate2::{Compression, Crc, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A known set as it is published, but for the bytes of its files.
fn published(name: &str, files: &[&[u8]]) -> KnownSet {
    let mut set = find(name).unwrap().clone();
    assert_eq!(set.files.len(), files.len());
    for (file, bytes) in set.files.iter_mut().zip(files) {
        (file.bytes, file.sha256) = (bytes.len() as u64, hex(bytes));
    }
    set
}

fn here(folder: &Path, set: &KnownSet, files: &[&[u8]]) -> Locations {
    let home = folder.join(&set.home);
    fs::create_dir_all(&home).unwrap();
    for (file, bytes) in set.files.iter().zip(files) {
        fs::write(home.join(&file.name), bytes).unwrap();
    }
    Locations { read_only: vec![], cache: folder.into() }
}

fn row(set: &Dataset, row: usize) -> Vec<f64> {
    let mut out = vec![0.0; set.columns()];
    set.row(row, &mut out);
    out
}

/// Pixel `at` of picture `row` of batch `batch`.
fn colour(batch: usize, row: usize, at: usize) -> u8 {
    ((batch * 31 + row * 7 + at * 3) % 251) as u8
}

/// As the published archive: a folder with a page and a text beside six files, here of four rows each.
fn cifar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), bytes).unwrap();
    };
    add("readme.html", b"<html></html>");
    // The members lie in the archive in an order of their own.
    for batch in [2, 1, 5, 4, 3, 6] {
        let rows = (0..4).flat_map(|row| {
            let label = ((batch + row) % 10) as u8;
            [label].into_iter().chain((0..3072).map(move |at| colour(batch, row, at)))
        });
        let name =
            if batch == 6 { "test_batch.bin".into() } else { format!("data_batch_{batch}.bin") };
        add(&name, &rows.collect::<Vec<u8>>());
    }
    gzip(&tar.into_inner().unwrap())
}

#[test]
fn cifar10_is_read_from_its_archive_with_three_channels() {
    let archive = cifar();
    let set = published("cifar10", &[&archive]);
    let folder = tempfile::tempdir().unwrap();
    let locations = here(folder.path(), &set, &[&archive]);
    let loaded = load_known(&set, None, &locations).unwrap();
    let (train, test) = (&loaded.split.train, &loaded.split.test);
    assert_eq!((train.rows(), test.rows(), train.classes(), train.columns()), (20, 4, 10, 3072));
    let colours = Picture { channels: 3, height: 32, width: 32 };
    assert_eq!((train.picture(), test.picture()), (Some(colours), Some(colours)));
    for (set, batches) in [(train, 1..=5), (test, 6..=6)] {
        for (i, batch) in batches.enumerate() {
            for r in 0..4 {
                assert_eq!(set.labels()[4 * i + r] as usize, (batch + r) % 10);
                let expected = |at| f64::from(colour(batch, r, at)) * (1.0 / 255.0);
                let found = row(set, 4 * i + r);
                assert!((0..3072).all(|at| (found[at] - expected(at)).abs() < 1e-12));
            }
        }
    }
    assert_eq!(loaded.checksums[0].sha256, set.files[0].sha256);
    // One byte of the archive is another one.
    let mut other = archive.clone();
    let end = other.len();
    other[end / 2] ^= 1;
    here(folder.path(), &set, &[&other]);
    let error = load_known(&set, None, &locations).unwrap_err();
    assert!(matches!(error, KnownError::Content { .. }), "{error}");
    assert!(matches!(verify(&set, &locations), Err(KnownError::Content { .. })));
}

#[test]
fn an_archive_without_its_members_is_refused_although_its_digest_is_right() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    header.set_cksum();
    tar.append_data(&mut header, "cifar-10-batches-bin/data_batch_1.bin", &b"abcde"[..]).unwrap();
    let archive = gzip(&tar.into_inner().unwrap());
    let set = published("cifar10", &[&archive]);
    let folder = tempfile::tempdir().unwrap();
    let locations = here(folder.path(), &set, &[&archive]);
    let error = load_known(&set, None, &locations).unwrap_err().to_string();
    assert!(error.contains("rows of 3073 bytes in data_batch_1.bin"), "{error}");
    assert!(error.contains("5 bytes"), "{error}");
}

fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|n| file.extend(n.to_be_bytes()));
    file.extend(bytes);
    file
}

/// Members that are stored as they are, as in the published archive.
fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let mut crc = Crc::new();
        crc.update(bytes);
        let size = (bytes.len() as u32).to_le_bytes();
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(crc.sum().to_le_bytes());
        fields.extend([size, size].concat());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        let start = (file.len() as u32).to_le_bytes();
        file.extend(b"PK\x03\x04");
        file.extend(&fields);
        file.extend(name.as_bytes());
        file.extend(bytes);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(start);
        directory.extend(name.as_bytes());
    }
    let (count, start, size) = (members.len() as u16, file.len() as u32, directory.len() as u32);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    file.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    file.extend([0, 0]);
    file
}

/// Three pictures of a part for training and two for testing, which lie on their sides.
fn emnist(part: &str, first: u8, last: u8) -> Vec<(String, Vec<u8>)> {
    let of = |kind: &str, rows: u8| {
        let pixels: Vec<u8> = (0..rows)
            .flat_map(|r| (0..784u32).map(move |at| ((at + u32::from(r)) % 251) as u8))
            .collect();
        let labels: Vec<u8> = (0..rows).map(|r| if r == 0 { first } else { last }).collect();
        let name = |what: &str| format!("gzip/emnist-{part}-{kind}-{what}-ubyte.gz");
        [
            (name("images-idx3"), gzip(&idx(&[u32::from(rows), 28, 28], &pixels))),
            (name("labels-idx1"), gzip(&idx(&[u32::from(rows)], &labels))),
        ]
    };
    [of("train", 3), of("test", 2)].concat()
}

#[test]
fn three_sets_are_read_from_emnists_archive_and_set_upright() {
    let parts = [("balanced", 0, 46, 47), ("letters", 1, 26, 26), ("digits", 0, 9, 10)];
    let members: Vec<_> =
        parts.iter().flat_map(|(part, first, last, _)| emnist(part, *first, *last)).collect();
    let archive = zip(&members);
    let folder = tempfile::tempdir().unwrap();
    for (part, first, last, classes) in parts {
        let set = published(&format!("emnist-{part}"), &[&archive]);
        let locations = here(folder.path(), &set, &[&archive]);
        let loaded = load_known(&set, None, &locations).unwrap();
        let (train, test) = (&loaded.split.train, &loaded.split.test);
        assert_eq!((train.rows(), test.rows(), train.classes()), (3, 2, classes));
        assert_eq!(train.picture(), Some(Picture { channels: 1, height: 28, width: 28 }));
        let last_class = u32::from(last - first);
        assert_eq!(train.labels(), [0, last_class, last_class]);
        assert_eq!(loaded.classes[0], first.to_string());
        assert_eq!(loaded.classes.last(), Some(&last.to_string()));
        // Line 3, column 5 of what people see is line 5, column 3 of the file.
        let upright = row(train, 1)[3 * 28 + 5];
        assert!((upright - f64::from(5 * 28 + 3 + 1) / 255.0).abs() < 1e-12);
    }
    // All three are in one folder.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let set = published("emnist-letters", &[&zip(&emnist("digits", 0, 9))]);
    let locations = here(folder.path(), &set, &[&zip(&emnist("digits", 0, 9))]);
    let error = load_known(&set, None, &locations).unwrap_err().to_string();
    assert!(error.contains("gzip/emnist-letters-train-labels-idx1-ubyte.gz"), "{error}");
}

fn kmnist() -> Vec<Vec<u8>> {
    let members = emnist("kmnist", 0, 9);
    members.into_iter().map(|(_, packed)| packed).collect()
}

#[test]
fn kmnist_is_known_by_its_packed_files() {
    let files = kmnist();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let set = published("kmnist", &files);
    let folder = tempfile::tempdir().unwrap();
    let locations = here(folder.path(), &set, &files);
    let loaded = load_known(&set, None, &locations).unwrap();
    assert_eq!((loaded.split.train.rows(), loaded.split.test.rows()), (3, 2));
    assert_eq!(loaded.split.train.labels(), [0, 9, 9]);
    assert_eq!(loaded.checksums[0].sha256, set.files[0].sha256);
    // The same content, packed anew, is not what was published.
    let plain = idx(&[3], &[0, 9, 9]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(&plain).unwrap();
    let other = encoder.finish().unwrap();
    fs::write(folder.path().join("kmnist").join(&set.files[1].name), other).unwrap();
    assert!(matches!(load_known(&set, None, &locations), Err(KnownError::Content { .. })));
}

#[test]
fn tables_give_every_fifth_row_of_a_class_for_testing() {
    let line = |i: usize, label: &str| format!("{i}, {}, {label}\n", ["0"; 35].join(", "));
    let labels = ["1", "2", "3", "4", "5", "7"];
    let text: String = (0..60).map(|i| line(i, labels[i % 6])).collect();
    let set = published("satimage", &[text.as_bytes()]);
    let folder = tempfile::tempdir().unwrap();
    let locations = here(folder.path(), &set, &[text.as_bytes()]);
    let loaded = load_known(&set, Some(fl_data::Scale::Raw), &locations).unwrap();
    assert_eq!((loaded.split.train.rows(), loaded.split.test.rows()), (48, 12));
    assert_eq!(loaded.classes, labels);
    // The fifth row of class 1 is row 24.
    assert_eq!(row(&loaded.split.test, 0)[0], 24.0);
    let places = loaded.places.unwrap();
    assert_eq!((places[23], places[24]), (23, 30));
    // Another width, with a digest that is right.
    let narrow = "1, 2, 1\n".repeat(10);
    let set = published("satimage", &[narrow.as_bytes()]);
    let locations = here(folder.path(), &set, &[narrow.as_bytes()]);
    let error = load_known(&set, None, &locations).unwrap_err().to_string();
    assert!(error.contains("36 features and the labels 1, 2, 3, 4, 5, 7"), "{error}");
}

#[test]
fn the_binary_covtype_is_covtype_by_a_label_map() {
    let cells = ["0"; 53].join(",");
    let text: String = (0..15_200).map(|i| format!("{i},{cells},{}\n", i % 7 + 1)).collect();
    let set = published("covtype.binary", &[text.as_bytes()]);
    assert_eq!(
        (set.classes(), &*set.home, set.class_names()),
        (2, "covtype", vec!["0".into(), "1".into()])
    );
    let folder = tempfile::tempdir().unwrap();
    let locations = here(folder.path(), &set, &[text.as_bytes()]);
    // Once from the text, and once from the converted file, which is COVTYPE's too.
    for _ in 0..2 {
        let loaded = load_known(&set, Some(fl_data::Scale::Raw), &locations).unwrap();
        for part in [&loaded.split.train, &loaded.split.test] {
            assert_eq!(part.classes(), 2);
            for (r, &label) in part.labels().iter().enumerate() {
                assert_eq!(label, u32::from(row(part, r)[0] as usize % 7 == 1));
            }
        }
        let ones = |set: &Dataset| set.labels().iter().filter(|&&l| l == 1).count();
        assert_eq!(ones(&loaded.split.train) + ones(&loaded.split.test), 2172);
        assert_eq!(ones(&loaded.split.test), 2172 / 5);
    }
    let seven = published("covtype", &[text.as_bytes()]);
    assert_eq!(load_known(&seven, None, &locations).unwrap().split.train.classes(), 7);
}

#[test]
fn what_is_known_fits_together() {
    for set in fl_data::sets() {
        let names = set.class_names();
        assert_eq!(names.len(), set.classes(), "{}", set.name);
        for file in &set.files {
            assert_eq!(file.sha256.len(), 64, "{}", set.name);
            assert!(file.bytes > 0 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit()));
            if file.packed {
                assert!(set.by_hand(Path::new("there")).contains("as they are"), "{}", set.name);
            }
        }
        // Who shares a folder shares its files.
        for other in fl_data::sets().iter().filter(|other| other.home == set.home) {
            assert_eq!(other.files, set.files, "{} and {}", set.name, other.name);
        }
    }
}

/// Whole tables of the package, for which `FL_DATA_DIR` names a folder.
#[test]
fn the_packages_tables_are_read_whole() {
    let Some(folder) = std::env::var_os("FL_DATA_DIR") else {
        println!("skipped: FL_DATA_DIR does not say where the tables are");
        return;
    };
    let locations = Locations { read_only: vec![folder.into()], cache: Default::default() };
    for (name, rows) in
        [("letter", 20_000), ("optdigits", 5_620), ("penbased", 10_992), ("satimage", 6_435)]
    {
        let set = find(name).unwrap();
        let Ok(Located::Files { .. }) = fl_data::locate(set, &locations) else {
            println!("skipped: {name} is not there");
            continue;
        };
        let loaded = load_known(set, None, &locations).unwrap();
        assert_eq!(loaded.split.train.rows() + loaded.split.test.rows(), rows, "{name}");
    }
}

#[cfg(feature = "fetch")]
mod fetched {
    use super::*;
    use fl_data::fetch::{FetchOptions, fetch, remove};
    use fl_data::{Format, KnownFile};
    use std::collections::BTreeMap;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};
    use std::thread;

    /// Serves these files by their names, and notes what was asked.
    fn server(files: BTreeMap<String, Vec<u8>>) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/data/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                let name = first.split(' ').nth(1).unwrap().trim_start_matches("/data/").to_owned();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let none = Vec::new();
                let (status, body) = match files.get(&name) {
                    Some(body) => ("200 OK", body),
                    None => ("404 Not Found", &none),
                };
                log.lock().unwrap().push(name);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            }
        });
        (address, asked)
    }

    fn files(set: &KnownSet, bytes: &[&[u8]]) -> BTreeMap<String, Vec<u8>> {
        let names = set.files.iter().map(|file: &KnownFile| file.name.clone());
        names.zip(bytes.iter().map(|b| b.to_vec())).collect()
    }

    #[test]
    fn archives_are_fetched_as_they_are_once_for_all_their_sets() {
        let (cifar, kmnist) = (cifar(), kmnist());
        let members: Vec<_> =
            [emnist("letters", 1, 26), emnist("digits", 0, 9)].into_iter().flatten().collect();
        let letters = zip(&members);
        let kmnist: Vec<&[u8]> = kmnist.iter().map(Vec::as_slice).collect();
        for (names, bytes) in [
            (vec!["cifar10"], vec![&cifar[..]]),
            (vec!["kmnist"], kmnist),
            (vec!["emnist-letters", "emnist-digits"], vec![&letters[..]]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let locations = Locations { read_only: vec![], cache: folder.path().into() };
            let (address, asked) = server(files(&published(names[0], &bytes), &bytes));
            for name in &names {
                let set = published(name, &bytes);
                let mirrors = Some(vec![address.clone()]);
                let options = FetchOptions { mirrors, proxy: false, ..FetchOptions::default() };
                let fetched = fetch(&set, &locations, &options, &mut |_| {}).unwrap();
                assert_eq!(fetched.new, name == &names[0], "{name}");
                verify(&set, &locations).unwrap();
                let loaded = load_known(&set, None, &locations).unwrap();
                assert!(loaded.split.train.picture().is_some(), "{name}");
            }
            let set = published(names[0], &bytes);
            let wanted: Vec<String> = set.files.iter().map(|file| file.name.clone()).collect();
            assert_eq!(*asked.lock().unwrap(), wanted);
            assert_eq!(remove(&set, &locations).unwrap().len(), bytes.len());
        }
    }

    #[test]
    fn another_archive_is_refused_and_not_kept() {
        let archive = cifar();
        let set = published("cifar10", &[&archive]);
        assert_eq!(set.format, Format::Cifar10);
        let (mut flipped, mut longer) = (archive.clone(), archive.clone());
        flipped[100] ^= 1;
        longer.push(0);
        for (other, said) in
            [(flipped, "sha-256"), (longer, "bytes"), (archive[..1000].into(), "bytes")]
        {
            let folder = tempfile::tempdir().unwrap();
            let locations = Locations { read_only: vec![], cache: folder.path().into() };
            let mirrors = Some(vec![server(files(&set, &[&other])).0]);
            let options = FetchOptions { mirrors, proxy: false, ..FetchOptions::default() };
            let error = fetch(&set, &locations, &options, &mut |_| {}).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("cifar-10-binary.tar.gz"), "{error}");
            assert!(!folder.path().join("cifar10/cifar-10-binary.tar.gz").exists());
        }
    }
}
