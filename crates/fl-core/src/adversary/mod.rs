//! The adversary: what it sees of a round, what it writes, and what it makes of the defence.

mod attack;
mod poison;
mod rehearsal;

pub use attack::{Affine, Attack, AttackSpec, Knowledge, Known, Rays, Sight, Site};
pub use poison::{Backdoor, Change, Poison, PoisonSpec, Poisoned, Scene, triggered};
pub use rehearsal::Rehearsal;
