#![doc = include_str!("../README.md")]

// What `spec!` and `choice!` write names this crate as others do.
extern crate self as fl_core;

mod adversary;
mod catalogue;
mod columns;
pub mod data;
mod num;
mod parts;
mod round;
mod server;
mod spec;

pub use adversary::{
    Affine, AffineForm, AffineMessages, Attack, AttackContext, AttackSpec, AttackView, Change,
    DefenceModel, Knowledge, Known, Poison, PoisonContext, PoisonSpec, Poisoned, Trigger,
    triggered,
};
pub use catalogue::{InFiles, PartVisitor, Registrable};
pub use columns::Tile;
pub use data::{Batch, Dataset};
pub use num::{AlignedVec, Cx, Role, Scalar, Stream, Streams, instruction_set, streams};
pub use parts::{
    Ahead, Certificate, ColumnRule, CoordinateRule, Cost, Curvature, DecoratorSpec, Estimator,
    EstimatorSpec, Fold, GeometricRule, Inputs, Local, ModelSpec, Needs, NoProbe, Objective, Part,
    PreAggregator, PreAggregatorSpec, Probe, Rule, RuleSpec, Shape, Visit, Workspace,
};
pub use round::{
    Federation, Geometry, Messages, MessagesRef, Mixing, RowsMut, Sink, Source, SourceError,
    combine, combine_from, largest, least_tile_bytes, rounding,
};
pub use server::{NonFinite, Pipeline, Report, ServerCost, server_cost};
#[cfg(feature = "serde")]
#[doc(hidden)]
pub use spec::NoSettings;
pub use spec::{
    AggregateError, Described, Doc, Parameter, Setting, SpecError, ValueKind, Variant, file_name,
    in_units, limit_memory, room,
};

#[cfg(feature = "serde")]
#[doc(hidden)]
pub use serde;
