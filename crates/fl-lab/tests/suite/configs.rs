//! The experiment files that come with the workspace, and any nonsense that a file may hold.

use crate::common::SEVEN;
use fl_data::Locations;
use fl_lab::{Experiment, Sweep, cells, check, check_with_data};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// Every `.toml` in a folder and those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "toml") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_experiment_file_of_the_workspace_is_right() {
    // The packed crate stands alone.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    if !folder.is_dir() {
        return;
    }
    let files = files(&folder);
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.display().to_string();
        let sweep = Sweep::parse(&text, &name, &[]).unwrap_or_else(|e| panic!("{e}"));
        // Of a sweep, its first point; every point has been checked by reading it.
        let (experiment, source) = (sweep.base.clone(), sweep.source(0));
        check(&experiment, &source).unwrap_or_else(|e| panic!("{e}"));
        if let Ok(data) = experiment.data.set.load(experiment.data.scale, &Locations::default()) {
            check_with_data(&experiment, &source, &data).unwrap_or_else(|e| panic!("{e}"));
        }
        // What a cell resolves to says the same again.
        for cell in cells(&experiment) {
            let text = toml::to_string(&cell.experiment).unwrap();
            let (again, source) =
                Experiment::parse(&text, "a cell", &[]).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(again, cell.experiment);
            check(&again, &source).unwrap_or_else(|e| panic!("{e}\n{text}"));
            let [once] = &cells(&again)[..] else { panic!("more than one cell in\n{text}") };
            assert_eq!(once.folder(), cell.folder());
        }
    }
}

#[test]
fn names_and_rounds_do_not_decide_a_cell_and_everything_else_does() {
    let hash = |edits: &[(&str, &str)]| {
        let set: Vec<_> = edits.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let (experiment, _) = Experiment::parse(SEVEN, "seven", &set).unwrap();
        cells(&experiment)[0].hash.clone()
    };
    let plain = hash(&[]);
    for same in [
        &[("name", "other")][..],
        &[("rounds", "100")],
        &[("final-window", "3")],
        &[("method.0.name", "Other")],
        &[("method.0.step", "0.5")],
        &[("train.step", "9.0"), ("method.0.step", "0.5")],
        &[("method.3.rule", "mean")],
        &[("seeds", "[0]")],
    ] {
        assert_eq!(hash(same), plain, "{same:?}");
    }
    let mut seen = vec![plain];
    for other in [
        ("seeds", "[1]"),
        ("precision", "f64"),
        ("evaluate-every", "4"),
        ("full-pass-every", "4"),
        ("train.step", "0.25"),
        ("train.batch", "4"),
        ("method.0.batch", "5"),
        ("method.0.rule", "krum"),
        ("method.0.estimator", "saga"),
        ("method.0.pre", "[\"resample\"]"),
        ("model.softmax.l2", "0.02"),
        ("model.softmax.bias", "false"),
        ("federation.byzantine.classes", "[8]"),
        ("federation.attack.sample-duplicating.worker", "1"),
        ("federation.attack", "sign-flipping"),
        ("data.set", "mnist"),
        ("data.partition", "iid"),
    ] {
        let hash = hash(&[other]);
        assert!(!seen.contains(&hash), "{other:?}");
        seen.push(hash);
    }
}

#[test]
fn a_choice_may_be_written_with_or_without_its_table() {
    let read = |edits: &[(&str, &str)]| {
        let set: Vec<_> = edits.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Experiment::parse(SEVEN, "seven", &set).unwrap().0
    };
    for (key, short, long) in [
        ("method.0.rule", "mean", "{ mean = {} }"),
        ("method.0.rule", "krum", "{ krum = { variant = \"paper\" } }"),
        ("method.2.pre", "[\"resample\"]", "[{ resample = {} }]"),
        ("federation.attack", "gaussian", "{ gaussian = { spread = { variance = 1e4 } } }"),
        ("data.partition", "iid", "{ iid = {} }"),
        ("model", "softmax", "{ softmax = { bias = true, l2 = 0.0 } }"),
    ] {
        assert_eq!(read(&[(key, short)]), read(&[(key, long)]), "{key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Any piece of a good file replaced by any other text: read or refused, never a panic, and every refusal can be
    /// shown.
    #[test]
    fn a_damaged_file_is_read_or_refused(
        at in 0..SEVEN.len(),
        length in 0..20usize,
        piece in prop_oneof![
            "[\\[\\]{}=\",.#'\\n\\t a-z0-9éß😀-]{0,6}",
            prop::sample::select(vec!["", "\n", "[", "]]", "{}", "\"", "'''", "inf", "nan", "-1", "1e999", "0x", "\r", "[[", "= "]).prop_map(str::to_owned),
        ],
    ) {
        let end = (at + length).min(SEVEN.len());
        let text = format!("{}{piece}{}", &SEVEN[..at], &SEVEN[end..]);
        let result = Experiment::parse(&text, "x", &[]).and_then(|(experiment, source)| {
            check(&experiment, &source)
        });
        if let Err(error) = result {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    /// The same for edits on the command line.
    #[test]
    fn a_strange_edit_is_taken_or_refused(
        key in "[a-z.0-9é\"-]{1,12}|method\\.[0-9]{1,2}\\.[a-z]{1,5}|(data|train|federation)\\.[a-z.]{1,9}",
        value in "[\\[\\]{}=\",.#' a-z0-9é-]{0,9}",
    ) {
        if let Err(error) = Experiment::parse(SEVEN, "x", &[(key, value)]) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
