//! Who is a client: nobody is left out without a word, and nobody comes in who is none.

use crate::common::{Room, safetensors, tensor};
use fl_updates::{OpenOptions, Updates, expand, is_of_a_client};
use std::path::Path;

fn file(x: f64) -> Vec<u8> {
    safetensors(&[tensor("w", "F32", &[1], &[x])])
}

const INDEX: &[u8] = br#"{"weight_map":{"w":"m.safetensors"}}"#;

#[test]
fn what_in_a_folder_might_be_a_client_is_one_or_is_told() {
    let room = Room::new();
    room.write("in/a.safetensors", &file(1.0));
    room.write("in/b.SAFETENSORS", &file(2.0));
    room.write("in/README.md", b"three clients");
    room.write("in/logs/of-a.txt", b"no model");
    room.write("in/c/m.safetensors", &file(3.0));
    room.write("in/c/m.safetensors.index.json", INDEX);
    assert_eq!(expand(&room.path("in")).expect("three clients").len(), 3);
    let refused = |name: &str, bytes: &[u8], told: &str| {
        let path = room.write(name, bytes);
        let said = expand(&room.path("in")).expect_err(told).to_string();
        let pattern = expand(&room.path("i?")).expect_err(told).to_string();
        assert_eq!(said, pattern);
        assert!(said.contains(told) && said.lines().count() == 1, "{said}");
        std::fs::remove_file(path).expect("a file");
    };
    for (ending, told) in [
        ("pt", "a pickle can run any program"),
        ("PTH", "a pickle can run any program"),
        ("bin", "a pickle can run any program"),
        ("ckpt", "a pickle can run any program"),
        ("pkl", "a pickle can run any program"),
        ("gguf", "quantised"),
    ] {
        refused(&format!("in/d.{ending}"), b"", told);
    }
    refused(
        "in/c/n.safetensors.index.json",
        INDEX,
        "expected one *.safetensors.index.json, found 2",
    );
    for name in ["in/e/model.safetensors", "in/e/model.npz", "in/e/model.bin"] {
        refused(name, b"", "in/e: it has files of models and no *.safetensors.index.json");
    }
    // All of them at once.
    room.write("in/d.pt", b"");
    room.write("in/e/model.safetensors", b"");
    let said = expand(&room.path("in")).expect_err("two faults").to_string();
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn the_model_before_is_no_client() {
    let room = Room::new();
    let paths = [0.0, 1.0].map(|x| room.write(&format!("in/{x}.safetensors"), &file(x)));
    let said = |base: &Path| {
        let open = OpenOptions { base: Some(base.to_owned()), ..OpenOptions::default() };
        Updates::open(&paths, &open).expect_err("a client is the base").to_string()
    };
    let told = "1.safetensors: it is the base";
    assert!(said(&paths[1]).contains(told));
    // Under another name it is the same file; a copy of it is another.
    let link = room.path("base.safetensors");
    std::fs::hard_link(&paths[1], &link).expect("a link");
    assert!(said(&link).contains(told));
    let base = room.write("copy.safetensors", &file(1.0));
    Updates::open(&paths, &OpenOptions { base: Some(base), ..OpenOptions::default() })
        .expect("two clients");
}

#[test]
fn clients_may_share_a_shard_and_not_all_of_them() {
    let room = Room::new();
    let index = br#"{"weight_map":{"w":"m.safetensors","v":"n.safetensors"}}"#;
    let frozen = safetensors(&[tensor("v", "F32", &[1], &[9.0])]);
    let shared = room.write("frozen", &frozen);
    let paths = ["a", "b"].map(|name| {
        room.write(&format!("{name}/m.safetensors"), &file(1.0));
        room.write(&format!("{name}/m.safetensors.index.json"), index);
        std::fs::hard_link(&shared, room.path(&format!("{name}/n.safetensors"))).expect("a link");
        room.path(name)
    });
    Updates::open(&paths, &OpenOptions::default()).expect("two clients");
    std::fs::remove_file(room.path("b/m.safetensors")).expect("a file");
    std::fs::hard_link(room.path("a/m.safetensors"), room.path("b/m.safetensors")).expect("a link");
    let said = Updates::open(&paths, &OpenOptions::default()).expect_err("twice").to_string();
    assert!(said.contains("the client appears twice"), "{said}");
}

#[test]
fn names_say_what_is_one_clients_file() {
    for (name, yes) in [
        ("a.safetensors", true),
        ("a.Safetensors", true),
        ("m.safetensors.index.json", true),
        ("a.npz", true),
        ("a.pkl", true),
        ("a.GGUF", true),
        ("a.npy", false),
        ("a.csv", false),
        ("a", false),
    ] {
        assert_eq!(is_of_a_client(Path::new(name)), yes, "{name}");
    }
}

/// Opening a pipe would wait for its writer, and a device has no end.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_opened() {
    let room = Room::new();
    for name in ["m.safetensors.index.json", "a.safetensors", "a.npz", "a.npy"] {
        let path = room.path(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()));
        let said =
            Updates::open(std::slice::from_ref(&path), &OpenOptions::default()).expect_err(name);
        assert!(said.to_string().contains("expected a file, found something else"), "{said}");
        std::fs::remove_file(&path).expect("a pipe");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("a link");
        let said =
            Updates::open(std::slice::from_ref(&path), &OpenOptions::default()).expect_err(name);
        assert!(said.to_string().contains("expected a file, found something else"), "{said}");
        std::fs::remove_file(&path).expect("a link");
    }
    // In a folder as well.
    let path = room.path("a.safetensors");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().is_ok());
    assert_eq!(expand(&room.path("")).expect("one name"), [path]);
}
