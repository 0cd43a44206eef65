//! What attacks are: a view of the round in which only Byzantine rows can be written.

use crate::{
    AlignedVec, Cx, Federation, Messages, MessagesRef, Pipeline, Scalar, SpecError, Visit,
};
use rayon::prelude::*;
use std::fmt::Debug;

/// Below this many numbers rows are written one after the other.
const SERIAL: usize = 1 << 15;

crate::choice! {
    /// What the adversary knows of the messages in a round.
    pub enum Knowledge {
        /// The messages of all workers.
        Omniscient,
        /// What Byzantine workers would honestly send, and nothing of the others: the honest mean, spread and so on are
        /// those of the Byzantine workers' own true messages.
        Own,
    }
}

/// Where an attack is to take place: what is known before the first round.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttackContext<'a, T> {
    /// Who is who.
    pub federation: &'a Federation,
    /// Who plays the attack, in rising order: the Byzantine workers, or some of them.
    pub attackers: &'a [u32],
    /// p, the length of a message.
    pub dim: usize,
    /// What the adversary knows.
    pub knowledge: Knowledge,
    /// The server's computation, which an attack may rehearse ([`Pipeline::twin`]); `None` where there is none, as in RSA.
    pub defence: Option<&'a Pipeline<T>>,
    /// The place of this attack among attacks that are made of others; 0 for one that stands alone. It is the address of
    /// draws that belong to no worker ([`crate::Role::AttackChoice`]).
    pub place: usize,
}

impl<'a, T: Scalar> AttackContext<'a, T> {
    /// All Byzantine workers of a federation, omniscient, with messages of `dim` numbers and no server.
    pub fn new(federation: &'a Federation, dim: usize) -> Self {
        let (attackers, knowledge) = (federation.byzantine(), Knowledge::default());
        Self { federation, attackers, dim, knowledge, defence: None, place: 0 }
    }

    /// The same with another knowledge.
    #[must_use]
    pub fn with_knowledge(self, knowledge: Knowledge) -> Self {
        Self { knowledge, ..self }
    }

    /// The same against a server.
    #[must_use]
    pub fn with_defence(self, defence: &'a Pipeline<T>) -> Self {
        Self { defence: Some(defence), ..self }
    }

    /// The same for some of the Byzantine workers.
    #[must_use]
    pub fn with_attackers(self, attackers: &'a [u32]) -> Self {
        Self { attackers, ..self }
    }

    /// The same for part number `i` of an attack that is made of others.
    #[must_use]
    pub fn part(self, i: usize) -> Self {
        // Places of deep nestings may meet; the draws of those choices are then not independent of each other.
        Self { place: (self.place * 31 + i + 1) % (1 << 24), ..self }
    }

    /// How many honest messages the adversary knows in a round.
    pub fn known(&self) -> usize {
        match self.knowledge {
            Knowledge::Omniscient => self.federation.regular().len(),
            Knowledge::Own => self.attackers.len(),
        }
    }
}

/// The honest messages that the adversary knows, from which it takes means and spreads.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a, T> {
    messages: MessagesRef<'a, T>,
    workers: &'a [u32],
}

impl<'a, T: Scalar> Known<'a, T> {
    /// Whose messages they are, in rising order.
    pub fn workers(self) -> &'a [u32] {
        self.workers
    }

    /// How many.
    pub fn count(self) -> usize {
        self.workers.len()
    }

    /// Message number `i`, that of worker `workers()[i]`.
    #[inline]
    pub fn row(self, i: usize) -> &'a [T] {
        self.messages.row(self.workers[i] as usize)
    }

    /// The round's matrix, in which [`Known::workers`] are the rows that may be read.
    pub fn messages(self) -> MessagesRef<'a, T> {
        self.messages
    }
}

/// A round as the adversary has it: it reads what it knows, and writes Byzantine rows only.
#[derive(Debug)]
pub struct AttackView<'a, T> {
    messages: &'a mut Messages<T>,
    federation: &'a Federation,
    attackers: &'a [u32],
    knowledge: Knowledge,
    defence: Option<&'a Pipeline<T>>,
    previous: Option<&'a [T]>,
}

