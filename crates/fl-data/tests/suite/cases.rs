//! Small files that were once read as something else, or not at all: each stands for a kind.
#![cfg(feature = "serde")]

use fl_data::{DataSource, Loaded, Locations};
use std::fs;
use tempfile::TempDir;

#[derive(Debug, serde::Deserialize)]
struct Data {
    set: DataSource,
}

/// Loads what a line of an experiment file says, with `DIR` for a folder.
fn load_from(folder: &str, line: &str) -> Result<Loaded, String> {
    let text = line.replace("DIR", folder);
    let Data { set } = toml::from_str(&text).map_err(|e| e.to_string())?;
    let again = toml::to_string(&std::collections::BTreeMap::from([("set", &set)])).unwrap();
    assert_eq!(toml::from_str::<Data>(&again).unwrap().set, set, "{again}");
    let loaded = set.load(None, &Locations::default());
    loaded.map_err(|e| e.to_string().replace(&format!("{folder}/"), ""))
}

fn load(line: &str) -> Result<Loaded, String> {
    load_from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"), line)
}

fn csv(name: &str) -> Result<Loaded, String> {
    load(&format!("set.csv = {{ train = 'DIR/{name}' }}"))
}

fn svm(name: &str) -> Result<Loaded, String> {
    load(&format!("set.libsvm = {{ train = 'DIR/{name}' }}"))
}

/// A text of one's own as a file.
fn text(text: &[u8], more: &str) -> Result<Loaded, String> {
    let folder: TempDir = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("own.csv"), text).unwrap();
    let line = format!("set.csv = {{ train = 'DIR/own.csv'{more} }}");
    load_from(&folder.path().display().to_string(), &line)
}

/// Rows of each class in both parts together, by name.
fn rows(loaded: &Loaded) -> Vec<(&str, usize)> {
    let both = [&loaded.split.train, &loaded.split.test];
    let labels = || both.iter().flat_map(|part| part.labels());
    let count = |class: usize| labels().filter(|&&l| l as usize == class).count();
    loaded.classes.iter().enumerate().map(|(c, name)| (name.as_str(), count(c))).collect()
}

fn notes(loaded: &Loaded) -> String {
    loaded.notes.iter().map(|note| format!("{note}\n")).collect()
}

fn row(loaded: &Loaded, i: usize) -> Vec<f64> {
    let mut row = vec![0.0; loaded.split.train.columns()];
    loaded.split.train.row(i, &mut row);
    row
}

