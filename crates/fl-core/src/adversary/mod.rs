//! The adversary: what it sees of a round, what it writes, and what it makes of the defence.

mod attack;
mod defence_model;
mod poison;

pub use attack::{
    Affine, AffineForm, AffineMessages, Attack, AttackContext, AttackSpec, AttackView, Knowledge,
    Known,
};
pub use defence_model::DefenceModel;
pub use poison::{Change, Poison, PoisonContext, PoisonSpec, Poisoned, Trigger, triggered};
