//! COVTYPE from its file, for which `FL_DATA_DIR` names a folder, and what must hold without it.

use fl_data::covtype::{CLASSES, COLUMNS, TRAIN, VALIDATION};
use fl_data::partition::ByClass;
use fl_data::{DataSource, Error, KnownError, Loaded, Locations, PartitionSpec, Scale, find};
use rand::SeedableRng;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

fn locations(cache: PathBuf) -> Option<Locations> {
    let Some(folder) = std::env::var_os("FL_DATA_DIR").map(PathBuf::from) else {
        println!("skipped: FL_DATA_DIR does not say where COVTYPE is");
        return None;
    };
    folder
        .join("covtype/covtype.data.gz")
        .is_file()
        .then_some(Locations { read_only: vec![folder], cache })
}

fn counts(labels: &[u32]) -> Vec<usize> {
    let mut counts = vec![0; CLASSES];
    labels.iter().for_each(|&l| counts[l as usize] += 1);
    counts
}

#[test]
fn the_split_is_ucis_and_ten_columns_are_standardised() {
    let Some(locations) = locations(PathBuf::new()) else { return };
    let Loaded { split, classes, checksums, .. } =
        DataSource::from("covtype").load(None, &locations).unwrap();
    let validation = split.validation.unwrap();
    assert_eq!(
        (split.train.rows(), validation.rows(), split.test.rows()),
        (TRAIN, VALIDATION, 565_892)
    );
    assert_eq!((split.train.columns(), split.train.classes()), (COLUMNS, CLASSES));
    assert_eq!(classes, ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(
        checksums,
        find("covtype")
            .unwrap()
            .files
            .iter()
            .map(|f| fl_data::Checksum { file: f.name.clone(), sha256: f.sha256.clone() })
            .collect::<Vec<_>>()
    );
    assert_eq!(counts(split.train.labels()), [1620; 7]);
    assert_eq!(counts(validation.labels()), [540; 7]);
    let all = [211_840, 283_301, 35_754, 2_747, 9_493, 17_367, 20_510];
    assert_eq!(counts(split.test.labels()), all.map(|n| n - 2160));

    let mut row = [0.0; COLUMNS];
    let (mut sum, mut square) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for i in 0..TRAIN {
        split.train.row(i, &mut row);
        for c in 0..COLUMNS {
            sum[c] += row[c];
            square[c] += row[c] * row[c];
        }
        // Of the four areas and the forty soils one each.
        assert_eq!((row[10..14].iter().sum::<f64>(), row[14..].iter().sum::<f64>()), (1.0, 1.0));
        assert!(row[10..].iter().all(|x| *x == 0.0 || *x == 1.0));
    }
    let n = TRAIN as f64;
    for c in 0..10 {
        let (mean, variance) = (sum[c] / n, square[c] / n - (sum[c] / n).powi(2));
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "{c}: {mean} {variance}");
    }

    // The file's first line: 2596,51,3,258,0,510,221,232,148,6279,1,0,0,0,… and label 5.
    let raw = DataSource::from("covtype").load(Some(Scale::Raw), &locations).unwrap().split;
    raw.train.row(0, &mut row);
    assert_eq!(
        row[..12],
        [2596.0, 51.0, 3.0, 258.0, 0.0, 510.0, 221.0, 232.0, 148.0, 6279.0, 1.0, 0.0]
    );
    assert_eq!(raw.train.labels()[0], 4);
    let small = DataSource::from("covtype").load(Some(Scale::MinMax), &locations).unwrap().split;
    for i in 0..TRAIN {
        small.train.row(i, &mut row);
        assert!(row.iter().all(|x| (0.0..=1.0).contains(x)));
    }
    // The federation of Figure 11.
    let spec = PartitionSpec::ByClass(ByClass { workers_per_class: 3 });
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let partition = spec.build(raw.train.labels(), CLASSES, 21, &mut rng).unwrap();
    assert!((0..21).all(|w| partition.worker(w).len() == 540));
}

#[test]
fn the_converted_file_is_used_and_may_be_lost_or_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(locations) = locations(folder.path().into()) else { return };
    let source = DataSource::from("covtype");
    let row = |loaded: &Loaded| {
        let mut row = [0.0; COLUMNS];
        loaded.split.test.row(123_456, &mut row);
        row
    };
    let first = source.load(None, &locations).unwrap();
    let home = folder.path().join("covtype");
    let place = |name: &str| home.join(name);
    assert_eq!(fs::read_dir(&home).unwrap().count(), 1);
    let converted = place("covtype-0a9371cef7c964b5.matrix");
    let bytes = fs::read(&converted).unwrap();
    let begin = Instant::now();
    let again = source.load(None, &locations).unwrap();
    println!("from the converted file: {:.3} s", begin.elapsed().as_secs_f64());
    assert_eq!((row(&again), again.digest()), (row(&first), first.digest()));

    let mut damaged = bytes.clone();
    damaged[1_000_000] ^= 1;
    for wrong in [&damaged[..], &bytes[..1000], b""] {
        fs::write(&converted, wrong).unwrap();
        assert_eq!(row(&source.load(None, &locations).unwrap()), row(&first));
        assert_eq!(fs::read(&converted).unwrap(), bytes);
    }
    // A cache that cannot be written is no reason to fail.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let nowhere = Locations { cache: file, ..locations };
    assert_eq!(row(&source.load(None, &nowhere).unwrap()), row(&first));
}

#[test]
fn a_file_that_is_not_covtype_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let locations = Locations { read_only: vec![folder.path().into()], cache: PathBuf::new() };
    fs::write(folder.path().join("covtype.data"), "1,2,3\n").unwrap();
    let error = DataSource::from("covtype").load(None, &locations).unwrap_err();
    assert!(matches!(error, Error::Known(KnownError::Content { .. })));
    let text = error.to_string();
    assert!(
        text.contains(
            "covtype.data is not the published file: expected 75169317 bytes unpacked, found 6"
        ),
        "{text}"
    );
    fs::rename(folder.path().join("covtype.data"), folder.path().join("covtype.data.gz")).unwrap();
    fs::write(folder.path().join("covtype.data.gz"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc").unwrap();
    let text = DataSource::from("covtype").load(None, &locations).unwrap_err().to_string();
    assert!(
        text.contains("covtype.data.gz: at byte ") && text.contains("gzip is damaged"),
        "{text}"
    );
}