impl<'a, T: Scalar> AttackView<'a, T> {
    /// The view of an omniscient adversary, in which Byzantine rows hold those workers' true messages.
    pub fn new(messages: &'a mut Messages<T>, federation: &'a Federation) -> Self {
        let (attackers, knowledge) = (federation.byzantine(), Knowledge::default());
        Self { messages, federation, attackers, knowledge, defence: None, previous: None }
    }

    /// The same with another knowledge.
    #[must_use]
    pub fn with_knowledge(self, knowledge: Knowledge) -> Self {
        Self { knowledge, ..self }
    }

    /// The same with the server as it stands before the round, whose memory an attack may read.
    #[must_use]
    pub fn with_defence(self, defence: Option<&'a Pipeline<T>>) -> Self {
        Self { defence, ..self }
    }

    /// The same with what the server made of the round before, zeros in the first; every worker can tell it from how the
    /// model moved.
    #[must_use]
    pub fn with_previous(self, previous: Option<&'a [T]>) -> Self {
        Self { previous, ..self }
    }

    /// The same round for some of the Byzantine workers, as the ones before them left it.
    pub fn of<'b>(&'b mut self, attackers: &'b [u32]) -> AttackView<'b, T> {
        let Self { federation, knowledge, defence, previous, .. } = *self;
        AttackView { messages: self.messages, federation, attackers, knowledge, defence, previous }
    }

    /// Who is who.
    pub fn federation(&self) -> &'a Federation {
        self.federation
    }

    /// Who plays the attack, in rising order: the Byzantine workers, or some of them.
    pub fn attackers(&self) -> &'a [u32] {
        self.attackers
    }

    /// What the adversary knows.
    pub fn knowledge(&self) -> Knowledge {
        self.knowledge
    }

    /// The honest messages that the adversary knows: those of the regular workers, or under [`Knowledge::Own`] those of the
    /// attackers themselves, as long as their rows are not yet overwritten; so too where no regular worker takes part.
    pub fn known(&self) -> Known<'_, T> {
        let workers = match self.knowledge {
            Knowledge::Omniscient if !self.federation.regular().is_empty() => {
                self.federation.regular()
            }
            _ => self.attackers,
        };
        Known { messages: self.messages.view(), workers }
    }

    /// The server as it stands before the round.
    pub fn defence(&self) -> Option<&'a Pipeline<T>> {
        self.defence
    }

    /// What the server made of the round before; zeros in the first round, `None` where there is no server.
    pub fn previous(&self) -> Option<&'a [T]> {
        self.previous
    }

    /// p, the length of a message.
    pub fn dim(&self) -> usize {
        self.messages.dim()
    }

    /// The message of worker `w` as it stands.
    ///
    /// # Panics
    /// When the adversary does not know it.
    pub fn row(&self, w: usize) -> &[T] {
        self.look(w);
        self.messages.row(w)
    }

    /// The message of a Byzantine worker, to write.
    ///
    /// # Panics
    /// When `w` is regular.
    pub fn row_mut(&mut self, w: usize) -> &mut [T] {
        assert!(self.federation.is_byzantine(w), "worker {w} is regular");
        self.messages.row_mut(w)
    }

    /// Writes the attackers' rows, in parallel: `write` is given an attacker's place among them, its number, and its row.
    pub fn write(&mut self, write: impl Fn(usize, usize, &mut [T]) + Sync) {
        let attackers = self.attackers;
        if attackers.len() * self.messages.dim() < SERIAL {
            for (place, &w) in attackers.iter().enumerate() {
                write(place, w as usize, self.messages.row_mut(w as usize));
            }
            return;
        }
        self.messages.par_groups_mut(1).enumerate().for_each(|(w, mut row)| {
            if let (Ok(place), Some(row)) = (attackers.binary_search(&(w as u32)), row.next()) {
                write(place, w, row);
            }
        });
    }

    /// Lets Byzantine worker `to` send what worker `from` sends.
    ///
    /// # Panics
    /// When `to` is regular, or the adversary does not know what `from` sends.
    pub fn copy(&mut self, from: usize, to: usize) {
        assert!(self.federation.is_byzantine(to), "worker {to} is regular");
        self.look(from);
        self.messages.copy_row(from, to);
    }

    fn look(&self, w: usize) {
        let knows = self.knowledge == Knowledge::Omniscient || self.federation.is_byzantine(w);
        assert!(knows, "what regular worker {w} sends is not known");
    }
}

