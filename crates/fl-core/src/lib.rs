#![doc = include_str!("../README.md")]

// What `spec!` and `choice!` write names this crate as others do.
extern crate self as fl_core;

mod aligned;
mod apart;
mod attack;
mod catalogue;
mod combine;
pub mod data;
mod describe;
mod distances;
mod error;
mod geometry;
mod memory;
mod messages;
mod mixing;
mod network;
mod objective;
mod pipeline;
mod poison;
mod product;
mod rehearsal;
mod rule;
mod scalar;
mod state;
pub mod streams;
mod tile;

pub use aligned::AlignedVec;
pub use attack::{Affine, Attack, AttackSpec, Federation, Knowledge, Known, Rays, Sight, Site};
pub use catalogue::{PartVisitor, Registrable};
pub use combine::{combine, largest, rounding};
pub use data::{Batch, Dataset};
#[cfg(feature = "serde")]
#[doc(hidden)]
pub use describe::NoSettings;
pub use describe::{Choice, Described, Doc, Kind, Parameter, Setting, file_name};
pub use error::{AggregateError, SpecError};
pub use geometry::Geometry;
pub use memory::{in_units, limit_memory, room};
pub use messages::{Messages, MessagesRef};
pub use mixing::Mixing;
pub use objective::{
    Ahead, Curvature, DecoratorSpec, Estimator, EstimatorSpec, Fold, Local, ModelSpec, Objective,
    Workspace,
};
pub use pipeline::{NonFinite, Pipeline, Report, server_bytes};
pub use poison::{Backdoor, Change, Poison, PoisonSpec, Poisoned, Scene, triggered};
pub use rehearsal::Rehearsal;
pub use rule::{
    Certificate, ColumnRule, CoordinateRule, Cost, GeometricRule, Inputs, Needs, NoProbe,
    PreAggregator, PreAggregatorSpec, Probe, Rule, RuleSpec, Shape,
};
pub use scalar::{Scalar, instruction_set};
pub use state::{Part, Visit};
pub use streams::{Cx, Role, Stream, Streams};
pub use tile::Tile;

#[cfg(feature = "serde")]
#[doc(hidden)]
pub use serde;
