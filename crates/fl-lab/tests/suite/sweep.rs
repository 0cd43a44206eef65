//! Files with `[sweep]`: which cells they are, and mistakes in them at their places.

use crate::common::SEVEN;
use fl_lab::{BatchSize, Experiment, Sweep, cells};
use std::collections::BTreeSet;

fn sweep(text: &str) -> Sweep {
    let text = format!("{SEVEN}\n{text}");
    Sweep::parse(&text, "sweep.toml", &[]).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(text: &str) -> String {
    let text = format!("{SEVEN}\n{text}");
    Sweep::parse(&text, "sweep.toml", &[]).expect_err("a mistake").to_string()
}

#[test]
fn a_file_without_a_sweep_is_one_point() {
    let sweep = sweep("");
    let (experiment, _) = Experiment::parse(SEVEN, "seven", &[]).unwrap();
    assert_eq!((sweep.axes.len(), sweep.points.len()), (0, 1));
    assert_eq!(sweep.base, experiment);
    let expected: Vec<String> = cells(&experiment).iter().map(|c| c.folder()).collect();
    assert_eq!(sweep.cells.iter().map(|c| c.cell.folder()).collect::<Vec<_>>(), expected);
}

#[test]
fn every_combination_is_a_point_and_the_last_axis_changes_fastest() {
    let sweep = sweep(
        "[sweep]\n\"train.step\" = [0.5, 0.1]\nfederation.attack = [\"none\", { gaussian = {} }, \"sign-flipping\"]\n",
    );
    let axes: Vec<_> = sweep.axes.iter().map(|a| (a.key.as_str(), a.name.as_str())).collect();
    assert_eq!(axes, [("train.step", "step"), ("federation.attack", "attack")]);
    let points: Vec<String> =
        (0..6).map(|p| sweep.labels(p).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "0.5 none",
        "0.5 gaussian",
        "0.5 sign-flipping",
        "0.1 none",
        "0.1 gaussian",
        "0.1 sign-flipping",
    ];
    assert_eq!(points, expected);
    assert_eq!(sweep.cells.len(), 6 * 14);
    for cell in &sweep.cells {
        let experiment = &cell.cell.experiment;
        let labels: Vec<&str> = sweep.labels(cell.point).collect();
        assert_eq!(experiment.train.step.to_string(), labels[0]);
        assert_eq!(experiment.federation.attack.name, labels[1]);
    }
}

#[test]
fn a_cell_of_a_sweep_is_the_cell_of_a_file_that_says_it_outright() {
    let sweep = sweep(
        "[sweep]\nfederation.byzantine = [{ classes = [9] }, { classes = [8, 9] }]\n\"method.Proposed.pre.0.resample.s\" = [1, 3]\n",
    );
    let set = |edits: &[(&str, &str)]| {
        let set: Vec<_> = edits.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let (experiment, _) = Experiment::parse(SEVEN, "seven", &set).unwrap();
        cells(&experiment)
    };
    for (point, edits) in [
        [("federation.byzantine.classes", "[9]"), ("method.6.pre", "[{ resample = { s = 1 } }]")],
        [("federation.byzantine.classes", "[9]"), ("method.6.pre", "[{ resample = { s = 3 } }]")],
        [
            ("federation.byzantine.classes", "[8, 9]"),
            ("method.6.pre", "[{ resample = { s = 1 } }]"),
        ],
        [
            ("federation.byzantine.classes", "[8, 9]"),
            ("method.6.pre", "[{ resample = { s = 3 } }]"),
        ],
    ]
    .iter()
    .enumerate()
    {
        let here: Vec<_> = sweep.cells.iter().filter(|c| c.point == point).collect();
        for (a, b) in here.iter().zip(set(edits)) {
            assert_eq!(a.cell.folder(), b.folder());
            assert_eq!(a.cell.experiment, b.experiment);
        }
    }
    // Six methods do not depend on the second axis: their cells are shared by its points.
    let folders: BTreeSet<String> = sweep.cells.iter().map(|c| c.cell.folder()).collect();
    assert_eq!((sweep.cells.len(), folders.len()), (4 * 14, 2 * (2 * 6 + 2 * 2)));
    // What a cell resolves to says the same again.
    for cell in sweep.cells.iter().step_by(5) {
        let text = toml::to_string(&cell.cell.experiment).unwrap();
        let again = Sweep::parse(&text, "a cell", &[]).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(again.cells[0].cell.folder(), cell.cell.folder());
    }
}

#[test]
fn methods_are_addressed_by_name_by_place_and_all_at_once() {
    let steps = |key: &str| -> Vec<Option<f64>> {
        let sweep = sweep(&format!("[sweep]\n{key} = [0.25]\n"));
        sweep.base.method.iter().map(|m| m.step).collect()
    };
    let only = |i: usize| -> Vec<Option<f64>> {
        let mut steps = vec![None; 7];
        steps[5] = Some(0.1);
        steps[i] = Some(0.25);
        steps
    };
    assert_eq!(steps("method.\"RS-Byrd-SGD\".step"), only(2));
    assert_eq!(steps("\"method.RS-Byrd-SGD.step\""), only(2));
    assert_eq!(steps("method.3.step"), only(3));
    assert_eq!(steps("method.RSA.step"), only(5));
    assert_eq!(steps("\"method.*.step\""), [Some(0.25); 7]);
    // By the name of a pre-aggregator; methods without it stay as they are.
    let sweep = sweep("[sweep]\n\"method.*.pre.resample.s\" = [3]\n");
    let s: Vec<_> = sweep
        .base
        .method
        .iter()
        .map(|m| m.pre.first().map(|p| p.settings()["s"].clone()))
        .collect();
    assert_eq!(s, [None, None, Some(3.into()), None, None, None, Some(toml::Value::from(3))]);
}

#[test]
fn exclusions_leave_out_points_methods_and_seeds() {
    let sweep = sweep(
        r#"
[sweep]
train.batch = [4, 8]
federation.attack = ["none", { gaussian = {} }]
exclude = [
    { "train.batch" = 4, attack = "gaussian" },
    { batch = 8, method = ["Krum", "RSA"], seed = 1 },
    { method = "SGD", federation.attack = "gaussian" },
]
"#,
    );
    assert_eq!(sweep.points.len(), 3);
    let has = |batch: usize, attack: &str, method: &str, seed: u64| {
        sweep.cells.iter().any(|c| {
            let e = &c.cell.experiment;
            (e.train.batch, &*e.federation.attack.name, &*c.cell.method.name, c.cell.seed)
                == (BatchSize::Count(batch), attack, method, seed)
        })
    };
    assert!(has(4, "none", "Krum", 1) && has(8, "none", "Krum", 0) && !has(8, "none", "Krum", 1));
    assert!(!has(4, "gaussian", "Krum", 0) && has(8, "gaussian", "RSA", 0));
    assert!(has(8, "none", "SGD", 0) && !has(8, "gaussian", "SGD", 0));
    assert_eq!(sweep.cells.len(), 14 + 12 + 10);
    // A cell of a point that lost methods is built from what is said of its own method.
    for cell in &sweep.cells {
        let source = sweep.source(cell.point);
        let data = fl_data::digits::load();
        let assignment = fl_lab::assign(&cell.cell, &data, &source).unwrap();
        fl_lab::setup::<f32>(&cell.cell, &data, &assignment, &source).unwrap();
    }
}

#[test]
fn a_method_that_cannot_work_everywhere_is_excluded_where_it_cannot() {
    let axis = "[sweep]\nfederation.attack = [\"none\"]\nfederation.byzantine = [{ count = 6 }, { count = 28 }]\n";
    let error = refused(axis);
    assert!(error.contains("krum: the number of messages must be at least 31"), "{error}");
    assert!(error.contains("where: federation.byzantine = count = 28"), "{error}");
    let exclude =
        "exclude = [{ \"federation.byzantine\" = { count = 28 }, method = [\"Krum\"] }]\n";
    assert_eq!(sweep(&format!("{axis}{exclude}")).cells.len(), 28 - 2);
}

#[test]
fn labels_and_names_can_be_given() {
    let sweep = sweep(
        "[sweep]\n\"train.step\" = { name = \"γ\", values = [0.5, 0.25], labels = [\"half\", \"quarter\"] }\n",
    );
    assert_eq!(sweep.axes[0].name, "γ");
    assert_eq!(sweep.labels(1).collect::<Vec<_>>(), ["quarter"]);
}

#[test]
fn mistakes_in_a_sweep_stand_at_their_places() {
    for (text, says) in [
        ("train.step = []", &["train.step needs at least one value", " = []\n", "^^"][..]),
        ("train.step = 0.5", &["train.step needs a list of values in [ ], got a number"]),
        ("train.step = [0.5, 0.1, 0.5]", &["every value must be there once, got 0.5 twice"]),
        ("train.step = [0.5, \"big\"]", &["string \"big\", expected a number", "\n"]),
        ("train.step = [0.5, -1.0]", &["step must be a positive number, got -1"]),
        ("train.stp = [0.5]", &["unknown key `stp`", "did you mean `step`?"]),
        (
            "federation.attack = [\"none\", \"gausian\"]",
            &["unknown name `gausian`", "did you mean `gaussian`?"],
        ),
        (
            "method.Propsed.step = [1.0]",
            &["no method is called \"Propsed\"", "did you mean method.Proposed?"],
        ),
        ("method.9.step = [1.0]", &["no method is called \"9\"", "from 0 to 6"]),
        ("method.SGD.pre.resample.s = [1]", &["is in no chain of pre-aggregators"]),
        ("method.SGD = [1]", &["needs a method and a key of it"]),
        ("rounds = [10, 20]", &["rounds cannot be swept over"]),
        ("name = [\"a\"]", &["name cannot be swept over"]),
        ("method.SGD.name = [\"a\"]", &["name cannot be swept over"]),
        ("\"train..step\" = [1.0]", &["must be names with dots between them"]),
        ("\"method.*.step\" = [1.0]\nmethod.SGD.step = [2.0]", &["is swept over already"]),
        (
            "train.step = { values = [1.0], label = [\"x\"] }",
            &["unknown key `label`", "did you mean `labels`?"],
        ),
        (
            "train.step = { values = [1.0], labels = [] }",
            &["as many different texts as there are values, 1"],
        ),
        (
            "train.step = [1.0, 2.0]\nexclude = [{ \"train.step\" = 3.0 }]",
            &["train.step is never 3", "its values are 1, 2"],
        ),
        (
            "train.step = [1.0, 2.0]\nexclude = [{ \"train.batch\" = 3 }]",
            &["`train.batch` is not swept over", "did you mean `train.step`?"],
        ),
        (
            "train.step = [1.0, 2.0]\nexclude = [{ method = \"SDG\" }]",
            &["method is never SDG", "did you mean SGD?"],
        ),
        ("train.step = [1.0, 2.0]\nexclude = [{ seed = 7 }]", &["seed is never 7"]),
        (
            "train.step = [1.0, 2.0]\nexclude = [{ seed = 1 }, { seed = 1, method = \"SGD\" }]",
            &["this excludes nothing"],
        ),
        (
            "train.step = [1.0, 2.0]\nexclude = [{}]",
            &["an exclusion without keys would exclude everything"],
        ),
        ("train.step = [1.0, 2.0]\nexclude = [{ seed = [0, 1] }]", &["everything is excluded"]),
        ("train.step = [1.0, 2.0]\nexclude = 3", &["exclude must be a list of tables"]),
    ] {
        let error = refused(&format!("[sweep]\n{text}\n"));
        for says in says {
            assert!(error.contains(says), "{text}\n{says:?} is not in:\n{error}");
        }
        assert!(error.starts_with("sweep.toml:"), "{text}\n{error}");
        assert!(!error.ends_with("mistakes"), "{text}\n{error}");
    }
    // A wrong value is shown where it stands in the list.
    let error = refused("[sweep]\ntrain.step = [0.5, -1.0]\n");
    assert!(error.contains("train.step = [0.5, -1.0]\n   |                    ^^^^"), "{error}");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = SEVEN
        .replace("rounds = 24", "ronds = 24")
        .replace("evaluate-every = 8", "evaluate-every = \"often\"")
        .replace("step = 0.5", "step = -0.5")
        .replace("rule = \"krum\"", "rule = \"krumm\"")
        .replace("rule = \"mean\"", "rule = \"mean\"\nbatch = 0")
        .replace(
            "{ s = 2 } }]\nrule = \"geometric-median\"\n\n[[method]]\nname = \"Krum",
            "{ s = 99 } }]\nrule = \"geometric-median\"\n\n[[method]]\nname = \"Krum",
        );
    let text = format!("{text}\n[sweep]\ntrain.batch = []\n");
    let error = Sweep::parse(&text, "all.toml", &[]).expect_err("mistakes");
    let words = error.to_string();
    for says in [
        "did you mean `rounds`?",
        "string \"often\"",
        "step must be a positive number, got -0.5",
        "did you mean `krum`?",
        "batch must be at least 1, got 0",
        "s must be between 1 and",
        "train.batch needs at least one value",
        "7 mistakes",
    ] {
        assert!(words.contains(says), "{says:?} is not in:\n{words}");
    }
    let lines: Vec<usize> = error.mistakes().iter().filter_map(|m| Some(m.place()?.0)).collect();
    assert!(lines.is_sorted() && lines.len() == 7, "{lines:?}");
}

#[test]
fn ten_thousand_points_are_read_quickly() {
    let steps: Vec<String> = (1..=100).map(|i| format!("{}", f64::from(i) / 1000.0)).collect();
    let batches: Vec<String> = (1..=100).map(|i| i.to_string()).collect();
    let head = SEVEN.split("[[method]]").next().unwrap().replace("[0, 1]", "[0]");
    let text = format!(
        "{head}\n[[method]]\nname = \"M\"\nestimator = \"saga\"\nrule = \"krum\"\n[sweep]\ntrain.step = [{}]\ntrain.batch = [{}]\n",
        steps.join(", "),
        batches.join(", ")
    );
    let begin = std::time::Instant::now();
    let sweep = Sweep::parse(&text, "many.toml", &[]).unwrap();
    println!("{} cells in {:?}", sweep.cells.len(), begin.elapsed());
    assert_eq!(sweep.cells.len(), 10_000);
}

#[test]
fn an_exclusion_by_a_key_whose_list_is_wrong_is_no_second_mistake() {
    for list in ["[]", "[1.0, 1.0]", "[\"a\"]"] {
        let error = refused(&format!(
            "[sweep]\ntrain.step = {list}\nexclude = [{{ \"train.step\" = 1.0 }}]\n"
        ));
        assert!(!error.contains("not swept over"), "{error}");
    }
}
