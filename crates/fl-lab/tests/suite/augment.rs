//! `augment` in experiment files: shared or a method's own, in the hash, resumed, refused at its place.

use crate::common::{SEVEN, edited, metrics_files, run, try_run};
use tempfile::tempdir;

fn file(train: &str, method: &str) -> String {
    let head = SEVEN.split("[[method]]").next().unwrap();
    let head = edited(head, &[("step = 0.5", &format!("step = 0.5\n{train}"))]);
    format!("{head}[[method]]\nname = \"SGD\"\nrule = \"mean\"\n{method}\n")
}

#[test]
fn a_shared_setting_and_a_methods_own_mean_the_same() {
    let setting = "augment = { shift = 2, flip = true }";
    let outs = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
    run(&file(setting, ""), outs[0].path());
    run(&file("", setting), outs[1].path());
    run(&file("", ""), outs[2].path());
    run(&file(setting, "augment = { shift = 0 }"), outs[3].path());
    let [shared, own, none, undone] = outs.each_ref().map(|out| metrics_files(out.path()));
    assert!(shared == own, "the same folders, which have the hash in their names, and bytes");
    assert!(none == undone);
    assert!(shared.keys().all(|name| !none.contains_key(name)), "another hash");
    assert!(shared.values().ne(none.values()));
}

#[test]
fn runs_of_moved_pictures_go_on_to_the_same_bits_on_any_threads() {
    let text = file("augment = { shift = 1, flip = true }", "momentum = { beta = 0.5 }");
    let straight = tempdir().unwrap();
    run(&text, straight.path());
    let parted = tempdir().unwrap();
    try_run(&edited(&text, &[("rounds = 24", "rounds = 8")]), parted.path(), 1, 3).unwrap();
    try_run(&text, parted.path(), 1, 2).unwrap();
    assert!(metrics_files(parted.path()) == metrics_files(straight.path()));
}

#[test]
fn what_cannot_be_moved_is_told_with_its_reason() {
    let setting = "augment = { shift = 2 }";
    for (text, said) in [
        (file(setting, "estimator = \"saga\""), "the estimator must be sgd"),
        (file("augment = { shift = 8 }", ""), "less than 8, as pictures are 1×8×8"),
        (file("augment = { shift = -1 }", ""), "shift"),
        (file("augment = { shfit = 1 }", ""), "shift"),
    ] {
        let out = tempdir().unwrap();
        let error = try_run(&text, out.path(), 1, 1).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