#[test]
fn features_of_two_files_are_matched_by_name() {
    let line =
        "set.csv = { train = 'DIR/order_train.csv', test = 'DIR/order_test.csv', label = 'y' }";
    for line in [line, &line.replace(", label = 'y'", "")] {
        let loaded = load(line).unwrap();
        let (mut a, mut b) = ([0.0; 4], [0.0; 4]);
        assert_eq!(loaded.split.train.rows(), loaded.split.test.rows());
        for i in 0..loaded.split.train.rows() {
            loaded.split.train.row(i, &mut a);
            loaded.split.test.row(i, &mut b);
            assert_eq!(a, b);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let two = |train: &str, test: &str| {
        fs::write(folder.path().join("a.csv"), train).unwrap();
        fs::write(folder.path().join("b.csv"), test).unwrap();
        let line = "set.csv = { train = 'DIR/a.csv', test = 'DIR/b.csv' }";
        load_from(&folder.path().display().to_string(), line)
    };
    let train = "a,b,y\n1,2,p\n3,4,q\n";
    // The label is where its name is.
    let loaded = two(train, "y,b,a\np,2,1\n").unwrap();
    let mut test = [0.0; 2];
    loaded.split.test.row(0, &mut test);
    assert_eq!((test, loaded.split.test.labels()), ([1.0, 2.0], &[0][..]));
    let refused = |test: &str, says: &str| {
        let error = two(train, test).unwrap_err();
        assert!(error.starts_with("b.csv: expected a column") && error.contains(says), "{error}");
    };
    refused("a,c,y\n1,2,p\n", "\"c\" in place of \"b\"");
    refused("a,y\n1,p\n", "without \"b\"");
    refused("a,b,c,y\n1,2,3,p\n", "also \"c\"");
    refused("a,b,z\n1,2,p\n", "\"y\", found \"a\", \"b\", \"z\"");
    // Without names on one side places count, and that is told.
    for (train, test) in [(train, "1,2,p\n3,4,q\n"), ("1,2,p\n3,4,q\n", train)] {
        assert!(notes(&two(train, test).unwrap()).contains("matched by place"));
    }
    let twice = two("a,a,y\n1,2,p\n", "a,a,y\n1,2,p\n").unwrap();
    assert_eq!(twice.split.train.columns(), 2);
    assert!(
        two("a,a,b,y\n1,2,3,p\n", "b,a,a,y\n1,2,3,p\n").unwrap_err().contains("more than once")
    );
}

#[test]
fn a_first_line_of_numbers_is_names_or_a_row_and_never_a_class_of_its_own() {
    let loaded = csv("pandas_label.csv").unwrap();
    assert_eq!((loaded.split.train.rows(), loaded.split.test.rows()), (32, 8));
    assert_eq!(loaded.classes, ["0", "1"]);
    assert!(
        notes(&loaded).contains("the first line holds names; the label is column 5 (\"label\")")
    );
    let body = "1,2,x\n3,4,z\n5,6,x\n7,8,z\n2,2,x\n".repeat(3);
    let open = |first: &str, why: &str| {
        let whole = format!("{first}\n{body}");
        let error = text(whole.as_bytes(), "").unwrap_err();
        assert!(
            error.contains("line 1: the first line may hold") && error.contains(why),
            "{error}"
        );
        let with = |header: &str| text(whole.as_bytes(), &format!(", header = {header}")).unwrap();
        let count = |l: &Loaded| l.split.train.rows() + l.split.test.rows();
        (count(&with("true")), with("true").classes.len())
    };
    assert_eq!(open("0,1,2", "counts 0, 1, 2"), (15, 2));
    assert_eq!(open("2019,2020,kind", "its label \"kind\" stands in no other row"), (15, 2));
    assert_eq!(open("2019,2020,2021", "its label \"2021\" stands in no other row"), (15, 2));
    let years: String = (0..20).map(|i| format!("0.{i},{i}.5,{}\n", i % 2)).collect();
    let error = text(format!("2019,2020,2021\n{years}").as_bytes(), "").unwrap_err();
    assert!(error.contains("its label \"2021\" stands in no other row"), "{error}");
    // A row whose class is rare is a row.
    let rare = text(format!("0.5,1.5,7\n{years}").as_bytes(), "").unwrap();
    assert_eq!(rows(&rare), [("0", 10), ("1", 10), ("7", 1)]);
    // A row that lacks a number is no line of names.
    assert!(
        text(format!("1,?,x\n{body}").as_bytes(), "").unwrap_err().contains("look like missing")
    );
    assert!(
        text(format!("1,a2,x\n{body}").as_bytes(), "").unwrap_err().contains("that of other rows")
    );
    let loaded = text(format!("1,2,x\n{body}").as_bytes(), "").unwrap();
    assert!(
        notes(&loaded)
            .contains("3 columns separated by ','; there are no names; the label is column 3")
    );
    // The numbers of rows that a tool writes are no feature.
    let indexed: String = (0..20).map(|i| format!("{i},{},{}\n", i * i, i % 2)).collect();
    let loaded = text(format!(",a,y\n{indexed}").as_bytes(), "").unwrap();
    assert!(notes(&loaded).contains("numbers the rows"), "{}", notes(&loaded));
}

#[test]
fn labels_are_neither_merged_nor_torn() {
    let error = csv("latin1.csv").unwrap_err();
    assert!(error.starts_with("latin1.csv: line 2: expected text in UTF-8"), "{error}");
    let loaded = csv("ids.csv").unwrap();
    let names = ["9007199254740992", "9007199254740993", "9007199254740995"];
    assert_eq!(rows(&loaded), names.map(|name| (name, 13)));
    let loaded = csv("inf.csv").unwrap();
    assert_eq!(rows(&loaded), ["INF", "inf", "infinity"].map(|name| (name, 13)));
    let loaded = csv("quotes.csv").unwrap();
    assert_eq!(loaded.classes, ["3.5\" disk", "5\" disk"]);
    let loaded = svm("bom.svm").unwrap();
    assert_eq!(rows(&loaded), [("-1", 20), ("1", 20)]);
    let error = svm("multi.svm").unwrap_err();
    assert!(error.starts_with("multi.svm: line 1: expected one label a row"), "{error}");
    for (label, says) in
        [("\"0,2\"", "one label a row"), ("1 2", "one label a row"), ("\"a\"b", "closing quote")]
    {
        let error = text(format!("a,y\n1,{label}\n").as_bytes(), "").unwrap_err();
        assert!(error.contains("line 2") && error.contains(says), "{error}");
    }
    let utf16: Vec<u8> = "a,y\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(text(&utf16, "").unwrap_err().contains("UTF-16"));
    let joined = [&b"\xef\xbb\xbfa,y\n1,0\n"[..], b"2,\xef\xbb\xbf1\n"].concat();
    assert!(text(&joined, "").unwrap_err().contains("byte order mark"));
}

#[test]
fn integers_of_arrays_are_labels_without_rounding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let npy = |descr: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (10,), }}\n");
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data]
            .concat()
    };
    let ids: Vec<u8> = (0..10u64).flat_map(|i| ((1 << 53) + i % 2).to_le_bytes()).collect();
    fs::write(folder.path().join("x.npy"), npy("|u1", &[1; 10])).unwrap();
    fs::write(folder.path().join("y.npy"), npy("<u8", &ids)).unwrap();
    let line = "set.npy = { train = 'DIR/x.npy', train-labels = 'DIR/y.npy' }";
    let loaded = load_from(&path, line).unwrap();
    assert_eq!(rows(&loaded), [("9007199254740992", 5), ("9007199254740993", 5)]);
}

