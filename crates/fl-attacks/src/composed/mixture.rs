//! Mixtures: different Byzantine workers play different attacks.

use crate::shared::numbered::numbered;
use fl_core::{Attack, AttackContext, AttackSpec, AttackView, Cx, Scalar, SpecError, Visit};

/// A mixture: the Byzantine workers, in rising order, are cut into groups, and each group plays an attack of its own.
///
/// Groups act one after the other. A later group sees what an earlier one sends where an attack looks at the messages of
/// other Byzantine workers; means and spreads are those of the regular messages, or, for an adversary that knows only its own,
/// of the group's true messages.
///
/// # Example
/// ```
/// use fl_attacks::{Attack, AttackSpec, Federation, Mixture, AttackView, SignFlipping, AttackContext, Zero};
/// use fl_core::{Cx, Messages, Streams};
///
/// let mut messages = Messages::from_rows(&[[1.0f32], [2.0], [3.0], [4.0]]);
/// let federation = Federation::new(4, &[1, 2, 3])?;
/// let parts: Vec<Box<dyn AttackSpec<f32>>> = vec![Box::new(Zero), Box::new(SignFlipping::default())];
/// let mut attack = Mixture { parts, counts: None }.build(&AttackContext::new(&federation, 1))?;
/// let streams = Streams::new(0);
/// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
/// let sent: Vec<f32> = (0..4).map(|w| messages.row(w)[0]).collect();
/// assert_eq!(sent, [1.0, 0.0, 0.0, -20.0]);
/// # Ok::<(), fl_attacks::SpecError>(())
/// ```
#[derive(Debug)]
pub struct Mixture<T> {
    /// The attacks.
    pub parts: Vec<Box<dyn AttackSpec<T>>>,
    /// How many workers play each; as equal numbers as can be if left out, the first ones with one more.
    pub counts: Option<Vec<usize>>,
}

impl<T: Scalar> AttackSpec<T> for Mixture<T> {
    fn name(&self) -> &'static str {
        "mixture"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let (n, all) = (self.parts.len(), context.attackers.len());
        if n == 0 {
            return Err(SpecError::new("attacks", "at least 1", 0).of("mixture"));
        }
        let counts = match &self.counts {
            None => (0..n).map(|i| all / n + usize::from(i < all % n)).collect(),
            Some(counts) if counts.len() != n => {
                let allowed = format!("{n} numbers, one for each attack");
                return Err(SpecError::new("counts", allowed, format!("{counts:?}")).of("mixture"));
            }
            Some(counts) if counts.iter().sum::<usize>() != all => {
                let allowed = format!("{all} in sum, the number of Byzantine workers");
                return Err(SpecError::new("counts", allowed, format!("{counts:?}")).of("mixture"));
            }
            Some(counts) => counts.clone(),
        };
        let mut parts = Vec::with_capacity(n);
        let mut from = 0;
        for (i, (part, &count)) in self.parts.iter().zip(&counts).enumerate() {
            let group = &context.attackers[from..from + count];
            from += count;
            parts.push((part.build(&context.with_attackers(group).part(i))?, count));
        }
        Ok(Box::new(Run { parts }))
    }
}

#[derive(Debug)]
struct Run<T> {
    parts: Vec<(Box<dyn Attack<T>>, usize)>,
}

impl<T: Scalar> Attack<T> for Run<T> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let attackers = view.attackers();
        let mut from = 0;
        for (part, count) in &mut self.parts {
            let to = (from + *count).min(attackers.len());
            if from < to {
                part.corrupt(cx, &mut view.of(&attackers[from..to]));
            }
            from = to;
        }
    }

    fn needs_true_messages(&self) -> bool {
        self.parts.iter().any(|(part, count)| *count > 0 && part.needs_true_messages())
    }

    fn looks_back(&self) -> bool {
        self.parts.iter().any(|(part, _)| part.looks_back())
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        for (i, (part, _)) in self.parts.iter_mut().enumerate() {
            numbered(i, &mut **part, visit);
        }
    }
}
