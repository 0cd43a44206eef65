//! Keys of experiment files: what is declared is what is read, and what `docs/keys.md` says.

use crate::common::SEVEN;
use fl_lab::{Experiment, all_keys, key_table};
use std::path::Path;

#[test]
fn the_document_has_the_keys_as_they_are_declared() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/keys.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let expected = key_table();
    assert!(document.ends_with(&format!("\n\n{expected}")), "the table should be\n{expected}");
}

#[test]
fn every_key_says_what_it_means_and_stands_once() {
    let keys = all_keys();
    for (i, (path, key)) in keys.iter().enumerate() {
        assert!(!key.summary().is_empty(), "{path}");
        assert!(keys[..i].iter().all(|(other, _)| other != path), "{path}");
        // What holds for a key that is left out, or an example of what must be there.
        let needed = key.otherwise().is_none();
        assert_eq!(needed, key.example().is_some(), "{path}");
    }
    assert!(keys.iter().any(|(path, _)| path == "method.final-window"), "{keys:?}");
}

/// A file of needed keys alone, with the examples that help shows, is an experiment.
#[test]
fn the_examples_of_needed_keys_make_a_file() {
    let mut text = String::new();
    for (path, key) in all_keys() {
        if let (Some(example), false) = (key.example(), path.contains('.')) {
            text += &format!("{path} = {example}\n");
        }
    }
    let (experiment, source) = Experiment::parse(&text, "needed.toml", &[]).expect("an experiment");
    fl_lab::check(&experiment, &source).unwrap_or_else(|e| panic!("{e}"));
    // And a key that is left out is asked for by its example.
    for (path, key) in all_keys().into_iter().filter(|(path, _)| !path.contains('.')) {
        let Some(example) = key.example() else { continue };
        let without = text.replace(&format!("{path} = {example}\n"), "");
        let error = Experiment::parse(&without, "needed.toml", &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("missing key `{path}`")), "{error}");
        assert!(error.contains("help: add it, for example "), "{error}");
        assert!(!error.contains("mistakes"), "{error}");
    }
}

/// RSA steps by its own formulas: what would not reach it is refused, wherever it stands.
#[test]
fn the_servers_step_is_refused_for_rsa() {
    for (key, value) in [
        ("train.schedule", "\"inverse-root\""),
        ("train.server", "\"adam\""),
        ("train.warm-up", "10"),
        ("train.weight-decay", "0.01"),
        ("method.5.schedule", "\"inverse-root\""),
        ("method.5.server", "\"adam\""),
    ] {
        let set = [(key.to_owned(), value.to_owned())];
        let (experiment, source) = Experiment::parse(SEVEN, "seven.toml", &set).expect("keys");
        let error = fl_lab::check(&experiment, &source).unwrap_err().to_string();
        assert!(error.contains("method \"RSA\" follows RSA"), "{key}: {error}");
        assert!(error.contains("RSA has `decay`"), "{key}: {error}");
        assert!(!error.contains("mistakes"), "{key}: {error}");
    }
    let set = [("method.0.schedule".to_owned(), "\"inverse-root\"".to_owned())];
    let (experiment, source) = Experiment::parse(SEVEN, "seven.toml", &set).expect("keys");
    fl_lab::check(&experiment, &source).expect("another method's own schedule");
}

#[test]
fn a_server_step_is_one_name_and_a_misspelt_one_is_answered() {
    let refused = |value: &str| {
        let set = [("train.server".to_owned(), value.to_owned())];
        Experiment::parse(SEVEN, "seven.toml", &set).unwrap_err().to_string()
    };
    let two = refused("{ adam = {}, yogi = {} }");
    assert!(two.contains("yogi"), "{two}");
    let near = refused("\"adm\"");
    assert!(near.contains("adam"), "{near}");
}

/// A shared value and each method's own, a value that is the default and one that is left out, are the same runs.
#[test]
fn a_server_step_has_one_hash_however_it_is_written() {
    let alone = |set: &[(&str, &str)]| {
        let set: Vec<_> = set.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
        let (experiment, _) = Experiment::parse(SEVEN, "seven.toml", &set).expect("keys");
        fl_lab::cells(&experiment)[0].hash.clone()
    };
    let shared = alone(&[("train.schedule", "\"inverse-root\"")]);
    assert_eq!(shared, alone(&[("method.0.schedule", "\"inverse-root\"")]));
    assert_ne!(shared, alone(&[]));
    for (key, value) in [
        ("train.schedule", "\"constant\""),
        ("train.server", "\"plain\""),
        ("method.0.server", "\"plain\""),
        ("train.warm-up", "1"),
        ("train.weight-decay", "0.0"),
    ] {
        assert_eq!(alone(&[(key, value)]), alone(&[]), "{key}");
    }
}

/// Every key of every table: one that is misspelt is answered with the right one.
#[test]
fn every_key_is_known_where_it_is_declared_and_nowhere_else() {
    for (path, key) in all_keys() {
        let name = key.name();
        let Some((table, _)) = path.rsplit_once('.') else { continue };
        let place = if table == "method" { "method.0".to_owned() } else { table.to_owned() };
        let misspelt = format!("{name}q");
        let set = [(format!("{place}.{misspelt}"), "1".to_owned())];
        let error = Experiment::parse(SEVEN, "seven.toml", &set).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown key `{misspelt}`")), "{path}: {error}");
        assert!(error.contains(&format!("`{name}`")), "{path}: {error}");
    }
}

#[test]
fn a_number_means_the_same_in_any_base() {
    let seeds = |text: &str| {
        let set = [("seeds".to_owned(), text.to_owned())];
        Experiment::parse(SEVEN, "seven.toml", &set).expect("an experiment").0.seeds
    };
    assert_eq!(seeds("[0x10, 0b101, 0o17, 1_000]"), [16, 5, 15, 1000]);
}
