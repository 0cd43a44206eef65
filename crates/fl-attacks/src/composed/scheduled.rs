//! Schedules: an attack that sleeps, wakes, and comes and goes.

use crate::shared::one_of::{Choice, OneOf};
use fl_core::{Attack, AttackContext, AttackSpec, Cx, Scalar, SpecError};

/// An attack in some rounds, and another in the others.
///
/// The attack is played in the rounds `from ≤ k < until`, and among these, where it alternates, in `on` rounds after which it
/// rests for `off`, and so on. In all other rounds the Byzantine workers play `otherwise`.
///
/// # Example
/// ```
/// use fl_attacks::{Attack, AttackSpec, Federation, NoAttack, Scheduled, AttackView, AttackContext, Zero};
/// use fl_core::{Cx, Messages, Streams};
///
/// let federation = Federation::new(2, &[1])?;
/// let spec = Scheduled::<f32> {
///     attack: Box::new(Zero),
///     otherwise: Box::new(NoAttack),
///     from: 2,
///     until: None,
///     alternate: Some((1, 2)),
/// };
/// let mut attack = spec.build(&AttackContext::new(&federation, 1))?;
/// let streams = Streams::new(0);
/// let sent = (0..8).map(|round| {
///     let mut messages = Messages::from_rows(&[[1.0f32], [2.0]]);
///     attack.corrupt(&Cx::new(&streams, round), &mut AttackView::new(&mut messages, &federation));
///     messages.row(1)[0]
/// });
/// assert_eq!(sent.collect::<Vec<_>>(), [2.0, 2.0, 0.0, 2.0, 2.0, 0.0, 2.0, 2.0]);
/// # Ok::<(), fl_attacks::SpecError>(())
/// ```
#[derive(Debug)]
pub struct Scheduled<T> {
    /// What is played by schedule.
    pub attack: Box<dyn AttackSpec<T>>,
    /// What is played otherwise.
    pub otherwise: Box<dyn AttackSpec<T>>,
    /// The first round of the attack.
    pub from: u64,
    /// The first round after it; never if left out.
    pub until: Option<u64>,
    /// How many rounds it is played, and then not, in turn; always if left out.
    pub alternate: Option<(u64, u64)>,
}

impl<T: Scalar> AttackSpec<T> for Scheduled<T> {
    fn name(&self) -> &'static str {
        "scheduled"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let Self { from, until, alternate, .. } = *self;
        if let Some(until) = until.filter(|&until| until <= from) {
            let allowed = format!("more than from = {from}");
            return Err(SpecError::new("until", allowed, until).of("scheduled"));
        }
        match alternate {
            Some((0, _)) => return Err(SpecError::new("on", "at least 1 round", 0).of("scheduled")),
            Some((_, 0)) => {
                return Err(SpecError::new("off", "at least 1 round", 0).of("scheduled"));
            }
            _ => {}
        }
        let parts =
            vec![self.attack.build(&context.part(0))?, self.otherwise.build(&context.part(1))?];
        Ok(Box::new(OneOf { parts, choice: Schedule { from, until, alternate } }))
    }
}

/// The first of two parts, or the other one.
#[derive(Debug)]
struct Schedule {
    from: u64,
    until: Option<u64>,
    alternate: Option<(u64, u64)>,
}

impl Choice for Schedule {
    fn choose(&self, cx: &Cx<'_>, _: usize) -> usize {
        let round = cx.round();
        let within = round >= self.from && self.until.is_none_or(|until| round < until);
        let now = within
            && self
                .alternate
                .is_none_or(|(on, off)| (round - self.from) % on.saturating_add(off) < on);
        usize::from(!now)
    }
}
