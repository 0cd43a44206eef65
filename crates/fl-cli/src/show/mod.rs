//! How things are shown: names, words, tables, curves, progress.

pub(crate) mod board;
pub(crate) mod cells;
pub(crate) mod cost;
pub(crate) mod curves;
pub(crate) mod definitions;
pub(crate) mod experiment_folder;
pub(crate) mod facts;
pub(crate) mod grid;
pub(crate) mod groups;
pub(crate) mod heat;
pub(crate) mod leaderboard;
pub(crate) mod metric;
pub(crate) mod panels;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod summary;
pub(crate) mod theory;
pub(crate) mod transfer;
pub(crate) mod warnings;
pub(crate) mod words;
