//! What tidy puts up with, and why. This list may only shrink: what is no longer needed is a fault, and so is what grows.

/// What is found, how large it may be, and the reason.
pub(super) const EXCEPTIONS: &[(&str, usize, &str)] = &[
    (
        "equal crates/fl-resample/src/length/arc.rs crates/fl-resample/src/length/median_clipping.rs",
        7,
        "a trait whose methods are one line each, implemented twice",
    ),
    (
        "words crates/fl-models/README.md",
        1070,
        "its measurements have no document of their own yet",
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
        "equal crates/fl-cli/tests/suite/common/mod.rs crates/fl-lab/tests/suite/common/mod.rs",
        8,
        "experiment files that are read on their own",
    ),
    (
        "equal crates/fl-cli/tests/suite/common/mod.rs crates/fl-lab/tests/suite/theory_config.rs",
        6,
        "experiment files that are read on their own",
    ),
    (
        "equal crates/fl-cli/tests/suite/results.rs crates/fl-lab/tests/suite/resume.rs",
        6,
        "experiment files that are read on their own",
    ),
    (
        "equal crates/fl-lab/tests/suite/common/mod.rs crates/fl-lab/tests/suite/resume.rs",
        6,
        "experiment files that are read on their own",
    ),
    (
        "equal crates/fl-lab/tests/suite/participation.rs crates/fl-lab/tests/suite/resume.rs",
        13,
        "experiment files that are read on their own",
    ),
    (
        "equal crates/fl-models/benches/passes/main.rs crates/fl-models/benches/passes/main.rs",
        6,
        "set-up of measurements that are read on their own",
    ),
    (
        "equal crates/fl-saga/tests/suite/common/mod.rs crates/fl-sim/tests/suite/problem/ridge.rs",
        8,
        "set-up of tests that are read on their own",
    ),
];
