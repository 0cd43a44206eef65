#![doc = include_str!("../README.md")]

mod data;
mod factors;
mod groups;
mod pack;
mod page;
mod plain;
mod report;
mod text;

pub use page::html;
pub use report::{Better, Curve, Matrix, Problem, Quantity, Report, Run, Scale, State};
