//! What the parts of a federation promise: rules, pre-aggregators, models, estimators, and state that is carried on.

mod estimator;
mod objective;
mod pre;
mod rule;
mod shape;
mod state;

pub use estimator::*;
pub use objective::*;
pub use pre::{PreAggregator, PreAggregatorSpec};
pub use rule::{
    Certificate, ColumnRule, CoordinateRule, GeometricRule, Inputs, Needs, NoProbe, Probe, Rule,
    RuleSpec,
};
pub use shape::{Cost, Shape};
pub use state::{Part, Visit};