/// Messages that are affine in a strength t: attacker number b sends `base + t · direction_b`.
#[derive(Clone, Debug)]
pub struct AffineMessages<T> {
    base: AlignedVec<T>,
    directions: Messages<T>,
}

impl<T: Scalar> AffineMessages<T> {
    /// Zeros for messages of `dim` numbers, with `directions` directions: 1 if all attackers send the same.
    pub fn new(dim: usize, directions: usize) -> Self {
        Self { base: AlignedVec::zeros(dim), directions: Messages::zeros(directions.max(1), dim) }
    }

    /// What is sent at strength 0.
    pub fn base(&self) -> &[T] {
        &self.base
    }

    /// How many directions there are.
    pub fn count(&self) -> usize {
        self.directions.workers()
    }

    /// Which of the directions attacker number `place` goes in.
    pub fn of(&self, place: usize) -> usize {
        place.min(self.count() - 1)
    }

    /// Direction number `d`.
    pub fn direction(&self, d: usize) -> &[T] {
        self.directions.row(d)
    }

    /// Base and directions, to write.
    pub fn parts(&mut self) -> (&mut [T], &mut Messages<T>) {
        (&mut self.base, &mut self.directions)
    }

    /// Base and the direction that all share, to write.
    pub fn shared(&mut self) -> (&mut [T], &mut [T]) {
        (&mut self.base, self.directions.row_mut(0))
    }

    /// What attacker number `place` sends at strength `t`.
    pub fn write(&self, place: usize, t: f64, out: &mut [T]) {
        let direction = self.directions.row(self.of(place));
        pulp::Arch::new().dispatch(|| {
            for ((x, &b), &d) in out.iter_mut().zip(self.base.iter()).zip(direction) {
                *x = T::from_f64(b.to_f64() + t * d.to_f64());
            }
        });
    }
}

/// The affine form of an attack, or `None` where it has none; an error names a setting that cannot work.
pub type AffineForm<T> = Result<Option<Box<dyn Affine<T>>>, SpecError>;

/// An attack whose messages are affine in its strength, so that the strength can be chosen when everything else is known.
pub trait Affine<T: Scalar>: Send + Debug {
    /// Writes the round's base and directions, and gives the strength that the attack has by its own settings.
    fn aim(&mut self, cx: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>)
    -> f64;

    /// The strengths among which a search should look, where the attack's own is `strength`.
    fn range(&self, strength: f64) -> (f64, f64) {
        (0.0f64.min(4.0 * strength), 0.0f64.max(4.0 * strength))
    }

    /// How many directions there are: 1 if all attackers send the same.
    fn directions(&self) -> usize {
        1
    }

    /// As [`Attack::needs_true_messages`].
    fn needs_true_messages(&self) -> bool {
        true
    }

    /// As [`Attack::looks_back`].
    fn looks_back(&self) -> bool {
        false
    }
}

/// What the Byzantine workers send in place of their true messages.
pub trait Attack<T: Scalar>: Send + Debug {
    /// Overwrites the rows of the attackers ([`AttackView::attackers`]).
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>);

    /// Whether the Byzantine workers' true messages are looked at; if not they need not be computed.
    fn needs_true_messages(&self) -> bool {
        true
    }

    /// Whether the server's last output is looked at ([`AttackView::previous`]), which a checkpoint then has to hold.
    fn looks_back(&self) -> bool {
        false
    }

    /// Shows everything that later rounds depend on, part by part, as [`crate::Estimator::state`] does; nothing for an attack
    /// without memory.
    fn state(&mut self, visit: &mut Visit<'_, T>) {
        let _ = visit;
    }
}

/// An attack as data.
pub trait AttackSpec<T: Scalar>: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// The attack in this context.
    ///
    /// # Errors
    /// When it cannot be carried out there.
    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError>;

    /// The attack with its strength left open; `None` for one that has none.
    ///
    /// # Errors
    /// As [`AttackSpec::build`].
    fn affine(&self, context: &AttackContext<'_, T>) -> AffineForm<T> {
        let _ = context;
        Ok(None)
    }
}
