//! How things are shown: names, words, tables, curves, progress.

pub(crate) mod board;
pub(crate) mod cells;
pub(crate) mod cost;
pub(crate) mod curves;
pub(crate) mod facts;
pub(crate) mod groups;
pub(crate) mod metric;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod summary;
pub(crate) mod warnings;
pub(crate) mod words;