#[test]
fn labels_that_no_training_row_has_are_told() {
    let line = "set.csv = { train = 'DIR/unseen_train.csv', test = 'DIR/unseen_test.csv' }";
    let loaded = load(line).unwrap();
    let warning = loaded.notes.iter().find(|note| note.note.warning).unwrap().to_string();
    assert!(
        warning.contains(
            "40 of 40 test rows have labels that no training row has: \"<=50K.\", \">50K.\""
        ),
        "{warning}"
    );
    let line = "set.csv = { train = 'DIR/unseen_train.csv', test = 'DIR/unseen_train.csv' }";
    assert!(load(line).unwrap().notes.iter().all(|note| !note.note.warning));
}

#[test]
fn labels_that_are_numbers_stand_for_these_numbers() {
    let loaded = csv("scores.csv").unwrap();
    assert_eq!(
        (loaded.classes.as_slice(), loaded.split.train.rows()),
        (&["3", "5", "8"].map(String::from)[..], 81)
    );
    let train = &loaded.split.train;
    let mut batch = fl_core::data::Batch::<f64>::new(train, train.rows());
    let all: Vec<u32> = (0..train.rows() as u32).collect();
    batch.gather(train, &all);
    // ‖∇f(0)‖ of least squares with a bias: the mean of −t (x, 1).
    let mut gradient = [0.0; 3];
    for i in 0..train.rows() {
        let x = row(&loaded, i);
        for (g, x) in gradient.iter_mut().zip([x[0], x[1], 1.0]) {
            *g -= batch.target(i) * x / train.rows() as f64;
        }
    }
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((norm - 5.1260).abs() < 5e-5, "{norm}");
}

#[test]
fn real_targets_are_read_in_every_format() {
    let error = csv("real.csv").unwrap_err();
    assert!(error.contains("`targets = true` reads labels as real targets"), "{error}");
    let loaded = load("set.csv = { train = 'DIR/real.csv', targets = true }").unwrap();
    assert!(loaded.has_targets());
    let train = loaded.split.train.targets().unwrap();
    assert_eq!(train[..4], [99.958, 102.320, 101.797, 102.394]);
    assert_eq!(loaded.split.test.targets().unwrap()[0], 100.033);
    let svm = load("set.libsvm = { train = 'DIR/wider_train.svm', targets = true }").unwrap();
    assert_eq!(svm.split.train.targets().unwrap()[..2], [1.0, -1.0]);
    let idx = load(
        "set.idx = { train = 'DIR/x_float.idx', train-labels = 'DIR/labels.idx', targets = true }",
    );
    assert_eq!(idx.unwrap().split.train.targets().unwrap()[..2], [0.0, 1.0]);
    let error = load("set.csv = { train = 'DIR/inf.csv', targets = true }").unwrap_err();
    assert!(error.contains("expected a finite number as target, found \"inf\""), "{error}");
}

