//! NumPy's files: what they hold comes out again, and what they cannot hold is told.

use crate::common::{Made, Room, npy, npz, read, safetensors, tensor};
use fl_agg::Mean;
use fl_updates::{OpenOptions, Options, Progress, Updates, aggregate};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn mean(clients: &[PathBuf], output: &Path) -> Result<(), String> {
    let updates = Updates::open(clients, &OpenOptions::default()).map_err(|e| e.to_string())?;
    aggregate(&updates, &Options::new(Mean, 0), output, &Progress::default())
        .map(drop)
        .map_err(|e| e.to_string())
}

/// A client as `np.savez` writes it, with a mask, a single number, an empty array and a matrix.
fn client(x: f32) -> Vec<u8> {
    let numbers = [x, -x].map(f32::to_le_bytes).concat();
    npz(&[
        ("mask.npy", npy("|b1", "(3,)", &[1, 0, 1])),
        ("scale.npy", npy("<f4", "()", &x.to_le_bytes())),
        ("none.npy", npy("<f8", "(0, 3)", &[])),
        ("bytes.npy", npy("|u1", "(2,)", &[7, 9])),
        ("w.npy", npy("<f4", "(1, 2)", &numbers)),
    ])
}

#[test]
fn types_and_shapes_of_an_archive_come_out_as_they_went_in() {
    let room = Room::new();
    let clients = [room.write("a.npz", &client(1.0)), room.write("b.npz", &client(3.0))];
    let output = room.path("out.npz");
    mean(&clients, &output).expect("an output");
    let bytes = std::fs::read(&output).expect("an archive");
    let members = fl_data::zip::members(&bytes).expect("an archive");
    let found: Vec<(String, Vec<u8>)> = members
        .iter()
        .map(|member| (member.name.clone(), member.unpack().expect("stored").into_owned()))
        .collect();
    let expected: Vec<(String, Vec<u8>)> = fl_data::zip::members(&client(2.0))
        .expect("an archive")
        .iter()
        .map(|m| (m.name.clone(), m.unpack().expect("stored").into_owned()))
        .collect();
    assert_eq!(found, expected);
    // The same in another format.
    mean(&clients, &room.path("out.safetensors")).expect("an output");
    let found = read(&room.path("out.safetensors"));
    let shapes: Vec<(&str, &str, &[usize])> =
        found.iter().map(|t| (&t.name[..], t.dtype, &t.shape[..])).collect();
    let expected: [(&str, &str, &[usize]); 5] = [
        ("bytes", "U8", &[2]),
        ("mask", "BOOL", &[3]),
        ("none", "F64", &[0, 3]),
        ("scale", "F32", &[]),
        ("w", "F32", &[1, 2]),
    ];
    assert_eq!(shapes, expected);
    // And of a single array.
    let one = room.write("one.npy", &npy("<f4", "()", &5f32.to_le_bytes()));
    mean(std::slice::from_ref(&one), &room.path("out.npy")).expect("an output");
    assert_eq!(std::fs::read(room.path("out.npy")).ok(), std::fs::read(one).ok());
}

#[test]
fn all_that_is_read_and_written_is_counted() {
    let room = Room::new();
    let clients = [room.write("a.npz", &client(1.0)), room.write("b.npz", &client(3.0))];
    let updates = Updates::open(&clients, &OpenOptions::default()).expect("two archives");
    for name in ["out.npz", "out.safetensors"] {
        let progress = Progress::default();
        let options = Options::new(Mean, 0);
        let done = aggregate(&updates, &options, &room.path(name), &progress).expect("an output");
        // 5 bytes of each client are compared and copied, 12 are averaged; an archive is packed from what was written.
        assert_eq!((done.bytes_read, done.bytes_written), (34, 17));
        let all = if name == "out.npz" { 34 + 17 } else { 34 };
        assert_eq!((progress.read(), progress.expected()), (all, all), "{name}");
    }
    let progress = Progress::default();
    progress.stop();
    let said = aggregate(&updates, &Options::new(Mean, 0), &room.path("no.npz"), &progress);
    assert!(said.expect_err("stopped").to_string().contains("stopped before the end"));
    assert_eq!((progress.read(), room.path("no.npz").exists()), (0, false));
}

#[test]
fn an_archive_that_says_two_things_is_refused() {
    let room = Room::new();
    let array = |x: f32| npy("<f4", "()", &x.to_le_bytes());
    for (members, told) in [
        (vec![("w.npy", array(1.0)), ("w.npy", array(2.0))], "member \"w.npy\" comes twice"),
        (vec![("w.npy", array(1.0)), ("w", array(2.0))], "tensor \"w\": the name comes twice"),
        (vec![("w.npy", npy("<f4", "(2,)", &[0; 4]))], "shape [2] has 8 bytes, found 4"),
        (vec![("w.npy", npy(">f4", "()", &[0; 4]))], "big-endian"),
        (
            vec![("w.npy", b"\x93NUMPY\x02\0\0\0\0\x40".to_vec())],
            "a header of 1073741836 bytes is none",
        ),
        (vec![("w.npy", b"no array".to_vec())], "expected \\x93NUMPY"),
    ] {
        let path = room.write("a.npz", &npz(&members));
        let said = mean(&[path], &room.path("out.npz")).expect_err(told);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn an_output_that_cannot_hold_a_tensor_is_refused_before_a_number_is_read() {
    let room = Room::new();
    let refused = |client: &[u8], name: &str, output: &str, told: &str| {
        let said = mean(&[room.write(name, client)], &room.path(output)).expect_err(told);
        assert!(said.contains(told), "{said}");
        assert!(!room.path(output).exists());
    };
    let axes = safetensors(&[Made { shape: vec![1; 65], ..tensor("w", "F32", &[1], &[1.0]) }]);
    refused(&axes, "a.safetensors", "out.npz", "at most 64 axes, not 65");
    refused(&axes, "a.safetensors", "out.npy", "at most 64 axes, not 65");
    let many = Made { shape: vec![1; 30_000], ..tensor("w", "F32", &[1], &[1.0]) };
    refused(&safetensors(&[many]), "a.safetensors", "out.npy", "at most 64 axes, not 30000");
    let long = safetensors(&[tensor(&"w".repeat(70_000), "F32", &[1], &[1.0])]);
    refused(&long, "a.safetensors", "out.npz", "a name of 70000 bytes is too long");
    let named = npz(&[("__metadata__.npy", npy("<f4", "()", &[0; 4]))]);
    refused(&named, "a.npz", "out.safetensors", "cannot hold a tensor called \"__metadata__\"");
    mean(&[room.path("a.npz")], &room.path("out.npz")).expect("an archive can");
    std::fs::create_dir(room.path("folder.npz")).expect("a folder");
    let said = mean(&[room.path("a.npz")], &room.path("folder.npz")).expect_err("a folder");
    assert!(said.contains("it is a folder; name a file in it"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Whatever the bytes are: an answer.
    #[test]
    fn no_archive_and_no_array_is_too_much(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let room = Room::new();
        for (name, mut bytes) in [("a.npz", client(1.0)), ("a.npy", npy("<f4", "(2,)", &[0; 8]))] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let changed = room.write(name, &bytes);
            let _ = Updates::open(&[changed], &OpenOptions::default());
            bytes.truncate(cut.index(bytes.len()));
            let cut = room.write(name, &bytes);
            prop_assert!(Updates::open(&[cut], &OpenOptions::default()).is_err());
        }
    }
}
