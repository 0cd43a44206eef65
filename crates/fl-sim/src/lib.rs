#![doc = include_str!("../README.md")]

mod adversary;
mod error;
mod finite;
mod measure;
mod protocol;
mod roster;
mod setup;
mod simulation;
mod view;
mod workers;

pub use error::SimError;
pub use finite::require_finite;
pub use measure::{
    Evaluator, FullPass, HeldOut, Metrics, NotFound, Optimum, Problem, TOLERANCE, full_pass,
    held_out, minimise,
};
pub use protocol::{
    Adam, Constant, Cosine, HeavyBall, InverseRoot, Plain, ProtocolSpec, Rsa, RsaDecay, RsaOrder,
    Schedule, ServerOptimizer, ServerStep, Steps, Yogi,
};
pub use roster::{Participation, Rotation};
pub use setup::Setup;
pub use simulation::Simulation;
pub use view::{RoundView, View};
pub use workers::ByzantineData;
