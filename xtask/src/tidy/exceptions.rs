//! What tidy puts up with, and why. This list may only shrink: what is no longer needed is a fault, and so is what grows.

/// What is found, how large it may be, and the reason.
pub(super) const EXCEPTIONS: &[(&str, usize, &str)] = &[
    ("circle crates/fl-agg/src/distance/geometric_median/mod.rs", 2, "not opened yet"),
    ("function crates/fl-attacks/src/message/fang_krum.rs aim", 75, "not divided yet"),
    (
        "upward crates/fl-core/src/spec/describe.rs crates/fl-core/src/data/classes.rs",
        1,
        "what both use is to go into a file below",
    ),
    ("function crates/fl-core/src/adversary/defence_model.rs begin", 78, "not divided yet"),
    ("file crates/fl-core/src/data/dataset.rs", 412, "not divided yet"),
    ("function crates/fl-core/src/data/dataset.rs ordered", 68, "not divided yet"),
    ("function crates/fl-core/src/round/combine.rs with_simd", 66, "not divided yet"),
    ("circle crates/fl-data/src/format/labels.rs", 2, "not opened yet"),
    ("circle crates/fl-data/src/known/content.rs", 5, "not opened yet"),
    ("circle crates/fl-data/src/partition/kind.rs", 2, "not opened yet"),
    ("function crates/fl-data/src/fetch/package.rs pip", 65, "not divided yet"),
    ("function crates/fl-data/src/format/csv/row.rs row", 77, "not divided yet"),
    ("function crates/fl-data/src/format/libsvm.rs read_row", 72, "not divided yet"),
    ("function crates/fl-data/src/format/zip.rs members", 71, "not divided yet"),
    ("file crates/fl-lab/src/store/checkpoint.rs", 418, "not divided yet"),
    ("function crates/fl-sim/src/measure/evaluator.rs measure", 81, "not divided yet"),
    ("function crates/fl-theory/src/law.rs algorithm_1", 61, "not divided yet"),
    (
        "equal crates/fl-agg/src/column/meamed.rs crates/fl-agg/src/column/phocas.rs",
        15,
        "not merged yet",
    ),
    (
        "equal crates/fl-agg/src/distance/centered_clipping.rs crates/fl-agg/src/distance/weiszfeld.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-agg/src/distance/mean.rs crates/fl-resample/tests/suite/far.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-agg/tests/suite/far.rs crates/fl-resample/tests/suite/far.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-attacks/src/composed/random.rs crates/fl-attacks/src/composed/scheduled.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-attacks/src/search/line_search.rs crates/fl-attacks/src/shared/fixed_strength.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-cli/src/command/aggregate.rs crates/fl-cli/src/command/attack.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-cli/src/command/run.rs crates/fl-cli/src/command/tune.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-cli/tests/suite/common/mod.rs crates/fl-lab/tests/suite/common/mod.rs",
        8,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-cli/tests/suite/common/mod.rs crates/fl-lab/tests/suite/theory_config.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-cli/tests/suite/results.rs crates/fl-lab/tests/suite/resume.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    ("equal crates/fl-core/src/catalogue.rs crates/fl-core/src/catalogue.rs", 8, "not merged yet"),
    (
        "equal crates/fl-core/src/num/scalar.rs crates/fl-core/src/num/scalar.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-core/src/parts/objective.rs crates/fl-models/src/model/perceptron/network.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-core/src/parts/objective.rs crates/fl-models/src/shared/linear.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-core/src/parts/objective.rs crates/fl-models/src/shared/network.rs",
        20,
        "not merged yet",
    ),
    (
        "equal crates/fl-core/src/parts/objective.rs crates/fl-saga/tests/suite/common/mod.rs",
        7,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-core/src/parts/pre.rs crates/fl-core/tests/suite/pipeline.rs",
        7,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-core/src/round/geometry.rs crates/fl-core/src/round/geometry.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-data/src/known/error.rs crates/fl-data/src/load/error.rs",
        8,
        "not merged yet",
    ),
    ("equal crates/fl-data/src/load/read.rs crates/fl-data/src/load/read.rs", 7, "not merged yet"),
    (
        "equal crates/fl-data/src/partition/by_group.rs crates/fl-data/src/partition/from_file.rs",
        8,
        "not merged yet",
    ),
    (
        "equal crates/fl-data/src/partition/by_group.rs crates/fl-data/src/partition/iid.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-data/src/partition/equal_sizes.rs crates/fl-data/src/partition/feature_skew.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-data/src/partition/equal_sizes.rs crates/fl-data/src/partition/long_tail.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-data/src/partition/feature_skew.rs crates/fl-data/src/partition/long_tail.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-data/src/partition/from_file.rs crates/fl-data/src/partition/iid.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-lab/tests/suite/common/mod.rs crates/fl-lab/tests/suite/resume.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-lab/tests/suite/participation.rs crates/fl-lab/tests/suite/resume.rs",
        13,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-models/benches/passes/main.rs crates/fl-models/benches/passes/main.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-models/src/kernel/forward.rs crates/fl-models/src/kernel/forward.rs",
        22,
        "not merged yet",
    ),
    (
        "equal crates/fl-models/src/model/perceptron/network.rs crates/fl-models/src/shared/linear.rs",
        15,
        "not merged yet",
    ),
    (
        "equal crates/fl-models/src/model/perceptron/network.rs crates/fl-models/src/shared/network.rs",
        19,
        "not merged yet",
    ),
    (
        "equal crates/fl-models/src/model/perceptron/network.rs crates/fl-saga/tests/suite/common/mod.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-models/src/shared/linear.rs crates/fl-models/src/shared/network.rs",
        19,
        "not merged yet",
    ),
    (
        "equal crates/fl-models/src/shared/linear.rs crates/fl-saga/tests/suite/common/mod.rs",
        6,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-models/src/shared/network.rs crates/fl-models/src/shared/network.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-models/src/shared/network.rs crates/fl-saga/tests/suite/common/mod.rs",
        13,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-resample/src/length/arc.rs crates/fl-resample/src/length/clipping.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-resample/src/length/arc.rs crates/fl-resample/src/mix/nnm.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-resample/src/length/clipping.rs crates/fl-resample/src/mix/nnm.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/around/clip.rs crates/fl-saga/src/around/local_steps.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/around/clip.rs crates/fl-saga/src/around/momentum.rs",
        10,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/dense_saga.rs crates/fl-saga/src/estimator/loopless_svrg.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/dense_saga.rs crates/fl-saga/src/estimator/page.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/dense_saga.rs crates/fl-saga/src/estimator/saga.rs",
        7,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/dense_saga.rs crates/fl-saga/src/estimator/window_saga.rs",
        10,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/dense_saga.rs crates/fl-saga/src/shared/periodic.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/dense_saga.rs crates/fl-saga/src/shared/spread.rs",
        19,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/loopless_svrg.rs crates/fl-saga/src/estimator/page.rs",
        26,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/loopless_svrg.rs crates/fl-saga/src/estimator/window_saga.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/loopless_svrg.rs crates/fl-saga/src/shared/periodic.rs",
        16,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/page.rs crates/fl-saga/src/estimator/window_saga.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/page.rs crates/fl-saga/src/shared/periodic.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/sag.rs crates/fl-saga/src/estimator/saga.rs",
        15,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/sarah.rs crates/fl-saga/src/estimator/svrg.rs",
        6,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/estimator/window_saga.rs crates/fl-saga/src/shared/periodic.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/src/shared/spread.rs crates/fl-saga/src/shared/spread.rs",
        9,
        "not merged yet",
    ),
    (
        "equal crates/fl-saga/tests/suite/allocation.rs crates/fl-saga/tests/suite/state.rs",
        7,
        "set-up of tests that are read on their own",
    ),
    (
        "equal crates/fl-saga/tests/suite/common/mod.rs crates/fl-sim/tests/suite/problem/ridge.rs",
        8,
        "set-up of tests that are read on their own",
    ),
];
