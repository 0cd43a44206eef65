//! The rooms of each crate, in order: a file uses its own room and those before it.

/// Folders and files below `src`; the crate's root is above all of them.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "fl-core",
        &["num", "spec", "data", "round", "columns", "parts", "server", "adversary", "catalogue"],
    ),
    ("fl-agg", &["shared", "distance", "column", "both", "aggregate", "rsa"]),
    ("fl-resample", &["shared", "mix", "length"]),
    ("fl-saga", &["shared", "estimator", "around"]),
    ("fl-attacks", &["shared", "message", "composed", "search", "data"]),
    (
        "fl-lab",
        &[
            "tree", "name", "file", "error", "plan", "check", "read", "sweep", "store", "run",
            "theory",
        ],
    ),
    ("fl-models", &["kernel", "shared", "model"]),
    ("fl-data", &["format", "shape", "known", "load", "fetch", "partition"]),
    (
        "fl-theory",
        &[
            "setting",
            "variation",
            "law",
            "concentration",
            "convergence",
            "saga",
            "best",
            "figures",
            "tables",
        ],
    ),
    ("fl-plot", &["error", "figure", "layout", "write"]),
    ("fl-python", &["convert", "parts", "custom", "round", "experiment", "files", "member"]),
    ("fl-report", &["text", "pack", "report", "factors", "groups", "data", "plain", "page"]),
    (
        "fl-updates",
        &[
            "error", "progress", "number", "file", "format", "lowrank", "pairs", "client",
            "inputs", "layout", "open", "columns", "options", "output", "report", "adapters",
            "plan", "run",
        ],
    ),
    (
        "fl-sim",
        &[
            "error",
            "finite",
            "roster",
            "workers",
            "protocol",
            "adversary",
            "setup",
            "view",
            "simulation",
            "measure",
        ],
    ),
    ("fl-cli", &["host", "show", "command"]),
    (
        "xtask",
        &[
            "cmd",
            "statistics",
            "fmt",
            "record",
            "claims",
            "reproduce",
            "strength",
            "benchmarks",
            "fixed_point",
            "soak",
            "cases",
            "cluster",
            "book",
            "release",
            "bench",
            "recipe",
            "pages",
            "python",
            "tidy",
            "ci",
        ],
    ),
];

/// The rooms of a crate.
pub(super) fn of(name: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(n, _)| *n == name).map(|(_, rooms)| *rooms)
}
