//! Theory and experiment file: which theorem is about which method, and what is worth a warning.

use fl_data::Locations;
use fl_lab::theory::{Knowns, Scope, measure, numbers, problem, scope, warnings};
use fl_lab::{Cell, Experiment, ExperimentText, assign, cells, check};
use fl_theory::Setting;

const FILE: &str = r#"
name = "theory"
rounds = 10

[data]
set = "digits"
partition = "iid"

[federation]
workers = 30
byzantine.count = 6

[model.softmax]
l2 = 0.01

[train]
batch = 4
step = 0.5

[[method]]
name = "Proposed"
estimator = "saga"
pre = [{ resample = { s = 2 } }]
rule = "geometric-median"

[[method]]
name = "Byrd-SGD"
rule = "geometric-median"

[[method]]
name = "Krum"
rule = "krum"

[[method]]
name = "RSA"
protocol.rsa = { lambda = 0.02 }

[[method]]
name = "Momentum"
estimator = "saga"
momentum.beta = 0.9
rule = "geometric-median"
"#;

fn read(edits: &[(&str, &str)]) -> (Experiment, ExperimentText) {
    let edits: Vec<_> = edits.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let (experiment, source) =
        Experiment::parse(FILE, "theory.toml", &edits).unwrap_or_else(|e| panic!("{e}"));
    check(&experiment, &source).unwrap_or_else(|e| panic!("{e}"));
    (experiment, source)
}

fn told(edits: &[(&str, &str)]) -> Vec<String> {
    let (experiment, source) = read(edits);
    warnings(&experiment, &source, None)
        .unwrap()
        .iter()
        .map(|w| format!("{}: {}", w.method, w.message))
        .collect()
}

#[test]
fn each_method_has_the_theorem_that_is_about_it() {
    let (experiment, source) = read(&[]);
    let scopes: Vec<Scope> =
        experiment.method.iter().map(|m| scope(&experiment, m, &source).unwrap()).collect();
    assert_eq!(scopes[0], Scope::Theorem1(Setting::new(30, 6, 2).unwrap()));
    assert_eq!(scopes[1], Scope::Theorem3(Setting::new(30, 6, 1).unwrap()));
    for (scope, why) in scopes[2..].iter().zip(["krum", "RSA", "momentum"]) {
        assert!(matches!(scope, Scope::Neither(text) if text.contains(why)), "{scope:?}");
    }
    // Problem (1) is over regular workers that stay the same.
    let (experiment, source) =
        read(&[("federation.byzantine", "{ rotating = { count = 6, every = 5 } }")]);
    let rotating = scope(&experiment, &experiment.method[0], &source).unwrap();
    assert!(matches!(rotating, Scope::Neither(text) if text.contains("change")));
    // Everybody takes part in every round.
    let (experiment, source) = read(&[("federation.participation", "{ sample = 20 }")]);
    let part = scope(&experiment, &experiment.method[0], &source).unwrap();
    assert!(matches!(part, Scope::Neither(text) if text.contains("part of the workers")));
    // The default s is read from the registry.
    let (experiment, source) = read(&[("method.0.pre", "[\"resample\"]")]);
    let scope = scope(&experiment, &experiment.method[0], &source).unwrap();
    assert_eq!(scope.setting().unwrap().s(), 2);
}

#[test]
fn too_many_byzantine_workers_are_a_warning_with_a_way_out() {
    assert_eq!(told(&[]), Vec::<String>::new());
    let found = told(&[("federation.byzantine.count", "8")]);
    assert_eq!(
        found,
        [
            "Proposed: B = 8 Byzantine workers are not below W/2s = 7.5 (W = 30, s = 2), beyond which nothing is proven; \
          s = 1 would tolerate it"
        ]
    );
    // Krum's own proof needs W > 2f + 2.
    let found = told(&[("federation.byzantine.count", "14"), ("method.0.pre", "[]")]);
    assert_eq!(found, Vec::<String>::new());
    let found = told(&[("federation.workers", "29"), ("federation.byzantine.count", "14")]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[1].starts_with("Krum: krum is proven to withstand f ≤ 13 of 29 messages"),
        "{found:?}"
    );
}

#[test]
fn what_resampling_adds_to_f_counts_for_the_rule_behind_it() {
    let found = told(&[("method.2.pre", "[\"resample\"]"), ("federation.byzantine.count", "7")]);
    assert_eq!(found, Vec::<String>::new());
    let found = told(&[("method.2.pre", "[{ resample = { s = 3 } }]"), ("method.0.pre", "[]")]);
    let krum = "Krum: krum is proven to withstand f ≤ 14 of 30 messages, and there may be f = 18 after pre-aggregation";
    assert_eq!(found, [krum]);
}

#[test]
fn all_byzantine_workers_may_be_among_the_part_that_takes_part() {
    let part = |participation: &str| told(&[("federation.participation", participation)]);
    // Six of thirty are Byzantine; resampling with s = 2 doubles them for the geometric median.
    assert_eq!(part("{ drop-out = 0.1 }"), Vec::<String>::new());
    let found = part("{ sample = 20 }");
    let proposed = "Proposed: geometric-median is proven to withstand f ≤ 9 of 20 messages, and there may be f = 12 after \
                    pre-aggregation: participation leaves 20 of 30 messages a round, on average";
    assert_eq!(found, [proposed]);
    let found = part("{ sample = 20, drop-out = 0.5 }");
    assert!(
        found.iter().any(|w| w.starts_with("Krum") && w.contains("of 10 messages")),
        "{found:?}"
    );
}

