//! A random choice: another attack each round.

use crate::shared::one_of::{Choice, OneOf};
use fl_core::streams::below;
use fl_core::{Attack, AttackContext, AttackSpec, Cx, Role, Scalar, SpecError};

/// One of several attacks, drawn uniformly in each round and played by all Byzantine workers.
///
/// An attack with memory learns in the rounds in which it is played.
///
/// # Randomness
/// The choice is drawn from the stream of (`AttackChoice`, the attack's place, round).
///
/// # Example
/// ```
/// use fl_attacks::{Attack, AttackSpec, Federation, Random, AttackView, AttackContext, Zero, Ipm};
/// use fl_core::{Cx, Messages, Streams};
///
/// let federation = Federation::new(2, &[1])?;
/// let parts: Vec<Box<dyn AttackSpec<f32>>> = vec![Box::new(Zero), Box::new(Ipm::default())];
/// let mut attack = Random { parts }.build(&AttackContext::new(&federation, 1))?;
/// let streams = Streams::new(0);
/// let mut seen = std::collections::BTreeSet::new();
/// for round in 0..50 {
///     let mut messages = Messages::from_rows(&[[1.0f32], [2.0]]);
///     attack.corrupt(&Cx::new(&streams, round), &mut AttackView::new(&mut messages, &federation));
///     seen.insert(messages.row(1)[0] as i32);
/// }
/// assert_eq!(seen.into_iter().collect::<Vec<_>>(), [-2, 0]);
/// # Ok::<(), fl_attacks::SpecError>(())
/// ```
#[derive(Debug)]
pub struct Random<T> {
    /// The attacks.
    pub parts: Vec<Box<dyn AttackSpec<T>>>,
}

impl<T: Scalar> AttackSpec<T> for Random<T> {
    fn name(&self) -> &'static str {
        "random"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        if self.parts.is_empty() {
            return Err(SpecError::new("attacks", "at least 1", 0).of("random"));
        }
        let parts = self.parts.iter().enumerate().map(|(i, part)| part.build(&context.part(i)));
        let choice = Uniform { place: context.place };
        Ok(Box::new(OneOf { parts: parts.collect::<Result<_, _>>()?, choice }))
    }
}

/// All parts are equally likely.
#[derive(Debug)]
struct Uniform {
    place: usize,
}

impl Choice for Uniform {
    fn choose(&self, cx: &Cx<'_>, parts: usize) -> usize {
        below(&mut cx.draw(Role::AttackChoice, self.place), parts as u32) as usize
    }
}
