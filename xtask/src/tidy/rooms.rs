//! The rooms of each crate, in order: a file uses its own room and those before it.

/// Folders and files below `src`; the crate's root is above all of them.
const ROOMS: &[(&str, &[&str])] = &[
    ("fl-attacks", &["shared", "message", "composed", "search", "data"]),
    ("fl-models", &["kernel", "shared", "model"]),
    ("fl-plot", &["error", "figure", "layout", "write"]),
    ("fl-saga", &["shared", "estimator", "around"]),
];

/// The rooms of a crate.
pub(super) fn of(name: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(n, _)| *n == name).map(|(_, rooms)| *rooms)
}