fn with_data<R>(
    edits: &[(&str, &str)],
    then: impl FnOnce(&Experiment, &ExperimentText, &Cell, &fl_data::Loaded) -> R,
) -> R {
    let (experiment, source) = read(edits);
    let data = experiment.data.set.load(experiment.data.scale, &Locations::default()).unwrap();
    let all = cells(&experiment);
    then(&experiment, &source, &all[0], &data)
}

#[test]
fn a_step_beyond_the_bound_is_a_warning_with_the_numbers() {
    let found = with_data(&[], |experiment, source, cell, data| {
        let assignment = assign(cell, data, source).unwrap();
        let problem = problem(cell, data, &assignment, source).unwrap().unwrap();
        assert!((problem.mu - 0.01).abs() < 1e-12);
        assert!(problem.smooth > 1.0 && problem.smooth <= problem.smooth_sample);
        let largest = (0..30).map(|w| assignment.partition.worker(w).len()).max().unwrap();
        assert_eq!((problem.samples, problem.batch), (largest, 4));
        warnings(experiment, source, Some(&problem)).unwrap()
    });
    let methods: Vec<_> = found.iter().map(|w| &*w.method).collect();
    assert_eq!(methods, ["Proposed", "Byrd-SGD"]);
    assert!(found[0].message.contains("Theorem 1's (60)"), "{found:?}");
    assert!(found[0].message.contains("/4, C_sα = 6)"), "{found:?}");
    assert!(found[1].message.contains("Theorem 3's µ/(2L²)"), "{found:?}");
    // A step that is short enough is nobody's concern.
    let found = with_data(&[("train.step", "1e-9")], |experiment, source, cell, data| {
        let assignment = assign(cell, data, source).unwrap();
        let problem = problem(cell, data, &assignment, source).unwrap();
        warnings(experiment, source, problem.as_ref()).unwrap()
    });
    assert_eq!(found, []);
}

#[test]
fn the_problem_is_that_of_the_regular_workers_and_equal_shares_agree_with_unequal_ones() {
    let of = |edits: &[(&str, &str)]| {
        with_data(edits, |_, source, cell, data| {
            let assignment = assign(cell, data, source).unwrap();
            (problem(cell, data, &assignment, source).unwrap(), data.split.train.rows(), assignment)
        })
    };
    let softmax = [("federation.workers", "29"), ("federation.byzantine.count", "0")];
    let (mixed, rows, _) = of(&softmax);
    let (mixed, rows) = (mixed.unwrap(), rows);
    assert!(!rows.is_multiple_of(29) && mixed.samples == rows.div_ceil(29));
    let (whole, ..) = of(&[
        ("federation.workers", "1"),
        ("federation.byzantine.count", "0"),
        ("method.0.pre", "[]"),
        ("method.2.rule", "mean"),
    ]);
    let whole = whole.unwrap();
    // Shares of twelve and of thirteen rows weigh rows a little unequally.
    assert!((mixed.smooth / whole.smooth - 1.0).abs() < 0.1, "{mixed:?} {whole:?}");
    assert_eq!(mixed.smooth_sample, whole.smooth_sample);
    // Without an ℓ₂ term softmax regression is not strongly convex.
    let (none, ..) = of(&[("model.softmax.l2", "0.0")]);
    assert_eq!(none, None);
    let (none, ..) = of(&[("model", "{ perceptron = { hidden = [5] } }")]);
    assert_eq!(none, None);
}

#[test]
fn variations_measured_are_those_of_the_partition() {
    let of = |edits: &[(&str, &str)], rounds: &[u64]| {
        with_data(edits, |_, source, cell, data| {
            let assignment = assign(cell, data, source).unwrap();
            measure(cell, data, &assignment, source, rounds).unwrap()
        })
    };
    let iid = of(&[], &[]);
    let by_class = of(&[("data.partition", "{ by-class = { workers-per-class = 3 } }")], &[]);
    assert_eq!((iid.points, by_class.points), (1, 1));
    // In the i.i.d. case the inner variation is larger, by class the outer one dominates.
    assert!(iid.sigma2 > 5.0 * iid.delta2, "{iid:?}");
    assert!(by_class.delta2 > by_class.sigma2, "{by_class:?}");
    assert!(iid.gradient_norm > 0.0);
    // More points can only raise what finitely many show.
    let more = of(&[], &[1, 5]);
    assert!(more.points == 3 && more.delta2 >= iid.delta2 && more.sigma2 >= iid.sigma2);
    assert_eq!(more.gradient_norm, iid.gradient_norm);
}

#[test]
fn numbers_leave_out_what_cannot_be_known() {
    let setting = Setting::new(30, 8, 2).unwrap();
    let found = numbers(&setting, &Knowns::default()).unwrap();
    assert!(!found.tolerated && found.c_s_alpha.is_none() && found.outer_coefficient.is_none());
    assert_eq!((found.tolerable, found.best_s), (7, Some(1)));
    assert!((found.c_alpha.unwrap() - 44.0 / 14.0).abs() < 1e-12);
    let crowded = numbers(&Setting::new(30, 15, 1).unwrap(), &Knowns::default()).unwrap();
    assert_eq!((crowded.c_alpha, crowded.best_s), (None, None));
    // A problem that is none is an error, and not a guess.
    let problem =
        fl_theory::Problem { mu: -1.0, smooth: 1.0, smooth_sample: 1.0, samples: 1, batch: 1 };
    let knowns = Knowns { problem: Some(problem), ..Knowns::default() };
    assert!(numbers(&Setting::new(30, 1, 2).unwrap(), &knowns).is_err());
}