#[test]
fn what_peoples_files_have_is_read() {
    let even = [("0", 20), ("1", 20)];
    assert_eq!(rows(&csv("two_members.csv.gz").unwrap()), even);
    let dumped = svm("dumped.svm").unwrap();
    assert_eq!((rows(&dumped), dumped.split.train.columns()), (even.to_vec(), 4));
    let ranked = svm("rank.svm").unwrap();
    assert_eq!(ranked.classes, ["0", "1", "2"]);
    assert_eq!(ranked.groups.as_ref().unwrap().index.len(), ranked.split.train.rows());
    let idx =
        load("set.idx = { train = 'DIR/x_float.idx', train-labels = 'DIR/labels.idx' }").unwrap();
    assert_eq!((rows(&idx), idx.split.train.columns()), (even.to_vec(), 4));
    let wider = load("set.libsvm = { train = 'DIR/wider_train.svm', test = 'DIR/wider_test.svm' }")
        .unwrap();
    assert_eq!((wider.split.train.columns(), wider.split.test.columns()), (8, 8));
    for delimiter in ["", ", delimiter = ' '"] {
        let line = format!("set.csv = {{ train = 'DIR/savetxt.txt', targets = true{delimiter} }}");
        let blanks = load(&line).unwrap();
        let all = blanks.split.train.rows() + blanks.split.test.rows();
        assert_eq!((all, blanks.split.train.columns()), (7, 3));
        assert_eq!(row(&blanks, 0), [-0.256f32, 0.511, -0.226].map(f64::from));
    }
    let commented = text(b"# by hand\n1,2,0\n# more\n3,4,1\n", ", comment = '#', test-every = 2");
    assert!(commented.unwrap_err().contains("2 rows in 2 classes"));
}

#[test]
fn what_is_not_read_says_what_it_is() {
    let error = svm("rows.svm.bz2").unwrap_err();
    assert!(error.contains("packed by bzip2") && error.contains("bunzip2"), "{error}");
    for (start, name) in
        [(&b"\xfd7zXZ\0"[..], "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip")]
    {
        assert!(text(start, "").unwrap_err().contains(&format!("packed by {name}")));
    }
    assert!(
        csv("cr_only.csv").unwrap_err().contains("line 1: a carriage return (CR) stands alone")
    );
    assert!(text(b"#a,y\n1,2\n", "").unwrap_err().contains("comment = \"#\""));
    let error = csv("adult_like.csv").unwrap_err();
    assert!(error.contains("`categories`") || error.contains("that of other rows"), "{error}");
}

#[test]
fn texts_become_columns_and_missing_numbers_are_settled_by_name() {
    let line = "set.csv = { train = 'DIR/adult_like.csv', categories = [1, 3] }";
    let loaded = load(line).unwrap();
    // Age, three kinds of work, one number, two sexes.
    assert_eq!(loaded.split.train.columns(), 7);
    assert_eq!(row(&loaded, 0), [20.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    let body = "1,a,x\n,b,x\n3,?,y\n5,a,y\n2,b,x\n9,a,y\n4,b,x\n6,a,y\n".repeat(2);
    let load =
        |more: &str| text(body.as_bytes(), &format!(", header = false, test-every = 4{more}"));
    assert!(load(", categories = [1]").unwrap_err().contains("`missing`"));
    let skipped = load(", categories = [1], missing = 'skip-row'").unwrap();
    assert_eq!(skipped.split.train.rows() + skipped.split.test.rows(), 12);
    assert!(notes(&skipped).contains("4 of 16 rows lack something"));
    let zero = load(", categories = [1], missing = 'zero'").unwrap();
    assert_eq!((row(&zero, 1), row(&zero, 2)), (vec![0.0, 0.0, 1.0], vec![3.0, 0.0, 0.0]));
    let mean = load(", categories = [1], missing = 'mean'").unwrap();
    let known: Vec<f64> = (0..mean.split.train.rows()).map(|i| row(&mean, i)[0]).collect();
    assert!((row(&mean, 1)[0] - known.iter().sum::<f64>() / known.len() as f64).abs() < 1e-5);
    assert!(row(&mean, 2)[1] > 0.0 && row(&mean, 2)[1] < 1.0);
    assert!(load(", missing = 'guess'").unwrap_err().contains("unknown variant"));
}

#[test]
fn a_column_names_the_group_of_each_row() {
    let rows: String = (0..20).map(|i| format!("w{},{i},{}\n", i % 3, i % 2)).collect();
    let loaded = text(format!("writer,a,y\n{rows}").as_bytes(), ", group = 'writer'").unwrap();
    let groups = loaded.groups.as_ref().unwrap();
    assert_eq!((loaded.split.train.columns(), groups.names.len()), (1, 3));
    for (i, &group) in groups.index.iter().enumerate() {
        assert_eq!(group, row(&loaded, i)[0] as u32 % 3);
    }
}

#[test]
fn sizes_are_counted_before_memory_is_asked_for() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let line = "set.libsvm = { train = 'DIR/wide.svm', features = 1000000000000 }";
    let error = load_from(folder, line).unwrap_err();
    assert!(error.contains("columns take") && error.contains("more than the memory"), "{error}");
}
